//! What is said of a folder lasts, from one process to the next, and rules of a file act.

use std::fs;

use serde_json::{Value, json};

use crate::support::Place;

fn tags(place: &Place) -> Vec<Value> {
    let list = place.json(&["list"]);
    let mut chunks = list["chunks"].as_array().unwrap().clone();
    // Files are listed as they came in, and two threads bring them in.
    chunks.sort_by_key(|chunk| chunk["source"].as_str().unwrap().to_owned());
    chunks.iter().map(|chunk| chunk["tags"].clone()).collect()
}

#[test]
fn tags_last_also_when_a_search_brings_a_file_up_to_date() {
    let place = Place::new();
    place.write("docs/a.md", "Alpha stands here.");
    place.json(&["index", "docs", "--tag", "team", "--exclude", "drafts/"]);
    place.write("docs/a.md", "Alpha has moved.");
    place.write("docs/drafts/b.md", "Beta is a draft.");
    let answer = place.json(&["search", "alpha", "--in", "docs"]);
    assert_eq!(answer["indexed"]["files"]["changed"], 1);
    assert_eq!(tags(&place), [json!(["team"])]);
    let roots = place.json(&["sources", "--roots"])["roots"].clone();
    let path = place.project().join("docs").display().to_string();
    assert_eq!(
        roots,
        json!([{"path": path, "namespace": null, "tags": ["team"], "include": [], "exclude": ["drafts/"],
            "hidden": false, "no_ignore": false}])
    );
    let report = place.run(&["index", "docs", "--tag", "other"]);
    assert!(
        report.stderr.contains("tags: other (before: team)"),
        "{}",
        report.stderr
    );
    assert_eq!(tags(&place), [json!(["other"])]);
    place.json(&["index", "docs", "--reset"]);
    assert_eq!(tags(&place), [json!([]), json!([])]);
    place.json(&["forget", "--namespace", "default", "--yes"]);
    assert_eq!(place.json(&["sources", "--roots"])["roots"], json!([]));
    place
        .run_json(&["sources", "--roots", "--tag", "x"])
        .assert_failed(2, "usage");
}

#[test]
fn rules_of_the_stores_file_act_and_a_bad_one_is_named() {
    let place = Place::new();
    place.write("docs/a.md", "Alpha stands here.");
    place.write("docs/drafts/b.md", "Beta is a draft.");
    place.json(&["index", "docs"]);
    let file = place.store().join("config.toml");
    // The store lies beside the project.
    fs::write(
        &file,
        "[[rules]]\nfolder = \"project/docs/drafts\"\nnamespace = \"drafts\"\ntags = [\"draft\"]\n",
    )
    .unwrap();
    place.json(&["index", "docs"]);
    assert_eq!(tags(&place), [json!([]), json!(["draft"])]);
    assert_eq!(
        place.json(&["namespaces"])["namespaces"],
        json!([{"name": "default", "chunks": 1}, {"name": "drafts", "chunks": 1}])
    );
    let shown = place.json(&["config", "get", "rules"]);
    assert_eq!(shown["value"][0]["namespace"], "drafts");
    assert_eq!(shown["origin"], "store file");
    for (text, what) in [
        (
            "[[rules]]\nfolder = \"/a\"\ntags = [\"x\"]\n[[rules]]\nfolder = \"/b\"\n",
            "rule 2",
        ),
        ("rules = [{folder = \"/a\", tag = [\"x\"]}]\n", "no `tag`"),
    ] {
        fs::write(&file, text).unwrap();
        let run = place.run_json(&["index", "docs"]);
        run.assert_failed(2, "invalid_config");
        assert!(run.stdout.contains(what), "{}", run.stdout);
        place
            .run_json(&["config"])
            .assert_failed(2, "invalid_config");
    }
    fs::write(&file, "").unwrap();
    let rule = r#"[{folder = "**/docs", tags = ["all"]}]"#;
    place.json(&["config", "set", "rules", rule]);
    place.json(&["index", "docs"]);
    assert_eq!(tags(&place), [json!(["all"]), json!(["all"])]);
    let bad = r#"[{folder = "notes", tags = ["all"]}]"#;
    fs::write(&file, "").unwrap();
    place.json(&["config", "set", "rules", bad, "--user"]);
    place
        .run_json(&["index", "docs"])
        .assert_failed(2, "invalid_config");
}
