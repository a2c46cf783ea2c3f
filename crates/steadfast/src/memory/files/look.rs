//! What is there: files by path, folders by what is in them, and texts put together again.

use steadfast_model::{Document, DocumentStatus, Filter};
use steadfast_store::{Snapshot, StoreError};

use super::command::{FileError, FileRefusal};
use super::path::FilePath;
use super::{FILES_MAX, MemoryFiles};
use crate::error::{Error, Result};

impl MemoryFiles {
    /// Returns an error when there is something at a path, or a file where it needs a folder.
    pub(super) fn check_free(
        &self,
        snapshot: &dyn Snapshot,
        path: &FilePath,
        taken: impl Fn() -> FileRefusal,
    ) -> Result<(), FileError> {
        if path.is_root() || !self.at_or_below(snapshot, path)?.is_empty() {
            return Err(taken().into());
        }
        for folder in path.folders() {
            if self.file(snapshot, &folder)?.is_some() {
                return Err(FileRefusal::NoFolder {
                    path: folder.to_string(),
                }
                .into());
            }
        }
        Ok(())
    }

    /// Returns an error when there are as many files as there may be.
    pub(super) fn check_room(&self, snapshot: &dyn Snapshot) -> Result<(), FileError> {
        let mut count = 0;
        self.each(snapshot, &FilePath::root(), &mut |_| count += 1)?;
        if count >= FILES_MAX {
            return Err(FileRefusal::TooMany.into());
        }
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(self.memory.backend().snapshot()?)
    }

    /// Returns the document of a file that is there.
    pub(super) fn file(
        &self,
        snapshot: &dyn Snapshot,
        path: &FilePath,
    ) -> Result<Option<Document>> {
        let document = snapshot.document(&self.namespace, &path.source())?;
        Ok(document.filter(is_there))
    }

    pub(super) fn below(
        &self,
        snapshot: &dyn Snapshot,
        folder: &FilePath,
    ) -> Result<Vec<Document>> {
        let mut documents = self.at_or_below(snapshot, folder)?;
        let own = folder.source();
        documents.retain(|document| document.source != own);
        Ok(documents)
    }

    pub(super) fn at_or_below(
        &self,
        snapshot: &dyn Snapshot,
        path: &FilePath,
    ) -> Result<Vec<Document>> {
        let mut documents = Vec::new();
        self.each(snapshot, path, &mut |document| documents.push(document))?;
        Ok(documents)
    }

    fn each(
        &self,
        snapshot: &dyn Snapshot,
        path: &FilePath,
        each: &mut dyn FnMut(Document),
    ) -> Result<()> {
        let filter = Filter {
            namespaces: vec![self.namespace.clone()],
            within: vec![path.source()],
            ..Filter::default()
        };
        snapshot.each_document(&filter, &mut |document| {
            if is_there(&document) {
                each(document);
            }
        })?;
        Ok(())
    }

    pub(super) fn text_of(&self, path: &FilePath) -> Result<Option<String>> {
        let snapshot = self.snapshot()?;
        match self.file(snapshot.as_ref(), path)? {
            Some(document) => self.text(snapshot.as_ref(), &document).map(Some),
            None => Ok(None),
        }
    }

    /// Puts a file together again from its chunks.
    pub(super) fn text(&self, snapshot: &dyn Snapshot, document: &Document) -> Result<String> {
        let placed = snapshot.placed(document.key, 0..=u32::MAX)?;
        let rows: Vec<_> = placed.iter().map(|placed| placed.row).collect();
        let fetched = snapshot.fetch(&rows)?;
        if !fetched.damaged.is_empty() {
            return Err(Error::Store(StoreError::Damaged {
                path: self.memory.folder().to_owned(),
                what: format!(
                    "a part of {} does not have the hash it was written with",
                    document.source
                ),
            }));
        }
        Ok(fetched
            .chunks
            .iter()
            .map(|chunk| chunk.text.as_str())
            .collect())
    }
}

fn is_there(document: &Document) -> bool {
    document.status == DocumentStatus::Indexed
}
