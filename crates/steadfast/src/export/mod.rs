//! What is in a store, out into files and back into a new place.
//!
//! May name: `error`, `config`, `ingest`, `query`, `collection`, `import`.
//! Invariants: nothing that exists is overwritten unless that was asked for;
//! what is published under its final name is whole, or, as a folder of pages,
//! lacks the file that makes it a vault until it is; a kill at any point leaves
//! nothing under the final name, and what it leaves beside it is taken up or
//! removed by the next run. What is deliberately not here: indexes, which are
//! derived, and reading bundles, which `import` does.
//!
//! | File | Question it answers |
//! |---|---|
//! | `backup` | How does a store become a file? |
//! | `restore` | How does a file become a store? |
//! | `bundle` | How do chunks become a file that any store can take in? |
//! | `lines` | What does such a file look like? |
//! | `vault`, `names` | How do they become a folder of pages? |
//! | `walk` | Which chunks and records, in which order? |
//! | `pack` | How are bytes copied, packed and hashed on the way? |
//! | `work` | How does a file get its name only when it is whole? |

mod backup;
mod bundle;
mod lines;
mod names;
mod pack;
mod restore;
mod vault;
mod walk;
mod work;

use steadfast_model::{ChunkId, Finding, Seq, Severity};
use steadfast_store::Checked;

pub use backup::BackupOptions;
pub(crate) use backup::backup;
pub use bundle::{ExportFormat, ExportOptions, Exported};
pub(crate) use bundle::{Exporting, export, export_to};
pub use restore::{RestoreOptions, restore};

/// A store as one file, written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Archive {
    /// Live chunks in it.
    pub chunks: u64,
    /// The last commit in it.
    pub seq: Seq,
    /// The size of the file.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The file is packed with zstd.
    pub compressed: bool,
    /// What was damaged in the store already, and so is in the file.
    pub findings: Vec<Finding>,
}

/// How many ids a finding names.
const IDS_MAX: usize = 100;

fn findings(checked: &Checked, place: &str) -> Vec<Finding> {
    let finding = |code, what: String, rows: &[steadfast_model::Row], remedy: &str| Finding {
        code,
        severity: Severity::Error,
        what,
        place: place.to_owned(),
        count: rows.len().max(1) as u64,
        remedy: remedy.to_owned(),
        ids: rows
            .iter()
            .take(IDS_MAX)
            .map(|row| ChunkId::new(&checked.store, *row))
            .collect(),
    };
    let mut findings = Vec::new();
    let texts = &checked.damaged_texts;
    if !texts.is_empty() {
        let what = format!(
            "{} texts do not have the hash that they were written with",
            texts.len()
        );
        let remedy =
            "run `steadfast doctor --repair` on the store; keep backups from before the damage";
        findings.push(finding("text_damaged", what, texts, remedy));
    }
    let vectors = &checked.damaged_vectors;
    if !vectors.is_empty() {
        let what = format!(
            "{} vectors do not have the hash that they were written with",
            vectors.len()
        );
        let remedy = "run `steadfast doctor --repair` on the store; their texts are whole";
        findings.push(finding("vector_damaged", what, vectors, remedy));
    }
    findings
}
