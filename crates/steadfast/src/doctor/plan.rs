//! What would mend what was found: decided here, done in `repair`.

use std::path::PathBuf;

use steadfast_model::Finding;

use super::files::Outside;
use super::quarantine::Manifest;

/// A step of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Take away from others what they can read or write.
    MakePrivate(Vec<PathBuf>),
    /// Copy the database into quarantine, put every row that can be read into a new one, let that take its place, and
    /// index the sources again that lost something.
    Salvage,
    /// Finish what a repair that was killed had begun.
    Finish(Vec<PathBuf>),
    /// Bring a store of an older version up to date, so that the rest of it can be looked at.
    Migrate,
    /// Let jobs that were given up begin anew.
    Retry,
    /// Make the indexes anew.
    Rebuild,
    /// Remove temporary files that nobody finished.
    Discard(Vec<PathBuf>),
}

impl Step {
    /// Returns the step in a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::MakePrivate(paths) => format!("make {} files and folders private", paths.len()),
            Self::Salvage => "copy the database into quarantine, carry every row that can be read over into a new one, \
                 and index the sources again that lost something"
                .to_owned(),
            Self::Finish(_) => "finish the repair that was begun before".to_owned(),
            Self::Migrate => "bring the store up to date with this version, and look again".to_owned(),
            Self::Retry => "let the jobs that were given up begin anew".to_owned(),
            Self::Rebuild => "make the indexes anew".to_owned(),
            Self::Discard(paths) => format!("remove {} temporary files", paths.len()),
        }
    }

    /// Returns the stable name of the step.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MakePrivate(_) => "make_private",
            Self::Salvage => "salvage",
            Self::Finish(_) => "finish",
            Self::Migrate => "migrate",
            Self::Retry => "retry",
            Self::Rebuild => "rebuild",
            Self::Discard(_) => "discard",
        }
    }
}

/// Findings that only a new database mends.
const NEEDS_SALVAGE: [&str; 8] = [
    "counts_differ",
    "file_damaged",
    "not_a_store",
    "schema_differs",
    "store_empty",
    "text_damaged",
    "values_unreadable",
    "vector_damaged",
];

/// Findings that new indexes mend.
const NEEDS_REBUILD: [&str; 6] = [
    "index_not_updated",
    "index_unusable",
    "text_index_differs",
    "text_index_extra",
    "text_index_misses",
    "vector_index_differs",
];

/// Findings of an index that come from the database itself, when a new index does not mend them: what each chunk says
/// of its own length.
const FROM_DATABASE: [&str; 3] = [
    "text_index_differs",
    "text_index_extra",
    "text_index_misses",
];

/// Returns what is left to do when the steps of a plan did not mend all; nothing when they did, or when there is
/// nothing else to try.
pub(super) fn second_plan(done: &[Step], findings: &[Finding]) -> Vec<Step> {
    let is_left = findings
        .iter()
        .any(|found| FROM_DATABASE.contains(&found.code));
    if is_left && done.contains(&Step::Rebuild) && !done.contains(&Step::Salvage) {
        vec![Step::Salvage, Step::Rebuild]
    } else {
        Vec::new()
    }
}

pub(super) fn plan(findings: &[Finding], outside: &Outside, unfinished: &[Manifest]) -> Vec<Step> {
    let any = |codes: &[&str]| findings.iter().any(|found| codes.contains(&found.code));
    let salvages = any(&NEEDS_SALVAGE);
    let mut steps = Vec::new();
    if !outside.loose.is_empty() {
        steps.push(Step::MakePrivate(outside.loose.clone()));
    }
    if salvages {
        steps.push(Step::Salvage);
    } else if any(&["schema_old"]) {
        steps.push(Step::Migrate);
    }
    if !unfinished.is_empty() {
        steps.push(Step::Finish(
            unfinished
                .iter()
                .map(|manifest| manifest.folder.clone())
                .collect(),
        ));
    }
    if any(&["job_failed"]) {
        steps.push(Step::Retry);
    }
    if salvages || any(&NEEDS_REBUILD) {
        steps.push(Step::Rebuild);
    }
    if !outside.leftovers.is_empty() {
        steps.push(Step::Discard(outside.leftovers.clone()));
    }
    steps
}
