//! Roots: the folders and files that a store was told to hold, and what it was told of them.
//!
//! What the user said once holds until it is said anew. What is deliberately
//! not here: which root a file belongs to, and what rules add; the line in
//! knows that.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chunk::Metadata;
use crate::filter::lies_within;
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

/// A document of a namespace whose documents get another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// Its source.
    pub source: String,
    /// It stays where it is: the other namespace has its source already.
    pub stays: bool,
    /// A rule put it where it is.
    pub is_placed: bool,
}

/// Returns what is to be remembered of roots when the documents of one namespace move to another.
///
/// A root of the namespace goes along, and so does one without a namespace whose documents were there by default: it is
/// given the other namespace, for with none the next look would bring them in a second time. Under what stays a root
/// is kept, and the other namespace gets one of its own, as if it was told last. One that the other namespace
/// has already stays what it is.
pub fn rename_namespace(
    roots: &[Root],
    (from, to): (&Namespace, &Namespace),
    documents: &[Renamed],
) -> Vec<Root> {
    let held: Vec<Option<usize>> = documents
        .iter()
        .map(|document| holder(roots, from, document))
        .collect();
    let (mut renamed, mut told) = (Vec::with_capacity(roots.len()), Vec::new());
    for (place, root) in roots.iter().enumerate() {
        let is_of = |stays: bool| {
            let mut found = documents.iter().zip(&held);
            found.any(|(document, held)| *held == Some(place) && document.stays == stays)
        };
        let goes = is_of(false) || (root.namespace.as_ref() == Some(from) && !is_of(true));
        if !goes {
            renamed.push(root.clone());
            continue;
        }
        let mut there = root.clone();
        there.namespace = Some(to.clone());
        let is_taken = roots.iter().any(|known| known.is(&there));
        if is_of(true) {
            renamed.push(root.clone());
            told.extend((!is_taken).then_some(there));
        } else if !is_taken {
            renamed.push(there);
        }
    }
    renamed.extend(told);
    renamed
}

/// Returns the root that a document of a namespace is there by: the nearest of that namespace, or of none.
fn holder(roots: &[Root], namespace: &Namespace, document: &Renamed) -> Option<usize> {
    let holds = |root: &Root| {
        let is_said = root.namespace.as_ref() == Some(namespace);
        let by_default = root.namespace.is_none() && !document.is_placed;
        (is_said || by_default) && lies_within(&document.source, &root.path)
    };
    let mut found = roots.iter().enumerate().filter(|(_, root)| holds(root));
    let first = found.next()?;
    let nearest = found.fold(first, |best, next| {
        let rank = |root: &Root| (root.path.len(), root.namespace.is_some());
        if rank(next.1) > rank(best.1) {
            next
        } else {
            best
        }
    });
    Some(nearest.0)
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
    fn roots_go_with_their_documents() {
        let name = |name: &str| Namespace::new(name).unwrap();
        let (from, to) = (name("default"), name("new"));
        let root = |path: &str, namespace: Option<&str>| Root::new(path, namespace.map(name));
        let document = |source: &str, stays: bool| Renamed {
            source: source.to_owned(),
            stays,
            is_placed: source.ends_with("placed"),
        };
        let roots = [
            root("/a", None),
            root("/a/b", Some("default")),
            root("/c", Some("other")),
            root("/d", None),
            root("/e", None),
        ];
        let documents = [
            document("/a/1", false),
            document("/a/b/2", true),
            document("/a/b/3", false),
            document("/c/4", false),
            document("/d/5", true),
            document("/e/placed", false),
        ];
        let expected = [
            root("/a", Some("new")),
            root("/a/b", Some("default")),
            root("/c", Some("other")),
            root("/d", None),
            root("/e", None),
            root("/a/b", Some("new")),
        ];
        let renamed = rename_namespace(&roots, (&from, &to), &documents);
        assert_eq!(renamed, expected);
        // One that is there already is left, and the other goes.
        let roots = [root("/a", None), root("/a", Some("new"))];
        let renamed = rename_namespace(&roots, (&from, &to), &documents[..1]);
        assert_eq!(renamed, roots[1..]);
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
