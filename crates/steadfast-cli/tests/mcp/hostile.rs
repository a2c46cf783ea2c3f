//! Frames that no honest client sends, and ends at any moment.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::frames::{known, random, seed};

/// How many hostile frames one session gets.
const FRAMES: u64 = 10_000;
/// How many of them are known ones, whose answers are checked.
const KNOWN: u64 = 4_000;
/// How many frames a session gets before it is one.
const EARLY: u64 = 1_000;
/// One byte more than a frame may have.
const TOO_LONG: usize = (8 << 20) + 1;

#[test]
fn the_end_of_the_input_is_a_good_end_at_any_moment() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let silent = Client::start(&store, &[]);
    assert_eq!(silent.close(), (0, String::new(), String::new()));
    let mut half = Client::start(&store, &[]);
    half.send_line(b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"initi");
    let (code, answered, talk) = half.close();
    assert_eq!((code, talk.as_str()), (0, ""));
    assert!(answered.contains("-32700"), "{answered}");
    assert!(!store.exists());
}

#[test]
fn a_call_at_the_end_is_still_answered() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::open(&folder.path().join("store"));
    let params = json!({"name": "remember", "arguments": {"text": "the last words"}});
    client.ask("tools/call", &params);
    let (code, answered, _) = client.close();
    assert_eq!(code, 0);
    assert!(answered.contains("inserted"), "{answered}");
}

#[test]
fn garbage_before_the_session_does_not_prevent_it() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &[]);
    for line in [
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":1,\"message\":\"x\"}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
    ] {
        client.send_line(line.as_bytes());
    }
    client.send_line(b"not json");
    assert_eq!(client.receive()["error"]["code"], -32700);
    let hello = client.hello("2025-11-25", &json!({}));
    assert!(hello["result"]["serverInfo"].is_object(), "{hello}");
}

#[test]
fn a_thousand_hostile_frames_before_the_session_do_not_prevent_it() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &[]);
    let seed = seed();
    for number in 0..EARLY {
        let frame = random(seed, number);
        // A session that opens here is one: that is tried elsewhere.
        let text = String::from_utf8_lossy(&frame);
        if text.contains("initialize") || text.contains("discover") || text.contains("_meta") {
            continue;
        }
        client.send_line(&frame);
        let mark = json!(format!("mark-{number}"));
        client.send(&json!({"jsonrpc": "1.0", "id": mark, "method": "none"}));
        let (_, answer) = client.receive_until(&mark);
        assert_eq!(
            answer["error"]["code"], -32600,
            "seed {seed}, frame {number}: {text}"
        );
    }
    let hello = client.hello("2025-11-25", &json!({}));
    assert!(hello["result"]["serverInfo"].is_object(), "{hello}");
    assert_eq!(client.close().0, 0);
}

#[test]
fn ten_thousand_hostile_frames_and_one_session() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::open(&folder.path().join("store"));
    client.done("remember", &json!({"text": "still here"}));
    known_frames(&mut client, KNOWN);
    random_frames(&mut client, FRAMES - KNOWN, &json!({}));
    long_frames(&mut client);
    assert_eq!(client.done("status", &json!({}))["chunks"], 1);
    let (code, rest, talk) = client.close();
    assert_eq!((code, rest.as_str(), talk.as_str()), (0, "", ""));
}

#[test]
fn hostile_frames_in_the_revision_without_sessions() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &[]);
    let meta = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let found = client.request("server/discover", &meta);
    assert!(found["result"].is_object(), "{found}");
    random_frames(&mut client, FRAMES / 5, &meta);
    let found = client.request("server/discover", &meta);
    assert!(found["result"].is_object(), "{found}");
    let (code, _, talk) = client.close();
    assert_eq!((code, talk.as_str()), (0, ""));
}

/// Sends frames whose answer is known, and checks it: code, id, and that there is one or none.
fn known_frames(client: &mut Client, count: u64) {
    let known = known();
    for (number, (frame, id, code)) in (0..count).zip(known.iter().cycle()) {
        client.send_line(frame);
        let text = String::from_utf8_lossy(frame);
        if let Some(code) = code {
            let answer = client.receive();
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (id, &json!(code)),
                "{text}: {answer}"
            );
        }
        let (further, _) = probe(client, number, &json!({}));
        assert!(further.is_empty(), "{text}: {further:?}");
    }
}

/// Sends random frames; after each, the session still answers.
fn random_frames(client: &mut Client, count: u64, meta: &Value) {
    let seed = seed();
    for number in 0..count {
        let frame = random(seed, number);
        client.send_line(&frame);
        let (_, answer) = probe(client, number, meta);
        let text = String::from_utf8_lossy(&frame);
        assert_eq!(
            answer["error"]["code"], -32602,
            "seed {seed}, frame {number}: {text}: {answer}"
        );
    }
}

/// Asks for a tool that is not there: only a session that is set up says so.
fn probe(client: &mut Client, number: u64, meta: &Value) -> (Vec<Value>, Value) {
    let id = json!(format!("probe-{number}"));
    let mut params = json!({"name": "no-such-tool", "arguments": {}});
    if let Some(meta) = meta.get("_meta") {
        params["_meta"] = meta.clone();
    }
    client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
    client.receive_until(&id)
}

/// Lines at and beyond the bound of bytes.
fn long_frames(client: &mut Client) {
    for byte in *b"[x\"{" {
        client.send_line(&vec![byte; TOO_LONG]);
        let answer = client.receive();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(-32600))
        );
    }
    let text = "a".repeat(TOO_LONG - 200);
    let long = json!({"name": "search", "arguments": {"query": text, "limit": "no"}});
    let id = client.ask("tools/call", &long);
    let (_, answer) = client.receive_until(&json!(id));
    assert!(answer["result"].is_object() || answer["error"].is_object());
}
