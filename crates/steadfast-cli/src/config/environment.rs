//! What surrounds the program: variables, the current folder, the user's folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use super::file;

/// What surrounds the program, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    here: PathBuf,
    home: Option<PathBuf>,
    config: Option<PathBuf>,
    data: Option<PathBuf>,
}

/// The folder name that marks a store of a project.
const STORE_FOLDER: &str = ".steadfast";

/// The name of our folder in the user's folders.
const OUR_FOLDER: &str = "steadfast";

/// Variables by which hosts say where their files are.
const OF_HOSTS: &[&str] = &["CLAUDE_CONFIG_DIR", "CODEX_HOME"];

/// How many folders upward a store is looked for.
const UPWARD_MAX: usize = 256;

impl Environment {
    /// Returns what surrounds this process.
    pub(crate) fn of_process() -> Self {
        let strategy = etcetera::choose_base_strategy().ok();
        Self {
            variables: std::env::vars_os()
                .filter(|(name, value)| {
                    let name = name.to_string_lossy();
                    let is_known = name.starts_with("STEADFAST_") || OF_HOSTS.contains(&&*name);
                    is_known && !value.is_empty()
                })
                .collect(),
            here: std::env::current_dir().unwrap_or_default(),
            home: strategy
                .as_ref()
                .map(|strategy| strategy.home_dir().to_owned()),
            config: strategy
                .as_ref()
                .map(|strategy| strategy.config_dir().join(OUR_FOLDER)),
            data: strategy
                .as_ref()
                .map(|strategy| strategy.data_dir().join(OUR_FOLDER)),
        }
    }

    /// Returns the folder that relative paths start at, with symbolic links resolved.
    pub(crate) fn here(&self) -> PathBuf {
        std::fs::canonicalize(&self.here).unwrap_or_else(|_| self.here.clone())
    }

    /// Returns the same surroundings in another current folder.
    pub(crate) fn at(&self, here: &Path) -> Self {
        Self {
            here: here.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the user's home.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the folder that a host names by a variable.
    pub(crate) fn of_host(&self, name: &str) -> Option<PathBuf> {
        self.path(name)
    }

    /// Returns the folder of the user's settings of all programs.
    pub(crate) fn config_folder(&self) -> Option<PathBuf> {
        Some(self.config.as_deref()?.parent()?.to_owned())
    }

    /// Returns the folder of our own settings.
    pub(crate) fn our_config_folder(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// Returns a variable; an empty one counts as none.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.variables
            .get(&OsString::from(name))
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// Returns the store that the environment names.
    pub(crate) fn store(&self) -> Option<PathBuf> {
        self.path("STEADFAST_STORE")
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(&OsString::from(name)).map(PathBuf::from)
    }

    pub(super) fn user_file(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|folder| folder.join(file::NAME))
    }

    pub(super) fn data_folder(&self) -> Option<PathBuf> {
        self.data.clone()
    }

    /// Returns a path of a setting, in which `~/` is the user's home.
    pub(crate) fn expanded(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }

    /// Returns the nearest folder `.steadfast`, from the current folder upward.
    pub(super) fn nearest_store(&self) -> Option<PathBuf> {
        self.here
            .ancestors()
            .take(UPWARD_MAX)
            .map(|folder: &Path| folder.join(STORE_FOLDER))
            .find(|folder| folder.is_dir())
    }

    #[cfg(test)]
    pub(super) fn for_test(here: &Path, variables: &[(&str, &str)]) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            here: here.to_owned(),
            home: Some(here.join("home")),
            config: Some(here.join("home/config")),
            data: Some(here.join("home/data")),
        }
    }
}
