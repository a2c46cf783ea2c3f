//! The folder of a self-test: made beside the store, locked while it is in use, removed at the end.
//!
//! A kill leaves the folder; the next self-test there finds its lock free and
//! removes it. A folder without such a lock is nobody's business.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use steadfast::{Disk as _, SystemDisk};

use super::failed;
use crate::error::Failure;

/// What the names of these folders begin with; the number of the process follows.
const PREFIX: &str = ".steadfast-selftest-";

/// Held while the self-test runs.
const LOCK: &str = "selftest.lock";

/// The room that a self-test wants; it uses about a tenth of it.
const FREE_BYTES_MIN: u64 = 256 << 20;

/// A folder for a self-test.
pub(super) struct Place {
    folder: PathBuf,
    lock: Option<File>,
}

impl Place {
    /// Makes a folder in `parent`, or in the nearest folder above that is there.
    pub(super) fn make(parent: &Path) -> Result<Self, Failure> {
        let parent = parent
            .ancestors()
            .find(|it| it.is_dir())
            .unwrap_or(Path::new("."));
        sweep(parent);
        if let Some(free) = steadfast::free_bytes(parent)
            && free < FREE_BYTES_MIN
        {
            let what = format!(
                "a self-test wants {} MiB of free space",
                FREE_BYTES_MIN >> 20
            );
            return Err(Failure::new("disk_full", what)
                .at(parent.display().to_string())
                .hint("free some space, or name another folder with --dir"));
        }
        let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
        SystemDisk.create_folder(&folder).map_err(failed(&folder))?;
        let path = folder.join(LOCK);
        let lock = SystemDisk.create(&path).map_err(failed(&path))?;
        // Where locks do not work the stage `disk` says so.
        drop(lock.try_lock());
        Ok(Self {
            folder,
            lock: Some(lock),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.folder.join(LOCK)
    }

    /// Returns the folder of a store of this name, with nothing in it.
    pub(super) fn fresh(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        if folder.exists() {
            remove(&folder).map_err(failed(&folder))?;
        }
        Ok(folder)
    }

    /// Removes the folder with all that is in it.
    pub(super) fn remove(mut self) -> Result<(), Failure> {
        drop(self.lock.take());
        remove(&self.folder).map_err(failed(&self.folder))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Windows removes no file that is open. What stays behind is swept by the next self-test.
        drop(self.lock.take());
        if self.folder.exists() {
            drop(remove(&self.folder));
        }
    }
}

/// Removes what self-tests left that were killed.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let is_ours = process.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_ours {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            drop(lock);
            drop(remove(&entry.path()));
        }
    }
}

fn remove(folder: &Path) -> std::io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the self-test made this folder and all that is in it"
    )]
    fs::remove_dir_all(folder)
}
