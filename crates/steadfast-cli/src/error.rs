//! What the program can fail with, and how that is told in words and in JSON.

use std::io;

use serde_json::Value;
use steadfast::model::{Fault, Retry};

use crate::exit::Exit;
use crate::output::json;

/// A command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library failed.
    Library(steadfast::Error),
    /// The parser of arguments refused the call, or was asked for help.
    Arguments(Box<clap::Error>),
    /// Something of the program's own.
    Trouble(Box<Trouble>),
    /// Whoever read the output went away, which is no error.
    BrokenPipe,
}

/// An error of the program's own.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// The stable name of the kind.
    pub(crate) kind: &'static str,
    /// What failed.
    pub(crate) message: String,
    /// Where.
    pub(crate) place: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self::Trouble(Box::new(Trouble {
            kind,
            message: message.into(),
            place: None,
            hint: None,
        }))
    }

    /// Says where it failed, unless that is known better already.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        if let Self::Trouble(trouble) = &mut self {
            trouble.place.get_or_insert_with(|| place.into());
        }
        self
    }

    /// Says what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Trouble(trouble) = &mut self {
            trouble.hint = Some(hint.into());
        }
        self
    }

    /// Returns an error of the library as one about a flag or a key.
    pub(crate) fn about(place: &str, error: impl Into<steadfast::Error>) -> Self {
        let error = error.into();
        Self::Trouble(Box::new(Trouble {
            kind: error.kind(),
            message: error.to_string(),
            place: error.place().or_else(|| Some(place.to_owned())),
            hint: error.hint(),
        }))
    }

    /// Returns a failure to write the output.
    pub(crate) fn output(error: &io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, QuotaExceeded, StorageFull};
        if error.kind() == BrokenPipe {
            return Self::BrokenPipe;
        }
        let is_full = matches!(error.kind(), StorageFull | QuotaExceeded);
        let kind = if is_full { "disk_full" } else { "output" };
        Self::new(kind, format!("the output cannot be written: {error}"))
    }

    /// Returns the code to end with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::BrokenPipe => Exit::Done,
            Self::Arguments(error) if !error.use_stderr() => Exit::Done,
            Self::Arguments(_) => Exit::Usage,
            Self::Library(error) => Exit::of_kind(error.kind()),
            Self::Trouble(trouble) => Exit::of_kind(trouble.kind),
        }
    }

    /// Returns the failure as the object that programs read.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::BrokenPipe => Value::Null,
            Self::Arguments(error) => {
                let (message, hint) = words(error);
                json::error("usage", &message, None, Retry::Never, hint.as_deref())
            }
            Self::Library(error) => json::library_error(error),
            Self::Trouble(trouble) => {
                let (place, hint) = (trouble.place.as_deref(), trouble.hint.as_deref());
                // What is in use by another is free later.
                let retry = if trouble.kind == "busy" {
                    Retry::After
                } else {
                    Retry::Never
                };
                json::error(trouble.kind, &trouble.message, place, retry, hint)
            }
        }
    }

    /// Returns the failure in lines for people; nothing for one that is none.
    pub(crate) fn to_lines(&self) -> Vec<String> {
        let hint = |hint: Option<String>| hint.map(|hint| format!("hint: {hint}"));
        match self {
            Self::BrokenPipe => Vec::new(),
            Self::Arguments(error) => error
                .render()
                .to_string()
                .lines()
                .map(str::to_owned)
                .collect(),
            Self::Library(error) => {
                let mut lines = vec![format!("error: {error}")];
                lines.extend(json::causes(error).map(|cause| format!("  cause: {cause}")));
                lines.extend(hint(error.hint()));
                lines
            }
            Self::Trouble(trouble) => {
                let place = trouble
                    .place
                    .as_ref()
                    .filter(|place| !trouble.message.contains(place.as_str()));
                let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
                let mut lines = vec![format!("error: {place}{}", trouble.message)];
                lines.extend(hint(trouble.hint.clone()));
                lines
            }
        }
    }
}

/// Returns the object for a mistake of ours.
pub(crate) fn bug(message: &str) -> Value {
    json::error("internal", message, None, Retry::Never, Some(BUG_HINT))
}

/// What to do about a mistake of ours.
pub(crate) const BUG_HINT: &str = "please report this, with the command that shows it";

/// Returns what the parser of arguments has to say, without usage lines, and its tip.
fn words(error: &clap::Error) -> (String, Option<String>) {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let tip = paragraphs.find_map(|paragraph| paragraph.trim().strip_prefix("tip: "));
    (message, Some(tip.unwrap_or("see --help").to_owned()))
}

impl From<steadfast::Error> for Failure {
    fn from(error: steadfast::Error) -> Self {
        Self::Library(error)
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(Box::new(error))
    }
}
