//! Lists the files below a folder.

use std::fs;
use std::path::Path;

use super::{FILES_MAX, Unread};

/// How deep below a folder files are looked for.
const DEPTH_MAX: usize = 32;
/// Folders that programs keep for themselves.
const LEFT_OUT: &[&str] = &[".git", ".trash", "__MACOSX", "node_modules"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) names: Vec<String>,
    pub(super) refused: Vec<Unread>,
}

/// Lists the files that lie in a folder itself.
pub(super) fn top(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .take(FILES_MAX)
        .collect()
}

/// Lists the files below a folder, without following links.
pub(super) fn list(root: &Path) -> Found {
    let mut found = Found::default();
    let mut folders = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let refuse = |name: &str, reason| Unread {
            name: name.to_owned(),
            reason,
        };
        let Ok(entries) = fs::read_dir(&folder) else {
            found.refused.push(refuse(&prefix, "unreadable"));
            continue;
        };
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                let name = format!("{prefix}{}", file_name.to_string_lossy());
                found.refused.push(refuse(&name, "unreadable"));
                continue;
            };
            let name = format!("{prefix}{file_name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && LEFT_OUT.contains(&file_name) => {}
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => {
                    folders.push((entry.path(), format!("{name}/"), depth + 1));
                }
                Ok(kind) if kind.is_file() => found.names.push(name),
                Ok(kind) if kind.is_symlink() => found.refused.push(refuse(&name, "link")),
                _ => found.refused.push(refuse(&name, "unreadable")),
            }
        }
        if found.names.len() > FILES_MAX {
            found.refused.push(refuse(&prefix, "too_many"));
            break;
        }
    }
    found.names.sort();
    found.refused.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
