//! `steadfast mcp`: the store for an agent, over standard input and output.

use clap::ValueEnum;
use steadfast_server::mcp::{self, Toolset};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::store::server_settings;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast mcp
  claude mcp add steadfast -- steadfast mcp
  steadfast mcp --store ~/work/.steadfast --tools full";

/// Who is named in the log.
const ACTOR: &str = "mcp";

/// Flags of `steadfast mcp`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Which tools to offer
    #[arg(long, value_name = "SET", default_value = "default")]
    tools: ToolsChoice,
}

/// Which tools a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ToolsChoice {
    /// Search, get, remember, forget, recent and status
    Default,
    /// Those, and index, sources, memory, verify and rebuild
    Full,
    /// Search and fetch in the shape that connectors of ChatGPT expect
    Chatgpt,
}

impl From<ToolsChoice> for Toolset {
    fn from(choice: ToolsChoice) -> Self {
        match choice {
            ToolsChoice::Default => Self::Default,
            ToolsChoice::Full => Self::Full,
            ToolsChoice::Chatgpt => Self::Chatgpt,
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = server_settings(context, ACTOR)?;
    let tools = Toolset::from(args.tools);
    mcp::serve(settings, tools, std::io::stdin(), std::io::stdout()).map_err(|error| {
        Failure::new(
            "too_many_open_files",
            format!("the system gives no thread: {error}"),
        )
    })?;
    Ok(Exit::Done)
}
