//! The bad day: the wrong folder was indexed, the right note was replaced.
//!
//! A commit is taken back by a new commit, exactly, or refused with the reason; history stays readable, and what was
//! forgotten stays forgotten.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use steadfast::model::filter::SourcePattern;
use steadfast::model::{Chunk, Fault as _, Namespace, Seq, Timestamp};
use steadfast::{
    IndexOptions, ListRequest, Memory, Moment, Note, SearchRequest, Selection, Silent, UndoRefusal,
};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    memory: Memory,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("docs")).unwrap();
        let memory = Memory::options()
            .create(true)
            .open(folder.path().join("store"))
            .unwrap();
        Self { folder, memory }
    }

    fn docs(&self) -> PathBuf {
        self.folder.path().join("docs")
    }

    fn index(&self, text: &str) -> Seq {
        fs::write(self.docs().join("a.md"), text).unwrap();
        self.reindex()
    }

    fn reindex(&self) -> Seq {
        let report = self
            .memory
            .index(&[self.docs()], &IndexOptions::default(), &Silent)
            .unwrap();
        report.seq
    }

    fn undo(&self, seq: Seq) -> steadfast::Result<steadfast::Undone> {
        let plan = self.memory.plan_undo(seq).unwrap();
        self.memory.undo(&plan)
    }

    fn chunks(&self) -> Vec<Chunk> {
        let mut chunks = self.memory.list(&ListRequest::default()).unwrap().chunks;
        chunks.sort_by_key(|chunk| chunk.place.position);
        chunks
    }

    fn seen(&self) -> Vec<String> {
        let mut seen: Vec<String> = self.chunks().iter().map(show).collect();
        seen.sort();
        seen
    }

    fn is_sound(&self) {
        assert_eq!(self.memory.verify(&Silent).unwrap().findings, []);
    }
}

/// Returns all that a user sees of a chunk but its id.
fn show(chunk: &Chunk) -> String {
    format!(
        "{} {:?} {:?} {}",
        chunk.source, chunk.place, chunk.attributes, chunk.text
    )
}

#[test]
fn the_earlier_text_of_a_file_comes_back_and_is_found() {
    let place = Place::new();
    let first = place.index("# Port\n\nThe proxy listens on 8443.\n\n# Owner\n\nAsk Miriam.\n");
    let before = place.seen();
    let second = place.index("# Owner\n\nAsk Miriam.\n\n# Colour\n\nThe door is green.\n");
    assert!(second > first);
    let plan = place.memory.plan_undo(second).unwrap();
    assert!(!plan.restores.is_empty() && !plan.removes.is_empty() && plan.refusal.is_none());
    assert_ne!(place.seen(), before);
    let undone = place.memory.undo(&plan).unwrap();
    assert_eq!(place.seen(), before);
    assert_eq!(undone.ids.len(), plan.restores.len());
    let answer = place
        .memory
        .search(&SearchRequest::new("proxy 8443"))
        .unwrap();
    assert!(answer.hits[0].chunk.text.contains("8443") && answer.coverage.complete);
    assert_eq!(place.memory.log(1).unwrap()[0].operation, "undo");
    place.is_sound();
    // Undoing the undo leads forward again, and so does indexing: the file on the disk is what it was.
    place.undo(undone.seq).unwrap();
    assert!(place.seen().concat().contains("The door is green."));
    place.undo(place.memory.log(1).unwrap()[0].seq).unwrap();
    assert_eq!(place.seen(), before);
    place.reindex();
    assert!(place.seen().concat().contains("The door is green."));
    place.is_sound();
}

#[test]
fn what_was_added_leaves_and_what_vanished_comes_back() {
    let place = Place::new();
    fs::write(place.docs().join("b.md"), "Stays.\n").unwrap();
    place.reindex();
    let added = place.index("# Port\n\nThe proxy listens on 8443.\n");
    let before = place.seen();
    fs::rename(place.docs().join("a.md"), place.folder.path().join("away")).unwrap();
    let removed = place.reindex();
    assert_eq!(place.seen().len(), 1);
    place.undo(removed).unwrap();
    assert_eq!(place.seen(), before);
    assert!(matches!(
        place.undo(added),
        Err(steadfast::Error::Undo(UndoRefusal::ChangedSince(_)))
    ));
    place.is_sound();
}

#[test]
fn a_note_is_taken_back_and_can_be_remembered_again() {
    let place = Place::new();
    let note = |text: &str, tag: &str| {
        let mut note = Note::new(text);
        note.tags.push(tag.to_owned());
        note.source = Some("diary".to_owned());
        note.idempotency_key = Some(format!("{text}{tag}"));
        note
    };
    place
        .memory
        .remember(&note("Tuesday was calm.", "x"))
        .unwrap();
    let second = place
        .memory
        .remember(&note("Wednesday was not.", "x"))
        .unwrap();
    let before = place.seen();
    let merged = place
        .memory
        .remember(&note("Wednesday was not.", "y"))
        .unwrap();
    assert!(matches!(
        place.undo(second.seq),
        Err(steadfast::Error::Undo(UndoRefusal::ChangedSince(_)))
    ));
    place.undo(merged.seq).unwrap();
    assert_eq!(place.seen(), before);
    let third = place
        .memory
        .remember(&note("Thursday rained.", "x"))
        .unwrap();
    place.undo(third.seq).unwrap();
    assert_eq!(place.seen(), before);
    // The key of a note that was taken back must not swallow it.
    place
        .memory
        .remember(&note("Thursday rained.", "x"))
        .unwrap();
    assert_eq!(place.chunks().len(), 3);
    assert_eq!(
        place
            .memory
            .remember(&note("Tuesday was calm.", "x"))
            .unwrap()
            .outcome
            .as_str(),
        "reused"
    );
    place.is_sound();
}

#[test]
fn what_was_forgotten_stays_forgotten() {
    let place = Place::new();
    place.index("# Secret\n\nThe word is xylophone.\n\n# Rest\n\nNothing here.\n");
    let replaced = place.index("# Rest\n\nNothing here.\n");
    let history = place.memory.plan_undo(replaced).unwrap();
    assert_eq!(history.restores.len(), 1);
    let mut selection = Selection::default();
    selection
        .sources
        .push(SourcePattern::parse("a.md").unwrap());
    let plan = place.memory.plan_forget(&selection).unwrap();
    let forgot = place.memory.forget(&plan).unwrap().seq.unwrap();
    for seq in [replaced, forgot] {
        let error = place.undo(seq).unwrap_err();
        assert_eq!(error.kind(), "nothing_to_undo", "{error}");
    }
    let plan = place.memory.plan_undo(replaced).unwrap();
    assert_eq!(plan.skipped[0].reason, "forgotten");
    assert_eq!(place.undo(Seq(999)).unwrap_err().kind(), "commit_not_found");
    place.is_sound();
}

#[test]
fn a_plan_that_no_longer_fits_changes_nothing() {
    let place = Place::new();
    place.index("# A\n\nOne.\n");
    let second = place.index("# A\n\nTwo.\n");
    let plan = place.memory.plan_undo(second).unwrap();
    place.index("# A\n\nThree.\n");
    let before = place.seen();
    assert!(place.memory.undo(&plan).is_err());
    assert_eq!(place.seen(), before);
}

#[test]
fn a_renamed_tag_gets_its_old_name_back_and_a_renamed_namespace_hides_no_conflict() {
    let place = Place::new();
    for text in ["One.", "Two."] {
        let mut note = Note::new(text);
        note.tags.push("old".to_owned());
        place.memory.remember(&note).unwrap();
    }
    let first = place.index("# A\n\nOne.\n");
    place.index("# A\n\nOther.\n");
    let before = place.seen();
    let plan = place.memory.plan_rename_tag("old", "new").unwrap();
    place.memory.rename(&plan).unwrap();
    let renamed = place.memory.log(1).unwrap()[0].seq;
    assert_ne!(place.seen(), before);
    assert_eq!(place.memory.plan_undo(renamed).unwrap().moves.len(), 2);
    place.undo(renamed).unwrap();
    assert_eq!(place.seen(), before);
    let (from, to) = (Namespace::default(), Namespace::new("elsewhere").unwrap());
    let plan = place.memory.plan_rename_namespace(&from, &to).unwrap();
    place.memory.rename(&plan).unwrap();
    let renamed = place.memory.log(1).unwrap()[0].seq;
    assert!(matches!(
        place.undo(renamed),
        Err(steadfast::Error::Undo(UndoRefusal::Renamed(_)))
    ));
    assert!(matches!(
        place.undo(first),
        Err(steadfast::Error::Undo(UndoRefusal::ChangedSince(_)))
    ));
    place.is_sound();
}

#[test]
fn an_earlier_moment_is_listed_and_searched_as_it_was() {
    let place = Place::new();
    let mut moments = Vec::new();
    let versions = [
        "# Port\n\nThe proxy listens on 8443.\n\n# Owner\n\nAsk Miriam.\n",
        "# Owner\n\nAsk Miriam.\n\n# Port\n\nThe proxy listens on 9000.\n",
        "# Owner\n\nAsk Tomas.\n",
    ];
    for version in versions {
        let seq = place.index(version);
        let answer = place
            .memory
            .search(&SearchRequest::new("which port has the proxy?"))
            .unwrap();
        moments.push((seq, place.seen(), answer));
    }
    for (seq, seen, answer) in &moments {
        let mut request = ListRequest::default();
        request.as_of = Some(Moment::Seq(*seq));
        let listing = place.memory.list(&request).unwrap();
        let mut listed: Vec<String> = listing.chunks.iter().map(show).collect();
        listed.sort();
        assert_eq!((&listed, listing.total), (seen, seen.len() as u64));

        let mut question = SearchRequest::new("which port has the proxy?");
        question.as_of = Some(Moment::Seq(*seq));
        let then = place.memory.search(&question).unwrap();
        assert_eq!(then.coverage.in_scope, answer.coverage.in_scope);
        assert!(then.coverage.complete && then.coverage.warnings[0].contains("in no index"));
        assert_eq!(then.coverage.generation, *seq);
        let first = |answer: &steadfast::Answer| {
            let round = |score: f32| (score * 1e3).round();
            let hit = answer.hits.first()?;
            Some((
                hit.chunk.text.clone(),
                round(hit.text_score),
                hit.vector_score.map(round),
            ))
        };
        assert_eq!(first(&then), first(answer));
    }
    let mut nothing = ListRequest::default();
    nothing.as_of = Some(Moment::Time(Timestamp(0)));
    assert_eq!(place.memory.list(&nothing).unwrap().total, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Undoing from the newest commit back shows each earlier state again, whatever moved, came and went.
    #[test]
    fn undoing_backwards_shows_every_earlier_state(versions in prop::collection::vec(prop::collection::vec(0..6_u8, 0..6), 1..6)) {
        let place = Place::new();
        let mut states = vec![(place.seen(), Seq(0))];
        for version in &versions {
            let parts: Vec<String> = version.iter().map(|part| format!("# Part {part}\n\nText of part {part}.\n\n")).collect();
            let text = parts.concat();
            let seq = place.index(&text);
            if seq > states.last().unwrap().1 {
                states.push((place.seen(), seq));
            }
        }
        while let Some((_, seq)) = states.pop() {
            let Some((before, _)) = states.last() else { break };
            match place.undo(seq) {
                Ok(_) => prop_assert_eq!(&place.seen(), before),
                Err(error) => prop_assert!(error.kind() == "nothing_to_undo" || error.kind() == "undo_conflict", "{}", error),
            }
            if place.seen() != *before { break; }
        }
        place.is_sound();
    }
}

#[test]
fn a_renamed_tag_of_a_folder_is_told_to_be_renamed_back() {
    let place = Place::new();
    place.index("# A\n\nOne.\n");
    let mut options = IndexOptions::default();
    options.tags = vec!["old".to_owned()];
    let paths = [place.docs()];
    place.memory.index(&paths, &options, &Silent).unwrap();
    let rename = |from: &str, to: &str| {
        let plan = place.memory.plan_rename_tag(from, to).unwrap();
        place.memory.rename(&plan).unwrap().seq.unwrap()
    };
    let renamed = rename("old", "new");
    // The next look at the folder would have reversed it.
    assert!(matches!(
        place.undo(renamed),
        Err(steadfast::Error::Undo(UndoRefusal::RenamedOfRoots(_)))
    ));
    rename("new", "old");
    place.reindex();
    assert!(place.chunks()[0].attributes.tags.contains("old"));
}

#[test]
fn a_key_holds_its_text_when_the_note_was_taken_back() {
    let place = Place::new();
    let mut note = Note::new("We deploy on Tuesdays.");
    note.idempotency_key = Some("mail-4711".to_owned());
    let first = place.memory.remember(&note).unwrap();
    place.undo(first.seq).unwrap();
    let mut other = Note::new("We deploy on Fridays.");
    other.idempotency_key.clone_from(&note.idempotency_key);
    let refused = place.memory.remember(&other).unwrap_err();
    assert_eq!(refused.kind(), "idempotency_conflict");
    let again = place.memory.remember(&note).unwrap();
    assert!(again.seq > first.seq && again.id != first.id);
    assert_eq!(place.chunks()[0].id, again.id);
    let seq = again.seq;
    let again = place.memory.remember(&note).unwrap();
    assert_eq!((again.id, again.seq), (place.chunks()[0].id, seq));
}

#[test]
fn a_note_that_was_told_again_does_not_come_back_beside_itself() {
    for source in [None, Some("chat")] {
        let place = Place::new();
        let mut note = Note::new("The key is under the mat.");
        note.source = source.map(str::to_owned);
        let first = place.memory.remember(&note).unwrap();
        let undone = place.undo(first.seq).unwrap();
        place.memory.remember(&note).unwrap();
        let refused = place.undo(undone.seq);
        assert!(
            matches!(
                refused,
                Err(steadfast::Error::Undo(UndoRefusal::NothingToUndo(_)))
            ),
            "{refused:?}"
        );
        assert_eq!(place.chunks().len(), 1, "{source:?}");
        place.is_sound();
    }
}
