//! What a repair could not bring back, as its record has it: told once, also by the run that finishes for one that was
//! killed.

use steadfast_model::{Finding, Severity};

use super::finding;
use super::quarantine::Manifest;

/// How many sources a finding names.
const SOURCES_SHOWN: usize = 10;

const ORIGINALS: &str = "the originals are in quarantine; a backup may have the rest";

/// Returns whether something that was forgotten would come back if its file were indexed.
pub(super) fn may_return(manifest: &Manifest) -> bool {
    manifest
        .tables_incomplete()
        .iter()
        .any(|table| table == "forgotten")
}

/// Returns what was lost; `gone` are sources that lost something and were not indexed again.
pub(super) fn findings(manifest: &Manifest, gone: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |code, what: String, remedy: &str, count: u64| {
        let mut left = finding(code, Severity::Warning, what, &manifest.folder, remedy);
        left.count = count;
        found.push(left);
    };
    if may_return(manifest) {
        let what = "the list of what was forgotten could not be read to its end: such texts may return when their files \
                    change, so no file was indexed again";
        let remedy = "look into the files before you index them again, and forget what returns; a backup may have the list";
        add("table_incomplete", what.to_owned(), remedy, 1);
    }
    for table in manifest.tables_incomplete() {
        if let Some(meaning) = meaning(&table) {
            let what = format!(
                "the table `{table}` could not be read to its end, and rows of it may be lost: {meaning}"
            );
            add("table_incomplete", what, ORIGINALS, 1);
        }
    }
    for (field, code, done) in [
        (
            "values_mended",
            "values_mended",
            "values that could not be read were given their defaults",
        ),
        (
            "rows_left_out",
            "values_mended",
            "rows with values that could not be read were left out",
        ),
    ] {
        let counts = manifest.counts(field);
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        if count > 0 {
            let tables: Vec<String> = counts
                .iter()
                .map(|(table, count)| format!("{table} ({count})"))
                .collect();
            add(
                code,
                format!("{done}: {}", tables.join(", ")),
                ORIGINALS,
                count,
            );
        }
    }
    if !gone.is_empty() {
        let shown: Vec<&str> = gone
            .iter()
            .take(SOURCES_SHOWN)
            .map(String::as_str)
            .collect();
        let why = if may_return(manifest) {
            "were not indexed again"
        } else {
            "are not on the disk"
        };
        let what = format!(
            "{} sources lost chunks or attributes and {why}: {}",
            gone.len(),
            shown.join(", ")
        );
        add("source_not_rebuilt", what, ORIGINALS, gone.len() as u64);
    }
    found
}

/// Returns what the loss of a row of a table means; none where it is told otherwise.
fn meaning(table: &str) -> Option<&'static str> {
    Some(match table {
        "forgotten" => return None,
        "commits" => "the log and earlier moments lack them",
        "changes" => "chunks that moved show in earlier moments what they are now",
        "idempotency" => "a note that is sent again with its key may be written again",
        "roots" => "what was told of folders has to be told again",
        "assignments" => "what was given to files from outside goes when they are indexed again",
        "documents" => "files that were left out or forgotten may be taken in again",
        "collections" => "their records are found in their namespaces only",
        "record_ranges" => "records of collections may show in searches of everything",
        "spaces" => "vectors that callers gave are no longer used",
        "intervals" => "history that an import brought has the time of the import",
        "jobs" => "work that commits left behind is done later or not at all",
        _ => "what was in them is not known",
    })
}
