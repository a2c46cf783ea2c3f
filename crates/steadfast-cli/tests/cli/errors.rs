//! Each class of error has its exit code and its object, and nothing is changed by a refused call.

use std::fs;

use crate::support::{Place, Run, files};

#[test]
fn a_missing_store_is_named_and_not_created() {
    let place = Place::new();
    for arguments in [
        &["search", "x"][..],
        &["get", "1-00000000"],
        &["list"],
        &["sources"],
        &["tags"],
        &["namespaces"],
        &["status"],
        &["verify"],
        &["rebuild"],
        &["log"],
        &["forget", "--tag", "x"],
        &["forget", "--tag", "x", "--yes"],
    ] {
        place
            .run_json(arguments)
            .assert_failed(2, "store_not_found");
    }
    assert!(!place.store().exists());
}

#[test]
fn a_file_in_the_place_of_a_store_folder_is_no_store() {
    let place = Place::new();
    place.write("file", "text");
    for arguments in [
        &["--store", "file", "status"][..],
        &["--store", "file", "remember", "x"],
    ] {
        place
            .run_json(arguments)
            .assert_failed(2, "store_not_found");
    }
    assert_eq!(
        fs::read_to_string(place.project().join("file")).unwrap(),
        "text"
    );
}

#[test]
fn a_global_flag_may_be_said_twice_and_anywhere() {
    let place = Place::new();
    place.json(&["remember", "x"]);
    let other = place.project().join("other").display().to_string();
    place
        .run_json(&["--store", &other, "status", "--json"])
        .assert_failed(2, "store_not_found");
    let store = place.store().display().to_string();
    assert_eq!(
        place.json(&["status", "--store", &other, "--json", "--store", &store])["chunks"],
        1
    );
}

#[test]
fn a_missing_path_indexes_nothing_and_creates_no_store() {
    let place = Place::new();
    place.write("a.md", "text");
    place
        .run_json(&["index", "a.md", "gone.md"])
        .assert_failed(2, "path_not_found");
    place
        .run_json(&["search", "x", "--in", "gone"])
        .assert_failed(2, "path_not_found");
    assert!(!place.store().exists());
}

#[test]
fn what_is_wrong_with_a_call_is_exit_2() {
    let place = Place::new();
    place.json(&["remember", "a note", "--idempotency-key", "k"]);
    for (arguments, kind) in [
        (
            &["search", "x", "--where", "{\"a\": {\"$regex\": 1}}"][..],
            "unsupported_filter",
        ),
        (
            &["search", "x", "--where", "{\"$not\": []}"],
            "unsupported_filter",
        ),
        (
            &["search", "x", "--where", "{\"a\": {\"$in\": 1}}"],
            "invalid_filter",
        ),
        (&["list", "--where", "not json"], "invalid_filter"),
        (&["list", "--source", "a["], "invalid_filter"),
        (&["list", "--since", "yesterday"], "invalid_time"),
        (&["list", "--namespace", ""], "invalid_id"),
        (&["list", "--cursor", "garbage"], "invalid_cursor"),
        (&["search", "x", "--cursor", "garbage"], "invalid_cursor"),
        (&["get", "1-00000000"], "chunk_not_found"),
        (&["get", "garbage"], "chunk_not_found"),
        (&["forget"], "nothing_selected"),
        (&["forget", "garbage"], "chunk_not_found"),
        (&["remember", " "], "empty_text"),
        (&["remember", "x", "--meta", "novalue"], "invalid_input"),
        (
            &["remember", "another", "--idempotency-key", "k"],
            "idempotency_conflict",
        ),
        (&["config", "get", "no.such"], "invalid_config"),
        (&["config", "set", "search.limit", "0"], "invalid_config"),
        (&["man", "nothing"], "usage"),
        (&["search"], "usage"),
        (&["search", "x", "-k", "0"], "usage"),
        (&["search", "x", "-k", "1001"], "usage"),
        (&["search", "x", "--bogus"], "usage"),
        (&["search", "--bogus"], "usage"),
        (&["index"], "usage"),
        (&["nonsense"], "usage"),
        (&["completions", "tcl"], "usage"),
    ] {
        let run = place.run_json(arguments);
        assert_eq!(run.object()["error"]["kind"], kind, "{arguments:?}");
        run.assert_failed(2, kind);
    }
    assert_eq!(
        place.json(&["status"])["generation"],
        1,
        "nothing was written"
    );
}

#[test]
fn a_file_that_is_no_store_is_damaged_and_stays_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    let garbage = "this is not a database. ".repeat(400);
    let file = place.store().join("steadfast.db");
    fs::write(&file, &garbage).unwrap();
    for arguments in [
        &["search", "x"][..],
        &["status"],
        &["remember", "x"],
        &["verify"],
    ] {
        place.run_json(arguments).assert_failed(4, "damaged");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), garbage);
}

#[test]
fn a_newer_schema_is_exit_5_and_not_a_byte_is_changed() {
    let place = Place::new();
    place.json(&["remember", "from before", "--journal", "truncate"]);
    assert_eq!(place.json(&["status"])["journal"], "truncate");
    let file = place.store().join("steadfast.db");
    let mut bytes = fs::read(&file).unwrap();
    // The user version of a SQLite file stands at byte 60, big-endian.
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    fs::write(&file, &bytes).unwrap();
    let before: Vec<_> = files(&place.store());
    for arguments in [
        &["search", "x"][..],
        &["status"],
        &["verify"],
        &["remember", "y"],
        &["index", "."],
        &["rebuild"],
    ] {
        place.run_json(arguments).assert_failed(5, "schema_too_new");
    }
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(files(&place.store()), before);
}

#[test]
fn errors_in_words_say_what_and_what_to_do() {
    let place = Place::new();
    let run = place.run(&["status"]);
    assert_eq!(run.code, 2);
    assert_eq!(run.stdout, "");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(
        lines[0].starts_with("error: there is no store at "),
        "{}",
        run.stderr
    );
    assert!(lines[1].starts_with("hint: "), "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_told() {
    let place = Place::new();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = place
        .command()
        .arg("version")
        .stdout(full)
        .output()
        .unwrap();
    let run = Run::of(&output);
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("cannot be written"), "{}", run.stderr);
}
