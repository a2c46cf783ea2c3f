//! Where index files live, how they are published, and whether what lies there can be trusted.
//!
//! An index is a folder with immutable segment files and one manifest per
//! generation, `MANIFEST-<generation>`. The store's own row of the index names
//! the generation that counts: publishing is that row's commit, so there is no
//! moment at which files and store disagree. Files are written and flushed
//! before it, and swept after it by whoever published.
//!
//! A generation is a count of publications with random bits below it. So when
//! an older copy of the store is put back, and then has as many commits and
//! publications again, the index of the one is not that of the other.
//!
//! Everything here is disposable. A manifest or segment that is missing or
//! does not have its hash is never used: it is set aside, and the caller
//! answers from the store until the index is made anew.
//!
//! | File | Question it answers |
//! |---|---|
//! | `manifest` | Which segments make up a generation, and what died in them? |
//! | `folder` | Where are the files; which are swept, which set aside? |
//! | `kinds` | What do text and vector segments have in common? |
//! | `plan` | Which segments are to be merged? |
//! | `mapped` | How is a file read without copying it? |

mod bytes;
mod folder;
mod kinds;
mod manifest;
mod mapped;
mod plan;

pub(crate) use folder::Folder;
pub(crate) use kinds::{Kind, TextKind, VectorKind, VectorSegment};
pub(crate) use manifest::{Manifest, Part};
pub(crate) use mapped::Mapped;
pub(crate) use plan::{Weight, to_merge};

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use steadfast_model::{Row, RowSet, Seq};

/// The random bits of a generation.
const NONCE_BITS: u32 = 24;
/// Counts start over beyond this, so that numbers of files, which begin with their generation's, have room.
const PUBLICATIONS_MAX: u64 = (1 << 24) - 1;

/// Returns the generation to publish after one that was published.
pub(crate) fn generation_after(published: Option<u64>) -> u64 {
    let count = (published.map_or(0, publications) + 1) & PUBLICATIONS_MAX;
    let nonce = RandomState::new().build_hasher().finish() >> (u64::BITS - NONCE_BITS);
    (count << NONCE_BITS) | nonce
}

/// Returns how many publications a generation counts.
pub(crate) fn publications(generation: u64) -> u64 {
    generation >> NONCE_BITS
}

/// A generation of an index, open and verified.
#[derive(Debug)]
pub(crate) struct Loaded<S> {
    pub(crate) manifest: Manifest,
    /// In the order of the manifest's parts.
    pub(crate) segments: Vec<S>,
    /// What is mapped of each segment, in the same order.
    pub(crate) mapped: Vec<Mapped>,
    /// Rows of the segments that were live when the generation was published.
    pub(crate) rows: RowSet,
}

/// What is known of an index at some moment of the store.
#[derive(Debug)]
pub(crate) enum State<S> {
    /// It can be searched.
    Ready(Arc<Loaded<S>>),
    /// Its files are gone, or of another analyser or model.
    Missing(String),
    /// Its files are not what was published.
    Damaged(String),
}

impl<S> Clone for State<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Ready(loaded) => Self::Ready(Arc::clone(loaded)),
            Self::Missing(why) => Self::Missing(why.clone()),
            Self::Damaged(why) => Self::Damaged(why.clone()),
        }
    }
}

impl<S> State<S> {
    pub(crate) fn ready(&self) -> Option<&Arc<Loaded<S>>> {
        match self {
            Self::Ready(loaded) => Some(loaded),
            Self::Missing(_) | Self::Damaged(_) => None,
        }
    }

    /// Returns the state in one word.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ready(_) => "ready",
            Self::Missing(_) => "missing",
            Self::Damaged(_) => "damaged",
        }
    }

    /// Returns what is wrong, if something is.
    pub(crate) fn trouble(&self) -> Option<&str> {
        match self {
            Self::Ready(_) => None,
            Self::Missing(why) | Self::Damaged(why) => Some(why),
        }
    }
}

impl<S> Loaded<S> {
    /// Returns the index of a store that has published none: every row is in its tail.
    pub(crate) fn empty(manifest: Manifest) -> Self {
        Self {
            manifest,
            segments: Vec::new(),
            mapped: Vec::new(),
            rows: RowSet::new(),
        }
    }

    /// Returns the last row that the index has seen.
    pub(crate) fn row(&self) -> Row {
        self.manifest.row
    }

    /// Returns the last commit that the index has seen.
    pub(crate) fn seq(&self) -> Seq {
        self.manifest.seq
    }
}
