//! Reading by id and by source, and the lists.

use steadfast_model::{Chunk, ChunkId, Document, Filter, Root, Validity};
use steadfast_store::Event;

use super::Memory;
use crate::error::{Error, Result};

/// A chunk with those around it in its document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChunkWithNeighbours {
    /// The chunk.
    pub chunk: Chunk,
    /// Chunks before and after it, with their distance.
    pub neighbours: Vec<(i64, Chunk)>,
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
            return Err(Error::Store(steadfast_store::StoreError::Damaged {
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
