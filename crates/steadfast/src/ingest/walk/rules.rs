//! The rules of ignore files, from the root of the file system down to a folder.
//!
//! Within a kind of file the deepest that says anything decides; among kinds
//! `.steadfastignore` comes first, then `.ignore`, `.gitignore`, and the
//! `info/exclude` of the repository.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The largest ignore file that is read.
const BYTES_MAX: u64 = 1 << 20;

const KINDS: usize = 4;
const NAMES: [&str; KINDS] = [
    ".steadfastignore",
    ".ignore",
    ".gitignore",
    ".git/info/exclude",
];
/// Kinds from here on belong to git: they end at the top of the repository.
const FIRST_OF_GIT: usize = 2;

/// Which files that matter to the rules a folder holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Listed {
    ignore_files: [bool; KINDS],
    git: bool,
}

impl Listed {
    /// Takes note of a name in the folder.
    pub(super) fn note(&mut self, name: &str) {
        if !name.starts_with('.') {
            return;
        }
        self.git |= name == ".git";
        for (listed, known) in self.ignore_files.iter_mut().zip(NAMES) {
            *listed |= name == known;
        }
        self.ignore_files[KINDS - 1] = self.git;
    }

    /// Looks up the names in a folder that is not listed, or too large to be listed first.
    pub(super) fn look_up(folder: &Path) -> Self {
        let mut listed = Self::default();
        for name in NAMES.into_iter().take(KINDS - 1).chain([".git"]) {
            if folder.join(name).exists() {
                listed.note(name);
            }
        }
        listed
    }
}

/// What the rules say of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Leave it.
    Leave,
    /// Take it, even when it is hidden.
    Take,
}

/// The rules that hold in a folder; folders that add none share those of the folder above.
pub(super) struct Rules {
    above: Option<Arc<Rules>>,
    kinds: [Option<Gitignore>; KINDS],
    top_of_repository: bool,
}

impl Rules {
    /// Returns the rules that hold above `root`.
    pub(super) fn above(root: &Path, warnings: &mut Vec<String>) -> Option<Arc<Self>> {
        let repository = root.ancestors().find(|folder| folder.join(".git").exists());
        let mut folders: Vec<&Path> = root.ancestors().skip(1).collect();
        folders.reverse();
        let mut rules = None;
        for folder in folders {
            let mut listed = Listed::look_up(folder);
            if !repository.is_some_and(|top| folder.starts_with(top)) {
                for kind in listed.ignore_files.iter_mut().skip(FIRST_OF_GIT) {
                    *kind = false;
                }
            }
            rules = Self::in_folder(rules.as_ref(), folder, listed, warnings);
        }
        rules
    }

    /// Returns the rules that hold in `folder`, given those that hold above it.
    pub(super) fn in_folder(
        above: Option<&Arc<Self>>,
        folder: &Path,
        listed: Listed,
        warnings: &mut Vec<String>,
    ) -> Option<Arc<Self>> {
        let mut kinds = [const { None }; KINDS];
        for ((slot, name), listed) in kinds.iter_mut().zip(NAMES).zip(listed.ignore_files) {
            if listed {
                *slot = read(folder, name, warnings);
            }
        }
        if !listed.git && kinds.iter().all(Option::is_none) {
            return above.cloned();
        }
        Some(Arc::new(Self {
            above: above.cloned(),
            kinds,
            top_of_repository: listed.git,
        }))
    }

    /// Returns what the rules say of `path`, which lies directly in their folder.
    pub(super) fn say(&self, path: &Path, is_folder: bool) -> Option<Word> {
        let mut said: [Option<Word>; KINDS] = [None; KINDS];
        let mut kinds_left = KINDS;
        let mut next = Some(self);
        while let Some(rules) = next {
            for (said, matcher) in said.iter_mut().zip(&rules.kinds).take(kinds_left) {
                if let (None, Some(matcher)) = (*said, matcher) {
                    *said = match matcher.matched(path, is_folder) {
                        Match::None => None,
                        Match::Ignore(_) => Some(Word::Leave),
                        Match::Whitelist(_) => Some(Word::Take),
                    };
                }
            }
            if rules.top_of_repository {
                kinds_left = FIRST_OF_GIT;
            }
            next = rules.above.as_deref();
        }
        said.into_iter().flatten().next()
    }
}

fn read(folder: &Path, name: &str, warnings: &mut Vec<String>) -> Option<Gitignore> {
    let path = folder.join(name);
    let mut warn = |what: String| warnings.push(format!("{}: {what}", path.display()));
    // A pipe would be waited for, so the kind of file is asked for first.
    let metadata = fs::metadata(&path).ok()?;
    if !metadata.is_file() {
        return None;
    }
    if metadata.len() > BYTES_MAX {
        warn(format!(
            "larger than {BYTES_MAX} bytes, its rules are not used"
        ));
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    if let Some(error) = builder.add(&path) {
        warn(error.to_string());
    }
    match builder.build() {
        Ok(rules) => (!rules.is_empty()).then_some(rules),
        Err(error) => {
            warn(error.to_string());
            None
        }
    }
}
