//! Moving out from the command line, and in again.

use std::fs;

use serde_json::{Value, json};

use crate::support::Place;

fn remember(place: &Place) {
    place.json(&["remember", "The kettle is blue.", "--tag", "home"]);
    place.json(&["remember", "The stove is gas.", "--valid-to", "2001-01-01"]);
}

#[test]
fn all_memories_move_to_another_store() {
    let place = Place::new();
    remember(&place);
    let exported = place.json(&["export", "all.bundle.zst"]);
    assert_eq!(
        (&exported["chunks"], &exported["file"], &exported["damaged"]),
        (&json!(2), &json!("all.bundle.zst"), &json!([]))
    );
    let size = fs::metadata(place.project().join("all.bundle.zst"))
        .unwrap()
        .len();
    assert_eq!(exported["bytes"], size);
    let report = place.json(&["--store", "other", "import", "all.bundle.zst"]);
    assert_eq!(
        (&report["kind"], &report["imported"], &report["complete"]),
        (&json!("bundle"), &json!(2), &json!(true))
    );
    let again = place.json(&[
        "--store",
        "other",
        "import",
        "all.bundle.zst",
        "--from",
        "bundle",
    ]);
    assert_eq!(
        (&again["imported"], &again["reused"]),
        (&json!(0), &json!(2))
    );
    let list = place.json(&["--store", "other", "list", "--tag", "home"]);
    assert_eq!(list["chunks"][0]["text"], "The kettle is blue.");
}

#[test]
fn memories_become_pages_and_come_back() {
    let place = Place::new();
    remember(&place);
    let exported = place.json(&["export", "vault", "--format", "markdown"]);
    assert_eq!(exported["sources"], 2);
    assert!(place.project().join("vault/Index.md").is_file());
    let report = place.json(&["--store", "other", "import", "vault"]);
    assert_eq!(
        (&report["imported"], &report["complete"]),
        (&json!(2), &json!(true))
    );
    place
        .run_json(&["export", "-", "--format", "markdown"])
        .assert_failed(2, "invalid_input");
}

#[test]
fn a_stream_is_one_object_a_line() {
    let place = Place::new();
    remember(&place);
    for arguments in [
        vec!["export", "-", "--format", "jsonl", "--with-vectors"],
        vec![
            "--json",
            "export",
            "-",
            "--format",
            "jsonl",
            "--with-vectors",
        ],
    ] {
        let run = place.run(&arguments);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let lines: Vec<Value> = run
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line["vector"].as_array().unwrap().len() > 1, "{line}");
            assert!(line["vector_model"].is_string() && line["access_count"] == 0);
        }
    }
    let run = place.run(&["export", "-", "--tag", "home"]);
    let types: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(types, ["manifest", "chunk", "end"]);
}

#[test]
fn what_cannot_be_is_refused_by_its_code() {
    let place = Place::new();
    place
        .run_json(&["export", "a.bundle"])
        .assert_failed(2, "store_not_found");
    remember(&place);
    place.json(&["export", "a.bundle"]);
    place
        .run_json(&["export", "a.bundle"])
        .assert_failed(2, "path_exists");
    place.json(&["export", "a.bundle", "--force"]);
    let whole = fs::read_to_string(place.project().join("a.bundle")).unwrap();
    place.write("cut.bundle", &whole[..whole.len() / 2]);
    place
        .run_json(&["import", "cut.bundle"])
        .assert_failed(4, "damaged");
    let newer = whole.replacen("\"steadfast_bundle\":1", "\"steadfast_bundle\":9", 1);
    place.write("newer.bundle", &newer);
    place
        .run_json(&["import", "newer.bundle"])
        .assert_failed(5, "bundle_too_new");
}
