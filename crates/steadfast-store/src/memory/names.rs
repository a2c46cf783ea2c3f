//! Other names for tags and namespaces, on plain maps.

use std::collections::BTreeMap;

use steadfast_model::{Counts, DocumentKey, Namespace, Outcome, Row, Settled};

use super::state::count;
use super::write::{Transaction, untouched};

impl Transaction<'_> {
    pub(super) fn rename_tag(&mut self, from: &str, to: &str) -> Settled {
        let mut tagged: BTreeMap<(DocumentKey, u64), Vec<Row>> = BTreeMap::new();
        for (row, chunk) in self.state.live() {
            let facet = self.state.facets.get(&chunk.facet);
            if facet.is_some_and(|facet| facet.attributes.tags.contains(from)) {
                let rows = tagged.entry((chunk.document, chunk.facet)).or_default();
                rows.push(row);
            }
        }
        if from == to {
            return untouched(Outcome::Reused);
        }
        self.rename_assigned_tag(from, to);
        if tagged.is_empty() {
            return untouched(Outcome::Reused);
        }
        let mut counts = Counts::default();
        for ((document, facet), rows) in tagged {
            let Some(known) = self.state.facets.get(&facet) else {
                continue;
            };
            let (mut attributes, note) = (known.attributes.clone(), known.note);
            attributes.tags.remove(from);
            attributes.tags.insert(to.to_owned());
            let renamed = self.facet(document, &attributes, note);
            for row in rows {
                counts.updated += u64::from(self.change_chunk(row, |chunk| chunk.facet = renamed));
            }
        }
        Settled {
            seq: Some(self.log("rename_tag", None, None, counts)),
            counts,
            ..untouched(Outcome::Updated)
        }
    }

    pub(super) fn rename_namespace(
        &mut self,
        from: &Namespace,
        to: &Namespace,
        source: Option<&str>,
    ) -> Settled {
        let moving: Vec<DocumentKey> = self
            .state
            .documents
            .iter()
            .filter(|(_, document)| document.namespace == *from)
            .filter(|(_, document)| source.is_none_or(|source| document.source == source))
            .filter(|(_, document)| self.state.find(to, &document.source).is_none())
            .map(|(&key, _)| key)
            .collect();
        if from == to || moving.is_empty() {
            return untouched(Outcome::Reused);
        }
        if source.is_none() {
            self.rename_roots(from, to);
        }
        let chunks = moving.iter().map(|key| count(self.state.live_of(*key)));
        let counts = Counts {
            updated: chunks.sum(),
            ..Counts::default()
        };
        let seq = self.log("rename_namespace", Some(to), source, counts);
        let keys: Vec<(Namespace, String)> = self
            .state
            .idempotency
            .iter()
            .filter(|((namespace, key), used)| {
                namespace == from
                    && moving.contains(&used.document)
                    && !self
                        .state
                        .idempotency
                        .contains_key(&(to.clone(), key.clone()))
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            if let Some(used) = self.state.idempotency.remove(&key) {
                self.state.idempotency.insert((to.clone(), key.1), used);
            }
        }
        for key in &moving {
            if let Some(document) = self.state.documents.get_mut(key) {
                document.namespace = to.clone();
                document.seq = seq;
            }
        }
        Settled {
            seq: Some(seq),
            counts,
            ..untouched(Outcome::Updated)
        }
    }
}
