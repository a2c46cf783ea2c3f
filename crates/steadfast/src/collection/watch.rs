//! Whether a store is still the one that was opened.
//!
//! A process may go on reading and writing a file that has been deleted or
//! replaced; what it acknowledges then is lost. So the identity of the file is
//! compared at each call, and once more after each commit, before it is
//! acknowledged. Only the folder entry is asked: opening the database by other
//! means than SQLite would drop the locks of the process.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use steadfast_store::StoreError;

use crate::error::{CollectionError, Result};

/// The identity of a store on disk, as it was when it was opened.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    database: PathBuf,
    identity: Identity,
}

/// Device and inode where there are such; the handle keeps the file open, so its inode is not given out again.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    file: u64,
    created: Option<std::time::SystemTime>,
}

impl Watch {
    /// Returns the watch over a store folder; none when there is no file to watch.
    pub(crate) fn begin(folder: &Path) -> Option<Self> {
        let database = folder.join(steadfast_store::sqlite::DATABASE);
        let identity = identity(&std::fs::metadata(&database).ok()?);
        Some(Self {
            folder: folder.to_owned(),
            database,
            identity,
        })
    }

    /// Checks that the store is still the one that was opened.
    pub(crate) fn check(&self) -> Result<()> {
        let found = std::fs::metadata(&self.database).map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let path = if missing {
                &self.folder
            } else {
                &self.database
            };
            StoreError::from_io(path, &error)
        })?;
        if identity(&found) == self.identity {
            return Ok(());
        }
        Err(CollectionError::Replaced {
            path: self.folder.clone(),
        }
        .into())
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity {
        device: found.dev(),
        file: found.ino(),
        created: None,
    }
}

#[cfg(not(unix))]
fn identity(found: &Metadata) -> Identity {
    Identity {
        device: 0,
        file: 0,
        created: found.created().ok(),
    }
}
