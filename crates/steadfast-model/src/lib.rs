//! The words of Steadfast: ids, documents, chunks, filters, hits, coverage.
//!
//! Every other crate speaks in these types. What is deliberately not here:
//! I/O of any kind, the wall clock, randomness, SQL, wire formats.
//!
//! # Layout
//!
//! - identity: [`ids`], [`time`]
//! - what is stored: [`chunk`], [`document`], [`record`], [`root`], [`mod@write`]
//! - what indexes hold: [`terms`], [`vector`], [`codes`], [`rowset`]
//! - questions and answers: [`filter`], [`expression`], [`text_filter`], [`answer`]
//! - what is wrong and what to do: [`fault`]

pub mod ids;
pub mod time;

pub mod chunk;
pub mod document;
pub mod record;
pub mod root;
pub mod write;

pub mod codes;
pub mod rowset;
pub mod terms;
pub mod vector;

pub mod answer;
pub mod expression;
pub mod filter;
pub mod text_filter;

pub mod fault;

pub use answer::{AlsoIn, Coverage, Finding, Hit, Match, NotSearched, Severity};
pub use chunk::{Attributes, Chunk, Kind, Metadata, NewChunk, Place, Trust};
pub use document::{Document, DocumentStatus, Fingerprint};
pub use expression::{Expression, ExpressionError};
pub use fault::{Fault, Retry};
pub use filter::{Filter, FilterError, Validity};
pub use ids::{ChunkId, ContentHash, DocumentKey, IdError, Namespace, Row, Seq, StoreId};
pub use record::{
    CollectionChange, CollectionKey, CollectionSpace, Distance, NewRecord, RecordsWrite,
    StoredCollection, WriteMode,
};
pub use root::{Assignment, Root};
pub use rowset::RowSet;
pub use terms::{Analyze, AnalyzerId, HashedTerms};
pub use text_filter::TextFilter;
pub use time::{Clock, FixedClock, TimeError, Timestamp};
pub use vector::{ModelId, Vector};
pub use write::{
    Change, Counts, LateVector, NoteWrite, Outcome, PastDocument, PastVersion, PutDocument,
    Refusal, RestoreDocument, Said, Settled,
};
