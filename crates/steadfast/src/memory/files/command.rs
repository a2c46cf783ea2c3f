//! What can be asked of the files, and in which words it is refused.

use serde_json::Value;
use steadfast_model::{Fault, Metadata, Retry};

use super::FILES_MAX;
use crate::error::Error;

/// A command of the memory tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileCommand {
    /// Show a file with line numbers, or what is in a folder.
    View {
        /// The file or folder.
        path: String,
        /// The first and the last line, from 1; a last line of -1 is the end.
        range: Option<(i64, i64)>,
    },
    /// Make a new file.
    Create {
        /// The file.
        path: String,
        /// What it holds.
        text: String,
    },
    /// Put a text in the place of one that is in the file once.
    Replace {
        /// The file.
        path: String,
        /// The text that is there.
        old: String,
        /// The text instead.
        new: String,
    },
    /// Put a text behind a line.
    Insert {
        /// The file.
        path: String,
        /// The line; 0 is before the first.
        line: i64,
        /// The text.
        text: String,
    },
    /// Take a file, or a folder with all that is in it, out of the live memory; it stays in the history.
    Delete {
        /// The file or folder.
        path: String,
    },
    /// Give a file or folder another path.
    Rename {
        /// The path that it has.
        from: String,
        /// The path that it gets.
        to: String,
    },
}

impl FileCommand {
    /// Reads the input of a call of the tool, as a model writes it.
    ///
    /// # Errors
    /// [`FileRefusal::Command`] for a command that there is not, and for parameters that it does not have.
    pub fn read(input: &Metadata) -> Result<Self, FileRefusal> {
        let mut input = Input {
            left: input.clone(),
        };
        let name = input.text("command")?;
        let command = match name.as_str() {
            "view" => Self::View {
                path: input.text("path")?,
                range: input.range("view_range")?,
            },
            "create" => Self::Create {
                path: input.text("path")?,
                text: input.text("file_text")?,
            },
            "str_replace" => Self::Replace {
                path: input.text("path")?,
                old: input.text("old_str")?,
                new: input.text_or_none("new_str")?.unwrap_or_default(),
            },
            "insert" => Self::Insert {
                path: input.text("path")?,
                line: input.number("insert_line")?,
                text: input.text("insert_text")?,
            },
            "delete" => Self::Delete {
                path: input.text("path")?,
            },
            "rename" => Self::Rename {
                from: input.text("old_path")?,
                to: input.text("new_path")?,
            },
            _ => {
                let what = "the commands are view, create, str_replace, insert, delete and rename";
                return Err(refused(what.to_owned()));
            }
        };
        match input.left.keys().next() {
            None => Ok(command),
            Some(other) => Err(refused(format!("`{name}` has no parameter `{other}`"))),
        }
    }
}

/// The parameters that are not taken yet.
struct Input {
    left: Metadata,
}

impl Input {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<String, FileRefusal> {
        self.text_or_none(name)?
            .ok_or_else(|| refused(format!("the parameter `{name}` is missing")))
    }

    fn text_or_none(&mut self, name: &str) -> Result<Option<String>, FileRefusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(refused(format!("`{name}` must be a text"))),
        }
    }

    fn number(&mut self, name: &str) -> Result<i64, FileRefusal> {
        self.take(name)
            .and_then(|value| value.as_i64())
            .ok_or_else(|| refused(format!("`{name}` must be a whole number")))
    }

    fn range(&mut self, name: &str) -> Result<Option<(i64, i64)>, FileRefusal> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let numbers: Option<Vec<i64>> = value
            .as_array()
            .map(|values| values.iter().map_while(Value::as_i64).collect());
        match numbers.as_deref() {
            Some(&[from, to]) => Ok(Some((from, to))),
            _ => Err(refused(format!("`{name}` must be two whole numbers"))),
        }
    }
}

fn refused(what: String) -> FileRefusal {
    FileRefusal::Command { what }
}

/// Why a command was not carried out; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be; the text is what the model is told.
    #[error(transparent)]
    Refused(#[from] FileRefusal),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Why a command cannot be carried out, in the words of the tool's documentation where it has any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileRefusal {
    /// The call has no command, or not its parameters.
    #[error("Error: {what}")]
    Command {
        /// What is wrong with it.
        what: String,
    },
    /// The path is none below `/memories`.
    #[error("Error: Invalid path {path}: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing to view.
    #[error("The path {path} does not exist. Please provide a valid path.")]
    NothingToView {
        /// The path.
        path: String,
    },
    /// There is no file to replace text in.
    #[error("Error: The path {path} does not exist. Please provide a valid path.")]
    NothingToReplace {
        /// The path.
        path: String,
    },
    /// There is nothing at the path.
    #[error("Error: The path {path} does not exist")]
    Missing {
        /// The path.
        path: String,
    },
    /// There is something at the path already.
    #[error("Error: File {path} already exists")]
    Exists {
        /// The path.
        path: String,
    },
    /// There is something at the new path already.
    #[error("Error: The destination {path} already exists")]
    Taken {
        /// The path.
        path: String,
    },
    /// A file is where a folder is needed.
    #[error("Error: {path} is a file, not a directory")]
    NoFolder {
        /// The path of the file.
        path: String,
    },
    /// A folder cannot be moved into itself.
    #[error("Error: {path} cannot be moved into itself")]
    IntoItself {
        /// The path.
        path: String,
    },
    /// The outermost folder stays where it is.
    #[error("Error: The /memories directory itself cannot be deleted or renamed")]
    Root,
    /// The text to replace is not in the file.
    #[error("No replacement was performed, old_str `{old}` did not appear verbatim in {path}.")]
    NoMatch {
        /// The path.
        path: String,
        /// The text.
        old: String,
    },
    /// The text to replace is in the file more than once.
    #[error(
        "No replacement was performed. Multiple occurrences of old_str `{old}` in lines: {}. \
         Please ensure it is unique", numbers(.lines)
    )]
    ManyMatches {
        /// The text.
        old: String,
        /// The lines that it begins on.
        lines: Vec<usize>,
    },
    /// There is no such line to insert behind.
    #[error(
        "Error: Invalid `insert_line` parameter: {line}. It should be within the range of lines of \
         the file: [0, {lines}]"
    )]
    Line {
        /// The line.
        line: i64,
        /// How many lines there are.
        lines: usize,
    },
    /// There are no such lines to view.
    #[error(
        "Error: Invalid `view_range` parameter: [{from}, {to}]. It should be within the range of \
         lines of the file: [1, {lines}]"
    )]
    Range {
        /// The first line.
        from: i64,
        /// The last line.
        to: i64,
        /// How many lines there are.
        lines: usize,
    },
    /// The file has more lines than are shown.
    #[error("File {path} exceeds maximum line limit of 999,999 lines.")]
    TooManyLines {
        /// The path.
        path: String,
    },
    /// The file would be too large.
    #[error(
        "Error: File {path} would have {bytes} bytes; the most is {}",
        super::FILE_BYTES_MAX
    )]
    TooLarge {
        /// The path.
        path: String,
        /// Its bytes.
        bytes: usize,
    },
    /// There are too many files.
    #[error("Error: There are {FILES_MAX} files already; delete some first")]
    TooMany,
}

fn numbers(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

impl Fault for FileRefusal {
    fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } | Self::Line { .. } | Self::Range { .. } => "invalid_input",
            Self::Path { .. } | Self::NoFolder { .. } | Self::IntoItself { .. } | Self::Root => {
                "invalid_path"
            }
            Self::NothingToView { .. } | Self::NothingToReplace { .. } | Self::Missing { .. } => {
                "path_not_found"
            }
            Self::Exists { .. } | Self::Taken { .. } => "path_exists",
            Self::NoMatch { .. } | Self::ManyMatches { .. } => "no_unique_match",
            Self::TooManyLines { .. } | Self::TooLarge { .. } | Self::TooMany => "too_large",
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Path { path, .. }
            | Self::NothingToView { path }
            | Self::NothingToReplace { path }
            | Self::Missing { path }
            | Self::Exists { path }
            | Self::Taken { path }
            | Self::NoFolder { path }
            | Self::IntoItself { path }
            | Self::NoMatch { path, .. }
            | Self::TooManyLines { path }
            | Self::TooLarge { path, .. } => Some(path.clone()),
            Self::Command { .. }
            | Self::Root
            | Self::ManyMatches { .. }
            | Self::Line { .. }
            | Self::Range { .. }
            | Self::TooMany => None,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(input: &Value) -> Result<FileCommand, String> {
        FileCommand::read(input.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_inputs_are_read() {
        let path = || "/memories/n".to_owned();
        assert_eq!(
            read(&json!({"command": "view", "path": "/memories/n", "view_range": [1, -1]})),
            Ok(FileCommand::View {
                path: path(),
                range: Some((1, -1))
            })
        );
        assert_eq!(
            read(&json!({"command": "str_replace", "path": "/memories/n", "old_str": "a"})),
            Ok(FileCommand::Replace {
                path: path(),
                old: "a".to_owned(),
                new: String::new()
            })
        );
        assert_eq!(
            read(
                &json!({"command": "insert", "path": "/memories/n", "insert_line": 0, "insert_text": "x"})
            ),
            Ok(FileCommand::Insert {
                path: path(),
                line: 0,
                text: "x".to_owned()
            })
        );
        assert_eq!(
            read(
                &json!({"command": "rename", "old_path": "/memories/n", "new_path": "/memories/m"})
            ),
            Ok(FileCommand::Rename {
                from: path(),
                to: "/memories/m".to_owned()
            })
        );
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for input in [
            json!({}),
            json!({"command": "chmod", "path": "/memories"}),
            json!({"command": "view"}),
            json!({"command": "view", "path": 7}),
            json!({"command": "view", "path": "/memories", "view_range": [1]}),
            json!({"command": "view", "path": "/memories", "view_range": [1, "x"]}),
            json!({"command": "create", "path": "/memories/n"}),
            json!({"command": "insert", "path": "/memories/n", "insert_line": 1.5, "insert_text": ""}),
            json!({"command": "delete", "path": "/memories/n", "force": true}),
        ] {
            assert!(read(&input).unwrap_err().starts_with("Error: "), "{input}");
        }
    }
}
