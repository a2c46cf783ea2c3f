//! What a durable backend can do beyond answering: be copied as a whole, take a commit back, show earlier moments.

use std::collections::HashSet;
use std::path::Path;

use steadfast_model::{
    ChunkId, ContentHash, Counts, DocumentKey, Finding, Namespace, Row, RowSet, Seq, Timestamp,
};

use crate::backend::Fetched;
use crate::error::StoreError;
use crate::files::Disk;
use crate::sqlite::Vectors;

/// Upkeep of a durable backend.
pub trait Upkeep: Send + Sync {
    /// Returns the disk that the store lies on.
    fn disk(&self) -> &dyn Disk;

    /// Returns the folder of the store.
    fn folder(&self) -> &Path;

    /// Copies the store as it is at one moment into `file`, which must be empty or absent, while others write.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or the copy not be written; what is in the file then is
    /// of no use.
    ///
    /// # Durability
    /// The copy survives a loss of power when this returns; its entry in the folder is the caller's to flush.
    fn copy_to(&self, file: &Path) -> Result<(), StoreError>;

    /// Returns what taking the commit `seq` back would do; changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn plan_undo(&self, seq: Seq) -> Result<UndoPlan, StoreError>;

    /// Takes a commit back in a new commit, when nothing has come in between since the plan was made.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the plan allows nothing, or no longer fits; other errors when the store
    /// cannot be written. Then nothing is changed.
    ///
    /// # Durability
    /// As with [`crate::Backend::commit`].
    fn undo(&self, plan: &UndoPlan, actor: &str) -> Result<Undone, StoreError>;

    /// Returns what letting go of the history before a time would take; changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn plan_prune(&self, before: Timestamp) -> Result<PrunePlan, StoreError>;

    /// Lets go of what a plan names: versions that were replaced or removed before the first moment that is kept.
    /// Live chunks are not touched, and the log keeps its events.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. What is gone by then is gone, and the log says so; the next
    /// run takes the rest.
    ///
    /// # Durability
    /// As with [`crate::Backend::commit`].
    fn prune(&self, plan: &PrunePlan, actor: &str) -> Result<Option<Seq>, StoreError>;
}

/// What letting go of old history would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunePlan {
    /// The first moment that is kept: the store can be asked for what it held after this commit, and any later one.
    pub kept_from: Seq,
    /// Versions of chunks that go.
    pub versions: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Notes of what chunks were before they moved, which go as well.
    pub moves: u64,
}

/// What taking back a commit would do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndoPlan {
    /// The commit.
    pub seq: Seq,
    /// What it did.
    pub operation: String,
    /// The namespace it was about.
    pub namespace: Option<Namespace>,
    /// The source it was about.
    pub source: Option<String>,
    /// Chunks that it removed and that come back, each as a new row with the same text.
    pub restores: Vec<Row>,
    /// Chunks that it added and that leave.
    pub removes: Vec<Row>,
    /// Chunks that get back the place and the attributes that they had before.
    pub moves: Vec<Row>,
    /// What it did that cannot or need not be taken back, each with the reason.
    pub skipped: Vec<Skipped>,
    /// Why nothing of it can be taken back, when that is so.
    pub refusal: Option<UndoRefusal>,
}

/// A part of a commit that is not taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// How many chunks.
    pub chunks: u64,
    /// `forgotten`: the text was forgotten and cannot come back; `removed_since`: what it added is gone already;
    /// `there_already`: the note that it removed was told again since.
    pub reason: &'static str,
}

/// Why a commit cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UndoRefusal {
    /// There is no such commit.
    #[error("there is no commit {}", .0.0)]
    NoSuchCommit(Seq),
    /// It forgot; what is forgotten is gone for good.
    #[error("commit {} forgot, and what is forgotten cannot come back", .0.0)]
    Forgot(Seq),
    /// It gave a namespace or a source another name, and the log does not keep the old one.
    #[error("commit {} renamed a namespace or a source: give it its old name back instead", .0.0)]
    Renamed(Seq),
    /// It gave a tag another name that folders or files were given too, and which of them had the old one is not kept.
    #[error("commit {} renamed a tag that folders give their files: give it its old name back instead", .0.0)]
    RenamedOfRoots(Seq),
    /// It wrote records of a collection.
    #[error("commit {} changed a collection: write the records anew through it", .0.0)]
    OfCollection(Seq),
    /// It changed no chunk, or what it changed is gone.
    #[error("commit {} changed no chunk that is still there", .0.0)]
    NothingToUndo(Seq),
    /// What it replaced is older than the history that is kept.
    #[error("commit {} is older than the history that is kept", .0.0)]
    Pruned(Seq),
    /// Later commits build on it.
    #[error("later commits changed the same source: {}", later(.0))]
    ChangedSince(Vec<Seq>),
}

fn later(commits: &[Seq]) -> String {
    let mut names: Vec<String> = commits
        .iter()
        .take(10)
        .map(|seq| seq.0.to_string())
        .collect();
    if commits.len() > names.len() {
        names.push(format!("and {} more", commits.len() - names.len()));
    }
    names.join(", ")
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// The new commit.
    pub seq: Seq,
    /// What it did.
    pub counts: Counts,
    /// The ids of the chunks that came back.
    pub ids: Vec<ChunkId>,
}

/// The way from a view of one moment to earlier ones.
///
/// What was forgotten since is in none of them.
pub trait History {
    /// Returns the last commit that was made at or before a time, by the clocks of those who made them; 0 for none.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn seq_at(&self, time: Timestamp) -> Result<Seq, StoreError>;

    /// Returns when a commit was made, by the clock of its process; none when there is no such commit.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn time_of(&self, seq: Seq) -> Result<Option<Timestamp>, StoreError>;

    /// Returns the first moment that is kept: what the store held before this commit was let go of. 0 when nothing was.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn kept_from(&self) -> Result<Seq, StoreError>;

    /// Returns the rows that were live after the commit `seq`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn live_at(&self, seq: Seq) -> Result<RowSet, StoreError>;

    /// Returns the rows that came into this store after the commit `seq`, from another one which had them at `time`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn brought_at(&self, time: Timestamp, seq: Seq) -> Result<RowSet, StoreError>;

    /// Returns the versions of a document that are no longer live and were not forgotten, in order of row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn past_of(&self, document: DocumentKey) -> Result<Vec<PastRow>, StoreError>;

    /// Returns the texts of a document that were forgotten one by one and stay out of it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn forgotten_of(&self, document: DocumentKey) -> Result<HashSet<ContentHash>, StoreError>;

    /// Returns when each of some rows came, by the clocks of the store that it is from; none for rows that are not
    /// there.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn came_at(&self, rows: &[Row]) -> Result<Vec<Option<Timestamp>>, StoreError>;

    /// Returns chunks by row with the place and the attributes that they had after the commit `seq`; unknown rows
    /// are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn fetch_at(&self, rows: &[Row], seq: Seq) -> Result<Fetched, StoreError>;

    /// Hands over the vector of each row that has one in the active space, none for one that does not have its hash,
    /// until `each` returns false.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn vectors_of(&self, rows: &[Row], each: &mut Vectors<'_>) -> Result<(), StoreError>;

    /// Returns those of some rows, live or history, that have no vector in the active space and may have one: it was
    /// still to come when they left, or another model embedded them.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn without_vector(&self, rows: &[Row]) -> Result<Vec<Row>, StoreError>;
}

/// A version that is no longer live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRow {
    /// Its row.
    pub row: Row,
    /// The hash of its text.
    pub content_hash: ContentHash,
    /// The line that it began on.
    pub start_line: u32,
    /// When it came, by the clocks of the store that it is from.
    pub added: Timestamp,
    /// When it left.
    pub removed: Timestamp,
}

/// What [`crate::Backend::scrub`] compared, and what all slices together have found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Scrubbed {
    /// How many times every row has been compared.
    pub pass: u64,
    /// The last row that was compared in this pass.
    pub row: Row,
    /// The last row of the store; 0 when nothing was compared.
    pub last_row: Row,
    /// The pass came to its end.
    pub finished: bool,
    /// Live and past chunks whose text was hashed in this slice.
    pub chunks: u64,
    /// Vectors that were hashed in this slice.
    pub vectors: u64,
    /// Bytes of text that were hashed in this slice.
    pub text_bytes: u64,
    /// Index rows that were compared with the store in this slice.
    pub index_rows: u64,
    /// What is wrong, by this slice and those before it.
    pub findings: Vec<Finding>,
}
