//! One server for many clients: the protocol over HTTP, on this machine only.
//!
//! The SDK speaks the protocol; ours is all that stands before it:
//! who may speak (`guard`), how much and how long (`endpoint`, `patient`), and
//! what the end waits for (`calls`). Invariants: it listens on a loopback address
//! and no other; nothing is answered without the token, not even a read; every
//! wait and every buffer has a bound; ending it loses nothing, for a commit is
//! whole or not there. Deliberately not here: TLS, and anything
//! for other machines.

mod calls;
mod endpoint;
mod guard;
mod patient;
mod token;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mcp::{Handler, Toolset};
use crate::store::Store;

pub use endpoint::{Endpoint, Limits};

/// A server that listens, and has not answered anybody yet.
pub struct Server {
    endpoint: Endpoint,
    token_file: PathBuf,
    handler: Handler,
}

impl Server {
    /// Listens on a loopback address, and has the token ready in the store's folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an address of other machines, else what the system says.
    pub fn bind(address: SocketAddr, store: Arc<Store>, tools: Toolset) -> io::Result<Self> {
        let endpoint = Endpoint::bind(address)?;
        let (token_file, token) = token::of_store(&store.settings().folder)?;
        Ok(Self {
            endpoint: endpoint.token(token),
            token_file,
            handler: Handler::new(store, tools),
        })
    }

    /// Returns the address to connect to.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }

    /// Returns the file with the token.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Serves until the process is asked to end.
    ///
    /// # Errors
    /// When the system gives no threads; whatever clients do is no error.
    pub fn run(self) -> io::Result<()> {
        self.endpoint.run(self.handler, asked_to_end())
    }
}

/// Returns when the process is asked to end; where it cannot be asked, never.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut end), Ok(mut interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
