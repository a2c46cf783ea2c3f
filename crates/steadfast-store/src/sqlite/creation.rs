//! The mark of a store that was created: its identity, in the lock of creation.
//!
//! Without the mark an empty database is one that nobody has filled yet, with it that is damage. The mark says too
//! that the entries of the folder were flushed: a loss of power takes none of its files.

use std::io::ErrorKind;
use std::path::Path;

use steadfast_model::StoreId;

use crate::error::StoreError;
use crate::files::Disk;

/// Holds the lock around creation, migration and conversion; its content says that the store was once created.
pub const INIT_LOCK: &str = "init.lock";

/// Returns whether the mark is there.
pub(super) fn was_created(init_lock: &Path) -> bool {
    std::fs::metadata(init_lock).is_ok_and(|found| found.len() > 0)
}

/// Marks a store as created: from then on an empty database there is damage.
///
/// The entries of the folder are flushed first and the mark comes last, so that who finds no mark does both again.
///
/// # Errors
/// What the system says.
pub fn mark_created(disk: &dyn Disk, folder: &Path, id: StoreId) -> std::io::Result<()> {
    disk.sync_folder(folder)?;
    disk.sync_entries_to(folder)?;
    let init_lock = folder.join(INIT_LOCK);
    let mut file = disk.open_private(&init_lock)?;
    disk.write(&init_lock, &mut file, format!("{id}\n").as_bytes())?;
    disk.sync(&init_lock, &file)
}

/// Marks a store as created that its maker has left unmarked: killed before, or refused by the disk.
///
/// # Errors
/// What reading the identity gives, and what the system says; nothing where the system allows no change, since nothing
/// will be acknowledged there.
pub(super) fn complete<E: From<StoreError>>(
    disk: &dyn Disk,
    folder: &Path,
    id: impl FnOnce() -> Result<StoreId, E>,
) -> Result<(), E> {
    if was_created(&folder.join(INIT_LOCK)) {
        return Ok(());
    }
    match mark_created(disk, folder, id()?) {
        Err(error) if !may_not_write(&error) => Err(StoreError::from_io(folder, &error).into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns whether the system allows no change, as in a folder that can only be read.
fn may_not_write(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}
