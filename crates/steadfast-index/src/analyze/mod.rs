//! Text to terms: the one analyser that index, tail, query and highlighting share.
//!
//! The rules of version 1:
//! - a word is a run of Unicode letters, digits and `_` with the marks on
//!   them; an apostrophe ends it;
//! - words are lower-cased, brought to NFKC, and lose the accents on Latin
//!   letters; plain English letters are stemmed ([Porter 1980]);
//! - an identifier (`camelCase`, `HTTPServer`, `snake_case`, `python3`) is
//!   indexed whole and in parts;
//! - Han, Kana, Hangul, Thai, Lao, Khmer and Myanmar are indexed as
//!   overlapping pairs of characters, a lone character as itself;
//! - words over 64 bytes are indexed whole, not stemmed and not split;
//! - stop words stay in the index and leave a query, unless it is made of nothing else.
//!
//! Invariants: nothing here fails or panics on any text; work and memory are
//! linear in its length; no rule depends on locale, environment or what was
//! analysed before. Deliberately not here: positions, synonyms, language
//! detection, the text of a term (only its hash leaves this module).
//!
//! [Porter 1980]: https://tartarus.org/martin/PorterStemmer/def.txt

mod cache;
mod fold;
mod hash;
mod porter;
mod query;
mod stop;
mod words;

pub use query::{QueryTerm, QueryTerms};

use cache::WordCache;
use std::cell::RefCell;
use std::ops::Range;
use steadfast_model::{Analyze, AnalyzerId, HashedTerms};
use words::{Share, Walk};

/// The analyser: stateless, so one value serves every thread.
///
/// # Examples
/// ```
/// use steadfast_index::analyze::Analyzer;
/// use steadfast_model::Analyze;
///
/// let analyzer = Analyzer;
/// let terms = analyzer.terms("Melanie paints; she painted a sunrise.");
/// let query = analyzer.query_terms("What did Melanie paint?");
/// assert_eq!(query.terms().len(), 2);
/// assert!(query.terms().iter().all(|term| terms.count(term.hash) > 0));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Analyzer;

thread_local! {
    /// Frequent words of this thread: changes speed only, never a result.
    static WORDS: RefCell<WordCache> = RefCell::new(WordCache::new());
}

/// A guess of the bytes per term, to allocate once.
const BYTES_PER_TERM: usize = 6;

impl Analyzer {
    /// The version of the rules; it grows with every change of them.
    pub const ID: AnalyzerId = AnalyzerId(2);

    /// Returns the terms of `text` in order, each with the bytes of `text` it came from.
    ///
    /// The parts of an identifier follow the whole, so ranges may overlap. Both
    /// ends of each range are character boundaries.
    pub fn spans(&self, text: &str) -> impl Iterator<Item = (u64, Range<usize>)> + use<> {
        walk(text, true).into_iter()
    }

    /// Returns the terms of `text` in order, and the words among them: what is left without the parts of what is
    /// there as a whole, so that words of a phrase follow each other.
    pub fn sequence(&self, text: &str) -> Sequence {
        let mut sequence = Sequence::default();
        Walk {
            text,
            cache: None,
            singles: true,
            emit: |hash, _, share| {
                sequence.terms.push(hash);
                if share == Share::Word {
                    sequence.words.push(hash);
                }
            },
        }
        .run();
        sequence
    }

    /// Returns what a query searches: its distinct terms without stop words and question words.
    ///
    /// When nothing else is left, all its words count.
    pub fn query_terms(&self, text: &str) -> QueryTerms {
        let is_kept = |range: &Range<usize>| {
            let word = text.get(range.clone()).unwrap_or_default();
            !stop::leaves_query(&word.to_ascii_lowercase())
        };
        let spans = walk(text, false);
        let kept = spans
            .iter()
            .filter(|(_, range)| is_kept(range))
            .map(|(hash, _)| *hash);
        let query = QueryTerms::from_tokens(kept);
        if query.is_empty() {
            return QueryTerms::from_tokens(spans.iter().map(|(hash, _)| *hash));
        }
        query
    }
}

/// The terms of a text, as [`Analyzer::sequence`] returns them.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// All terms.
    pub terms: Vec<u64>,
    /// The words and pairs among them, without parts.
    pub words: Vec<u64>,
}

fn walk(text: &str, singles: bool) -> Vec<(u64, Range<usize>)> {
    let mut spans = Vec::with_capacity(text.len() / BYTES_PER_TERM);
    Walk {
        text,
        cache: None,
        singles,
        emit: |hash, range, _| spans.push((hash, range)),
    }
    .run();
    spans
}

impl Analyze for Analyzer {
    fn id(&self) -> AnalyzerId {
        Self::ID
    }

    fn terms(&self, text: &str) -> HashedTerms {
        let mut hashes = Vec::with_capacity(text.len() / BYTES_PER_TERM);
        let mut walk = |cache: Option<&mut WordCache>| {
            hashes.clear();
            Walk {
                text,
                cache,
                singles: true,
                emit: |hash, _, _| hashes.push(hash),
            }
            .run();
        };
        // Without its cache (a thread that is ending) the walk is slower and finds the same.
        let cached = WORDS.try_with(|words| match words.try_borrow_mut() {
            Ok(mut words) => walk(Some(&mut words)),
            Err(_) => walk(None),
        });
        if cached.is_err() {
            walk(None);
        }
        HashedTerms::from_tokens(hashes)
    }
}

#[cfg(test)]
mod tests;
