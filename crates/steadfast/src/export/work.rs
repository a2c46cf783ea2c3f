//! A file is made in a folder beside its place, and gets its name when it is whole.
//!
//! The folder is `<name>.part` and holds a lock: whoever else makes the same
//! file is told so, and what a killed one left there is removed by the next. The
//! finished file gets its name by a link, which the system refuses when the name
//! is taken; only where that was asked for is an older file replaced.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_store::StoreError;
use steadfast_store::files::{self, Disk, Gate};

use crate::error::{Error, Result};

const LOCK: &str = "lock";

/// Makes a file: `make` returns what it found, and which of `names` in the folder the finished file is.
pub(super) fn in_work<T>(
    disk: &dyn Disk,
    file: &Path,
    names: &[&str],
    overwrite: bool,
    make: impl FnOnce(&Work<'_>) -> Result<(T, PathBuf)>,
) -> Result<T> {
    let folder = folder_of(file)?;
    if !overwrite {
        refuse_existing(file)?;
    }
    let work = Work::begin(disk, file)?;
    let gate = Gate::new(work.path(LOCK));
    let held = gate.try_pass()?.ok_or_else(|| StoreError::Busy {
        what: work.folder.display().to_string(),
        waited_ms: 0,
    })?;
    work.clear(names);
    let outcome = make(&work).and_then(|(value, part)| {
        if overwrite {
            disk.rename(&part, file)
                .map_err(|error| StoreError::from_io(file, &error))?;
        } else {
            publish(disk, &part, file)?;
        }
        Ok(value)
    });
    work.clear(names);
    drop(held);
    work.end();
    let value = outcome?;
    disk.sync_folder(&folder)
        .map_err(|error| StoreError::from_io(&folder, &error))?;
    Ok(value)
}

fn folder_of(file: &Path) -> Result<PathBuf> {
    let folder = file.parent().filter(|_| file.file_name().is_some());
    folder
        .filter(|folder| folder.is_dir())
        .map(Path::to_owned)
        .ok_or_else(|| Error::PathNotFound {
            path: file.parent().unwrap_or(file).to_owned(),
        })
}

fn refuse_existing(file: &Path) -> Result<()> {
    match std::fs::symlink_metadata(file) {
        Ok(_) => Err(Error::Exists {
            path: file.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::from_io(file, &error).into()),
    }
}

/// Gives a finished file its name, unless something has that name.
pub(super) fn publish(disk: &dyn Disk, part: &Path, file: &Path) -> Result<()> {
    match disk.link(part, file) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists {
            path: file.to_owned(),
        }),
        // Not every file system has links.
        Err(_) => {
            refuse_existing(file)?;
            disk.rename(part, file)
                .map_err(|error| StoreError::from_io(file, &error).into())
        }
    }
}

/// The folder that a file is made in.
pub(super) struct Work<'d> {
    pub(super) disk: &'d dyn Disk,
    folder: PathBuf,
}

impl<'d> Work<'d> {
    fn begin(disk: &'d dyn Disk, file: &Path) -> Result<Self> {
        let mut name = OsString::from(file.file_name().unwrap_or_default());
        name.push(".part");
        let folder = file.with_file_name(name);
        // A link in a folder that others can write to must not lead the copy elsewhere.
        if std::fs::symlink_metadata(&folder).is_ok_and(|found| !found.is_dir()) {
            return Err(Error::Exists { path: folder });
        }
        disk.create_private_folder(&folder)?;
        files::make_private(&folder)?;
        Ok(Self { disk, folder })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Discards what was made here: by now it has its name, or nobody needs it.
    fn clear(&self, names: &[&str]) {
        for name in names {
            self.disk.discard(&self.path(name));
        }
    }

    fn end(self) {
        self.disk.discard(&self.path(LOCK));
        // A folder that somebody put something into stays.
        drop(std::fs::remove_dir(&self.folder));
    }
}
