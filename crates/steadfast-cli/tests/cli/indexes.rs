//! Derived files may be deleted or broken at any time: the answer stays right, says so, and mends them.

use std::fs;

use serde_json::Value;

use crate::support::{Place, files};

fn place() -> (Place, Value) {
    let place = Place::new();
    for number in 0..40 {
        place.write(
            &format!("docs/{number}.md"),
            &format!("# Page {number}\n\nWords about harbour {number}.\n"),
        );
    }
    place.json(&["index", "docs"]);
    place.json(&["rebuild"]);
    let states = place.json(&["status"]);
    for index in states["indexes"].as_array().unwrap() {
        assert_eq!(index["state"], "ready", "{states}");
    }
    let answer = place.json(&["search", "harbour 17", "-k", "40"]);
    (place, answer)
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["id"].as_str().unwrap())
        .collect()
}

fn check_after(breakage: impl Fn(&Place)) {
    let (place, right) = place();
    assert_eq!(right["coverage"]["complete"], true);
    assert_eq!(right["coverage"]["degraded"], serde_json::json!([]));
    breakage(&place);
    let findings = place.run_json(&["verify"]);
    assert_eq!(findings.code, 1, "{}", findings.stdout);
    assert_eq!(findings.object()["ok"], false);
    let answer = place.json(&["search", "harbour 17", "-k", "40"]);
    assert_eq!(ids(&answer), ids(&right));
    assert!(
        !answer["coverage"]["degraded"]
            .as_array()
            .unwrap()
            .is_empty(),
        "{answer}"
    );
    // The search has mended what it found.
    let answer = place.json(&["search", "harbour 17", "-k", "40"]);
    assert_eq!(ids(&answer), ids(&right));
    assert_eq!(answer["coverage"]["degraded"], serde_json::json!([]));
    assert_eq!(place.json(&["verify"])["ok"], true);
}

#[test]
fn a_deleted_index_folder_loses_nothing() {
    check_after(|place| {
        fs::rename(place.store().join("index"), place.project().join("away")).unwrap();
    });
}

#[test]
fn bit_flips_in_derived_files_are_noticed() {
    check_after(|place| {
        for file in files(&place.store().join("index")) {
            let mut bytes = fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x10;
                fs::write(&file, bytes).unwrap();
            }
        }
    });
}

#[test]
fn rebuild_names_what_it_made() {
    let (place, _) = place();
    assert_eq!(
        place.json(&["rebuild", "--index", "text"])["rebuilt"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        place.json(&["rebuild"])["rebuilt"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
