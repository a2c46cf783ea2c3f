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

use super::documents::Entry;
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
///
/// They are as many as the files of the roots, so no more is kept of each than where to find it.
pub(super) struct Movable<'k> {
    known: Vec<&'k Known<'k>>,
    /// The first bytes of the hash of each, the number of its root, and its own there; ascending.
    places: Vec<(u64, u32, u32)>,
}

impl<'k> Movable<'k> {
    pub(super) fn of(known: impl Iterator<Item = &'k Known<'k>>) -> Self {
        let known: Vec<&Known<'_>> = known.collect();
        let mut places = Vec::new();
        for (root, known) in (0..).zip(&known) {
            let of_root = known.movable();
            places.extend(of_root.map(|(number, hash)| (first_bytes(&hash), root, number)));
        }
        places.sort_unstable();
        Self { known, places }
    }

    /// Returns whether a source with this content has not been seen by now, so that it may be gone.
    pub(super) fn may_have_moved(&self, hash: &ContentHash) -> bool {
        self.with(hash).any(|(_, entry)| !entry.is_seen())
    }

    /// Yields the sources that had this content.
    fn with(&self, hash: &ContentHash) -> impl Iterator<Item = (&str, &Entry)> {
        let (hash, bytes) = (*hash, first_bytes(hash));
        let first = self.places.partition_point(|(known, ..)| *known < bytes);
        let rest = self.places.get(first..).unwrap_or_default().iter();
        rest.take_while(move |(known, ..)| *known == bytes)
            .filter_map(|(_, root, number)| {
                let known = self.known.get(usize::try_from(*root).ok()?)?;
                known.at(*number)
            })
            .filter(move |(_, entry)| entry.fingerprint.is_some_and(|known| known.hash == hash))
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
            let mut old: BTreeSet<&str> = self
                .with(&ContentHash(hash))
                .map(|(source, _)| source)
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

/// Returns the first bytes of a hash, as a number.
fn first_bytes(hash: &ContentHash) -> u64 {
    hash.0
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Returns a source without its folder.
fn name(source: &str) -> &str {
    source.rsplit(['/', '\\']).next().unwrap_or_default()
}
