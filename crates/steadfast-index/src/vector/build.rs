//! Building and merging segments.
//!
//! Quantisation is plain IEEE arithmetic in a fixed order, so the same vectors
//! give the same bytes on every machine; a merge copies codes and never
//! computes them again.

use super::DIMENSIONS_MAX;
use super::error::{BuildError, MergeError};
use super::segment::{
    CODES_ALIGN_BYTES, Entry, FORMAT_VERSION, HEADER_BYTES, MAGIC, Segment, SegmentView, Space,
};
use crate::assembly::{Pieces, STEP_BYTES};
use steadfast_model::codes::{NotFinite, quantise};
use steadfast_model::{Row, RowSet};

/// Collects vectors in row order and gives the bytes of their segment.
#[derive(Clone, Debug)]
pub struct SegmentBuilder {
    space: Space,
    previous: Option<Row>,
    rows: Vec<u8>,
    scales: Vec<u8>,
    errors: Vec<u8>,
    codes: Vec<u8>,
}

impl SegmentBuilder {
    /// Returns a builder of an empty segment.
    ///
    /// # Errors
    /// [`BuildError::Space`] when the space has no dimensions or more than [`DIMENSIONS_MAX`].
    pub fn new(space: Space) -> Result<Self, BuildError> {
        if space.dimensions == 0 || space.dimensions > DIMENSIONS_MAX {
            return Err(BuildError::Space {
                received: space.dimensions,
            });
        }
        Ok(Self {
            space,
            previous: None,
            rows: Vec::new(),
            scales: Vec::new(),
            errors: Vec::new(),
            codes: Vec::new(),
        })
    }

    /// Adds the vector of a row; returns whether it was stored, which a zero vector is not.
    ///
    /// # Errors
    /// [`BuildError`] when the row is not above the previous one, or the vector
    /// has other dimensions or a value that is not finite. The builder is then unchanged.
    pub fn push(&mut self, row: Row, values: &[f32]) -> Result<bool, BuildError> {
        if values.len() != self.space.dimensions {
            return Err(BuildError::Dimensions {
                row,
                expected: self.space.dimensions,
                received: values.len(),
            });
        }
        if let Some(previous) = self.previous.filter(|&previous| previous >= row) {
            return Err(BuildError::Order { row, previous });
        }
        let Some((scale, error)) =
            quantise(values, &mut self.codes).map_err(|NotFinite| BuildError::NotFinite { row })?
        else {
            self.previous = Some(row);
            return Ok(false);
        };
        self.push_columns(row, scale, error);
        Ok(true)
    }

    /// Returns the finished segment.
    pub fn finish(self) -> Pieces {
        let count = self.rows.len() / 4;
        let row = |bytes: Option<&[u8; 4]>| bytes.copied().unwrap_or_default();
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        let mut head = Vec::new();
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        head.extend_from_slice(&number(self.space.dimensions));
        head.extend_from_slice(&self.space.store.0);
        head.extend_from_slice(&self.space.model_hash);
        head.extend_from_slice(&number(count));
        head.extend_from_slice(&row(self.rows.first_chunk()));
        head.extend_from_slice(&row(self.rows.last_chunk()));
        head.resize(HEADER_BYTES, 0);
        head.extend_from_slice(&self.rows);
        head.extend_from_slice(&self.scales);
        head.extend_from_slice(&self.errors);
        head.resize(head.len().next_multiple_of(CODES_ALIGN_BYTES), 0);
        let mut file = Pieces::new([head, self.codes]);
        let checksum = file.digests(usize::MAX).concat();
        file.push(checksum);
        file
    }

    fn push_columns(&mut self, row: Row, scale: f32, error: f32) {
        self.previous = Some(row);
        self.rows.extend_from_slice(&row.0.to_le_bytes());
        self.scales.extend_from_slice(&scale.to_le_bytes());
        self.errors.extend_from_slice(&error.to_le_bytes());
    }

    fn push_entry(&mut self, entry: &Entry<'_>) {
        self.codes.extend_from_slice(entry.codes);
        self.push_columns(entry.row, entry.scale, entry.error);
    }
}

/// Returns the segment of `vectors`, whose rows ascend; zero vectors are left out.
///
/// # Errors
/// [`BuildError`] at the first vector that cannot be indexed.
pub fn build<V: AsRef<[f32]>>(
    space: Space,
    vectors: impl IntoIterator<Item = (Row, V)>,
) -> Result<Vec<u8>, BuildError> {
    let mut builder = SegmentBuilder::new(space)?;
    for (row, values) in vectors {
        builder.push(row, values.as_ref())?;
    }
    Ok(builder.finish().into_bytes())
}

/// Returns one segment of the rows of `segments` that are in `keep`, in row order.
///
/// The bytes are those of a direct build over the same rows. The segments may
/// overlap in range: vectors that arrive late have low rows.
///
/// # Errors
/// [`MergeError`] when there are no segments, their spaces differ, or two hold the same row.
pub fn merge<B: AsRef<[u8]>>(
    segments: &[&Segment<B>],
    keep: &RowSet,
    between: &dyn Fn(),
) -> Result<Pieces, MergeError> {
    let views: Vec<SegmentView<'_>> = segments.iter().map(|segment| segment.view()).collect();
    let first = views.first().ok_or(MergeError::Nothing)?.space;
    if let Some(view) = views.iter().find(|view| view.space != first) {
        return Err(MergeError::Mixed {
            first,
            other: view.space,
        });
    }
    // An opened segment has a valid number of dimensions.
    let mut builder = SegmentBuilder::new(first).map_err(|_| MergeError::Nothing)?;
    let mut positions = vec![0_usize; views.len()];
    let mut previous = None;
    let mut read_bytes = 0;
    loop {
        let heads = views.iter().zip(&mut positions);
        let least = heads
            .filter_map(|(view, position)| Some((view.entry_at(*position)?, position)))
            .min_by_key(|(entry, _)| entry.row);
        let Some((entry, position)) = least else {
            return Ok(builder.finish());
        };
        if previous == Some(entry.row) {
            return Err(MergeError::Duplicate { row: entry.row });
        }
        previous = Some(entry.row);
        *position += 1;
        read_bytes += entry.codes.len();
        if read_bytes >= STEP_BYTES {
            read_bytes = 0;
            between();
        }
        if keep.contains(entry.row) {
            builder.push_entry(&entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use steadfast_model::StoreId;

    use super::*;

    #[test]
    fn a_merge_lets_go_of_what_it_has_read_step_by_step() {
        let space = Space {
            store: StoreId([3; 16]),
            model_hash: [5; 16],
            dimensions: DIMENSIONS_MAX,
        };
        let rows = 2 * STEP_BYTES / DIMENSIONS_MAX + 1;
        let values = vec![1.0; DIMENSIONS_MAX];
        let all = (1_u32..)
            .take(rows)
            .map(|row| (Row(row), values.as_slice()));
        let segment = Segment::open(build(space, all).unwrap()).unwrap();
        let keep: RowSet = segment.view().rows().step_by(2).collect();
        let steps = Cell::new(0);
        let count = || steps.set(steps.get() + 1);
        let merged = merge(&[&segment], &keep, &count).unwrap();
        assert_eq!(steps.get(), 2);
        let merged = Segment::open(merged.into_bytes()).unwrap();
        assert_eq!(merged.view().rows().collect::<RowSet>(), keep);
    }
}
