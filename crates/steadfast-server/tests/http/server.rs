//! A server on the real transport, with tools that a test can hold up, and a client that speaks bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use steadfast_server::http::{Endpoint, Limits};
use steadfast_testkit::Answered;
use tokio::sync::oneshot;

/// What a bound of time is where it is to be met.
pub(crate) const SHORT: Duration = Duration::from_millis(50);
/// What a bound of time is where it is not: beyond every patience of a test.
pub(crate) const LONG: Duration = Duration::from_mins(10);
/// When a test gives up: only what is broken takes so long.
pub(crate) const GIVE_UP: Duration = Duration::from_mins(1);

/// The token of all these servers.
pub(crate) const TOKEN: &str = "secret";

/// A handler with two tools: `large` answers with a megabyte, `hold` when it may.
#[derive(Clone)]
pub(crate) struct Tools {
    begun: Sender<()>,
    release: Arc<Mutex<Receiver<()>>>,
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = self.clone();
        let text = match request.name.as_ref() {
            "large" => "x".repeat(1 << 20),
            _ => tokio::task::spawn_blocking(move || {
                // A test that is over waits for nothing.
                tools.begun.send(()).ok();
                tools.release.lock().unwrap().recv().ok();
                "held".to_owned()
            })
            .await
            .unwrap(),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// A server that ends with the test.
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) begun: Receiver<()>,
    pub(crate) release: Sender<()>,
    end: Option<oneshot::Sender<()>>,
    ended: Receiver<std::io::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Returns bounds that no test meets by accident.
pub(crate) fn patient() -> Limits {
    let mut limits = Limits::default();
    limits.head_patience = LONG;
    limits.body_patience = LONG;
    limits.write_patience = LONG;
    limits.end_patience = LONG;
    limits
}

impl Running {
    pub(crate) fn start(limits: Limits) -> Self {
        let (tell_begun, begun) = channel();
        let (release, released) = channel();
        let tools = Tools {
            begun: tell_begun,
            release: Arc::new(Mutex::new(released)),
        };
        let endpoint = Endpoint::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = endpoint.url();
        let address = url
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_suffix("/mcp"));
        let (end, asked) = oneshot::channel();
        let (tell, ended) = channel();
        let endpoint = endpoint.token(TOKEN.to_owned()).limits(limits);
        let thread = std::thread::spawn(move || {
            let served = endpoint.run(tools, async move { drop(asked.await) });
            drop(tell.send(served));
        });
        Self {
            address: address.unwrap().to_owned(),
            begun,
            release,
            end: Some(end),
            ended,
            thread: Some(thread),
        }
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(GIVE_UP)).unwrap();
        stream.set_write_timeout(Some(GIVE_UP)).unwrap();
        Client { stream }
    }

    /// Returns the lines of a head as an honest client sends them, without the blank line.
    pub(crate) fn head(&self, method: &str, further: &str) -> String {
        format!(
            "{method} /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{further}",
            self.address
        )
    }

    /// Returns a call of a tool, of the revision without sessions.
    pub(crate) fn call(&self, tool: &str, further: &str) -> Vec<u8> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": {}, "_meta": meta}});
        let standard = format!(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        );
        self.post(&message, &(standard + further))
    }

    pub(crate) fn post(&self, message: &Value, further: &str) -> Vec<u8> {
        let body = message.to_string();
        let length = format!("Content-Length: {}\r\n{further}\r\n", body.len());
        let mut request = self.head("POST", &length).into_bytes();
        request.extend(body.into_bytes());
        request
    }

    /// Asks as an honest client does, on a connection of its own, and must be answered.
    pub(crate) fn still_answers(&self) {
        let asked = self.post(&hello(), "Connection: close\r\n");
        let answered = self.connect().says(&asked);
        assert_eq!(answered.status, 200, "{}", answered.head);
        assert!(answered.body.contains("serverInfo"), "{}", answered.body);
    }

    pub(crate) fn ask_to_end(&mut self) {
        drop(self.end.take());
    }

    /// Waits until the server has ended.
    pub(crate) fn ended(&mut self) {
        self.ended.recv_timeout(GIVE_UP).unwrap().unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

pub(crate) fn hello() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

impl Client {
    /// Sends bytes; a server that has refused already may have closed.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Reads until the server closes, which it must.
    pub(crate) fn rest(&mut self) -> Answered {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            // A server that closes with bytes unread resets the connection: it has closed.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            ended => drop(ended.unwrap()),
        }
        Answered::of(&bytes)
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) fn says(&mut self, bytes: &[u8]) -> Answered {
        self.send(bytes);
        self.rest()
    }

    /// Sends bytes and no more, ever, and reads until the server closes.
    pub(crate) fn says_and_hangs_up(&mut self, bytes: &[u8]) -> Answered {
        self.send(bytes);
        drop(self.stream.shutdown(Shutdown::Write));
        self.rest()
    }

    /// Reads until a text has come.
    pub(crate) fn reads_to(&mut self, text: &str) {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(text.as_bytes()) {
            self.stream.read_exact(&mut byte).unwrap();
            seen.extend(byte);
        }
    }
}
