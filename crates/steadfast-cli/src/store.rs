//! Opening the store, for what a command is about to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use steadfast::{Embed, Journal, Memory, Options};

use crate::args::namespace;
use crate::config::Settings;
use crate::context::Context;
use crate::error::Failure;

/// Who is named in the log.
const ACTOR: &str = "cli";
/// The setting that names the model.
const MODEL: &str = "embed.model";

/// Opens the store to read; there must be one.
pub(crate) fn open_to_read(settings: &Settings) -> Result<Memory, Failure> {
    open(Memory::options(), settings)
}

/// Opens the store to change what is in it; there must be one.
pub(crate) fn open_to_change(
    settings: &Settings,
    journal: Option<Journal>,
) -> Result<Memory, Failure> {
    open(
        Memory::options().journal(settings.journal(journal)),
        settings,
    )
}

/// Opens the store to write into it, and creates it when there is none.
pub(crate) fn open_to_write(
    settings: &Settings,
    journal: Option<Journal>,
) -> Result<Memory, Failure> {
    open(
        Memory::options()
            .journal(settings.journal(journal))
            .create(true),
        settings,
    )
}

/// Returns what a server is to know; the store is opened when a client first needs it.
pub(crate) fn server_settings(
    context: &Context,
    actor: &str,
) -> Result<steadfast_server::store::Settings, Failure> {
    let settings = context.settings()?;
    server_settings_of(&settings, actor, context.environment.here())
}

/// Returns what a server or hook in the folder `here` is to know.
pub(crate) fn server_settings_of(
    settings: &Settings,
    actor: &str,
    here: PathBuf,
) -> Result<steadfast_server::store::Settings, Failure> {
    let options = with_model(Memory::options(), settings)?;
    settings_with(options, settings, actor, here)
}

/// Returns what a hook is to know that only notes something: a model takes long to read.
pub(crate) fn settings_without_model(
    settings: &Settings,
    actor: &str,
    here: PathBuf,
) -> Result<steadfast_server::store::Settings, Failure> {
    settings_with(Memory::options(), settings, actor, here)
}

fn settings_with(
    options: Options,
    settings: &Settings,
    actor: &str,
    here: PathBuf,
) -> Result<steadfast_server::store::Settings, Failure> {
    Ok(steadfast_server::store::Settings {
        folder: settings.store().to_owned(),
        options: options
            .journal(settings.journal(None))
            .actor(actor)
            .redaction(settings.redaction())
            .rules(settings.rules()),
        namespace: namespace("namespace.default", settings.namespace())?,
        limit: settings.limit(),
        mode: settings.mode(None),
        file_bytes_max: settings.file_bytes_max(),
        here,
    })
}

fn open(options: Options, settings: &Settings) -> Result<Memory, Failure> {
    let options = with_model(options, settings)?
        .actor(ACTOR)
        .redaction(settings.redaction())
        .rules(settings.rules());
    Ok(options.open(settings.store())?)
}

/// Sets the model that the settings name.
fn with_model(options: Options, settings: &Settings) -> Result<Options, Failure> {
    Ok(match settings.model() {
        None => options,
        Some(folder) => options.embed(named(folder)?),
    })
}

/// Opens the model in a folder.
#[cfg(feature = "minilm")]
pub(crate) fn named(folder: &Path) -> Result<Arc<dyn Embed>, Failure> {
    let model = steadfast::MiniLm::open(folder).map_err(|error| Failure::about(MODEL, error))?;
    Ok(Arc::new(model))
}

/// Says that this build has no model in a folder.
#[cfg(not(feature = "minilm"))]
pub(crate) fn named(folder: &Path) -> Result<Arc<dyn Embed>, Failure> {
    let what = format!(
        "the model in {} cannot be used: this build has none but its own",
        folder.display()
    );
    let hint = "use a build with the feature minilm, or set it to built-in";
    Err(Failure::new("invalid_config", what).at(MODEL).hint(hint))
}
