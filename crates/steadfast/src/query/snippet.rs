//! The part of a text to show, and which words in it match.

use std::ops::Range;

use steadfast_index::Analyzer;

/// About how much of a text is shown.
const SNIPPET_BYTES: usize = 240;
/// How much of the text before the first match is shown.
const LEAD_BYTES: usize = 40;

/// Returns the part of a text with the most different words of a question, and their byte ranges in it.
pub(super) fn snippet(
    analyzer: Analyzer,
    text: &str,
    terms: &[u64],
) -> (String, Vec<(usize, usize)>) {
    let mut wanted: Vec<u64> = terms.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let matches: Vec<(usize, Range<usize>)> = if wanted.is_empty() {
        Vec::new()
    } else {
        analyzer
            .spans(text)
            .filter_map(|(hash, range)| Some((wanted.binary_search(&hash).ok()?, range)))
            .collect()
    };
    let (start, end) = window(text, &matches, wanted.len());
    let mut highlights: Vec<(usize, usize)> = matches
        .iter()
        .filter(|(_, range)| range.start >= start && range.end <= end)
        .map(|(_, range)| (range.start - start, range.end - start))
        .collect();
    highlights.sort_unstable();
    // Parts of an identifier lie inside the whole; one highlight is enough.
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(highlights.len());
    for (from, to) in highlights {
        match merged.last_mut() {
            Some(last) if from < last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    (text.get(start..end).unwrap_or_default().to_owned(), merged)
}

/// Returns the byte range of the window that begins shortly before the match from which
/// most different words are within reach. A match carries the number of its word.
fn window(text: &str, matches: &[(usize, Range<usize>)], words: usize) -> (usize, usize) {
    let mut best = (0, 0);
    // Of the matches from the current one to `end`: how many there are of each word, and of how many words.
    let mut counts = vec![0_u32; words];
    let (mut different, mut end) = (0, 0);
    for (index, (word, first)) in matches.iter().enumerate() {
        while let Some((next, range)) = matches.get(end)
            && range.end <= first.start + SNIPPET_BYTES - LEAD_BYTES
        {
            if let Some(count) = counts.get_mut(*next) {
                different += usize::from(*count == 0);
                *count += 1;
            }
            end += 1;
        }
        if different > best.0 {
            best = (different, first.start);
        }
        if index == end {
            // It is longer than the window and was not counted.
            end += 1;
        } else if let Some(count) = counts.get_mut(*word) {
            *count -= 1;
            different -= usize::from(*count == 0);
        }
    }
    let wanted = best.1.saturating_sub(LEAD_BYTES);
    let start = if wanted == 0 {
        0
    } else {
        after_space(text, text.floor_char_boundary(wanted), best.1)
    };
    let end = text.floor_char_boundary((start + SNIPPET_BYTES).min(text.len()));
    let end = if end < text.len() {
        before_space(text, start, end)
    } else {
        end
    };
    (start, end)
}

/// Returns the first place after a space between two places, so that no word is cut; the first place when there is none.
fn after_space(text: &str, from: usize, to: usize) -> usize {
    let part = text.get(from..to).unwrap_or_default();
    part.find(char::is_whitespace).map_or(from, |at| {
        from + at
            + part
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8)
    })
}

fn before_space(text: &str, from: usize, to: usize) -> usize {
    let part = text.get(from..to).unwrap_or_default();
    part.rfind(char::is_whitespace)
        .filter(|&at| at > 0)
        .map_or(to, |at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, question: &str) -> (String, Vec<String>) {
        let terms: Vec<u64> = Analyzer
            .query_terms(question)
            .terms()
            .iter()
            .map(|term| term.hash)
            .collect();
        let (snippet, highlights) = snippet(Analyzer, text, &terms);
        let words = highlights
            .iter()
            .map(|&(from, to)| snippet[from..to].to_owned())
            .collect();
        (snippet, words)
    }

    #[test]
    fn the_window_moves_to_where_the_words_are() {
        let text = format!(
            "{}the watermark of the index is behind{}",
            "filler ".repeat(200),
            " tail".repeat(200)
        );
        let (snippet, words) = check(&text, "index watermark");
        assert_eq!(words, ["watermark", "index"]);
        assert!(snippet.len() <= SNIPPET_BYTES);
    }

    #[test]
    fn a_text_without_a_match_shows_its_beginning() {
        let (snippet, words) = check("plain words only", "absent");
        assert_eq!(snippet, "plain words only");
        assert!(words.is_empty());
    }

    #[test]
    fn an_identifier_is_highlighted_once_and_boundaries_hold() {
        let (_, words) = check("see readIndexFile now", "readIndexFile index");
        assert_eq!(words, ["readIndexFile"]);
        let (snippet, _) = check(&"\u{1f600}".repeat(500), "index");
        assert!(snippet.len() <= SNIPPET_BYTES);
    }
}
