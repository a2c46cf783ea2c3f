//! What the files of a host were before they were changed, kept until it is undone.
//!
//! The record is the backup: one private file for each host and scope in the
//! user's folder for settings. It is written before the files, so a kill in
//! between leaves a backup of what is still there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::edit::{self, Edit};
use super::{Change, HostFile, Privacy, read, remove, resolved, unfit, unwritten, write};
use crate::error::Failure;

/// A text before, and what we left it as; none means that there was no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) before: Option<String>,
    after: Option<String>,
}

/// The backup of one host and scope.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) path: PathBuf,
    files: BTreeMap<String, Kept>,
}

impl Record {
    /// Reads the record; one that is not there is empty. One that is damaged is no record: undoing goes by name then.
    pub(crate) fn load(path: PathBuf) -> Self {
        let mut files = BTreeMap::new();
        let text = read(&path).ok().flatten().unwrap_or_default();
        let object: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
        for (file, kept) in object {
            let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
            let kept = Kept {
                before: text("before"),
                after: text("after"),
            };
            files.insert(file, kept);
        }
        Self { path, files }
    }

    /// Returns what is known of a file that is still as we left it.
    pub(super) fn kept(&self, path: &Path, text: &str) -> Option<&Kept> {
        let kept = self.files.get(&path.display().to_string())?;
        (kept.after.as_deref() == Some(text)).then_some(kept)
    }

    /// Keeps what the files are before the changes, without what is ours from an earlier time: that is not what the
    /// user wants back. Of a file that is as we left it, the first text stays.
    pub(crate) fn keep(&mut self, changes: &[Change], files: &[HostFile]) -> Result<(), Failure> {
        for change in changes.iter().filter(|change| !change.is_none()) {
            let text = change.before.as_deref().unwrap_or_default();
            let before = match self.kept(&change.path, text) {
                Some(kept) => kept.before.clone(),
                None => self.without_ours(change, files)?,
            };
            let kept = Kept {
                before,
                after: change.after.clone(),
            };
            self.files.insert(change.path.display().to_string(), kept);
        }
        let object: Map<String, Value> = self
            .files
            .iter()
            .map(|(file, kept)| {
                let kept = json!({"before": kept.before, "after": kept.after});
                (file.clone(), kept)
            })
            .collect();
        let text = Value::Object(object).to_string();
        write(&self.path, text.as_bytes(), Privacy::Private)
            .map_err(|error| unwritten(&self.path, &error))
    }

    /// Returns the text before a change without what is ours. A server of our name is ours only when the record knows
    /// the file: before the first time somebody else wrote it.
    fn without_ours(&self, change: &Change, files: &[HostFile]) -> Result<Option<String>, Failure> {
        let file = files
            .iter()
            .find(|file| resolved(&file.path) == change.path);
        let (Some(text), Some(file)) = (&change.before, file) else {
            return Ok(change.before.clone());
        };
        let is_known = self.files.contains_key(&change.path.display().to_string());
        let mut edits = file.edits.clone();
        edits.retain(|edit| is_known || matches!(edit, Edit::JsonEntry { .. }));
        if edits.is_empty() {
            return Ok(Some(text.clone()));
        }
        edit::retract(text, &edits)
            .map(Some)
            .map_err(|what| unfit(&change.path, &what))
    }

    /// Lets go of the record when all of it is undone.
    pub(crate) fn discard(self) -> Result<(), Failure> {
        match remove(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(unwritten(&self.path, &error))
            }
            _ => Ok(()),
        }
    }
}
