//! Texts shown with line numbers, and edited: text in, text out.
//!
//! A line ends with its line feed, so a text that ends with one has no empty
//! line behind it. Numbers are six wide and stand before a tab.

use super::command::FileRefusal;

/// The most lines of a file that is shown.
const LINES_MAX: usize = 999_999;
/// How many lines around a change are shown.
const AROUND: usize = 2;

/// A text after a change, and where it was changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) text: String,
    /// The lines that are new, from 0.
    lines: std::ops::Range<usize>,
}

/// Shows a file, or the lines of a range; an end of -1 is that of the file.
pub(super) fn view(
    path: &str,
    text: &str,
    range: Option<(i64, i64)>,
) -> Result<String, FileRefusal> {
    let lines = lines(text);
    if lines.len() > LINES_MAX {
        return Err(FileRefusal::TooManyLines {
            path: path.to_owned(),
        });
    }
    let (from, to) = match range {
        None => (0, lines.len()),
        Some((from, to)) => between(from, to, lines.len()).ok_or(FileRefusal::Range {
            from,
            to,
            lines: lines.len(),
        })?,
    };
    Ok(format!(
        "Here's the content of {path} with line numbers:\n{}",
        numbered(&lines, from, to)
    ))
}

/// Returns the lines of a range, from 0 and without the last; none when it is no range of the file.
fn between(from: i64, to: i64, count: usize) -> Option<(usize, usize)> {
    let from = usize::try_from(from).ok()?.checked_sub(1)?;
    let to = match to {
        -1 => count,
        to => usize::try_from(to).ok()?.min(count),
    };
    (from < to || (count == 0 && from == 0)).then_some((from, to))
}

/// Puts a text in the place of another one, which must be there once.
pub(super) fn replace(path: &str, text: &str, old: &str, new: &str) -> Result<Edited, FileRefusal> {
    let found: Vec<usize> = if old.is_empty() {
        Vec::new()
    } else {
        text.match_indices(old).map(|(start, _)| start).collect()
    };
    let line_of = |start: usize| {
        let before = text.get(..start).unwrap_or_default();
        before.bytes().filter(|&byte| byte == b'\n').count()
    };
    match found.as_slice() {
        [] => Err(FileRefusal::NoMatch {
            path: path.to_owned(),
            old: old.to_owned(),
        }),
        &[start] => {
            let before = text.get(..start).unwrap_or_default();
            let after = text.get(start + old.len()..).unwrap_or_default();
            let first = line_of(start);
            let count = new.bytes().filter(|&byte| byte == b'\n').count() + 1;
            Ok(Edited {
                text: format!("{before}{new}{after}"),
                lines: first..first + count,
            })
        }
        several => {
            let mut lines: Vec<usize> = several.iter().map(|&start| line_of(start) + 1).collect();
            lines.dedup();
            Err(FileRefusal::ManyMatches {
                old: old.to_owned(),
                lines,
            })
        }
    }
}

/// Puts a text behind a line; 0 is before the first one.
pub(super) fn insert(before: &str, line: i64, text: &str) -> Result<String, FileRefusal> {
    let mut lines = lines(before);
    let count = lines.len();
    let place = usize::try_from(line)
        .ok()
        .filter(|&place| place <= count)
        .ok_or(FileRefusal::Line { line, lines: count })?;
    lines.insert(place, text.strip_suffix('\n').unwrap_or(text));
    let mut edited = lines.join("\n");
    if before.ends_with('\n') || (place == count && text.ends_with('\n')) {
        edited.push('\n');
    }
    Ok(edited)
}

impl Edited {
    /// Shows the lines that are new, and some around them.
    pub(super) fn snippet(&self) -> String {
        let lines = lines(&self.text);
        let from = self.lines.start.saturating_sub(AROUND).min(lines.len());
        let to = (self.lines.end + AROUND).min(lines.len());
        numbered(&lines, from, to)
    }
}

fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .collect()
}

fn numbered(lines: &[&str], from: usize, to: usize) -> String {
    let shown = lines.iter().enumerate().take(to).skip(from);
    let shown: Vec<String> = shown
        .map(|(number, line)| format!("{:>6}\t{line}", number + 1))
        .collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_is_shown_with_numbers() {
        let shown = |text: &str, range| view("/memories/n", text, range).unwrap();
        let head = "Here's the content of /memories/n with line numbers:\n";
        let all = format!("{head}     1\ta\n     2\t\n     3\tc");
        assert_eq!(shown("a\n\nc\n", None), all);
        assert_eq!(shown("a\n\nc", None), all);
        assert_eq!(shown("", None), head);
        assert_eq!(
            shown("a\nb\nc", Some((2, -1))),
            format!("{head}     2\tb\n     3\tc")
        );
        assert_eq!(shown("a\nb\nc", Some((1, 9))), all.replace("2\t", "2\tb"));
        for range in [(0, 1), (-1, 2), (4, 9), (2, 1), (1, -2)] {
            assert!(
                view("/memories/n", "a\nb\nc", Some(range)).is_err(),
                "{range:?}"
            );
        }
        let long = "\n".repeat(LINES_MAX + 1);
        let refused = view("/memories/n", &long, None).unwrap_err().to_string();
        assert_eq!(
            refused,
            "File /memories/n exceeds maximum line limit of 999,999 lines."
        );
    }

    #[test]
    fn a_text_that_is_there_once_is_replaced() {
        let edited = replace("/memories/n", "1\n2\n3\n4\n5\n6\n", "4", "four\nIV").unwrap();
        assert_eq!(edited.text, "1\n2\n3\nfour\nIV\n5\n6\n");
        assert_eq!(
            edited.snippet(),
            "     2\t2\n     3\t3\n     4\tfour\n     5\tIV\n     6\t5\n     7\t6"
        );
        let gone = replace("/memories/n", "only", "only", "").unwrap();
        assert_eq!((gone.text.as_str(), gone.snippet().as_str()), ("", ""));
    }

    #[test]
    fn a_text_that_is_not_there_once_is_told() {
        let refused = |text: &str, old: &str| {
            replace("/memories/n", text, old, "x")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("a\nb\n", "c"),
            "No replacement was performed, old_str `c` did not appear verbatim in /memories/n."
        );
        assert_eq!(
            refused("a\nb a\nc\naa", "a"),
            "No replacement was performed. Multiple occurrences of old_str `a` in lines: 1, 2, 4. \
             Please ensure it is unique"
        );
        assert!(refused("a", "").contains("did not appear"));
    }

    #[test]
    fn text_is_inserted_behind_a_line() {
        assert_eq!(insert("a\nb\n", 0, "x\n").unwrap(), "x\na\nb\n");
        assert_eq!(insert("a\nb\n", 1, "x").unwrap(), "a\nx\nb\n");
        assert_eq!(insert("a\nb\n", 2, "x").unwrap(), "a\nb\nx\n");
        assert_eq!(insert("a\nb", 2, "x\n").unwrap(), "a\nb\nx\n");
        assert_eq!(insert("a\nb", 1, "x\n").unwrap(), "a\nx\nb");
        assert_eq!(insert("", 0, "x\ny\n").unwrap(), "x\ny\n");
        assert_eq!(
            insert("a\nb\n", 3, "x").unwrap_err().to_string(),
            "Error: Invalid `insert_line` parameter: 3. It should be within the range of lines of \
             the file: [0, 2]"
        );
        assert!(insert("a", -1, "x").is_err());
    }

    proptest! {
        #[test]
        fn an_insertion_adds_its_lines_and_moves_none(
            text in "[a-c\n]{0,20}", inserted in "[x\n]{1,6}", place in 0_usize..20,
        ) {
            let count = lines(&text).len();
            let place = place.min(count);
            let edited = insert(&text, i64::try_from(place).unwrap(), &inserted).unwrap();
            let new = inserted.strip_suffix('\n').unwrap_or(&inserted);
            let mut expected: Vec<&str> = lines(&text);
            for (offset, line) in new.split('\n').enumerate() {
                expected.insert(place + offset, line);
            }
            prop_assert_eq!(lines(&edited), expected);
        }

        #[test]
        fn what_was_replaced_comes_back(text in "[a-c\n]{0,20}", old in "[a-c\n]{1,4}") {
            if let Ok(edited) = replace("p", &text, &old, "XYZ") {
                prop_assert_eq!(replace("p", &edited.text, "XYZ", &old).unwrap().text, text);
            }
        }
    }
}
