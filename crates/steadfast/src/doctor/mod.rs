//! What is wrong with a store, what to do about it, and doing it.
//!
//! May name: `error`, `config`, `ingest`, `query`, `export`. Invariants: a look
//! changes nothing; a repair first shows its plan, copies what it will change
//! into quarantine, changes the store in one transaction of SQLite, counts the
//! rows before and after, and can be killed at any point and run again. What is
//! deliberately not here: opening the store for anything else. The caller has no
//! other handle on it.
//!
//! | File | Question it answers |
//! |---|---|
//! | `files` | What do the files of a store look like from outside? |
//! | `examine` | What is wrong? |
//! | `plan` | What would mend it? |
//! | `quarantine` | Where do the originals stay, and how far did a repair get? |
//! | `losses` | What could a repair not bring back? |
//! | `repair` | How is the plan carried out? |
//! | `palace` | The same for a palace, or another folder of Chroma's |

mod examine;
mod files;
mod losses;
pub mod palace;
mod plan;
mod quarantine;
mod repair;

use std::time::Duration;

use steadfast_model::{Finding, Severity};

pub use examine::examine;
pub use plan::Step;
pub use repair::repair;

/// How a store is looked at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DoctorOptions {
    /// About how long each part of the look may take. What was not looked at in time is said.
    pub patience: Duration,
}

impl Default for DoctorOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(1),
        }
    }
}

/// What was found, and what a repair would do or did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What is wrong; after a repair, what is still wrong.
    pub findings: Vec<Finding>,
    /// What a repair would do.
    pub plan: Vec<Step>,
    /// What was done, each in a sentence.
    pub applied: Vec<String>,
    /// Live chunks before, as far as they can be counted.
    pub rows_before: Option<u64>,
    /// Live chunks after.
    pub rows_after: Option<u64>,
}

/// Every code that a finding of `verify`, `status`, `doctor` or `selftest` can have.
pub const CODES: [&str; 46] = [
    "check_not_finished",
    "counts_differ",
    "database_missing",
    "disk_space_low",
    "file_damaged",
    "filesystem_remote",
    "flush_unproven",
    "index_not_updated",
    "index_unusable",
    "job_failed",
    "job_stuck",
    "leftover_file",
    "mode_loose",
    "not_a_store",
    "opened_with_care",
    "palace_database_damaged",
    "palace_folder_unknown",
    "palace_in_use",
    "palace_queue_damaged",
    "palace_repair_unfinished",
    "palace_segment_damaged",
    "palace_segment_stale",
    "palace_seq_id_mixed",
    "palace_seq_id_old",
    "palace_text_search_damaged",
    "palace_vectors_extra",
    "palace_vectors_lost",
    "palace_vectors_missing",
    "palace_watermark_impossible",
    "palace_writes_swallowed",
    "promise_broken",
    "repair_unfinished",
    "schema_differs",
    "schema_old",
    "side_file_alone",
    "source_not_rebuilt",
    "store_empty",
    "table_incomplete",
    "text_damaged",
    "text_index_differs",
    "text_index_extra",
    "text_index_misses",
    "values_mended",
    "values_unreadable",
    "vector_damaged",
    "vector_index_differs",
];

/// Returns a finding about one thing, without ids.
fn finding(
    code: &'static str,
    severity: Severity,
    what: impl Into<String>,
    place: &std::path::Path,
    remedy: &str,
) -> Finding {
    debug_assert!(CODES.contains(&code), "{code} is not in the list");
    Finding {
        code,
        severity,
        what: what.into(),
        place: place.display().to_string(),
        count: 1,
        remedy: remedy.to_owned(),
        ids: Vec::new(),
    }
}
