//! Folders for a test, in memory where the system offers that.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Returns a folder that goes away with the value.
///
/// Thousands of power cuts write tens of thousands of files; in memory they cost a tenth.
///
/// # Errors
/// What the system says.
pub fn scratch() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if cfg!(target_os = "linux") && memory.is_dir() {
        tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
    } else {
        tempfile::tempdir()
    }
}
