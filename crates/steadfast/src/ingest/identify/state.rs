//! What the system says of a file without reading it, and what that proves.

use std::fs::Metadata;

use steadfast_model::{Fingerprint, Timestamp};

/// How close to the moment of reading a file may have been changed for its times to prove nothing.
///
/// Two seconds is the coarsest clock of a common file system (FAT).
const RACY_NS: i64 = 2_000_000_000;

/// What the system says of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time in nanoseconds since 1970, 0 where the system has none.
    pub ctime_ns: i64,
    /// Inode number, 0 where the system has none.
    pub inode: u64,
    /// Device the inode belongs to, 0 where the system has none.
    pub device: u64,
}

impl FileState {
    /// Returns the state that `metadata` tells of.
    #[cfg(unix)]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            size: metadata.len(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    /// Returns the state that `metadata` tells of.
    #[cfg(not(unix))]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        let mtime_ns = metadata
            .modified()
            .ok()
            .map(|time| match time.duration_since(std::time::UNIX_EPOCH) {
                Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => {
                    i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, std::ops::Neg::neg)
                }
            })
            .unwrap_or(0);
        Self {
            size: metadata.len(),
            mtime_ns,
            ctime_ns: 0,
            inode: 0,
            device: 0,
        }
    }

    /// Returns whether both are states of one file, whatever was written to it in between.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.inode, self.device) == (other.inode, other.device)
    }
}

#[cfg(unix)]
fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// Whether a file must be read to know its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what it was: the store knows its content.
    Unchanged,
    /// It differs, or its times prove nothing.
    MustRead,
}

/// Decides from times, size and inode whether a file is what it was when `known` was taken.
pub fn unchanged(known: &Fingerprint, state: &FileState) -> Verdict {
    let equal = known.size == state.size
        && known.mtime_ns == state.mtime_ns
        && known.ctime_ns == state.ctime_ns
        && known.inode == state.inode;
    if equal && !known.racy {
        Verdict::Unchanged
    } else {
        Verdict::MustRead
    }
}

/// Returns whether a file read at `now` was changed so shortly before, or so
/// far in the future, that a later edit could leave it with the same times.
pub fn racy(state: &FileState, now: Timestamp) -> bool {
    let settled_ns = now.0.saturating_mul(1_000_000).saturating_sub(RACY_NS);
    state.mtime_ns > settled_ns || state.ctime_ns > settled_ns
}
