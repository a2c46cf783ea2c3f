//! What is wrong is not the pages: schema, jobs, stamps, drift, files that are gone, a log that nobody wrote back.

use std::fs;
use std::time::Duration;

use steadfast::model::Severity;
use steadfast::{DoctorOptions, Journal, Memory, Note, Silent, examine};

use crate::place::{PAGE, Place, codes, files, page_of, steps};

#[test]
fn a_store_of_an_older_schema_is_brought_up_to_date_and_looked_at_again() {
    for journal in [Journal::Truncate, Journal::Wal] {
        let place = Place::with(journal);
        let before = place.texts();
        place.sql("DROP TABLE collections; DROP TABLE record_ranges; DROP TABLE roots;
             DROP TABLE assignments; DROP TABLE late_vectors; DROP INDEX documents_stale; DROP TABLE intervals; PRAGMA user_version=1;
             UPDATE indexes SET watermark_row = watermark_row - 1 WHERE watermark_row > 0",
        );
        let found = place.examine();
        assert_eq!(
            (codes(&found), steps(&found)),
            (vec!["schema_old"], vec!["migrate"])
        );
        let done = place.repair();
        assert_eq!(
            (codes(&done), done.rows_after),
            (Vec::new(), Some(400)),
            "{:?}",
            done.applied
        );
        assert_eq!(
            steps(&done),
            ["migrate", "rebuild"],
            "what showed then was mended too"
        );
        assert!(place.texts() == before);
        place.assert_sound();
    }
}

#[test]
fn jobs_that_were_left_or_given_up_are_told_and_begin_anew() {
    let place = Place::new();
    place.sql(
        "INSERT INTO jobs (kind, key, payload, state, attempt, due_ms, lease_ms) VALUES
         ('purge', 'left', '', 1, 1, 0, 1), ('purge', 'given up', '', 2, 8, 0, NULL),
         ('purge', 'given up', '', 2, 8, 0, NULL)",
    );
    let found = place.examine();
    assert_eq!(codes(&found), ["job_stuck", "job_failed"]);
    assert_eq!(
        (found.findings[0].severity, found.findings[1].count),
        (Severity::Info, 2)
    );
    assert_eq!(steps(&found), ["retry"]);
    let done = place.repair();
    assert!(
        done.applied.contains(&"let 1 jobs begin anew".to_owned()),
        "{:?}",
        done.applied
    );
    assert!(!codes(&done).contains(&"job_failed"), "{:?}", done.findings);
    let jobs = Memory::open(place.store()).unwrap().status().unwrap().jobs;
    assert!(jobs.iter().all(|(state, _)| state != "failed"), "{jobs:?}");
}

#[test]
fn drifted_stamps_and_tails_are_mended_by_new_indexes() {
    for (drift, code) in [
        (
            "UPDATE indexes SET generation = generation + 1",
            "index_unusable",
        ),
        (
            "UPDATE indexes SET watermark_row = watermark_row - 3 WHERE watermark_row > 0",
            "index_unusable",
        ),
        ("DELETE FROM tail", "text_index_misses"),
    ] {
        let place = Place::new();
        // Rows that the indexes have not seen.
        let memory = Memory::open(place.store()).unwrap();
        memory
            .remember(&Note::new("The ladder leans on the shed."))
            .unwrap();
        drop(memory);
        let ground = place.texts();
        place.sql(drift);
        let found = place.examine();
        assert!(codes(&found).contains(&code), "{drift}: {found:?}");
        assert_eq!(steps(&found), ["rebuild"], "{drift}");
        let done = place.repair();
        assert_eq!(
            (codes(&done), done.rows_after),
            (Vec::new(), Some(401)),
            "{drift}"
        );
        assert!(place.texts() == ground, "{drift}");
        place.assert_sound();
    }
}

#[test]
fn entries_of_rows_that_are_gone_leave_and_the_file_brings_the_row_back() {
    let place = Place::new();
    let before = place.texts();
    place.sql("UPDATE chunks SET removed_seq = 1 WHERE row = 5");
    let found = place.examine();
    for code in ["counts_differ", "text_index_extra"] {
        assert!(codes(&found).contains(&code), "{found:?}");
    }
    let done = place.repair();
    assert_eq!(
        (codes(&done), done.rows_after),
        (Vec::new(), Some(400)),
        "{:?}",
        done.applied
    );
    assert!(place.texts() == before);
    place.assert_sound();
}

#[test]
fn a_database_that_is_gone_is_not_made_anew_beside_what_is_left_of_it() {
    let place = Place::new();
    fs::rename(place.database(), place.folder.path().join("away.db")).unwrap();
    fs::write(place.store().join("steadfast.db-wal"), "frames").unwrap();
    let before = files(&place.store());
    let found = place.examine();
    for code in ["database_missing", "side_file_alone"] {
        assert!(codes(&found).contains(&code), "{found:?}");
    }
    let done = place.repair();
    assert!(codes(&done).contains(&"database_missing"), "{done:?}");
    assert!(files(&place.store()) == before, "nothing is touched");
}

#[test]
fn what_is_only_in_the_log_outlives_a_damaged_page() {
    let place = Place::with(Journal::Wal);
    let memory = Memory::options()
        .journal(Journal::Wal)
        .open(place.store())
        .unwrap();
    for number in 0..30 {
        let text = format!("Late note {number} is in the log alone.");
        memory.remember(&Note::new(text)).unwrap();
    }
    // What a kill leaves: the files as they are, with nobody at them.
    let killed = Place::with(Journal::Wal);
    for name in ["steadfast.db", "steadfast.db-wal", "init.lock"] {
        fs::copy(place.store().join(name), killed.store().join(name)).unwrap();
    }
    let wanted = place.texts();
    drop(memory);
    assert!(
        fs::metadata(killed.store().join("steadfast.db-wal"))
            .unwrap()
            .len()
            > 0
    );
    killed.damage(|bytes| {
        let page = page_of(bytes, "File 3 says that pump 2");
        bytes[page * PAGE..(page + 1) * PAGE].fill(0x5a);
    });
    let done = killed.repair();
    let found = killed.texts();
    let late = |texts: &std::collections::BTreeSet<String>| {
        texts
            .iter()
            .filter(|text| text.contains("Late note"))
            .count()
    };
    assert_eq!(
        (late(&wanted), late(&found)),
        (30, 30),
        "{:?}",
        done.applied
    );
    let original = killed.originals()[0].with_file_name("steadfast.db-wal");
    assert!(
        fs::metadata(original).unwrap().len() > 0,
        "the log is kept as well"
    );
    killed.assert_sound();
}

#[test]
fn a_report_holds_no_text_and_a_look_ends_in_time() {
    let place = Place::new();
    place.damage(|bytes| {
        let page = page_of(bytes, "File 3 says that pump 2");
        bytes[page * PAGE..(page + 1) * PAGE].fill(0x5a);
        let at = bytes.windows(8).position(|it| it == b"Note 12:").unwrap();
        bytes[at] ^= 1;
    });
    let found = place.examine();
    assert!(!found.findings.is_empty());
    let told = format!("{:?} {:?}", found.findings, found.plan);
    for word in ["pump", "spare key", "Filler", "hall"] {
        assert!(!told.contains(word), "{word} in {told}");
    }

    let sound = Place::new();
    let mut hasty = DoctorOptions::default();
    hasty.patience = Duration::ZERO;
    let cut = examine(&sound.store(), &Memory::options(), hasty, &Silent).unwrap();
    assert!(
        codes(&cut).iter().all(|code| *code == "check_not_finished"),
        "{cut:?}"
    );
    assert!(!cut.findings.is_empty() && cut.plan.is_empty(), "{cut:?}");
}
