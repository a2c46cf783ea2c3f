//! What became of a source whose content is not to change: skipped, stale, gone.

use steadfast_model::{Counts, DocumentStatus, Fingerprint, Namespace, Outcome, Settled};

use super::put::untouched;
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
        let same = stored.as_ref().is_some_and(|stored| {
            stored.status == status
                && stored.reason.as_deref() == reason
                && stored.fingerprint.as_ref() == fingerprint
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
            for standing in self.live_rows(document)? {
                self.remove_row(standing.row, standing.facet, seq)?;
                counts.removed += 1;
            }
            live = 0;
        }
        let seq = self.log("mark", Some(namespace), Some(source), counts)?;
        self.store_document(
            document,
            namespace,
            source,
            (status, reason),
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
}
