//! The one handle that all calls of a server share, opened when it is first needed.
//!
//! Invariants: a server starts, and says what it can do, also over a store that
//! is missing, busy or damaged; the store is created by the first write, never
//! by a read. A handle that failed is let go, so the next call opens anew and a
//! store that was mended or put in place meanwhile is used.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use steadfast::model::Namespace;
use steadfast::{Error, Memory, Mode, Options};

/// What a server is to know; all of it comes from whoever starts it.
#[derive(Clone)]
pub struct Settings {
    /// The folder of the store.
    pub folder: PathBuf,
    /// How the store is opened.
    pub options: Options,
    /// The namespace that notes and files come into.
    pub namespace: Namespace,
    /// How many hits a search has when it does not say.
    pub limit: usize,
    /// How questions are searched when they do not say.
    pub mode: Mode,
    /// Files larger than this are left out.
    pub file_bytes_max: u64,
    /// The folder that relative paths and globs start at.
    pub here: PathBuf,
}

/// What a call wants the store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read; there must be a store.
    Read,
    /// To write; it is created when there is none.
    Write,
}

/// A store that is opened when it is first needed.
pub struct Store {
    settings: Settings,
    memory: Mutex<Option<Memory>>,
}

impl Store {
    /// Returns a store that is not open yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            memory: Mutex::new(None),
        }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the handle, which is opened if it is not.
    ///
    /// # Errors
    /// As with [`Options::open`]; the next call tries again.
    pub fn memory(&self, access: Access) -> Result<Memory, Error> {
        let mut slot = self.slot();
        if let Some(memory) = slot.as_ref() {
            return Ok(memory.clone());
        }
        let options = self.settings.options.clone();
        let memory = options
            .create(access == Access::Write)
            .open(&self.settings.folder)?;
        *slot = Some(memory.clone());
        Ok(memory)
    }

    /// Lets go of the handle when an error says that it may be of no more use.
    pub fn note(&self, error: &Error) {
        if matches!(error, Error::Store(_)) {
            *self.slot() = None;
        }
    }

    /// Gives back memory that is only kept to be faster the next time.
    pub fn release_memory(&self) {
        let memory = self.slot().clone();
        if let Some(memory) = memory {
            memory.release_memory();
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Memory>> {
        // The slot holds a handle or none: a panic elsewhere leaves it whole.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
