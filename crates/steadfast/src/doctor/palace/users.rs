//! Who else has a palace open, also when idle.
//!
//! On Linux the open files of each process are listed below `/proc`; those of
//! other users cannot be seen. Elsewhere only a lock that is held can be seen,
//! by trying to take it. What is deliberately not here: waiting.

use std::path::Path;

use crate::error::{Error, Result};

/// Returns the processes that have a file of the palace open, as far as the system tells.
#[cfg(target_os = "linux")]
pub(super) fn others(palace: &Path) -> Vec<u32> {
    let Ok(palace) = std::fs::canonicalize(palace) else {
        return Vec::new();
    };
    let mut found: Vec<u32> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| *process != std::process::id() && has_open(*process, &palace))
        .collect();
    found.sort_unstable();
    found
}

#[cfg(target_os = "linux")]
fn has_open(process: u32, palace: &Path) -> bool {
    std::fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        // A shell that stands in the folder, or lists it, is no user of it.
        .any(|file| file.starts_with(palace) && file != palace)
}

/// Returns the processes that have a file of the palace open: none can be seen here.
#[cfg(not(target_os = "linux"))]
pub(super) fn others(_palace: &Path) -> Vec<u32> {
    Vec::new()
}

/// Refuses while another process has the palace open.
pub(super) fn refuse(palace: &Path, database: &Path) -> Result<()> {
    let processes = others(palace);
    if !processes.is_empty() {
        let path = palace.to_owned();
        return Err(Error::PalaceInUse { path, processes });
    }
    refuse_lock(palace, database)
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "on other systems this can refuse")]
fn refuse_lock(_palace: &Path, _database: &Path) -> Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn refuse_lock(palace: &Path, database: &Path) -> Result<()> {
    use steadfast_store::{ForeignEdit, StoreError};
    match ForeignEdit::begin(database, std::time::Duration::ZERO) {
        Err(StoreError::Busy { .. }) => Err(Error::PalaceInUse {
            path: palace.to_owned(),
            processes: Vec::new(),
        }),
        // Damage is told by the look.
        Ok(_) | Err(_) => Ok(()),
    }
}
