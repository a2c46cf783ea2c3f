//! The bad day: a disk or a program that does not keep its promises. The self-test does real work, leaves nothing, and
//! touches no store.

use std::fs;

use crate::support::{Place, files};

#[test]
fn a_self_test_works_beside_the_store_and_leaves_nothing() {
    let place = Place::new();
    place.json(&["remember", "The cellar key is in the blue tin."]);
    let before: Vec<_> = files(&place.store())
        .into_iter()
        .map(|path| (fs::read(&path).unwrap(), path))
        .collect();
    // What a killed self-test leaves is swept, and what only looks like it is not.
    let parent = place.store().parent().unwrap().to_owned();
    let (left, strange) = (
        parent.join(".steadfast-selftest-1"),
        parent.join(".steadfast-selftest-2"),
    );
    for folder in [&left, &strange] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("kept"), "x").unwrap();
    }
    fs::write(left.join("selftest.lock"), "").unwrap();

    let report = place.json(&["selftest", "--seconds", "1", "--seed", "7"]);
    assert_eq!(report["ok"], true, "{report}");
    crate::shapes::check("`selftest`", &report);
    assert_eq!(report["seed"], "7");
    for (what, least) in [
        ("acknowledged", 20),
        ("kills", 8),
        ("conversions", 2),
        ("processes", 20),
        ("searches", 20),
        ("damaged", 8),
    ] {
        assert!(
            report["done"][what].as_u64().unwrap() >= least,
            "{what}: {report}"
        );
    }
    assert!(
        report["flushes"]["count"].as_u64().unwrap() >= 20,
        "{report}"
    );
    let broken = report["broken"].as_object().unwrap();
    assert!(broken.values().all(|count| count == 0), "{report}");

    assert!(!left.exists() && strange.join("kept").exists());
    let folders = fs::read_dir(&parent).unwrap().flatten();
    let others: Vec<_> = folders
        .filter(|entry| entry.path() != strange)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with('.'))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    for (bytes, path) in before {
        assert!(fs::read(&path).unwrap() == bytes, "{}", path.display());
    }
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let place = Place::new();
    let run = place.run_json(&["selftest", "--dir", "nowhere"]);
    run.assert_failed(2, "path_not_found");
}

/// The test of the self-test: a mistake that a kill, a crowd or damage brings to light must be told.
#[cfg(feature = "sabotage")]
#[test]
fn a_planted_mistake_is_found_by_the_self_test() {
    for (mistake, told) in [
        ("SideFileDeleted", ["lost", "refused"]),
        ("NoUniqueKey", ["duplicated", "unsound"]),
        ("TailNotSearched", ["missed", "unsound"]),
        ("HashNotChecked", ["wrong", "crashed"]),
    ] {
        let place = Place::new();
        let run = crate::support::Run::of(
            &place
                .command()
                .args(["selftest", "--json", "--seconds", "4", "--seed", "11"])
                .env("STEADFAST_SABOTAGE", mistake)
                .output()
                .unwrap(),
        );
        let report = run.object();
        let broken = |what: &str| report["broken"][what].as_u64().unwrap_or(0);
        assert_eq!(run.code, 1, "{mistake}: {report}");
        assert!(
            told.iter().any(|what| broken(what) > 0),
            "{mistake}: {report}"
        );
    }
}
