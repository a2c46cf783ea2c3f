//! Letting go of history: what is live is as it was, what is kept can be asked for, and what is gone says so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use proptest::prelude::*;
use steadfast::model::{Fault as _, FixedClock, Seq, Timestamp};
use steadfast::{
    Conversation, Error, Keep, ListRequest, Memory, Message, Moment, Note, SearchRequest,
    Selection, Silent, UndoRefusal,
};
use tempfile::TempDir;

const DAY: i64 = 86_400_000;

struct Place {
    _folder: TempDir,
    memory: Memory,
    clock: Arc<FixedClock>,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
        let memory = Memory::options()
            .create(true)
            .clock(Arc::clone(&clock) as Arc<_>)
            .open(folder.path().join("store"))
            .unwrap();
        Self {
            _folder: folder,
            memory,
            clock,
        }
    }

    fn talk(&self, name: u8, messages: &[u8]) {
        let mut talk = Conversation::new(format!("chat:{name}"));
        talk.messages = messages
            .iter()
            .map(|message| Message::new(format!("message {message} of the talk")))
            .collect();
        // A talk that was forgotten stays out.
        drop(self.memory.keep_conversation(&talk));
    }

    /// Returns what the store held after a commit, or holds.
    fn at(&self, seq: Option<Seq>) -> Result<Vec<String>, Error> {
        let mut request = ListRequest::default();
        request.limit = 10_000;
        request.as_of = seq.map(Moment::Seq);
        let chunks = self.memory.list(&request)?.chunks;
        Ok(chunks
            .into_iter()
            .map(|chunk| {
                format!(
                    "{} {} {:?} {:?} {:?}",
                    chunk.id, chunk.source, chunk.text, chunk.place, chunk.attributes
                )
            })
            .collect())
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Talk(u8, Vec<u8>),
    Note(u8),
    Tag(u8, u8),
    Forget(u8),
    CatchUp,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..3_u8, prop::collection::vec(0..5_u8, 1..5)).prop_map(|(name, talk)| Deed::Talk(name, talk)),
        2 => (0..4_u8).prop_map(Deed::Note),
        2 => (0..3_u8, 0..3_u8).prop_map(|(from, to)| Deed::Tag(from, to)),
        1 => any::<u8>().prop_map(Deed::Forget),
        1 => Just(Deed::CatchUp),
    ]
}

fn run(place: &Place, deed: &Deed) {
    let memory = &place.memory;
    match deed {
        Deed::Talk(name, messages) => place.talk(*name, messages),
        Deed::Note(number) => {
            let mut note = Note::new(format!("note {number}"));
            note.tags = vec![format!("t{}", number % 3)];
            note.source = Some("diary".to_owned());
            note.idempotency_key = Some(format!("key {number}"));
            drop(memory.remember(&note));
        }
        Deed::Tag(from, to) => {
            if let Ok(plan) = memory.plan_rename_tag(&format!("t{from}"), &format!("t{to}")) {
                memory.rename(&plan).unwrap();
            }
        }
        Deed::Forget(which) => {
            let chunks = memory.list(&ListRequest::default()).unwrap().chunks;
            let at = usize::from(*which).checked_rem(chunks.len());
            if let Some(chunk) = at.and_then(|at| chunks.get(at)) {
                let mut selection = Selection::default();
                selection.ids = vec![chunk.id.to_string()];
                let plan = memory.plan_forget(&selection).unwrap();
                memory.forget(&plan).unwrap();
            }
        }
        Deed::CatchUp => drop(memory.rebuild(steadfast::Derived::All, &Silent).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn live_rows_and_kept_moments_are_as_they_were(
        deeds in prop::collection::vec(deed(), 2..24),
        cut in any::<u8>(),
    ) {
        let place = Place::new();
        for deed in &deeds {
            run(&place, deed);
            place.clock.set(Timestamp(steadfast::model::Clock::now(place.clock.as_ref()).0 + DAY));
        }
        let generation = place.memory.status().unwrap().generation;
        let moments: Vec<Seq> = (0..=generation.0).map(Seq).collect();
        let before: Vec<_> = moments.iter().map(|seq| place.at(Some(*seq)).unwrap()).collect();
        let live = place.at(None).unwrap();
        let days = u32::from(cut) % u32::try_from(deeds.len() + 1).unwrap();
        let plan = place.memory.plan_prune(Keep::Days(days)).unwrap();
        let pruned = place.memory.prune(&plan).unwrap();
        prop_assert_eq!(pruned.is_some(), plan.versions + plan.moves > 0);
        prop_assert_eq!(place.at(None).unwrap(), live);
        for (seq, before) in moments.iter().zip(before) {
            match place.at(Some(*seq)) {
                Ok(after) => prop_assert_eq!(after, before),
                Err(error) => {
                    prop_assert!(pruned.is_some() && *seq < plan.kept_from, "{error}");
                    prop_assert_eq!(error.kind(), "history_pruned");
                }
            }
        }
        prop_assert!(place.memory.verify(&Silent).unwrap().findings.is_empty());
        // Nothing is left to let go of, and later commits can still be taken back or refuse for their own reasons.
        let again = place.memory.plan_prune(Keep::Since(Timestamp(i64::MIN))).unwrap();
        prop_assert_eq!((again.versions, again.moves), (0, 0));
        for seq in &moments {
            let undo = place.memory.plan_undo(*seq).unwrap();
            let is_gone = matches!(undo.refusal, Some(UndoRefusal::Pruned(_)));
            prop_assert!(!is_gone || *seq <= plan.kept_from);
        }
    }
}

#[test]
fn what_is_gone_says_so_and_the_log_keeps_its_events() {
    let place = Place::new();
    place.talk(1, &[1, 2]);
    place.clock.set(Timestamp(1_700_000_000_000 + 10 * DAY));
    place.talk(1, &[3]);
    place.clock.set(Timestamp(1_700_000_000_000 + 100 * DAY));
    place.talk(1, &[4]);
    let plan = place.memory.plan_prune(Keep::Days(30)).unwrap();
    assert_eq!((plan.kept_from, plan.versions), (Seq(2), 2));
    assert!(plan.bytes > 0);
    let seq = place.memory.prune(&plan).unwrap().unwrap();
    let events = place.memory.log(10).unwrap();
    let newest = events.first().unwrap();
    assert_eq!(
        (newest.seq, newest.operation.as_str(), newest.chunks),
        (seq, "prune", 2)
    );
    assert_eq!(events.len(), 4, "the log keeps its events");
    let mut request = SearchRequest::new("message 1");
    request.as_of = Some(Moment::Seq(Seq(1)));
    let error = place.memory.search(&request).unwrap_err();
    assert!(
        matches!(
            error,
            Error::HistoryPruned {
                asked: Seq(1),
                kept_from: Seq(2)
            }
        ),
        "{error}"
    );
    request.as_of = Some(Moment::Seq(Seq(2)));
    assert!(!place.memory.search(&request).unwrap().hits.is_empty());
    let undo = place.memory.plan_undo(Seq(1)).unwrap();
    assert_eq!(undo.refusal, Some(UndoRefusal::Pruned(Seq(1))));
    // The last commit is younger, and can be taken back: the message it replaced is still there.
    let undo = place.memory.plan_undo(Seq(3)).unwrap();
    assert_eq!(undo.refusal, None);
    place.memory.undo(&undo).unwrap();
    let texts = place.at(None).unwrap().join(" ");
    assert!(texts.contains("message 3"), "{texts}");
    assert_eq!(
        place.memory.plan_undo(seq).unwrap().refusal,
        Some(UndoRefusal::Pruned(seq))
    );
}
