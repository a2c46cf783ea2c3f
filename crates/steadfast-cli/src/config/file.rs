//! One `config.toml`: read, flattened to dotted names, checked for names that do not exist.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::ALL;
use crate::error::Failure;

/// The name of the file, in a store folder and in the user's folder.
pub(super) const NAME: &str = "config.toml";

/// The largest file that is read.
const BYTES_MAX: usize = 1 << 20;

/// The settings of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl File {
    /// Reads a file; one that is not there has no settings.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = text(path)?;
        Ok(Self {
            path: path.to_owned(),
            values: parse(&text).map_err(|failure| failure.at(path.display().to_string()))?,
        })
    }

    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Says which names are not settings: a misspelt one would otherwise never act and never be missed.
    pub(super) fn warnings(&self) -> Vec<String> {
        let is_known = |name: &&String| ALL.iter().any(|key| key.name == name.as_str());
        let unknown = self.values.keys().filter(|name| !is_known(name));
        unknown
            .map(|name| {
                format!(
                    "{}: `{name}` is not a setting of this version",
                    self.path.display()
                )
            })
            .collect()
    }
}

/// Returns the text of a file; a file that is not there is empty.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let place = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) if text.len() > BYTES_MAX => {
            Err(Failure::new("invalid_config", "the file is too large for settings").at(&place))
        }
        Ok(text) => Ok(text),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(String::new())
        }
        Err(error) => {
            let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
            let kind = if is_refused {
                "permission"
            } else {
                "invalid_config"
            };
            Err(Failure::new(kind, format!("the file cannot be read: {error}")).at(&place))
        }
    }
}

/// Returns the values of a file by dotted name.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::new(
            "invalid_config",
            format!("the file is not TOML: {}", error.message()),
        )
        .hint("correct the file by hand, or move it away")
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if let Value::Table(inner) = value {
            for (inner_name, value) in inner {
                values.insert(format!("{name}.{inner_name}"), plain(value));
            }
        } else {
            values.insert(name, plain(value));
        }
    }
    Ok(values)
}

/// Returns a value as settings hold it: texts without quotes, everything else as in TOML.
pub(super) fn plain(value: Value) -> String {
    if let Value::String(text) = value {
        text
    } else {
        value.to_string()
    }
}
