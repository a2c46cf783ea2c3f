//! What systems do in different ways: folders and their entries, reading and writing at a place.

use std::fs::File;
use std::io;
use std::path::Path;

/// Creates one folder, private to the user (0700) where the system has modes.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(path)
    }
    #[cfg(not(unix))]
    std::fs::create_dir(path)
}

/// Opens a file for reading. A pipe in its place is not waited for, and whatever is no file is refused.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a file"))
    }
}

/// Flushes the entries of a folder. Windows flushes them by itself.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path).and_then(|folder| folder.sync_all())?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Reads bytes from a place of a file, wherever it stands; false when there are not so many.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<bool> {
    #[cfg(unix)]
    let read = std::os::unix::fs::FileExt::read_at(file, bytes, offset)?;
    #[cfg(windows)]
    let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
    Ok(read == bytes.len())
}

/// Writes a few bytes to a place of a file, wherever it stands.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    let written = std::os::unix::fs::FileExt::write_at(file, bytes, offset)?;
    #[cfg(windows)]
    let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
    if written == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Returns how many bytes the user may still write on the disk of `path`, where the system tells.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Returns how many bytes the user may still write on the disk of `path`, where the system tells.
#[cfg(not(unix))]
pub fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

/// Returns whether there is a process of this number on this system; false where the system does not tell.
#[cfg(unix)]
pub fn is_running(process: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let number = i32::try_from(process).ok();
    // Another user's process is there too, and says so by refusing.
    number
        .and_then(Pid::from_raw)
        .is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Returns whether there is a process of this number on this system; false where the system does not tell.
#[cfg(not(unix))]
pub fn is_running(_process: u32) -> bool {
    false
}
