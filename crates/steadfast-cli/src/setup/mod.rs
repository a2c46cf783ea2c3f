//! Setting up the hosts of agents: their files are changed so that they start us.
//!
//! Layout: `hosts` says which files and what in them, `edit` changes a text and
//! keeps the rest of it (pure; `table` for TOML, `line` tells our hooks), `record` remembers what was there. Invariants:
//! all texts are made before any file is written; a file that cannot be read as
//! what it should be stops everything; a file that changed meanwhile is not
//! written; nothing is written that was not shown.

pub(crate) mod diff;
mod edit;
mod hosts;
mod line;
mod record;
mod table;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use crate::error::Failure;

pub(crate) use hosts::{Host, HostFile, Layout, Scope};
pub(crate) use record::Record;

/// The largest file of a host that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// More links behind one another than this lead in a circle.
const LINKS_MAX: usize = 40;

/// What becomes of one file.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    /// Its text; none when there is no such file.
    pub(crate) before: Option<String>,
    /// Its text afterwards; none when it is to go.
    pub(crate) after: Option<String>,
}

impl Change {
    /// Returns what is done, in a word.
    pub(crate) fn action(&self) -> &'static str {
        match (&self.before, &self.after) {
            (before, after) if before == after => "none",
            (None, _) => "create",
            (Some(_), None) => "remove",
            (Some(_), Some(_)) => "change",
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.before == self.after
    }
}

/// Returns what setting a host up does to its files.
pub(crate) fn plan(files: &[HostFile]) -> Result<Vec<Change>, Failure> {
    files
        .iter()
        .map(|file| {
            let path = resolved(&file.path);
            let before = read(&path)?;
            let after = edit::apply(before.as_deref().unwrap_or_default(), &file.edits)
                .map_err(|what| unfit(&path, &what))?;
            Ok(Change {
                path,
                before,
                after: Some(after),
            })
        })
        .collect()
}

/// Returns what undoing it does: the file as it was, or, when it has changed since, the file without what is ours.
pub(crate) fn plan_undo(files: &[HostFile], record: &Record) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for file in files {
        let path = resolved(&file.path);
        let before = read(&path)?;
        let Some(text) = before.clone() else {
            continue;
        };
        let after = match record.kept(&path, &text) {
            Some(kept) => kept.before.clone(),
            None => Some(edit::retract(&text, &file.edits).map_err(|what| unfit(&path, &what))?),
        };
        changes.push(Change {
            path,
            before,
            after,
        });
    }
    Ok(changes)
}

/// Writes the files; one that changed since the plan was made is left, and is an error.
pub(crate) fn apply(changes: &[Change]) -> Result<(), Failure> {
    for change in changes.iter().filter(|change| !change.is_none()) {
        if read(&change.path)? != change.before {
            return Err(
                Failure::new("busy", "the file was changed by another program")
                    .at(change.path.display().to_string())
                    .hint("run the command again"),
            );
        }
        let done = match &change.after {
            Some(text) => write(&change.path, text.as_bytes(), Privacy::AsBefore),
            None => remove(&change.path),
        };
        done.map_err(|error| unwritten(&change.path, &error))?;
    }
    Ok(())
}

/// Follows links: the file that a link leads to is changed, or made, and the link stays.
fn resolved(path: &Path) -> PathBuf {
    let mut end = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&end) else {
            return of_folder(&end);
        };
        let folder = end.parent().map(of_folder).unwrap_or_default();
        // A target that is absolute replaces all of it.
        end = folder.join(target);
    }
    path.to_owned()
}

/// Returns the name that a path will have by itself once it is there: the part that is there, with links resolved,
/// and the rest as it stands.
fn of_folder(path: &Path) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    let folder = path.parent().map(of_folder);
    match (folder, path.components().next_back()) {
        (Some(folder), Some(Component::Normal(name))) => folder.join(name),
        (Some(folder), Some(Component::ParentDir)) => {
            folder.parent().map_or(folder.clone(), Path::to_owned)
        }
        (Some(folder), _) => folder,
        (None, _) => path.to_owned(),
    }
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unfit(path, &error.to_string())),
    };
    if !found.is_file() || found.len() > FILE_BYTES_MAX {
        return Err(unfit(
            path,
            "it is no file, or too large for one of settings",
        ));
    }
    match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(Some(text)),
        Ok(Err(_)) => Err(unfit(path, "it is not UTF-8")),
        Err(error) => Err(unfit(path, &error.to_string())),
    }
}

fn unfit(path: &Path, what: &str) -> Failure {
    Failure::new(
        "invalid_config",
        format!("the file cannot be edited: {what}"),
    )
    .at(path.display().to_string())
    .hint("nothing was changed; mend the file, or edit it by hand")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let kinds = [
        (PermissionDenied, "permission"),
        (ReadOnlyFilesystem, "read_only"),
        (StorageFull, "disk_full"),
        (QuotaExceeded, "disk_full"),
    ];
    let known = kinds.iter().find(|(kind, _)| *kind == error.kind());
    let kind = known.map_or("io", |(_, name)| name);
    Failure::new(kind, format!("the file cannot be written: {error}"))
        .at(path.display().to_string())
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Privacy {
    /// Whoever could before; for a new file what the system gives.
    AsBefore,
    /// The user alone.
    Private,
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8], privacy: Privacy) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if privacy == Privacy::Private {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if privacy == Privacy::Private {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    if privacy == Privacy::AsBefore
        && let Ok(found) = fs::metadata(path)
    {
        file.set_permissions(found.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file was made by setup, holds nothing else, and was shown to go"
)]
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}
