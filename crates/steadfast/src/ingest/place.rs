//! Where a file belongs: which root it lies in, and what that root and the rules give it.
//!
//! For the namespace: what this call says, what was said of the root before,
//! the first rule that gives one, the default. Tags: those of the root and of
//! every rule. Metadata: the first rule that gives a key; what the file says of
//! itself goes before. Of nested roots the nearest to the file decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use steadfast_model::filter::{SourcePattern, lies_within};
use steadfast_model::{Assignment, Metadata, Namespace, Root};

use super::identify::source_name;
use super::prepare::{NAME_BYTES_MAX, redact_tags};
use super::walk::{Hidden, IgnoreFiles, WalkOptions};
use super::{IndexOptions, Line, Remember};
use crate::config::Rule;
use crate::error::{Error, Result};

/// The most rules.
const RULES_MAX: usize = 1_000;

/// The rules of a store's user, ready for use.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    folder: Folder,
    rule: Rule,
}

#[derive(Debug)]
enum Folder {
    Path(String),
    Glob(SourcePattern),
}

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// [`Error::InvalidRule`] for the first that cannot be used.
    pub fn new(rules: &[Rule]) -> Result<Self> {
        if rules.len() > RULES_MAX {
            let what = format!("there are more than {RULES_MAX} rules");
            return Err(invalid(RULES_MAX + 1, "", what));
        }
        let rules = rules.iter().zip(1..).map(|(rule, number)| {
            check(rule).map_err(|what| invalid(number, &rule.folder, what))?;
            let folder =
                folder(&rule.folder).map_err(|what| invalid(number, &rule.folder, what))?;
            Ok(Compiled {
                folder,
                rule: rule.clone(),
            })
        });
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

fn invalid(number: usize, folder: &str, what: String) -> Error {
    Error::InvalidRule {
        number,
        folder: folder.to_owned(),
        what,
    }
}

fn check(rule: &Rule) -> std::result::Result<(), String> {
    if rule
        .namespace
        .as_ref()
        .is_some_and(Namespace::is_collection)
    {
        return Err("a namespace of a collection takes no files".to_owned());
    }
    if rule.namespace.is_none() && rule.tags.is_empty() && rule.meta.is_empty() {
        return Err("it gives neither a namespace nor tags nor metadata".to_owned());
    }
    let is_name = |name: &String| !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX;
    if !rule.tags.iter().all(is_name) {
        return Err(format!("a tag has 1 to {NAME_BYTES_MAX} bytes"));
    }
    if !rule.meta.keys().all(is_name) {
        return Err(format!("a key of `meta` has 1 to {NAME_BYTES_MAX} bytes"));
    }
    let is_single = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    if !rule.meta.values().all(is_single) {
        return Err("a value of `meta` is a text, a number, true or false".to_owned());
    }
    Ok(())
}

fn folder(folder: &str) -> std::result::Result<Folder, String> {
    if folder.contains(['*', '?', '[', '{']) {
        if !Path::new(folder).is_absolute() && !folder.starts_with("**/") {
            return Err("a glob begins at the root of the file system, or with `**/`".to_owned());
        }
        let glob = SourcePattern::parse(folder.trim_end_matches('/'));
        return glob.map(Folder::Glob).map_err(|error| error.to_string());
    }
    if !Path::new(folder).is_absolute() {
        return Err("a folder is named from the root of the file system on".to_owned());
    }
    // Sources have their symbolic links resolved; a folder that is not there yet is taken as it is written.
    let resolved = std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    Ok(Folder::Path(source_name(&resolved)))
}

impl Folder {
    fn holds(&self, source: &str) -> bool {
        match self {
            Self::Path(path) => lies_within(source, path),
            Self::Glob(glob) => {
                let ends = source.match_indices(['/', '\\']).map(|(end, _)| end);
                let mut above = ends.filter_map(|end| source.get(..end));
                glob.matches(source) || above.any(|folder| glob.matches(folder))
            }
        }
    }
}

/// What a file is given from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) namespace: Namespace,
    pub(super) assignment: Assignment,
}

/// Roots and rules as they hold during one call.
pub(super) struct Placing<'p> {
    line: &'p Line<'p>,
    /// The namespace that this call says.
    said: Option<Namespace>,
    default: Namespace,
    /// The nearest first; of one path that of the namespace said, then the one told last.
    roots: Vec<Root>,
    /// What each root gives, and at the end what none gives, while there are no rules.
    plain: Vec<Arc<Placement>>,
}

/// How a root is walked, and what is to be remembered of it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) root: Root,
    /// What was remembered until now; none when it is new.
    pub(super) before: Option<Root>,
    pub(super) walk: WalkOptions,
}

impl<'p> Placing<'p> {
    /// Reads what a call says of its roots, on top of what is remembered.
    pub(super) fn read(
        line: &'p Line<'p>,
        remembered: Vec<Root>,
        paths: &[PathBuf],
        options: &IndexOptions,
    ) -> (Self, Vec<Told>) {
        let mut placing = Self {
            line,
            said: options.namespace.clone(),
            default: options.namespace_default.clone(),
            roots: remembered,
            plain: Vec::new(),
        };
        placing.sort();
        let mut told = Vec::new();
        for path in paths {
            let one = placing.told(path, options);
            placing.roots.retain(|root| !root.is(&one.root));
            placing.roots.insert(0, one.root.clone());
            placing.sort();
            told.push(one);
        }
        placing.plain = (0..=placing.roots.len())
            .map(|index| Arc::new(placing.placement(placing.roots.get(index), "")))
            .collect();
        (placing, told)
    }

    /// Puts the nearest roots first; among those of one path the order is kept.
    fn sort(&mut self) {
        let said = self.said.clone();
        self.roots
            .retain(|root| said.is_none() || root.namespace.is_none() || root.namespace == said);
        self.roots.sort_by_key(|root| {
            let is_said = said.is_some() && root.namespace == said;
            (std::cmp::Reverse(root.path.len()), !is_said)
        });
    }

    fn root_of(&self, source: &str) -> Option<usize> {
        self.roots
            .iter()
            .position(|root| lies_within(source, &root.path))
    }

    fn told(&self, path: &Path, options: &IndexOptions) -> Told {
        let source = source_name(path);
        let holder = self
            .root_of(&source)
            .and_then(|index| self.roots.get(index));
        let exact = holder.filter(|root| {
            root.path == source && (self.said.is_none() || root.namespace == self.said)
        });
        let above = holder.filter(|root| root.path != source);
        let walk = &options.walk;
        let says = !options.tags.is_empty()
            || !walk.include.is_empty()
            || !walk.exclude.is_empty()
            || walk.hidden == Hidden::Take
            || walk.ignore_files == IgnoreFiles::Disregard
            || self.said.is_some();
        // A path within a root of which nothing else is said belongs to that root.
        let is_part =
            exact.is_none() && above.is_some() && !says && options.remember != Remember::OnlySaid;
        let base = exact
            .or(above)
            .filter(|_| options.remember != Remember::OnlySaid);
        let mut root = match base {
            Some(base) => {
                let mut root = base.clone();
                if !is_part {
                    root.path.clone_from(&source);
                }
                root
            }
            None => Root::new(source, None),
        };
        root.namespace = self.said.clone().or(root.namespace);
        if !options.tags.is_empty() {
            root.tags = redact_tags(self.line, &options.tags).0;
        }
        if !walk.include.is_empty() || !walk.exclude.is_empty() {
            root.include.clone_from(&walk.include);
            root.exclude.clone_from(&walk.exclude);
        }
        root.takes_hidden |= walk.hidden == Hidden::Take;
        root.takes_ignored |= walk.ignore_files == IgnoreFiles::Disregard;
        let before = if is_part { above } else { exact };
        Told {
            before: before.cloned(),
            walk: walk_of(&root, above.filter(|_| is_part)),
            root,
        }
    }

    /// Returns what a file is given from outside.
    pub(super) fn of(&self, source: &str) -> Arc<Placement> {
        let index = self.root_of(source);
        let is_ruled = self
            .line
            .rules
            .rules
            .iter()
            .any(|compiled| compiled.folder.holds(source));
        match self.plain.get(index.unwrap_or(self.roots.len())) {
            Some(plain) if !is_ruled => Arc::clone(plain),
            _ => {
                let root = index.and_then(|index| self.roots.get(index));
                Arc::new(self.placement(root, source))
            }
        }
    }

    fn placement(&self, root: Option<&Root>, source: &str) -> Placement {
        let mut assignment = Assignment::default();
        assignment.tags = root.map(|root| root.tags.clone()).unwrap_or_default();
        let mut namespace = self
            .said
            .clone()
            .or_else(|| root.and_then(|root| root.namespace.clone()));
        let rules = self.line.rules.rules.iter();
        for Compiled { rule, .. } in rules.filter(|compiled| compiled.folder.holds(source)) {
            assignment.tags.extend(redact_tags(self.line, &rule.tags).0);
            for (key, value) in &rule.meta {
                if !assignment.meta.contains_key(key) {
                    let mut value = value.clone();
                    self.line.redactor.redact_named(key, &mut value);
                    assignment.meta.insert(key.clone(), value);
                }
            }
            if namespace.is_none() && rule.namespace.is_some() {
                namespace.clone_from(&rule.namespace);
                assignment.is_placed = true;
            }
        }
        Placement {
            namespace: namespace.unwrap_or_else(|| self.default.clone()),
            assignment,
        }
    }

    /// Returns whether a document is to go from the namespace in which it is to the one that it is given now.
    ///
    /// Only rules move: one that gives it the other, or one that gave it this and does so no more. What a user said of
    /// a root makes a further document, and a root without a namespace holds its documents in the default.
    pub(super) fn may_move(
        &self,
        source: &str,
        namespace: &Namespace,
        placement: &Placement,
        assigned: Option<&Assignment>,
    ) -> bool {
        let root = self.root_of(source).and_then(|index| self.roots.get(index));
        let leaves_it = |root: &Root| root.namespace.is_none() && lies_within(source, &root.path);
        // Where a root leaves the namespace to rules, one that says another is no word on what rules have placed.
        let is_free =
            root.is_none_or(|root| root.namespace.is_none()) || !self.roots.iter().any(leaves_it);
        let is_claimed = self.roots.iter().any(|root| {
            root.namespace.as_ref() == Some(namespace) && lies_within(source, &root.path)
        });
        let was_placed = assigned.is_some_and(|assigned| assigned.is_placed);
        let is_placed = placement.assignment.is_placed;
        self.said.is_none()
            && !is_claimed
            && ((was_placed && is_free) || (is_placed && *namespace == self.default))
    }

    /// Returns whether a root that lies within another holds a source.
    pub(super) fn has_nearer(&self, source: &str, root: &str) -> bool {
        self.roots
            .iter()
            .any(|known| known.path.len() > root.len() && lies_within(source, &known.path))
    }

    /// Returns the only namespace that a walk can put files into, if it is only one.
    pub(super) fn only(&self) -> Option<&Namespace> {
        self.said.as_ref()
    }
}

/// Returns how a root is walked; globs of a root above are read from there.
fn walk_of(root: &Root, above: Option<&Root>) -> WalkOptions {
    WalkOptions {
        include: root.include.clone(),
        exclude: root.exclude.clone(),
        hidden: if root.takes_hidden {
            Hidden::Take
        } else {
            Hidden::Skip
        },
        ignore_files: if root.takes_ignored {
            IgnoreFiles::Disregard
        } else {
            IgnoreFiles::Obey
        },
        globs_from: above.map(|above| PathBuf::from(&above.path)),
    }
}

/// Says in words what is another than it was remembered.
pub(super) fn replaced(before: &Root, after: &Root) -> Option<String> {
    let list = |items: Vec<&str>| match items.len() {
        0 => "none".to_owned(),
        _ => items.join(", "),
    };
    let tags = |tags: &BTreeSet<String>| list(tags.iter().map(String::as_str).collect());
    let globs = |globs: &[String]| list(globs.iter().map(String::as_str).collect());
    let flag = |is_on: bool| if is_on { "taken" } else { "left out" }.to_owned();
    let parts = [
        ("tags", tags(&before.tags), tags(&after.tags)),
        ("include", globs(&before.include), globs(&after.include)),
        ("exclude", globs(&before.exclude), globs(&after.exclude)),
        (
            "hidden files",
            flag(before.takes_hidden),
            flag(after.takes_hidden),
        ),
        (
            "ignored files",
            flag(before.takes_ignored),
            flag(after.takes_ignored),
        ),
    ];
    let changed: Vec<String> = parts
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what}: {after} (before: {before})"))
        .collect();
    if changed.is_empty() {
        return None;
    }
    Some(format!(
        "{} is remembered anew: {}",
        after.path,
        changed.join("; ")
    ))
}

/// Fills in metadata that a document does not give itself.
pub(super) fn fill(meta: &mut Metadata, assigned: &Metadata) {
    for (key, value) in assigned {
        if !meta.contains_key(key) {
            meta.insert(key.clone(), value.clone());
        }
    }
}
