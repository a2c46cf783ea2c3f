//! Documents: what a source was when it was last looked at.

use crate::ids::{ContentHash, DocumentKey, Namespace, Seq};
use crate::time::Timestamp;

/// What tells that a file has not changed since it was read.
///
/// Equal size, times and inode mean unchanged, unless the file was modified so
/// shortly before it was read that a later edit could carry the same time
/// ([`Self::racy`]); then, and whenever they differ, the hash decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time in nanoseconds since 1970, 0 where the system has none.
    pub ctime_ns: i64,
    /// Inode number, 0 where the system has none.
    pub inode: u64,
    /// Hash of the bytes that were read.
    pub hash: ContentHash,
    /// The times are too close to the moment of reading to be trusted.
    pub racy: bool,
}

/// What became of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentStatus {
    /// Its chunks are live and searchable.
    Indexed,
    /// It was looked at and left out, for a reason.
    Skipped,
    /// It was indexed, and could not be read since: its chunks may be out of date.
    Stale,
    /// It is gone from the disk; its chunks are history.
    Removed,
    /// The user asked to forget it; it stays out.
    Forgotten,
}

impl DocumentStatus {
    /// All statuses, in the order of their stored numbers.
    pub const ALL: [Self; 5] = [
        Self::Indexed,
        Self::Skipped,
        Self::Stale,
        Self::Removed,
        Self::Forgotten,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Indexed => "indexed",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
            Self::Removed => "removed",
            Self::Forgotten => "forgotten",
        }
    }
}

/// A source as the store knows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The internal key.
    pub key: DocumentKey,
    /// The namespace.
    pub namespace: Namespace,
    /// The source.
    pub source: String,
    /// What became of it.
    pub status: DocumentStatus,
    /// Why, when it is not simply indexed.
    pub reason: Option<String>,
    /// What it was when it was last read.
    pub fingerprint: Option<Fingerprint>,
    /// How many live chunks it has.
    pub chunks: u64,
    /// When it was last indexed or looked at with a result.
    pub indexed_at: Timestamp,
    /// The commit that last touched it.
    pub seq: Seq,
}

impl Document {
    /// Returns a document without chunks, fingerprint or reason; backends fill in the rest.
    pub fn new(
        key: DocumentKey,
        namespace: Namespace,
        source: String,
        status: DocumentStatus,
    ) -> Self {
        Self {
            key,
            namespace,
            source,
            status,
            reason: None,
            fingerprint: None,
            chunks: 0,
            indexed_at: Timestamp::default(),
            seq: Seq::default(),
        }
    }
}
