//! Torn, poisoned and half-restored palaces: found, told, made whole, and never made worse.

use std::fs;

use steadfast::{Error, quarantine_palace, repair_palace};

use crate::support::{NEW, OLD, Palace, ROWS, codes, tear};

#[test]
fn a_torn_index_is_told_and_made_whole_with_the_vectors_of_before() {
    for version in [NEW, OLD] {
        let palace = Palace::unpack(version);
        tear(&palace);
        let old = palace.index();
        let found = palace.examine();
        assert!(
            codes(&found).contains(&"palace_segment_damaged"),
            "{found:?}"
        );
        assert_eq!(found.plan[0].name, "backup");
        let done = palace.repair();
        assert!(
            !codes(&done).contains(&"palace_segment_damaged"),
            "{done:?}"
        );
        assert_eq!(
            (done.rows_before, done.rows_after),
            (Some(ROWS), Some(ROWS))
        );
        assert!(done.lost.is_empty());
        palace.assert_whole();
        assert!(!old.exists());
        let backup = done.backup.unwrap();
        assert!(backup.join("chroma.sqlite3").exists());
        let again = palace.repair();
        assert!(again.applied.is_empty(), "{again:?}");
    }
}

#[test]
fn a_kill_between_the_commit_and_the_folder_is_finished_by_the_next_run() {
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let old = palace.index();
    palace.repair();
    // Put the folder back, as if nobody had come to set it aside.
    let aside = fs::read_dir(palace.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(".drift-"))
        .unwrap();
    fs::rename(&aside, &old).unwrap();
    assert_eq!(codes(&palace.examine()), ["palace_repair_unfinished"]);
    let done = palace.repair();
    assert!(done.findings.is_empty() && !old.exists(), "{done:?}");
    palace.assert_whole();
}

#[test]
fn what_quarantine_sets_aside_is_counted_and_comes_back_with_a_repair() {
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let before = fs::read(palace.database()).unwrap();
    let done = quarantine_palace(&palace.path(), &palace.options()).unwrap();
    assert_eq!(done.applied.len(), 1);
    assert!(codes(&done).contains(&"palace_vectors_missing"), "{done:?}");
    assert!(done.lost.is_empty());
    assert_eq!(fs::read(palace.database()).unwrap(), before);
    let again = quarantine_palace(&palace.path(), &palace.options()).unwrap();
    assert!(again.applied.is_empty(), "set aside twice: {again:?}");
    let done = palace.repair();
    assert!(done.findings.is_empty(), "{done:?}");
    palace.assert_whole();
}

#[test]
fn poisoned_watermarks_go_back_and_the_next_numbers_are_above_them() {
    for version in [NEW, OLD] {
        let poison = if version == NEW {
            "1229822654365970487"
        } else {
            "x'1111111111111111'"
        };
        let palace = Palace::unpack(version);
        palace.sql(&format!("UPDATE max_seq_id SET seq_id = {poison}"));
        let found = palace.examine();
        assert!(
            codes(&found).contains(&"palace_watermark_impossible"),
            "{found:?}"
        );
        let done = palace.repair();
        assert!(
            !codes(&done).contains(&"palace_watermark_impossible"),
            "{done:?}"
        );
        assert_eq!(done.rows_after, Some(ROWS));
        if version == NEW {
            let (marks, queue) = (
                palace.number("SELECT max(seq_id) FROM max_seq_id"),
                palace.number("SELECT max(seq_id) FROM embeddings_queue"),
            );
            assert!(marks <= queue, "{marks} > {queue}");
        } else {
            // An integer here is read as digits of another base by the migration to come.
            assert_eq!(
                palace.number("SELECT count(*) FROM max_seq_id WHERE typeof(seq_id) <> 'blob'"),
                0
            );
            assert_eq!(
                palace.number("SELECT count(*) FROM embeddings WHERE typeof(seq_id) <> 'integer'"),
                0
            );
        }
    }
}

#[test]
fn a_watermark_beyond_the_queue_would_swallow_the_next_writes() {
    let palace = Palace::unpack(NEW);
    palace.sql("DELETE FROM embeddings_queue WHERE seq_id > 40");
    let found = palace.examine();
    assert!(
        codes(&found).contains(&"palace_watermark_impossible"),
        "{found:?}"
    );
    palace.repair();
    let next = palace.number("SELECT coalesce(max(seq_id), 0) + 1 FROM embeddings_queue");
    assert!(palace.number("SELECT max(seq_id) FROM max_seq_id") < next);
}

#[test]
fn rows_whose_vector_is_nowhere_are_listed_and_stay() {
    let palace = Palace::unpack(NEW);
    fs::write(palace.index().join("data_level0.bin"), b"").unwrap();
    let done = palace.repair();
    assert_eq!(codes(&done), ["palace_vectors_lost"]);
    assert_eq!(
        (done.rows_before, done.rows_after),
        (Some(ROWS), Some(ROWS))
    );
    assert!(done.lost.iter().any(|row| row.id == "d0"));
    let again = palace.repair();
    assert!(again.applied.is_empty(), "{again:?}");
}

#[test]
fn a_map_that_asks_for_code_is_refused_and_nothing_runs() {
    let palace = Palace::unpack(NEW);
    let pickle = palace.index().join("index_metadata.pickle");
    fs::write(pickle, b"cos\nsystem\n(S'touch /nowhere'\ntR.").unwrap();
    let found = palace.examine();
    assert!(found.findings[0].what.contains("os.system"), "{found:?}");
}

#[test]
fn a_palace_that_another_connection_writes_to_is_not_touched() {
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let before = palace.bytes();
    let other = rusqlite::Connection::open(palace.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = repair_palace(&palace.path(), &palace.options());
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    drop(other);
    let mut after = palace.bytes();
    after.retain(|path, _| !path.to_string_lossy().contains("steadfast-backup-"));
    assert_eq!(after, before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_palace_that_another_process_only_has_open_is_refused_unless_forced() {
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let file = fs::File::open(palace.database()).unwrap();
    let mut idle = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .stdout(file)
        .spawn()
        .unwrap();
    let mut options = palace.options();
    let refused = [
        repair_palace(&palace.path(), &options),
        quarantine_palace(&palace.path(), &options),
    ];
    let looked = palace.examine();
    options.force = true;
    let forced = repair_palace(&palace.path(), &options);
    drop(idle.stdin.take());
    idle.wait().unwrap();
    for refused in refused {
        let names_it = matches!(&refused, Err(Error::PalaceInUse { processes, .. }) if processes.contains(&idle.id()));
        assert!(names_it, "{refused:?}");
    }
    assert!(codes(&looked).contains(&"palace_in_use"));
    assert!(forced.unwrap().findings.is_empty());
}
