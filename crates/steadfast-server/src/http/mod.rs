//! One server for many clients: the protocol over HTTP, on this machine only.
//!
//! The SDK speaks the protocol; ours is all that stands before it:
//! who may speak (`guard`), how much and how long (`endpoint`, `patient`), and
//! what the end waits for (`calls`). Invariants: it listens on a loopback address
//! and no other; nothing is answered without the token, not even a read; every
//! wait and every buffer has a bound; ending it loses nothing, for a commit is
//! whole or not there. Hooks of hosts find it by a file in the store's folder
//! (`presence`) and may post to it (`hooks`). Deliberately not here: TLS, and anything
//! for other machines.

mod calls;
pub mod client;
mod endpoint;
mod guard;
mod hooks;
mod patient;
mod presence;
mod token;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mcp::{Handler, Toolset};
use crate::store::Store;
use hooks::Hooks;
use presence::Presence;

pub use presence::{Running, running};

pub use endpoint::{Endpoint, Limits};

/// A server that listens, and has not answered anybody yet.
pub struct Server {
    endpoint: Endpoint,
    token_file: PathBuf,
    store: Arc<Store>,
    tools: Toolset,
    home: Option<PathBuf>,
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
            store,
            tools,
            home: None,
        })
    }

    /// Says where the user's home is, which hosts may write as `~`.
    #[must_use]
    pub fn home(mut self, home: Option<PathBuf>) -> Self {
        self.home = home;
        self
    }

    /// Returns the address to connect to.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }

    /// Returns the file with the token.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Serves until the process is asked to end. `ready` is called when it can be asked, and may end it at once.
    ///
    /// # Errors
    /// When the system gives no threads; whatever clients do is no error.
    pub fn run(self, ready: impl FnOnce() -> bool) -> io::Result<()> {
        let (folder, address) = (
            self.store.settings().folder.clone(),
            self.endpoint.address(),
        );
        let hooks = Hooks::new(Arc::clone(&self.store), self.home);
        hooks.begin();
        let end = async move {
            let asked = Asked::listen();
            // Whoever hears of the server from here on may end it: nothing that it leaves behind comes before.
            let presence = Presence::announce(&folder, address);
            if ready() {
                asked.wait().await;
            }
            // Nobody is to look for it at a port that may soon be another program's.
            drop(presence);
        };
        let store = Arc::clone(&self.store);
        self.endpoint
            .hooks(hooks)
            .at_rest(move || store.release_memory())
            .run(Handler::new(self.store, self.tools), end)
    }
}

/// Hears when the process is asked to end; where it cannot be asked, never.
struct Asked {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
    #[cfg(windows)]
    signal: Option<tokio::signal::windows::CtrlC>,
}

impl Asked {
    /// From now on a request to end ends nothing by itself.
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = signal(SignalKind::terminate()).ok();
        let both = both.zip(signal(SignalKind::interrupt()).ok());
        Self {
            signals: both.map(|(end, interrupt)| [end, interrupt]),
        }
    }

    #[cfg(windows)]
    fn listen() -> Self {
        Self {
            signal: tokio::signal::windows::ctrl_c().ok(),
        }
    }

    #[cfg(unix)]
    async fn wait(self) {
        let Some([mut end, mut interrupt]) = self.signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    #[cfg(windows)]
    async fn wait(self) {
        match self.signal {
            Some(mut signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}
