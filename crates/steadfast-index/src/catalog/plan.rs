//! Which segments are merged: few enough to search, few enough bytes rewritten.

use std::ops::Range;

/// The most segments of a published index.
const SEGMENTS_MAX: usize = 8;

/// One dead row in five of all rows: then everything is merged, and the dead leave.
const DEAD_PART: u64 = 5;

/// Returns runs of neighbouring segments to merge, given (rows, dead rows) of each in order of rows.
///
/// Neighbours stay neighbours, so the row ranges of segments never overlap.
/// The run with the fewest rows is merged first, which rewrites each row a
/// logarithmic number of times.
pub(crate) fn to_merge(segments: &[(u64, u64)]) -> Vec<Range<usize>> {
    let (rows, dead) = segments
        .iter()
        .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    if dead > 0 && dead * DEAD_PART >= rows {
        return std::iter::once(0..segments.len()).collect();
    }
    let mut runs: Vec<(Range<usize>, u64)> = segments
        .iter()
        .enumerate()
        .map(|(index, part)| (index..index + 1, part.0))
        .collect();
    while runs.len() > SEGMENTS_MAX {
        let weights = runs
            .windows(2)
            .map(|pair| pair.iter().map(|run| run.1).sum::<u64>());
        let Some((at, _)) = weights.enumerate().min_by_key(|&(_, weight)| weight) else {
            break;
        };
        let (taken, weight) = runs.remove(at + 1);
        if let Some(run) = runs.get_mut(at) {
            run.0.end = taken.end;
            run.1 += weight;
        }
    }
    runs.into_iter()
        .map(|(run, _)| run)
        .filter(|run| run.len() > 1)
        .collect()
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
    fn the_smallest_neighbours_are_merged() {
        let mut segments = vec![(1000, 0); 7];
        segments.extend([(1, 0), (2, 0)]);
        assert_eq!(runs(&segments), [(7, 9)]);
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
        assert!(rewritten < 25 * 100_000, "{rewritten}");
    }
}
