//! A text becomes a question: terms to look up, a vector to compare with.

use steadfast_embed::{Embed, embed_proven};
use steadfast_index::Analyzer;
use steadfast_model::Vector;
use steadfast_store::Ways;

use super::phrase::Demands;
use super::rank::{Date, asks_when};
use super::{Mode, SearchRequest};
use crate::error::Result;

/// The longest text that is understood; of a longer one the beginning counts.
const QUERY_BYTES_MAX: usize = 64 * 1024;

/// What is searched for.
pub(super) struct Question {
    pub(super) mode: Mode,
    /// The ways that can find anything for this question.
    pub(super) ways: Ways,
    /// Term hashes, ascending.
    pub(super) terms: Vec<u64>,
    /// What a text must have, and must not.
    pub(super) demands: Demands,
    /// Its words in lower case, in order.
    pub(super) words: Vec<String>,
    /// A date that it names.
    pub(super) date: Option<Date>,
    /// It asks for a time.
    pub(super) asks_when: bool,
    /// All zeros when the text says nothing to the model.
    pub(super) vector: Vector,
    /// Why the question has no vector although one was asked for.
    pub(super) not_embedded: Option<String>,
    /// What the asker should know.
    pub(super) warnings: Vec<String>,
}

pub(super) fn parse(
    analyzer: Analyzer,
    embed: &dyn Embed,
    request: &SearchRequest,
) -> Result<Question> {
    let text = beginning(&request.query);
    let mut warnings = Vec::new();
    if text.len() < request.query.len() {
        warnings.push(format!(
            "only the first {} bytes of the question were used",
            text.len()
        ));
    }
    let query = analyzer.query_terms(text);
    if query.left_out() > 0 {
        warnings.push(format!(
            "{} words beyond the limit of the question were left out",
            query.left_out()
        ));
    }
    let terms: Vec<u64> = query.terms().iter().map(|term| term.hash).collect();
    let mut ways = request.mode.ways();
    let mut not_embedded = None;
    let nowhere = || Vector(vec![0.0; embed.model().dimensions]);
    let vector = if ways.vector {
        match embed_proven(embed, &[text]) {
            Ok(mut vectors) => vectors.pop().unwrap_or_default(),
            Err(error) if !ways.text => return Err(error.into()),
            // The words are searched all the same, and the answer says that they are all that was.
            Err(error) => {
                not_embedded = Some(error.to_string());
                ways.vector = false;
                nowhere()
            }
        }
    } else {
        nowhere()
    };
    if terms.is_empty() && vector.is_zero() {
        warnings.push("the question has no words to search for".to_owned());
    }
    let words = words(text);
    Ok(Question {
        date: Date::find(&words),
        asks_when: asks_when(&words),
        words,
        demands: Demands::read(analyzer, &request.phrases, &request.left_out),
        mode: request.mode,
        ways,
        terms,
        vector,
        not_embedded,
        warnings,
    })
}

/// Returns the words of a text in lower case, without possessive endings.
pub(super) fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '\u{2019}')
        .map(|word| {
            let word = word.trim_matches(['\'', '\u{2019}']);
            word.split(['\'', '\u{2019}']).next().unwrap_or_default()
        })
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn beginning(text: &str) -> &str {
    let end = text.floor_char_boundary(QUERY_BYTES_MAX);
    text.get(..end).unwrap_or_default()
}
