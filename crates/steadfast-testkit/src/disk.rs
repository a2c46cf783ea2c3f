//! The disk that `steadfast-store` is given: the system's own, watched and made to fail.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steadfast_store::files::{Disk, SystemDisk};

use crate::fault::{Fault, Operation, Plan};
use crate::image::Image;
use crate::journal::{Event, Journal, name_below};
use crate::vfs;

/// A disk that writes down what is done to it, and fails when it is told to.
///
/// Everything below its root is its own; the root must be an empty folder, or
/// one that nobody asks to be replayed.
#[derive(Clone, Debug)]
pub struct FaultDisk {
    inner: Arc<Inner>,
    /// Takes the root from SQLite's view when the last clone is gone.
    _registration: Arc<Registration>,
}

/// What is behind a disk, shared with the files that SQLite holds open.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    journal: Journal,
}

#[derive(Debug)]
struct Registration(PathBuf);

impl Drop for Registration {
    fn drop(&mut self) {
        vfs::forget(&self.0);
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and returns the code with which it fails, if it does.
    pub(crate) fn strike(&self, operation: Operation) -> Option<i32> {
        self.state().plan.strike(operation)
    }

    /// Does something that changes the disk, and writes it down if it worked; nothing else happens meanwhile.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Journal) -> T) -> T {
        change(&mut self.state().journal)
    }

    pub(crate) fn name(&self, path: &Path) -> Option<String> {
        name_below(&self.root, path)
    }

    fn failing(&self, operation: Operation) -> io::Result<()> {
        match self.strike(operation) {
            None => Ok(()),
            Some(13) => Err(io::ErrorKind::StorageFull.into()),
            Some(code) => Err(io::Error::other(format!("fault {code} was set"))),
        }
    }

    fn flush(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let failed = self.failing(operation);
        if let Some(name) = self.name(path) {
            self.change(|journal| {
                let file = journal.file(&name);
                journal.push(match failed {
                    Ok(()) => Event::Sync { file },
                    Err(_) => Event::SyncFailed { file },
                });
            });
        }
        failed
    }
}

impl FaultDisk {
    /// Returns a disk with a folder as its root.
    ///
    /// # Errors
    /// What the system says of the folder.
    pub fn new(root: &Path) -> io::Result<Self> {
        // SQLite resolves links in the paths that it opens.
        let root = std::fs::canonicalize(root)?;
        let inner = Arc::new(Inner {
            root: root.clone(),
            state: Mutex::default(),
        });
        vfs::know(&inner);
        Ok(Self {
            inner,
            _registration: Arc::new(Registration(root)),
        })
    }

    /// Returns the root.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Writes an image below the root, as something that was there and flushed before all that is still to come.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin_with(&self, image: &Image) -> io::Result<()> {
        image.write(self.root())?;
        self.inner.change(|journal| journal.begin_with(image));
        Ok(())
    }

    /// Sets a fault, or none, and counts the operations anew.
    pub fn set(&self, fault: Option<Fault>) {
        self.inner.state().plan.set(fault);
    }

    /// Returns how many operations of a kind there were since the last [`FaultDisk::set`].
    pub fn count(&self, operation: Operation) -> u64 {
        self.inner.state().plan.count(operation)
    }

    /// Returns how often the fault struck.
    pub fn struck(&self) -> u64 {
        self.inner.state().plan.struck
    }

    /// Returns how many events there are by now: the moment that a later cut may name.
    pub fn now(&self) -> usize {
        self.inner.state().journal.events.len()
    }

    /// Returns all events.
    pub fn events(&self) -> Vec<Event> {
        self.inner.state().journal.events.clone()
    }
}

impl Disk for FaultDisk {
    fn vfs(&self) -> Option<&str> {
        Some(vfs::NAME)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        self.inner.failing(Operation::SideOpen)?;
        SystemDisk.open(path)
    }

    fn open_private(&self, path: &Path) -> io::Result<File> {
        self.inner.failing(Operation::SideOpen)?;
        let file = SystemDisk.open_private(path)?;
        if let Some(name) = self.inner.name(path) {
            self.inner.change(|journal| journal.file(&name));
        }
        Ok(file)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.inner.failing(Operation::SideOpen)?;
        let created = SystemDisk.create(path)?;
        if let Some(name) = self.inner.name(path) {
            self.inner.change(|journal| {
                let file = journal.file(&name);
                journal.push(Event::Truncate { file, length: 0 });
            });
        }
        Ok(created)
    }

    fn write(&self, path: &Path, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let offset = file.stream_position()?;
        let failed = self.inner.failing(Operation::SideWrite);
        // A write that fails has written a part of it.
        let written = match failed {
            Ok(()) => bytes,
            Err(_) => &bytes[..bytes.len() / 2],
        };
        file.write_all(written)?;
        if let Some(name) = self.inner.name(path) {
            self.inner.change(|journal| {
                let file = journal.file(&name);
                journal.push(Event::Write {
                    file,
                    offset,
                    bytes: written.into(),
                });
            });
        }
        failed
    }

    fn sync(&self, path: &Path, _file: &File) -> io::Result<()> {
        self.inner.flush(Operation::SideSync, path)
    }

    fn sync_data(&self, path: &Path, _file: &File) -> io::Result<()> {
        self.inner.flush(Operation::Sync, path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.failing(Operation::SideSync)?;
        if let Some(name) = self.inner.name(path) {
            self.inner
                .change(|journal| journal.push(Event::SyncFolder { name }));
        }
        Ok(())
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.failing(Operation::SideOpen)?;
        SystemDisk.create_folder(path)?;
        if let Some(name) = self.inner.name(path) {
            self.inner
                .change(|journal| journal.push(Event::CreateFolder { name }));
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.failing(Operation::SideRename)?;
        SystemDisk.rename(from, to)?;
        if let (Some(from), Some(to)) = (self.inner.name(from), self.inner.name(to)) {
            self.inner.change(|journal| journal.rename(&from, &to));
        }
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.failing(Operation::SideRename)?;
        SystemDisk.link(from, to)?;
        if let (Some(from), Some(to)) = (self.inner.name(from), self.inner.name(to)) {
            self.inner.change(|journal| journal.link(&from, &to));
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemDisk.remove(path)?;
        if let Some(name) = self.inner.name(path) {
            self.inner.change(|journal| journal.delete(&name));
        }
        Ok(())
    }
}
