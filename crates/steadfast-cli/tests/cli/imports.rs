//! Moving in from the command line.

use std::fs;
use std::io::Write as _;

use serde_json::json;

use crate::support::Place;

/// Makes a small memtomem database in the project.
pub(crate) fn memtomem(place: &Place) {
    rusqlite::Connection::open(place.project().join("memtomem.db"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT, content_hash TEXT, source_file TEXT, tags TEXT,
               namespace TEXT, start_line INTEGER, created_at TEXT);
             INSERT INTO chunks VALUES
              ('a', 'The kettle is blue.', '', '/n/kitchen.md', '[\"tea\"]', 'home', 1, '2026-01-02T00:00:00Z'),
              ('b', 'The kettle is blue.', '', '/n/kitchen.md', '[]', 'home', 1, '2026-01-03T00:00:00Z'),
              ('c', 'The stove is gas.', '', '/n/kitchen.md', '[]', 'home', 5, '2026-01-03T00:00:00Z');",
        )
        .unwrap();
}

#[test]
fn a_dry_run_says_what_comes_and_makes_no_store() {
    let place = Place::new();
    memtomem(&place);
    let report = place.json(&["import", "memtomem.db", "--dry-run"]);
    assert_eq!(
        (
            &report["kind"],
            &report["read"],
            &report["imported"],
            &report["reused"]
        ),
        (&json!("memtomem"), &json!(3), &json!(2), &json!(1))
    );
    assert!(!place.store().exists());
    let run = place.run(&["import", "memtomem.db", "--dry-run"]);
    assert!(run.stdout.contains("would be 2 imported"), "{}", run.stdout);
}

#[test]
fn what_came_in_is_found_by_words_and_by_its_old_id() {
    let place = Place::new();
    memtomem(&place);
    let report = place.json(&["import", "memtomem.db"]);
    assert_eq!(
        (&report["imported"], &report["complete"]),
        (&json!(2), &json!(true))
    );
    let again = place.json(&["import", "memtomem.db"]);
    assert_eq!(
        (&again["imported"], &again["reused"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(again["seq"], report["seq"]);
    let answer = place.json(&["search", "kettle", "--namespace", "home", "--tag", "tea"]);
    let hit = &answer["hits"][0];
    assert_eq!(hit["meta"]["origin.id"], "a");
    assert_eq!(hit["trust"], "import");
    let list = place.json(&["list", "--where", "{\"origin.id\": \"c\"}"]);
    assert_eq!(list["total"], 1);
    let planned = place.json(&["import", "memtomem.db", "--dry-run", "--namespace", "other"]);
    assert_eq!(planned["imported"], 2);
}

#[test]
fn what_is_nothing_known_is_refused_by_its_kind() {
    let place = Place::new();
    place.write("letter.md", "Dear reader");
    let run = place.run_json(&["import", "letter.md"]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("\"unknown_format\""), "{}", run.stdout);
    let run = place.run_json(&["import", "missing.db"]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("\"path_not_found\""), "{}", run.stdout);
    memtomem(&place);
    assert_eq!(
        place
            .run(&["import", "memtomem.db", "--from", "openhuman"])
            .code,
        2
    );
    assert_eq!(
        place
            .run(&["import", "memtomem.db", "--from", "parchment"])
            .code,
        2
    );
    // A file that begins as a database and is none is damaged, not unknown.
    let mut bytes = fs::read(place.project().join("memtomem.db")).unwrap();
    bytes[16..200].fill(0xff);
    fs::write(place.project().join("torn.db"), &bytes).unwrap();
    assert_eq!(place.run(&["import", "torn.db"]).code, 4);
}

#[test]
fn a_zip_is_imported_as_it_comes_and_what_is_refused_is_called_by_name() {
    let place = Place::new();
    let chats = json!([{"uuid": "k", "name": "Tea", "chat_messages": [
        {"uuid": "m", "sender": "human", "text": "Which kettle is blue?"}]}]);
    let file = fs::File::create(place.project().join("export.zip")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("conversations.json", chats.to_string()),
        ("../../escaped.json", "[]".to_owned()),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    let planned = place.json(&["import", "export.zip", "--dry-run"]);
    assert_eq!(
        (&planned["kind"], &planned["imported"]),
        (&json!("claude-ai"), &json!(1))
    );
    assert!(!place.store().exists());
    let report = place.json(&["import", "export.zip"]);
    assert_eq!(
        (&report["imported"], &report["complete"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(report["refusals"][0]["reason"], "outside_path");
    let named = report["warnings"][0].as_str().unwrap();
    assert!(named.starts_with("../../escaped.json"), "{named}");
    let again = place.json(&["import", "export.zip", "--from", "claude-ai"]);
    assert_eq!(again["imported"], 0);
    assert_eq!(
        place.run(&["import", "export.zip", "--from", "slack"]).code,
        2
    );
}

#[test]
fn a_server_that_is_not_there_is_told_before_a_store_is_made() {
    let place = Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    for more in [&[][..], &["--dry-run"]] {
        let run = place.run(&[&["import", &url, "--json"][..], more].concat());
        run.assert_failed(3, "server_unreachable");
        assert!(run.stdout.contains(&url), "{}", run.stdout);
    }
    place
        .run(&["import", "https://127.0.0.1:1", "--json"])
        .assert_failed(2, "invalid_input");
    place
        .run(&["import", ".", "--database", "notes", "--json"])
        .assert_failed(2, "usage");
    assert!(!place.store().exists());
}
