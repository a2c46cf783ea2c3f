//! The Model Context Protocol: the store for an agent, as tools, resources and prompts.
//!
//! The SDK speaks the protocol in all its revisions; ours are the transport,
//! what there is to call, read and pick, and the texts. Invariants: any number of servers share one store;
//! the output carries protocol only; a client that sends garbage is answered and
//! stays; the end of the input is a good end, at any moment. Deliberately not
//! here: logging, for what is stored is nobody else's.

mod arguments;
mod cache;
mod calls;
mod complete;
mod confirm;
mod frame;
mod handler;
mod prompts;
mod resources;
mod text;
mod tools;
mod transport;
mod uri;
mod work;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rmcp::serve_server;

use crate::store::{Settings, Store};
use transport::Pipe;

pub(crate) use frame::{flaw, refuse};
pub(crate) use handler::Handler;

pub use frame::{FRAME_BYTES_MAX, FRAME_DEPTH_MAX, FRAME_VALUES_MAX};
pub use tools::Toolset;

/// Tools that run at the same time; further calls wait.
pub(crate) const CALLS_MAX: usize = 4;

/// How long the end waits for calls that are still at work. What they committed stays.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a thread without work stays.
pub(crate) const THREAD_IDLE: Duration = Duration::from_secs(2);

/// Serves one client until its input ends.
///
/// # Errors
/// When the system gives no thread; whatever the client does is no error.
pub fn serve(
    settings: Settings,
    tools: Toolset,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(CALLS_MAX)
        .thread_keep_alive(THREAD_IDLE)
        .build()?;
    let pipe = Pipe::new(input, output)?;
    let handler = Handler::new(Arc::new(Store::new(settings)), tools);
    runtime.block_on(sessions(&handler, &pipe));
    runtime.shutdown_timeout(PATIENCE);
    Ok(())
}

/// Serves session after session: one that a client spoiled, before it was set up or after, is followed by another.
async fn sessions(handler: &Handler, pipe: &Pipe) {
    loop {
        if let Ok(session) = serve_server(handler.clone(), pipe.clone()).await {
            // How a session ended says nothing that the pipe does not.
            drop(session.waiting().await);
        }
        if !pipe.is_open().await {
            return;
        }
    }
}
