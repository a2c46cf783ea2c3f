//! The palace doctor: what is wrong with a palace of MemPalace or another Chroma folder, and making it whole.
//!
//! Invariants: a look reads a private copy and changes nothing; setting aside
//! renames and never removes; a repair copies the database first, then changes
//! it in one transaction, and embeds nothing again but rows whose vector is
//! nowhere, and those only with a model that was proven to be the palace's.
//! Whatever moment it is killed at, the palace is the old or the repaired one,
//! and a second run finishes. What is deliberately not here: mending a damaged
//! database file; `import` reads what can be read of one.
//!
//! How a repair is one transaction: the vectors that were in a damaged index are
//! put into Chroma's own queue, in numbers below the operations that are there,
//! and the segment gets a new id. To Chroma that is a new, empty index, which it
//! fills from the queue when it opens the palace. The old folder belongs to
//! nobody from the commit on, and is set aside after it.
//!
//! | File | Question it answers |
//! |---|---|
//! | `ground` | What does the database say? |
//! | `analysis` | Is every row indexed or queued, and if not, where is its vector? |
//! | `embed` | Can rows whose vector is nowhere be embedded again? |
//! | `look` | What is said about it? |
//! | `plan` | What would mend it? |
//! | `folders` | Which folders are segments, and how is one set aside? |
//! | `users` | Who else has it open? |
//! | `backup` | Where does the original stay? |
//! | `repair` | How is the plan carried out? |

mod analysis;
mod backup;
mod embed;
mod folders;
mod ground;
mod look;
mod plan;
mod repair;
mod users;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use steadfast_embed::Embed;
use steadfast_model::{Clock, Finding};
use steadfast_store::files::Disk;

use crate::config::Options;

pub use look::examine_palace;
pub use repair::{quarantine_palace, repair_palace};

/// How a palace is looked at and mended.
#[derive(Clone)]
#[non_exhaustive]
pub struct PalaceOptions {
    /// Where private copies are made.
    pub scratch: PathBuf,
    /// Indexes that are so much older than the database are found as well; none looks at no times.
    pub stale_after: Option<Duration>,
    /// Act although another process has the palace open.
    pub force: bool,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The disk that the palace lies on.
    pub disk: Arc<dyn Disk>,
    /// What embeds rows again whose vector is nowhere, if it makes the vectors that the palace has; without it they are
    /// listed.
    pub embed: Option<Arc<dyn Embed>>,
}

impl PalaceOptions {
    /// Returns options with a folder for private copies, and the clock and disk of a handle.
    pub fn new(scratch: impl Into<PathBuf>, opening: &Options) -> Self {
        Self {
            scratch: scratch.into(),
            stale_after: None,
            force: false,
            clock: Arc::clone(&opening.clock),
            disk: Arc::clone(&opening.disk),
            embed: None,
        }
    }
}

impl std::fmt::Debug for PalaceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PalaceOptions")
            .field("scratch", &self.scratch)
            .field("stale_after", &self.stale_after)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

/// What was found in a palace, and what a repair would do or did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PalaceDiagnosis {
    /// What is wrong; after a repair, what is still wrong.
    pub findings: Vec<Finding>,
    /// What a repair would do.
    pub plan: Vec<PalaceStep>,
    /// What was done, each in a sentence.
    pub applied: Vec<String>,
    /// Rows that Chroma counts, before.
    pub rows_before: Option<u64>,
    /// Rows that Chroma counts, after.
    pub rows_after: Option<u64>,
    /// The collections, by name.
    pub collections: Vec<PalaceCollection>,
    /// Rows whose vector is nowhere, the first [`LOST_MAX`].
    pub lost: Vec<LostRow>,
    /// Where the database of before a repair is kept.
    pub backup: Option<PathBuf>,
}

/// How many rows without a vector are listed.
pub const LOST_MAX: usize = 10_000;

/// A step of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PalaceStep {
    /// The stable name of the step.
    pub name: &'static str,
    /// The step in a sentence.
    pub what: String,
}

/// A collection of a palace in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PalaceCollection {
    /// Its name.
    pub name: String,
    /// Rows that Chroma counts.
    pub rows: u64,
    /// Rows whose vector is in the index.
    pub indexed: u64,
    /// Rows whose vector waits in the queue, as it does in a healthy palace.
    pub queued: u64,
    /// Rows that no search by vector finds.
    pub missing: u64,
    /// Rows whose vector is nowhere.
    pub lost: u64,
    /// Vectors of rows that are not there.
    pub extra: u64,
}

/// A row whose vector is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LostRow {
    /// The name of its collection.
    pub collection: String,
    /// Its id there.
    pub id: String,
}

/// The file that makes a folder one of Chroma's.
const DATABASE: &str = "chroma.sqlite3";
