//! The disk below a store, so that a test can watch it, make it fail, or cut its power.
//!
//! Whatever must survive a loss of power goes through here: the database by the
//! SQLite VFS that the disk names, the sibling files by its methods. What is
//! deliberately not here: locks, which hold no content, and the user's files.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::{private_options, system};
use crate::error::StoreError;
use crate::sabotage::{self, Sabotage};

/// The operations of a disk; each has the system's own as its default.
///
/// # Errors
/// Every operation returns what the system says.
#[expect(
    clippy::missing_errors_doc,
    reason = "one sentence on the trait says it for all"
)]
pub trait Disk: fmt::Debug + Send + Sync {
    /// Returns the name of the SQLite VFS that opens the database; none is SQLite's own choice.
    fn vfs(&self) -> Option<&str> {
        None
    }

    /// Opens a file for reading; what is no file is refused, also a pipe that would be waited for.
    fn open(&self, path: &Path) -> io::Result<File> {
        system::open_file(path)
    }

    /// Opens a file for reading and writing, private to the user; creates it when it is missing.
    fn open_private(&self, path: &Path) -> io::Result<File> {
        private_options().create(true).truncate(false).open(path)
    }

    /// Opens a file for writing, private to the user and empty.
    fn create(&self, path: &Path) -> io::Result<File> {
        private_options().create(true).truncate(true).open(path)
    }

    /// Writes all the bytes where the file stands.
    fn write(&self, _path: &Path, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Flushes content and length of a file to the medium. On macOS the standard library asks for `F_FULLFSYNC`, here
    /// and below.
    fn sync(&self, _path: &Path, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Flushes the write-ahead log, or another file whose times may be lost.
    fn sync_data(&self, _path: &Path, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Flushes the entries of a folder. Windows flushes them by itself.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        system::sync_folder(path)
    }

    /// Creates one folder, private to the user.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        system::create_folder(path)
    }

    /// Renames a file or folder, over another where there is one.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    /// Gives a file another name as well, unless something has that name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    /// Removes a file of derived state.
    fn remove(&self, path: &Path) -> io::Result<()> {
        #[expect(
            clippy::disallowed_methods,
            reason = "derived and temporary files are disposable by definition"
        )]
        std::fs::remove_file(path)
    }
}

/// The disk of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {}

impl dyn Disk + '_ {
    /// Creates a folder and its parents; the folder itself is private to the user (0700).
    ///
    /// # Errors
    /// [`StoreError`] when the system refuses.
    pub fn create_private_folder(&self, path: &Path) -> Result<(), StoreError> {
        let missing: Vec<&Path> = path.ancestors().take_while(|it| !it.is_dir()).collect();
        for folder in missing.into_iter().rev() {
            if folder.as_os_str().is_empty() {
                continue;
            }
            match self.create_folder(folder) {
                Err(_) if folder.is_dir() => {}
                done => done
                    .and_then(|()| self.sync_entry_of(folder))
                    .map_err(|error| StoreError::from_io(folder, &error))?,
            }
        }
        Ok(())
    }

    /// Flushes the entries of a folder and of those above it, whoever has created them: one that was killed in
    /// between, or whose flush failed, may have left them to the system.
    ///
    /// # Errors
    /// What the system says of the entry of the folder itself; of those above it is asked for no more than that.
    pub(crate) fn sync_entries_to(&self, folder: &Path) -> io::Result<()> {
        for above in folder.ancestors().skip(1) {
            drop(self.sync_entry_of(above));
        }
        self.sync_entry_of(folder)
    }

    /// Flushes the entry of a folder that was just created: else a loss of power takes the folder with all that
    /// was flushed in it. Who may create in a folder but not open it leaves that to the system.
    fn sync_entry_of(&self, folder: &Path) -> io::Result<()> {
        let Some(parent) = folder.parent().filter(|it| !it.as_os_str().is_empty()) else {
            return Ok(());
        };
        if sabotage::is(Sabotage::FolderNotFlushed) {
            return Ok(());
        }
        match self.sync_folder(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// Writes a file whole or not at all: temporary sibling, flush, rename, flush of the folder.
    ///
    /// # Errors
    /// [`StoreError`]; the file is then as it was.
    ///
    /// # Durability
    /// When this returns, the new content survives a loss of power.
    pub fn replace_file(&self, path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let failed = |error: io::Error| StoreError::from_io(path, &error);
        let written = (|| {
            let mut file = self.create(&temporary)?;
            for part in parts {
                self.write(&temporary, &mut file, part)?;
            }
            if sabotage::is(Sabotage::FileNotFlushed) {
                return Ok(());
            }
            self.sync(&temporary, &file)
        })();
        let renamed = written.and_then(|()| self.rename(&temporary, path));
        if let Err(error) = renamed {
            self.discard(&temporary);
            return Err(failed(error));
        }
        path.parent().map_or(Ok(()), |folder| {
            self.sync_folder(folder)
                .map_err(|error| StoreError::from_io(folder, &error))
        })
    }

    /// Removes a file of derived state, which can be made again; a file that is gone already is no error.
    ///
    /// This is the only removal in the house. It is never called for ground state.
    pub fn discard(&self, path: &Path) {
        // A leftover is found and removed by the next one who publishes.
        drop(self.remove(path));
    }
}
