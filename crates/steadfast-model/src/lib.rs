//! The words of Steadfast: ids, documents, chunks, filters, hits, coverage.

pub mod ids;
pub mod rowset;
pub mod terms;
pub mod time;
pub mod vector;

pub use ids::{ChunkId, ContentHash, DocumentKey, IdError, Namespace, Row, Seq, StoreId};
pub use rowset::RowSet;
pub use terms::{Analyze, AnalyzerId, HashedTerms};
pub use time::{Clock, FixedClock, TimeError, Timestamp};
pub use vector::{ModelId, Vector};
