//! Which store is meant, and the settings from all layers:
//! flag > environment > the store's file > the user's file > built-in.

mod edit;
mod environment;
mod file;
mod keys;
mod redaction;
mod rules;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use steadfast::{Journal, Mode, Redaction, Rule};

use crate::args::{JournalChoice, ModeChoice};
use crate::error::Failure;

pub(crate) use edit::{set, unset};
pub(crate) use environment::Environment;
pub(crate) use file::File;
pub(crate) use keys::{ALL, Home, Key, find};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    BuiltIn,
    User,
    Store,
    /// A folder `.steadfast` upward from the current one.
    Found,
    Environment,
    Flag,
}

impl Origin {
    /// Returns the word used in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::User => "user file",
            Self::Store => "store file",
            Self::Found => "found",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, Setting>,
    /// What files are given by their folder.
    rules: Vec<Rule>,
    /// What the user should know about the files.
    pub(crate) warnings: Vec<String>,
    /// Where the files are.
    pub(crate) places: Places,
}

/// Where the store is, and the files with settings.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the store.
    folder: PathBuf,
    origin: Origin,
    /// The file in the store folder.
    pub(crate) store_file: PathBuf,
    /// The user's own file, where the system has a place for it.
    pub(crate) user_file: Option<PathBuf>,
}

impl Places {
    /// Finds the store. A user's file that cannot be read matters only when nothing nearer names the store.
    pub(crate) fn find(store: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let user_file = environment.user_file();
        let (folder, origin) = find_store(store, environment, user_file.as_deref())?;
        if folder.is_file() {
            let what = format!("{} is a file, not the folder of a store", folder.display());
            return Err(Failure::new("store_not_found", what)
                .hint("name the folder that holds steadfast.db"));
        }
        Ok(Self {
            store_file: folder.join(file::NAME),
            folder,
            origin,
            user_file,
        })
    }
}

impl Settings {
    /// Reads all layers and finds the store.
    pub(crate) fn load(store: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        let places = Places::find(store, environment)?;
        let user = places
            .user_file
            .as_deref()
            .map_or(Ok(File::default()), File::read)?;
        let project = File::read(&places.store_file)?;
        let mut warnings = project.warnings();
        warnings.extend(user.warnings());
        let mut values = BTreeMap::new();
        for key in ALL {
            let setting = if key.name == keys::STORE {
                Setting {
                    value: places.folder.display().to_string(),
                    origin: places.origin,
                }
            } else {
                layered(key, environment, &project, &user)?
            };
            values.insert(key.name, setting);
        }
        let rules = file_rules(values.get(keys::RULES), &places, environment)?;
        Ok(Self {
            values,
            rules,
            warnings,
            places,
        })
    }

    /// Returns the folder of the store.
    pub(crate) fn store(&self) -> &Path {
        &self.places.folder
    }

    /// Returns a setting by its name.
    pub(crate) fn get(&self, key: &Key) -> Option<&Setting> {
        self.values.get(key.name)
    }

    fn value(&self, name: &str) -> &str {
        self.values
            .get(name)
            .map_or("", |setting| setting.value.as_str())
    }

    /// Returns the journal that is asked for.
    pub(crate) fn journal(&self, flag: Option<Journal>) -> Journal {
        let choice =
            JournalChoice::from_str(self.value(keys::JOURNAL), true).unwrap_or(JournalChoice::Auto);
        flag.unwrap_or(choice.into())
    }

    /// Returns how many hits are asked for.
    pub(crate) fn limit(&self) -> usize {
        self.value(keys::LIMIT)
            .parse()
            .unwrap_or(keys::LIMIT_BUILT_IN)
    }

    /// Returns how questions are searched.
    pub(crate) fn mode(&self, flag: Option<ModeChoice>) -> Mode {
        let choice =
            ModeChoice::from_str(self.value(keys::MODE), true).unwrap_or(ModeChoice::Hybrid);
        flag.unwrap_or(choice).into()
    }

    /// Returns how many days of history are kept; none for all.
    pub(crate) fn history_days(&self) -> Option<u32> {
        self.value(keys::HISTORY_DAYS).parse().ok()
    }

    /// Returns the folder of the model; none for the one inside the program.
    pub(crate) fn model(&self) -> Option<&Path> {
        let model = self.value(keys::MODEL);
        (model != keys::MODEL_BUILT_IN).then_some(Path::new(model))
    }

    /// Returns the largest file that is read.
    pub(crate) fn file_bytes_max(&self) -> u64 {
        self.value(keys::FILE_BYTES_MAX).parse().unwrap_or(0)
    }

    /// Returns what is taken out before anything is written. Values that cannot be used were refused when they were read.
    pub(crate) fn redaction(&self) -> Redaction {
        let mut redaction = Redaction::default();
        redaction.enabled = self.value(keys::REDACT).parse().unwrap_or(true);
        redaction.rules = redaction::rules(self.value(keys::REDACT_RULES)).unwrap_or_default();
        redaction.allow = redaction::allow(self.value(keys::REDACT_ALLOW)).unwrap_or_default();
        redaction
    }

    /// Returns what files are given by their folder.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        self.rules.clone()
    }

    /// Returns the namespace that documents and notes come into.
    pub(crate) fn namespace(&self) -> &str {
        self.value(keys::NAMESPACE)
    }
}

/// Returns the rules in force; relative folders in the store's file begin where the store's folder lies.
fn file_rules(
    setting: Option<&Setting>,
    places: &Places,
    environment: &Environment,
) -> Result<Vec<Rule>, Failure> {
    let Some(setting) = setting else {
        return Ok(Vec::new());
    };
    let (folder, place) = if setting.origin == Origin::Store {
        let place = places.store_file.display().to_string();
        (places.folder.parent(), place)
    } else {
        (None, keys::RULES.to_owned())
    };
    let from = rules::From {
        folder: folder.map(Path::to_owned),
        home: environment.home().map(Path::to_owned),
    };
    rules::rules(&setting.value, &from)
        .map_err(|what| Failure::new("invalid_config", what).at(place))
}

fn layered(
    key: &Key,
    environment: &Environment,
    project: &File,
    user: &File,
) -> Result<Setting, Failure> {
    let found = environment
        .variable(key.variable)
        .map(|value| (value, Origin::Environment, key.variable.to_owned()))
        .or_else(|| {
            project
                .value(key.name)
                .map(|value| (value, Origin::Store, project.place()))
        })
        .or_else(|| {
            user.value(key.name)
                .map(|value| (value, Origin::User, user.place()))
        });
    let Some((value, origin, place)) = found else {
        return Ok(Setting {
            value: key.built_in.to_owned(),
            origin: Origin::BuiltIn,
        });
    };
    key.check(&value).map_err(|failure| failure.at(place))?;
    Ok(Setting { value, origin })
}

/// Finds the store: flag > environment > nearest `.steadfast` upward > user's file > user's data folder.
fn find_store(
    flag: Option<&Path>,
    environment: &Environment,
    user_file: Option<&Path>,
) -> Result<(PathBuf, Origin), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = flag {
        if folder.as_os_str().is_empty() {
            return Err(Failure::new("usage", "the store has no name").at("--store"));
        }
        return Ok((absolute(folder), Origin::Flag));
    }
    if let Some(folder) = environment.store() {
        return Ok((absolute(&folder), Origin::Environment));
    }
    if let Some(folder) = environment.nearest_store() {
        return Ok((folder, Origin::Found));
    }
    if let Some(folder) = user_file
        .map_or(Ok(File::default()), File::read)?
        .value(keys::STORE)
    {
        return Ok((absolute(&environment.expanded(&folder)), Origin::User));
    }
    let folder = environment.data_folder().ok_or_else(|| {
        Failure::new(
            "store_not_found",
            "this system names no data folder for you",
        )
        .hint("name a store with --store or STEADFAST_STORE")
    })?;
    Ok((folder, Origin::BuiltIn))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
