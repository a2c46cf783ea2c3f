//! The mark of a store that was created: its identity, in the lock of creation.
//!
//! Without the mark an empty database is one that nobody has filled yet, with it that is damage. The mark says too
//! that the first commit and the entries of the folder were flushed: a loss of power takes none of its files.

use std::io::Seek as _;
use std::path::Path;
use std::time::Duration;

use steadfast_model::StoreId;

use crate::error::StoreError;
use crate::files::{Disk, Gate, GateHeld};

/// Holds the lock around creation, migration and conversion; its content says that the store was once created.
pub const INIT_LOCK: &str = "init.lock";

/// Returns whether the mark is there.
pub(super) fn was_created(init_lock: &Path) -> bool {
    std::fs::metadata(init_lock).is_ok_and(|found| found.len() > 0)
}

/// Marks a store as created: from then on an empty database there is damage.
///
/// The entries of the folder are flushed first and the mark comes last, so that who finds no mark does both again.
/// The mark is written through the handle that holds the lock: Windows keeps every other one from the content.
///
/// # Errors
/// What the system says.
pub fn mark_created(
    disk: &dyn Disk,
    folder: &Path,
    id: StoreId,
    held: &GateHeld<'_>,
) -> std::io::Result<()> {
    disk.sync_folder(folder)?;
    disk.sync_entries_to(folder)?;
    let init_lock = folder.join(INIT_LOCK);
    // The disk hears of the file, which the gate has made.
    drop(disk.open_private(&init_lock)?);
    let mut file = held.file().try_clone()?;
    file.rewind()?;
    disk.write(&init_lock, &mut file, format!("{id}\n").as_bytes())?;
    disk.sync(&init_lock, &file)
}

/// Marks a store as created that its maker has left unmarked: killed before, or refused by the disk.
///
/// Its first commit may not be on the disk either: `flush` sees to that, since the mark says so.
///
/// # Errors
/// What flushing and reading the identity give, and what the system says; nothing where the system allows no change,
/// since nothing will be acknowledged there.
pub(super) fn complete<E: From<StoreError>>(
    disk: &dyn Disk,
    folder: &Path,
    patience: Duration,
    flush: impl FnOnce() -> Result<(), StoreError>,
    id: impl FnOnce() -> Result<StoreId, E>,
) -> Result<(), E> {
    if was_created(&folder.join(INIT_LOCK)) {
        return Ok(());
    }
    let id = id()?;
    let mark = || {
        flush()?;
        let gate = Gate::new(folder.join(INIT_LOCK));
        let held = gate.pass(patience)?;
        if was_created(gate.path()) {
            return Ok(());
        }
        mark_created(disk, folder, id, &held).map_err(|error| StoreError::from_io(folder, &error))
    };
    match mark() {
        Ok(()) | Err(StoreError::Permission { .. } | StoreError::ReadOnly { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
