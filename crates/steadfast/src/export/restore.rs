//! A file becomes a store in a new place.
//!
//! The file is copied into the new folder under another name, read back with
//! every hash compared, and gets the name of a database last. Until then there
//! is no store there, and a run that was killed can be run again.

use std::path::{Path, PathBuf};

use steadfast_index::EmbeddedBackend;
use steadfast_model::{Finding, Severity};
use steadfast_store::files::{self, Disk, FilesystemKind, Gate};
use steadfast_store::sqlite::{DATABASE, INIT_LOCK, mark_created, set_rows_apart};
use steadfast_store::{Backend as _, Checked, Derived, Journal, Progress, StoreError, check_copy};

use super::work::publish;
use super::{Archive, findings, pack};
use crate::config::Options;
use crate::error::{Error, Result};

/// How a backup is restored.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// The SHA-256 that the file must have, in hexadecimal.
    pub sha256: Option<String>,
}

/// The database before it was read back.
const PART: &str = "restore.part";

/// Makes a store in `folder` from a backup; the folder must be new or empty.
///
/// # Errors
/// [`Error::PathNotFound`] when there is no such file; [`Error::NotEmpty`] when something is in the folder;
/// [`Error::Store`] when the file is not a backup, is damaged, or is of a newer version. Then there is no
/// store in the folder.
///
/// # Durability
/// The store is on the disk when this returns.
///
/// # Examples
/// ```
/// use steadfast::{BackupOptions, Memory, Note, RestoreOptions, Silent};
///
/// # fn main() -> Result<(), steadfast::Error> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let (store, file, place) = (folder.path().join("a"), folder.path().join("a.backup"), folder.path().join("b"));
/// let memory = Memory::options().create(true).open(store)?;
/// memory.remember(&Note::new("The key is under the mat."))?;
/// let written = memory.backup(&file, BackupOptions::default())?;
/// let read = steadfast::restore(&file, &place, &RestoreOptions::default(), &Memory::options(), &Silent)?;
/// assert_eq!((written.chunks, &written.sha256), (read.chunks, &read.sha256));
/// # Ok(())
/// # }
/// ```
pub fn restore(
    file: &Path,
    folder: &Path,
    options: &RestoreOptions,
    opening: &Options,
    progress: &dyn Progress,
) -> Result<Archive> {
    let folder =
        std::path::absolute(folder).map_err(|error| StoreError::from_io(folder, &error))?;
    let packing = pack::packing_of(file)?;
    refuse_what_is_no_backup(file, packing)?;
    refuse_occupied(&folder)?;
    let disk = opening.disk.as_ref();
    disk.create_private_folder(&folder)?;
    files::make_private(&folder)?;
    // Who creates a store here meanwhile waits at the same lock.
    let gate = Gate::new(folder.join(INIT_LOCK));
    let held = gate.try_pass()?.ok_or_else(|| StoreError::Busy {
        what: folder.display().to_string(),
        waited_ms: 0,
    })?;
    let part = folder.join(PART);
    let staged = stage(disk, file, packing, &part, options).and_then(|(archive, checked)| {
        // Somebody else may have made a store here since we looked.
        publish(disk, &part, &folder.join(DATABASE)).map_err(|error| {
            if matches!(error, Error::Exists { .. }) {
                Error::NotEmpty {
                    path: folder.clone(),
                }
            } else {
                error
            }
        })?;
        Ok((archive, checked))
    });
    disk.discard(&part);
    let (mut archive, checked) = staged?;
    mark_created(disk, &folder, checked.store, &held)
        .map_err(|error| StoreError::from_io(&folder, &error))?;
    drop(held);
    let place = folder.display().to_string();
    archive.findings = findings(&checked, &place);
    archive
        .findings
        .extend(make_indexes(&folder, opening, progress)?);
    Ok(archive)
}

fn refuse_what_is_no_backup(file: &Path, packing: pack::Packing) -> Result<()> {
    let damaged = |what: &str| {
        Err(StoreError::Damaged {
            path: file.to_owned(),
            what: what.to_owned(),
        }
        .into())
    };
    if packing == pack::Packing::Unknown {
        return damaged("it is not a backup of a store");
    }
    let mut log: PathBuf = file.to_owned();
    log.as_mut_os_string().push("-wal");
    if std::fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        return Err(Error::Invalid {
            what: format!(
                "{} is the file of a store in use, without its latest commits; make a backup of that store",
                file.display()
            ),
        });
    }
    Ok(())
}

/// Refuses a folder with anything in it but what a restore that was killed has left.
fn refuse_occupied(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(Error::Exists {
                path: folder.to_owned(),
            });
        }
        Err(error) => return Err(StoreError::from_io(folder, &error).into()),
    };
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::from_io(folder, &error))?;
        let name = entry.file_name();
        if name != PART && name != INIT_LOCK {
            return Err(Error::NotEmpty {
                path: folder.to_owned(),
            });
        }
    }
    Ok(())
}

fn stage(
    disk: &dyn Disk,
    file: &Path,
    packing: pack::Packing,
    part: &Path,
    options: &RestoreOptions,
) -> Result<(Archive, Checked)> {
    disk.discard(part);
    let digest = pack::unpack(disk, file, packing, part)?;
    if let Some(expected) = &options.sha256
        && !expected.eq_ignore_ascii_case(&digest.sha256)
    {
        return Err(StoreError::Damaged {
            path: file.to_owned(),
            what: format!("its SHA-256 is {}, not {expected}", digest.sha256),
        }
        .into());
    }
    // It is the archive that is damaged then, not the copy that is about to go.
    let damaged = |what: String| StoreError::Damaged {
        path: file.to_owned(),
        what,
    };
    let checked = check_copy(disk, part).map_err(|error| {
        if let StoreError::Damaged { what, .. } = error {
            damaged(what)
        } else {
            error
        }
    })?;
    let problems = [checked.problems.as_slice(), &checked.accounts].concat();
    if !problems.is_empty() {
        return Err(damaged(problems.join("; ")).into());
    }
    set_rows_apart(disk, part)?;
    let archive = Archive {
        chunks: checked.chunks,
        seq: checked.seq,
        bytes: digest.bytes,
        sha256: digest.sha256,
        compressed: packing == pack::Packing::Zstd,
        findings: Vec::new(),
    };
    Ok((archive, checked))
}

/// Makes the indexes of a restored store; that it fails is a finding, for the store is whole without them.
fn make_indexes(
    folder: &Path,
    opening: &Options,
    progress: &dyn Progress,
) -> Result<Option<Finding>> {
    let mut open = opening.to_open_options();
    open.create = false;
    // A copy comes in the journal of a plain file.
    if open.journal == Journal::Auto && files::filesystem_kind(folder) != FilesystemKind::Remote {
        open.journal = Journal::Wal;
    }
    let backend = EmbeddedBackend::open(folder, open)?;
    let rebuilt = backend.rebuild(Derived::All, progress);
    Ok(rebuilt.err().map(|error| Finding {
        code: "index_not_updated",
        severity: Severity::Warning,
        what: format!("the indexes could not be made: {error}"),
        place: folder.display().to_string(),
        count: 1,
        remedy: "searches are complete but slow; run `steadfast rebuild` when the cause is gone"
            .to_owned(),
        ids: Vec::new(),
    }))
}
