//! Pages: each hit exactly once, and none left out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Place;

fn pages(place: &Place, arguments: &[&str], field: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..1000 {
        let mut all = arguments.to_vec();
        if let Some(cursor) = &cursor {
            all.extend(["--cursor", cursor]);
        }
        let page = place.run_json(&all).object();
        found.extend(page[field].as_array().unwrap().iter().cloned());
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return found,
        }
    }
    panic!("the pages never end");
}

#[test]
fn pages_visit_each_hit_once_in_the_order_of_one_long_answer() {
    let place = Place::new();
    for number in 0..137 {
        place.write(
            &format!("docs/{number}.md"),
            &format!("# Entry {number}\n\nThe beacon of hill {}.\n", number % 10),
        );
    }
    place.json(&["index", "docs"]);
    let ids = |found: &[Value]| {
        found
            .iter()
            .map(|hit| hit["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for mode in ["hybrid", "text", "vector"] {
        let paged = ids(&pages(
            &place,
            &["search", "beacon hill", "-k", "9", "--mode", mode],
            "hits",
        ));
        let unique: BTreeSet<&String> = paged.iter().collect();
        assert_eq!(unique.len(), paged.len(), "{mode}: no hit twice");
        let whole = place.json(&["search", "beacon hill", "-k", "1000", "--mode", mode]);
        let whole = ids(whole["hits"].as_array().unwrap());
        assert_eq!(paged, whole, "{mode}");
        assert_eq!(paged.len(), 137, "{mode}");
    }
    assert_eq!(pages(&place, &["list", "-k", "9"], "chunks").len(), 137);
}

#[test]
fn a_cursor_of_another_question_is_refused() {
    let place = Place::new();
    for number in 0..5 {
        place.json(&["remember", &format!("note {number} about lamps")]);
    }
    let answer = place.json(&["search", "lamps", "-k", "2"]);
    let cursor = answer["cursor"].as_str().unwrap();
    place
        .run_json(&["search", "candles", "--cursor", cursor])
        .assert_failed(2, "invalid_cursor");
    place
        .run_json(&["search", "lamps", "--tag", "x", "--cursor", cursor])
        .assert_failed(2, "invalid_cursor");
    assert_eq!(
        place
            .run_json(&["search", "lamps", "-k", "2", "--cursor", cursor])
            .code,
        0
    );
}
