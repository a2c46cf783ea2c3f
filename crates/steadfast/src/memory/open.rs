//! Opening: options become a handle.

use std::path::Path;
use std::sync::Arc;

use steadfast_index::EmbeddedBackend;
use steadfast_store::StoreError;

use super::Memory;
use crate::collection::Watch;
use crate::config::Options;
use crate::error::Result;
use crate::ingest::place::Rules;
use crate::ingest::redact::Redactor;

impl Options {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: there is no store and none was to be created, it is of a newer version (not a byte is
    /// changed), it is damaged, or the system refuses. Damaged or missing indexes are no error.
    /// [`crate::Error::InvalidRedaction`] when a rule for secrets cannot be used, and [`crate::Error::InvalidRule`]
    /// when a rule for files cannot; then nothing is opened.
    pub fn open(self, folder: impl AsRef<Path>) -> Result<Memory> {
        let redactor = Redactor::new(&self.redaction)?;
        let rules = Rules::new(&self.rules)?;
        let folder = std::path::absolute(folder.as_ref())
            .map_err(|error| StoreError::from_io(folder.as_ref(), &error))?;
        // From before it is opened: what is put in its place meanwhile is told at the first look.
        let watch = Watch::begin(&folder);
        let backend = EmbeddedBackend::open(&folder, self.to_open_options())?;
        Ok(Memory::new(
            Arc::new(backend),
            watch.or_else(|| Watch::begin(&folder)).map(Arc::new),
            folder,
            self.embed,
            self.clock,
            self.actor,
            (redactor, rules),
        ))
    }
}
