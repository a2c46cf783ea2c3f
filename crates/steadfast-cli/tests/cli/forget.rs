//! Forgetting: the plan first, and after `--yes` no byte of the text is left.

use std::fs;

use crate::support::{Place, files};

const SECRET: &str = "xylophone-quagmire-7261";

fn holds_secret(place: &Place) -> bool {
    let holds = |bytes: &[u8]| {
        bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes())
    };
    files(&place.store())
        .iter()
        .any(|file| holds(&fs::read(file).unwrap()))
}

#[test]
fn the_plan_changes_nothing_and_yes_leaves_no_byte() {
    for journal in ["wal", "truncate"] {
        let place = Place::new();
        place.write("keep.md", "# Keep\n\nThis stays.\n");
        place.write(
            "drafts/plan.md",
            &format!("# Plan\n\nThe word is {SECRET}.\n"),
        );
        place.json(&["index", ".", "--journal", journal]);
        place.json(&["rebuild"]);
        assert!(holds_secret(&place));

        let plan = place.json(&["forget", "--source", "drafts/*.md"]);
        assert_eq!(plan["plan"]["chunks"], 1);
        assert_eq!(plan["plan"]["sources"], 1);
        assert!(plan["seq"].is_null());
        assert_eq!(plan["forgotten"], 0);
        assert_eq!(place.json(&["status"])["chunks"], 2);

        let done = place.json(&["forget", "--source", "drafts/*.md", "--yes"]);
        assert_eq!(done["forgotten"], 1);
        assert!(done["seq"].is_u64());
        assert_eq!(done["purged"], true);
        assert!(!holds_secret(&place), "{journal}");
        assert_eq!(
            place.run_json(&["search", SECRET, "--mode", "text"]).code,
            1
        );
        assert_eq!(place.json(&["verify"])["ok"], true);

        let again = place.json(&["index", "."]);
        assert_eq!(again["skipped"][0]["reason"], "forgotten");
        assert_eq!(place.json(&["status"])["chunks"], 1);
        place.json(&["index", "--force", "drafts/plan.md"]);
        assert_eq!(
            place.run_json(&["search", SECRET, "--mode", "text"]).code,
            0
        );
    }
}

#[test]
fn selectors_combine_by_and() {
    let place = Place::new();
    place.json(&["remember", "one", "--namespace", "a", "--tag", "t"]);
    place.json(&["remember", "two", "--namespace", "a"]);
    place.json(&["remember", "three", "--namespace", "b", "--tag", "t"]);
    let plan = place.json(&["forget", "--namespace", "a", "--tag", "t"]);
    assert_eq!(plan["plan"]["chunks"], 1);
    let done = place.json(&["forget", "--namespace", "a", "--yes"]);
    assert_eq!(done["forgotten"], 2);
    let left = place.json(&["namespaces"]);
    assert_eq!(
        left["namespaces"],
        serde_json::json!([{"name": "b", "chunks": 1}])
    );
}

#[test]
fn names_are_planned_then_changed() {
    let place = Place::new();
    place.json(&["remember", "one", "--tag", "todo", "--namespace", "old"]);
    place.json(&["remember", "two", "--tag", "to-do", "--namespace", "new"]);
    let plan = place.json(&["tags", "rename", "todo", "to-do"]);
    assert_eq!(plan["plan"]["chunks"], 1, "{plan}");
    assert_eq!(plan["plan"]["merges"], true);
    assert_eq!(
        (&plan["seq"], &plan["renamed"]),
        (&serde_json::Value::Null, &0.into())
    );
    let done = place.json(&["tags", "rename", "todo", "to-do", "--yes"]);
    assert_eq!(
        (&done["renamed"], &done["seq"]),
        (&1.into(), &3.into()),
        "{done}"
    );
    let tags = place.json(&["tags"]);
    assert_eq!(
        tags["tags"],
        serde_json::json!([{"name": "to-do", "chunks": 2}])
    );
    let done = place.json(&["namespaces", "rename", "old", "new", "--yes"]);
    assert_eq!(done["renamed"], 1, "{done}");
    let names = place.json(&["namespaces"]);
    assert_eq!(
        names["namespaces"],
        serde_json::json!([{"name": "new", "chunks": 2}])
    );
    let missing = place.run(&["tags", "rename", "nothing", "x", "--json"]);
    missing.assert_failed(2, "name_not_found");
}
