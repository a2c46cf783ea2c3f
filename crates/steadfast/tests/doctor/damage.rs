//! Pages and rows have rotted, the file was cut or overwritten: what can be read stays, the rest comes from the files.

use std::fs;

use steadfast::model::{Fault as _, Severity};
use steadfast::{DoctorOptions, IndexOptions, Journal, Memory, SearchRequest, Silent, examine};

use crate::place::{PAGE, Place, codes, files, page_of};

#[test]
fn a_sound_store_has_no_findings_and_no_byte_is_changed() {
    let place = Place::new();
    let before = files(&place.store());
    let diagnosis = place.examine();
    assert_eq!((diagnosis.findings, diagnosis.plan.len()), (Vec::new(), 0));
    assert_eq!(diagnosis.rows_before, Some(400));
    assert!(before == files(&place.store()));
    let error = examine(
        &place.docs().join("nowhere"),
        &Memory::options(),
        DoctorOptions::default(),
        &Silent,
    )
    .unwrap_err();
    assert_eq!(error.kind(), "store_not_found");
}

#[test]
fn torn_pages_lose_nothing_whose_source_is_there() {
    for journal in [Journal::Truncate, Journal::Wal] {
        torn_pages(&Place::with(journal));
    }
}

fn torn_pages(place: &Place) {
    let before = place.texts();
    place.damage(|bytes| {
        for text in ["File 3 says that pump 2", "File 41 says that pump 0"] {
            let page = page_of(bytes, text);
            bytes[page * PAGE..(page + 1) * PAGE].fill(0x5a);
        }
    });
    let damaged = fs::read(place.database()).unwrap();
    let found = place.examine();
    assert!(codes(&found).contains(&"file_damaged"), "{found:?}");
    assert!(
        fs::read(place.database()).unwrap() == damaged,
        "a look changes nothing"
    );
    let done = place.repair();
    assert!(
        done.findings
            .iter()
            .all(|found| found.severity == Severity::Info),
        "{:?}",
        done.findings
    );
    assert_eq!(
        (done.rows_before, done.rows_after),
        (Some(400), Some(400)),
        "{:?}",
        done.applied
    );
    assert_eq!(place.texts(), before);
    place.assert_sound();
    assert!(
        fs::read(&place.originals()[0]).unwrap() == damaged,
        "the original is kept as it was"
    );
    assert_eq!(
        place.repair().applied,
        Vec::<String>::new(),
        "a second repair has nothing to do"
    );
}

#[test]
fn a_rotten_text_comes_back_from_its_file_and_a_rotten_note_is_counted() {
    let place = Place::new();
    let before = place.texts();
    place.damage(|bytes| {
        for text in ["File 7 says that pump 1", "Note 12: the spare key"] {
            let at = bytes
                .windows(text.len())
                .position(|window| window == text.as_bytes())
                .unwrap();
            bytes[at] ^= 1;
        }
    });
    let found = place.examine();
    assert_eq!(codes(&found), ["text_damaged"]);
    assert_eq!(found.findings[0].count, 2);
    let done = place.repair();
    assert_eq!(codes(&done), ["source_not_rebuilt"]);
    assert_eq!(
        (done.rows_before, done.rows_after),
        (Some(400), Some(399)),
        "{:?}",
        done.applied
    );
    let after = place.texts();
    let lost: Vec<&String> = before.difference(&after).collect();
    assert!(lost.len() == 1 && lost[0].contains("Note 12:"), "{lost:?}");
    place.assert_sound();
}

#[test]
fn a_rotten_vector_is_made_anew() {
    let place = Place::new();
    let before = place.texts();
    let vectors = || {
        let memory = Memory::open(place.store()).unwrap();
        let answer = memory
            .search(&SearchRequest::new("pump 3 at 219 rpm"))
            .unwrap();
        answer
            .hits
            .iter()
            .map(|hit| (hit.chunk.text.clone(), hit.vector_score.map(f32::to_bits)))
            .collect::<Vec<_>>()
    };
    let scores = vectors();
    // A vector is 512 bytes between its key and its hash; flip bits until one is hit.
    let sound = fs::read(place.database()).unwrap();
    let page = (1..sound.len() / PAGE)
        .rev()
        .find(|page| {
            place.damage(|bytes| {
                bytes.copy_from_slice(&sound);
                bytes[page * PAGE + 3000] ^= 0x40;
            });
            codes(&place.examine()) == ["vector_damaged"]
        })
        .unwrap();
    assert!(page > 0);
    let done = place.repair();
    assert_eq!(
        (codes(&done), done.rows_after),
        (Vec::new(), Some(400)),
        "{:?}",
        done.applied
    );
    assert_eq!(place.texts(), before);
    assert_eq!(vectors(), scores);
}

#[test]
fn a_root_page_that_is_gone_leaves_the_rows_on_their_pages() {
    let place = Place::new();
    let before = place.texts();
    place.damage(|bytes| {
        // Every page of type 5 leads to leaves of tables: without them no tree can be walked.
        for page in 1..bytes.len() / PAGE {
            if bytes[page * PAGE] == 5 {
                bytes[page * PAGE..(page + 1) * PAGE].fill(0);
            }
        }
    });
    fs::rename(place.docs(), place.folder.path().join("away")).unwrap();
    let done = place.repair();
    assert_eq!(
        (done.rows_before, done.rows_after),
        (Some(400), Some(400)),
        "{:?} {:?}",
        done.applied,
        done.findings
    );
    assert_eq!(place.texts(), before);
    place.assert_sound();
}

#[test]
fn a_damaged_header_does_not_lose_a_row() {
    for (bytes_cut, journal) in [
        (0..16, Journal::Wal),
        (0..100, Journal::Truncate),
        (100..400, Journal::Wal),
    ] {
        let place = Place::with(journal);
        let before = place.texts();
        place.damage(|bytes| bytes[bytes_cut.clone()].fill(0xff));
        let found = place.examine();
        assert!(
            found
                .findings
                .iter()
                .any(|found| ["file_damaged", "not_a_store"].contains(&found.code)),
            "{found:?}"
        );
        let done = place.repair();
        assert_eq!(
            done.rows_after,
            Some(400),
            "{bytes_cut:?} {:?} {:?}",
            done.applied,
            done.findings
        );
        assert_eq!(place.texts(), before);
        place.assert_sound();
    }
}

#[test]
fn a_truncated_file_keeps_what_is_left_and_gets_the_rest_from_the_files() {
    let place = Place::new();
    let before = place.texts();
    place.damage(|bytes| bytes.truncate(bytes.len() / 2 + 100));
    let done = place.repair();
    let after = place.texts();
    let lost: Vec<&String> = before
        .difference(&after)
        .filter(|text| text.contains("File"))
        .collect();
    assert_eq!(after.len() as u64, done.rows_after.unwrap());
    assert!(after.is_subset(&before));
    // A document of which not even the name is left cannot be looked for on the disk.
    assert!(lost.len() < 300, "{} {:?}", lost.len(), done.applied);
    Memory::open(place.store())
        .unwrap()
        .index(&[place.docs()], &IndexOptions::default(), &Silent)
        .unwrap();
    assert!(
        before
            .difference(&place.texts())
            .all(|text| text.contains("Note"))
    );
    place.assert_sound();
}

#[test]
fn an_empty_or_foreign_file_is_kept_aside_and_a_new_store_begins() {
    for foreign in [
        Vec::new(),
        b"a letter to a friend, and nothing else\n".repeat(300),
    ] {
        let place = Place::new();
        fs::write(place.database(), &foreign).unwrap();
        let code = if foreign.is_empty() {
            "store_empty"
        } else {
            "not_a_store"
        };
        assert_eq!(codes(&place.examine()), [code]);
        let done = place.repair();
        assert_eq!(done.rows_after, Some(0), "{:?}", done.applied);
        assert!(fs::read(&place.originals()[0]).unwrap() == foreign);
        let memory = Memory::open(place.store()).unwrap();
        memory
            .index(&[place.docs()], &IndexOptions::default(), &Silent)
            .unwrap();
        assert_eq!(memory.status().unwrap().chunks, 360);
    }
}

#[test]
fn indexes_modes_and_leftovers_are_mended_without_touching_the_ground() {
    let place = Place::new();
    let ground = fs::read(place.database()).unwrap();
    fs::rename(
        place.store().join("index/text"),
        place.folder.path().join("away"),
    )
    .unwrap();
    fs::write(
        place
            .store()
            .join("index/vector/00000009.seg.2000000000.tmp"),
        "half",
    )
    .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(place.database(), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let found = place.examine();
    assert!(
        codes(&found).contains(&"index_unusable") && codes(&found).contains(&"leftover_file"),
        "{found:?}"
    );
    assert!(fs::read(place.database()).unwrap() == ground);
    let done = place.repair();
    assert_eq!(done.findings, [], "{:?}", done.applied);
    assert_eq!(done.rows_after, Some(400));
    assert!(
        !place.store().join("quarantine").exists(),
        "a sound ground is not copied"
    );
    place.assert_sound();
}

#[test]
fn a_repair_that_was_killed_is_finished_by_the_next() {
    let place = Place::new();
    let before = place.texts();
    place.damage(|bytes| {
        let page = page_of(bytes, "File 9 says that pump 4");
        bytes[page * PAGE..(page + 1) * PAGE].fill(0);
    });
    // Killed after the first copy: the store is as it was.
    let begun = place.store().join("quarantine/20260101T000000Z-1");
    fs::create_dir_all(&begun).unwrap();
    fs::write(
        begun.join("manifest.json"),
        r#"{"state": "begun", "sources": []}"#,
    )
    .unwrap();
    fs::write(begun.join("work.db"), "half").unwrap();
    let done = place.repair();
    assert!(
        done.findings
            .iter()
            .all(|found| found.severity == Severity::Info),
        "{:?}",
        done.findings
    );
    assert_eq!(place.texts(), before);
    assert!(!begun.join("work.db").exists());

    // Killed after the swap, before the sources were indexed: the record names them.
    let source = fs::canonicalize(place.docs().join("9.md")).unwrap();
    fs::write(
        &source,
        "# Part 0\n\nWritten after the repair was killed.\n",
    )
    .unwrap();
    let manifest = format!(
        r#"{{"state": "replaced", "sources": [["default", {:?}]]}}"#,
        source.to_str().unwrap()
    );
    fs::write(begun.join("manifest.json"), manifest).unwrap();
    assert_eq!(codes(&place.examine()), ["repair_unfinished"]);
    place.repair();
    assert!(
        place
            .texts()
            .iter()
            .any(|text| text.contains("Written after"))
    );
    assert_eq!(place.examine().findings, []);
}

/// Runs statements on the database as if its key were no key.
fn as_if_without_key(place: &Place, statements: &str) {
    let key = "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE UNIQUE INDEX', 'CREATE INDEX') \
               WHERE name = 'chunks_unique'";
    let back = "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX', 'CREATE UNIQUE INDEX') \
                WHERE name = 'chunks_unique'";
    for step in [key, statements, back] {
        let connection = rusqlite::Connection::open(place.database()).unwrap();
        let step = format!("PRAGMA writable_schema=ON; {step}");
        connection.execute_batch(&step).unwrap();
    }
}

#[test]
fn a_text_that_is_there_twice_against_the_key_is_kept_once_and_counted() {
    let place = Place::with(Journal::Truncate);
    let before = place.texts();
    as_if_without_key(
        &place,
        "CREATE TEMP TABLE copy AS SELECT * FROM main.chunks WHERE row = 7;
         UPDATE copy SET row = 5000, access_count = 3;
         INSERT INTO main.chunks SELECT * FROM copy;
         UPDATE facets SET live = live + 1 WHERE facet = (SELECT facet FROM copy);
         UPDATE documents SET chunks = chunks + 1 WHERE document = (SELECT document FROM copy);
         UPDATE store SET next_row = 5001, live_chunks = live_chunks + 1,
             live_tokens = live_tokens + (SELECT tokens FROM copy);",
    );
    let found = place.examine();
    assert!(codes(&found).contains(&"file_damaged"), "{found:?}");
    let done = place.repair();
    assert_eq!((done.rows_before, done.rows_after), (Some(401), Some(400)));
    let told = "carried 400 of 401 live chunks over; 0 were damaged, 1 were there twice, 0 could not be found";
    assert!(
        done.applied.iter().any(|line| line.starts_with(told)),
        "{:?}",
        done.applied
    );
    assert_eq!(place.texts(), before);
    place.assert_sound();
}
