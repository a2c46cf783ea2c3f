//! `steadfast serve`: the store for many agents, over HTTP on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use steadfast::{IndexOptions, Remember};
use steadfast_server::http::Server;
use steadfast_server::mcp::Toolset;
use steadfast_server::store::Store;
use steadfast_server::watch::{self, Told, WatchOptions};

use super::mcp::ToolsChoice;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::store::server_settings;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast serve
  steadfast serve --listen 127.0.0.1:7433 --watch ~/notes
  claude mcp add --transport http steadfast http://127.0.0.1:7433/mcp \\
    --header \"Authorization: Bearer $(cat ~/.local/share/steadfast/token)\"";

/// Who is named in the log.
const ACTOR: &str = "serve";

/// How often watched folders are looked at without a hint.
const RESCAN: Duration = Duration::from_mins(5);

/// Flags of `steadfast serve`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Listen here: an address of this machine alone, and a port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7433")]
    listen: SocketAddr,
    /// Which tools to offer
    #[arg(long, value_name = "SET", default_value = "default")]
    tools: ToolsChoice,
    /// Keep this file or folder up to date, as `watch` does; may be given more than once
    #[arg(long, value_name = "PATH")]
    watch: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = server_settings(context, ACTOR)?;
    let mut index = IndexOptions::default();
    index.namespace_default.clone_from(&settings.namespace);
    index.remember = Remember::Nothing;
    index.file_bytes_max = settings.file_bytes_max;
    if let Some(path) = args
        .watch
        .iter()
        .find(|path| matches!(path.try_exists(), Ok(false)))
    {
        return Err(steadfast::Error::PathNotFound { path: path.clone() }.into());
    }
    let store = Arc::new(Store::new(settings));
    let tools = Toolset::from(args.tools);
    let server = Server::bind(args.listen, Arc::clone(&store), tools)
        .map_err(|error| cannot_listen(args.listen, &error))?;
    let server = server.home(context.environment.home().map(PathBuf::from));
    let token_file = server.token_file().display().to_string();
    if !args.watch.is_empty() {
        let options = WatchOptions {
            roots: args.watch.clone(),
            index,
            rescan: RESCAN,
        };
        start_watching(store, options)?;
    }
    let url = server.url();
    let mut said = Ok(());
    let ready = || {
        said = context.output.show(
            || json!({"event": "listening", "url": url, "token_file": token_file}),
            |out, _| writeln!(out, "listening at {url}, token in {token_file}"),
        );
        said.is_ok()
    };
    server
        .run(ready)
        .map_err(|error| cannot_listen(args.listen, &error))?;
    said?;
    Ok(Exit::Done)
}

/// Watches on a thread of its own, which ends with the process: a commit is whole or not there.
fn start_watching(store: Arc<Store>, options: WatchOptions) -> Result<(), Failure> {
    let output = crate::output::Output::new(false);
    let work = move || {
        let done = watch::watch(&store, &options, &mut |told| {
            if let Told::Failed(path, error) = told {
                output.talk(&[format!("{}: {error}; trying again", path.display())]);
            }
            true
        });
        if let Err(error) = done {
            output.talk(&[format!("error: nothing is watched any more: {error}")]);
        }
    };
    let started = std::thread::Builder::new()
        .name("watch".to_owned())
        .spawn(work);
    match started {
        Ok(handle) => {
            drop(handle);
            Ok(())
        }
        Err(error) => Err(Failure::new(
            "too_many_open_files",
            format!("the system gives no thread: {error}"),
        )),
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind::{AddrInUse, InvalidInput, PermissionDenied};
    let kinds = [
        (InvalidInput, "usage"),
        (AddrInUse, "busy"),
        (PermissionDenied, "permission"),
    ];
    let known = kinds.iter().find(|(kind, _)| *kind == error.kind());
    let kind = known.map_or("io", |(_, name)| name);
    let hint = match kind {
        "usage" => "name a loopback address, such as 127.0.0.1:7433",
        "busy" => "another program listens there; name another port, or 0 for a free one",
        _ => "see what the system says",
    };
    Failure::new(kind, format!("cannot listen: {error}"))
        .at(address.to_string())
        .hint(hint)
}
