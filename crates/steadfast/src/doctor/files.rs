//! The files of a store from outside: modes, leftovers, strangers, room on the disk.
//!
//! Nothing is opened here: a plain open and close of the database would drop the
//! locks that this process holds on it.

use std::path::{Path, PathBuf};

use steadfast_model::{Finding, Severity};
use steadfast_store::StoreError;
use steadfast_store::files::{free_bytes, is_running};
use steadfast_store::sqlite::DATABASE;

use super::finding;
use crate::error::Result;

/// Below this much room on the disk the next writes may fail.
const FREE_BYTES_MIN: u64 = 64 << 20;

/// How many files a look goes through; more belong to no store.
const FILES_MAX: usize = 100_000;

/// What the files of a store look like.
pub(super) struct Outside {
    pub(super) findings: Vec<Finding>,
    /// Files and folders that others can read or write.
    pub(super) loose: Vec<PathBuf>,
    /// Temporary files that nobody finished.
    pub(super) leftovers: Vec<PathBuf>,
}

/// Looks at the files of a store.
pub(super) fn look(folder: &Path) -> Result<Outside> {
    let mut outside = Outside {
        findings: Vec::new(),
        loose: Vec::new(),
        leftovers: Vec::new(),
    };
    let mut waiting = vec![folder.to_owned()];
    let mut count = 0;
    while let Some(current) = waiting.pop() {
        note_mode(&current, &mut outside);
        let entries =
            std::fs::read_dir(&current).map_err(|error| StoreError::from_io(&current, &error))?;
        for entry in entries.flatten() {
            count += 1;
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|error| StoreError::from_io(&path, &error))?;
            // What lies in quarantine stays as it is.
            if kind.is_dir() && path != folder.join("quarantine") && count < FILES_MAX {
                waiting.push(path);
            } else if kind.is_file() {
                note_mode(&path, &mut outside);
                if process_of(&path).is_some_and(|process| !is_running(process)) {
                    outside.leftovers.push(path);
                }
            }
        }
    }
    describe(folder, &mut outside);
    Ok(outside)
}

fn describe(folder: &Path, outside: &mut Outside) {
    if let Some(first) = outside.loose.first() {
        let what = format!(
            "{} files or folders can be read or written by others",
            outside.loose.len()
        );
        let remedy = "run `steadfast doctor --repair`, or chmod go-rwx";
        let mut found = finding("mode_loose", Severity::Warning, what, first, remedy);
        found.count = outside.loose.len() as u64;
        outside.findings.push(found);
    }
    if let Some(first) = outside.leftovers.first() {
        let what = format!(
            "{} temporary files were left behind by a process that was killed, or are in use",
            outside.leftovers.len()
        );
        let remedy = "run `steadfast doctor --repair`; the next rebuild removes them as well";
        let mut found = finding("leftover_file", Severity::Info, what, first, remedy);
        found.count = outside.leftovers.len() as u64;
        outside.findings.push(found);
    }
    let database = folder.join(DATABASE);
    if !database.exists() {
        for suffix in ["-wal", "-journal"] {
            let side = folder.join(format!("{DATABASE}{suffix}"));
            if std::fs::metadata(&side).is_ok_and(|found| found.len() > 0) {
                let what =
                    "a side file of SQLite is here without its database: commits may be in it";
                let remedy = "put the database back beside it, or restore a backup; keep the file";
                outside.findings.push(finding(
                    "side_file_alone",
                    Severity::Error,
                    what,
                    &side,
                    remedy,
                ));
            }
        }
    }
    let used = std::fs::metadata(&database).map_or(0, |found| found.len());
    if let Some(free) = free_bytes(folder)
        && is_short(free, used)
    {
        let what = format!("only {} MiB are free on the disk of the store", free >> 20);
        let remedy = "free some space; writing, rebuilding and backing up need it";
        outside.findings.push(finding(
            "disk_space_low",
            Severity::Warning,
            what,
            folder,
            remedy,
        ));
    }
}

/// Returns whether so much room is too little for a database of this size.
fn is_short(free: u64, used: u64) -> bool {
    free < FREE_BYTES_MIN.max(used / 4)
}

#[cfg(unix)]
fn note_mode(path: &Path, outside: &mut Outside) {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
        outside.loose.push(path.to_owned());
    }
}

#[cfg(not(unix))]
fn note_mode(_path: &Path, _outside: &mut Outside) {}

/// Returns the process that writes a file which it renames when it is whole: `<name>.<process>.tmp`.
fn process_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let (_, process) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    let is_number = process.bytes().all(|byte| byte.is_ascii_digit());
    process.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_short_below_a_floor_and_below_a_part_of_the_database() {
        assert!(is_short(FREE_BYTES_MIN - 1, 0) && !is_short(FREE_BYTES_MIN, 0));
        assert!(is_short(1 << 30, 5 << 30) && !is_short(2 << 30, 5 << 30));
    }

    #[test]
    fn only_names_with_the_number_of_a_process_are_temporary() {
        for (name, process) in [
            ("00000009.seg.4711.tmp", Some(4711)),
            ("scrub.mark.1.tmp", Some(1)),
            ("notes.tmp", None),
            ("notes.x1.tmp", None),
            ("notes.+1.tmp", None),
            (".tmp", None),
        ] {
            assert_eq!(process_of(Path::new(name)), process, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_a_process_is_writing_is_no_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let mine = format!("scrub.mark.{}.tmp", std::process::id());
        // No system gives a number as high as this.
        for name in [mine.as_str(), "scrub.mark.2000000000.tmp"] {
            std::fs::write(folder.path().join(name), "half").unwrap();
        }
        let leftovers = look(folder.path()).unwrap().leftovers;
        assert_eq!(leftovers, [folder.path().join("scrub.mark.2000000000.tmp")]);
    }
}
