//! The tools: what they are called with, what they do, what they answer.
//!
//! A tool answers with the object of the command of the same name, and with a
//! text that a model reads. Invariants: a tool is a synchronous function that
//! may run beside others; what the library refuses is an answer of the tool,
//! never an error of the protocol.

mod definitions;
mod forget;
mod read;
mod write;

use rmcp::model::{JsonObject, Tool};
use serde_json::Value;
use steadfast::Error;

use super::arguments::Arguments;
use crate::store::Store;

pub(super) use definitions::definitions;
pub(super) use forget::{Confirmed, Forget, Step};

/// Which tools a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Toolset {
    /// Search, get, remember, forget, recent and status.
    #[default]
    Default,
    /// Those, and `index`, which reads files of the machine.
    Full,
}

/// What a tool answers.
#[derive(Debug)]
pub(super) struct Reply {
    /// The object of the command of the same name.
    pub(super) object: Value,
    /// The same for a model to read.
    pub(super) text: String,
    /// The indexes are behind, and somebody should bring them up to date.
    pub(super) wants_care: bool,
}

/// Rows in the tail from which on the indexes should catch up.
const TAIL_ROWS_LONG: u64 = 1_024;

/// Runs a tool but `forget`; none when there is no such tool.
pub(super) fn run(
    name: &str,
    tools: Toolset,
    store: &Store,
    arguments: Option<JsonObject>,
) -> Option<Result<Reply, Error>> {
    let tool = match name {
        "search" => read::search,
        "get" => read::get,
        "recent" => read::recent,
        "status" => read::status,
        "remember" => write::remember,
        "index" if tools == Toolset::Full => write::index,
        _ => return None,
    };
    Some(tool(store, Arguments::new(arguments)))
}

/// Returns the definition of a tool.
pub(super) fn definition(name: &str, tools: Toolset) -> Option<Tool> {
    definitions(tools)
        .into_iter()
        .find(|tool| tool.name == name)
}
