//! Files of a store: private modes, locks between processes, atomic replacement.
//!
//! Everything here is for sibling files. The database file itself is opened by
//! SQLite alone: closing any other descriptor of it would drop the process's
//! POSIX locks.

mod disk;
mod gate;
mod kind;
mod system;
mod wait;

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::error::StoreError;

pub use disk::{Disk, SystemDisk};
pub use gate::{Gate, GateHeld, Thread};
pub use kind::{FilesystemKind, filesystem_kind};
pub use system::{free_bytes, is_running};
pub(crate) use system::{read_at, write_at};

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
