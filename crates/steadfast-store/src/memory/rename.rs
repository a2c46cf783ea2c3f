//! Another source for a document, on plain maps.

use steadfast_model::{
    Counts, DocumentKey, DocumentStatus, Fingerprint, Namespace, Outcome, Settled,
};

use super::write::{Transaction, untouched};

impl Transaction<'_> {
    pub(super) fn rename(
        &mut self,
        namespace: &Namespace,
        from: &str,
        to: &str,
        fingerprint: &Fingerprint,
    ) -> Settled {
        let known = self.state.find(namespace, from).filter(|key| {
            let document = self.state.documents.get(key);
            document
                .and_then(|document| document.fingerprint)
                .is_some_and(|known| known.hash == fingerprint.hash)
                && self.state.live_of(*key).next().is_some()
        });
        let there = self.state.find(namespace, to);
        let Some(moved) = known.filter(|_| there.is_none_or(|there| self.may_give_way(there)))
        else {
            return untouched(Outcome::Reused);
        };
        let seq = self.log("rename", Some(namespace), Some(to), Counts::default());
        if let Some(gone) = there.and_then(|there| self.state.documents.get_mut(&there)) {
            from.clone_into(&mut gone.source);
        }
        if let Some(document) = self.state.documents.get_mut(&moved) {
            to.clone_into(&mut document.source);
            document.fingerprint = Some(*fingerprint);
            document.seq = seq;
            document.indexed_at = self.now;
        }
        Settled {
            seq: Some(seq),
            ..untouched(Outcome::Updated)
        }
    }

    fn may_give_way(&self, there: DocumentKey) -> bool {
        let is_gone = self
            .state
            .documents
            .get(&there)
            .is_some_and(|document| document.status == DocumentStatus::Removed);
        is_gone && !self.state.forgotten.iter().any(|(key, _)| *key == there)
    }
}
