//! What a handle is opened with. The library reads no environment and no home folder.

use std::sync::Arc;
use std::time::Duration;

use steadfast_embed::{Embed, EmbedError, StaticModel};
use steadfast_index::Analyzer;
use steadfast_model::{Clock, Metadata, Namespace, Timestamp};
use steadfast_store::files::{Disk, SystemDisk};
use steadfast_store::{Connections, Journal, OpenOptions};

/// How a store is opened.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), steadfast::Error> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let memory = steadfast::Memory::options().create(true).actor("my-agent").open(folder.path().join("store"))?;
/// assert_eq!(memory.status()?.chunks, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) create: bool,
    pub(crate) journal: Journal,
    pub(crate) patience: Duration,
    pub(crate) actor: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) embed: Arc<dyn Embed>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) connections: Connections,
    pub(crate) redaction: Redaction,
    pub(crate) rules: Vec<Rule>,
}

/// What is taken out of texts before anything is written.
///
/// # Examples
/// ```
/// use steadfast::config::{Redaction, RedactionRule};
///
/// let mut redaction = Redaction::default();
/// redaction.rules.push(RedactionRule::new("badge", r"\bBADGE-[0-9]{8}\b"));
/// redaction.allow.push("^BADGE-0{8}$".to_owned());
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("store");
/// let memory = steadfast::Memory::options().create(true).redaction(redaction).open(&path)?;
/// let kept = memory.remember(&steadfast::Note::new("Mine is BADGE-20417733."))?;
/// assert_eq!(kept.redactions, 1);
/// # Ok::<(), steadfast::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redaction {
    /// Whether secrets are taken out at all; they are, unless this is false.
    pub enabled: bool,
    /// Further rules; they come before those built in.
    pub rules: Vec<RedactionRule>,
    /// Expressions of what is never taken out: they are tried on the text that a rule takes for a secret.
    pub allow: Vec<String>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            enabled: true,
            rules: Vec::new(),
            allow: Vec::new(),
        }
    }
}

/// A rule of the user's for what is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactionRule {
    /// The place of a secret reads `[redacted:KIND]`; lower-case letters, digits and underscores.
    pub kind: String,
    /// An expression in the syntax of the `regex` crate. Its first group is the secret, else the whole match.
    pub pattern: String,
}

impl RedactionRule {
    /// Returns a rule.
    pub fn new(kind: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            pattern: pattern.into(),
        }
    }
}

/// What files are given by the folder that they lie in.
///
/// # Examples
/// ```
/// use steadfast::config::Rule;
///
/// let mut rule = Rule::new("**/journal");
/// rule.tags.push("diary".to_owned());
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let journal = folder.path().join("journal");
/// # std::fs::create_dir(&journal).expect("a folder");
/// # std::fs::write(journal.join("monday.md"), "It rained.").expect("a file");
/// # let path = folder.path().join("store");
/// let memory = steadfast::Memory::options().create(true).rules(vec![rule]).open(&path)?;
/// memory.index(&[journal], &Default::default(), &steadfast::Silent)?;
/// assert_eq!(memory.tags()?, [("diary".to_owned(), 1)]);
/// # Ok::<(), steadfast::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The folder, or a glob of folders or files; from the root of the file system on, or beginning with `**/`.
    pub folder: String,
    /// The namespace, where neither the call nor an earlier one says another.
    pub namespace: Option<Namespace>,
    /// Tags for every chunk.
    pub tags: Vec<String>,
    /// Metadata for every chunk, where the file does not say otherwise: texts, numbers, true and false.
    pub meta: Metadata,
}

impl Rule {
    /// Returns a rule that gives nothing yet.
    pub fn new(folder: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            namespace: None,
            tags: Vec::new(),
            meta: Metadata::new(),
        }
    }
}

/// How long a writer waits for the writers before it.
const PATIENCE: Duration = Duration::from_secs(30);

impl Default for Options {
    fn default() -> Self {
        Self {
            create: false,
            journal: Journal::Auto,
            patience: PATIENCE,
            actor: "library".to_owned(),
            clock: Arc::new(SystemClock),
            embed: Arc::new(BuiltIn),
            disk: Arc::new(SystemDisk),
            connections: Connections::default(),
            redaction: Redaction::default(),
            rules: Vec::new(),
        }
    }
}

impl Options {
    /// Creates the store when there is none.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Asks for a journal; a store in another one is converted when nobody else has it open.
    #[must_use]
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = journal;
        self
    }

    /// Sets how long a writer waits for the writers before it; 30 seconds otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets who is named in the log.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Sets whose connections are used; those of the other handles that this process has on the store otherwise.
    #[must_use]
    pub fn connections(mut self, connections: Connections) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the clock, for tests and replays.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what is taken out of texts before anything is written; secrets by the built-in rules otherwise.
    ///
    /// An expression that cannot be used is an error of [`Options::open`].
    #[must_use]
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Sets what files are given by the folder that they lie in.
    ///
    /// All rules that hold for a file count: their tags are joined, and of a namespace or a key of metadata the first
    /// rule that gives one decides. A change of them is noticed by the next [`crate::Memory::index`], also where no
    /// file has changed. A rule that cannot be used is an error of [`Options::open`].
    #[must_use]
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = rules;
        self
    }

    /// Sets the model; the one inside the library otherwise.
    #[must_use]
    pub fn embed(mut self, embed: Arc<dyn Embed>) -> Self {
        self.embed = embed;
        self
    }

    /// Sets the disk that the store lies on, for tests that make it fail; the system's own otherwise.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }
}

impl Options {
    /// Returns the options as the store takes them.
    pub(crate) fn to_open_options(&self) -> OpenOptions {
        OpenOptions {
            create: self.create,
            journal: self.journal,
            analyze: Arc::new(Analyzer),
            model: self.embed.model().clone(),
            clock: Arc::clone(&self.clock),
            patience: self.patience,
            disk: Arc::clone(&self.disk),
            connections: self.connections,
        }
    }
}

/// The clock of the system.
#[derive(Clone, Copy, Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock that everybody else is given"
        )]
        let now = std::time::SystemTime::now();
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The model inside the library, behind the trait.
#[derive(Clone, Copy, Debug)]
struct BuiltIn;

impl Embed for BuiltIn {
    fn model(&self) -> &steadfast_model::ModelId {
        StaticModel::built_in().model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<steadfast_model::Vector>, EmbedError> {
        StaticModel::built_in().embed(texts)
    }
}
