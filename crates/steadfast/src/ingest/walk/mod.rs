//! Finds the files below a folder, without reading any of them.
//!
//! What is left out:
//! - what `.gitignore`, `.ignore` and `.steadfastignore` say, in the folder and
//!   below it; `.gitignore` also outside repositories. Above the folder,
//!   `.ignore` and `.steadfastignore` count, and `.gitignore` up to the top of
//!   the repository the folder is in. A repository is not ruled by the
//!   `.gitignore` of one around it. The user's global git rules are not read.
//! - hidden files and folders, those whose name starts with a dot, unless asked for;
//! - `.git`, `.steadfast`, and every folder that holds a store;
//! - symbolic links. One that stays inside the folder leads to what the walk
//!   finds anyway; one that leads out of it, or nowhere, is a [`Problem`].
//!
//! A folder or file that is named as the root itself is taken whatever the
//! rules say of it, and may be reached through a symbolic link.
//!
//! Invariants: no file is opened but ignore files; what could not be looked at
//! is a [`Problem`], and when that may hide further files its name is in
//! [`Summary::blind`]. The order in which files are found is not fixed.
//!
//! The walk is our own and only the rules are the `ignore` crate's: its
//! parallel walk swallows errors on ignore files, applies rules from above the
//! repository, and looks each file up by its whole path.

mod folder;
mod rules;
mod traverse;

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ignore::overrides::{Override, OverrideBuilder};

use super::identify::{FileState, SkipReason, io_words, source_name};

/// What a walk takes and leaves.
#[derive(Clone, Debug, Default)]
pub struct WalkOptions {
    /// Globs of files to take; none means all.
    ///
    /// A glob is written like a line of `.gitignore`, relative to the root. A
    /// file that matches is taken even when it is hidden or an ignore file
    /// names it, but folders that are left out are not entered for it.
    pub include: Vec<String>,
    /// Globs of files and folders to leave; they win over [`Self::include`].
    pub exclude: Vec<String>,
    /// What becomes of hidden files.
    pub hidden: Hidden,
    /// What becomes of ignore files.
    pub ignore_files: IgnoreFiles,
    /// The folder at or above the root that globs are relative to; none means the root.
    pub globs_from: Option<PathBuf>,
}

/// What becomes of files and folders whose name starts with a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Hidden {
    /// They are left out.
    #[default]
    Skip,
    /// They are taken, except `.git` and `.steadfast`.
    Take,
}

/// What becomes of `.gitignore`, `.ignore` and `.steadfastignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IgnoreFiles {
    /// Their rules hold.
    #[default]
    Obey,
    /// They are not read.
    Disregard,
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in the store.
    pub source: String,
    /// What the system says of it.
    pub state: FileState,
}

/// Something that was found and cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is called in the store.
    pub source: String,
    /// Why.
    pub reason: SkipReason,
    /// What the system said, or nothing.
    pub detail: String,
}

/// What a walk hands over, one by one, from several threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A file.
    Found(Found),
    /// Something that cannot be taken.
    Problem(Problem),
}

impl Item {
    /// Returns what it is called in the store.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Found(found) => &found.source,
            Self::Problem(problem) => &problem.source,
        }
    }

    /// Returns where a file is.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Found(found) => Some(&found.path),
            Self::Problem(_) => None,
        }
    }
}

/// What a walk saw, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// The root, as a source.
    pub root: String,
    /// Files handed over.
    pub files: u64,
    /// Folders looked into.
    pub folders: u64,
    /// Problems handed over.
    pub problems: u64,
    /// Files and folders left out by rules, by globs, or because they are hidden.
    pub left_out: u64,
    /// Symbolic links that lead to something inside the root.
    pub links_inside: u64,
    /// Sources that could not be looked at: nothing is known of them or of what lies below.
    pub blind: Vec<String>,
    /// What is wrong with ignore files; at most [`Summary::WARNINGS_MAX`].
    pub warnings: Vec<String>,
    /// The receiver stopped the walk: nothing is known of what was not handed over.
    pub stopped: bool,
}

impl Summary {
    /// How many warnings are kept.
    pub const WARNINGS_MAX: usize = 100;

    /// Returns whether the walk could have missed `source`, so that its absence proves nothing.
    pub fn is_blind_to(&self, source: &str) -> bool {
        self.stopped
            || self.blind.iter().any(|blind| {
                source.strip_prefix(blind.as_str()).is_some_and(|rest| {
                    rest.is_empty()
                        || rest.starts_with(std::path::is_separator)
                        || blind.ends_with(std::path::is_separator)
                })
            })
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.folders += other.folders;
        self.problems += other.problems;
        self.left_out += other.left_out;
        self.links_inside += other.links_inside;
        self.blind.extend(other.blind);
        self.warnings.extend(other.warnings);
        self.warnings.truncate(Self::WARNINGS_MAX);
        self.stopped |= other.stopped;
    }
}

/// Why a walk could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// There is nothing at the path.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The system would not let the path be looked at.
    #[error("`{}` cannot be looked at: {}", path.display(), io_words(source))]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A glob is not one.
    #[error("`{glob}` is not a glob: {what}")]
    Glob {
        /// The glob as it was given.
        glob: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Hands over every file below `root`, or `root` itself when it is a file.
///
/// `sink` is called from up to `threads` threads at once; when it breaks, the
/// walk ends soon, and the summary says so. The calling thread waits.
///
/// # Errors
/// [`WalkError`] when the root cannot be looked at or a glob is not one; once
/// the walk has begun, all that goes wrong is a [`Problem`].
///
/// # Coverage
/// Files are missing from the walk by the rules at the top of this module, or
/// for a reason in [`Summary`].
pub fn walk<S>(
    root: &Path,
    options: &WalkOptions,
    threads: usize,
    sink: S,
) -> Result<Summary, WalkError>
where
    S: Fn(Item) -> ControlFlow<()> + Sync,
{
    let unreadable = |source: io::Error| {
        let path = root.to_path_buf();
        if source.kind() == io::ErrorKind::NotFound {
            WalkError::Missing { path }
        } else {
            WalkError::Unreadable { path, source }
        }
    };
    let resolved = fs::canonicalize(root).map_err(unreadable)?;
    let metadata = fs::symlink_metadata(&resolved).map_err(unreadable)?;
    let overrides = overrides(&resolved, options)?;
    let mut summary = if folder::is_in_store(&resolved, metadata.is_dir()) {
        let problem = folder::problem(&resolved, SkipReason::Store, String::new());
        one(&sink, Item::Problem(problem))
    } else if metadata.is_dir() {
        traverse::traverse(&resolved, options, &overrides, threads, &sink)
    } else {
        one(&sink, folder::item(resolved.clone(), &metadata))
    };
    summary.root = source_name(&resolved);
    Ok(summary)
}

fn one(sink: &impl Fn(Item) -> ControlFlow<()>, item: Item) -> Summary {
    let found = u64::from(matches!(item, Item::Found(_)));
    Summary {
        files: found,
        problems: 1 - found,
        stopped: sink(item).is_break(),
        ..Summary::default()
    }
}

/// Refuses globs that are none, before a walk.
///
/// # Errors
/// [`WalkError::Glob`].
pub fn check_globs(options: &WalkOptions) -> Result<(), WalkError> {
    overrides(Path::new("."), options).map(drop)
}

fn overrides(root: &Path, options: &WalkOptions) -> Result<Override, WalkError> {
    let mut builder = OverrideBuilder::new(options.globs_from.as_deref().unwrap_or(root));
    let globs = options.include.iter().map(|glob| (glob, ""));
    for (glob, mark) in globs.chain(options.exclude.iter().map(|glob| (glob, "!"))) {
        let refused = |what: String| WalkError::Glob {
            glob: glob.clone(),
            what,
        };
        if glob.trim().is_empty() {
            return Err(refused("it is empty".to_owned()));
        }
        // In an ignore file these two characters at the start of a line mean something else.
        let escape = if mark.is_empty() && glob.starts_with(['!', '#']) {
            "\\"
        } else {
            ""
        };
        builder
            .add(&format!("{mark}{escape}{glob}"))
            .map_err(|error| refused(error.to_string()))?;
    }
    builder.build().map_err(|error| WalkError::Glob {
        glob: options
            .include
            .iter()
            .chain(&options.exclude)
            .cloned()
            .collect::<Vec<_>>()
            .join(" "),
        what: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
