//! Forgetting on plain maps.

use std::collections::BTreeSet;

use steadfast_model::{Counts, DocumentKey, DocumentStatus, Outcome, Row, Settled};

use super::jobs::enqueue;
use super::write::{Transaction, untouched};

impl Transaction<'_> {
    pub(super) fn forget(&mut self, rows: &[Row], documents: &[DocumentKey]) -> Settled {
        let mut touched = false;
        let mut counts = Counts::default();
        for row in rows {
            let Some(chunk) = self.state.chunks.remove(row) else {
                continue;
            };
            touched = true;
            self.state.given.remove(row);
            counts.removed += u64::from(chunk.is_live());
            self.state
                .forgotten
                .insert((chunk.document, chunk.content_hash));
        }
        self.drop_unused_facets();
        for document in documents {
            touched |= self.forget_document(*document, &mut counts);
        }
        if !touched {
            return untouched(Outcome::Reused);
        }
        let chunks = &self.state.chunks;
        let is_there = |row: &Row| chunks.contains_key(row);
        self.state
            .idempotency
            .retain(|_, used| used.rows.iter().all(is_there));
        let seq = self.log("forget", None, None, counts);
        enqueue(self.state, "purge", "purge", "", self.now);
        Settled {
            seq: Some(seq),
            counts,
            ..untouched(Outcome::Removed)
        }
    }

    /// Titles, tags and metadata go with the last chunk that carried them.
    fn drop_unused_facets(&mut self) {
        let state = &mut *self.state;
        let touched: BTreeSet<DocumentKey> = state
            .forgotten
            .iter()
            .map(|(document, _)| *document)
            .collect();
        let used: BTreeSet<u64> = state.chunks.values().map(|chunk| chunk.facet).collect();
        state
            .facets
            .retain(|key, facet| !touched.contains(&facet.document) || used.contains(key));
    }

    /// Leaves of a document nothing but its source and that it is forgotten; returns whether there is such a document.
    fn forget_document(&mut self, document: DocumentKey, counts: &mut Counts) -> bool {
        let seq = self.next_seq();
        let state = &mut *self.state;
        let Some(stored) = state.documents.get_mut(&document) else {
            return false;
        };
        stored.status = DocumentStatus::Forgotten;
        stored.reason = Some("forgotten".to_owned());
        stored.fingerprint = None;
        stored.seq = seq;
        stored.indexed_at = self.now;
        state.chunks.retain(|row, chunk| {
            let purged = chunk.document == document;
            counts.removed += u64::from(purged && chunk.is_live());
            if purged {
                state.given.remove(row);
            }
            !purged
        });
        state.facets.retain(|_, facet| facet.document != document);
        state.assignments.remove(&document);
        state.forgotten.retain(|(key, _)| *key != document);
        state
            .idempotency
            .retain(|_, used| used.document != document);
        true
    }
}
