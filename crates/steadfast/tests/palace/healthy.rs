//! A doctor that finds something in a healthy palace does harm: that is how three whole indexes were once set aside.

use std::time::Duration;

use steadfast::{Error, examine_palace, quarantine_palace, repair_palace};

use crate::support::{NEW, OLD, Palace, ROWS, codes};

#[test]
fn an_index_that_lags_behind_its_queue_and_an_empty_one_are_healthy() {
    for (version, expected) in [(NEW, &[][..]), (OLD, &["palace_seq_id_old"][..])] {
        let palace = Palace::unpack(version);
        let before = palace.bytes();
        let diagnosis = palace.examine();
        assert_eq!(codes(&diagnosis), expected, "{diagnosis:?}");
        assert_eq!(diagnosis.rows_before, Some(ROWS));
        let sum = |of: fn(&steadfast::PalaceCollection) -> u64| -> u64 {
            diagnosis.collections.iter().map(of).sum()
        };
        let (indexed, queued) = (sum(|it| it.indexed), sum(|it| it.queued));
        assert!(indexed > 30 && queued >= 3, "{indexed} and {queued}");
        assert_eq!(indexed + queued, ROWS);
        let done = quarantine_palace(&palace.path(), &palace.options()).unwrap();
        assert!(done.applied.is_empty(), "{done:?}");
        assert_eq!(palace.bytes(), before, "a look changed something");
    }
}

#[test]
fn a_repair_of_a_healthy_palace_changes_no_byte() {
    let palace = Palace::unpack(NEW);
    let before = palace.bytes();
    let done = palace.repair();
    assert!(done.applied.is_empty() && done.plan.is_empty(), "{done:?}");
    assert_eq!(palace.bytes(), before);
}

#[test]
fn a_palace_that_is_not_there_is_no_error_for_quarantine_alone() {
    let palace = Palace::unpack(NEW);
    let options = palace.options();
    let (nowhere, empty) = (palace.path().join("x"), tempfile::tempdir().unwrap());
    for path in [nowhere.as_path(), empty.path()] {
        let done = quarantine_palace(path, &options).unwrap();
        assert!(done.findings.is_empty(), "{done:?}");
        for refused in [
            examine_palace(path, &options),
            repair_palace(path, &options),
        ] {
            let is_not_found = matches!(refused, Err(Error::PathNotFound { .. }));
            assert!(is_not_found, "{refused:?}");
        }
    }
}

#[test]
fn times_of_files_matter_only_when_asked_for() {
    let palace = Palace::unpack(NEW);
    let data = palace.index().join("data_level0.bin");
    let database = std::fs::metadata(palace.database())
        .unwrap()
        .modified()
        .unwrap();
    let file = std::fs::File::options().write(true).open(data).unwrap();
    file.set_modified(database - Duration::from_hours(2))
        .unwrap();
    drop(file);
    assert!(palace.examine().findings.is_empty());
    let mut options = palace.options();
    options.stale_after = Some(Duration::from_secs(7_201));
    let none = examine_palace(&palace.path(), &options).unwrap();
    assert!(none.findings.is_empty());
    options.stale_after = Some(Duration::from_hours(2));
    let index = palace.index();
    let found = examine_palace(&palace.path(), &options).unwrap();
    assert_eq!(codes(&found), ["palace_segment_stale"]);
    assert!(index.exists(), "a look set it aside");
    let done = quarantine_palace(&palace.path(), &options).unwrap();
    assert_eq!(done.applied.len(), 1, "{done:?}");
    assert!(!index.exists());
    // What was set aside is whole: a repair brings its vectors back.
    let done = palace.repair();
    assert!(done.findings.is_empty(), "{done:?}");
    palace.assert_whole();
}
