//! Opening the store, for what a command is about to do.

use steadfast::{Journal, Memory, Options};

use crate::config::Settings;
use crate::error::Failure;

/// Who is named in the log.
const ACTOR: &str = "cli";

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

fn open(options: Options, settings: &Settings) -> Result<Memory, Failure> {
    let options = options.actor(ACTOR).redaction(settings.redaction());
    Ok(options.open(settings.store())?)
}
