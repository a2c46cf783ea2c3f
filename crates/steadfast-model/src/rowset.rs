//! A set of rows as a bitmap: what filters produce and what every index takes.

use crate::ids::Row;

/// A set of rows, one bit each.
///
/// Words of 64 rows that are zero are cheap to skip, which is how a narrow
/// filter makes a scan faster instead of slower.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    words: Vec<u64>,
    count: usize,
}

impl RowSet {
    /// Returns the empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the empty set with room for rows below `rows_max`.
    pub fn with_room(rows_max: usize) -> Self {
        Self {
            words: vec![0; rows_max.div_ceil(64)],
            count: 0,
        }
    }

    /// Returns the set of all rows from `first` to `last`, both included.
    pub fn range(first: Row, last: Row) -> Self {
        let mut set = Self::new();
        set.insert_range(first, last);
        set
    }

    /// Adds a row; returns whether it was new.
    pub fn insert(&mut self, row: Row) -> bool {
        let (word, bit) = place(row);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let Some(slot) = self.words.get_mut(word) else {
            return false;
        };
        let new = *slot & bit == 0;
        *slot |= bit;
        self.count += usize::from(new);
        new
    }

    /// Adds all rows from `first` to `last`, both included; nothing when `first > last`.
    pub fn insert_range(&mut self, first: Row, last: Row) {
        if first > last {
            return;
        }
        let (first_word, last_word) = (first.0 as usize / 64, last.0 as usize / 64);
        if last_word >= self.words.len() {
            self.words.resize(last_word + 1, 0);
        }
        for (index, word) in self
            .words
            .iter_mut()
            .enumerate()
            .take(last_word + 1)
            .skip(first_word)
        {
            let mut mask = u64::MAX;
            if index == first_word {
                mask &= u64::MAX << (first.0 % 64);
            }
            if index == last_word {
                mask &= u64::MAX >> (63 - last.0 % 64);
            }
            self.count += (mask & !*word).count_ones() as usize;
            *word |= mask;
        }
    }

    /// Removes a row; returns whether it was there.
    pub fn remove(&mut self, row: Row) -> bool {
        let (word, bit) = place(row);
        let Some(slot) = self.words.get_mut(word) else {
            return false;
        };
        let was = *slot & bit != 0;
        *slot &= !bit;
        self.count -= usize::from(was);
        was
    }

    /// Returns whether the row is in the set.
    #[inline]
    pub fn contains(&self, row: Row) -> bool {
        let (word, bit) = place(row);
        self.words.get(word).is_some_and(|slot| slot & bit != 0)
    }

    /// Returns how many rows are in the set, in constant time.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether the set is empty, in constant time.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the bits, 64 rows a word, lowest row first; rows past the end are absent.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns whether any row from `first` to `last`, both included, is in the set.
    pub fn any_in(&self, first: Row, last: Row) -> bool {
        if first > last {
            return false;
        }
        let (first_word, last_word) = (first.0 as usize / 64, last.0 as usize / 64);
        self.words
            .iter()
            .enumerate()
            .take(last_word + 1)
            .skip(first_word)
            .any(|(index, &word)| {
                let mut mask = u64::MAX;
                if index == first_word {
                    mask &= u64::MAX << (first.0 % 64);
                }
                if index == last_word {
                    mask &= u64::MAX >> (63 - last.0 % 64);
                }
                word & mask != 0
            })
    }

    /// Returns how many rows are in both sets.
    pub fn count_common(&self, other: &Self) -> usize {
        self.words
            .iter()
            .zip(&other.words)
            .map(|(a, b)| (a & b).count_ones() as usize)
            .sum()
    }

    /// Adds every row of the other set.
    pub fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        let mut count = 0;
        for (index, word) in self.words.iter_mut().enumerate() {
            *word |= other.words.get(index).copied().unwrap_or(0);
            count += word.count_ones() as usize;
        }
        self.count = count;
    }

    /// Keeps only the rows that are in both sets.
    pub fn intersect(&mut self, other: &Self) {
        let mut count = 0;
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(index).copied().unwrap_or(0);
            count += word.count_ones() as usize;
        }
        self.count = count;
    }

    /// Removes every row that is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        let mut count = 0;
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= !other.words.get(index).copied().unwrap_or(0);
            count += word.count_ones() as usize;
        }
        self.count = count;
    }

    /// Returns the rows in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let base = u32::try_from(index * 64).unwrap_or(u32::MAX);
            Bits(word).map(move |bit| Row(base + bit))
        })
    }
}

impl PartialEq for RowSet {
    /// Two sets are equal when they hold the same rows, whatever room they keep.
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

impl Eq for RowSet {}

impl FromIterator<Row> for RowSet {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut set = Self::new();
        set.extend(rows);
        set
    }
}

impl Extend<Row> for RowSet {
    /// Adds rows; those that follow each other without a gap are added at once.
    fn extend<I: IntoIterator<Item = Row>>(&mut self, rows: I) {
        let mut run: Option<(Row, Row)> = None;
        for row in rows {
            run = match run {
                Some((first, last)) if last.0.checked_add(1) == Some(row.0) => Some((first, row)),
                Some((first, last)) => {
                    self.insert_range(first, last);
                    Some((row, row))
                }
                None => Some((row, row)),
            };
        }
        if let Some((first, last)) = run {
            self.insert_range(first, last);
        }
    }
}

fn place(row: Row) -> (usize, u64) {
    (row.0 as usize / 64, 1 << (row.0 % 64))
}

struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_row_set_is_a_set(
            a in prop::collection::btree_set(0_u32..400, 0..60),
            b in prop::collection::btree_set(0_u32..400, 0..60),
            first in 0_u32..400,
            last in 0_u32..400,
        ) {
            let set = |rows: &BTreeSet<u32>| rows.iter().map(|&row| Row(row)).collect::<RowSet>();
            let rows = |set: &RowSet| set.iter().map(|row| row.0).collect::<BTreeSet<_>>();
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(rows(&left), a.clone());
            prop_assert_eq!(left.len(), a.len());

            let mut both = left.clone();
            both.intersect(&right);
            prop_assert_eq!(rows(&both), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(both.len(), rows(&both).len());

            prop_assert_eq!(left.count_common(&right), both.len());
            let mut all = left.clone();
            all.unite(&right);
            prop_assert_eq!(rows(&all), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(all.len(), rows(&all).len());

            let mut only = left.clone();
            only.subtract(&right);
            prop_assert_eq!(rows(&only), a.difference(&b).copied().collect::<BTreeSet<_>>());

            let mut with_range = left.clone();
            with_range.insert_range(Row(first), Row(last));
            let expected: BTreeSet<u32> = a.iter().copied().chain(first..=last).collect();
            prop_assert_eq!(with_range.len(), expected.len());
            prop_assert_eq!(rows(&with_range), expected);

            let any = first <= last && a.range(first..=last).next().is_some();
            prop_assert_eq!(left.any_in(Row(first), Row(last)), any);

            let mut without = left.clone();
            for row in &b {
                prop_assert_eq!(without.remove(Row(*row)), a.contains(row));
            }
            prop_assert_eq!(without, only);
        }
    }
}
