//! `steadfast tags` and `steadfast namespaces`: names with their number of chunks.

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json};
use crate::store::open_to_read;

/// Which names are listed.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Tags,
    Namespaces,
}

pub(super) fn run(what: What, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let (field, names) = match what {
        What::Tags => ("tags", memory.tags()?),
        What::Namespaces => ("namespaces", memory.namespaces()?),
    };
    context.output.show(
        || Value::Object(Map::from_iter([(field.to_owned(), json::names(&names))])),
        |out, style| {
            for (name, chunks) in &names {
                writeln!(out, "{:>12}  {}", grouped(*chunks), style.clean(name))?;
            }
            writeln!(out, "{} {field}", grouped(names.len() as u64))
        },
    )?;
    Ok(Exit::Done)
}
