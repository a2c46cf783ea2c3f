//! Which records are nearest: exact, over all that pass the filters.

use steadfast_embed::embed_proven;
use steadfast_model::{CollectionSpace, Row, RowSet, StoredCollection, Vector};
use steadfast_store::{Snapshot, Ways};

use super::check;
use super::distance::{Nearest, Question};
use super::handle::Collection;
use super::read::{Conditions, Contents};
use super::request::{Field, QueryRequest, QueryResult, Questions};
use crate::error::{Error, Result};

/// Texts that are embedded in one call.
const EMBED_BATCH: usize = 64;

/// For every question its nearest rows with their distance.
type Ranked = Vec<Vec<(Row, f64)>>;

/// Rows that one pass over the store keeps for all its questions together, at 16 bytes each.
const KEPT_MAX: usize = 1 << 20;

/// The nearest rows of every question.
#[derive(Default)]
struct Found {
    nearest: Ranked,
    damaged: u64,
}

impl Collection {
    /// Returns the nearest records of each question.
    ///
    /// # Errors
    /// [`Error::Expression`] for a filter that is malformed or has an operator that does not exist;
    /// [`crate::CollectionError::DimensionMismatch`] for a question of another dimension;
    /// [`crate::CollectionError::VectorsExpected`] for texts where the caller gives the vectors;
    /// [`crate::CollectionError::NotFound`]; [`Error::Store`].
    ///
    /// # Coverage
    /// Every record that passes the filters is compared with every question; those that do not have the hash they
    /// were written with are counted in [`QueryResult::damaged`], and those whose vector is still to come, as another
    /// model has embedded them, in [`QueryResult::pending`].
    pub fn query(&self, request: &QueryRequest) -> Result<QueryResult> {
        self.inner.check()?;
        let conditions =
            Conditions::read(request.filter.as_ref(), request.document_filter.as_ref())?;
        if request.results == 0 {
            return Err(Error::Invalid {
                what: "a query needs room for at least one result".to_owned(),
            });
        }
        let snapshot = self.inner.backend().snapshot()?;
        let stored = self.stored(snapshot.as_ref())?;
        let vectors = self.vectors(&stored, &request.questions)?;
        let matching = self.matching(snapshot.as_ref(), &stored, None, &conditions, None)?;
        let mut scope: RowSet = matching.rows.into_iter().collect();
        let pending = take_pending(snapshot.as_ref(), &stored, &mut scope)?;
        let questions: Vec<Question<'_>> =
            vectors.iter().map(|values| Question::new(values)).collect();
        let results = request.results.min(scope.len());
        let found = nearest(snapshot.as_ref(), &stored, &questions, results, &scope)?;
        let dimensions = vectors.first().map_or(0, Vec::len);
        let mut result = answer(
            snapshot.as_ref(),
            &stored,
            &found,
            dimensions,
            &request.include,
        )?;
        result.in_scope = scope.len() as u64 + pending + matching.damaged;
        result.pending = pending;
        result.damaged += found.damaged + matching.damaged;
        Ok(result)
    }

    /// Returns the questions as vectors of the collection's space.
    fn vectors(&self, stored: &StoredCollection, questions: &Questions) -> Result<Vec<Vec<f32>>> {
        let texts = match questions {
            Questions::Texts(texts) => texts,
            Questions::Embeddings(vectors) => {
                check::at_most("questions", vectors.len(), check::QUERIES_MAX)?;
                let found = check::space_of(vectors)?;
                let expected = match stored.space {
                    CollectionSpace::Model => CollectionSpace::Given {
                        dimensions: self.inner.embed().model().dimensions,
                    },
                    space @ (CollectionSpace::Given { .. } | CollectionSpace::Undecided) => space,
                };
                return match expected.after(found) {
                    Some(_) => Ok(vectors.clone()),
                    None => Err(check::other_space(&self.name, expected, found)),
                };
            }
        };
        check::at_most("questions", texts.len(), check::QUERIES_MAX)?;
        if let CollectionSpace::Given { .. } = stored.space {
            let asked = CollectionSpace::Model;
            return Err(check::other_space(&self.name, stored.space, asked));
        }
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(EMBED_BATCH) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            let embedded = embed_proven(self.inner.embed(), &batch)?;
            vectors.extend(embedded.into_iter().map(|Vector(values)| values));
        }
        Ok(vectors)
    }
}

/// Takes records that the model has not embedded yet out of a scope; returns how many.
fn take_pending(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    scope: &mut RowSet,
) -> Result<u64> {
    if stored.space != CollectionSpace::Model {
        return Ok(0);
    }
    let before = scope.len();
    scope.subtract(&snapshot.pending_vectors()?.into_iter().collect());
    Ok((before - scope.len()) as u64)
}

fn nearest(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    questions: &[Question<'_>],
    results: usize,
    scope: &RowSet,
) -> Result<Found> {
    if results == 0 {
        return Ok(Found {
            nearest: questions.iter().map(|_| Vec::new()).collect(),
            damaged: 0,
        });
    }
    if stored.space == CollectionSpace::Model
        && let Some(nearest) = by_index(snapshot, stored, questions, results, scope)?
    {
        return Ok(Found {
            nearest,
            damaged: 0,
        });
    }
    let mut found = Found::default();
    let at_once = (KEPT_MAX / results).max(1);
    for part in questions.chunks(at_once) {
        let scanned = by_scan(snapshot, stored, part, results, scope)?;
        found.nearest.extend(scanned.nearest);
        found.damaged = scanned.damaged;
    }
    Ok(found)
}

/// Asks the vector index, which orders vectors of length 1 as every distance does; how far they are is told by the vectors
/// themselves, as a scan tells it. None when a record of the scope has no vector there, since the index does not know how
/// far it is.
fn by_index(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    questions: &[Question<'_>],
    results: usize,
    scope: &RowSet,
) -> Result<Option<Ranked>> {
    if questions.iter().any(Question::is_zero) {
        return Ok(None);
    }
    let mut nearest = Vec::with_capacity(questions.len());
    for question in questions {
        let vector = Vector(question.values().to_vec());
        let top = snapshot.vector_top(&vector, results, scope)?;
        let rows: RowSet = top.into_iter().map(|(row, _)| row).collect();
        let mut ranked = Nearest::new(results);
        snapshot.record_vectors(stored, &rows, &mut |row, values| {
            if let Some(values) = values {
                ranked.offer(row, question.distance(stored.distance, values));
            }
            true
        })?;
        nearest.push(ranked.into_rows());
    }
    // Damage shows only once the vectors were read.
    let vector = Ways {
        text: false,
        vector: true,
    };
    let reach = snapshot.reach(scope, vector)?;
    Ok((reach.vector == scope.len() as u64).then_some(nearest))
}

/// Compares every vector of the scope with every question, in one pass over the store.
fn by_scan(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    questions: &[Question<'_>],
    results: usize,
    scope: &RowSet,
) -> Result<Found> {
    let mut all: Vec<Nearest> = questions.iter().map(|_| Nearest::new(results)).collect();
    let mut unseen = scope.clone();
    let mut damaged = 0;
    let mut offer = |row: Row, values: &[f32]| {
        for (nearest, question) in all.iter_mut().zip(questions) {
            nearest.offer(row, question.distance(stored.distance, values));
        }
    };
    snapshot.record_vectors(stored, scope, &mut |row, values| {
        unseen.remove(row);
        match values {
            Some(values) => offer(row, values),
            None => damaged += 1,
        }
        true
    })?;
    // A document without a known word has no vector in the store: it is all zeros.
    let zeros = vec![
        0.0;
        questions
            .first()
            .map_or(0, |question| question.values().len())
    ];
    for row in unseen.iter() {
        offer(row, &zeros);
    }
    Ok(Found {
        nearest: all.into_iter().map(Nearest::into_rows).collect(),
        damaged,
    })
}

fn answer(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    found: &Found,
    dimensions: usize,
    include: &[Field],
) -> Result<QueryResult> {
    let mut rows: Vec<Row> = found
        .nearest
        .iter()
        .flatten()
        .map(|(row, _)| *row)
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let contents = Contents::read(snapshot, stored, &rows, dimensions, include)?;
    let with_embeddings = include.contains(&Field::Embeddings);
    let with_documents = include.contains(&Field::Documents);
    let with_distances = include.contains(&Field::Distances);
    let mut result = QueryResult {
        embeddings: with_embeddings.then(Vec::new),
        damaged: (rows.len() - contents.len()) as u64,
        ..QueryResult::default()
    };
    for nearest in &found.nearest {
        let (mut ids, mut documents, mut metadatas) = (vec![], vec![], vec![]);
        let (mut distances, mut embeddings) = (vec![], vec![]);
        for (row, distance) in nearest {
            let Some(content) = contents.copy(*row) else {
                continue;
            };
            ids.push(content.id);
            documents.extend(with_documents.then_some(content.document));
            metadatas.extend(content.meta);
            embeddings.extend(content.vector);
            distances.extend(with_distances.then_some(*distance));
        }
        result.ids.push(ids);
        result.documents.push(documents);
        result.metadatas.push(metadatas);
        result.distances.push(distances);
        if let Some(all) = &mut result.embeddings {
            all.push(embeddings);
        }
    }
    Ok(result)
}
