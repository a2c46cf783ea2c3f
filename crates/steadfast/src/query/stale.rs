//! Whether what was found may be out of date.
//!
//! A source that could not be read again keeps its chunks: out of date is
//! better than lost, as long as the answer says so.

use std::collections::BTreeSet;

use steadfast_model::{DocumentStatus, Hit, Trust};
use steadfast_store::Snapshot;

use crate::error::Result;

/// How many sources are named.
const NAMED_MAX: usize = 3;

/// Returns warnings about sources among the hits that could not be read since they were indexed.
pub(super) fn warnings(snapshot: &dyn Snapshot, hits: &[Hit]) -> Result<Vec<String>> {
    if !snapshot.may_be_stale()? {
        return Ok(Vec::new());
    }
    let sources: BTreeSet<_> = hits
        .iter()
        // Only files are read again.
        .filter(|hit| hit.chunk.attributes.trust == Trust::File)
        .map(|hit| (&hit.chunk.namespace, &hit.chunk.source))
        .collect();
    let mut stale = Vec::new();
    for (namespace, source) in sources {
        let document = snapshot.document(namespace, source)?;
        if let Some(document) = document.filter(|found| found.status == DocumentStatus::Stale) {
            stale.push((source, document.reason.unwrap_or_default()));
        }
    }
    let mut warnings: Vec<String> = stale
        .iter()
        .take(NAMED_MAX)
        .map(|(source, reason)| {
            format!("{source} may be out of date: it could not be read again ({reason})")
        })
        .collect();
    if stale.len() > NAMED_MAX {
        warnings.push(format!(
            "{} more sources may be out of date; see `steadfast sources`",
            stale.len() - NAMED_MAX
        ));
    }
    Ok(warnings)
}
