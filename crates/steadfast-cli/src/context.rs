//! What every command is given: the global flags, the output, the way to the store.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Environment, Places, Settings};
use crate::error::Failure;
use crate::output::Output;

/// Flags that every command has.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    /// Use the store in this folder
    ///
    /// Without it the store is the one that `STEADFAST_STORE` names, else the
    /// nearest folder `.steadfast` upward from here, else the one in the
    /// setting `store.path`, else `steadfast` in your data folder.
    #[arg(
        long,
        global = true,
        overrides_with = "store",
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub(crate) store: Option<PathBuf>,
    /// Print JSON
    ///
    /// Exactly one object on standard output, also for an error; `log` prints
    /// one object a line. Unknown fields are to be ignored.
    #[arg(
        long,
        global = true,
        overrides_with = "json",
        help_heading = "Global options"
    )]
    pub(crate) json: bool,
}

/// What every command is given.
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) environment: Environment,
    global: Global,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            output: Output::new(global.json),
            environment: Environment::of_process(),
            global,
        }
    }

    /// Returns the settings from all layers.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let settings = Settings::load(self.global.store.as_deref(), &self.environment)?;
        self.output.warn(&settings.warnings);
        Ok(settings)
    }

    /// Returns the settings that are in force in a folder, without warnings: whoever asks has nobody to tell.
    pub(crate) fn settings_at(&self, here: &std::path::Path) -> Result<Settings, Failure> {
        Settings::load(self.global.store.as_deref(), &self.environment.at(here))
    }

    /// Returns the store that the flag names.
    pub(crate) fn store_flag(&self) -> Option<&std::path::Path> {
        self.global.store.as_deref()
    }

    /// Returns where the files with settings are, without reading what is in force.
    pub(crate) fn places(&self) -> Result<Places, Failure> {
        Places::find(self.global.store.as_deref(), &self.environment)
    }
}
