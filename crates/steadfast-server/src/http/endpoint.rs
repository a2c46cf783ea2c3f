//! An address of this machine, and all that stands between it and the protocol.
//!
//! It knows no store: whoever has a handler of the SDK can stand behind it, and
//! the server of the official conformance fixtures does. Invariants: every wait,
//! every buffer and every number of things has a bound; asked to end, it takes
//! up nothing new and finishes what was begun.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::calls::{Calls, Counted};
use super::guard::{self, Gate, Refusal};
use super::hooks::Hooks;
use super::patient::Patient;
use crate::hooks::event::Event;
use crate::hooks::host;
use crate::mcp::{CALLS_MAX, FRAME_BYTES_MAX, THREAD_IDLE, flaw, refuse};

/// The most bytes of a head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The pause after an accept that failed, as when there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The header that names a session of the revisions that have some.
const SESSION: &str = "mcp-session-id";
/// The header that names what is asked for, in the revisions without sessions.
const METHOD: &str = "mcp-method";

type Body = BoxBody<Bytes, Infallible>;

/// How much of everything, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at the same time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Sessions at the same time, of the revisions that have some; further ones are refused.
    pub sessions_max: usize,
    /// How long a client may take for the head of a request, and how long it may rest between two.
    pub head_patience: Duration,
    /// How long a client may take for the body of a request.
    pub body_patience: Duration,
    /// How long a client may take to read on.
    pub write_patience: Duration,
    /// How long the end waits for calls that are still at work.
    pub end_patience: Duration,
    /// After how long without a call the server rests, and gives back memory.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 128,
            sessions_max: 256,
            head_patience: Duration::from_secs(10),
            body_patience: Duration::from_secs(30),
            write_patience: Duration::from_secs(30),
            end_patience: Duration::from_secs(5),
            idle: Duration::from_secs(2),
        }
    }
}

/// Listens on an address of this machine alone, and has not answered anybody yet.
pub struct Endpoint {
    listener: StdListener,
    address: SocketAddr,
    token: Option<String>,
    limits: Limits,
    hooks: Option<Hooks>,
    at_rest: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What all requests share.
struct Shared<H> {
    gate: Gate,
    mcp: StreamableHttpService<H, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
    calls: Calls,
    hooks: Option<Hooks>,
    limits: Limits,
}

impl Endpoint {
    /// Listens on a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an address of other machines, else what the system says.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let what = format!("{address} is not an address of this machine alone");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            token: None,
            limits: Limits::default(),
            hooks: None,
            at_rest: None,
        })
    }

    /// Wants a token with every request.
    #[must_use]
    pub fn token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets other bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Answers events of hosts too.
    pub(super) fn hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Does this work whenever nothing was asked for a while.
    pub(super) fn at_rest(mut self, work: impl Fn() + Send + Sync + 'static) -> Self {
        self.at_rest = Some(Arc::new(work));
        self
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address to connect to.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, guard::PATH)
    }

    /// Serves with a handler until asked to end, then finishes what was begun.
    ///
    /// # Errors
    /// When the system gives no threads; whatever clients do is no error.
    pub fn run(
        self,
        handler: impl ServerHandler + Clone,
        end: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(CALLS_MAX)
            .thread_keep_alive(THREAD_IDLE)
            .build()?;
        let patience = self.limits.end_patience;
        let ended = runtime.block_on(self.serve(handler, end));
        runtime.shutdown_timeout(patience);
        ended
    }

    async fn serve(
        self,
        handler: impl ServerHandler + Clone,
        end: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (gate, limits) = (Gate::new(self.address, self.token), self.limits);
        let config = StreamableHttpServerConfig::default()
            .with_max_request_body_bytes(FRAME_BYTES_MAX)
            .with_allowed_hosts(gate.hosts().map(str::to_owned))
            .with_allowed_origins(gate.hosts().map(guard::origin));
        let ending = config.cancellation_token.clone();
        let closing = ending.child_token();
        let sessions = Arc::new(LocalSessionManager::default());
        let shared = Arc::new(Shared {
            gate,
            mcp: StreamableHttpService::new(
                move || Ok(handler.clone()),
                Arc::clone(&sessions),
                config,
            ),
            sessions,
            calls: Calls::new(),
            hooks: self.hooks,
            limits: limits.clone(),
        });
        let listener = TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let mut connections = JoinSet::new();
        let resting = self.at_rest.map(|work| {
            let (calls, idle) = (shared.calls.clone(), limits.idle);
            tokio::spawn(async move { calls.at_rest(idle, work).await })
        });
        let mut end = pin!(end);
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
                    let (shared, closing) = (Arc::clone(&shared), closing.clone());
                    connections.spawn(async move {
                        connection(stream, shared, closing.cancelled_owned()).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        if let Some(resting) = resting {
            resting.abort();
        }
        closing.cancel();
        // Who is still at work after that is cut off; what was committed stays.
        drop(timeout(limits.end_patience, shared.calls.all_done()).await);
        ending.cancel();
        drop(
            timeout(limits.end_patience, async {
                while connections.join_next().await.is_some() {}
            })
            .await,
        );
        Ok(())
    }
}

async fn connection<H: ServerHandler + Clone>(
    stream: TcpStream,
    shared: Arc<Shared<H>>,
    closing: impl Future<Output = ()>,
) {
    let limits = shared.limits.clone();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    let stream = Patient::new(stream, limits.write_patience);
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_patience)
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    // How a connection ends is the client's affair.
    tokio::select! {
        ended = serving.as_mut() => return drop(ended),
        () = closing => serving.as_mut().graceful_shutdown(),
    }
    drop(serving.await);
}

async fn answer<H: ServerHandler + Clone>(
    request: Request<Incoming>,
    shared: &Shared<H>,
) -> Response<Body> {
    if let Err(refusal) = shared.gate.admit(&request) {
        return refused(refusal);
    }
    let (head, body) = request.into_parts();
    let begun = (!is_standing(&head.method, &head.headers)).then(|| shared.calls.begin());
    let limited = Limited::new(body, FRAME_BYTES_MAX).collect();
    let body = match timeout(shared.limits.body_patience, limited).await {
        Err(_) => return refused(Refusal::TooSlow),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return refused(Refusal::TooLong),
        Ok(Err(_)) => return refused(Refusal::BrokenBody),
        Ok(Ok(body)) => body.to_bytes(),
    };
    if let Some(event) = guard::event(head.uri.path()) {
        return match &shared.hooks {
            Some(hooks) => {
                let response = hooked(event, &head, body, hooks.clone()).await;
                response.map(|body| Counted::new(body, begun).boxed())
            }
            None => refused(Refusal::NoSuchPath),
        };
    }
    if let Some(flaw) = flaw(&body) {
        let object = refuse(&body, Some(flaw)).to_string();
        return json(StatusCode::BAD_REQUEST, object);
    }
    if may_open_session(&head.headers) && is_full(shared).await {
        return refused(Refusal::TooManySessions);
    }
    let request = Request::from_parts(head, Full::new(body));
    let response = shared.mcp.handle(request).await;
    response.map(|body| Counted::new(body, begun).boxed())
}

/// Answers an event of a host, off the thread that all connections share.
async fn hooked(event: Event, head: &Parts, body: Bytes, hooks: Hooks) -> Response<Body> {
    if head.method != Method::POST {
        return json(StatusCode::METHOD_NOT_ALLOWED, "{}".to_owned());
    }
    let query = head.uri.query().map(str::to_owned);
    let work = move || hooks.answer(event, query.as_deref(), &body);
    let object = tokio::task::spawn_blocking(work).await;
    let object = object.unwrap_or_else(|_| host::nothing());
    json(StatusCode::OK, object.to_string())
}

/// Returns whether the answer is a stream that stays open until somebody closes it.
fn is_standing(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::GET
        || headers
            .get(METHOD)
            .is_some_and(|method| method.as_bytes() == b"subscriptions/listen")
}

/// Returns whether a request may open a session: those of the revisions without sessions name their method.
fn may_open_session(headers: &HeaderMap) -> bool {
    !headers.contains_key(SESSION) && !headers.contains_key(METHOD)
}

async fn is_full<H>(shared: &Shared<H>) -> bool {
    shared.sessions.sessions.read().await.len() >= shared.limits.sessions_max
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
