//! What every error of the house can answer, and in which words.

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// At once: the cause passes by itself.
    Now,
    /// After the remedy in the hint, or after some time.
    After,
    /// Never: the same call fails again.
    Never,
}

impl Retry {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::After => "after",
            Self::Never => "never",
        }
    }
}

/// An error that says what kind it is, where it happened, whether to retry and what to do.
pub trait Fault: std::error::Error {
    /// Returns the stable name of the kind of error, in snake case.
    fn kind(&self) -> &'static str;

    /// Returns the path, id or field that the error is about.
    fn place(&self) -> Option<String> {
        None
    }

    /// Returns whether trying again can help.
    fn retry(&self) -> Retry;

    /// Returns what the user shall do.
    fn hint(&self) -> Option<String> {
        None
    }
}
