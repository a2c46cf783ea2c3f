//! From places in a redacted text back to the text before.

use std::ops::Range;

/// A secret that was taken out. It does not hold the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The sort of secret; its place reads `[redacted:KIND]`.
    pub kind: String,
    /// Where it stood in the text before.
    pub before: Range<usize>,
    /// What stands there now, in the redacted text.
    pub after: Range<usize>,
    /// Whether it ended on the line below the last line feed that it left in its place.
    pub(super) ends_below: bool,
}

/// All that was taken out of one text, in order; ranges do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals(Vec<Removed>);

impl Removals {
    pub(super) fn push(&mut self, removed: Removed) {
        self.0.push(removed);
    }

    /// Returns what was taken out, in order.
    pub fn all(&self) -> &[Removed] {
        &self.0
    }

    /// Returns how many secrets were taken out.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Returns whether a range of the redacted text holds a part of a place where a secret stood.
    pub fn touch(&self, range: &Range<usize>) -> bool {
        let first = self
            .0
            .partition_point(|removed| removed.after.end <= range.start);
        self.0
            .get(first)
            .is_some_and(|removed| removed.after.start < range.end)
    }

    /// Returns by how many lines the text before goes on behind the last byte of a range of the redacted text.
    ///
    /// A secret of several lines leaves its line feeds last, so what ends with it seems to end one line early.
    pub fn lines_behind(&self, range: &Range<usize>) -> u32 {
        let ends = self
            .0
            .binary_search_by_key(&range.end, |removed| removed.after.end);
        let last = ends.ok().and_then(|place| self.0.get(place));
        u32::from(last.is_some_and(|removed| removed.ends_below))
    }

    /// Returns the range of the text before that a range of the redacted text came from.
    ///
    /// An end inside the place of a secret means the whole secret: the start is rounded down and the end up.
    pub fn range_before(&self, range: &Range<usize>) -> Range<usize> {
        self.place_before(range.start, |removed| removed.before.start)
            ..self.place_before(range.end, |removed| removed.before.end)
    }

    fn place_before(&self, place: usize, inside: impl Fn(&Removed) -> usize) -> usize {
        let passed = self.0.partition_point(|removed| removed.after.end <= place);
        match self.0.get(passed) {
            Some(removed) if removed.after.start < place => inside(removed),
            _ => match passed.checked_sub(1).and_then(|last| self.0.get(last)) {
                Some(removed) => removed.before.end + (place - removed.after.end),
                None => place,
            },
        }
    }
}
