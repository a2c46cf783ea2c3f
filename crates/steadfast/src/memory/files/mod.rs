//! Files that an agent keeps below `/memories`: six commands over documents of the store.
//!
//! The commands, and what they say, are those of Anthropic's memory tool
//! `memory_20250818`, whose documentation gives the texts word for word: models
//! know them. A file is a document like any other: it is searched, its earlier
//! versions are history, `forget` purges it. Nothing is ever written to the file
//! system, so no path and no link leads anywhere else.
//!
//! Invariants: a command reads and writes with the lock held, so of two edits at
//! once neither is lost; what it did is on the disk before it answers; a file
//! comes back to the byte, but for secrets, and for parts that the user had
//! forgotten: those stay forgotten through every edit, which says so. Deliberately not here: protocols.

mod command;
mod edit;
mod listing;
mod look;
mod path;

use std::time::Duration;

use steadfast_model::{Change, Document, DocumentStatus, Namespace, Outcome, Seq, Trust};
use steadfast_store::Snapshot;
use steadfast_store::files::Gate;

use super::Memory;
use crate::error::{Error, Result};
use crate::ingest::{TextIn, put_text};
use crate::query::{Caution, caution};
use path::FilePath;

pub use command::{FileCommand, FileError, FileRefusal};

/// The most bytes of a file.
const FILE_BYTES_MAX: usize = 1 << 20;
/// The most files of a namespace.
const FILES_MAX: usize = 10_000;

/// Whoever changes files holds this.
const LOCK: &str = "memories.lock";
/// How long a command waits for others.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files below `/memories` of one namespace.
///
/// # Examples
/// ```
/// use steadfast::{FileCommand, Memory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let memory = Memory::options().create(true).open(folder.path().join("store"))?;
/// let files = memory.files(Default::default());
/// let path = "/memories/notes.txt".to_owned();
/// let text = "The proxy listens on 8443.\n".to_owned();
/// let reply = files.run(&FileCommand::Create { path: path.clone(), text })?;
/// assert_eq!(reply.text, "File created successfully at: /memories/notes.txt");
/// let reply = files.run(&FileCommand::View { path, range: None })?;
/// assert!(reply.text.ends_with("     1\tThe proxy listens on 8443."));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryFiles {
    memory: Memory,
    namespace: Namespace,
}

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileReply {
    /// What the model is told.
    pub text: String,
    /// The commit; none when nothing was written.
    pub seq: Option<Seq>,
    /// Secrets that were taken out before anything was written.
    pub redactions: u64,
    /// Parts that are not in the file, because the user had them forgotten.
    pub withheld: u64,
    /// Whether what was shown reads like an instruction.
    pub caution: Option<Caution>,
}

impl FileReply {
    fn read(text: String, caution: Option<Caution>) -> Self {
        Self {
            text,
            seq: None,
            redactions: 0,
            withheld: 0,
            caution,
        }
    }

    fn wrote(text: String, written: Written) -> Self {
        Self {
            text,
            seq: Some(written.seq),
            redactions: written.redactions,
            withheld: written.withheld,
            caution: None,
        }
    }
}

/// What became of a text on its way in.
#[derive(Clone, Copy)]
struct Written {
    seq: Seq,
    redactions: u64,
    withheld: u64,
}

impl From<Seq> for Written {
    /// Of a commit that brought no text.
    fn from(seq: Seq) -> Self {
        Self {
            seq,
            redactions: 0,
            withheld: 0,
        }
    }
}

impl FileCommand {
    /// Returns what a command answers where there are no files, such as before there is a store; writes nothing.
    ///
    /// # Errors
    /// [`FileRefusal`], but for a view of `/memories`, which is empty. So it is for [`Self::Create`]: that one
    /// needs a store.
    pub fn without_files(&self) -> Result<FileReply, FileRefusal> {
        let path = match self {
            Self::View { path, .. }
            | Self::Create { path, .. }
            | Self::Replace { path, .. }
            | Self::Insert { path, .. }
            | Self::Delete { path }
            | Self::Rename { from: path, .. } => FilePath::parse(path)?,
        };
        match self {
            Self::View { .. } if path.is_root() => {
                Ok(FileReply::read(listing::listing(&path, []), None))
            }
            Self::View { .. } => Err(FileRefusal::NothingToView {
                path: path.to_string(),
            }),
            Self::Replace { .. } => Err(FileRefusal::NothingToReplace {
                path: path.to_string(),
            }),
            Self::Create { .. }
            | Self::Insert { .. }
            | Self::Delete { .. }
            | Self::Rename { .. } => Err(missing(&path)),
        }
    }
}

impl Memory {
    /// Returns the files that agents keep below `/memories` in a namespace.
    pub fn files(&self, namespace: Namespace) -> MemoryFiles {
        MemoryFiles {
            memory: self.clone(),
            namespace,
        }
    }
}

impl MemoryFiles {
    /// Carries a command out.
    ///
    /// # Errors
    /// [`FileError::Refused`] when the command cannot be carried out, in the words that the model is told;
    /// [`FileError::Failed`] when the store failed. Then nothing is written.
    ///
    /// # Durability
    /// What a command wrote is one transaction, on the disk when this returns.
    pub fn run(&self, command: &FileCommand) -> Result<FileReply, FileError> {
        match command {
            FileCommand::View { path, range } => self.view(&FilePath::parse(path)?, *range),
            FileCommand::Create { path, text } => self.create(&FilePath::parse(path)?, text),
            FileCommand::Replace { path, old, new } => {
                self.replace(&FilePath::parse(path)?, old, new)
            }
            FileCommand::Insert { path, line, text } => {
                self.insert(&FilePath::parse(path)?, *line, text)
            }
            FileCommand::Delete { path } => self.delete(&FilePath::parse(path)?),
            FileCommand::Rename { from, to } => {
                self.rename(&FilePath::parse(from)?, &FilePath::parse(to)?)
            }
        }
    }

    fn view(&self, path: &FilePath, range: Option<(i64, i64)>) -> Result<FileReply, FileError> {
        let snapshot = self.snapshot()?;
        if let Some(document) = self.file(snapshot.as_ref(), path)? {
            let text = self.text(snapshot.as_ref(), &document)?;
            return Ok(FileReply::read(
                edit::view(path.as_str(), &text, range)?,
                caution(&text),
            ));
        }
        let files = self.below(snapshot.as_ref(), path)?;
        if files.is_empty() && !path.is_root() {
            return Err(FileRefusal::NothingToView {
                path: path.to_string(),
            }
            .into());
        }
        let files = files.iter().map(|document| {
            let size = document.fingerprint.map_or(0, |known| known.size);
            (path::of_source(&document.source), size)
        });
        Ok(FileReply::read(listing::listing(path, files), None))
    }

    fn create(&self, path: &FilePath, text: &str) -> Result<FileReply, FileError> {
        check_size(path, text)?;
        self.locked(|| {
            let snapshot = self.snapshot()?;
            self.check_free(snapshot.as_ref(), path, || FileRefusal::Exists {
                path: path.to_string(),
            })?;
            self.check_room(snapshot.as_ref())?;
            drop(snapshot);
            let written = self.put(path, text, true)?;
            let said = format!("File created successfully at: {path}");
            Ok(FileReply::wrote(said, written))
        })
    }

    fn replace(&self, path: &FilePath, old: &str, new: &str) -> Result<FileReply, FileError> {
        let missing = || FileRefusal::NothingToReplace {
            path: path.to_string(),
        };
        self.locked(|| {
            let text = self.text_of(path)?.ok_or_else(missing)?;
            let edited = edit::replace(path.as_str(), &text, old, new)?;
            check_size(path, &edited.text)?;
            let written = self.put(path, &edited.text, false)?;
            let said = format!(
                "The memory file has been edited. Here is the snippet showing the change \
                 (with line numbers):\n{}",
                edited.snippet()
            );
            Ok(FileReply::wrote(said, written))
        })
    }

    fn insert(&self, path: &FilePath, line: i64, text: &str) -> Result<FileReply, FileError> {
        self.locked(|| {
            let before = self.text_of(path)?.ok_or_else(|| missing(path))?;
            let edited = edit::insert(&before, line, text)?;
            check_size(path, &edited)?;
            let written = self.put(path, &edited, false)?;
            let said = format!("The file {path} has been edited.");
            Ok(FileReply::wrote(said, written))
        })
    }

    fn delete(&self, path: &FilePath) -> Result<FileReply, FileError> {
        if path.is_root() {
            return Err(FileRefusal::Root.into());
        }
        self.locked(|| {
            let snapshot = self.snapshot()?;
            let documents = self.at_or_below(snapshot.as_ref(), path)?;
            drop(snapshot);
            if documents.is_empty() {
                return Err(missing(path).into());
            }
            let changes: Vec<Change> = documents.iter().map(|gone| self.removed(gone)).collect();
            let seq = self.commit(&changes)?;
            Ok(FileReply::wrote(
                format!("Successfully deleted {path}"),
                seq.into(),
            ))
        })
    }

    fn rename(&self, from: &FilePath, to: &FilePath) -> Result<FileReply, FileError> {
        if from.is_root() || to.is_root() {
            return Err(FileRefusal::Root.into());
        }
        if to.is_below(from) {
            return Err(FileRefusal::IntoItself {
                path: from.to_string(),
            }
            .into());
        }
        self.locked(|| {
            let snapshot = self.snapshot()?;
            let documents = self.at_or_below(snapshot.as_ref(), from)?;
            if documents.is_empty() {
                return Err(missing(from).into());
            }
            self.check_free(snapshot.as_ref(), to, || FileRefusal::Taken {
                path: to.to_string(),
            })?;
            let mut changes = Vec::with_capacity(documents.len());
            for document in &documents {
                let target = to.instead_of(from, path::of_source(&document.source))?;
                changes.extend(self.moved(snapshot.as_ref(), document, &target)?);
            }
            drop(snapshot);
            let seq = self.commit(&changes)?;
            Ok(FileReply::wrote(
                format!("Successfully renamed {from} to {to}"),
                seq.into(),
            ))
        })
    }

    /// Returns the changes that give a file another path: chunks keep their ids, unless the path was in use before.
    fn moved(
        &self,
        snapshot: &dyn Snapshot,
        document: &Document,
        target: &FilePath,
    ) -> Result<Vec<Change>> {
        let to = target.source();
        let is_new = snapshot.document(&self.namespace, &to)?.is_none();
        if let (true, true, Some(fingerprint)) = (is_new, document.chunks > 0, document.fingerprint)
        {
            return Ok(vec![Change::Rename {
                namespace: self.namespace.clone(),
                from: document.source.clone(),
                to,
                fingerprint,
            }]);
        }
        let text = self.text(snapshot, document)?;
        let (put, _) = put_text(&self.memory.line(), &self.text_in(&to, &text, true))?;
        Ok(vec![put, self.removed(document)])
    }

    fn removed(&self, document: &Document) -> Change {
        Change::Mark {
            namespace: self.namespace.clone(),
            source: document.source.clone(),
            status: DocumentStatus::Removed,
            reason: None,
            fingerprint: None,
        }
    }

    fn text_in<'t>(&'t self, source: &'t str, text: &'t str, revive: bool) -> TextIn<'t> {
        TextIn {
            namespace: &self.namespace,
            source,
            text,
            trust: Trust::Agent,
            revive,
        }
    }

    fn put(&self, path: &FilePath, text: &str, revive: bool) -> Result<Written, FileError> {
        let source = path.source();
        let line = self.memory.line();
        let (change, redactions) = put_text(&line, &self.text_in(&source, text, revive))?;
        let settled = self
            .memory
            .backend()
            .commit(&[change], &self.memory.inner.actor)
            .map_err(Error::from)?
            .pop();
        let outcome = settled.as_ref().map(|settled| &settled.outcome);
        if let Some(Outcome::Refused(_)) = outcome {
            // It was forgotten since it was read.
            return Err(missing(path).into());
        }
        let withheld = settled.as_ref().map_or(0, |settled| settled.withheld);
        Ok(Written {
            seq: self.seq_or_last(settled.and_then(|settled| settled.seq))?,
            redactions,
            withheld,
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<Seq> {
        let settled = self
            .memory
            .backend()
            .commit(changes, &self.memory.inner.actor)?;
        self.seq_or_last(settled.into_iter().rev().find_map(|settled| settled.seq))
    }

    fn seq_or_last(&self, seq: Option<Seq>) -> Result<Seq> {
        match seq {
            Some(seq) => Ok(seq),
            None => Ok(self.snapshot()?.generation()),
        }
    }

    /// Does something that no other command does anything beside, in any process.
    fn locked<T>(&self, work: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
        let gate = Gate::new(self.memory.folder().join(LOCK));
        let held = gate.pass(PATIENCE).map_err(Error::from)?;
        let done = work();
        drop(held);
        done
    }
}

fn missing(path: &FilePath) -> FileRefusal {
    FileRefusal::Missing {
        path: path.to_string(),
    }
}

fn check_size(path: &FilePath, text: &str) -> Result<(), FileRefusal> {
    if text.len() <= FILE_BYTES_MAX {
        return Ok(());
    }
    Err(FileRefusal::TooLarge {
        path: path.to_string(),
        bytes: text.len(),
    })
}
