//! The bad day: a disk rots slowly, and nobody runs a check. A slice at a time finds it, goes on where the last one
//! ended, tells it in the state of the store and in every answer, and is silent again when it is mended.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use steadfast::{
    Conversation, Derived, DoctorOptions, Journal, Memory, Message, SearchRequest, Silent, repair,
};
use tempfile::TempDir;

const MESSAGES: usize = 1_500;

struct Place(TempDir);

impl Place {
    /// A closed store of more rows than one batch has.
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        let memory = Memory::options()
            .create(true)
            .journal(Journal::Truncate)
            .open(place.store())
            .unwrap();
        let mut talk = Conversation::new("chat:rot");
        let message = |number| Message::new(format!("Message {number} speaks of valve {number}."));
        talk.messages = (0..MESSAGES).map(message).collect();
        memory.keep_conversation(&talk).unwrap();
        memory.rebuild(Derived::All, &Silent).unwrap();
        place
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn open(&self) -> Memory {
        Memory::open(self.store()).unwrap()
    }

    /// Flips a bit of a text.
    fn rot(&self, text: &str) {
        let path = self.store().join("steadfast.db");
        let mut bytes = fs::read(&path).unwrap();
        let mut windows = bytes.windows(text.len());
        let at = windows.position(|it| it == text.as_bytes()).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }
}

fn warnings(memory: &Memory) -> Vec<String> {
    let answer = memory.search(&SearchRequest::new("valve 3")).unwrap();
    answer.coverage.warnings
}

fn problems(memory: &Memory) -> Vec<(&'static str, u64)> {
    let problems = memory.status().unwrap().problems;
    problems.iter().map(|it| (it.code, it.count)).collect()
}

#[test]
fn slices_go_on_where_the_last_ended_and_tell_what_they_find() {
    let place = Place::new();
    place.rot("Message 1400 speaks");
    let first = place.open().scrub(Duration::ZERO).unwrap();
    assert!(!first.finished && first.findings.is_empty(), "{first:?}");
    assert_eq!(
        (first.chunks, first.vectors, first.row.0),
        (1_024, 1_024, 1_024)
    );
    assert_eq!(first.index_rows, 2 * 1_024, "in both indexes");

    let memory = place.open();
    let second = memory.scrub(Duration::ZERO).unwrap();
    assert!(second.finished, "{second:?}");
    assert_eq!((second.pass, second.chunks), (1, (MESSAGES - 1_024) as u64));
    assert_eq!(
        (second.findings[0].code, second.findings[0].count),
        ("text_damaged", 1)
    );
    for handle in [memory, place.open()] {
        assert_eq!(problems(&handle), [("text_damaged", 1)]);
        let told = warnings(&handle);
        assert!(
            told.iter()
                .any(|it| it.contains("check in passing found 1 text")),
            "{told:?}"
        );
    }

    let options = DoctorOptions::default();
    repair(&place.store(), &Memory::options(), options, &Silent).unwrap();
    let mended = place.open();
    assert_eq!(
        (problems(&mended), warnings(&mended)),
        (Vec::new(), Vec::new())
    );
}

#[test]
fn a_finding_stays_until_its_row_is_come_by_again_and_sound() {
    let place = Place::new();
    place.rot("Message 7 speaks");
    assert_eq!(
        place.open().scrub(Duration::ZERO).unwrap().findings[0].count,
        1
    );
    // Flipped back, as a disk that reads right again does it.
    place.rot("Lessage 7 speaks");
    let end = place.open().scrub(Duration::ZERO).unwrap();
    assert!(end.finished && end.findings[0].count == 1, "{end:?}");
    let again = place.open().scrub(Duration::ZERO).unwrap();
    assert!(!again.finished && again.findings.is_empty(), "{again:?}");
    assert_eq!(problems(&place.open()), []);
}

#[test]
fn a_mark_that_is_damaged_or_foreign_counts_for_nothing() {
    let place = Place::new();
    let mark = place.store().join("scrub.mark");
    place.open().scrub(Duration::ZERO).unwrap();
    let sound = fs::read(&mark).unwrap();
    let long = vec![b'x'; 1 << 20];
    for spoil in [&sound[..sound.len() / 2], b"\xff\xfe", b"", &long] {
        fs::write(&mark, spoil).unwrap();
        assert_eq!(problems(&place.open()), []);
        assert_eq!(
            place.open().scrub(Duration::ZERO).unwrap().row.0,
            1_024,
            "it begins anew"
        );
    }
    fs::write(Place::new().store().join("scrub.mark"), &sound).unwrap();
    fs::write(&mark, &sound).unwrap();
    assert_eq!(
        place.open().scrub(Duration::ZERO).unwrap().chunks,
        (MESSAGES - 1_024) as u64
    );
}

#[test]
fn maintenance_does_a_slice_once_in_a_while() {
    let place = Place::new();
    place.open().maintain().unwrap();
    let mark = place.store().join("scrub.mark");
    let first = fs::read(&mark).unwrap();
    place.open().maintain().unwrap();
    assert!(fs::read(&mark).unwrap() == first, "not due yet");
}
