//! What text and vector segments have in common, as far as the catalog is concerned.

use steadfast_model::{Row, RowSet, StoreId};

use super::mapped::Mapped;
use crate::assembly::Pieces;
use crate::text;
use crate::vector;

/// A kind of index.
pub(crate) trait Kind {
    /// An open segment.
    type Segment: Send + Sync;

    /// The name of the index: of its folder, and of its row in the store.
    const NAME: &'static str;

    /// Opens a segment and proves every byte of it; nearly none of it is in memory then.
    fn open(&self, content: Mapped, store: StoreId) -> Result<Self::Segment, String>;

    /// Returns the rows of a segment in ascending order.
    fn rows(segment: &Self::Segment) -> impl Iterator<Item = Row>;

    /// Returns the bytes of one segment of all rows of these that are in `keep`; calls `let_go` whenever so much of them was
    /// read that it is to leave memory.
    fn merge(
        segments: &[&Self::Segment],
        keep: &RowSet,
        let_go: &dyn Fn(),
    ) -> Result<Pieces, String>;
}

/// The text index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextKind {
    pub(crate) analyzer: steadfast_model::AnalyzerId,
}

/// The vector index of one space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VectorKind {
    pub(crate) model_hash: [u8; 16],
    pub(crate) dimensions: usize,
}

/// A vector segment over a mapped file.
pub(crate) type VectorSegment = vector::Segment<Mapped>;

impl Kind for TextKind {
    type Segment = text::Segment;

    const NAME: &'static str = "text";

    fn open(&self, content: Mapped, store: StoreId) -> Result<Self::Segment, String> {
        let segment = text::Segment::open_behind(content.clone(), &content.letting_go())
            .map_err(|error| error.to_string())?;
        if segment.store() != store || segment.analyzer() != self.analyzer {
            return Err("the segment is of another store or analyser".to_owned());
        }
        Ok(segment)
    }

    fn rows(segment: &Self::Segment) -> impl Iterator<Item = Row> {
        segment.row_iter()
    }

    fn merge(
        segments: &[&Self::Segment],
        keep: &RowSet,
        let_go: &dyn Fn(),
    ) -> Result<Pieces, String> {
        text::merge(segments, keep, let_go).map_err(|error| error.to_string())
    }
}

impl Kind for VectorKind {
    type Segment = VectorSegment;

    const NAME: &'static str = "vector";

    fn open(&self, content: Mapped, store: StoreId) -> Result<Self::Segment, String> {
        let segment = vector::Segment::open_behind(content.clone(), &content.letting_go())
            .map_err(|error| error.to_string())?;
        let space = segment.space();
        if space.store != store
            || space.model_hash != self.model_hash
            || space.dimensions != self.dimensions
        {
            return Err("the segment is of another store or model".to_owned());
        }
        Ok(segment)
    }

    fn rows(segment: &Self::Segment) -> impl Iterator<Item = Row> {
        segment.view().rows()
    }

    fn merge(
        segments: &[&Self::Segment],
        keep: &RowSet,
        let_go: &dyn Fn(),
    ) -> Result<Pieces, String> {
        vector::merge(segments, keep, let_go).map_err(|error| error.to_string())
    }
}
