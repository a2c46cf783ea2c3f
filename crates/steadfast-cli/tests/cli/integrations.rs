//! The files for hosts. Bad day: a plugin that starts what is no longer there.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::Place;

fn integrations() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations"))
}

fn object(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(integrations().join(name)).unwrap()).unwrap()
}

#[test]
fn the_plugin_has_the_hooks_and_the_server_that_setup_writes() {
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let run = place
        .command_without_store()
        .args(["setup", "claude-code", "--project", "--yes"])
        .output()
        .unwrap();
    assert!(run.status.success());
    let written = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(place.project().join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        written(".claude/settings.json")["hooks"],
        object("claude-code/hooks/hooks.json")["hooks"]
    );
    assert_eq!(written(".mcp.json"), object("claude-code/.mcp.json"));
    assert_eq!(written(".mcp.json"), object("mcp.json"));
}

#[test]
fn versions_are_those_of_the_package() {
    for name in ["claude-code/.claude-plugin/plugin.json", "server.json"] {
        assert_eq!(object(name)["version"], env!("CARGO_PKG_VERSION"), "{name}");
    }
    let description = object("server.json")["description"].clone();
    assert!(
        description.as_str().unwrap().len() <= 100,
        "the registry's bound"
    );
}
