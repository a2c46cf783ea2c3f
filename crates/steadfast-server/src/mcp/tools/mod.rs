//! The tools: what they are called with, what they do, what they answer.
//!
//! A tool answers with the object of the command of the same name, and with a
//! text that a model reads. Invariants: a tool is a synchronous function that
//! may run beside others; what the library refuses is an answer of the tool,
//! never an error of the protocol.

mod chatgpt;
mod definitions;
mod files;
mod forget;
mod further;
mod read;
mod upkeep;
mod write;

use rmcp::model::{JsonObject, Tool};
use serde_json::Value;
use steadfast::{Error, Progress};

use super::arguments::Arguments;
use crate::store::Store;

pub(super) use definitions::definitions;
pub(super) use forget::{Confirmed, Forget, Step};
pub(super) use read::ask;

/// Which tools a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Toolset {
    /// Search, get, remember, forget, recent and status.
    #[default]
    Default,
    /// Those, and what reads files of the machine or takes long: index, sources, memory, verify and rebuild.
    Full,
    /// Search and fetch in the shape that connectors of `ChatGPT` expect; both only read.
    Chatgpt,
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
    /// The call could not be carried out, and the object is that of an error.
    pub(super) is_error: bool,
}

impl Reply {
    /// Returns the answer of a call that was carried out and leaves nothing to do.
    fn new(object: Value, text: String) -> Self {
        Self {
            object,
            text,
            wants_care: false,
            is_error: false,
        }
    }
}

/// Rows in the tail from which on the indexes should catch up.
const TAIL_ROWS_LONG: u64 = 1_024;

/// Runs a tool but `forget`; none when there is no such tool. Long ones tell their steps, and stop when they may not go on.
pub(super) fn run(
    name: &str,
    tools: Toolset,
    store: &Store,
    arguments: Option<JsonObject>,
    progress: &dyn Progress,
) -> Option<Result<Reply, Error>> {
    let arguments = Arguments::new(arguments);
    Some(match (tools, name) {
        (Toolset::Chatgpt, "search") => chatgpt::search(store, arguments),
        (Toolset::Chatgpt, "fetch") => chatgpt::fetch(store, arguments),
        (Toolset::Chatgpt, _) => return None,
        (_, "search") => read::search(store, arguments),
        (_, "get") => read::get(store, arguments),
        (_, "recent") => read::recent(store, arguments),
        (_, "status") => read::status(store, arguments),
        (_, "remember") => write::remember(store, arguments),
        (Toolset::Full, "index") => write::index(store, arguments, progress),
        (Toolset::Full, "sources") => read::sources(store, arguments),
        (Toolset::Full, "memory") => files::memory(store, arguments),
        (Toolset::Full, "verify") => upkeep::verify(store, arguments, progress),
        (Toolset::Full, "rebuild") => upkeep::rebuild(store, arguments, progress),
        _ => return None,
    })
}

/// Returns the definition of a tool.
pub(super) fn definition(name: &str, tools: Toolset) -> Option<Tool> {
    definitions(tools)
        .into_iter()
        .find(|tool| tool.name == name)
}
