//! What changes between two texts, in lines with a little around them.

use std::fmt::Write as _;

/// Lines that are shown around a change.
const AROUND: usize = 2;
/// Above this product of line counts the middle is shown as replaced as a whole.
const CELLS_MAX: usize = 4_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Same,
    Gone,
    New,
}

/// Returns the changed lines behind `-` and `+`; nothing when the texts are the same.
pub(crate) fn diff(before: &str, after: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let lines = compared(&old, &new);
    let is_near = |place: usize| {
        let from = place.saturating_sub(AROUND);
        lines
            .iter()
            .skip(from)
            .take(place - from + AROUND + 1)
            .any(|(sign, _)| *sign != Sign::Same)
    };
    let mut out = String::new();
    let mut was_shown = true;
    for (place, (sign, line)) in lines.iter().enumerate() {
        let is_shown = is_near(place);
        if is_shown {
            if !was_shown && !out.is_empty() {
                out.push_str("  ...\n");
            }
            let mark = match sign {
                Sign::Same => ' ',
                Sign::Gone => '-',
                Sign::New => '+',
            };
            let _written = writeln!(out, "{mark} {line}");
        }
        was_shown = is_shown;
    }
    out
}

/// Compares lines by the longest common subsequence of what is left between equal ends.
fn compared<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(Sign, &'t str)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut lines: Vec<(Sign, &str)> = old
        .iter()
        .take(head)
        .map(|line| (Sign::Same, *line))
        .collect();
    middle(old_middle, new_middle, &mut lines);
    let end = old.iter().skip(old.len() - tail);
    lines.extend(end.map(|line| (Sign::Same, *line)));
    lines
}

fn middle<'t>(old: &[&'t str], new: &[&'t str], lines: &mut Vec<(Sign, &'t str)>) {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; 0];
    if old.len().saturating_mul(width) <= CELLS_MAX {
        lengths = vec![0; (old.len() + 1) * width];
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                let at = |i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
                let length = if old.get(i) == new.get(j) {
                    at(i + 1, j + 1) + 1
                } else {
                    at(i + 1, j).max(at(i, j + 1))
                };
                if let Some(cell) = lengths.get_mut(i * width + j) {
                    *cell = length;
                }
            }
        }
    }
    let at = |i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        match (old.get(i), new.get(j)) {
            (Some(gone), Some(came)) if gone == came => {
                lines.push((Sign::Same, gone));
                (i, j) = (i + 1, j + 1);
            }
            (Some(gone), came) if came.is_none() || at(i + 1, j) >= at(i, j + 1) => {
                lines.push((Sign::Gone, gone));
                i += 1;
            }
            (_, Some(came)) => {
                lines.push((Sign::New, came));
                j += 1;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown_with_a_little_around() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let new = "1\n2\nx\n3\n4\n5\n6\n7\n8\n10\n";
        assert_eq!(
            diff(old, new),
            "  1\n  2\n+ x\n  3\n  4\n  ...\n  7\n  8\n- 9\n  10\n"
        );
        assert_eq!(diff(old, old), "");
        assert_eq!(diff("", "a\nb\n"), "+ a\n+ b\n");
        assert_eq!(diff("a\n", ""), "- a\n");
    }
}
