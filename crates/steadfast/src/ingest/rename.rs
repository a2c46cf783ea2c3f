//! Files that were renamed: a source that is gone and a new one with the same content.
//!
//! A new file whose content the store knows from a source that was not seen yet
//! is set aside until the walk is over; only then is it known what is gone.
//! Then those that are gone and those that are new meet, and a document keeps
//! its chunks, with their ids and counts, under its new source.
//!
//! Invariants: who meets whom depends on names alone, not on the order of the
//! walk; no file is lost when its partner is none: it comes in as a new one;
//! the store looks again inside the transaction, so of two that index at once
//! one renames.
//!
//! Deliberately not here: files that were renamed and edited, which are new,
//! and moves between namespaces.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use steadfast_model::ContentHash;

use super::known::Known;
use super::walk::Found;

/// A file that waits for the end of the walk.
pub(super) struct Held {
    /// The root below which it was found, by number.
    pub(super) root: usize,
    pub(super) found: Found,
    pub(super) hash: ContentHash,
}

/// Sources whose content may turn up under another name.
pub(super) struct Movable<'k> {
    by_hash: HashMap<ContentHash, Vec<(&'k Known<'k>, &'k str)>>,
}

impl<'k> Movable<'k> {
    pub(super) fn of(known: impl Iterator<Item = &'k Known<'k>>) -> Self {
        let mut by_hash: HashMap<ContentHash, Vec<(&Known<'_>, &str)>> = HashMap::new();
        for known in known {
            for (source, hash) in known.movable() {
                by_hash.entry(hash).or_default().push((known, source));
            }
        }
        Self { by_hash }
    }

    /// Returns whether a source with this content has not been seen by now, so that it may be gone.
    pub(super) fn may_have_moved(&self, hash: &ContentHash) -> bool {
        self.by_hash
            .get(hash)
            .is_some_and(|known| known.iter().any(|(known, source)| !known.is_seen(source)))
    }

    /// Returns which of the sources that are gone became which of the files that were held.
    ///
    /// Equal files meet by their name without its folder first, and then in the order of their sources.
    pub(super) fn meet<'g>(
        &self,
        held: &[Held],
        gone: impl Iterator<Item = &'g str>,
    ) -> HashMap<String, String> {
        let gone: BTreeSet<&str> = gone.collect();
        let mut new_by_hash: BTreeMap<[u8; 32], BTreeSet<&str>> = BTreeMap::new();
        for held in held {
            let new = new_by_hash.entry(held.hash.0).or_default();
            new.insert(&held.found.source);
        }
        let mut pairs = HashMap::new();
        for (hash, mut new) in new_by_hash {
            let known = self.by_hash.get(&ContentHash(hash));
            let mut old: BTreeSet<&str> = known
                .into_iter()
                .flatten()
                .map(|(_, source)| *source)
                .filter(|source| gone.contains(source))
                .collect();
            let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
            for source in old.iter().rev() {
                by_name.entry(name(source)).or_default().push(source);
            }
            new.retain(|to| {
                let from = by_name.get_mut(name(to)).and_then(Vec::pop);
                if let Some(from) = from {
                    old.remove(from);
                    pairs.insert((*to).to_owned(), from.to_owned());
                }
                from.is_none()
            });
            let rest = new.into_iter().zip(old);
            pairs.extend(rest.map(|(to, from)| (to.to_owned(), from.to_owned())));
        }
        pairs
    }
}

/// Returns a source without its folder.
fn name(source: &str) -> &str {
    source.rsplit(['/', '\\']).next().unwrap_or_default()
}
