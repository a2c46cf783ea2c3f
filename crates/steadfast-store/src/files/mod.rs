//! Files of a store: private modes, locks between processes, atomic replacement.
//!
//! Everything here is for sibling files. The database file itself is opened by
//! SQLite alone: closing any other descriptor of it would drop the process's
//! POSIX locks.

mod gate;
mod kind;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::error::StoreError;

pub use gate::{Gate, GateHeld};
pub use kind::{FilesystemKind, filesystem_kind};

/// Creates a folder and its parents; the folder itself is private to the user (0700).
///
/// # Errors
/// [`StoreError`] when the system refuses.
pub fn create_private_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder
        .create(path)
        .map_err(|error| StoreError::from_io(path, &error))
}

/// Opens a file for reading and writing, private to the user (0600); creates it when it is missing.
///
/// # Errors
/// [`StoreError`] when the system refuses.
pub fn open_private(path: &Path) -> Result<File, StoreError> {
    private_options()
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| StoreError::from_io(path, &error))
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Takes away from group and others what a looser mode gave them; does nothing where the system has no modes.
///
/// # Errors
/// [`StoreError`] when the mode is looser and cannot be changed.
pub fn make_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let failed = |error: std::io::Error| StoreError::from_io(path, &error);
        let mode = std::fs::metadata(path)
            .map_err(failed)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
                .map_err(failed)?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Writes a file whole or not at all: temporary sibling, flush, rename, flush of the folder.
///
/// # Errors
/// [`StoreError`]; the file is then as it was.
///
/// # Durability
/// When this returns, the new content survives a loss of power.
pub fn replace_file(path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let failed = |error: std::io::Error| StoreError::from_io(path, &error);
    let written = (|| {
        let mut file = private_options()
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()
    })();
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = renamed {
        discard(&temporary);
        return Err(failed(error));
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Flushes the entries of a folder, so that files created or renamed in it stay.
///
/// # Errors
/// [`StoreError`] when the system refuses. Windows flushes entries by itself.
pub fn sync_folder(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::from_io(path, &error))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Removes a file of derived state, which can be made again; a file that is gone already is no error.
///
/// This is the only removal in the house. It is never called for ground state.
pub fn discard(path: &Path) {
    #[expect(
        clippy::disallowed_methods,
        reason = "derived and temporary files are disposable by definition"
    )]
    let removed = std::fs::remove_file(path);
    // A leftover is found and removed by the next one who publishes.
    drop(removed);
}
