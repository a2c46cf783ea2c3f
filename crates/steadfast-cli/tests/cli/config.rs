//! Which store is meant, and which of several values wins.

use std::fs;

use crate::support::{Place, Run};

fn store_of(place: &Place, arguments: &[&str], variable: Option<&str>) -> String {
    let mut command = place.command_without_store();
    variable.map(|store| command.env("STEADFAST_STORE", store));
    let run = Run::of(
        &command
            .args(["config", "get", "store.path"])
            .args(arguments)
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout.trim_end().to_owned()
}

#[test]
fn the_store_is_found_in_the_documented_order() {
    let place = Place::new();
    assert_eq!(
        store_of(&place, &[], None),
        place
            .home()
            .join(".local/share/steadfast")
            .display()
            .to_string()
    );
    fs::create_dir(place.project().join(".steadfast")).unwrap();
    let nearest = place.project().join(".steadfast").display().to_string();
    assert_eq!(store_of(&place, &[], None), nearest);
    assert_eq!(
        store_of(&place, &[], Some("")),
        nearest,
        "an empty variable counts as none"
    );
    assert_eq!(
        store_of(&place, &[], Some("/from/environment")),
        "/from/environment"
    );
    assert_eq!(
        store_of(
            &place,
            &["--store", "/from/flag"],
            Some("/from/environment")
        ),
        "/from/flag"
    );
}

#[test]
fn a_store_folder_found_upward_is_used() {
    let place = Place::new();
    fs::create_dir(place.project().join(".steadfast")).unwrap();
    fs::create_dir_all(place.project().join("a/b")).unwrap();
    let mut command = place.command_without_store();
    command
        .current_dir(place.project().join("a/b"))
        .args(["remember", "deep down"]);
    assert!(command.output().unwrap().status.success());
    assert!(place.project().join(".steadfast/steadfast.db").exists());
}

#[test]
fn flag_beats_environment_beats_store_file_beats_user_file() {
    let place = Place::new();
    for number in 0..9 {
        place.json(&["remember", &format!("lamp {number}")]);
    }
    let hits = |arguments: &[&str], variable: Option<&str>| {
        let mut command = place.command();
        variable.map(|limit| command.env("STEADFAST_SEARCH_LIMIT", limit));
        let run = Run::of(
            &command
                .args(["--json", "search", "lamp"])
                .args(arguments)
                .output()
                .unwrap(),
        );
        run.object()["hits"].as_array().unwrap().len()
    };
    assert_eq!(hits(&[], None), 9);
    place.json(&["config", "set", "search.limit", "2", "--user"]);
    assert_eq!(hits(&[], None), 2);
    place.json(&["config", "set", "search.limit", "3"]);
    assert_eq!(hits(&[], None), 3);
    assert_eq!(hits(&[], Some("4")), 4);
    assert_eq!(hits(&["-k", "5"], Some("4")), 5);
    let origin = place.json(&["config", "get", "search.limit"]);
    assert_eq!(
        (&origin["value"], &origin["origin"]),
        (&3.into(), &"store file".into())
    );
    place.json(&["config", "unset", "search.limit"]);
    assert_eq!(
        place.json(&["config", "get", "search.limit"])["origin"],
        "user file"
    );
}

#[test]
fn settings_act() {
    let place = Place::new();
    place.json(&["config", "set", "store.journal", "truncate"]);
    place.json(&["config", "set", "namespace.default", "work"]);
    place.json(&["config", "set", "ingest.file_bytes_max", "100"]);
    place.write("small.md", "a small lamp");
    place.write("large.md", &"a large lamp ".repeat(20));
    let report = place.json(&["index", "."]);
    assert_eq!(report["skipped"][0]["reason"], "too_large");
    assert_eq!(place.json(&["status"])["journal"], "truncate");
    let names: Vec<_> = crate::support::files(&place.store())
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.ends_with("-wal") || name.ends_with("-shm")),
        "{names:?}"
    );
    assert_eq!(place.json(&["namespaces"])["namespaces"][0]["name"], "work");
    place.json(&["config", "set", "search.mode", "text"]);
    let answer = place.json(&["search", "lamp"]);
    assert_eq!(answer["hits"][0]["matched_via"][0], "text");
    assert_eq!(answer["coverage"]["vector"], 0, "{answer}");
}

#[test]
fn the_journal_of_a_flag_or_variable_is_in_force() {
    for is_variable in [false, true] {
        let place = Place::new();
        let mut command = place.command();
        command.args(["remember", "x"]);
        if is_variable {
            command.env("STEADFAST_JOURNAL", "truncate")
        } else {
            command.args(["--journal", "truncate"])
        };
        assert!(command.output().unwrap().status.success());
        assert_eq!(place.json(&["status"])["journal"], "truncate");
        place.json(&["remember", "y", "--journal", "wal"]);
        assert_eq!(place.json(&["status"])["journal"], "wal");
    }
}

#[test]
fn a_wrong_file_is_told_and_can_be_corrected() {
    let place = Place::new();
    place.json(&["remember", "x"]);
    fs::write(
        place.store().join("config.toml"),
        "[search]\nlimit = \"many\"\n",
    )
    .unwrap();
    place
        .run_json(&["search", "x"])
        .assert_failed(2, "invalid_config");
    place.json(&["config", "set", "search.limit", "7"]);
    assert_eq!(place.run_json(&["search", "x"]).code, 0);
    fs::write(place.store().join("config.toml"), "[search]\nlimits = 3\n").unwrap();
    let run = place.run_json(&["search", "x"]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("`search.limits` is not a setting"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_model_that_cannot_be_used_is_told_before_anything_is_written() {
    let place = Place::new();
    let folder = place.project().join("model");
    std::fs::create_dir(&folder).unwrap();
    place.json(&["config", "set", "embed.model", folder.to_str().unwrap()]);
    let run = place.run(&["remember", "A note.", "--json"]);
    run.assert_failed(2, "invalid_config");
    place.json(&["config", "set", "embed.model", "built-in"]);
    place.json(&["remember", "A note."]);
}
