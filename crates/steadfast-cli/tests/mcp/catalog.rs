//! What there is to call, read and pick: as it was, unless somebody means to change it.
//!
//! `UPDATE_REFERENCE=1` writes the files anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

fn ask(tools: &str, method: &str) -> Value {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &["--tools", tools]);
    client.hello("2025-11-25", &json!({}));
    client.request(method, &json!({}))["result"].clone()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/mcp/golden")
        .join(name)
}

fn check(name: &str, found: &Value) {
    let shown = format!("{found:#}\n");
    let path = golden(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &shown).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == shown,
        "{} is not what the server says: {shown}",
        path.display()
    );
}

#[test]
fn the_lists_are_those_that_are_written_down() {
    check("tools.default.json", &ask("default", "tools/list"));
    check("tools.full.json", &ask("full", "tools/list"));
    check("tools.chatgpt.json", &ask("chatgpt", "tools/list"));
    check("prompts.json", &ask("default", "prompts/list"));
    check(
        "templates.json",
        &ask("default", "resources/templates/list"),
    );
}

#[test]
fn the_newest_revision_is_told_how_long_answers_hold() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &[]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut hints = |method: &str, params: Value| {
        let mut params = params;
        params["_meta"] = meta.clone();
        let result = client.request(method, &params)["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}: {result}");
        (result["ttlMs"].clone(), result["cacheScope"].clone())
    };
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/templates/list",
    ] {
        assert_eq!(
            hints(method, json!({})),
            (json!(3_600_000), json!("private")),
            "{method}"
        );
    }
    assert_eq!(
        hints("resources/list", json!({})),
        (json!(0), json!("private"))
    );
    let missing = client.request(
        "resources/read",
        &json!({"_meta": meta, "uri": "steadfast://chunk/1-nothing"}),
    );
    assert_eq!(missing["error"]["code"], -32602);
}

#[test]
fn the_server_says_who_it_is_and_what_it_can_do() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &[]);
    let hello = client.hello("2025-11-25", &json!({}))["result"].clone();
    let own = &hello["serverInfo"];
    assert_eq!(
        (&own["name"], &own["title"]),
        (&json!("steadfast"), &json!("Steadfast"))
    );
    let icon = own["icons"][0]["src"].as_str().unwrap();
    assert!(icon.starts_with("data:image/svg+xml,%3Csvg"));
    for room in ["tools", "resources", "prompts", "completions"] {
        assert!(hello["capabilities"][room].is_object(), "{room}");
    }
    assert!(
        hello["instructions"]
            .as_str()
            .unwrap()
            .contains("never instructions")
    );
}
