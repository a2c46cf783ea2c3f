//! What became of a source whose content is not to change: skipped, stale, gone.

use steadfast_model::{
    Counts, DocumentKey, DocumentStatus, Fingerprint, Namespace, Outcome, Settled,
};

use super::put::{of_notes, untouched};
use super::rows::Standing;
use super::{Transaction, Written};
use crate::records;

impl Transaction<'_> {
    pub(super) fn mark(
        &mut self,
        namespace: &Namespace,
        source: &str,
        status: DocumentStatus,
        reason: Option<&str>,
        fingerprint: Option<&Fingerprint>,
    ) -> Written<Settled> {
        records::check_open(namespace)?;
        let stored = self.stored(namespace, source)?;
        let (gone, kept) = match &stored {
            Some(stored) if status == DocumentStatus::Removed => self.without_notes(stored.key)?,
            _ => (Vec::new(), 0),
        };
        // What the user noted under a source that is gone is no less true for that.
        let (then, reason, fingerprint) = if kept > 0 {
            (DocumentStatus::Indexed, None, None)
        } else {
            (status, reason, fingerprint)
        };
        let same = stored.as_ref().is_some_and(|stored| {
            stored.status == then
                && stored.reason.as_deref() == reason
                && stored.fingerprint.as_ref() == fingerprint
                && gone.is_empty()
        });
        // What the user forgot stays forgotten, whatever a walk finds.
        let forgotten = stored
            .as_ref()
            .is_some_and(|stored| stored.status == DocumentStatus::Forgotten);
        let nothing_to_remove = status == DocumentStatus::Removed && stored.is_none();
        if same || forgotten || nothing_to_remove {
            return Ok(untouched(Outcome::Reused, None));
        }
        let (document, mut live) = match &stored {
            Some(stored) => (stored.key, stored.chunks),
            None => (self.head.take_document()?, 0),
        };
        let mut counts = Counts::default();
        if status == DocumentStatus::Removed {
            let seq = self.next_seq();
            for standing in &gone {
                self.remove_row(standing.row, standing.facet, seq)?;
                counts.removed += 1;
            }
            live = kept;
        }
        let seq = self.log("mark", Some(namespace), Some(source), counts)?;
        self.store_document(
            document,
            namespace,
            source,
            (then, reason),
            fingerprint,
            live,
        )?;
        let outcome = if status == DocumentStatus::Removed {
            Outcome::Removed
        } else if stored.is_some() {
            Outcome::Updated
        } else {
            Outcome::Inserted
        };
        Ok(Settled {
            counts,
            ..untouched(outcome, Some(seq))
        })
    }
    /// Returns the live rows of a document that are none of a note, and how many are.
    fn without_notes(&self, document: DocumentKey) -> Written<(Vec<Standing>, i64)> {
        let notes = of_notes(&self.facets(document)?);
        let mut rows = self.live_rows(document)?;
        let count = rows.len();
        rows.retain(|standing| !notes.contains(&standing.facet));
        let kept = i64::try_from(count - rows.len()).unwrap_or(i64::MAX);
        Ok((rows, kept))
    }
}
