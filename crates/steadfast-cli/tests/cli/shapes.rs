//! The JSON that programs read has exactly the fields that docs/reference/json.md lists.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Place;

/// Returns the fields in the table of a section of the page.
fn documented(section: &str) -> BTreeSet<String> {
    let page = include_str!("../../../../docs/reference/json.md");
    let start = page
        .lines()
        .position(|line| line.trim_start_matches('#').trim() == section)
        .unwrap();
    page.lines()
        .skip(start + 1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

/// Compares the fields of an object with those of its section of the page.
pub(crate) fn check(section: &str, object: &Value) {
    let fields: BTreeSet<String> = object.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, documented(section), "{section}");
}

fn place() -> Place {
    let place = Place::new();
    let section = |n: usize| {
        format!(
            "## Part {n}\n\n{}\n\n",
            format!("Sentence {n} of the manual. ").repeat(60)
        )
    };
    place.write(
        "docs/a.md",
        &format!("# Manual\n\n{}", (0..6).map(section).collect::<String>()),
    );
    place.write("docs/b.bin", "\0\0");
    place
}

#[test]
fn answers_have_the_documented_fields() {
    let place = place();
    check("`index`", &place.json(&["index", "docs"]));
    let answer = place.json(&["search", "manual sentence", "--neighbours", "1", "-k", "2"]);
    check("`search`", &answer);
    check("COVERAGE", &answer["coverage"]);
    let hit = &answer["hits"][0];
    let hit_fields: BTreeSet<String> = documented("CHUNK")
        .union(&documented("HIT"))
        .cloned()
        .collect();
    assert_eq!(
        hit.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>(),
        hit_fields
    );
    let neighbour = &hit["neighbours"][0];
    assert!(neighbour["offset"].as_i64().unwrap().abs() == 1 && neighbour["text"].is_string());
    assert!(answer["cursor"].is_string());

    let id = hit["id"].as_str().unwrap();
    let got = place.json(&["get", id, "--neighbours", "2"]);
    check("`get`", &got);
    let list = place.json(&["list"]);
    check("`list`", &list);
    check("CHUNK", &list["chunks"][0]);
    check("`sources`", &place.json(&["sources"]));
    check("`sources --roots`", &place.json(&["sources", "--roots"]));
    check(
        "`remember`",
        &place.json(&["remember", "a note", "--tag", "t"]),
    );
    check("`forget`", &place.json(&["forget", "--tag", "t"]));
    check("`tags`", &place.json(&["tags"]));
    check("`namespaces`", &place.json(&["namespaces"]));
    check("`status`", &place.json(&["status"]));
    check("`verify`", &place.json(&["verify"]));
    check("`rebuild`", &place.json(&["rebuild"]));
    crate::imports::memtomem(&place);
    check(
        "`import`",
        &place.json(&["import", "memtomem.db", "--dry-run"]),
    );
    check("`config`", &place.json(&["config"]));
    check(
        "`config get`",
        &place.json(&["config", "get", "search.limit"]),
    );
    check(
        "`config set`",
        &place.json(&["config", "set", "search.limit", "3"]),
    );
    check(
        "`config set`",
        &place.json(&["config", "unset", "search.limit"]),
    );
    check("`completions`", &place.json(&["completions", "bash"]));
    check("`man`", &place.json(&["man"]));
    check("`version`", &place.json(&["version"]));
    for line in place.run_json(&["log"]).stdout.lines() {
        check("`log`", &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn a_span_names_exactly_the_bytes_of_the_text() {
    let place = place();
    place.json(&["index", "docs"]);
    let file = std::fs::read(place.project().join("docs/a.md")).unwrap();
    let list = place.json(&["list"]);
    let chunks = list["chunks"].as_array().unwrap();
    assert!(
        chunks.len() > 1,
        "the file is long enough for more than one chunk"
    );
    for chunk in chunks {
        let number = |field: &str| usize::try_from(chunk[field].as_u64().unwrap()).unwrap();
        let bytes = &file[number("start_byte")..number("end_byte")];
        assert_eq!(
            std::str::from_utf8(bytes).unwrap(),
            chunk["text"].as_str().unwrap()
        );
        let before = String::from_utf8_lossy(&file[..number("start_byte")])
            .matches('\n')
            .count();
        assert_eq!(number("start_line"), before + 1);
    }
}

#[test]
fn highlights_are_byte_ranges_of_the_snippet() {
    let place = Place::new();
    place.json(&[
        "remember",
        "Der Sch\u{fc}ssel \u{1f511} opens the vault; the vault is closed.",
    ]);
    let answer = place.json(&["search", "vault"]);
    let snippet = answer["hits"][0]["snippet"].as_str().unwrap();
    let highlights = answer["hits"][0]["highlights"].as_array().unwrap();
    assert_eq!(highlights.len(), 2);
    for range in highlights {
        let at = |index: usize| usize::try_from(range[index].as_u64().unwrap()).unwrap();
        assert_eq!(&snippet[at(0)..at(1)], "vault");
    }
}

#[test]
fn explain_adds_the_parts_of_a_score() {
    let place = place();
    place.json(&["index", "docs"]);
    let answer = place.json(&["search", "manual", "--explain"]);
    let explain = &answer["hits"][0]["explain"];
    assert!(explain["text_score"].as_f64().unwrap() > 0.0, "{explain}");
    let parts = explain["parts"].as_object().unwrap();
    let sum: f64 = parts.values().map(|share| share.as_f64().unwrap()).sum();
    let score = answer["hits"][0]["score"].as_f64().unwrap();
    assert!((sum - score).abs() < 1e-5, "{explain}");
}
