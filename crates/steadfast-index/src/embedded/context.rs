//! What ranking asks about the surroundings of rows, from the ground and both indexes.

use std::sync::{Arc, PoisonError};

use steadfast_model::{Attributes, Row, codes};
use steadfast_store::{FacetKey, StoreError, TermCounts};

use super::snapshot::EmbeddedSnapshot;
use crate::analyze::QueryTerms;
use crate::text::Scratch;

/// Attributes that are kept for the next question; at some hundred bytes each.
const FACETS_MAX: usize = 16_384;

impl EmbeddedSnapshot<'_> {
    /// Returns the attributes behind each key, from the cache where it has them.
    pub(super) fn facets(
        &self,
        keys: &[FacetKey],
    ) -> Result<Vec<Option<Arc<Attributes>>>, StoreError> {
        let cache = &self.backend().cache;
        let known: Vec<Option<Arc<Attributes>>> = {
            let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter()
                .map(|key| cache.facets.get(key).map(Arc::clone))
                .collect()
        };
        let mut news = Vec::new();
        let found = keys
            .iter()
            .zip(known)
            .map(|(key, known)| {
                if known.is_some() {
                    return Ok(known);
                }
                let read = self.ground().facet(*key)?;
                news.extend(read.clone().map(|read| (*key, read)));
                Ok(read)
            })
            .collect::<Result<_, StoreError>>()?;
        if !news.is_empty() {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.facets.len() + news.len() > FACETS_MAX {
                cache.facets.clear();
            }
            cache.facets.extend(news);
        }
        Ok(found)
    }

    /// Returns how often each term occurs in each of the rows, which ascend.
    pub(super) fn counts(&self, terms: &[u64], rows: &[Row]) -> Result<TermCounts, StoreError> {
        let head = self.ground().head();
        let mut counts = TermCounts {
            rows_live: head.live_chunks,
            tokens_live: head.live_tokens,
            df: vec![0; terms.len()],
            lengths: Vec::new(),
            counts: vec![0; terms.len() * rows.len()],
        };
        self.with_view(&query_terms(terms), |view, search| {
            counts.lengths = view.lengths(rows);
            let found = search.counts(rows, &mut Scratch::default());
            // Terms that no row has are in the question and not in the search.
            for (from, stats) in search.terms().iter().enumerate() {
                let Ok(to) = terms.binary_search(&stats.hash) else {
                    continue;
                };
                if let Some(df) = counts.df.get_mut(to) {
                    *df = stats.df;
                }
                for place in 0..rows.len() {
                    let count = found.row(place).get(from).copied().unwrap_or(0);
                    if let Some(slot) = counts.counts.get_mut(place * terms.len() + to) {
                        *slot = count;
                    }
                }
            }
        })?;
        Ok(counts)
    }

    /// Hands over vectors as the vector index keeps them.
    pub(super) fn rounded(
        &self,
        rows: &[Row],
        each: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError> {
        let (mut buffer, mut rounded) = (Vec::new(), Vec::new());
        let Some(loaded) = self.vector_state().ready() else {
            return self.fetch_vectors(rows, &mut |row, values| {
                if codes::round(values, &mut buffer, &mut rounded) {
                    each(row, &rounded);
                }
            });
        };
        let tail = self.vector_tail()?;
        for &row in rows {
            let indexed = loaded
                .segments
                .iter()
                .find_map(|segment| segment.view().codes_of(row));
            if let Some((scale, found)) = indexed {
                codes::restore(scale, found, &mut rounded);
                each(row, &rounded);
            } else if let Ok(place) = tail.binary_search_by_key(&row, |(row, _)| *row)
                && let Some((_, vector)) = tail.get(place)
                && codes::round(&vector.0, &mut buffer, &mut rounded)
            {
                each(row, &rounded);
            }
        }
        self.let_go(loaded);
        Ok(())
    }
}

pub(super) fn query_terms(hashes: &[u64]) -> QueryTerms {
    QueryTerms::from_weights(
        hashes
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(|&hash| (hash, 1.0)),
    )
}
