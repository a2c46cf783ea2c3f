//! Hostile frames: those whose answer is known, and random ones by a seed.

use serde_json::{Value, json};
use steadfast_testkit::Random;

/// A seed that finds what it finds each time; another one comes from the environment.
const SEED: u64 = 20_261_121;

/// Returns the seed of this run.
pub(crate) fn seed() -> u64 {
    steadfast_testkit::seed(SEED)
}

/// Returns the random frame of a number, an honest one changed as a message and as bytes, so that it can be made alone.
pub(crate) fn random(seed: u64, number: u64) -> Vec<u8> {
    let random = &mut Random::new(Random::new(seed.wrapping_add(number)).draw());
    let mut message = honest(random);
    for _ in 0..random.below(3) {
        spoil(&mut message, random);
    }
    let mut bytes = message.to_string().into_bytes();
    for _ in 0..random.below(4) {
        damage(&mut bytes, random);
    }
    bytes
}

fn byte(random: &mut Random) -> u8 {
    // A newline would make two frames of one.
    match u8::try_from(random.below(256)).unwrap() {
        b'\n' => b' ',
        byte => byte,
    }
}

fn pick<T: Clone>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len())].clone()
}

/// A frame, the id of its answer, and the code; without a code it has no answer.
type Known = (Vec<u8>, Value, Option<i64>);

/// Returns frames whose answers are known.
pub(crate) fn known() -> Vec<Known> {
    [no_json(), no_messages(), no_requests(), unanswered()].concat()
}

fn frame(bytes: impl AsRef<[u8]>, code: i64) -> Known {
    (bytes.as_ref().to_vec(), Value::Null, Some(code))
}

/// Returns a message, answered with its id where it has one.
fn message(message: &Value, code: i64) -> Known {
    let id = &message["id"];
    let has_id = id.is_string() || id.is_number();
    let id = if has_id { id.clone() } else { Value::Null };
    (message.to_string().into_bytes(), id, Some(code))
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn no_json() -> Vec<Known> {
    let texts = [
        "{",
        "}",
        "\u{0}\u{1}",
        "{'a':1}",
        "{\"id\":1,}",
        "nul",
        "NaN",
        "\"open",
    ];
    let bytes = [
        &b"\xff\xfe"[..],
        b"{\"id\":\"\xc3\x28\"}",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80",
    ];
    let texts = texts.iter().map(|text| text.as_bytes());
    texts
        .chain(bytes)
        .map(|bytes| frame(bytes, -32_700))
        .collect()
}

fn no_messages() -> Vec<Known> {
    let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]).to_string();
    let wide = format!("[{}0]", "0,".repeat(1_000));
    let deep: Value = serde_json::from_str(&nested(62)).unwrap();
    let texts = [
        "\"text\"",
        "1",
        "null",
        "true",
        "{}",
        "[]",
        "[1,2]",
        &nested(64),
        &nested(65),
        &nested(10_000),
        &wide,
        &batch,
    ];
    let messages = [
        json!({"jsonrpc": "1.0", "id": "a", "method": "ping"}),
        json!({"id": "b", "method": "ping"}),
        json!({"jsonrpc": 2, "id": "c", "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": {}, "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": [7], "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": true, "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": "d", "method": 7}),
        json!({"jsonrpc": "2.0", "id": "e"}),
        json!({"jsonrpc": "2.0", "id": "h", "method": "ping", "params": {"a": {"b": deep}}}),
        // The protocol has parameters by name alone: what has others is no message of it.
        json!({"jsonrpc": "2.0", "id": "i", "method": "tools/call", "params": [1, 2]}),
        json!({"jsonrpc": "2.0", "id": "i", "method": "tools/call", "params": "text"}),
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": 7}),
    ];
    let texts = texts.iter().map(|text| frame(text, -32_600));
    texts
        .chain(messages.iter().map(|spoiled| message(spoiled, -32_600)))
        .collect()
}

fn no_requests() -> Vec<Known> {
    let unknown = ["no/such", "", "rpc.discover", "tools/cal", "TOOLS/LIST"];
    let unknown = unknown.map(|method| {
        message(
            &json!({"jsonrpc": "2.0", "id": "f", "method": method}),
            -32_601,
        )
    });
    let wrong = [
        json!({"name": 7}),
        json!({"name": "none"}),
        json!({"name": null}),
        json!({"arguments": {}}),
        json!({"name": "search", "arguments": "text"}),
        json!({"name": "search", "arguments": [1]}),
    ];
    let wrong = wrong.map(|params| {
        let call = json!({"jsonrpc": "2.0", "id": "g", "method": "tools/call", "params": params});
        message(&call, -32_602)
    });
    unknown.into_iter().chain(wrong).collect()
}

/// Returns answers that nobody waits for, and notifications, whatever is in them.
fn unanswered() -> Vec<Known> {
    let cancelled = json!({"requestId": "nobody", "reason": "x"});
    let messages = [
        json!({"jsonrpc": "2.0", "id": 77, "result": {}}),
        json!({"jsonrpc": "2.0", "id": 77, "error": {"code": 1, "message": "x"}}),
        json!({"jsonrpc": "2.0", "method": "notifications/none"}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}}),
    ];
    let texts = messages.iter().map(Value::to_string);
    texts
        .chain(["   ".to_owned()])
        .map(|text| (text.into_bytes(), Value::Null, None))
        .collect()
}

fn honest(random: &mut Random) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
        "progressToken": 7,
    });
    let params = pick(
        random,
        &[
            json!({"name": "search", "arguments": {"query": "still here"}}),
            json!({"name": "status", "arguments": {}, "_meta": meta}),
            json!({"name": "get", "arguments": {"ids": ["1-none"]}}),
            json!({"uri": "steadfast://none"}),
            json!({"cursor": "none"}),
            json!({"requestId": 3}),
            json!({"progressToken": 7, "progress": 1}),
            json!({"level": "debug"}),
            json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}}),
            json!({"_meta": meta}),
            json!({}),
        ],
    );
    let method = pick(
        random,
        &[
            "tools/call",
            "tools/call",
            "tools/list",
            "ping",
            "initialize",
            "server/discover",
            "resources/list",
            "resources/read",
            "prompts/list",
            "prompts/get",
            "completion/complete",
            "logging/setLevel",
            "subscriptions/listen",
            "notifications/initialized",
            "notifications/cancelled",
            "notifications/progress",
            "notifications/roots/list_changed",
        ],
    );
    let id = pick(
        random,
        &[
            json!(1),
            json!(1),
            json!(-1),
            json!("1"),
            json!(null),
            json!(1.5),
        ],
    );
    match random.below(8) {
        0 => json!({"jsonrpc": "2.0", "id": id, "result": params}),
        1 => json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": "x"}}),
        2 => json!({"jsonrpc": "2.0", "method": method, "params": params}),
        _ => json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
    }
}

/// Puts something else into a place of a message, takes a place away, or adds one.
fn spoil(message: &mut Value, random: &mut Random) {
    let strange = pick(
        random,
        &[
            json!(null),
            json!(0),
            json!(-9_007_199_254_740_993_i64),
            json!(1e300),
            json!(""),
            json!("\u{0}\u{202e}"),
            json!([]),
            json!({}),
            json!([[[[[[[[1]]]]]]]]),
            json!("a".repeat(10_000)),
        ],
    );
    let places = [
        "jsonrpc", "id", "method", "params", "result", "error", "extra",
    ];
    let inner = [
        "name",
        "arguments",
        "_meta",
        "uri",
        "requestId",
        "protocolVersion",
        "extra",
    ];
    let object = if random.below(2) == 0 {
        message.get_mut("params")
    } else {
        Some(message)
    };
    let Some(Value::Object(object)) = object else {
        return;
    };
    let names = if object.contains_key("jsonrpc") {
        places
    } else {
        inner
    };
    let name = pick(random, &names);
    if random.below(3) == 0 {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), strange);
    }
}

/// Cuts, flips, inserts or doubles bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes.truncate(at),
        1 => {
            let byte = byte(random);
            bytes.insert(at, byte);
        }
        2 => {
            let part = bytes[at..].to_vec();
            bytes.extend(part);
        }
        _ => {
            let byte = byte(random);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
    }
}
