//! `steadfast version`.

use serde_json::json;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    context.output.show(
        || json!({"name": "steadfast", "version": VERSION}),
        |out, _| writeln!(out, "steadfast {VERSION}"),
    )?;
    Ok(Exit::Done)
}
