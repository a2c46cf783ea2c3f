//! The bad day: the machine is given back, and with the store would go what the memories were before. A bundle with
//! history takes that along, and the store that it comes into answers about earlier moments as the old one did.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use steadfast::model::{Clock, Seq, Timestamp, Validity};
use steadfast::{
    ExportFormat, ExportOptions, ImportOptions, IndexOptions, Keep, ListRequest, Memory, Moment,
    Note, SearchRequest, Selection, Silent,
};

use crate::support::{Place, contents, import};

/// A clock that goes on by a minute whenever it is told to.
struct Minutes(AtomicI64);

const START: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;

impl Minutes {
    fn at(minute: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(minute)))
    }

    fn pass(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clock for Minutes {
    fn now(&self) -> Timestamp {
        minute(self.0.load(Ordering::Relaxed))
    }
}

fn minute(minute: i64) -> Timestamp {
    Timestamp(START + minute * MINUTE)
}

fn store(place: &Place, name: &str, clock: &Arc<Minutes>) -> Memory {
    let options = Memory::options().create(true).clock(clock.clone());
    options.open(place.path(name)).unwrap()
}

fn with_history() -> ExportOptions {
    let mut options = ExportOptions::default();
    options.history = true;
    options.overwrite = true;
    options
}

/// Returns what a store held at a moment, without ids.
fn held(memory: &Memory, at: Moment) -> Vec<String> {
    let mut request = ListRequest::default();
    request.limit = 100_000;
    request.filter.validity = Validity::Any;
    request.as_of = Some(at);
    let listing = memory.list(&request).unwrap();
    let mut lines: Vec<String> = listing
        .chunks
        .into_iter()
        .map(|mut chunk| {
            let meta = &mut chunk.attributes.meta;
            if meta.get("origin.kind").is_some_and(|kind| kind == "bundle") {
                meta.remove("origin.kind");
                meta.remove("origin.id");
            }
            // Of a chunk that moved in its file the bundle has its last place.
            let namespace = chunk.namespace.as_str();
            format!(
                "{namespace} {} {:?} {:?}",
                chunk.source, chunk.text, chunk.attributes
            )
        })
        .collect();
    lines.sort();
    lines
}

/// Something that is done to a file or a note in a minute of its own.
#[derive(Clone, Debug)]
enum Deed {
    Write(u8, Vec<u8>),
    Remove(u8),
    Note(u8),
    Forget(u8),
    Wait,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..3_u8, prop::collection::vec(0..5_u8, 1..5)).prop_map(|(file, lines)| Deed::Write(file, lines)),
        2 => (0..3_u8).prop_map(Deed::Remove),
        3 => (0..4_u8).prop_map(Deed::Note),
        1 => any::<u8>().prop_map(Deed::Forget),
        1 => Just(Deed::Wait),
    ]
}

#[expect(clippy::disallowed_methods, reason = "a test removes what it has made")]
fn run(place: &Place, memory: &Memory, deed: &Deed) {
    let folder = place.path("files");
    fs::create_dir_all(&folder).unwrap();
    let file = |number: &u8| folder.join(format!("f{number}.md"));
    let mut options = IndexOptions::default();
    options.prune = true;
    match deed {
        Deed::Write(number, lines) => {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| format!("# Section {line}\n\nText of the section {line} of {number}."))
                .collect();
            fs::write(file(number), lines.join("\n\n")).unwrap();
            memory.index(&[folder], &options, &Silent).unwrap();
        }
        Deed::Remove(number) => {
            drop(fs::remove_file(file(number)));
            memory.index(&[folder], &options, &Silent).unwrap();
        }
        Deed::Note(number) => drop(memory.remember(&Note::new(format!("Note number {number}.")))),
        Deed::Forget(which) => {
            let listing = memory.list(&ListRequest::default()).unwrap().chunks;
            if let Some(chunk) = listing.get(usize::from(*which) % listing.len().max(1)) {
                let mut selection = Selection::default();
                selection.ids.push(chunk.id.to_string());
                let plan = memory.plan_forget(&selection).unwrap();
                memory.forget(&plan).unwrap();
            }
        }
        Deed::Wait => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn an_empty_store_answers_about_every_earlier_moment_as_the_old_one(
        deeds in prop::collection::vec(deed(), 1..10),
    ) {
        let place = Place::new();
        let clock = Minutes::at(0);
        let memory = store(&place, "old", &clock);
        for deed in &deeds {
            clock.pass();
            run(&place, &memory, deed);
        }
        let end = clock.0.load(Ordering::Relaxed);
        let later = Minutes::at(end + 10);
        let file = place.export(&memory, "all.bundle.zst", &with_history());
        let other = store(&place, "new", &later);
        let report = import(&other, &file);
        prop_assert!(report.complete, "{report:?}");
        for moment in 0..=end {
            let at = Moment::Time(minute(moment));
            prop_assert_eq!(held(&memory, at), held(&other, at), "minute {}", moment);
        }
        prop_assert_eq!(contents(&memory), contents(&other));
        prop_assert!(other.verify(&Silent).unwrap().findings.is_empty());
        // The history of the copy is that of the original, also when it moves on.
        let again = store(&place, "newer", &Minutes::at(end + 20));
        let file = place.export(&other, "again.bundle", &with_history());
        import(&again, &file);
        for moment in 0..=end {
            let at = Moment::Time(minute(moment));
            prop_assert_eq!(held(&memory, at), held(&again, at), "minute {}", moment);
        }
        // Back home nothing of it is new.
        let home = memory.import(&file, &ImportOptions::default(), &Silent).unwrap();
        prop_assert_eq!((home.imported, home.updated, home.refused), (0, 0, 0), "{:?}", home);
    }
}

/// A store with a file that was changed twice, in minutes 1, 2 and 3.
fn changed_twice(place: &Place) -> Memory {
    let clock = Minutes::at(0);
    let memory = store(place, "old", &clock);
    for line in 0..3 {
        clock.pass();
        run(place, &memory, &Deed::Write(0, vec![line]));
    }
    memory
}

fn asked(memory: &Memory, at: i64) -> Vec<String> {
    let mut request = SearchRequest::new("text of the section");
    request.as_of = Some(Moment::Time(minute(at)));
    let answer = memory.search(&request).unwrap();
    assert!(answer.coverage.complete, "{:?}", answer.coverage);
    let hits = answer.hits.into_iter();
    hits.map(|hit| hit.chunk.text.lines().last().unwrap().to_owned())
        .collect()
}

#[test]
fn what_was_is_found_only_when_an_earlier_moment_is_asked_for() {
    let place = Place::new();
    let memory = changed_twice(&place);
    let file = place.export(&memory, "all.bundle", &with_history());
    let other = store(&place, "new", &Minutes::at(50));
    let report = import(&other, &file);
    assert_eq!((report.read, report.imported, report.verified), (3, 3, 3));
    for (at, section) in [(1, 0), (2, 1), (3, 2), (60, 2)] {
        let expected = [format!("Text of the section {section} of 0.")];
        assert_eq!(asked(&other, at), expected, "minute {at}");
    }
    assert_eq!(asked(&other, 0), Vec::<String>::new());
    let today = other
        .search(&SearchRequest::new("text of the section"))
        .unwrap();
    assert_eq!((today.hits.len(), today.coverage.in_scope), (1, 1));
    assert_eq!(other.status().unwrap().chunks, 1);
    // By the commits of this store there was nothing before the import.
    assert_eq!(held(&other, Moment::Seq(Seq(0))), Vec::<String>::new());
    // Without the option nothing of it comes along.
    let file = place.export(&memory, "today.bundle", &ExportOptions::default());
    let today = store(&place, "today", &Minutes::at(50));
    assert_eq!(import(&today, &file).imported, 1);
    assert_eq!(asked(&today, 2), Vec::<String>::new());
}

#[test]
fn what_is_forgotten_leaves_the_history_that_was_brought_too() {
    let place = Place::new();
    let memory = changed_twice(&place);
    let file = place.export(&memory, "all.bundle", &with_history());
    let other = store(&place, "new", &Minutes::at(50));
    import(&other, &file);
    let mut selection = Selection::default();
    let source = &other.sources(&steadfast::model::Filter::default()).unwrap()[0].source;
    selection
        .sources
        .push(steadfast::model::filter::SourcePattern::parse(source).unwrap());
    let plan = other.plan_forget(&selection).unwrap();
    other.forget(&plan).unwrap();
    for at in 0..4 {
        assert_eq!(asked(&other, at), Vec::<String>::new(), "minute {at}");
    }
    let again = other
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap();
    assert!(again.adds_up(), "{again:?}");
    assert_eq!(
        (again.imported, again.refused, again.complete),
        (0, 3, false)
    );
    assert!(other.verify(&Silent).unwrap().findings.is_empty());
}

#[test]
fn what_was_brought_is_let_go_of_with_the_rest_and_an_undo_does_not_bring_it_back() {
    let place = Place::new();
    let memory = changed_twice(&place);
    let file = place.export(&memory, "all.bundle", &with_history());
    let clock = Minutes::at(50);
    let other = store(&place, "new", &clock);
    let report = import(&other, &file);
    let before = contents(&other);
    // The versions came in a commit of their own, behind that of the file.
    let undo = other.plan_undo(report.seq).unwrap();
    assert!(undo.refusal.is_some(), "{undo:?}");
    let undone = other.plan_undo(Seq(report.seq.0 - 1)).unwrap();
    assert!(undone.refusal.is_none(), "{undone:?}");
    assert_eq!((undone.removes.len(), undone.restores.len()), (1, 0));
    clock.pass();
    let plan = other.plan_prune(Keep::Since(minute(51))).unwrap();
    assert_eq!(plan.versions, 2);
    other.prune(&plan).unwrap();
    assert_eq!(contents(&other), before);
    assert!(other.verify(&Silent).unwrap().findings.is_empty());
}

#[test]
fn history_belongs_into_a_bundle_and_its_end_proves_it() {
    let place = Place::new();
    let memory = changed_twice(&place);
    for format in [ExportFormat::Jsonl, ExportFormat::Markdown] {
        let mut options = with_history();
        options.format = format;
        let refused = memory.export(place.path("x"), &options, &Silent);
        assert!(
            matches!(refused, Err(steadfast::Error::Invalid { .. })),
            "{refused:?}"
        );
    }
    let file = place.export(&memory, "all.bundle", &with_history());
    let text = fs::read_to_string(&file).unwrap();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        *kinds
            .entry(object["type"].as_str().unwrap().to_owned())
            .or_default() += 1;
        if object["type"] == "past" {
            assert!(
                object["removed_at"].as_str() > object["added_at"].as_str(),
                "{object}"
            );
        }
    }
    assert_eq!((kinds["chunk"], kinds["past"]), (1, 2));
    let without: String = text
        .lines()
        .filter(|line| !line.contains("\"type\":\"past\""))
        .flat_map(|line| [line, "\n"])
        .collect();
    fs::write(&file, without).unwrap();
    let other = store(&place, "new", &Minutes::at(50));
    let error = other
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(
        matches!(error, steadfast::Error::BundleDamaged { .. }),
        "{error}"
    );
}
