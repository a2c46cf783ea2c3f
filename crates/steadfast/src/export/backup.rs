//! A store becomes one file, while others write to it.
//!
//! All work is done in a folder beside the file, `<name>.part`, which holds a
//! lock: a second backup to the same file is told so, and what a killed one left
//! there is removed by the next. The finished file gets its name by a link, which
//! the system refuses when the name is taken.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use steadfast_store::files::{self, Disk, Gate};
use steadfast_store::{Backend, Checked, StoreError, Upkeep, check_copy};

use super::{Archive, findings, pack};
use crate::error::{Error, Result};

/// How a backup is made.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BackupOptions {
    /// Pack the file with zstd.
    pub compress: bool,
}

/// The copy as SQLite writes it.
const COPY: &str = "copy.db";
/// The copy, packed.
const PACKED: &str = "copy.zst";
const LOCK: &str = "lock";

/// Copies the store into a new file, and reads that back with every hash compared.
pub(crate) fn backup(
    backend: &dyn Backend,
    file: &Path,
    options: BackupOptions,
) -> Result<Archive> {
    let upkeep = backend.upkeep().ok_or(StoreError::Unsupported("backup"))?;
    let file = std::path::absolute(file).map_err(|error| StoreError::from_io(file, &error))?;
    let folder = folder_of(&file)?;
    refuse_existing(&file)?;
    let disk = upkeep.disk();
    let work = Work::begin(disk, &file)?;
    let gate = Gate::new(work.path(LOCK));
    let held = gate.try_pass()?.ok_or_else(|| StoreError::Busy {
        what: work.folder.display().to_string(),
        waited_ms: 0,
    })?;
    work.clear();
    let made = make(backend, upkeep, &work, options).and_then(|(archive, part)| {
        publish(disk, &part, &file)?;
        Ok(archive)
    });
    work.clear();
    drop(held);
    work.end();
    let mut archive = made?;
    disk.sync_folder(&folder)
        .map_err(|error| StoreError::from_io(&folder, &error))?;
    for finding in &mut archive.findings {
        finding.place = file.display().to_string();
    }
    Ok(archive)
}

fn make(
    backend: &dyn Backend,
    upkeep: &dyn Upkeep,
    work: &Work<'_>,
    options: BackupOptions,
) -> Result<(Archive, PathBuf)> {
    let copy = work.path(COPY);
    upkeep.copy_to(&copy)?;
    let checked = check_copy(work.disk, &copy)?;
    refuse_unsound(backend, &checked, &copy)?;
    let part = if options.compress {
        let packed = work.path(PACKED);
        pack::pack(work.disk, &copy, &packed)?;
        packed
    } else {
        copy
    };
    let digest = pack::digest(&part)?;
    let archive = Archive {
        chunks: checked.chunks,
        seq: checked.seq,
        bytes: digest.bytes,
        sha256: digest.sha256,
        compressed: options.compress,
        findings: findings(&checked, ""),
    };
    Ok((archive, part))
}

/// Tells a copy that went wrong from one that is true to a store with damaged rows.
fn refuse_unsound(backend: &dyn Backend, checked: &Checked, copy: &Path) -> Result<()> {
    let unsound = |what: String| {
        Err(StoreError::Io {
            path: copy.to_owned(),
            what,
        }
        .into())
    };
    if !checked.problems.is_empty() {
        return unsound(format!(
            "the copy is not sound: {}",
            checked.problems.join("; ")
        ));
    }
    let whole = backend.snapshot()?.fetch(&checked.damaged_texts)?.chunks;
    if whole.is_empty() {
        return Ok(());
    }
    unsound(format!(
        "{} texts are damaged in the copy but not in the store",
        whole.len()
    ))
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

/// The folder that a backup is made in.
struct Work<'d> {
    disk: &'d dyn Disk,
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Discards what was made here: by now it has its name, or nobody needs it.
    fn clear(&self) {
        let journal = format!("{COPY}-journal");
        for name in [COPY, PACKED, journal.as_str()] {
            self.disk.discard(&self.path(name));
        }
    }

    fn end(self) {
        self.disk.discard(&self.path(LOCK));
        // A folder that somebody put something into stays.
        drop(std::fs::remove_dir(&self.folder));
    }
}
