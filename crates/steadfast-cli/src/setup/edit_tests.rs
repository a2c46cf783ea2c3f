//! Edits of files that people wrote by hand, and back again.

use serde_json::json;

use super::*;

fn member() -> Edit {
    Edit::JsonMember {
        path: vec!["mcpServers"],
        key: "steadfast",
        value: json!({"command": "steadfast", "args": ["mcp"]}),
    }
}

fn entry(program: &str) -> Edit {
    let command = format!("{program} hook stop");
    Edit::JsonEntry {
        path: vec!["hooks", "Stop"],
        value: json!({"hooks": [{"type": "command", "command": command}]}),
    }
}

fn table() -> Edit {
    Edit::TomlTable {
        table: "mcp_servers",
        name: "steadfast",
        values: vec![
            ("command", toml::Value::from("steadfast")),
            ("args", toml::Value::from(vec!["mcp"])),
        ],
    }
}

/// Applies, applies again, and takes back; returns the text in between.
#[track_caller]
fn there_and_back(text: &str, edits: &[Edit]) -> String {
    let after = apply(text, edits).unwrap();
    assert_eq!(apply(&after, edits).unwrap(), after, "twice is once");
    assert_eq!(retract(&after, edits).unwrap(), text);
    after
}

#[test]
fn comments_and_order_stay() {
    let text = "{\n  // mine\n  \"theme\": \"dark\", /* why not */\n  \"mcpServers\": {\n    \"other\": {\"command\": \"x\"}\n  },\n  \"last\": 1\n}\n";
    let after = there_and_back(text, &[member(), entry("steadfast")]);
    for kept in [
        "// mine",
        "/* why not */",
        "\"other\": {\"command\": \"x\"}",
    ] {
        assert!(after.contains(kept), "{after}");
    }
    let value = CstRootNode::parse(&after, &ParseOptions::default())
        .unwrap()
        .to_serde_value()
        .unwrap();
    assert_eq!(value["mcpServers"]["steadfast"]["args"][0], "mcp");
    assert_eq!(
        value["hooks"]["Stop"][0]["hooks"][0]["command"],
        "steadfast hook stop"
    );
}

#[test]
fn an_empty_file_becomes_json_that_any_host_reads() {
    let after = apply("", &[member(), entry("steadfast")]).unwrap();
    let value: Value = serde_json::from_str(&after).unwrap();
    assert!(value["mcpServers"]["steadfast"].is_object());
    assert_eq!(
        retract(&after, &[member(), entry("steadfast")])
            .unwrap()
            .trim(),
        "{}"
    );
}

#[test]
fn hooks_of_others_stay_and_ours_is_replaced() {
    let text = "{\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\"type\": \"command\", \"command\": \"say done\"}\n        ]\n      }\n    ]\n  }\n}\n";
    let after = there_and_back(text, &[entry("/old/steadfast")]);
    let moved = apply(&after, &[entry("/new/steadfast")]).unwrap();
    assert!(moved.contains("say done") && moved.contains("/new/steadfast hook stop"));
    assert!(!moved.contains("/old/steadfast"), "{moved}");
    // Ours in a group of somebody else's.
    let mixed = "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"command\": \"say\"}, {\"command\": \"steadfast hook stop\"}]}]}}";
    let left = retract(mixed, &[entry("steadfast")]).unwrap();
    assert!(
        left.contains("say") && !left.contains("steadfast"),
        "{left}"
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for text in [
        "[]",
        "not json",
        "{\"hooks\": 7}",
        "{\"hooks\": {\"Stop\": {}}}",
        "{",
    ] {
        assert!(apply(text, &[entry("steadfast")]).is_err(), "{text}");
    }
}

#[test]
fn a_table_comes_behind_the_others_and_goes_again() {
    let text = "# mine\nmodel = \"x\" # fast\n\n[mcp_servers.other]\ncommand = \"y\"\n\n[mcp_servers.other.env]\nA = \"1\"\n";
    let after = there_and_back(text, &[table()]);
    assert!(after.starts_with(text), "{after}");
    assert_eq!(there_and_back("", &[table()]).lines().count(), 3);
    let old = "[mcp_servers.steadfast]\ncommand = \"old\"\n\n[mcp_servers.steadfast.env]\nB = \"2\"\n\n[last]\nx = 1\n";
    let after = apply(old, &[table()]).unwrap();
    assert!(after.contains("[last]") && !after.contains("old") && !after.contains("env"));
    assert!(apply("mcp_servers = 7", &[table()]).is_err());
    assert!(apply("not toml", &[table()]).is_err());
    let inline = "mcp_servers = { steadfast = { command = \"old\" } }\n";
    let flaw = apply(inline, &[table()]).unwrap_err();
    assert!(flaw.contains("[mcp_servers.steadfast]"), "{flaw}");
}

#[test]
fn what_stands_behind_the_table_is_not_of_it() {
    let text = "model = \"x\"\n";
    let after = apply(text, &[table()]).unwrap();
    let mine = "\n# my own server\n# for work\n[mcp_servers.mine]\ncommand = \"foo\"\n";
    let both = format!("{after}{mine}");
    assert_eq!(retract(&both, &[table()]).unwrap(), format!("{text}{mine}"));
    let Edit::TomlTable {
        table,
        name,
        mut values,
    } = table()
    else {
        panic!("a table");
    };
    values.push(("cwd", toml::Value::from("/")));
    let moved = apply(
        &both,
        &[Edit::TomlTable {
            table,
            name,
            values,
        }],
    )
    .unwrap();
    assert!(
        moved.starts_with(&format!("{text}{mine}\n[mcp_servers.steadfast]\n")),
        "{moved}"
    );
    let spaced =
        "[ mcp_servers . \"steadfast\" ] # ours\n# of it\ncommand = \"old\"\n# at the end\n";
    assert_eq!(retract(spaced, &[self::table()]).unwrap(), "# at the end\n");
}

#[test]
fn line_ends_stay() {
    let text = "model = \"x\"\r\n# c\r\n[a]\r\nb = 1\r\nlf = 2\n";
    let after = there_and_back(text, &[table()]);
    assert!(after.starts_with(text), "{after:?}");
    assert!(
        after.ends_with(
            "[mcp_servers.steadfast]\r\ncommand = \"steadfast\"\r\nargs = [\"mcp\"]\r\n"
        )
    );
}

#[test]
fn hooks_and_empty_lists_of_the_user_s_own_stay() {
    let text = "{\n  \"hooks\": {\n    \"Stop\": [\n      {\"hooks\": [{\"command\": \"~/src/steadfast/notify.sh hook done\"}]}\n    ]\n  }\n}\n";
    there_and_back(text, &[entry("steadfast")]);
    for text in [
        "{\"hooks\": {\"Stop\": []}}",
        "{\"mcpServers\": {}}",
        "",
        " \n",
    ] {
        assert_eq!(
            retract(text, &[member(), entry("steadfast")]).unwrap(),
            text
        );
        apply(text, &[member(), entry("steadfast")]).unwrap();
    }
}
