//! Reading by id and by source, and the lists.

use steadfast_model::{Chunk, ChunkId, Document, Filter, Namespace, Root, Row, Validity};
use steadfast_store::{Event, StoreError};

use super::Memory;
use crate::error::{Error, Result};

/// How many chunks of a source are read at a time.
const BATCH: usize = 64;

/// A chunk with those around it in its document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChunkWithNeighbours {
    /// The chunk.
    pub chunk: Chunk,
    /// Chunks before and after it, with their distance.
    pub neighbours: Vec<(i64, Chunk)>,
}

/// Some of the sources of a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourcePage {
    /// The sources, by namespace and name.
    pub sources: Vec<Document>,
    /// There are more behind the last one.
    pub has_more: bool,
}

/// A part of what a source holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceText {
    /// The source.
    pub document: Document,
    /// Its live chunks from one place on, in order.
    pub chunks: Vec<Chunk>,
    /// How many chunks of this part are left out because their text is damaged.
    pub damaged: u64,
    /// The place of the next chunk, when there are more.
    pub next: Option<u32>,
}

impl Memory {
    /// Returns chunks by id, live or history, and counts the access where the store can be written.
    ///
    /// # Errors
    /// [`Error::ChunkNotFound`] for an id that is malformed, of another store, or forgotten;
    /// [`Error::Store`] when the store cannot be read or a text does not have its hash.
    pub fn get(&self, ids: &[String], neighbours: u32) -> Result<Vec<ChunkWithNeighbours>> {
        let snapshot = self.backend().snapshot()?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let row = match id.parse::<ChunkId>() {
                Ok(parsed) => snapshot.resolve(&parsed)?,
                Err(_) => None,
            };
            rows.push(row.ok_or_else(|| Error::ChunkNotFound(id.clone()))?);
        }
        let fetched = snapshot.fetch(&rows)?;
        if let Some(row) = fetched.damaged.first() {
            let id = ChunkId::new(&self.backend().store_id(), *row);
            return Err(Error::Store(StoreError::Damaged {
                path: self.folder().to_owned(),
                what: format!("the text of {id} does not have the hash it was written with"),
            }));
        }
        let found = fetched
            .chunks
            .into_iter()
            .map(|chunk| {
                let neighbours =
                    crate::query::neighbours(snapshot.as_ref(), chunk.row, neighbours)?;
                Ok(ChunkWithNeighbours { chunk, neighbours })
            })
            .collect::<Result<Vec<_>>>()?;
        drop(snapshot);
        // Counting is a courtesy: a store that is busy or read-only still answers.
        drop(
            self.backend()
                .commit(&[steadfast_model::Change::Access(rows)], &self.inner.actor),
        );
        Ok(found)
    }

    /// Returns the folders and files that the store was told to hold, with what it remembers of each, by path.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn roots(&self) -> Result<Vec<Root>> {
        let mut roots = self.backend().snapshot()?.roots()?;
        roots.sort_by(|a, b| (&a.path, &a.namespace).cmp(&(&b.path, &b.namespace)));
        Ok(roots)
    }

    /// Returns the documents that a filter's namespace, source and folder parts admit, also those that were left out.
    ///
    /// A filter that asks for more, such as a tag, leaves the documents with chunks that pass it, and
    /// [`Document::chunks`] counts those.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn sources(&self, filter: &Filter) -> Result<Vec<Document>> {
        let snapshot = self.backend().snapshot()?;
        let mut documents = snapshot.documents(filter)?;
        if filter.asks_attributes() || matches!(filter.validity, Validity::At(_)) {
            let scope = snapshot.scope(filter, self.inner.clock.now())?.rows;
            for document in &mut documents {
                let rows = snapshot.rows_of(&[document.key])?;
                document.chunks = rows.iter().filter(|row| scope.contains(**row)).count() as u64;
            }
            documents.retain(|document| document.chunks > 0);
        }
        Ok(documents)
    }

    /// Returns up to `limit` sources with live chunks behind another one, by namespace and name.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn sources_after(
        &self,
        filter: &Filter,
        after: Option<(&Namespace, &str)>,
        limit: usize,
    ) -> Result<SourcePage> {
        let mut page = SourcePage {
            sources: Vec::new(),
            has_more: false,
        };
        let snapshot = self.backend().snapshot()?;
        snapshot.documents_after(filter, after, &mut |document| {
            if document.chunks == 0 {
                return true;
            }
            page.has_more = page.sources.len() == limit;
            if !page.has_more {
                page.sources.push(document);
            }
            !page.has_more
        })?;
        Ok(page)
    }

    /// Returns the live chunks of a source from the place `from` on, up to `bytes_max` bytes of text but at least
    /// one chunk; none when there is no such source, or nothing live in it.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn read_source(
        &self,
        namespace: &Namespace,
        source: &str,
        from: u32,
        bytes_max: usize,
    ) -> Result<Option<SourceText>> {
        let snapshot = self.backend().snapshot()?;
        let document = snapshot.document(namespace, source)?;
        let Some(document) = document.filter(|document| document.chunks > 0) else {
            return Ok(None);
        };
        let placed = snapshot.placed(document.key, from..=u32::MAX)?;
        let mut text = SourceText {
            document,
            chunks: Vec::new(),
            damaged: 0,
            next: None,
        };
        let mut bytes = 0;
        for batch in placed.chunks(BATCH) {
            let rows: Vec<Row> = batch.iter().map(|placed| placed.row).collect();
            let fetched = snapshot.fetch(&rows)?;
            text.damaged += fetched.damaged.len() as u64;
            for chunk in fetched.chunks {
                bytes += chunk.text.len();
                if bytes > bytes_max && !text.chunks.is_empty() {
                    text.next = Some(chunk.place.position);
                    return Ok(Some(text));
                }
                text.chunks.push(chunk);
            }
        }
        Ok(Some(text))
    }

    /// Returns each tag with its number of live chunks, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn tags(&self) -> Result<Vec<(String, u64)>> {
        Ok(self.backend().snapshot()?.tags()?)
    }

    /// Returns each namespace with its number of live chunks, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn namespaces(&self) -> Result<Vec<(String, u64)>> {
        Ok(self.backend().snapshot()?.namespaces()?)
    }

    /// Returns the newest `limit` events of the store, newest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn log(&self, limit: usize) -> Result<Vec<Event>> {
        Ok(self.backend().snapshot()?.log(limit)?)
    }
}
