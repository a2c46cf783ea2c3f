//! Phrases: words that must follow each other, or must not be there.
//!
//! The postings know which words are in a row, not where. So the rows that have
//! all words of all phrases are the scope, and the texts of the candidates say
//! which of them have a phrase; the search goes on to deeper tiers until the
//! page is full, so nothing is cut before it was looked at.

use steadfast_index::Analyzer;
use steadfast_model::{Row, RowSet};
use steadfast_store::{Bm25, Snapshot};

use super::fuse::Ranked;
use crate::error::Result;

/// Texts that are fetched at once.
const BATCH: usize = 256;

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
        let words = Text::read(analyzer, text).words;
        (!words.is_empty()).then_some(Self(words))
    }

    /// Returns whether a text has these words in this order; one word alone may also be part of an identifier.
    fn is_in(&self, text: &Text) -> bool {
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

    /// Returns the rows of the scope that may fulfil the demands.
    pub(super) fn narrow(&self, snapshot: &dyn Snapshot, scope: &RowSet) -> Result<Option<RowSet>> {
        if self.phrases.is_empty() && self.not_words.is_empty() {
            return Ok(None);
        }
        let mut rows = scope.clone();
        for term in self.phrases.iter().flat_map(|phrase| &phrase.0) {
            rows = rows_with(snapshot, *term, &rows)?;
        }
        for term in &self.not_words {
            rows.subtract(&rows_with(snapshot, *term, &rows)?);
        }
        Ok(Some(rows))
    }

    /// Returns whether a text fulfils the demands.
    pub(super) fn admit(&self, text: &str) -> bool {
        if self.phrases.is_empty() && self.not_phrases.is_empty() && self.not_words.is_empty() {
            return true;
        }
        let text = Text::read(Analyzer, text);
        let has = |phrase: &Phrase| phrase.is_in(&text);
        self.phrases.iter().all(has)
            && !self.not_phrases.iter().any(has)
            && !self.not_words.iter().any(|term| text.terms.contains(term))
    }

    /// Leaves the rows whose texts have every phrase and none that is left out.
    pub(super) fn keep(&self, snapshot: &dyn Snapshot, ranked: &mut Vec<Ranked>) -> Result<()> {
        if self.phrases.is_empty() && self.not_phrases.is_empty() {
            return Ok(());
        }
        let mut kept = RowSet::new();
        for batch in ranked.chunks(BATCH) {
            let rows: Vec<Row> = batch.iter().map(|ranked| ranked.candidate.row).collect();
            for chunk in snapshot.fetch(&rows)?.chunks {
                let text = Text::read(Analyzer, &chunk.text);
                let has = |phrase: &Phrase| phrase.is_in(&text);
                if self.phrases.iter().all(has) && !self.not_phrases.iter().any(has) {
                    kept.insert(chunk.row);
                }
            }
        }
        ranked.retain(|ranked| kept.contains(ranked.candidate.row));
        Ok(())
    }
}

fn rows_with(snapshot: &dyn Snapshot, term: u64, scope: &RowSet) -> Result<RowSet> {
    let found = snapshot.text_top(&[term], scope.len(), Bm25::default(), scope)?;
    let mut rows = RowSet::new();
    for (row, _) in found {
        rows.insert(row);
    }
    Ok(rows)
}

/// What a phrase is looked for in.
struct Text {
    terms: Vec<u64>,
    /// Without the parts of what is there as a whole.
    words: Vec<u64>,
}

impl Text {
    fn read(analyzer: Analyzer, text: &str) -> Self {
        let (mut terms, mut words) = (Vec::new(), Vec::new());
        let mut end_of_whole = 0;
        for (term, range) in analyzer.spans(text) {
            terms.push(term);
            if range.end > end_of_whole {
                words.push(term);
                end_of_whole = range.end;
            }
        }
        Self { terms, words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(phrase: &str, text: &str) -> bool {
        Phrase::read(Analyzer, phrase)
            .is_some_and(|phrase| phrase.is_in(&Text::read(Analyzer, text)))
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
}
