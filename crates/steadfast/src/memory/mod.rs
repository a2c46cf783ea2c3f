//! The facade: one handle, all that a user of the library does.
//!
//! May name every other room. What is deliberately not here: the work itself.

mod collections;
mod export;
mod files;
mod forget;
mod import;
mod names;
mod open;
mod read;
mod upkeep;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use steadfast_embed::Embed;
use steadfast_index::Analyzer;
use steadfast_model::Clock;
use steadfast_store::{
    Backend, CatchUp, Derived, Effort, Health, Progress, Scrubbed, Verification,
};

use crate::collection::Watch;
use crate::config::Options;
use crate::error::{Error, Result};
use crate::ingest::place::Rules;
use crate::ingest::redact::Redactor;
use crate::ingest::{
    self, Conversation, FilledVectors, IndexOptions, IndexReport, KeptConversation, Line, Note,
    Remembered,
};
use crate::query::{self, Answer, ListRequest, Listing, SearchRequest};

pub use files::{FileCommand, FileError, FileRefusal, FileReply, MemoryFiles};
pub use forget::{ForgetPlan, Forgotten, Selection};
pub use names::{RenamePlan, Renamed};
pub use read::{ChunkWithNeighbours, SourcePage, SourceText};
pub use upkeep::Keep;

/// How many ids a finding of [`Memory::verify`] names.
const FINDING_IDS_MAX: usize = 100;

/// How long a check in passing takes behind other work: some thousand rows.
const SCRUB_TIME: Duration = Duration::from_millis(25);

/// A store of memories.
///
/// Cloning is cheap and gives the same handle; all clones may be used from any
/// thread, and any number of processes may have the same store open.
///
/// # Examples
/// ```
/// use steadfast::{Memory, Note, SearchRequest};
///
/// # fn main() -> Result<(), steadfast::Error> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("store");
/// let memory = Memory::options().create(true).open(&path)?;
/// memory.remember(&Note::new("The staging database moved to port 6432."))?;
///
/// let answer = memory.search(&SearchRequest::new("which port has the staging database?"))?;
/// assert!(answer.coverage.complete);
/// assert!(answer.hits[0].chunk.text.contains("6432"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    watch: Option<Arc<Watch>>,
    folder: PathBuf,
    embed: Arc<dyn Embed>,
    clock: Arc<dyn Clock>,
    actor: String,
    redactor: Arc<Redactor>,
    rules: Rules,
}

impl Memory {
    /// Returns the options to open a store with.
    pub fn options() -> Options {
        Options::default()
    }

    /// Opens the store in a folder; there must be one.
    ///
    /// # Errors
    /// [`crate::Error::Store`], as with [`Options::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(folder)
    }

    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        watch: Option<Arc<Watch>>,
        folder: PathBuf,
        embed: Arc<dyn Embed>,
        clock: Arc<dyn Clock>,
        actor: String,
        (redactor, rules): (Redactor, Rules),
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                backend,
                watch,
                folder,
                embed,
                clock,
                actor,
                redactor: Arc::new(redactor),
                rules,
            }),
        }
    }

    /// Returns the folder of the store.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Checks that the folder still holds the store that this handle was opened on.
    ///
    /// For processes that run for long: one can go on reading and writing a store that was deleted, or that another
    /// one was put in the place of, and what it writes then is lost. It costs one look at the folder.
    ///
    /// # Errors
    /// [`CollectionError::Replaced`](crate::CollectionError::Replaced) when another store is there;
    /// [`crate::Error::Store`] when none is, or when it cannot be looked at. Open the store again then.
    pub fn check_in_place(&self) -> Result<()> {
        let watch = self.inner.watch.as_ref();
        watch.map_or(Ok(()), |watch| watch.check())
    }

    fn line(&self) -> Line<'_> {
        Line {
            backend: self.backend(),
            embed: self.inner.embed.as_ref(),
            analyze: &Analyzer,
            clock: self.inner.clock.as_ref(),
            actor: &self.inner.actor,
            redactor: &self.inner.redactor,
            rules: &self.inner.rules,
        }
    }

    fn backend(&self) -> &dyn Backend {
        self.inner.backend.as_ref()
    }

    /// Brings the store up to date with files and folders: new and changed files come in, gone ones leave.
    ///
    /// # Errors
    /// [`crate::Error::PathNotFound`] when one of the paths does not exist; then nothing is indexed. What is wrong
    /// with single files is in the report, not an error. After another error, what was committed stays.
    ///
    /// # Durability
    /// Each file is one commit; all of those in the report are on the disk when this returns.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), steadfast::Error> {
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let docs = folder.path().join("docs");
    /// # std::fs::create_dir(&docs).expect("a folder");
    /// # std::fs::write(docs.join("backup.md"), "# Backup\n\nRun it nightly.\n").expect("a file");
    /// let memory = steadfast::Memory::options().create(true).open(folder.path().join("store"))?;
    /// let report = memory.index(&[docs], &Default::default(), &steadfast::Silent)?;
    /// assert_eq!(report.files.added, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn index(
        &self,
        paths: &[PathBuf],
        options: &IndexOptions,
        progress: &dyn Progress,
    ) -> Result<IndexReport> {
        ingest::index(&self.line(), paths, options, progress)
    }

    /// Remembers a note.
    ///
    /// A note with the same namespace, title and text as a live one is that one; its tags are merged.
    ///
    /// # Errors
    /// [`crate::Error::EmptyText`]; [`crate::Error::Refused`] when the idempotency key was used with another text.
    ///
    /// # Durability
    /// The note is on the disk, and found by every search in any process that starts after this returns.
    pub fn remember(&self, note: &Note) -> Result<Remembered> {
        ingest::remember(&self.line(), note)
    }

    /// Keeps a conversation: one chunk a message, long ones split.
    ///
    /// A conversation is the same as another by its source. Given again after it has grown, only its
    /// new messages are written; messages that are no longer in it leave.
    ///
    /// # Errors
    /// [`crate::Error::EmptyText`] when no message has text; [`crate::Error::Refused`] when its source was forgotten.
    ///
    /// # Durability
    /// All of it is one commit, on the disk when this returns.
    ///
    /// # Examples
    /// ```
    /// use steadfast::{Conversation, Memory, Message, SearchRequest};
    ///
    /// # fn main() -> Result<(), steadfast::Error> {
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let path = folder.path().join("store");
    /// let memory = Memory::options().create(true).open(&path)?;
    /// let mut talk = Conversation::new("chat:monday");
    /// for text in ["Which port does the proxy use?", "It listens on 8443."] {
    ///     talk.messages.push(Message::new(text));
    /// }
    /// assert_eq!(memory.keep_conversation(&talk)?.counts.inserted, 2);
    /// assert_eq!(memory.keep_conversation(&talk)?.counts.reused, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_conversation(&self, conversation: &Conversation) -> Result<KeptConversation> {
        ingest::keep_conversation(&self.line(), conversation)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`crate::Error::InvalidCursor`]; [`crate::Error::Store`] when the store cannot be read. No question is an
    /// error, whatever is in it.
    ///
    /// # Coverage
    /// [`Answer::coverage`] says what was searched; it is complete only when every chunk in scope was searched in
    /// every way that was asked for.
    pub fn search(&self, request: &SearchRequest) -> Result<Answer> {
        query::search(
            self.backend(),
            self.inner.embed.as_ref(),
            request,
            self.inner.clock.now(),
        )
    }

    /// Lists chunks by filter, in the order in which they came into the store.
    ///
    /// # Errors
    /// [`crate::Error::InvalidCursor`]; [`crate::Error::Store`] when the store cannot be read.
    ///
    /// # Coverage
    /// Chunks whose text is damaged are left out and counted in [`Listing::damaged`].
    pub fn list(&self, request: &ListRequest) -> Result<Listing> {
        query::list(self.backend(), request, self.inner.clock.now())
    }

    /// Lists chunks by filter, those that came last first.
    ///
    /// # Errors
    /// As with [`Self::list`]; cursors of the one are not those of the other. [`crate::Error::Invalid`] when
    /// an earlier moment is asked for.
    ///
    /// # Coverage
    /// As with [`Self::list`].
    pub fn recent(&self, request: &ListRequest) -> Result<Listing> {
        query::recent(self.backend(), request, self.inner.clock.now())
    }

    /// Returns the state of the store in numbers.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when the store cannot be read.
    pub fn status(&self) -> Result<Health> {
        Ok(self.backend().health()?)
    }

    /// Compares everything with everything: texts and vectors with their hashes, counts with rows, indexes with the store.
    ///
    /// When the observer stops it, [`Verification::chunks`] and [`Verification::vectors`] say how much was compared.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when the store cannot be read at all; damage is a finding.
    pub fn verify(&self, progress: &dyn Progress) -> Result<Verification> {
        let mut report = self.verify_all(progress)?;
        for finding in &mut report.findings {
            finding.ids.truncate(FINDING_IDS_MAX);
        }
        Ok(report)
    }

    /// Like [`Self::verify`], and names every chunk that a finding is about, not only the first hundred.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_all(&self, progress: &dyn Progress) -> Result<Verification> {
        Ok(self.backend().verify(progress)?)
    }

    /// Embeds the chunks that came in while the model could not be reached, and those that only another model has
    /// embedded; [`Self::index`] and [`Self::rebuild`] do the same. Vectors of another model stay, for whoever opens
    /// the store with it.
    ///
    /// Until then such a chunk is found by its words, and coverage counts it as `vector_pending`. Any number of
    /// processes may call this at once, and a call that was killed is gone on with by the next one.
    ///
    /// # Errors
    /// [`crate::Error::Embed`] when the model gives no vectors; [`crate::Error::Store`]. What was filled before stays.
    ///
    /// # Durability
    /// The vectors are on the disk, and searched, when this returns.
    pub fn fill_vectors(&self, progress: &dyn Progress) -> Result<FilledVectors> {
        ingest::fill_vectors(&self.line(), progress)
    }

    /// Makes indexes anew from the store, and returns the names of those that were made. No text that has its vector is
    /// embedded again, and searches go on meanwhile. An index whose making the observer stops is not among them and is
    /// as before.
    ///
    /// # Errors
    /// [`crate::Error::Store`]; the indexes are then as before, and a further call goes on where this one ended.
    pub fn rebuild(&self, which: Derived, progress: &dyn Progress) -> Result<Vec<String>> {
        if which != Derived::Text {
            match self.fill_vectors(progress) {
                // The index can be made of the vectors that are there; the others wait on, as coverage tells.
                Ok(_) | Err(Error::Embed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.backend().rebuild(which, progress)?)
    }

    /// Brings the indexes up to date when rows that they have not seen make searches slow, or when they are damaged.
    ///
    /// Worth a call after writing or searching, when nobody waits. Once a minute it also compares a small part of
    /// the store with its hashes (see [`Self::scrub`]).
    ///
    /// # Errors
    /// [`crate::Error::Store`]; searches are as complete as before.
    pub fn maintain(&self) -> Result<CatchUp> {
        let caught_up = self.backend().catch_up(Effort::WhenDue)?;
        // What it finds is told by `status` and by every answer; a store that cannot be read tells so itself.
        drop(self.backend().scrub(Effort::WhenDue, SCRUB_TIME));
        Ok(caught_up)
    }

    /// Gives back memory that is only kept to answer the next question faster: the page caches of connections that are
    /// not in use, and pages of the indexes. For a process that rests: the next question reads them again.
    pub fn release_memory(&self) {
        self.backend().release_memory();
    }

    /// Compares a part of what [`Self::verify`] compares, for about `time`, going on where the last part ended, in
    /// this process or another.
    ///
    /// What it and those before it have found is in the report, in [`Self::status`], and among the warnings of every
    /// answer, until those rows are sound when they are come by again.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when the store cannot be read at all; damage is a finding.
    pub fn scrub(&self, time: Duration) -> Result<Scrubbed> {
        let mut report = self.backend().scrub(Effort::Now, time)?;
        for finding in &mut report.findings {
            finding.ids.truncate(FINDING_IDS_MAX);
        }
        Ok(report)
    }
}
