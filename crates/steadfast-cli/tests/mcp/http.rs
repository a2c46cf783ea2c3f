//! The server over HTTP: who is let in, and that both revisions are spoken.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use steadfast_testkit::{Answered, Served as Process};
use tempfile::TempDir;

use crate::quiet::LOUD;

/// A server over a store in a folder of its own.
pub(crate) struct Served {
    pub(crate) process: Process,
    pub(crate) folder: TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = command(folder.path(), &folder.path().join("store"));
        let process = Process::start(command.envs(LOUD).stderr(Stdio::piped()), &[]);
        Self { process, folder }
    }

    fn raw(&self, head: &str, body: &[u8]) -> Answered {
        self.process.says(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn post(&self, message: &Value, headers: &[(&str, &str)]) -> Answered {
        let body = message.to_string();
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head.extend([*name, ": ", *value, "\r\n"]);
        }
        self.raw(&(head + "\r\n"), body.as_bytes())
    }

    /// Sends a message as an honest client does, and returns the message that came back.
    pub(crate) fn ask(&self, message: &Value, further: &[(&str, &str)]) -> (Answered, Value) {
        let bearer = format!("Bearer {}", self.process.token());
        let mut headers = vec![("Host", self.process.address()), ("Authorization", &bearer)];
        headers.extend(further);
        let answered = self.post(message, &headers);
        let message = answered
            .body
            .lines()
            .filter_map(|line| {
                serde_json::from_str(line.strip_prefix("data:").unwrap_or(line)).ok()
            })
            .find(Value::is_object)
            .unwrap_or(Value::Null);
        (answered, message)
    }
}

fn command(folder: &Path, store: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    command
        .env("STEADFAST_STORE", store)
        .env("HOME", folder)
        .current_dir(folder);
    command
}

fn hello() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

#[test]
fn nothing_is_answered_without_token_name_and_modesty() {
    let served = Served::start();
    let (host, bearer) = (
        served.process.address(),
        format!("Bearer {}", served.process.token()),
    );
    let (ours, token) = (("Host", host), ("Authorization", bearer.as_str()));
    let status = |headers: &[(&str, &str)]| served.post(&hello(), headers).status;
    assert_eq!(status(&[ours, token]), 200);
    let stranger = served.post(&hello(), &[ours]);
    assert_eq!(stranger.status, 401);
    assert!(stranger.head.contains("www-authenticate: bearer"));
    assert_eq!(status(&[ours, ("Authorization", "Bearer 00")]), 401);
    assert_eq!(status(&[("Host", "evil.example"), token]), 403);
    assert_eq!(
        status(&[ours, token, ("Origin", "http://evil.example")]),
        403
    );
    let get = format!("GET /mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    assert_eq!(
        served.raw(&get, b"").status,
        401,
        "reading needs the token too"
    );
    let long = format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\
         Content-Length: 9000000\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(served.raw(&long, b"{").status, 413);
    let deep = "[".repeat(100) + &"]".repeat(100);
    let (answered, message) = served.ask(&serde_json::from_str(&deep).unwrap(), &[]);
    assert_eq!(
        (answered.status, &message["error"]["code"]),
        (400, &json!(-32600))
    );
    assert_eq!(served.raw("garbage\r\n\r\n", b"").status, 400);
    assert_eq!(status(&[ours, token]), 200, "it is still there");
}

#[test]
fn a_session_of_an_older_revision_keeps_and_finds_a_fact() {
    let served = Served::start();
    let (answered, message) = served.ask(&hello(), &[]);
    assert_eq!(
        message["result"]["serverInfo"]["name"], "steadfast",
        "{}",
        answered.body
    );
    let session = answered
        .head
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .unwrap();
    let further = [
        ("Mcp-Session-Id", session),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(served.ask(&ready, &further).0.status, 202);
    let call = |id: u32, tool: &str, arguments: Value| {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments}});
        served.ask(&message, &further).1["result"]["structuredContent"].clone()
    };
    let kept = call(2, "remember", json!({"text": "The gate closes at nine."}));
    let found = call(3, "search", json!({"query": "when does the gate close"}));
    assert_eq!(found["hits"][0]["id"], kept["id"], "{found}");
    // The same store as the command's.
    let output = command(served.folder.path(), &served.folder.path().join("store"))
        .args(["search", "gate", "--json"])
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["hits"][0]["id"], kept["id"]);
}

#[test]
fn the_stateless_revision_needs_no_session() {
    let served = Served::start();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "remember", "arguments": {"text": "The gate closes at nine."}, "_meta": meta,
    }});
    let further = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "remember"),
    ];
    let (answered, message) = served.ask(&message, &further);
    let kept = &message["result"]["structuredContent"];
    assert_eq!(kept["outcome"], "inserted", "{}", answered.body);
}

#[test]
fn other_machines_and_used_ports_are_refused() {
    let served = Served::start();
    let refused = |address: &str| {
        let output = command(served.folder.path(), &served.folder.path().join("store"))
            .args(["serve", "--json", "--listen", address])
            .output()
            .unwrap();
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            output.status.code().unwrap(),
            object["error"]["kind"].clone(),
        )
    };
    assert_eq!(refused("0.0.0.0:0"), (2, json!("usage")));
    assert_eq!(refused(served.process.address()), (3, json!("busy")));
}

#[cfg(unix)]
#[test]
fn the_token_is_private_and_the_end_is_a_good_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut served = Served::start();
    let mode = fs::metadata(served.process.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // It listens before it minds signals, and answers after.
    let (answered, _) = served.ask(&hello(), &[]);
    assert_eq!(answered.status, 200);
    let asked = Command::new("kill")
        .args(["-TERM", &served.process.child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(served.process.child.wait().unwrap().code(), Some(0));
}

/// What a server without work may hold, in kilobytes.
#[cfg(target_os = "linux")]
const IDLE_KILOBYTES_MAX: u64 = 40 << 10;

#[cfg(target_os = "linux")]
#[test]
fn an_idle_server_is_small() {
    let served = Served::start();
    // As it is between two questions, not as it is before the first.
    let (answered, _) = served.ask(&hello(), &[]);
    assert_eq!(answered.status, 200);
    let status = fs::read_to_string(format!("/proc/{}/status", served.process.child.id())).unwrap();
    let resident: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kilobytes| kilobytes.parse().ok())
        .unwrap();
    assert!(resident <= IDLE_KILOBYTES_MAX, "{resident} kB");
}
