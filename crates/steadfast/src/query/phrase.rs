//! Phrases: words that must follow each other, or must not be there.
//!
//! The postings know which words are in a row, not where. So the rows that have
//! all words of all phrases are the scope, and the texts of the candidates say
//! which of them have a phrase; the search goes on to deeper tiers until the
//! page is full, so nothing is cut before it was looked at.

use std::collections::BTreeSet;

use steadfast_index::{Analyzer, Sequence};
use steadfast_model::{Row, RowSet};
use steadfast_store::{Bm25, Snapshot};

use super::fuse::Ranked;
use crate::error::Result;

/// Texts that are fetched at once.
const BATCH: usize = 256;

/// Words of phrases by which a scope is narrowed; each is a look into the postings.
const NARROWING_MAX: usize = 64;

/// Words in a row, as the analyzer has them: in any form, without what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase(Vec<u64>);

/// What a question demands of a text beside its words.
#[derive(Clone, Debug, Default)]
pub(super) struct Demands {
    phrases: Vec<Phrase>,
    not_words: Vec<u64>,
    not_phrases: Vec<Phrase>,
}

impl Phrase {
    fn read(analyzer: Analyzer, text: &str) -> Option<Self> {
        let words = analyzer.sequence(text).words;
        (!words.is_empty()).then_some(Self(words))
    }

    /// Returns whether a text has these words in this order; one word alone may also be part of an identifier.
    fn is_in(&self, text: &Sequence) -> bool {
        match self.0.as_slice() {
            [word] => text.terms.contains(word),
            words => text
                .words
                .windows(words.len())
                .any(|window| window == words),
        }
    }
}

impl Demands {
    pub(super) fn read(analyzer: Analyzer, phrases: &[String], left_out: &[String]) -> Self {
        let read = |text: &String| Phrase::read(analyzer, text);
        let (not_words, not_phrases) = left_out
            .iter()
            .filter_map(read)
            .partition::<Vec<_>, _>(|phrase| phrase.0.len() == 1);
        Self {
            phrases: phrases.iter().filter_map(read).collect(),
            not_words: not_words.into_iter().flat_map(|phrase| phrase.0).collect(),
            not_phrases,
        }
    }

    fn is_empty(&self) -> bool {
        self.phrases.is_empty() && self.not_phrases.is_empty() && self.not_words.is_empty()
    }

    /// Returns the words by which the scope is narrowed, those that must be there and those that must not.
    fn narrowing(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let words = self.phrases.iter().flat_map(|phrase| &phrase.0).copied();
        // The texts decide in the end, so the first ones will do: what a question costs is bounded.
        (
            words.take(NARROWING_MAX).collect(),
            self.not_words.iter().copied().take(NARROWING_MAX).collect(),
        )
    }

    /// Returns the words that [`Self::narrow`] will ask for.
    pub(super) fn words(&self) -> BTreeSet<u64> {
        let (with, without) = self.narrowing();
        with.union(&without).copied().collect()
    }

    /// Returns the rows of the scope that may fulfil the demands.
    pub(super) fn narrow(&self, snapshot: &dyn Snapshot, scope: &RowSet) -> Result<Option<RowSet>> {
        let (with, without) = self.narrowing();
        if with.is_empty() && without.is_empty() {
            return Ok(None);
        }
        let mut rows = scope.clone();
        for term in with {
            rows = rows_with(snapshot, term, &rows)?;
        }
        for term in without {
            rows.subtract(&rows_with(snapshot, term, &rows)?);
        }
        Ok(Some(rows))
    }

    /// Returns whether a text fulfils the demands.
    pub(super) fn admit(&self, text: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        let text = Analyzer.sequence(text);
        let has = |phrase: &Phrase| phrase.is_in(&text);
        self.phrases.iter().all(has)
            && !self.not_phrases.iter().any(has)
            && !self.not_words.iter().any(|term| text.terms.contains(term))
    }

    /// Leaves the rows whose texts fulfil the demands.
    ///
    /// Words are looked for here too: what could not be read in time was not left out by them.
    pub(super) fn keep(&self, snapshot: &dyn Snapshot, ranked: &mut Vec<Ranked>) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut kept = RowSet::new();
        for batch in ranked.chunks(BATCH) {
            let rows: Vec<Row> = batch.iter().map(|ranked| ranked.candidate.row).collect();
            let fetched = snapshot.fetch(&rows)?;
            let admitted = fetched
                .chunks
                .into_iter()
                .filter(|chunk| self.admit(&chunk.text));
            kept.extend(admitted.map(|chunk| chunk.row));
            // Nobody knows what these say: whoever shows the hits tells.
            kept.extend(fetched.damaged);
        }
        ranked.retain(|ranked| kept.contains(ranked.candidate.row));
        Ok(())
    }
}

fn rows_with(snapshot: &dyn Snapshot, term: u64, scope: &RowSet) -> Result<RowSet> {
    if scope.is_empty() {
        return Ok(RowSet::new());
    }
    let found = snapshot.text_top(&[term], scope.len(), Bm25::default(), scope)?;
    let mut rows = RowSet::new();
    for (row, _) in found {
        rows.insert(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(phrase: &str, text: &str) -> bool {
        Phrase::read(Analyzer, phrase).is_some_and(|phrase| phrase.is_in(&Analyzer.sequence(text)))
    }

    #[test]
    fn words_follow_each_other_whatever_stands_between_them() {
        assert!(is_in("write ahead LOG", "The write-ahead\nlog."));
        assert!(!is_in("ahead log", "logs are written ahead, then a log"));
        assert!(is_in("open file", "it opened files"));
        assert!(!is_in("open file", "fn open_file()"));
        assert!(is_in("open_file now", "open_file, now"));
        assert!(is_in("don't", "We don't know"));
        assert!(is_in("file", "fn open_file()") && !is_in("file", "fn open()"));
        assert!(is_in("\u{4eac}", "\u{65b0}\u{6771}\u{4eac}\u{90fd}"));
        assert!(is_in(
            "\u{6771}\u{4eac}",
            "\u{65b0}\u{6771}\u{4eac}\u{90fd}"
        ));
        assert!(!is_in(
            "\u{6771}\u{90fd}",
            "\u{65b0}\u{6771}\u{4eac}\u{90fd}"
        ));
        assert!(Phrase::read(Analyzer, "?!").is_none());
    }

    #[test]
    fn a_run_that_must_be_composed_has_its_words_in_order_too() {
        let thai = "\u{e40}\u{e23}\u{e32}\u{e17}\u{e33}\u{e07}\u{e32}\u{e19}\u{e17}\u{e35}\u{e48}\u{e01}\u{e23}\u{e38}\u{e07}";
        assert!(is_in("\u{e17}\u{e33}\u{e07}\u{e32}\u{e19}", thai));
        assert!(is_in("\u{e01}\u{e23}\u{e38}\u{e07}", thai));
        assert!(!is_in("\u{e19}\u{e01}\u{e23}\u{e38}\u{e07}", thai));
        // Seoul-si, composed and not, and Seoul alone.
        let (whole, parts) = (
            "\u{c11c}\u{c6b8}\u{c2dc}",
            "\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}\u{1109}\u{1175}",
        );
        assert!(is_in(whole, parts) && is_in(parts, whole));
        assert!(!is_in(parts, "\u{c11c}\u{c6b8}"));
    }
}
