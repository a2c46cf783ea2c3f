//! The bad day: pages have rotted, the file was cut or overwritten, indexes are gone.
//!
//! Each test damages a store itself. A look changes nothing and names what is wrong; a repair keeps the originals, loses
//! no row that can be read, gets the rest from the files that are still there, and its counts add up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use steadfast::model::{Fault as _, Severity};
use steadfast::{
    Diagnosis, DoctorOptions, IndexOptions, ListRequest, Memory, Note, SearchRequest, Silent,
    examine, repair,
};
use tempfile::TempDir;

const PAGE: usize = 4096;

struct Place {
    folder: TempDir,
}

impl Place {
    /// A store with 60 files of several chunks each and 40 notes, closed, with everything in its one file.
    fn new() -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        fs::create_dir(place.docs()).unwrap();
        for file in 0..60 {
            let parts: Vec<String> = (0..6)
                .map(|part| {
                    format!(
                        "# Part {part}\n\nFile {file} says that pump {part} runs at {} rpm. {}\n\n",
                        file * 31 + part,
                        "Filler words follow. ".repeat(12)
                    )
                })
                .collect();
            fs::write(place.docs().join(format!("{file}.md")), parts.concat()).unwrap();
        }
        let memory = Memory::options()
            .create(true)
            .journal(steadfast::Journal::Truncate)
            .open(place.store())
            .unwrap();
        memory
            .index(&[place.docs()], &IndexOptions::default(), &Silent)
            .unwrap();
        for note in 0..40 {
            let mut note = Note::new(format!(
                "Note {note}: the spare key number {} hangs in hall {}.",
                note * 17,
                note % 5
            ));
            note.tags.push("keys".to_owned());
            memory.remember(&note).unwrap();
        }
        memory.rebuild(steadfast::Derived::All, &Silent).unwrap();
        drop(memory);
        place
    }

    fn docs(&self) -> PathBuf {
        self.folder.path().join("docs")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn database(&self) -> PathBuf {
        self.store().join("steadfast.db")
    }

    fn texts(&self) -> BTreeSet<String> {
        let memory = Memory::open(self.store()).unwrap();
        let mut request = ListRequest::default();
        request.limit = 10_000;
        let listing = memory.list(&request).unwrap();
        let show = |chunk: &steadfast::model::Chunk| {
            format!(
                "{}:{}:{}",
                chunk.namespace, chunk.place.start_line, chunk.text
            )
        };
        listing.chunks.iter().map(show).collect()
    }

    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.database()).unwrap();
        change(&mut bytes);
        fs::write(self.database(), bytes).unwrap();
    }

    fn examine(&self) -> Diagnosis {
        examine(
            &self.store(),
            &Memory::options(),
            DoctorOptions::default(),
            &Silent,
        )
        .unwrap()
    }

    fn repair(&self) -> Diagnosis {
        repair(
            &self.store(),
            &Memory::options(),
            DoctorOptions::default(),
            &Silent,
        )
        .unwrap()
    }

    /// Asserts that the store is whole: it opens, verifies, and finds.
    fn assert_sound(&self) {
        let memory = Memory::open(self.store()).unwrap();
        assert_eq!(memory.verify(&Silent).unwrap().findings, []);
        let answer = memory.search(&SearchRequest::new("spare key")).unwrap();
        assert!(
            answer.coverage.complete && answer.coverage.degraded.is_empty(),
            "{:?}",
            answer.coverage
        );
    }

    fn originals(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.store().join("quarantine"))
            .unwrap()
            .map(|entry| entry.unwrap().path().join("steadfast.db"))
            .filter(|path| path.exists())
            .collect();
        found.sort();
        found
    }
}

fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings.iter().map(|found| found.code).collect()
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn page_of(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap()
        / PAGE
}

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
    let place = Place::new();
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
    for bytes_cut in [0..16, 0..100, 100..400] {
        let place = Place::new();
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
        place.store().join("index/vector/00000009.seg.4711.tmp"),
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
