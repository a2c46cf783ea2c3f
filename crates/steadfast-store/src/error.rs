//! The errors of the ground state: what failed, where, whether to retry, what to do.

use std::path::{Path, PathBuf};

use steadfast_model::{Fault, FilterError, Namespace, Retry};

/// An operation on a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store there, and none was to be created.
    #[error("there is no store at {}", .path.display())]
    NotFound {
        /// The store folder.
        path: PathBuf,
    },
    /// Another process holds the store and did not let go in time.
    #[error("{what} is held by another process: waited {waited_ms} ms")]
    Busy {
        /// What is held.
        what: String,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The store was written by a newer version; not a byte of it was changed.
    #[error("the store at {} has schema {found}; this version knows schemas up to {known}", .path.display())]
    TooNew {
        /// The store folder.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this version knows.
        known: i64,
    },
    /// The file is not a store, or the bytes in it are wrong.
    #[error("the store at {} is damaged: {what}", .path.display())]
    Damaged {
        /// The store folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The store, or the system it lies on, can only be read.
    #[error("the store at {} cannot be written: {what}", .path.display())]
    ReadOnly {
        /// The store folder.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The disk is full.
    #[error("the disk that holds {} is full", .path.display())]
    DiskFull {
        /// The store folder.
        path: PathBuf,
    },
    /// The system refused access.
    #[error("no permission for {}: {what}", .path.display())]
    Permission {
        /// The path.
        path: PathBuf,
        /// What was tried.
        what: String,
    },
    /// The process has too many open files.
    #[error("too many open files, while opening {}", .path.display())]
    TooManyOpenFiles {
        /// The path.
        path: PathBuf,
    },
    /// The disk failed.
    #[error("input or output failed on {}: {what}", .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// An earlier write failed in a way that leaves its fate open; the handle must be opened anew.
    #[error("this handle is closed after a failed write: {what}")]
    Poisoned {
        /// What had failed.
        what: String,
    },
    /// The store has used up its rows.
    #[error("the store has used all {} rows that it can ever hold", u32::MAX)]
    Full,
    /// The caller's data cannot be stored.
    #[error("{what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
    },
    /// The backend cannot do this.
    #[error("this backend does not support {0}")]
    Unsupported(&'static str),
    /// A filter is malformed.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A namespace in the store is malformed: rot, or a foreign hand.
    #[error("the store holds a malformed namespace `{0}`")]
    MalformedNamespace(String),
    /// A mistake of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

impl StoreError {
    /// Returns the error for a failed operation on a file of the store.
    pub fn from_io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.to_owned();
        let what = error.to_string();
        match (error.kind(), error.raw_os_error()) {
            (ErrorKind::NotFound, _) => Self::NotFound { path },
            (ErrorKind::PermissionDenied, _) => Self::Permission { path, what },
            (ErrorKind::StorageFull | ErrorKind::QuotaExceeded, _) => Self::DiskFull { path },
            (ErrorKind::ReadOnlyFilesystem, _) => Self::ReadOnly { path, what },
            // EMFILE and ENFILE have no kind of their own.
            (_, Some(23 | 24)) if cfg!(unix) => Self::TooManyOpenFiles { path },
            (_, Some(4)) if cfg!(windows) => Self::TooManyOpenFiles { path },
            _ => Self::Io { path, what },
        }
    }

    /// Reads a namespace that was stored.
    pub(crate) fn namespace(name: String) -> Result<Namespace, Self> {
        Namespace::new(name.clone()).map_err(|_| Self::MalformedNamespace(name))
    }
}

impl Fault for StoreError {
    fn kind(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "store_not_found",
            Self::Busy { .. } => "busy",
            Self::TooNew { .. } => "schema_too_new",
            Self::Damaged { .. } | Self::MalformedNamespace(_) => "damaged",
            Self::ReadOnly { .. } => "read_only",
            Self::DiskFull { .. } => "disk_full",
            Self::Permission { .. } => "permission",
            Self::TooManyOpenFiles { .. } => "too_many_open_files",
            Self::Io { .. } => "io",
            Self::Poisoned { .. } => "poisoned",
            Self::Full => "store_full",
            Self::Invalid { .. } => "invalid_input",
            Self::Unsupported(_) => "unsupported",
            Self::Filter(_) => "invalid_filter",
            Self::Internal(_) => "internal",
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::NotFound { path }
            | Self::TooNew { path, .. }
            | Self::Damaged { path, .. }
            | Self::ReadOnly { path, .. }
            | Self::DiskFull { path }
            | Self::Permission { path, .. }
            | Self::TooManyOpenFiles { path }
            | Self::Io { path, .. } => Some(path.display().to_string()),
            Self::Busy { what, .. } => Some(what.clone()),
            Self::Poisoned { .. }
            | Self::Full
            | Self::Invalid { .. }
            | Self::Unsupported(_)
            | Self::Filter(_)
            | Self::MalformedNamespace(_)
            | Self::Internal(_) => None,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Busy { .. } => Retry::Now,
            Self::DiskFull { .. }
            | Self::TooManyOpenFiles { .. }
            | Self::Io { .. }
            | Self::Poisoned { .. }
            | Self::Permission { .. }
            | Self::ReadOnly { .. }
            | Self::TooNew { .. }
            | Self::NotFound { .. } => Retry::After,
            Self::Damaged { .. }
            | Self::MalformedNamespace(_)
            | Self::Full
            | Self::Invalid { .. }
            | Self::Unsupported(_)
            | Self::Filter(_)
            | Self::Internal(_) => Retry::Never,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { .. } => {
                "index a folder or remember a note to create it, or name another with --store"
            }
            Self::Busy { .. } => {
                "try again; if it stays so, look for a process that hangs while it writes"
            }
            Self::TooNew { .. } => {
                "use the newer version of steadfast; this one has changed nothing"
            }
            Self::Damaged { .. } | Self::MalformedNamespace(_) => {
                "keep the files as they are, and run `steadfast doctor`, which says what can be saved; or restore a backup"
            }
            Self::ReadOnly { .. } => {
                "searching works; to write, make the folder and its files writable"
            }
            Self::DiskFull { .. } => "free some space; nothing that was acknowledged is lost",
            Self::Permission { .. } => {
                "give your user access to the path, or name another with --store"
            }
            Self::TooManyOpenFiles { .. } => "close programs or raise the limit (ulimit -n)",
            Self::Io { .. } => "check the disk and its connection, then try again",
            Self::Poisoned { .. } => "open the store again; what was acknowledged before is safe",
            Self::Full => "start a new store for new memories",
            Self::Invalid { .. } | Self::Filter(_) | Self::Unsupported(_) => return None,
            Self::Internal(_) => "please report this, with the command that shows it",
        };
        Some(hint.to_owned())
    }
}
