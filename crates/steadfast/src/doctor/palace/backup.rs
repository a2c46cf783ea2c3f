//! The copy of the database that a repair makes before it changes anything.
//!
//! It lies in the palace, in `steadfast-backup-YYYYMMDD-HHMMSS`, under its own
//! name and with what SQLite had beside it, so that going back is copying the
//! files back and renaming what was set aside. `manifest.json` says which
//! folders that is. Indexes are not copied: a repair renames them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast_model::Timestamp;
use steadfast_store::StoreError;
use steadfast_store::files::{Disk, free_bytes};

use super::DATABASE;
use super::look::Palace;
use super::plan::{Plan, backup_name};
use crate::doctor::quarantine::copy;
use crate::error::Result;

const MANIFEST: &str = "manifest.json";
/// The end of the name of a backup that is being made.
const PARTIAL: &str = ".partial";
const PARTS: [&str; 3] = ["", "-wal", "-journal"];
/// How many names are tried for a backup.
const NAMES_MAX: u32 = 1_000;
/// A copy, and room for a transaction as large as the file.
const ROOM_FACTOR: u64 = 3;

/// Copies the database; returns the folder of the copy.
pub(super) fn make(
    disk: &dyn Disk,
    palace: &Palace,
    plan: &Plan,
    now: Timestamp,
) -> Result<PathBuf> {
    let size: u64 = PARTS
        .iter()
        .filter_map(|part| std::fs::metadata(palace.folder.join(format!("{DATABASE}{part}"))).ok())
        .map(|found| found.len())
        .sum();
    if free_bytes(&palace.folder).is_some_and(|free| free < size.saturating_mul(ROOM_FACTOR)) {
        let path = palace.folder.clone();
        return Err(StoreError::DiskFull { path }.into());
    }
    let name = backup_name(now);
    let folder = (0..NAMES_MAX)
        .map(|number| match number {
            0 => palace.folder.join(&name),
            _ => palace.folder.join(format!("{name}-{number}")),
        })
        .find(|folder| !folder.exists() && !with_end(folder).exists())
        .ok_or_else(|| StoreError::Internal("every name for a backup is taken".to_owned()))?;
    let partial = with_end(&folder);
    disk.create_private_folder(&partial)?;
    let mut files = Vec::new();
    for part in PARTS {
        let name = format!("{DATABASE}{part}");
        let from = palace.folder.join(&name);
        if from.is_file() {
            let (bytes, hash) = copy(disk, &from, &partial.join(&name))?;
            files.push(json!({"name": name, "bytes": bytes, "blake3": hash}));
        }
    }
    let moves: Vec<&str> = plan.rebuilds.iter().map(|it| it.old.as_str()).collect();
    let manifest = json!({
        "made": now.to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "files": files,
        "set_aside": moves,
        "steps": plan.steps().iter().map(|step| step.what.as_str()).collect::<Vec<_>>(),
    });
    disk.replace_file(
        &partial.join(MANIFEST),
        &[format!("{manifest:#}\n").as_bytes()],
    )?;
    let failed = |error: std::io::Error| StoreError::from_io(&folder, &error);
    disk.rename(&partial, &folder).map_err(failed)?;
    disk.sync_folder(&palace.folder).map_err(failed)?;
    Ok(folder)
}

fn with_end(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(PARTIAL);
    folder.with_file_name(name)
}

/// Returns the segments that repairs were to set aside.
pub(super) fn moves(palace: &Path) -> BTreeSet<String> {
    let is_backup = |name: &str| name.starts_with("steadfast-backup-") && !name.ends_with(PARTIAL);
    std::fs::read_dir(palace)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_backup))
        .filter_map(|entry| std::fs::read_to_string(entry.path().join(MANIFEST)).ok())
        .filter_map(|text| serde_json::from_str::<Value>(&text).ok())
        .filter_map(|manifest| manifest.get("set_aside")?.as_array().cloned())
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// Returns whether a file in a backup is one that [`make`] writes, or the manifest on its way.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_part = |part: &&str| name == format!("{DATABASE}{part}");
    name.starts_with(MANIFEST) || PARTS.iter().any(is_part)
}

/// Discards backups that were never finished, because whoever made them was killed.
pub(super) fn clear(disk: &dyn Disk, palace: &Path) {
    let entries = std::fs::read_dir(palace).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("steadfast-backup-") && name.ends_with(PARTIAL) {
            let files = std::fs::read_dir(entry.path()).into_iter().flatten();
            for file in files.flatten().filter(|file| is_ours(&file.file_name())) {
                disk.discard(&file.path());
            }
            // A folder with anything else in it stays.
            drop(std::fs::remove_dir(entry.path()));
        }
    }
}
