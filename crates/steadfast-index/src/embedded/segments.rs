//! New segments of the text index: as many as it takes for each to be built in bounded memory.

use steadfast_model::{AnalyzerId, HashedTerms, Row, StoreId};
use steadfast_store::StoreError;

use super::advance::Files;
use super::catch_up::internal;
use crate::catalog::{Folder, Part, TextKind};
use crate::text::SegmentBuilder;

/// Rows of one segment; eight of them hold a million rows.
pub(super) const ROWS_MAX: u64 = 131_072;

/// What building one segment may take: some 50,000 chunks of prose, and 3,000 of a text with hardly a term twice.
const PEAK_BYTES_MAX: usize = 96 << 20;

/// Takes rows in ascending order and writes segments of them.
pub(super) struct TextSegments<'f> {
    folder: &'f Folder<TextKind>,
    files: &'f Files,
    store: StoreId,
    analyzer: AnalyzerId,
    builder: SegmentBuilder,
    peak_bytes_max: usize,
    written: Vec<Part>,
    last: Option<Row>,
}

impl<'f> TextSegments<'f> {
    pub(super) fn new(
        folder: &'f Folder<TextKind>,
        files: &'f Files,
        store: StoreId,
        analyzer: AnalyzerId,
    ) -> Self {
        Self {
            folder,
            files,
            store,
            analyzer,
            builder: SegmentBuilder::new(store, analyzer),
            peak_bytes_max: PEAK_BYTES_MAX,
            written: Vec::new(),
            last: None,
        }
    }

    pub(super) fn push(&mut self, row: Row, terms: &HashedTerms) -> Result<(), StoreError> {
        self.builder
            .push(row, terms)
            .map_err(|error| internal(&error))?;
        self.last = Some(row);
        let is_full = self.builder.peak_bytes() >= self.peak_bytes_max
            || self.builder.rows() as u64 >= ROWS_MAX;
        if is_full { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let next = SegmentBuilder::new(self.store, self.analyzer);
        let full = std::mem::replace(&mut self.builder, next);
        let rows = full.rows() as u64;
        if rows > 0 {
            let content = full.finish().map_err(|error| internal(&error))?;
            self.written
                .push(self.files.write(self.folder, content, rows)?);
        }
        Ok(())
    }

    /// Returns the segments that were written, and the last row of them.
    pub(super) fn finish(mut self) -> Result<(Vec<Part>, Option<Row>), StoreError> {
        self.write()?;
        Ok((self.written, self.last))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use steadfast_model::{Analyze as _, FixedClock, RowSet, Timestamp};

    use super::*;
    use crate::analyze::Analyzer;
    use crate::embedded::EmbeddedBackend;
    use crate::text;

    #[test]
    fn what_does_not_fit_into_one_segment_comes_into_several_that_are_the_same_together() {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp(1)));
        let options = steadfast_store::conformance::options(Arc::new(Analyzer), clock);
        let backend = EmbeddedBackend::open(home.path(), options).unwrap();
        let (store, analyzer) = (backend.store.store_id(), Analyzer.id());
        let rows: Vec<(Row, HashedTerms)> = (1..=100)
            .map(|row| {
                let words: Vec<String> =
                    (0..20).map(|word| (row * 100 + word).to_string()).collect();
                (Row(row), Analyzer.terms(&words.join(" ")))
            })
            .collect();
        let files = Files::of(1);
        let mut segments = TextSegments::new(&backend.text, &files, store, analyzer);
        segments.peak_bytes_max = 30 * 20 * (20 + 90);
        for (row, terms) in &rows {
            segments.push(*row, terms).unwrap();
        }
        let (parts, last) = segments.finish().unwrap();
        let counts: Vec<u64> = parts.iter().map(|part| part.rows).collect();
        assert_eq!((counts, last), (vec![30, 30, 30, 10], Some(Row(100))));
        let open = |part| backend.text.open_written(part).unwrap().0;
        let opened: Vec<text::Segment> = parts.iter().map(open).collect();
        let all: RowSet = rows.iter().map(|(row, _)| *row).collect();
        let merged = text::merge(&opened.iter().collect::<Vec<_>>(), &all, &|| ()).unwrap();
        let as_one = rows.iter().map(|(row, terms)| (*row, terms));
        let as_one = text::build(store, analyzer, as_one).unwrap();
        assert!(merged.into_bytes() == as_one);
    }
}
