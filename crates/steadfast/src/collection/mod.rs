//! Collections: records under ids of the caller's, with the semantics that the field knows from Chroma.
//!
//! The lower-level interface that the library, an HTTP API and importers share.
//! A record is one chunk of one document, never cut: the namespace
//! `collection:<name>` names the collection, the source is the id. So a record
//! has all that chunks have, among it hashes that are checked on every read,
//! one commit for one call, and searches by word in any process. A search that
//! names no namespace leaves collections out.
//!
//! Invariants: a call is one commit or nothing; every refusal comes before the
//! first write; a filter acts before candidates are chosen; every answer is
//! exact; vectors of two spaces are never compared.
//!
//! What is deliberately not here: how a backend keeps records (the crates
//! below), wire formats, and the environment.
//!
//! | File | Question it answers |
//! |---|---|
//! | `handle` | Which collections are there, and how do I get at one? |
//! | `request` | What can be asked, and what comes back? |
//! | `check` | Is this call one that can be carried out? |
//! | `write` | How do records get in and out? |
//! | `read` | Which records are meant, and what is in them? |
//! | `query` | Which records are nearest? |
//! | `distance` | How far apart are two vectors? |
//! | `registry` | Which backend keeps them? |
//! | `watch` | Is the store still the one that was opened? |
//! | `conformance` | What must every backend do? |

mod check;
mod distance;
mod handle;
mod query;
mod read;
mod registry;
mod request;
mod watch;
mod write;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use check::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, ID_BYTES_MAX, QUERIES_MAX};
pub use handle::{
    Collection, CollectionInfo, CollectionOptions, Collections, CollectionsHealth, REDACT_KEY,
};
pub(crate) use handle::{Parts, redacts};
pub use registry::{Capability, Choice, DEFAULT, Origin, Provider, Registry};
pub use request::{
    DeleteRequest, Deleted, Field, GetRequest, GetResult, QueryRequest, QueryResult, Questions,
    Records, Written,
};
pub(crate) use watch::Watch;
pub(crate) use write::{Cleaned, prepare};
