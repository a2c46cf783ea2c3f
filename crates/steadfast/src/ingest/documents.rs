//! The documents that the store has within a root, packed.
//!
//! A root can have a million files, and all of them are held while it is
//! walked. So their names lie one after another in one text, what is known of
//! each takes less than a hundred bytes, and they are found by a table of
//! numbers.
//!
//! Invariants: no source is there twice; a document is found by its whole
//! source and never by a hash alone.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast_model::{DocumentStatus, Fingerprint};

/// What is known of a document, beside its source.
pub(super) struct Entry {
    /// Where its source ends in the names; it begins where the one before ends.
    name_end: usize,
    /// What its file was when it was last read.
    pub(super) fingerprint: Option<Fingerprint>,
    /// One more than the number of its reason; 0 for none.
    reason: u16,
    /// What became of it.
    pub(super) status: DocumentStatus,
    /// It has live chunks.
    pub(super) has_chunks: bool,
    /// It has what roots and rules give it.
    pub(super) is_assigned: bool,
    seen: AtomicBool,
}

impl Entry {
    /// Notes that a walk came by it.
    pub(super) fn see(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    /// Returns whether a walk came by it.
    pub(super) fn is_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }
}

/// A document on its way in.
pub(super) struct New<'n> {
    pub(super) source: &'n str,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) reason: Option<&'n str>,
    pub(super) status: DocumentStatus,
    pub(super) has_chunks: bool,
    pub(super) is_assigned: bool,
}

/// Documents by their sources.
#[derive(Default)]
pub(super) struct Documents {
    names: String,
    entries: Vec<Entry>,
    /// Why documents are left out: a handful of words.
    reasons: Vec<Box<str>>,
    /// One more than the number of a document, near the place that the hash of its source gives; 0 is free. Its length
    /// is a power of two.
    table: Vec<u32>,
    hasher: RandomState,
}

impl Documents {
    /// Takes a document, whose source no other one may have.
    pub(super) fn push(&mut self, new: &New<'_>) {
        self.names.push_str(new.source);
        let reason = new.reason.map_or(0, |reason| self.reason_number(reason));
        self.entries.push(Entry {
            name_end: self.names.len(),
            fingerprint: new.fingerprint,
            reason,
            status: new.status,
            has_chunks: new.has_chunks,
            is_assigned: new.is_assigned,
            seen: AtomicBool::new(false),
        });
    }

    /// Makes the documents that were taken ones that are found.
    pub(super) fn finish(&mut self) {
        self.names.shrink_to_fit();
        self.entries.shrink_to_fit();
        // At most half of it is full, so a free place is near.
        let places = (self.entries.len() * 2).next_power_of_two();
        let mut table = vec![0_u32; places];
        for number in (0..).take(self.entries.len()) {
            let source = self.source(number).unwrap_or_default();
            let free = self
                .places(source, places)
                .find(|place| table.get(*place) == Some(&0));
            if let Some(slot) = free.and_then(|place| table.get_mut(place)) {
                *slot = number.saturating_add(1);
            }
        }
        self.table = table;
    }

    /// Returns what is known of a source.
    pub(super) fn get(&self, source: &str) -> Option<&Entry> {
        for place in self.places(source, self.table.len()) {
            let number = self.table.get(place)?.checked_sub(1)?;
            if self.source(number) == Some(source) {
                return self.entry(number);
            }
        }
        None
    }

    /// Returns the document of a number, and what is known of it.
    pub(super) fn at(&self, number: u32) -> Option<(&str, &Entry)> {
        Some((self.source(number)?, self.entry(number)?))
    }

    /// Yields all documents with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &str, &Entry)> {
        (0..).map_while(|number| {
            let (source, entry) = self.at(number)?;
            Some((number, source, entry))
        })
    }

    /// Returns why a document is left out; nothing when it is not.
    pub(super) fn reason(&self, entry: &Entry) -> &str {
        let number = usize::from(entry.reason).checked_sub(1);
        number
            .and_then(|number| self.reasons.get(number))
            .map_or("", AsRef::as_ref)
    }

    fn reason_number(&mut self, reason: &str) -> u16 {
        let known = self.reasons.iter().position(|known| **known == *reason);
        let number = known.unwrap_or_else(|| {
            self.reasons.push(reason.into());
            self.reasons.len() - 1
        });
        u16::try_from(number + 1).unwrap_or(0)
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    fn source(&self, number: u32) -> Option<&str> {
        let number = usize::try_from(number).ok()?;
        let before = number.checked_sub(1).and_then(|one| self.entries.get(one));
        let start = before.map_or(0, |before| before.name_end);
        self.names.get(start..self.entries.get(number)?.name_end)
    }

    /// Yields the places of a table where a source can be, in the order in which they are looked at.
    fn places(&self, source: &str, places: usize) -> impl Iterator<Item = usize> + use<> {
        let mask = places.saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits of a hash are as good as all"
        )]
        let first = self.hasher.hash_one(source) as usize;
        (0..places).map(move |step| first.wrapping_add(step) & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new<'n>(source: &'n str, reason: Option<&'n str>) -> New<'n> {
        New {
            source,
            fingerprint: None,
            reason,
            status: DocumentStatus::Indexed,
            has_chunks: true,
            is_assigned: true,
        }
    }

    #[test]
    fn each_document_is_found_by_its_source_and_no_other() {
        let mut documents = Documents::default();
        documents.finish();
        assert!(documents.get("/a").is_none());
        let sources: Vec<String> = (0..3_000).map(|number| format!("/a/{number}")).collect();
        for source in &sources {
            let reason = source.ends_with('7').then_some("binary");
            documents.push(&new(source, reason));
        }
        documents.finish();
        for (number, source) in sources.iter().enumerate() {
            let entry = documents.get(source).unwrap();
            assert_eq!(documents.reason(entry) == "binary", number % 10 == 7);
            entry.see();
        }
        assert!(documents.iter().all(|(_, _, entry)| entry.is_seen()));
        assert_eq!(documents.iter().count(), sources.len());
        for other in ["", "/a/", "/a/3000", "/a/1/", "7/a/1"] {
            assert!(documents.get(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_document_takes_less_than_a_hundred_bytes() {
        assert!(size_of::<Entry>() <= 96, "{}", size_of::<Entry>());
    }
}
