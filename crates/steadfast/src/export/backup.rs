//! A store becomes one file, while others write to it.
//!
//! The copy is made and read back in a folder beside the file, and gets its name at the end.

use std::path::{Path, PathBuf};

use steadfast_store::{Backend, Checked, StoreError, Upkeep, check_copy};

use super::work::{Work, in_work};
use super::{Archive, findings, pack};
use crate::error::Result;

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

/// Copies the store into a new file, and reads that back with every hash compared.
pub(crate) fn backup(
    backend: &dyn Backend,
    file: &Path,
    options: BackupOptions,
) -> Result<Archive> {
    let upkeep = backend.upkeep().ok_or(StoreError::Unsupported("backup"))?;
    let file = std::path::absolute(file).map_err(|error| StoreError::from_io(file, &error))?;
    let journal = format!("{COPY}-journal");
    let names = [COPY, PACKED, journal.as_str()];
    let mut archive = in_work(upkeep.disk(), &file, &names, false, |work| {
        make(backend, upkeep, work, options)
    })?;
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
    refuse_unsound(backend, upkeep, &checked, &copy)?;
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
fn refuse_unsound(
    backend: &dyn Backend,
    upkeep: &dyn Upkeep,
    checked: &Checked,
    copy: &Path,
) -> Result<()> {
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
    if !checked.accounts.is_empty() {
        return Err(StoreError::Damaged {
            path: upkeep.folder().to_owned(),
            what: format!(
                "its accounts are wrong, and no restore would take a backup of it: {}",
                checked.accounts.join("; ")
            ),
        }
        .into());
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
