//! Backup, restore and undo from outside: fields, codes, and nothing overwritten.

use std::fs;

use crate::support::Place;

#[test]
fn a_backup_is_restored_into_a_new_place() {
    let place = Place::new();
    place.write("a.md", "# Port\n\nThe proxy listens on 8443.\n");
    place.json(&["index", "."]);
    for name in ["copy.db", "copy.zst"] {
        let made = place.json(&["backup", name]);
        assert_eq!(made["chunks"], 1);
        assert_eq!(made["compressed"], name == "copy.zst");
        assert_eq!(made["sha256"].as_str().unwrap().len(), 64);
        let file = place.project().join(name);
        assert_eq!(made["bytes"], fs::metadata(&file).unwrap().len());
        place
            .run_json(&["backup", name])
            .assert_failed(2, "path_exists");

        let to = format!("{name}.store");
        let read = place.json(&["restore", name, "--to", &to]);
        assert_eq!(
            (&read["chunks"], &read["sha256"]),
            (&made["chunks"], &made["sha256"])
        );
        place
            .run_json(&["restore", name, "--to", &to])
            .assert_failed(2, "not_empty");
        assert_eq!(place.json(&["--store", &to, "verify"])["ok"], true);
        let found = place.json(&["--store", &to, "search", "which port has the proxy"]);
        assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    }
    place
        .run_json(&["backup", "nowhere/copy"])
        .assert_failed(2, "path_not_found");
    place
        .run_json(&["restore", "nowhere", "--to", "x"])
        .assert_failed(2, "path_not_found");
    place.write("letter", "dear friend");
    place
        .run_json(&["restore", "letter", "--to", "x"])
        .assert_failed(4, "damaged");
}

#[test]
fn undo_shows_its_plan_and_acts_with_yes() {
    let place = Place::new();
    place.json(&["remember", "The gate is open.", "--source", "gate"]);
    let added = place.json(&["remember", "The gate is shut.", "--source", "gate"]);
    let seq = added["seq"].to_string();
    let plan = place.json(&["undo", &seq]);
    assert_eq!(plan["plan"]["removes"], 1);
    assert!(plan["seq"].is_null());
    assert_eq!(place.json(&["status"])["chunks"], 2);
    let done = place.json(&["undo", &seq, "--yes"]);
    assert_eq!(done["seq"], added["seq"].as_u64().unwrap() + 1);
    assert_eq!(place.json(&["status"])["chunks"], 1);
    assert_eq!(place.json(&["verify"])["ok"], true);
    place
        .run_json(&["undo", &seq, "--yes"])
        .assert_failed(2, "undo_conflict");
    place
        .run_json(&["undo", "99"])
        .assert_failed(2, "commit_not_found");
    let back = done["seq"].to_string();
    let again = place.json(&["undo", &back, "--yes"]);
    assert_eq!(again["ids"].as_array().unwrap().len(), 1);
    assert_eq!(place.json(&["status"])["chunks"], 2);
}

#[test]
fn doctor_looks_plans_and_repairs() {
    let place = Place::new();
    place.write("a.md", "# Port\n\nThe proxy listens on 8443.\n");
    place.json(&["index", ".", "--journal", "truncate"]);
    let sound = place.json(&["doctor"]);
    assert_eq!(
        (
            sound["findings"].as_array().unwrap().len(),
            &sound["rows_before"]
        ),
        (0, &serde_json::json!(1))
    );
    let database = place.store().join("steadfast.db");
    let mut bytes = fs::read(&database).unwrap();
    let text = b"The proxy listens";
    let at = bytes
        .windows(text.len())
        .position(|window| window == text)
        .unwrap();
    bytes[at] ^= 1;
    fs::write(&database, &bytes).unwrap();
    let look = place.run_json(&["doctor", "--repair"]);
    assert_eq!(look.code, 1);
    assert_eq!(look.object()["findings"][0]["code"], "text_damaged");
    assert_eq!(look.object()["plan"][0]["step"], "salvage");
    assert!(fs::read(&database).unwrap() == bytes);
    let report = place.run(&["doctor"]);
    assert!(
        report
            .stdout
            .contains("a repair would copy the database into quarantine"),
        "{}",
        report.stdout
    );
    let done = place.json(&["doctor", "--repair", "--yes"]);
    assert_eq!(
        (&done["rows_before"], &done["rows_after"]),
        (&serde_json::json!(1), &serde_json::json!(1))
    );
    assert_eq!(place.json(&["verify", "--all"])["ok"], true);
    assert_eq!(
        place.json(&["search", "proxy port"])["hits"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    place
        .run_json(&["--store", "nowhere", "doctor"])
        .assert_failed(2, "store_not_found");
    assert_eq!(place.run(&["doctor", "--yes"]).code, 2);
}

#[test]
fn an_earlier_moment_is_asked_for_by_commit_or_time() {
    let place = Place::new();
    place.write("a.md", "# Port\n\nThe proxy listens on 8443.\n");
    place.json(&["index", "."]);
    place.write("a.md", "# Port\n\nThe proxy listens on 9000.\n");
    place.json(&["index", "."]);
    let then = place.json(&["search", "proxy port", "--as-of", "seq:1"]);
    assert!(
        then["hits"][0]["text"].as_str().unwrap().contains("8443"),
        "{then}"
    );
    assert_eq!(then["coverage"]["generation"], 1);
    let now = place.json(&["list", "--as-of", "2999-01-01"]);
    assert!(now["chunks"][0]["text"].as_str().unwrap().contains("9000"));
    assert_eq!(place.json(&["list", "--as-of", "1999-01-01"])["total"], 0);
    place
        .run_json(&["list", "--as-of", "seq:x"])
        .assert_failed(2, "invalid_time");
}
