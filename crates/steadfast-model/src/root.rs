//! Roots: the folders and files that a store was told to hold, and what it was told of them.
//!
//! What the user said once holds until it is said anew. What is deliberately
//! not here: which root a file belongs to, and what rules add; the line in
//! knows that.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chunk::Metadata;
use crate::ids::Namespace;

/// What a store remembers of a folder or file that it was told to hold.
///
/// A root is the same as another by its path and its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Root {
    /// The folder or file, as a source.
    pub path: String,
    /// The namespace that was given for it; none when rules or the default decide.
    pub namespace: Option<Namespace>,
    /// Tags for every chunk below it.
    pub tags: BTreeSet<String>,
    /// Globs of files to take; none means all.
    pub include: Vec<String>,
    /// Globs of files and folders to leave.
    pub exclude: Vec<String>,
    /// Hidden files are taken too.
    pub takes_hidden: bool,
    /// Ignore files are disregarded.
    pub takes_ignored: bool,
}

impl Root {
    /// Returns a root of which nothing was said.
    pub fn new(path: impl Into<String>, namespace: Option<Namespace>) -> Self {
        Self {
            path: path.into(),
            namespace,
            tags: BTreeSet::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            takes_hidden: false,
            takes_ignored: false,
        }
    }

    /// Returns what was said of it, as stores keep it.
    pub fn told(&self) -> String {
        json!({
            "tags": self.tags,
            "include": self.include,
            "exclude": self.exclude,
            "takes_hidden": self.takes_hidden,
            "takes_ignored": self.takes_ignored,
        })
        .to_string()
    }

    /// Reads what [`Self::told`] returned; what is malformed or missing counts as not said.
    #[must_use]
    pub fn with_told(mut self, told: &str) -> Self {
        let told: Value = serde_json::from_str(told).unwrap_or_default();
        let flag = |name: &str| told.get(name).and_then(Value::as_bool).unwrap_or(false);
        self.tags = texts(&told, "tags").collect();
        self.include = texts(&told, "include").collect();
        self.exclude = texts(&told, "exclude").collect();
        self.takes_hidden = flag("takes_hidden");
        self.takes_ignored = flag("takes_ignored");
        self
    }

    /// Returns whether another root is the same one, whatever is said of it.
    pub fn is(&self, other: &Self) -> bool {
        self.path == other.path && self.namespace == other.namespace
    }
}

/// What a document was given from outside: by the root it lies in, and by rules.
///
/// Stores keep it beside the document, so that a change of it is noticed although no file has changed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Assignment {
    /// Tags for each of its chunks.
    pub tags: BTreeSet<String>,
    /// Metadata for each of its chunks, where the document does not say otherwise.
    pub meta: Metadata,
    /// Its namespace was given by a rule too.
    pub is_placed: bool,
}

impl Assignment {
    /// Returns it as stores keep it; none when nothing was assigned.
    pub fn told(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let told = json!({"tags": self.tags, "meta": self.meta, "placed": self.is_placed});
        Some(told.to_string())
    }

    /// Reads what [`Self::told`] returned; what is malformed counts as not assigned.
    pub fn from_told(told: &str) -> Self {
        let told: Value = serde_json::from_str(told).unwrap_or_default();
        Self {
            tags: texts(&told, "tags").collect(),
            meta: told
                .get("meta")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            is_placed: told.get("placed").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

/// Gives tags another name; returns whether one of them had the old one.
pub fn rename_tag(tags: &mut BTreeSet<String>, from: &str, to: &str) -> bool {
    let found = tags.remove(from);
    if found {
        tags.insert(to.to_owned());
    }
    found
}

fn texts(told: &Value, name: &str) -> impl Iterator<Item = String> {
    let list = told.get(name).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_read_back() {
        let mut root = Root::new("/docs", None);
        assert_eq!(Root::new("/docs", None).with_told(&root.told()), root);
        root.tags = ["a".to_owned(), "\"b\"".to_owned()].into();
        root.include = vec!["*.md".to_owned(), "*.md".to_owned()];
        root.exclude = vec!["drafts/".to_owned()];
        root.takes_hidden = true;
        root.takes_ignored = true;
        assert_eq!(Root::new("/docs", None).with_told(&root.told()), root);
        let garbage = Root::new("/docs", None).with_told("[\"tags\"");
        assert_eq!(garbage, Root::new("/docs", None));
    }

    #[test]
    fn an_assignment_of_nothing_is_none() {
        assert_eq!(Assignment::default().told(), None);
        let mut assignment = Assignment::default();
        assignment.meta.insert("team".to_owned(), json!("ops"));
        assignment.is_placed = true;
        let told = assignment.told().unwrap();
        assert_eq!(Assignment::from_told(&told), assignment);
        assert_eq!(Assignment::from_told("none"), Assignment::default());
    }
}
