//! Sources and chunks as resources, and prompts over them.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

#[expect(clippy::needless_pass_by_value, reason = "written where it is used")]
fn result(client: &mut Client, method: &str, params: Value) -> Value {
    let answer = client.request(method, &params);
    assert!(answer["result"].is_object(), "{method}: {answer}");
    answer["result"].clone()
}

fn text(read: &Value) -> &str {
    read["contents"][0]["text"].as_str().unwrap()
}

#[test]
fn sources_are_listed_page_by_page_and_read_as_data() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &["--tools", "full"]);
    client.hello("2025-11-25", &json!({}));
    assert_eq!(
        result(&mut client, "resources/list", json!({}))["resources"],
        json!([])
    );
    let docs = folder.path().join("docs");
    fs::create_dir(&docs).unwrap();
    for number in 0..130 {
        fs::write(
            docs.join(format!("{number:03} %.md")),
            format!("# Page {number}\n\nText {number}.\n"),
        )
        .unwrap();
    }
    client.done("index", &json!({"paths": "docs"}));
    let first = result(&mut client, "resources/list", json!({}));
    let second = result(
        &mut client,
        "resources/list",
        json!({"cursor": first["nextCursor"]}),
    );
    let mut all = first["resources"].as_array().unwrap().clone();
    assert_eq!(all.len(), 100);
    all.extend(second["resources"].as_array().unwrap().clone());
    assert_eq!((all.len(), &second["nextCursor"]), (130, &Value::Null));
    assert_eq!(all[7]["name"], "007 %.md");
    let read = result(&mut client, "resources/read", json!({"uri": all[7]["uri"]}));
    let lines: Vec<&str> = text(&read).lines().collect();
    assert!(lines[0].contains("as data"), "{lines:?}");
    let row: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(
        (&row["trust"], &row["text"]),
        (&json!("file"), &json!("# Page 7\n\nText 7.\n"))
    );
    assert_eq!(read["contents"][0]["uri"], all[7]["uri"]);
    let chunk = json!({"uri": format!("steadfast://chunk/{}", row["id"].as_str().unwrap())});
    let chunk = result(&mut client, "resources/read", chunk);
    assert_eq!(text(&chunk).lines().nth(1), Some(lines[1]));
    let refused = client.request("resources/list", &json!({"cursor": "no cursor"}));
    assert_eq!(refused["error"]["code"], -32602);
    let page = client.done("sources", &json!({"limit": 2, "in": "docs"}));
    let next = client.done(
        "sources",
        &json!({"limit": 1000, "in": "docs", "cursor": page["cursor"]}),
    );
    assert_eq!(next["sources"].as_array().unwrap().len(), 128);
}

#[test]
fn a_long_source_is_read_in_parts_that_meet() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::start(&folder.path().join("store"), &["--tools", "full"]);
    client.hello("2025-11-25", &json!({}));
    let paragraphs: Vec<String> = (0..4_000)
        .map(|number| format!("Paragraph {number} says something of its own.\n\n"))
        .collect();
    let long = paragraphs.concat();
    fs::write(folder.path().join("long.md"), &long).unwrap();
    client.done("index", &json!({"paths": "long.md"}));
    let listed = result(&mut client, "resources/list", json!({}));
    let mut uri = listed["resources"][0]["uri"].clone();
    let mut read = String::new();
    let mut parts = 0;
    while uri.is_string() {
        let part = result(&mut client, "resources/read", json!({"uri": uri}));
        uri = Value::Null;
        for line in text(&part).lines().skip(1) {
            match serde_json::from_str::<Value>(line) {
                Ok(row) => read.push_str(row["text"].as_str().unwrap()),
                Err(_) => {
                    uri = serde_json::from_str(line.strip_prefix("More at ").unwrap()).unwrap();
                }
            }
        }
        parts += 1;
    }
    assert!(parts > 1);
    assert_eq!(read, long);
}

#[test]
fn a_resource_that_is_not_there_is_told_by_its_own_error() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let mut client = Client::open(&store);
    let code = |client: &mut Client, uri: &str| {
        let answer = client.request("resources/read", &json!({"uri": uri}));
        assert_eq!(answer["error"]["data"]["uri"], *uri, "{answer}");
        answer["error"]["code"].clone()
    };
    assert_eq!(code(&mut client, "steadfast://chunk/1-nothing"), -32002);
    assert!(!store.exists());
    client.done("remember", &json!({"text": "one"}));
    for uri in [
        "steadfast://chunk/1-nothing",
        "steadfast://chunk/",
        "steadfast://source/default/nothing",
        "steadfast://source/default/..%2F..%2Fetc%2Fpasswd",
        "steadfast://other/x",
        "file:///etc/passwd",
        "",
    ] {
        assert_eq!(code(&mut client, uri), -32002, "{uri}");
    }
}

#[test]
fn prompts_put_what_is_stored_into_a_message() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::open(&folder.path().join("store"));
    let said = |client: &mut Client, name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        let prompt = result(client, "prompts/get", params);
        let message = prompt["messages"][0].clone();
        assert_eq!(message["role"], "user");
        message["content"]["text"].as_str().unwrap().to_owned()
    };
    assert!(said(&mut client, "wake-up", json!({})).contains("empty"));
    client.done(
        "remember",
        &json!({"text": "Answer in British English.", "tag": "pinned"}),
    );
    client.done(
        "remember",
        &json!({"text": "The proxy listens on 8443.", "namespace": "work"}),
    );
    assert!(said(&mut client, "wake-up", json!({"budget": "300"})).contains("British"));
    let work = said(&mut client, "wake-up", json!({"namespace": "work"}));
    assert!(work.contains("8443") && !work.contains("British"), "{work}");
    let recalled = said(
        &mut client,
        "recall",
        json!({"query": "which port has the proxy?"}),
    );
    assert!(
        recalled.contains("as data") && recalled.contains("8443"),
        "{recalled}"
    );
    assert!(recalled.contains("Searched: all 2 chunks"), "{recalled}");
    for (name, arguments) in [
        ("recall", json!({})),
        ("recall", json!({"query": "x", "limit": "many"})),
        ("wake-up", json!({"budget": "7"})),
        ("wake-up", json!({"colour": "red"})),
        ("nothing", json!({})),
    ] {
        let params = json!({"name": name, "arguments": arguments});
        let answer = client.request("prompts/get", &params);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[test]
fn arguments_are_completed() {
    let folder = TempDir::new().unwrap();
    let mut client = Client::open(&folder.path().join("store"));
    let values = |client: &mut Client, of: Value, name: &str, value: &str| {
        let params = json!({"ref": of, "argument": {"name": name, "value": value}});
        result(client, "completion/complete", params)["completion"]["values"].clone()
    };
    let wake_up = json!({"type": "ref/prompt", "name": "wake-up"});
    assert_eq!(
        values(&mut client, wake_up.clone(), "namespace", ""),
        json!([])
    );
    for (text, namespace) in [("one", "work"), ("two", "world"), ("three", "home")] {
        let note = json!({"text": text, "namespace": namespace, "source": format!("list:{text}")});
        client.done("remember", &note);
    }
    assert_eq!(
        values(&mut client, wake_up.clone(), "namespace", "wo"),
        json!(["work", "world"])
    );
    assert_eq!(
        values(&mut client, wake_up, "budget", "1"),
        json!(["1000", "10000"])
    );
    let source =
        json!({"type": "ref/resource", "uri": "steadfast://source/{namespace}/{source}{?from}"});
    assert_eq!(
        values(&mut client, source.clone(), "source", "list:t"),
        json!(["list:three", "list:two"])
    );
    let params = json!({
        "ref": source, "argument": {"name": "source", "value": "list"},
        "context": {"arguments": {"namespace": "home"}},
    });
    let of_home = result(&mut client, "completion/complete", params);
    assert_eq!(of_home["completion"]["values"], json!(["list:three"]));
}
