//! Problems that every backend words alike.

use steadfast_model::{Finding, Severity};

/// Returns the problem that so many documents could not be read since they were indexed; none when all could.
pub fn stale_sources(count: u64) -> Option<Finding> {
    (count > 0).then(|| Finding {
        code: "sources_stale",
        severity: Severity::Warning,
        what: "sources could not be read again since they were indexed; what they say may be out of date"
            .to_owned(),
        place: "sources".to_owned(),
        count,
        remedy: "see the reasons in `steadfast sources`; index them again when the cause is gone"
            .to_owned(),
        ids: Vec::new(),
    })
}
