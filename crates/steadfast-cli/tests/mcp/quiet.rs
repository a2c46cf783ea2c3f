//! What people told the memory stays in it: nothing of it is in what a server prints or logs.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::http::Served;

/// A word that stands nowhere else.
const SECRET: &str = "xylotrichine";

/// What turns logs on in programs of this kind: it must turn on nothing.
pub(crate) const LOUD: [(&str, &str); 3] = [
    ("RUST_LOG", "trace"),
    ("RUST_BACKTRACE", "1"),
    ("STEADFAST_LOG", "trace"),
];

/// Calls that carry the word in every place that a text can stand in.
fn calls() -> Vec<(&'static str, Value)> {
    let word = SECRET;
    vec![
        (
            "remember",
            json!({"text": format!("{word} is kept"), "title": word, "tag": word}),
        ),
        (
            "remember",
            json!({"text": word, "idempotency_key": word, "valid_from": word}),
        ),
        ("search", json!({"query": word})),
        (
            "search",
            json!({"query": "x", "where": {word: {"$no": word}}}),
        ),
        ("search", json!({"query": word, "since": word})),
        ("search", json!({word: word})),
        ("get", json!({"ids": [word]})),
        ("forget", json!({"source": word})),
        (SECRET, json!({"query": word})),
    ]
}

/// Returns the files below a folder, other than the store's own, that hold the word.
fn files_with_secret(folder: &Path, store: &Path) -> Vec<String> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path == store {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path)
                .unwrap()
                .windows(SECRET.len())
                .any(|part| part == SECRET.as_bytes())
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn a_server_on_pipes_talks_of_nothing_that_it_was_told() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let mut client = Client::start_with(&store, &[], &LOUD);
    client.hello("2025-11-25", &json!({}));
    for (tool, arguments) in calls() {
        client.request("tools/call", &json!({"name": tool, "arguments": arguments}));
    }
    client.send_line(format!("{{\"{SECRET}\": {SECRET}").as_bytes());
    client.receive();
    // A store that fails while it is used.
    fs::write(store.join("steadfast.db"), SECRET).unwrap();
    client.request(
        "tools/call",
        &json!({"name": "search", "arguments": {"query": SECRET}}),
    );
    let (_, _, talk) = client.close();
    assert!(!talk.contains(SECRET), "{talk}");
    assert_eq!(
        files_with_secret(folder.path(), &store),
        Vec::<String>::new()
    );
}

#[cfg(unix)]
#[test]
fn a_server_over_http_talks_of_nothing_that_it_was_told() {
    let mut served = Served::start();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for (tool, arguments) in calls() {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": meta}});
        let further = [
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", tool),
        ];
        served.ask(&message, &further);
    }
    let (name, value) = ("X-Word", SECRET);
    served.ask(&json!({SECRET: SECRET}), &[(name, value)]);
    served.post(&json!({}), &[("Authorization", SECRET)]);
    ask_to_end(&served.process.child);
    let mut talk = String::new();
    served.process.child.wait().unwrap();
    let mut pipe = served.process.child.stderr.take().unwrap();
    pipe.read_to_string(&mut talk).unwrap();
    let mut printed = String::new();
    served.process.output.read_to_string(&mut printed).unwrap();
    assert!(!talk.contains(SECRET), "{talk}");
    assert!(!printed.contains(SECRET), "{printed}");
    let folder = served.folder.path();
    assert_eq!(
        files_with_secret(folder, &folder.join("store")),
        Vec::<String>::new()
    );
}

#[cfg(unix)]
fn ask_to_end(child: &Child) {
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(asked.success());
}
