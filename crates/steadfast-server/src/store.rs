//! The one handle that all calls of a server share, opened when it is first needed.
//!
//! Invariants: a server starts, and says what it can do, also over a store that
//! is missing, busy or damaged; the store is created by the first write, never
//! by a read. A handle that failed is let go, so the next call opens anew and a
//! store that was mended or put in place meanwhile is used. Nothing is
//! acknowledged that went into a store that is no longer in place: the folder is
//! looked at before each call, and once more after each write.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use steadfast::model::Namespace;
use steadfast::{CollectionError, Error, Memory, Mode, Options};

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

/// How often a write is done when the store is replaced under it each time.
const WRITE_TRIES: usize = 3;

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

    /// Returns the handle, which is opened if it is not, or if the store is no longer the one that it was opened on.
    ///
    /// # Errors
    /// As with [`Options::open`]; the next call tries again.
    pub fn memory(&self, access: Access) -> Result<Memory, Error> {
        let mut slot = self.slot();
        if let Some(memory) = slot.as_ref() {
            if memory.check_in_place().is_ok() {
                return Ok(memory.clone());
            }
            *slot = None;
        }
        let options = self.settings.options.clone();
        let memory = options
            .create(access == Access::Write)
            .open(&self.settings.folder)?;
        *slot = Some(memory.clone());
        Ok(memory)
    }

    /// Writes to the store, and again when the store was deleted or replaced meanwhile: what became of the first
    /// try is of no matter then, for it went into a store that nobody will read.
    ///
    /// # Errors
    /// As with [`Self::memory`], and whatever the work says; [`CollectionError::Replaced`] when the store is another
    /// one after each try.
    pub fn write<T, E: From<Error>>(
        &self,
        access: Access,
        work: impl Fn(&Memory) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 0..WRITE_TRIES {
            let memory = self.memory(access)?;
            let done = work(&memory);
            if memory.check_in_place().is_ok() {
                return done;
            }
        }
        let path = self.settings.folder.clone();
        Err(Error::from(CollectionError::Replaced { path }).into())
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

#[cfg(all(test, unix))]
#[expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use steadfast::{ListRequest, Note};

    use super::*;

    fn store_in(folder: &std::path::Path) -> Store {
        Store::new(Settings {
            folder: folder.join("store"),
            options: Options::default(),
            namespace: Namespace::default(),
            limit: 10,
            mode: Mode::default(),
            file_bytes_max: 1 << 20,
            here: folder.to_owned(),
        })
    }

    fn texts(memory: &Memory) -> Vec<String> {
        let listing = memory.list(&ListRequest::default()).unwrap();
        listing.chunks.into_iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn a_store_that_is_gone_or_replaced_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = store_in(folder.path());
        let remember = |text: &str| {
            let note = Note::new(text);
            store.write(Access::Write, |memory| memory.remember(&note))
        };
        remember("the first").unwrap();
        fs::rename(folder.path().join("store"), folder.path().join("old")).unwrap();
        let missing = store.memory(Access::Read).map(drop).unwrap_err();
        assert!(matches!(missing, Error::Store(_)), "{missing}");
        remember("the second").unwrap();
        assert_eq!(texts(&store.memory(Access::Read).unwrap()), ["the second"]);
        fs::rename(folder.path().join("store"), folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("old"), folder.path().join("store")).unwrap();
        assert_eq!(texts(&store.memory(Access::Read).unwrap()), ["the first"]);
        remember("the third").unwrap();
        let other = Memory::open(folder.path().join("store")).unwrap();
        assert_eq!(texts(&other), ["the first", "the third"]);
    }

    #[test]
    fn what_went_into_a_store_that_was_replaced_meanwhile_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = store_in(folder.path());
        let tries = Cell::new(0);
        let write = |replaced: u32| {
            tries.set(0);
            store.write(Access::Write, |memory| {
                let done = memory.remember(&Note::new("kept"));
                tries.set(tries.get() + 1);
                if tries.get() <= replaced {
                    let away = tempfile::tempdir_in(folder.path()).unwrap().keep();
                    fs::rename(folder.path().join("store"), away.join("store")).unwrap();
                }
                done
            })
        };
        write(1).unwrap();
        assert_eq!(tries.get(), 2);
        let other = Memory::open(folder.path().join("store")).unwrap();
        assert_eq!(texts(&other), ["kept"]);
        let error = write(u32::MAX).unwrap_err();
        assert_eq!(
            (tries.get() as usize, steadfast::model::Fault::kind(&error)),
            (WRITE_TRIES, "store_replaced")
        );
    }
}
