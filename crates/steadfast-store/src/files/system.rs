//! What systems do in different ways: folders and their entries.

#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;

/// Creates one folder, private to the user (0700) where the system has modes.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Flushes the entries of a folder. Windows flushes them by itself.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path).and_then(|folder| folder.sync_all())?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
