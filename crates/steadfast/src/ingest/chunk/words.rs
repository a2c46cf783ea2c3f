//! Code within a line of Markdown, in which nothing else has a meaning.

use std::collections::HashMap;
use std::ops::Range;

/// Returns the spans of code between backticks, with these, in order.
///
/// A run of backticks closes at the next run of its length, else it is text
/// (`CommonMark` 0.31, section 6.1). Time is linear, however many runs there are.
pub(super) fn code_spans(text: &str) -> Vec<Range<usize>> {
    let runs = backtick_runs(text);
    // Where the next run of the same length stands, found from the end.
    let mut last: HashMap<usize, usize> = HashMap::new();
    let mut closing = vec![None; runs.len()];
    for (index, (run, slot)) in runs.iter().zip(&mut closing).enumerate().rev() {
        *slot = last.insert(run.len(), index);
    }
    let mut spans = Vec::new();
    let mut index = 0;
    while let (Some(run), Some(close)) = (runs.get(index), closing.get(index)) {
        index = match close.and_then(|close| Some((close, runs.get(close)?))) {
            Some((close, end)) => {
                spans.push(run.start..end.end);
                close + 1
            }
            None => index + 1,
        };
    }
    spans
}

fn backtick_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (place, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == place => run.end += 1,
            _ => runs.push(place..place + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_lies_between_equal_runs() {
        for (text, expected) in [
            ("a `b` c", vec!["`b`"]),
            ("``a`b`` `c", vec!["``a`b``"]),
            ("`` ` `", vec!["` `"]),
            ("none", vec![]),
            ("`a``b`", vec!["`a``b`"]),
        ] {
            let found: Vec<&str> = code_spans(text)
                .into_iter()
                .map(|span| &text[span])
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn many_backticks_take_no_longer() {
        let text: String = (1..1_500).map(|length| "`".repeat(length) + " ").collect();
        assert!(code_spans(&text).is_empty());
        assert_eq!(code_spans(&"` ".repeat(500_000)).len(), 250_000);
    }
}
