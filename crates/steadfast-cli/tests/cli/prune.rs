//! Letting go of history from the command line.

use serde_json::json;

use crate::support::Place;

#[test]
fn a_plan_comes_first_and_what_is_gone_says_so() {
    let place = Place::new();
    place.write("a.md", "The kettle is blue.");
    place.json(&["index", "."]);
    place.write("a.md", "The kettle is gray.");
    place.json(&["index", "."]);
    place.run_json(&["prune"]).assert_failed(2, "usage");
    place
        .run_json(&["prune", "--older-than", "soon"])
        .assert_failed(2, "invalid_time");
    let plan = place.json(&["prune", "--older-than", "0d"]);
    assert_eq!(
        (&plan["plan"]["versions"], &plan["seq"], &plan["pruned"]),
        (&json!(1), &json!(null), &json!(0))
    );
    place.json(&["config", "set", "retention.history_days", "30"]);
    assert_eq!(place.json(&["prune", "--yes"])["seq"], json!(null));
    assert_eq!(place.json(&["list", "--as-of", "seq:1"])["total"], 1);
    let done = place.json(&["prune", "--older-than", "0d", "--yes"]);
    assert_eq!((&done["pruned"], &done["seq"]), (&json!(1), &json!(3)));
    assert_eq!(
        place.json(&["list"])["chunks"][0]["text"],
        "The kettle is gray."
    );
    place
        .run_json(&["list", "--as-of", "seq:1"])
        .assert_failed(2, "history_pruned");
    place
        .run_json(&["undo", "1"])
        .assert_failed(2, "history_pruned");
    let log = place.run(&["log", "--json", "--limit", "1"]);
    assert!(log.stdout.contains("\"op\":\"prune\""), "{}", log.stdout);
}
