//! The main job: a folder comes in, a question is answered over it, in one command or two.

use crate::support::Place;

fn docs(place: &Place) {
    place.write(
        "docs/recovery.md",
        "# Operations\n\n## Recovery\n\nAfter a crash the log is replayed.\n",
    );
    place.write("docs/backup.md", "# Backup\n\nRun it every night.\n");
    place.write(
        "other/recovery.md",
        "# Elsewhere\n\nRecovery of another sort: crash, log, replay.\n",
    );
}

#[test]
fn one_command_brings_a_folder_in_and_answers_over_it_alone() {
    let place = Place::new();
    docs(&place);
    assert_eq!(place.run(&["index", "other"]).code, 0);
    let answer = place.json(&[
        "search",
        "how does crash recovery replay the log",
        "--in",
        "docs",
    ]);
    assert_eq!(answer["indexed"]["files"]["added"], 2);
    assert_eq!(answer["coverage"]["in_scope"], 2);
    assert_eq!(answer["coverage"]["complete"], true);
    let docs = place.project().join("docs");
    for hit in answer["hits"].as_array().unwrap() {
        assert!(
            hit["source"]
                .as_str()
                .unwrap()
                .starts_with(docs.to_str().unwrap()),
            "{hit}"
        );
    }
    assert_eq!(
        answer["hits"][0]["source"],
        docs.join("recovery.md").to_str().unwrap()
    );

    place.write(
        "docs/recovery.md",
        "# Operations\n\nNothing but zebras here.\n",
    );
    let answer = place.json(&["search", "zebras", "--in", "docs"]);
    assert_eq!(answer["indexed"]["files"]["changed"], 1);
    assert!(
        answer["hits"][0]["text"]
            .as_str()
            .unwrap()
            .contains("zebras")
    );
}

#[test]
fn a_folder_known_in_another_namespace_is_not_taken_twice() {
    let place = Place::new();
    docs(&place);
    place.json(&["index", "docs", "--namespace", "work"]);
    let answer = place.json(&["search", "backup", "--in", "docs"]);
    assert_eq!(answer["indexed"]["files"]["unchanged"], 2);
    assert_eq!(answer["coverage"]["in_scope"], 2);
    assert_eq!(
        place.json(&["namespaces"])["namespaces"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn the_parts_of_an_index_report_add_up() {
    let place = Place::new();
    docs(&place);
    place.write("docs/picture.bin", "\0\0\0\0");
    let report = place.json(&["index", "docs"]);
    assert_eq!(report["files"]["added"], 2);
    assert_eq!(report["files"]["skipped"], 1);
    assert_eq!(report["skipped"][0]["reason"], "binary");
    assert_eq!(report["chunks"]["inserted"], 2);
    let again = place.json(&["index", "docs"]);
    assert_eq!(again["files"]["unchanged"], 2);
    assert_eq!(again["chunks"]["inserted"], 0);
    std::fs::rename(
        place.project().join("docs/backup.md"),
        place.project().join("away.md"),
    )
    .unwrap();
    let gone = place.json(&["index", "docs"]);
    assert_eq!(gone["files"]["removed"], 1);
    assert_eq!(gone["chunks"]["removed"], 1);
    let sources = place.json(&["sources", "--in", "docs"]);
    let status = |name: &str| {
        let path = place.project().join("docs").join(name);
        let sources = sources["sources"].as_array().unwrap().iter();
        let source = sources
            .clone()
            .find(|source| source["source"] == path.to_str().unwrap())
            .unwrap();
        source["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status("recovery.md"), "indexed");
    assert_eq!(status("picture.bin"), "skipped");
    assert_eq!(status("backup.md"), "removed");
}

#[test]
fn a_note_is_found_by_the_next_process_and_known_again() {
    let place = Place::new();
    let first = place.json(&[
        "remember",
        "We deploy on Tuesdays.",
        "--tag",
        "ops",
        "--meta",
        "year=2026",
    ]);
    assert_eq!(first["outcome"], "inserted");
    let second = place
        .run_with_input(
            &["--json", "remember", "-", "--tag", "team"],
            b"We deploy on Tuesdays.\n",
        )
        .object();
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["outcome"], "inserted");
    let answer = place.json(&[
        "search",
        "when do we deploy",
        "--where",
        "{\"year\": {\"$gte\": 2026}}",
        "--tag",
        "team",
    ]);
    assert_eq!(answer["hits"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer["hits"][0]["tags"],
        serde_json::json!(["ops", "team"])
    );
    assert_eq!(answer["hits"][0]["meta"]["year"], 2026);
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        place.json(&["get", id])["chunks"][0]["text"],
        "We deploy on Tuesdays."
    );
    assert_eq!(place.json(&["get", id])["chunks"][0]["access_count"], 1);
}

#[test]
fn a_note_may_begin_like_a_list_but_not_like_a_flag() {
    let place = Place::new();
    let id = place.json(&["remember", "- milk\n- bread", "--tag", "shop"])["id"].clone();
    assert_eq!(
        place.json(&["get", id.as_str().unwrap()])["chunks"][0]["text"],
        "- milk\n- bread"
    );
    place
        .run_json(&["remember", "--bogus"])
        .assert_failed(2, "usage");
    assert_eq!(
        place.json(&["tags"])["tags"],
        serde_json::json!([{"name": "shop", "chunks": 1}])
    );
}

#[test]
fn filters_narrow_search_list_and_sources_alike() {
    let place = Place::new();
    docs(&place);
    place.json(&["index", "docs", "--tag", "manual"]);
    place.json(&["index", "other"]);
    place.json(&[
        "remember",
        "backup of a note",
        "--time",
        "2020-05-05",
        "--valid-to",
        "2021-01-01",
    ]);
    let total = |filters: &[&str]| {
        let list = place.json(&[&["list"], filters].concat());
        let answer = place
            .run_json(&[&["search", "backup recovery crash"], filters].concat())
            .object();
        assert_eq!(list["total"], answer["coverage"]["in_scope"], "{filters:?}");
        list["total"].as_u64().unwrap()
    };
    assert_eq!(total(&[]), 3);
    assert_eq!(total(&["--valid-at", "all"]), 4);
    assert_eq!(total(&["--valid-at", "2020-06-01", "--kind", "note"]), 1);
    assert_eq!(total(&["--tag", "manual"]), 2);
    assert_eq!(total(&["--source", "docs/*.md"]), 2);
    assert_eq!(total(&["--source", "recovery.md"]), 2);
    assert_eq!(total(&["--until", "2020-06-01", "--valid-at", "all"]), 1);
    assert_eq!(total(&["--namespace", "nowhere"]), 0);
    let sources = |filters: &[&str]| {
        place.json(&[&["sources"], filters].concat())["sources"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(sources(&["--tag", "manual"]), 2);
    assert_eq!(sources(&["--source", "other/**"]), 1);
    assert_eq!(sources(&["--valid-at", "2020-06-01", "--kind", "note"]), 1);
}
