//! What a file system entry is to a walk.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Found, Item, Problem};
use crate::ingest::identify::{FileState, SkipReason, io_words, source_name};

/// The file that makes a folder a store.
pub(super) const STORE_FILE: &str = "steadfast.db";
/// The usual name of a store folder.
const STORE_FOLDER: &str = ".steadfast";
/// Folders of a store that hold files of ours.
const STORE_PARTS: [&str; 2] = ["index", "quarantine"];

/// Returns whether a folder of this name is never entered.
pub(super) fn is_never_entered(name: &OsStr) -> bool {
    name == ".git" || name == STORE_FOLDER
}

/// Returns whether a root is a store, or a part of one.
///
/// A store's database must never be opened as a plain file: closing it would
/// drop the locks of the process. Other folders beside a database are free.
pub(super) fn is_in_store(root: &Path, is_folder: bool) -> bool {
    let holds_store = |folder: &Path| fs::symlink_metadata(folder.join(STORE_FILE)).is_ok();
    if is_folder && holds_store(root) {
        return true;
    }
    if root
        .components()
        .any(|part| part.as_os_str() == STORE_FOLDER)
    {
        return true;
    }
    let is_part = |folder: &Path| {
        let name = folder.file_name();
        STORE_PARTS
            .iter()
            .any(|part| name == Some(OsStr::new(part)))
            && folder.parent().is_some_and(holds_store)
    };
    (!is_folder && root.parent().is_some_and(holds_store)) || root.ancestors().any(is_part)
}

/// Returns what a file that was looked at is to the walk.
pub(super) fn item(path: PathBuf, metadata: &Metadata) -> Item {
    if !metadata.is_file() {
        return Item::Problem(problem(&path, SkipReason::NotAFile, String::new()));
    }
    let source = source_name(&path);
    // A name with stray bytes may read like the name of a file beside it.
    if path.to_str().is_none() && fs::symlink_metadata(&source).is_ok() {
        return Item::Problem(Problem {
            source,
            reason: SkipReason::Name,
            detail: String::new(),
        });
    }
    Item::Found(Found {
        source,
        state: FileState::from_metadata(metadata),
        path,
    })
}

/// Returns the problem with `path`.
pub(super) fn problem(path: &Path, reason: SkipReason, detail: String) -> Problem {
    Problem {
        source: source_name(path),
        reason,
        detail,
    }
}

/// Returns the problem with a path that the system would not let be looked at.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    problem(path, SkipReason::Unreadable, io_words(error))
}

/// Returns what is wrong with a symbolic link; nothing when it leads to something below `root`.
pub(super) fn link_problem(root: &Path, path: &Path) -> Option<Problem> {
    match fs::canonicalize(path) {
        Ok(target) if target.starts_with(root) => None,
        Ok(target) => Some(problem(
            path,
            SkipReason::Symlink,
            format!("leads to {}", source_name(&target)),
        )),
        Err(error) => {
            let reason = if error.kind() == io::ErrorKind::PermissionDenied {
                SkipReason::Unreadable
            } else {
                SkipReason::SymlinkBroken
            };
            Some(problem(path, reason, io_words(&error)))
        }
    }
}
