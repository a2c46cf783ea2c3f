//! Questions to plain maps, each answered by looking at everything.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use steadfast_model::{
    Assignment, Attributes, Chunk, ChunkId, ContentHash, Document, DocumentKey, Filter,
    HashedTerms, Namespace, Root, Row, RowSet, Seq, StoreId, Timestamp, Vector, codes,
};

use super::score::{Scorer, best};
use super::state::{InSpace, State, StoredChunk, count};
use crate::backend::{Bm25, Event, Fetched, Reach, Scope, Snapshot, Ways};
use crate::context::{FacetKey, Placed, Standing, TermCounts};
use crate::error::StoreError;

/// The state as it was when the snapshot was taken.
pub(super) struct MemorySnapshot {
    store: StoreId,
    dimensions: usize,
    state: Arc<State>,
}

impl MemorySnapshot {
    pub(super) fn new(store: StoreId, dimensions: usize, state: Arc<State>) -> Self {
        Self {
            store,
            dimensions,
            state,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    fn live(&self, row: Row) -> Option<&StoredChunk> {
        self.state
            .chunks
            .get(&row)
            .map(Arc::as_ref)
            .filter(|chunk| chunk.is_live())
    }

    fn chunk(&self, row: Row) -> Option<Chunk> {
        let chunk = self.state.chunks.get(&row)?;
        let document = self.state.documents.get(&chunk.document)?;
        let facet = self.state.facets.get(&chunk.facet)?;
        Some(Chunk::new(
            ChunkId::new(&self.store, row),
            row,
            chunk.document,
            document.namespace.clone(),
            document.source.clone(),
            facet.attributes.clone(),
            chunk.place.clone(),
            chunk.text.clone(),
            chunk.content_hash,
            chunk.added,
            chunk.removed,
            chunk.access_count,
        ))
    }

    fn check(&self, query: &Vector) -> Result<(), StoreError> {
        if query.0.len() == self.dimensions {
            return Ok(());
        }
        Err(StoreError::Invalid {
            what: format!(
                "the question's vector has {} numbers, the space {}",
                query.0.len(),
                self.dimensions
            ),
        })
    }

    fn scorer(&self, terms: &[u64], bm25: Bm25) -> Scorer {
        let live: Vec<&HashedTerms> = self.state.live().map(|(_, chunk)| &chunk.terms).collect();
        Scorer::new(&live, terms, bm25)
    }

    fn similarity(&self, query: &Vector, row: Row) -> Option<f32> {
        match &self.live(row)?.vector {
            InSpace::Present(vector) => Some(query.dot(vector)),
            InSpace::Nowhere | InSpace::Pending => None,
        }
    }
}

/// Counts names, in their order.
fn tally(names: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

impl Snapshot for MemorySnapshot {
    fn generation(&self) -> Seq {
        Seq(self.state.seq)
    }

    fn scope(&self, filter: &Filter, now: Timestamp) -> Result<Scope, StoreError> {
        let mut scope = Scope::default();
        for (row, chunk) in self.state.live() {
            let (Some(document), Some(facet)) = (
                self.state.documents.get(&chunk.document),
                self.state.facets.get(&chunk.facet),
            ) else {
                continue;
            };
            if !filter.admits_document(&document.namespace, &document.source)
                || !filter.admits_attributes(&facet.attributes)
            {
                continue;
            }
            if filter.admits_validity(&facet.attributes, now) {
                scope.rows.insert(row);
            } else {
                scope.left_out_by_validity += 1;
            }
        }
        Ok(scope)
    }

    fn text_top(
        &self,
        terms: &[u64],
        k: usize,
        bm25: Bm25,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        let scorer = self.scorer(terms, bm25);
        let found = scope
            .iter()
            .filter_map(|row| Some((row, scorer.score(&self.live(row)?.terms)?)))
            .collect();
        Ok(best(found, k))
    }

    fn text_scores(&self, terms: &[u64], bm25: Bm25, rows: &[Row]) -> Result<Vec<f32>, StoreError> {
        let scorer = self.scorer(terms, bm25);
        let score = |row: &Row| scorer.score(&self.live(*row)?.terms);
        Ok(rows.iter().map(|row| score(row).unwrap_or(0.0)).collect())
    }

    fn vector_top(
        &self,
        query: &Vector,
        k: usize,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        self.check(query)?;
        if query.is_zero() {
            return Ok(Vec::new());
        }
        let found = scope
            .iter()
            .filter_map(|row| Some((row, self.similarity(query, row)?)))
            .collect();
        Ok(best(found, k))
    }

    fn vector_scores(&self, query: &Vector, rows: &[Row]) -> Result<Vec<Option<f32>>, StoreError> {
        self.check(query)?;
        Ok(rows
            .iter()
            .map(|row| self.similarity(query, *row))
            .collect())
    }

    fn reach(&self, scope: &RowSet, ways: Ways) -> Result<Reach, StoreError> {
        let mut reach = Reach::default();
        for chunk in scope.iter().filter_map(|row| self.live(row)) {
            reach.text += u64::from(ways.text);
            match chunk.vector {
                _ if !ways.vector => {}
                InSpace::Present(_) => reach.vector += 1,
                InSpace::Nowhere => reach.vector_none += 1,
                InSpace::Pending => reach.vector_pending += 1,
            }
        }
        if reach.vector_pending > 0 {
            let pending = ("vector_pending".to_owned(), reach.vector_pending);
            reach.not_searched.push(pending);
        }
        Ok(reach)
    }

    fn fetch(&self, rows: &[Row]) -> Result<Fetched, StoreError> {
        Ok(Fetched {
            chunks: rows.iter().filter_map(|row| self.chunk(*row)).collect(),
            damaged: Vec::new(),
        })
    }

    fn resolve(&self, id: &ChunkId) -> Result<Option<Row>, StoreError> {
        let row = id.row_in(&self.store);
        Ok(row.filter(|row| self.state.chunks.contains_key(row)))
    }

    fn neighbours(&self, row: Row, distance: u32) -> Result<Vec<(i64, Row)>, StoreError> {
        let Some(chunk) = self.state.chunks.get(&row) else {
            return Ok(Vec::new());
        };
        let here = i64::from(chunk.place.position);
        let mut found: Vec<(i64, Row)> = self
            .state
            .live_of(chunk.document)
            .map(|(other, chunk)| (i64::from(chunk.place.position) - here, other))
            .filter(|&(offset, other)| {
                other != row && offset != 0 && offset.unsigned_abs() <= u64::from(distance)
            })
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    fn standings(&self, rows: &[Row]) -> Result<Vec<Option<Standing>>, StoreError> {
        let standing = |row: &Row| {
            self.live(*row).map(|chunk| Standing {
                document: chunk.document,
                position: chunk.place.position,
            })
        };
        Ok(rows.iter().map(standing).collect())
    }

    fn placed(
        &self,
        document: DocumentKey,
        places: RangeInclusive<u32>,
    ) -> Result<Vec<Placed>, StoreError> {
        let mut found: Vec<Placed> = self
            .state
            .live_of(document)
            .filter(|(_, chunk)| places.contains(&chunk.place.position))
            .map(|(row, chunk)| Placed {
                position: chunk.place.position,
                row,
                facet: FacetKey(chunk.facet),
            })
            .collect();
        found.sort_by_key(|placed| (placed.position, placed.row));
        Ok(found)
    }

    fn attributes(&self, facets: &[FacetKey]) -> Result<Vec<Option<Arc<Attributes>>>, StoreError> {
        let find = |key: &FacetKey| self.state.facets.get(&key.0);
        Ok(facets
            .iter()
            .map(|key| find(key).map(|facet| Arc::new(facet.attributes.clone())))
            .collect())
    }

    fn term_counts(&self, terms: &[u64], rows: &[Row]) -> Result<TermCounts, StoreError> {
        let live: Vec<&HashedTerms> = self.state.live().map(|(_, chunk)| &chunk.terms).collect();
        let df = |term: &u64| count(live.iter().filter(|text| text.count(*term) > 0));
        let of_rows = || rows.iter().filter_map(|row| self.live(*row));
        Ok(TermCounts {
            rows_live: count(live.iter()),
            tokens_live: live.iter().map(|text| u64::from(text.tokens())).sum(),
            df: terms.iter().map(df).collect(),
            lengths: of_rows().map(|chunk| chunk.terms.tokens()).collect(),
            counts: of_rows()
                .flat_map(|chunk| terms.iter().map(|term| chunk.terms.count(*term)))
                .collect(),
        })
    }

    fn rounded_vectors(
        &self,
        rows: &[Row],
        each: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError> {
        let (mut codes, mut rounded) = (Vec::new(), Vec::new());
        for &row in rows {
            if let Some(InSpace::Present(vector)) = self.live(row).map(|chunk| &chunk.vector)
                && codes::round(&vector.0, &mut codes, &mut rounded)
            {
                each(row, &rounded);
            }
        }
        Ok(())
    }

    fn document(
        &self,
        namespace: &Namespace,
        source: &str,
    ) -> Result<Option<Document>, StoreError> {
        let key = self.state.find(namespace, source);
        Ok(key.and_then(|key| self.state.document(key)))
    }

    fn documents(&self, filter: &Filter) -> Result<Vec<Document>, StoreError> {
        let mut found: Vec<Document> = self
            .state
            .documents
            .keys()
            .filter_map(|&key| self.state.document(key))
            .filter(|document| filter.admits_document(&document.namespace, &document.source))
            .collect();
        found.sort_by(|a, b| (&a.namespace, &a.source).cmp(&(&b.namespace, &b.source)));
        Ok(found)
    }

    fn rows_of(&self, documents: &[DocumentKey]) -> Result<Vec<Row>, StoreError> {
        let rows = self.state.chunks.iter();
        Ok(rows
            .filter(|(_, chunk)| documents.contains(&chunk.document))
            .map(|(row, _)| *row)
            .collect())
    }

    fn notes(&self, rows: &[Row]) -> Result<Vec<Option<ContentHash>>, StoreError> {
        let note = |row: &Row| {
            let chunk = self.state.chunks.get(row)?;
            self.state.facets.get(&chunk.facet)?.note
        };
        Ok(rows.iter().map(note).collect())
    }

    fn tags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let facets = self
            .state
            .live()
            .filter_map(|(_, chunk)| self.state.facets.get(&chunk.facet));
        Ok(tally(
            facets.flat_map(|facet| facet.attributes.tags.iter().cloned()),
        ))
    }

    fn namespaces(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let documents = self
            .state
            .live()
            .filter_map(|(_, chunk)| self.state.documents.get(&chunk.document));
        Ok(tally(
            documents.map(|document| document.namespace.as_str().to_owned()),
        ))
    }

    fn roots(&self) -> Result<Vec<Root>, StoreError> {
        Ok(self.state.roots.clone())
    }

    fn assignments(&self) -> Result<HashMap<DocumentKey, Arc<Assignment>>, StoreError> {
        let assigned = self.state.assignments.iter();
        Ok(assigned
            .map(|(key, told)| (*key, Arc::new(told.clone())))
            .collect())
    }

    fn pending_vectors(&self) -> Result<Vec<Row>, StoreError> {
        let waits = |(_, chunk): &(Row, &StoredChunk)| matches!(chunk.vector, InSpace::Pending);
        Ok(self
            .state
            .live()
            .filter(waits)
            .map(|(row, _)| row)
            .collect())
    }

    fn log(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        Ok(self
            .state
            .events
            .iter()
            .rev()
            .take(limit)
            .cloned()
            .collect())
    }
}
