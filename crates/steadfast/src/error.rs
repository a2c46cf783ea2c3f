//! The errors of the library: what failed, where, whether to retry, what to do.

mod collection;

use std::path::PathBuf;

use steadfast_embed::EmbedError;
use steadfast_model::filter::FilterError;
use steadfast_model::{ExpressionError, Fault, IdError, Refusal, Retry, Seq, TimeError};
use steadfast_store::{StoreError, UndoRefusal};

pub use collection::CollectionError;

/// An operation of [`crate::Memory`] failed. Nothing of it happened, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embedder failed.
    #[error("the embedder failed: {0}")]
    Embed(#[from] EmbedError),
    /// A path to index does not exist; nothing was indexed.
    #[error("there is nothing at {}", .path.display())]
    PathNotFound {
        /// The path.
        path: PathBuf,
    },
    /// A path to index cannot be read; nothing was indexed.
    #[error("{} cannot be read: {what}", .path.display())]
    PathUnreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// A filter is malformed.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A metadata filter is malformed or uses an operator that does not exist.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// An id or a namespace is malformed.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A time is malformed.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// No chunk has this id.
    #[error("no chunk has the id `{0}`")]
    ChunkNotFound(String),
    /// No chunk has this tag, or no source is in this namespace.
    #[error("nothing is called `{0}`")]
    NameNotFound(String),
    /// The cursor is not one that this question returned.
    #[error("the cursor does not belong to this question")]
    InvalidCursor,
    /// The change was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What is to be imported is of no kind that is known, or not of the kind that was asked for.
    #[error("{} is not {}", .path.display(), .wanted.map_or("a store or log that can be imported".to_owned(), |kind| format!("a {kind} store")))]
    UnknownFormat {
        /// The path.
        path: PathBuf,
        /// The kind that was asked for, if one was.
        wanted: Option<&'static str>,
    },
    /// A bundle was cut or altered; nothing of it was taken.
    #[error("the bundle at {} is damaged: {what}", .path.display())]
    BundleDamaged {
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A bundle was written by a newer version; nothing of it was taken.
    #[error("the bundle at {} has version {found}; this version reads versions up to {known}", .path.display())]
    BundleTooNew {
        /// The bundle.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version that is read.
        known: u64,
    },
    /// A server cannot be reached, or stopped answering; nothing of it was taken.
    #[error("the server at {url} cannot be reached: {what}")]
    ServerUnreachable {
        /// Its address.
        url: String,
        /// What the system said.
        what: String,
    },
    /// A server does not give what it was asked for; nothing of it was taken.
    #[error("the server at {url} refuses with status {status}: {what}")]
    ServerRefused {
        /// Its address.
        url: String,
        /// The status of its answer.
        status: u16,
        /// Its own words.
        what: String,
    },
    /// A server answers what the server that was expected there would not; nothing of it was taken.
    #[error("the server at {url} does not answer as expected: {what}")]
    ServerMalformed {
        /// Its address.
        url: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// Another process has the palace open; it was not touched.
    #[error("the palace at {} is open in {}", .path.display(), in_processes(.processes))]
    PalaceInUse {
        /// The folder of the palace.
        path: PathBuf,
        /// The processes, as far as the system tells.
        processes: Vec<u32>,
    },
    /// Nothing was selected to forget.
    #[error("forget needs at least one id, source, namespace or tag")]
    NothingSelected,
    /// There is no text to remember.
    #[error("there is no text to remember")]
    EmptyText,
    /// A rule or an exception for taking out secrets cannot be used.
    #[error("the redaction rule `{rule}` cannot be used: {what}")]
    InvalidRedaction {
        /// The kind of the rule; `allow` for an exception.
        rule: String,
        /// What is wrong with it.
        what: String,
    },
    /// A rule for files cannot be used.
    #[error("rule {number}, for the folder `{folder}`, cannot be used: {what}")]
    InvalidRule {
        /// Its place among the rules, from 1.
        number: usize,
        /// The folder or glob that it names.
        folder: String,
        /// What is wrong with it.
        what: String,
    },
    /// A call on a collection failed before it did anything.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// There is something at the path already; it was not touched.
    #[error("there is something at {} already", .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A folder that must be new or empty is neither; it was not touched.
    #[error("the folder {} is not empty", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A commit cannot be taken back; nothing was changed.
    #[error(transparent)]
    Undo(#[from] UndoRefusal),
    /// The history of this moment was let go of.
    #[error("what the store held after commit {} was let go of; its history is kept from commit {} on", .asked.0, .kept_from.0)]
    HistoryPruned {
        /// The commit that was asked for.
        asked: Seq,
        /// The first commit that can be asked for.
        kept_from: Seq,
    },
    /// A name or value of a request is malformed.
    #[error("{what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
    },
}

/// Names processes.
fn in_processes(processes: &[u32]) -> String {
    match processes {
        [] => "another process".to_owned(),
        [one] => format!("process {one}"),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!("processes {}", names.join(", "))
        }
    }
}

impl Fault for Error {
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::InvalidRedaction { .. }
            | Self::InvalidRule { .. }
            | Self::Embed(EmbedError::Unusable { .. }) => "invalid_config",
            Self::Embed(_) => "embedder",
            Self::PathNotFound { .. } => "path_not_found",
            Self::PathUnreadable { .. } => "permission",
            Self::Expression(
                ExpressionError::UnknownOperator(_) | ExpressionError::UnknownTextOperator(_),
            ) => "unsupported_filter",
            Self::Filter(_) | Self::Expression(_) => "invalid_filter",
            Self::Id(_) => "invalid_id",
            Self::Time(_) => "invalid_time",
            Self::ChunkNotFound(_) => "chunk_not_found",
            Self::NameNotFound(_) => "name_not_found",
            Self::InvalidCursor => "invalid_cursor",
            Self::Refused(Refusal::IdempotencyConflict { .. }) => "idempotency_conflict",
            Self::Refused(_) => "forgotten",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::BundleDamaged { .. } => "damaged",
            Self::BundleTooNew { .. } => "bundle_too_new",
            Self::ServerUnreachable { .. } => "server_unreachable",
            Self::ServerRefused { .. } => "server_refused",
            Self::ServerMalformed { .. } => "server_malformed",
            Self::PalaceInUse { .. } => "busy",
            Self::NothingSelected => "nothing_selected",
            Self::EmptyText => "empty_text",
            Self::Collection(error) => error.kind(),
            Self::Exists { .. } => "path_exists",
            Self::NotEmpty { .. } => "not_empty",
            Self::Undo(UndoRefusal::NoSuchCommit(_)) => "commit_not_found",
            Self::Undo(UndoRefusal::ChangedSince(_)) => "undo_conflict",
            Self::Undo(UndoRefusal::Pruned(_)) | Self::HistoryPruned { .. } => "history_pruned",
            Self::Undo(_) => "nothing_to_undo",
            Self::Invalid { .. } => "invalid_input",
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.place(),
            Self::Collection(error) => error.place(),
            Self::PathNotFound { path }
            | Self::PathUnreadable { path, .. }
            | Self::Exists { path }
            | Self::NotEmpty { path }
            | Self::BundleDamaged { path, .. }
            | Self::BundleTooNew { path, .. }
            | Self::PalaceInUse { path, .. }
            | Self::UnknownFormat { path, .. } => Some(path.display().to_string()),
            Self::ServerUnreachable { url, .. }
            | Self::ServerRefused { url, .. }
            | Self::ServerMalformed { url, .. } => Some(url.clone()),
            Self::ChunkNotFound(name) | Self::NameNotFound(name) => Some(name.clone()),
            Self::Embed(EmbedError::Unusable { place, .. }) => Some(place.clone()),
            Self::InvalidRedaction { rule, .. } => Some(rule.clone()),
            Self::InvalidRule { number, .. } => Some(format!("rules[{number}]")),
            Self::Embed(_)
            | Self::Filter(_)
            | Self::Expression(_)
            | Self::Id(_)
            | Self::Time(_)
            | Self::InvalidCursor
            | Self::Refused(_)
            | Self::NothingSelected
            | Self::EmptyText
            | Self::Undo(_)
            | Self::HistoryPruned { .. }
            | Self::Invalid { .. } => None,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Store(error) => error.retry(),
            Self::Collection(error) => error.retry(),
            Self::Embed(_)
            | Self::PathUnreadable { .. }
            | Self::PathNotFound { .. }
            | Self::ServerUnreachable { .. }
            | Self::PalaceInUse { .. } => Retry::After,
            // A server that is too busy or has a fault of its own may answer later.
            Self::ServerRefused { status, .. } if *status == 429 || *status >= 500 => Retry::After,
            Self::Filter(_)
            | Self::Expression(_)
            | Self::Id(_)
            | Self::Time(_)
            | Self::ChunkNotFound(_)
            | Self::NameNotFound(_)
            | Self::InvalidCursor
            | Self::Refused(_)
            | Self::UnknownFormat { .. }
            | Self::BundleDamaged { .. }
            | Self::BundleTooNew { .. }
            | Self::ServerRefused { .. }
            | Self::ServerMalformed { .. }
            | Self::NothingSelected
            | Self::EmptyText
            | Self::InvalidRedaction { .. }
            | Self::InvalidRule { .. }
            | Self::Exists { .. }
            | Self::NotEmpty { .. }
            | Self::Undo(_)
            | Self::HistoryPruned { .. }
            | Self::Invalid { .. } => Retry::Never,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Collection(error) => return error.hint(),
            Self::PathNotFound { .. } => "check the spelling; nothing was indexed",
            Self::PathUnreadable { .. } => "give your user access to the path; nothing was indexed",
            Self::ChunkNotFound(_) => "ids come from search, list and remember of this store",
            Self::NameNotFound(_) => "`steadfast tags` and `steadfast namespaces` list the names",
            Self::InvalidCursor => {
                "use the cursor with the same question and filters, or start again without it"
            }
            Self::Refused(Refusal::IdempotencyConflict { .. }) => "use a new key for a new text",
            Self::Refused(_) => "index it again with --force",
            Self::UnknownFormat { .. } => {
                "give the database file or the folder that holds it; --from says what it is"
            }
            Self::BundleDamaged { .. } => {
                "nothing of it was taken: copy it again from where it came from, or export anew"
            }
            Self::BundleTooNew { .. } => "nothing of it was taken: use the version that wrote it",
            Self::ServerUnreachable { .. } => {
                "nothing of it was taken: start it (`chroma run --path FOLDER`), or import its folder"
            }
            Self::ServerRefused { .. } => {
                "nothing of it was taken: check --tenant and --database, or import its folder"
            }
            Self::ServerMalformed { .. } => {
                "nothing of it was taken: give the address of a Chroma server (0.6 or later)"
            }
            Self::NothingSelected => "give ids, or --source, --namespace or --tag",
            Self::PalaceInUse { .. } => {
                "close what uses it, such as MemPalace or an agent with its server; --force acts all the same"
            }
            Self::Exists { .. } => "nothing is ever overwritten: give another name",
            Self::NotEmpty { .. } => "give a folder that does not exist, or an empty one",
            Self::Undo(UndoRefusal::RenamedOfRoots(_)) => "steadfast tags rename NEW OLD",
            Self::Undo(UndoRefusal::ChangedSince(_)) => {
                "undo those first, the newest before the others"
            }
            Self::HistoryPruned { .. } => {
                "ask for a later moment; backups from before still have this one"
            }
            Self::Undo(UndoRefusal::Pruned(_)) => "backups from before still have it",
            Self::Undo(UndoRefusal::NoSuchCommit(_)) => "steadfast log shows the commits",
            Self::Embed(EmbedError::Unusable { .. }) => {
                "give a folder with model.safetensors and tokenizer.json of all-MiniLM-L6-v2, or unset embed.model"
            }
            Self::Expression(_) => "write filters like {\"year\": {\"$gte\": 2024}}",
            Self::InvalidRedaction { .. } => {
                "write the pattern in the syntax of the regex crate, without look-around and back-references"
            }
            Self::InvalidRule { .. } => {
                "write rules like {folder = \"/home/me/notes\", namespace = \"private\", tags = [\"diary\"]}"
            }
            Self::Embed(_)
            | Self::Filter(_)
            | Self::Id(_)
            | Self::Time(_)
            | Self::EmptyText
            | Self::Undo(_)
            | Self::Invalid { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
