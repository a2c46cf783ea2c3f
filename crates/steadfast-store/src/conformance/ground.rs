//! The SQLite ground as a backend of its own, searched row by row: proves its operations before any index exists.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use proptest::prelude::*;
use steadfast_model::{
    Assignment, Attributes, Change, ChunkId, Clock, CollectionKey, ContentHash, Document,
    DocumentKey, Filter, FixedClock, HashedTerms, ModelId, Namespace, Root, Row, RowSet, Seq,
    Settled, StoreId, StoredCollection, Timestamp, Vector, codes,
};
use tempfile::TempDir;

use super::bench::START;
use super::{PlainWords, Questions, compare, model, options, random_changes};
use crate::backend::{
    Backend, Bm25, Capabilities, CatchUp, Derived, Effort, Event, Fetched, Progress, Reach, Scope,
    Snapshot, Ways,
};
use crate::context::{FacetKey, Placed, Standing, TermCounts};
use crate::error::StoreError;
use crate::findings::stale_sources;
use crate::health::{Health, Verification};
use crate::jobs::Jobs;
use crate::memory::MemoryBackend;
use crate::memory::score::{Scorer, best};
use crate::records::{EachVector, Records};
use crate::sqlite::{RowScope, SqliteSnapshot, SqliteStore};

struct Ground {
    store: SqliteStore,
    model: ModelId,
    _folder: TempDir,
}

fn make(clock: Arc<dyn Clock>) -> Box<dyn Backend> {
    let folder = tempfile::tempdir().unwrap();
    let options = options(Arc::new(PlainWords), clock);
    Box::new(Ground {
        store: SqliteStore::open(&folder.path().join("store"), options).unwrap(),
        model: model(),
        _folder: folder,
    })
}

crate::conformance_tests!(crate::conformance::Bench::new(
    &super::make,
    &crate::conformance::PlainWords
));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_ground_and_the_oracle_agree_on_any_changes(seed in any::<u64>(), n in 1_usize..90) {
        let clock = Arc::new(FixedClock::at(START));
        let ground = make(clock.clone());
        let oracle = MemoryBackend::new(ground.store_id(), model(), clock);
        let changes = random_changes(seed, n, &PlainWords);
        prop_assert_eq!(
            ground.commit(&changes, "a").unwrap(),
            oracle.commit(&changes, "a").unwrap()
        );
        let questions = Questions::of(&["apple", "the silver forest of paper"], &PlainWords);
        prop_assert_eq!(compare(ground.as_ref(), &oracle, &questions), Ok(()));
    }
}

impl Backend for Ground {
    fn store_id(&self) -> StoreId {
        self.store.store_id()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError> {
        self.store.commit(changes, actor)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        let inner = self.store.snapshot()?;
        let mut terms = BTreeMap::new();
        // No index was ever published, so the tail holds every live row.
        let analyzer = self.store.analyze().id();
        inner.each_tail(Seq(0), Row(0), analyzer, &mut |entry| {
            if !entry.removed {
                terms.insert(entry.row, entry.terms.unwrap());
            }
            true
        })?;
        let dimensions = self.model.dimensions;
        Ok(Box::new(GroundSnapshot {
            inner,
            terms,
            dimensions,
        }))
    }

    fn catch_up(&self, _effort: Effort) -> Result<CatchUp, StoreError> {
        Ok(CatchUp::NotNeeded)
    }

    fn rebuild(&self, _: Derived, _: &dyn Progress) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn verify(&self, _progress: &dyn Progress) -> Result<Verification, StoreError> {
        let view = self.store.snapshot()?;
        let mut verification = Verification::default();
        view.each_row_text(Row(0), &mut |_, text| {
            assert!(text.is_some());
            verification.chunks += 1;
            true
        })?;
        for (what, counted, kept) in view.ledger()? {
            assert_eq!(counted, kept, "{what}");
        }
        assert_eq!(view.integrity_check(9)?, [""; 0]);
        Ok(verification)
    }

    fn health(&self) -> Result<Health, StoreError> {
        let view = self.store.snapshot()?;
        let (head, tally) = (view.head(), view.tally()?);
        Ok(Health {
            generation: head.seq,
            chunks: head.live_chunks,
            sources: tally.sources,
            skipped: tally.skipped,
            namespaces: tally.namespaces,
            jobs: tally.jobs,
            problems: stale_sources(tally.stale).into_iter().collect(),
            ..Health::default()
        })
    }

    fn jobs(&self) -> &dyn Jobs {
        &self.store
    }
}

struct GroundSnapshot<'s> {
    inner: SqliteSnapshot<'s>,
    terms: BTreeMap<Row, HashedTerms>,
    dimensions: usize,
}

impl GroundSnapshot<'_> {
    fn scorer(&self, terms: &[u64], bm25: Bm25) -> Scorer {
        let live: Vec<&HashedTerms> = self.terms.values().collect();
        let head = self.inner.head();
        assert_eq!(head.live_chunks, u64::try_from(live.len()).unwrap());
        let tokens: u64 = live.iter().map(|text| u64::from(text.tokens())).sum();
        assert_eq!(head.live_tokens, tokens);
        Scorer::new(&live, terms, bm25)
    }
}

impl Records for GroundSnapshot<'_> {
    fn collections(&self) -> Result<Vec<StoredCollection>, StoreError> {
        self.inner.collections()
    }

    fn collection(&self, name: &str) -> Result<Option<StoredCollection>, StoreError> {
        self.inner.collection(name)
    }

    fn record_scope(&self, collection: CollectionKey) -> Result<RowSet, StoreError> {
        let mut rows = self.inner.rows_in_ranges(Some(collection))?;
        rows.intersect(&self.inner.live_rows()?);
        Ok(rows)
    }

    fn record_rows(
        &self,
        collection: &StoredCollection,
        ids: &[&str],
    ) -> Result<Vec<Option<Row>>, StoreError> {
        self.inner.record_rows(collection, ids)
    }

    fn record_vectors(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        each: &mut EachVector<'_>,
    ) -> Result<(), StoreError> {
        self.inner.record_vectors(collection, rows, each)
    }
}

impl Snapshot for GroundSnapshot<'_> {
    fn generation(&self) -> Seq {
        self.inner.head().seq
    }

    fn scope(&self, filter: &Filter, now: Timestamp) -> Result<Scope, StoreError> {
        Ok(match self.inner.scope(filter, now)? {
            RowScope::AllBut { left_out, invalid } => {
                let mut rows = self.inner.live_rows()?;
                rows.subtract(&left_out);
                rows.subtract(&invalid);
                let left_out_by_validity = u64::try_from(invalid.len()).unwrap();
                Scope {
                    rows,
                    left_out_by_validity,
                }
            }
            RowScope::Only {
                rows,
                left_out_by_validity,
            } => Scope {
                rows,
                left_out_by_validity,
            },
        })
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
            .filter_map(|row| Some((row, scorer.score(self.terms.get(&row)?)?)));
        Ok(best(found.collect(), k))
    }

    fn text_scores(&self, terms: &[u64], bm25: Bm25, rows: &[Row]) -> Result<Vec<f32>, StoreError> {
        let scorer = self.scorer(terms, bm25);
        let score = |row: &Row| self.terms.get(row).and_then(|terms| scorer.score(terms));
        Ok(rows.iter().map(|row| score(row).unwrap_or(0.0)).collect())
    }

    fn vector_top(
        &self,
        query: &Vector,
        k: usize,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        let rows: Vec<Row> = scope
            .iter()
            .filter(|row| self.terms.contains_key(row))
            .collect();
        let scores = self.vector_scores(query, &rows)?;
        let found = rows
            .iter()
            .zip(scores)
            .filter(|_| !query.is_zero())
            .filter_map(|(row, score)| Some((*row, score?)));
        Ok(best(found.collect(), k))
    }

    fn vector_scores(&self, query: &Vector, rows: &[Row]) -> Result<Vec<Option<f32>>, StoreError> {
        if query.0.len() != self.dimensions {
            return Err(StoreError::Invalid {
                what: "another space".to_owned(),
            });
        }
        let mut found = BTreeMap::new();
        self.inner.vectors(rows, &mut |row, vector| {
            found.insert(row, steadfast_model::vector::dot(&query.0, vector.unwrap()));
            true
        })?;
        Ok(rows.iter().map(|row| found.get(row).copied()).collect())
    }

    fn reach(&self, scope: &RowSet, ways: Ways) -> Result<Reach, StoreError> {
        let rows: Vec<Row> = scope.iter().collect();
        let count = |rows: usize| u64::try_from(rows).unwrap();
        if !ways.vector {
            return Ok(Reach {
                text: count(rows.len()),
                ..Reach::default()
            });
        }
        let mut vectors = 0;
        self.inner.vectors(&rows, &mut |_, _| {
            vectors += 1;
            true
        })?;
        let pending = self.inner.pending_vectors()?;
        let pending = count(
            pending
                .into_iter()
                .filter(|row| scope.contains(*row))
                .count(),
        );
        Ok(Reach {
            text: if ways.text { count(rows.len()) } else { 0 },
            vector: vectors,
            vector_none: count(rows.len()) - vectors - pending,
            vector_pending: pending,
            not_searched: [("vector_pending".to_owned(), pending)]
                .into_iter()
                .filter(|(_, rows)| *rows > 0)
                .collect(),
            tail: count(rows.len()),
            ..Reach::default()
        })
    }

    fn fetch(&self, rows: &[Row]) -> Result<Fetched, StoreError> {
        self.inner.fetch(rows)
    }

    fn resolve(&self, id: &ChunkId) -> Result<Option<Row>, StoreError> {
        self.inner.resolve(id)
    }

    fn neighbours(&self, row: Row, distance: u32) -> Result<Vec<(i64, Row)>, StoreError> {
        self.inner.neighbours(row, distance)
    }

    fn standings(&self, rows: &[Row]) -> Result<Vec<Option<Standing>>, StoreError> {
        self.inner.standings(rows)
    }

    fn placed(
        &self,
        document: DocumentKey,
        places: RangeInclusive<u32>,
    ) -> Result<Vec<Placed>, StoreError> {
        self.inner.placed(document, places)
    }

    fn attributes(&self, facets: &[FacetKey]) -> Result<Vec<Option<Arc<Attributes>>>, StoreError> {
        facets.iter().map(|key| self.inner.facet(*key)).collect()
    }

    fn term_counts(&self, terms: &[u64], rows: &[Row]) -> Result<TermCounts, StoreError> {
        let head = self.inner.head();
        let having = |term: &u64| {
            let texts = self.terms.values();
            texts.filter(|text| text.count(*term) > 0).count()
        };
        let texts = || rows.iter().filter_map(|row| self.terms.get(row));
        Ok(TermCounts {
            rows_live: head.live_chunks,
            tokens_live: head.live_tokens,
            df: terms
                .iter()
                .map(|term| u64::try_from(having(term)).unwrap())
                .collect(),
            lengths: texts().map(HashedTerms::tokens).collect(),
            counts: texts()
                .flat_map(|text| terms.iter().map(|term| text.count(*term)))
                .collect(),
        })
    }

    fn rounded_vectors(
        &self,
        rows: &[Row],
        each: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError> {
        let (mut buffer, mut rounded) = (Vec::new(), Vec::new());
        self.inner.vectors(rows, &mut |row, vector| {
            if codes::round(vector.unwrap(), &mut buffer, &mut rounded) {
                each(row, &rounded);
            }
            true
        })
    }

    fn document(
        &self,
        namespace: &Namespace,
        source: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.inner.document(namespace, source)
    }

    fn documents(&self, filter: &Filter) -> Result<Vec<Document>, StoreError> {
        self.inner.documents(filter)
    }

    fn rows_of(&self, documents: &[DocumentKey]) -> Result<Vec<Row>, StoreError> {
        self.inner.rows_of(documents)
    }

    fn notes(&self, rows: &[Row]) -> Result<Vec<Option<ContentHash>>, StoreError> {
        self.inner.notes(rows)
    }

    fn tags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.inner.tags()
    }

    fn namespaces(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.inner.namespaces()
    }

    fn roots(&self) -> Result<Vec<Root>, StoreError> {
        self.inner.roots()
    }

    fn assignments(&self) -> Result<HashMap<DocumentKey, Arc<Assignment>>, StoreError> {
        self.inner.assignments()
    }

    fn may_be_stale(&self) -> Result<bool, StoreError> {
        self.inner.may_be_stale()
    }

    fn pending_vectors(&self) -> Result<Vec<Row>, StoreError> {
        self.inner.pending_vectors()
    }

    fn log(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.inner.log(limit)
    }
}
