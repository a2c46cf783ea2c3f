//! A private copy of an SQLite file with what belongs to it.
//!
//! The shared-memory file is left behind: it is an index of the log that SQLite
//! makes anew, and a stale one is the only harm it can do.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::error::StoreError;
use crate::files::{Disk, SystemDisk, open_private};

/// How often a source that changes under the copy is copied again.
const ATTEMPTS_MAX: u32 = 4;
/// How many names are tried for the folder of a copy.
const NAMES_MAX: u32 = 1_000;
/// What SQLite lays beside a database, and what an interrupted reader of the copy may leave.
const SUFFIXES: [&str; 4] = ["", "-wal", "-journal", "-shm"];
/// What of it is copied.
const COPIED: [&str; 3] = ["", "-wal", "-journal"];
/// The name of the copy.
const NAME: &str = "copy.db";
/// Copies that were made by this process.
static COPIES: AtomicU64 = AtomicU64::new(0);

/// A copy that goes when this value does.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    folder: PathBuf,
    has_log: bool,
    wants_log: bool,
}

impl PrivateCopy {
    pub(super) fn of(source: &Path, scratch: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::from_io(source, &error);
        // Side files lie beside the file itself, not beside a link to it.
        let source = fs::canonicalize(source).map_err(failed)?;
        if !fs::metadata(&source).map_err(failed)?.is_file() {
            return Err(StoreError::Invalid {
                what: format!("{} is not a file", source.display()),
            });
        }
        let disk: &dyn Disk = &SystemDisk;
        disk.create_private_folder(scratch)?;
        let mut copy = Self {
            folder: new_folder(scratch)?,
            has_log: false,
            wants_log: false,
        };
        for _ in 0..ATTEMPTS_MAX {
            let before = states(&source);
            copy.fill(&source)?;
            if states(&source) == before {
                copy.wants_log = wants_log(&copy.database()).unwrap_or(false);
                return Ok(copy);
            }
        }
        Err(StoreError::Busy {
            what: format!("{} (it changes while it is read)", source.display()),
            waited_ms: 0,
        })
    }

    fn fill(&mut self, source: &Path) -> Result<(), StoreError> {
        for suffix in COPIED {
            let from = with_suffix(source, suffix);
            let to = with_suffix(&self.database(), suffix);
            discard(&to);
            let is_file = fs::metadata(&from).is_ok_and(|found| found.is_file());
            if suffix == "-wal" {
                self.has_log = is_file;
            }
            if !is_file && !suffix.is_empty() {
                continue;
            }
            let copied = File::open(&from)
                .map_err(|error| StoreError::from_io(&from, &error))
                .and_then(|mut from| {
                    let mut file = open_private(&to)?;
                    io::copy(&mut from, &mut file).map_err(|error| StoreError::from_io(&to, &error))
                });
            match copied {
                // A side file that went away meanwhile: the next look sees that the source has changed.
                Err(StoreError::NotFound { .. }) if !suffix.is_empty() => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Takes the names of the files away where an open file lives on without one: of a process that is killed then
    /// nothing is left that somebody would have to sweep.
    ///
    /// SQLite, which locks the copy for itself alone, opens all that it reads at its first read, and writes nothing.
    pub(super) fn unname(&self) {
        if cfg!(unix) {
            for suffix in SUFFIXES {
                discard(&with_suffix(&self.database(), suffix));
            }
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    pub(super) fn has_log(&self) -> bool {
        self.has_log
    }

    pub(super) fn wants_log(&self) -> bool {
        self.wants_log
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        clear(&self.folder);
    }
}

/// Makes a private folder that was not there before: in a folder that others may write, one that is there could be
/// theirs.
fn new_folder(scratch: &Path) -> Result<PathBuf, StoreError> {
    for _ in 0..NAMES_MAX {
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let folder = scratch.join(format!("steadfast-{}-{number}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        match builder.create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::from_io(&folder, &error)),
        }
    }
    Err(StoreError::Io {
        path: scratch.to_owned(),
        what: "every name for a private folder is taken".to_owned(),
    })
}

/// Removes copies below `scratch` that a killed process left; the caller sees to it that none is in use.
pub fn sweep(scratch: &Path) {
    let Ok(entries) = fs::read_dir(scratch) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear(&entry.path());
        }
    }
    drop(fs::remove_dir(scratch));
}

/// Removes the files of a copy and its folder; a folder that holds anything else stays.
fn clear(folder: &Path) {
    for suffix in SUFFIXES {
        discard(&with_suffix(&folder.join(NAME), suffix));
    }
    drop(fs::remove_dir(folder));
}

/// Removes a file of a copy, if it is there.
fn discard(path: &Path) {
    let disk: &dyn Disk = &SystemDisk;
    disk.discard(path);
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Returns what tells that the source was written meanwhile.
fn states(source: &Path) -> Vec<Option<(u64, Option<SystemTime>)>> {
    COPIED
        .iter()
        .map(|suffix| {
            let found = fs::metadata(with_suffix(source, suffix)).ok()?;
            Some((found.len(), found.modified().ok()))
        })
        .collect()
}

/// Returns whether the header asks for a write-ahead log: bytes 18 and 19 are 2 (`fileformat2.html`, section 1.3).
fn wants_log(database: &Path) -> io::Result<bool> {
    let mut header = [0_u8; 20];
    File::open(database)?.read_exact(&mut header)?;
    Ok(header.ends_with(&[2, 2]))
}
