//! Which records are meant, and what is in them.

use std::collections::HashMap;

use serde_json::Value;
use steadfast_model::{
    Chunk, CollectionSpace, Expression, Filter, Metadata, Row, RowSet, StoredCollection,
    TextFilter, Validity,
};
use steadfast_store::Snapshot;

use super::check;
use super::handle::Collection;
use super::request::{DeleteRequest, Field, GetRequest, GetResult};
use crate::error::Result;

/// Records whose texts are in memory at once while a filter asks for them.
const FETCH_BATCH: usize = 512;

/// The conditions of a request, read before anything is looked up.
pub(super) struct Conditions {
    meta: Option<Expression>,
    text: Option<TextFilter>,
}

impl Conditions {
    pub(super) fn read(meta: Option<&Value>, text: Option<&Value>) -> Result<Self> {
        Ok(Self {
            meta: meta.map(Expression::parse).transpose()?,
            text: text.map(TextFilter::parse).transpose()?,
        })
    }

    fn admits(&self, chunk: &Chunk) -> bool {
        self.meta
            .as_ref()
            .is_none_or(|meta| meta.matches(&chunk.attributes.meta))
            && self
                .text
                .as_ref()
                .is_none_or(|text| text.matches(&chunk.text))
    }
}

/// Records that fulfil conditions.
#[derive(Default)]
pub(super) struct Matching {
    /// Their rows, in the order of the answer.
    pub(super) rows: Vec<Row>,
    /// Records that may or may not fulfil them: their text does not have its hash.
    pub(super) damaged: u64,
}

impl Collection {
    /// Returns how many records there are.
    ///
    /// # Errors
    /// [`crate::CollectionError::NotFound`] when the collection was deleted; [`crate::Error::Store`].
    pub fn count(&self) -> Result<u64> {
        self.inner.check()?;
        let snapshot = self.inner.backend().snapshot()?;
        let stored = self.stored(snapshot.as_ref())?;
        Ok(snapshot.record_scope(stored.key)?.len() as u64)
    }

    /// Returns records: those of ids in their order, others in the order in which they came in.
    ///
    /// A record keeps its place while its metadata or vector change; another document makes it the newest.
    ///
    /// # Errors
    /// [`crate::Error::Expression`] for a filter that is malformed or has an operator that does not exist;
    /// [`crate::CollectionError::DuplicateId`]; [`crate::CollectionError::NotFound`]; [`crate::Error::Store`].
    ///
    /// # Coverage
    /// Records that do not have the hash they were written with are left out and counted in [`GetResult::damaged`].
    pub fn get(&self, request: &GetRequest) -> Result<GetResult> {
        self.inner.check()?;
        let conditions =
            Conditions::read(request.filter.as_ref(), request.document_filter.as_ref())?;
        if let Some(ids) = &request.ids {
            check::ids(ids)?;
        }
        let snapshot = self.inner.backend().snapshot()?;
        let stored = self.stored(snapshot.as_ref())?;
        let wanted = request
            .limit
            .map(|limit| request.offset.saturating_add(limit));
        let ids = request.ids.as_deref();
        let matching = self.matching(snapshot.as_ref(), &stored, ids, &conditions, wanted)?;
        let page: Vec<Row> = matching
            .rows
            .into_iter()
            .skip(request.offset)
            .take(request.limit.unwrap_or(usize::MAX))
            .collect();
        let dimensions = match stored.space {
            CollectionSpace::Given { dimensions } => dimensions,
            CollectionSpace::Model | CollectionSpace::Undecided => {
                self.inner.embed().model().dimensions
            }
        };
        let snapshot = snapshot.as_ref();
        let mut contents = Contents::read(snapshot, &stored, &page, dimensions, &request.include)?;
        let mut result = GetResult {
            damaged: matching.damaged,
            embeddings: request.include.contains(&Field::Embeddings).then(Vec::new),
            ..GetResult::default()
        };
        for row in page {
            let Some(content) = contents.take(row) else {
                result.damaged += 1;
                continue;
            };
            result.ids.push(content.id);
            if request.include.contains(&Field::Documents) {
                result.documents.push(content.document);
            }
            result.metadatas.extend(content.meta);
            if let (Some(all), Some(vector)) = (&mut result.embeddings, content.vector) {
                all.push(vector);
            }
        }
        Ok(result)
    }

    /// Returns the ids of the records that a deletion asks for.
    pub(super) fn matching_ids(&self, request: &DeleteRequest) -> Result<Vec<String>> {
        let request = GetRequest {
            ids: request.ids.clone(),
            filter: request.filter.clone(),
            document_filter: request.document_filter.clone(),
            include: Vec::new(),
            ..GetRequest::default()
        };
        Ok(self.get(&request)?.ids)
    }

    /// Returns the rows that fulfil conditions, at most `wanted` of them.
    pub(super) fn matching(
        &self,
        snapshot: &dyn Snapshot,
        stored: &StoredCollection,
        ids: Option<&[String]>,
        conditions: &Conditions,
        wanted: Option<usize>,
    ) -> Result<Matching> {
        let wanted = wanted.unwrap_or(usize::MAX);
        let rows: Vec<Row> = if let Some(ids) = ids {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let rows = snapshot.record_rows(stored, &ids)?;
            rows.into_iter().flatten().collect()
        } else {
            let scope = self.scope(snapshot, stored, conditions)?;
            let first = if conditions.text.is_none() {
                wanted
            } else {
                usize::MAX
            };
            scope.iter().take(first).collect()
        };
        let is_decided = match ids {
            Some(_) => conditions.meta.is_none() && conditions.text.is_none(),
            None => conditions.text.is_none(),
        };
        if is_decided {
            return Ok(Matching { rows, damaged: 0 });
        }
        let mut matching = Matching::default();
        for batch in rows.chunks(FETCH_BATCH) {
            let fetched = snapshot.fetch(batch)?;
            matching.damaged += fetched.damaged.len() as u64;
            let admitted = fetched
                .chunks
                .iter()
                .filter(|chunk| conditions.admits(chunk));
            matching.rows.extend(admitted.map(|chunk| chunk.row));
            if matching.rows.len() >= wanted {
                break;
            }
        }
        Ok(matching)
    }

    /// Returns the rows of all records whose metadata fulfils the condition on it.
    fn scope(
        &self,
        snapshot: &dyn Snapshot,
        stored: &StoredCollection,
        conditions: &Conditions,
    ) -> Result<RowSet> {
        let rows = snapshot.record_scope(stored.key)?;
        let Some(meta) = &conditions.meta else {
            return Ok(rows);
        };
        let filter = Filter {
            namespaces: vec![self.namespace.clone()],
            expression: Some(meta.clone()),
            validity: Validity::Any,
            ..Filter::default()
        };
        let mut admitted = snapshot.scope(&filter, self.inner.clock().now())?.rows;
        admitted.intersect(&rows);
        Ok(admitted)
    }
}

/// What is in some records, by row.
pub(super) struct Contents(HashMap<Row, Content>);

/// What is in a record; what was not asked for is none, and so is a document that the record does not have.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) id: String,
    pub(super) document: Option<String>,
    pub(super) meta: Option<Metadata>,
    pub(super) vector: Option<Vec<f32>>,
}

impl Contents {
    /// Reads rows; one that is damaged is left out.
    pub(super) fn read(
        snapshot: &dyn Snapshot,
        stored: &StoredCollection,
        rows: &[Row],
        dimensions: usize,
        include: &[Field],
    ) -> Result<Self> {
        let mut contents = HashMap::with_capacity(rows.len());
        for batch in rows.chunks(FETCH_BATCH) {
            for chunk in snapshot.fetch(batch)?.chunks {
                let has_document = chunk.place.start_line > 0;
                let content = Content {
                    id: chunk.source,
                    document: (has_document && include.contains(&Field::Documents))
                        .then_some(chunk.text),
                    meta: include
                        .contains(&Field::Metadatas)
                        .then_some(chunk.attributes.meta),
                    vector: None,
                };
                contents.insert(chunk.row, content);
            }
        }
        if include.contains(&Field::Embeddings) {
            add_vectors(snapshot, stored, dimensions, &mut contents)?;
        }
        Ok(Self(contents))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Hands out a record that is asked for once.
    pub(super) fn take(&mut self, row: Row) -> Option<Content> {
        self.0.remove(&row)
    }

    /// Hands out a record that may be asked for again.
    pub(super) fn copy(&self, row: Row) -> Option<Content> {
        self.0.get(&row).cloned()
    }
}

fn add_vectors(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    dimensions: usize,
    contents: &mut HashMap<Row, Content>,
) -> Result<()> {
    let rows: RowSet = contents.keys().copied().collect();
    let mut damaged = Vec::new();
    snapshot.record_vectors(stored, &rows, &mut |row, values| {
        match (values, contents.get_mut(&row)) {
            (Some(values), Some(content)) => {
                content.vector = Some(values.to_vec());
            }
            _ => damaged.push(row),
        }
        true
    })?;
    for row in damaged {
        contents.remove(&row);
    }
    // A document without a known word has no vector in the store: it is all zeros.
    for content in contents.values_mut() {
        content.vector.get_or_insert_with(|| vec![0.0; dimensions]);
    }
    Ok(())
}
