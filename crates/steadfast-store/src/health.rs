//! How a store is doing, and what a comparison of everything with everything found.

use steadfast_model::{Finding, ModelId, Seq};

/// The state of a store in numbers.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The schema of the ground state.
    pub schema: i64,
    /// The last commit.
    pub generation: Seq,
    /// The journal in force.
    pub journal: String,
    /// Live chunks.
    pub chunks: u64,
    /// Indexed documents.
    pub sources: u64,
    /// Documents that were left out or are out of date.
    pub skipped: u64,
    /// Namespaces with live chunks.
    pub namespaces: u64,
    /// Vector spaces in the store, the active one first.
    pub models: Vec<ModelId>,
    /// Derived state.
    pub indexes: Vec<IndexHealth>,
    /// Jobs by state.
    pub jobs: Vec<(String, u64)>,
    /// What is wrong.
    pub problems: Vec<Finding>,
    /// Bytes of the ground state and of the derived state on disk.
    pub bytes: u64,
}

/// The state of one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexHealth {
    /// Its name.
    pub name: String,
    /// The last commit it has seen.
    pub watermark: Seq,
    /// Rows in it.
    pub rows: u64,
    /// Live rows it has not seen.
    pub tail: u64,
    /// `ready`, `behind`, `missing`, `damaged`.
    pub state: String,
}

/// What [`Backend::verify`](crate::Backend::verify) compared, and what it found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// Live and past chunks whose text was hashed.
    pub chunks: u64,
    /// Vectors that were hashed.
    pub vectors: u64,
    /// Bytes of text that were hashed.
    pub text_bytes: u64,
    /// Index rows that were compared with the store.
    pub index_rows: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}
