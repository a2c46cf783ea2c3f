//! Why a source was left out.

use std::fmt;
use std::io;

/// Why a source was left out of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is not text.
    Binary,
    /// It is larger than the limit.
    TooLarge,
    /// The system would not let it be read.
    Unreadable,
    /// It changed each time it was read.
    Changing,
    /// It went away between being found and being read.
    Vanished,
    /// Globs, an ignore file, or its hidden name leave it out by now.
    LeftOut,
    /// It is a pipe, a socket or a device.
    NotAFile,
    /// It is a symbolic link to a place outside the folder that was walked.
    Symlink,
    /// It is a symbolic link to nothing, or to itself.
    SymlinkBroken,
    /// Its name is not UTF-8 and reads like the name of another file.
    Name,
    /// It belongs to a store of Steadfast.
    Store,
    /// It is not the kind of document that its name says, is damaged, or is locked.
    Malformed,
    /// It is a document without text, such as pictures of pages.
    NoText,
    /// It is a document of a kind that this build cannot read, for it lacks the feature `documents`.
    NeedsDocuments,
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [Self; 14] = [
        Self::Binary,
        Self::TooLarge,
        Self::Unreadable,
        Self::Changing,
        Self::Vanished,
        Self::LeftOut,
        Self::NotAFile,
        Self::Symlink,
        Self::SymlinkBroken,
        Self::Name,
        Self::Store,
        Self::Malformed,
        Self::NoText,
        Self::NeedsDocuments,
    ];

    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::Changing => "changing",
            Self::Vanished => "vanished",
            Self::LeftOut => "left_out",
            Self::NotAFile => "not_a_file",
            Self::Symlink => "symlink",
            Self::SymlinkBroken => "symlink_broken",
            Self::Name => "name",
            Self::Store => "store",
            Self::Malformed => "malformed",
            Self::NoText => "no_text",
            Self::NeedsDocuments => "needs_feature_documents",
        }
    }

    /// Returns whether the same source may well be readable at the next try.
    ///
    /// Chunks that a source already has are then out of date, not wrong: they stay.
    pub fn is_passing(self) -> bool {
        match self {
            Self::Unreadable | Self::Changing | Self::Vanished => true,
            Self::Binary
            | Self::TooLarge
            | Self::LeftOut
            | Self::NotAFile
            | Self::Symlink
            | Self::SymlinkBroken
            | Self::Name
            | Self::Store
            | Self::Malformed
            | Self::NoText
            | Self::NeedsDocuments => false,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "it is not text",
            Self::TooLarge => "it is larger than the limit",
            Self::Unreadable => "it could not be read",
            Self::Changing => "it changed each time it was read",
            Self::Vanished => "it went away before it was read",
            Self::LeftOut => "globs, an ignore file or its hidden name leave it out",
            Self::NotAFile => "it is a pipe, a socket or a device",
            Self::Symlink => "it is a symbolic link that leads out of the folder",
            Self::SymlinkBroken => "it is a symbolic link to nothing",
            Self::Name => "its name is not UTF-8 and reads like the name of another file",
            Self::Store => "it belongs to a store of Steadfast",
            Self::Malformed => "it is damaged, locked, or not the kind of document its name says",
            Self::NoText => "it is a document without text, such as pictures of pages, or a page of scripts alone",
            Self::NeedsDocuments => {
                "this build cannot read such documents: it lacks the feature `documents`"
            }
        })
    }
}

/// Returns what the system said, in words that do not depend on the language of the system.
pub(crate) fn io_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{} (os error {code})", error.kind()),
        None => error.kind().to_string(),
    }
}
