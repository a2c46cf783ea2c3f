//! Several hosts, a server each, one store: nothing stale, nothing twice, nothing lost.

use std::path::Path;
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use crate::client::Client;

const SERVERS: usize = 4;
const NOTES: usize = 20;

#[test]
fn servers_that_start_and_write_at_once_share_one_store() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    thread::scope(|scope| {
        for server in 0..SERVERS {
            let store = &store;
            scope.spawn(move || write(store, server));
        }
    });
    let mut client = Client::open(&store);
    let status = client.done("status", &json!({}));
    assert_eq!(status["chunks"], SERVERS * NOTES + NOTES, "{status}");
    assert_eq!(status["problems"], json!([]));
}

/// Writes notes of its own, and notes that all write.
fn write(store: &Path, server: usize) {
    let mut client = Client::open(store);
    for note in 0..NOTES {
        client.done("remember", &json!({"text": format!("shared fact {note}")}));
        let own = format!("server {server} keeps fact {note}");
        let kept = client.done("remember", &json!({"text": own}));
        let answer = client.done("search", &json!({"query": own, "limit": 5}));
        let is_there = answer["hits"]
            .as_array()
            .unwrap()
            .iter()
            .any(|hit| hit["id"] == kept["id"]);
        assert!(is_there, "{answer}");
        assert_eq!(answer["coverage"]["complete"], true);
    }
    assert_eq!(client.close().0, 0);
}

#[test]
fn what_one_server_writes_or_forgets_the_next_call_of_another_knows() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let (mut one, mut other) = (Client::open(&store), Client::open(&store));
    for round in 0..10 {
        let fact = format!("round {round} has its own fact");
        let kept = one.done("remember", &json!({"text": fact, "tag": "round"}));
        let answer = other.done("search", &json!({"query": fact, "tag": "round"}));
        assert_eq!(answer["hits"][0]["id"], kept["id"]);
        let plan = other.done("forget", &json!({"ids": [kept["id"]]}));
        let token = &plan["confirm_token"];
        other.done(
            "forget",
            &json!({"ids": [kept["id"]], "confirm_token": token}),
        );
        let answer = one.done("search", &json!({"query": fact, "tag": "round"}));
        assert_eq!(answer["hits"], json!([]));
    }
}

/// A host keeps its server for days; the user deletes the store, or puts a backup in its place.
#[cfg(unix)]
#[test]
fn a_server_answers_for_the_store_that_is_in_place_and_for_no_other() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let mut client = Client::start(&store, &["--tools", "full"]);
    client.hello("2025-11-25", &json!({}));
    client.done("remember", &json!({"text": "the first fact"}));
    std::fs::rename(&store, folder.path().join("old")).unwrap();
    let refused = client.call("search", &json!({"query": "fact"}));
    let error = &refused["structuredContent"]["error"];
    assert_eq!(error["kind"], "store_not_found", "{refused}");
    // The first write makes a store, as ever.
    let file = json!({"command": "create", "path": "/memories/a", "file_text": "the second"});
    client.done("memory", &file);
    let mut other = Client::open(&store);
    assert_eq!(other.done("status", &json!({}))["chunks"], 1);
    other.done("remember", &json!({"text": "the third fact"}));
    let answer = client.done("search", &json!({"query": "fact"}));
    assert_eq!(answer["hits"][0]["text"], "the third fact", "{answer}");
    std::fs::rename(&store, folder.path().join("newer")).unwrap();
    std::fs::rename(folder.path().join("old"), &store).unwrap();
    client.done("remember", &json!({"text": "the fourth fact"}));
    let mut fresh = Client::open(&store);
    assert_eq!(fresh.done("status", &json!({}))["chunks"], 2);
}

/// Between the plan and the yes the file is saved anew, and the memory edited: as many chunks of the same names.
#[test]
fn a_yes_to_one_text_does_not_forget_another_in_its_place() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let page = folder.path().join("a.md");
    let mut client = Client::start(&store, &["--tools", "full"]);
    client.hello("2025-11-25", &json!({}));
    let index = json!({"paths": [page]});
    std::fs::write(&page, "# A\n\nold junk\n").unwrap();
    client.done("index", &index);
    let note = json!({"command": "create", "path": "/memories/p", "file_text": "old junk"});
    client.done("memory", &note);
    let mut confirm = |source: &str, change: &dyn Fn(&mut Client)| {
        let plan = client.done("forget", &json!({"source": source}));
        change(&mut client);
        let token = &plan["confirm_token"];
        let arguments = json!({"source": source, "confirm_token": token});
        client.call("forget", &arguments)["isError"].clone()
    };
    let source = std::fs::canonicalize(&page).unwrap();
    let source = source.to_str().unwrap();
    let refused = confirm(source, &|client| {
        std::fs::write(&page, "# A\n\nprecious\n").unwrap();
        client.done("index", &index);
    });
    assert_eq!(refused, true);
    let refused = confirm("memory:/memories/p", &|client| {
        let edit = json!({"command": "str_replace", "path": "/memories/p",
            "old_str": "old junk", "new_str": "precious"});
        client.done("memory", &edit);
    });
    assert_eq!(refused, true);
    assert_eq!(confirm(source, &|_| ()), false);
    assert_eq!(client.done("status", &json!({}))["chunks"], 1);
}
