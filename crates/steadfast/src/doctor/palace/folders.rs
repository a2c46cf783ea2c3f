//! The folders of a palace: which of them are segments, which were set aside, and setting one aside.
//!
//! A folder that is set aside is renamed and never removed:
//! `<segment>.drift-YYYYMMDD-HHMMSS`, in UTC.

use std::path::{Path, PathBuf};
use std::time::Duration;

use steadfast_model::Timestamp;
use steadfast_store::StoreError;
use steadfast_store::files::Disk;

use crate::error::Result;
use crate::import::chroma::segment;

/// What stands between the name of a segment and the time, in the name of a folder that was set aside: ours and
/// MemPalace's, and MemPalace's for other damage.
const ASIDE: [&str; 2] = [".drift-", ".corrupt-"];
/// How many names are tried for a folder that is set aside.
const NAMES_MAX: u32 = 1_000;
/// How many folders of a palace are looked at.
const FOLDERS_MAX: usize = 100_000;

/// The folders below a palace that hold, or held, a segment.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// Names of segments with a folder.
    pub(super) segments: Vec<String>,
    /// Folders that were set aside: the segment and the path, the oldest first.
    pub(super) aside: Vec<(String, PathBuf)>,
}

/// Lists the folders of a palace.
pub(super) fn list(palace: &Path) -> Result<Folders> {
    let mut folders = Folders::default();
    let entries = std::fs::read_dir(palace).map_err(|error| StoreError::from_io(palace, &error))?;
    for entry in entries.flatten().take(FOLDERS_MAX) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !path.is_dir() || segment::files(&path).next().is_none() {
            continue;
        }
        match ASIDE.iter().find_map(|mark| name.split_once(mark)) {
            Some((segment, _)) => folders.aside.push((segment.to_owned(), path)),
            None => folders.segments.push(name),
        }
    }
    folders.segments.sort();
    folders.aside.sort();
    Ok(folders)
}

/// Returns by how much the index of a segment is older than the database, when that is as long as `age` or longer.
pub(super) fn staleness(database: &Path, folder: &Path, age: Duration) -> Option<Duration> {
    let time = |path: &Path| std::fs::metadata(path).ok()?.modified().ok();
    let gap = time(database)?
        .duration_since(time(&folder.join("data_level0.bin"))?)
        .ok()?;
    (gap >= age).then_some(gap)
}

/// Sets a folder aside; returns where it is now, or none when it is gone already.
pub(super) fn set_aside(disk: &dyn Disk, folder: &Path, now: Timestamp) -> Result<Option<PathBuf>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let failed = |error: std::io::Error| StoreError::from_io(folder, &error);
    let stamp = stamp(now);
    for number in 0..NAMES_MAX {
        let more = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        let to = folder.with_file_name(format!("{name}.drift-{stamp}{more}"));
        if to.symlink_metadata().is_ok() {
            continue;
        }
        match disk.rename(folder, &to) {
            Ok(()) => {
                if let Some(parent) = folder.parent() {
                    disk.sync_folder(parent).map_err(failed)?;
                }
                return Ok(Some(to));
            }
            // Somebody else has set it aside at this moment.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error).into()),
        }
    }
    Err(StoreError::Io {
        path: folder.to_owned(),
        what: "every name to set it aside under is taken".to_owned(),
    }
    .into())
}

/// Writes a time as names of folders have it: `YYYYMMDD-HHMMSS`.
pub(super) fn stamp(time: Timestamp) -> String {
    time.to_string()
        .chars()
        .take(19)
        .filter(|c| !matches!(c, '-' | ':'))
        .map(|c| if c == 'T' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use steadfast_store::files::SystemDisk;

    use super::*;

    #[test]
    fn a_folder_is_set_aside_once_and_over_nothing() {
        let palace = tempfile::tempdir().unwrap();
        let folder = palace.path().join("a-b-c");
        let now = Timestamp::parse("2026-04-05T06:07:08.9Z").unwrap();
        let make = || {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("header.bin"), "x").unwrap();
        };
        make();
        let first = set_aside(&SystemDisk, &folder, now).unwrap().unwrap();
        assert!(first.ends_with("a-b-c.drift-20260405-060708"));
        assert_eq!(set_aside(&SystemDisk, &folder, now).unwrap(), None);
        make();
        let second = set_aside(&SystemDisk, &folder, now).unwrap().unwrap();
        assert!(second.ends_with("a-b-c.drift-20260405-060708-1"));
        let folders = list(palace.path()).unwrap();
        assert!(folders.segments.is_empty());
        assert_eq!(folders.aside.len(), 2);
        assert_eq!(folders.aside[1], ("a-b-c".to_owned(), second));
    }
}
