//! Roots, what documents were given from outside, and late vectors, on plain maps.

use steadfast_model::root::{Renamed, rename_namespace, rename_tag};
use steadfast_model::{
    Assignment, Counts, DocumentKey, DocumentStatus, LateVector, Namespace, Outcome, Root, Settled,
};

use super::state::{InSpace, StoredDocument};
use super::write::{Transaction, untouched};
use crate::error::StoreError;
use crate::records;

impl Transaction<'_> {
    pub(super) fn remember_root(&mut self, root: &Root) -> Result<Settled, StoreError> {
        if let Some(namespace) = &root.namespace {
            records::check_open(namespace)?;
        }
        let roots = &mut self.state.roots;
        let place = roots.iter().position(|known| known.is(root));
        let before = place.map(|place| roots.remove(place));
        if let Some(before) = before.as_ref().filter(|before| *before == root) {
            roots.insert(place.unwrap_or(0), before.clone());
            return Ok(untouched(Outcome::Reused));
        }
        roots.push(root.clone());
        Ok(untouched(if before.is_some() {
            Outcome::Updated
        } else {
            Outcome::Inserted
        }))
    }

    pub(super) fn drop_root(&mut self, path: &str, namespace: Option<&Namespace>) -> Settled {
        let roots = &mut self.state.roots;
        let before = roots.len();
        roots.retain(|root| root.path != path || root.namespace.as_ref() != namespace);
        untouched(if roots.len() == before {
            Outcome::Reused
        } else {
            Outcome::Removed
        })
    }

    pub(super) fn assign(&mut self, document: DocumentKey, assigned: &Assignment) {
        self.state.assignments.remove(&document);
        if *assigned != Assignment::default() {
            self.state.assignments.insert(document, assigned.clone());
        }
    }

    pub(super) fn rename_assigned_tag(&mut self, from: &str, to: &str) {
        let state = &mut *self.state;
        let roots = state.roots.iter_mut().map(|root| &mut root.tags);
        let assigned = state.assignments.values_mut();
        for tags in roots.chain(assigned.map(|assigned| &mut assigned.tags)) {
            rename_tag(tags, from, to);
        }
    }

    pub(super) fn rename_roots(&mut self, from: &Namespace, to: &Namespace) {
        let state = &mut *self.state;
        let is_there = |stored: &StoredDocument| {
            stored.namespace == *from && stored.status != DocumentStatus::Removed
        };
        let documents = state.documents.iter();
        let documents: Vec<Renamed> = documents
            .filter(|(_, stored)| is_there(stored))
            .map(|(key, stored)| Renamed {
                source: stored.source.clone(),
                stays: state.find(to, &stored.source).is_some(),
                is_placed: state
                    .assignments
                    .get(key)
                    .is_some_and(|given| given.is_placed),
            })
            .collect();
        state.roots = rename_namespace(&state.roots, (from, to), &documents);
    }

    pub(super) fn late_vectors(&mut self, late: &[LateVector]) -> Result<Settled, StoreError> {
        let mut counts = Counts::default();
        for late in late {
            let values = &late.vector.0;
            if values.len() != self.dimensions || values.iter().any(|value| !value.is_finite()) {
                return Err(StoreError::Invalid {
                    what: format!("a vector is not {} finite numbers", self.dimensions),
                });
            }
            let waits = self.state.chunks.get(&late.row).is_some_and(|chunk| {
                chunk.is_live()
                    && chunk.content_hash == late.content_hash
                    && matches!(chunk.vector, InSpace::Pending)
            });
            counts.updated += u64::from(waits);
            counts.reused += u64::from(!waits);
            if waits {
                self.change_chunk(late.row, |chunk| {
                    chunk.vector = if late.vector.is_zero() {
                        InSpace::Nowhere
                    } else {
                        InSpace::Present(late.vector.clone())
                    };
                });
            }
        }
        let seq = (counts.updated > 0).then(|| self.log("vectors", None, None, counts));
        Ok(Settled {
            seq,
            counts,
            ..untouched(if counts.updated > 0 {
                Outcome::Updated
            } else {
                Outcome::Reused
            })
        })
    }
}
