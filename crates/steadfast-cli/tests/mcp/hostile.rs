//! Frames that no honest client sends, and ends at any moment.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// How many hostile frames one session gets.
const FRAMES: usize = 10_000;

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
fn ten_thousand_hostile_frames_and_one_session() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::open(&folder.path().join("store"));
    client.done("remember", &json!({"text": "still here"}));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let wide = format!("[{}0]", "0,".repeat(1_000));
    let hostile = [
        ("{".to_owned(), Some(-32_700)),
        ("\u{0}\u{1}".to_owned(), Some(-32_700)),
        ("\"text\"".to_owned(), Some(-32_600)),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]".to_owned(), Some(-32_600)),
        ("{\"jsonrpc\":\"1.0\",\"id\":\"a\",\"method\":\"ping\"}".to_owned(), Some(-32_600)),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}".to_owned(), Some(-32_600)),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":7}".to_owned(), Some(-32_600)),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"no/such\"}".to_owned(), Some(-32_601)),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"tools/call\",\"params\":{\"name\":7}}".to_owned(), Some(-32_602)),
        ("{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"tools/call\",\"params\":{\"name\":\"none\"}}".to_owned(), Some(-32_602)),
        (format!("{{\"jsonrpc\":\"2.0\",\"id\":\"f\",\"method\":\"tools/call\",\"params\":{deep}}}"), Some(-32_600)),
        (wide, Some(-32_600)),
        ("{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}".to_owned(), None),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/none\"}".to_owned(), None),
        ("   ".to_owned(), None),
    ];
    for (frame, code) in hostile.iter().cycle().take(FRAMES) {
        client.send_line(frame.as_bytes());
        if let Some(code) = code {
            let answer = client.receive();
            assert_eq!(answer["error"]["code"], *code, "{frame}: {answer}");
        }
    }
    client.send_line(&vec![b'['; (8 << 20) + 1]);
    let answer = client.receive();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&Value::Null, &json!(-32600))
    );
    assert_eq!(client.done("status", &json!({}))["chunks"], 1);
    let (code, rest, talk) = client.close();
    assert_eq!((code, rest.as_str(), talk.as_str()), (0, "", ""));
}
