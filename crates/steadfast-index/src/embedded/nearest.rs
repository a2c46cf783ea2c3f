//! The best rows by the vector index, scored by the vectors of the store.

use steadfast_model::{Row, RowSet, Vector};
use steadfast_store::StoreError;

use super::snapshot::EmbeddedSnapshot;
use crate::catalog::VectorSegment;
use crate::vector::{self, Corpus, Options, Query, ScanError};

impl EmbeddedSnapshot<'_> {
    /// Hands out stored vectors; damaged ones are noted and left out.
    pub(super) fn fetch_vectors(
        &self,
        rows: &[Row],
        give: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError> {
        self.ground().vectors(rows, &mut |row, values| {
            match values {
                Some(values) => give(row, values),
                None => {
                    self.damaged_vectors.borrow_mut().insert(row);
                }
            }
            true
        })
    }

    /// Returns the best rows by the vector index; none when the index and the store contradict each other.
    ///
    /// A vector that does not have its hash is such a contradiction. The
    /// caller then reads the store itself, and the answer says so.
    pub(super) fn scan(
        &self,
        query: &Query,
        k: usize,
        scope: &RowSet,
    ) -> Result<Option<Vec<(Row, f32)>>, StoreError> {
        let Some(loaded) = self.vector_state().ready() else {
            return Ok(None);
        };
        let segments: Vec<_> = loaded.segments.iter().map(VectorSegment::view).collect();
        let behind = self.letting_go(loaded);
        let options = Options {
            threads_max: self.backend().threads_max,
            behind: &behind,
            ..Options::best(k)
        };
        let corpus = Corpus {
            segments: &segments,
            tail: self.vector_tail()?,
            scope: Some(scope),
        };
        let found = vector::top(query, &corpus, &options, &mut |rows, give| {
            self.fetch_vectors(rows, give)
        });
        self.let_go(loaded);
        if let Err(ScanError::Fetch(error)) = found {
            return Err(error);
        }
        match found {
            Ok(top) => Ok(Some(
                top.hits
                    .into_iter()
                    .map(|hit| (hit.row, hit.score))
                    .collect(),
            )),
            Err(contradiction) => {
                *self.distrusted.borrow_mut() = Some(contradiction.to_string());
                Ok(None)
            }
        }
    }

    pub(super) fn query(&self, query: &Vector) -> Result<Query, StoreError> {
        let expected = self.backend().store.model().dimensions;
        if query.0.len() != expected {
            return Err(StoreError::Invalid {
                what: format!(
                    "the question's vector has {} dimensions, the store's {expected}",
                    query.0.len()
                ),
            });
        }
        Query::new(&query.0).map_err(|error| StoreError::Invalid {
            what: error.to_string(),
        })
    }
}
