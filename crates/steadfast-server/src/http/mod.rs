//! One server for many clients: the protocol over HTTP, on this machine only.
//!
//! The SDK speaks the protocol; ours is all that stands before it (`guard`):
//! who may connect, who may speak, how much and how long. Invariants: it listens
//! on a loopback address and no other; nothing is answered without the token, not
//! even a read; every wait and every buffer has a bound; ending it loses nothing,
//! for a commit is whole or not there. Hooks of hosts find it by a file in the store's
//! folder and may post to it. Deliberately not here: TLS, and anything for other machines.

pub mod client;
mod guard;
mod hooks;
mod presence;
mod token;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::hooks::event::Event;
use crate::hooks::host;
use crate::mcp::{CALLS_MAX, FRAME_BYTES_MAX, Handler, THREAD_IDLE, Toolset, flaw, refuse};
use crate::store::Store;
use guard::{Gate, Refusal};
use hooks::Hooks;
use presence::Presence;

pub use presence::{Running, running};

/// Connections at the same time; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 128;
/// How long a client may take for the head of a request, and how long it may rest between two.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take for the body of a request.
pub const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of a head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long the end waits for calls that are still at work.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// The pause after an accept that failed, as when there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type Body = BoxBody<Bytes, Infallible>;
type Mcp = StreamableHttpService<Handler, LocalSessionManager>;

/// A server that listens, and has not answered anybody yet.
pub struct Server {
    listener: StdListener,
    address: SocketAddr,
    token_file: PathBuf,
    token: String,
    store: Arc<Store>,
    tools: Toolset,
    home: Option<PathBuf>,
}

/// What all requests share.
struct Shared {
    gate: Gate,
    mcp: Mcp,
    hooks: Hooks,
}

impl Server {
    /// Listens on a loopback address, and has the token ready in the store's folder.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an address of other machines, else what the system says.
    pub fn bind(address: SocketAddr, store: Arc<Store>, tools: Toolset) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let what = format!("{address} is not an address of this machine alone");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let (token_file, token) = token::of_store(&store.settings().folder)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            token_file,
            token,
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
        format!("http://{}{}", self.address, guard::PATH)
    }

    /// Returns the file with the token.
    pub fn token_file(&self) -> &std::path::Path {
        &self.token_file
    }

    /// Serves until the process is asked to end.
    ///
    /// # Errors
    /// When the system gives no threads; whatever clients do is no error.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(CALLS_MAX)
            .thread_keep_alive(THREAD_IDLE)
            .build()?;
        let ended = runtime.block_on(self.serve());
        runtime.shutdown_timeout(END_PATIENCE);
        ended
    }

    async fn serve(self) -> io::Result<()> {
        let config = StreamableHttpServerConfig::default()
            .with_max_request_body_bytes(FRAME_BYTES_MAX)
            .with_allowed_hosts([self.address.to_string(), guard::named(self.address)])
            .enforce_origin_validation();
        let ending = config.cancellation_token.clone();
        let presence = Presence::announce(&self.store.settings().folder, self.address);
        let hooks = Hooks::new(Arc::clone(&self.store), self.home);
        hooks.begin();
        let handler = Handler::new(self.store, self.tools);
        let shared = Arc::new(Shared {
            hooks,
            gate: Gate::new(self.address, self.token),
            mcp: Mcp::new(move || Ok(handler.clone()), Arc::default(), config),
        });
        let listener = TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        let mut end = std::pin::pin!(asked_to_end());
        loop {
            let place = tokio::select! {
                () = &mut end => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        connection(stream, shared).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
            while connections.try_join_next().is_some() {}
        }
        // Nobody is to look for it at a port that may soon be another program's.
        drop(presence);
        drop(listener);
        ending.cancel();
        // Who is still at work after that is cut off; what was committed stays.
        drop(
            timeout(END_PATIENCE, async {
                while connections.join_next().await.is_some() {}
            })
            .await,
        );
        Ok(())
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // How a connection ends is the client's affair.
    drop(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Body> {
    if let Err(refusal) = shared.gate.admit(&request) {
        return refused(refusal);
    }
    let (head, body) = request.into_parts();
    let body = match timeout(BODY_PATIENCE, Limited::new(body, FRAME_BYTES_MAX).collect()).await {
        Err(_) => return refused(Refusal::TooSlow),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return refused(Refusal::TooLong),
        Ok(Err(_)) => return refused(Refusal::BrokenBody),
        Ok(Ok(body)) => body.to_bytes(),
    };
    if let Some(event) = guard::event(head.uri.path()) {
        return hooked(event, &head, body, shared).await;
    }
    if let Some(flaw) = flaw(&body) {
        let object = refuse(&body, Some(flaw)).to_string();
        return json(StatusCode::BAD_REQUEST, object);
    }
    shared
        .mcp
        .handle(Request::from_parts(head, Full::new(body)))
        .await
}

/// Answers an event of a host, off the thread that all connections share.
async fn hooked(
    event: Event,
    head: &http::request::Parts,
    body: Bytes,
    shared: &Shared,
) -> Response<Body> {
    if head.method != http::Method::POST {
        return json(StatusCode::METHOD_NOT_ALLOWED, "{}".to_owned());
    }
    let hooks = shared.hooks.clone();
    let query = head.uri.query().map(str::to_owned);
    let work = move || hooks.answer(event, query.as_deref(), &body);
    let object = tokio::task::spawn_blocking(work).await;
    let object = object.unwrap_or_else(|_| host::nothing());
    json(StatusCode::OK, object.to_string())
}

fn refused(refusal: Refusal) -> Response<Body> {
    let object = serde_json::json!({"error": {"message": refusal.message()}}).to_string();
    let mut response = json(refusal.status(), object);
    if refusal.status() == StatusCode::UNAUTHORIZED {
        let value = http::HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(http::header::WWW_AUTHENTICATE, value);
    }
    response
}

fn json(status: StatusCode, object: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(object)).boxed());
    *response.status_mut() = status;
    let value = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, value);
    response
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
