//! An answer that calls itself complete is, whatever state the indexes are in.
//!
//! The bad days: an index cannot be written, is cut, rots, is another's, or is
//! gone; the model gives no vectors or wrong ones; the clock jumps.

use std::path::{Path, PathBuf};

use steadfast::model::{Fault as _, Severity};
use steadfast::{Derived, Journal, Memory, Mode, SearchRequest, Silent};
use steadfast_testkit::{
    Damage, FailingEmbed, Fault, Figure, JumpingClock, Operation, Random, Times, cases, damage,
    seed, tell,
};

use crate::faults::{Case, draw, run};
use crate::life::{DEEDS, Golden, Life, golden, live, note, passage};
use crate::oracle::{Admissible, Contents, ask, check};

/// What the store does to the files of its indexes.
const DERIVED: &[Operation] = &[
    Operation::SideOpen,
    Operation::SideWrite,
    Operation::SideSync,
    Operation::SideRename,
];

/// Faults that once broke a promise.
const REGRESSIONS: &[Case] = &[
    // A manifest that could not be read was swept away, and what it named with it.
    Case {
        journal: Journal::Wal,
        fault: Fault {
            operation: Operation::SideOpen,
            after: 29,
            times: Times::Always,
            code: 13,
        },
        reopens: true,
        deeds: (0, DEEDS.len()),
    },
    // The entry of the store's folder could not be flushed; who tried again found the folder there, and did not flush it.
    Case {
        journal: Journal::Wal,
        fault: Fault {
            operation: Operation::SideSync,
            after: 0,
            times: Times::Once,
            code: 13,
        },
        reopens: false,
        deeds: (0, DEEDS.len()),
    },
    // The store was marked as created before its entries were flushed: who tried again found the mark.
    Case {
        journal: Journal::Wal,
        fault: Fault {
            operation: Operation::SideSync,
            after: 0,
            times: Times::Always,
            code: 10,
        },
        reopens: true,
        deeds: (0, 3),
    },
];

#[test]
fn a_disk_that_fails_under_the_indexes_costs_no_answer() {
    let mut all = REGRESSIONS.to_vec();
    all.extend(draw(Journal::Wal, DERIVED, cases(40), 5));
    run(&all, Journal::Wal, "faults under the indexes in a life");
}

/// Returns the files of the indexes of a store.
fn index_files(store: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for kind in ["text", "vector"] {
        let folder = std::fs::read_dir(store.join("index").join(kind)).unwrap();
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    files
}

/// Returns what is there at the end of a life.
fn at_the_end(golden: &Golden) -> (&Contents, Admissible) {
    let contents = golden.after.last().unwrap();
    (contents, Admissible::between(contents, contents))
}

/// Checks that damaged indexes change no answer, and that they are sound again after a rebuild.
fn check_damaged(life: &Life, contents: &Contents, admissible: &Admissible) -> Result<(), String> {
    let memory = life.another().map_err(|error| error.to_string())?;
    for word in admissible.words() {
        ask(&memory, &[word], contents)?;
    }
    let rebuilt = memory.rebuild(Derived::All, &Silent);
    rebuilt.map_err(|error| error.to_string())?;
    check(&memory, &life.files, admissible).map(drop)
}

#[test]
fn an_index_that_is_damaged_in_any_way_costs_no_answer() {
    let Golden { life, after, .. } = &golden(Journal::Wal);
    let contents = after.last().unwrap();
    let admissible = Admissible::between(contents, contents);
    let mut random = Random::new(seed(6));
    for case in 0..cases(60) {
        let files = index_files(&life.store());
        let file = &files[random.below(files.len())];
        let kind = Damage::ALL[case % Damage::ALL.len()];
        let content = std::fs::read(file).unwrap();
        std::fs::write(file, damage(&content, kind, &mut random)).unwrap();
        let checked = check_damaged(life, contents, &admissible);
        checked
            .unwrap_or_else(|what| panic!("case {case}, {kind:?} of {}: {what}", file.display()));
    }
    tell("damaged index files", Figure::Cases(cases(60)));
}

#[test]
fn an_index_that_is_deleted_costs_no_answer() {
    let golden = golden(Journal::Wal);
    let (contents, admissible) = at_the_end(&golden);
    for kind in ["text", "vector", ""] {
        let aside = golden.life.files.join("aside");
        let index = golden.life.store().join("index").join(kind);
        std::fs::rename(&index, aside.with_extension(format!("{kind}1"))).unwrap();
        check_damaged(&golden.life, contents, &admissible).unwrap();
    }
}

#[test]
fn an_index_of_yesterday_put_back_costs_no_answer() {
    let mut life = Life::new(Journal::Wal);
    let memory = life.open().unwrap();
    memory.remember(&note("yesterday")).unwrap();
    memory.rebuild(Derived::All, &Silent).unwrap();
    let kept: Vec<(PathBuf, Vec<u8>)> = index_files(&life.store())
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect();
    memory.remember(&note("today")).unwrap();
    memory.rebuild(Derived::All, &Silent).unwrap();
    // A backup of the index folder comes back over the files of today.
    for path in index_files(&life.store()) {
        let old = &kept[kept.len() - 1].1;
        let same = kept.iter().find(|(name, _)| *name == path);
        std::fs::write(&path, same.map_or(old, |(_, content)| content)).unwrap();
    }
    drop(memory);
    life.close();
    let contents = Contents::from([
        (
            "note-yesterday".to_owned(),
            vec![passage("yesterday", 1, 0)],
        ),
        ("note-today".to_owned(), vec![passage("today", 1, 0)]),
    ]);
    let admissible = Admissible::between(&contents, &contents);
    check_damaged(&life, &contents, &admissible).unwrap();
}

#[test]
fn a_note_is_found_by_another_handle_at_once_and_after_every_publication() {
    let mut life = Life::new(Journal::Wal);
    let (here, there) = (life.open().unwrap(), life.another().unwrap());
    let mut contents = Contents::new();
    for round in 0..30 {
        let name = format!("round{}", char::from(b'a' + round % 26));
        let name = format!("{name}{}", "x".repeat(usize::from(round / 26)));
        here.remember(&note(&name)).unwrap();
        contents.insert(format!("note-{name}"), vec![passage(&name, 1, 0)]);
        if round % 7 == 6 {
            let which = if round % 2 == 0 { &here } else { &there };
            which.rebuild(Derived::All, &Silent).unwrap();
        }
        let word = crate::life::word(&name, 1, 0);
        ask(&there, &[&word], &contents).unwrap();
        let complete = |memory: &Memory| {
            let request = SearchRequest::new(word.clone());
            memory.search(&request).unwrap().coverage.complete
        };
        assert!(complete(&there) && complete(&here), "round {round}");
    }
}

#[test]
fn a_filter_acts_before_the_best_are_chosen() {
    let mut life = Life::new(Journal::Wal);
    let memory = life.open().unwrap();
    for number in 0..120 {
        let mut other = note(&format!("other{number}"));
        other.text = format!("beacon beacon beacon {number}");
        memory.remember(&other).unwrap();
    }
    let mut mine = note("mine");
    mine.text = format!(
        "a long text {}with one beacon in it",
        "and so on ".repeat(40)
    );
    mine.tags = vec!["mine".to_owned()];
    memory.remember(&mine).unwrap();
    for is_indexed in [false, true] {
        if is_indexed {
            memory.rebuild(Derived::All, &Silent).unwrap();
        }
        let mut request = SearchRequest::new("beacon");
        request.mode = Mode::Text;
        request.limit = 1;
        request.filter.tags = vec!["mine".to_owned()];
        let answer = memory.search(&request).unwrap();
        assert_eq!(answer.coverage.in_scope, 1);
        assert_eq!(answer.hits.len(), 1, "indexed: {is_indexed}");
        assert_eq!(answer.hits[0].chunk.source, "note-mine");
    }
}

#[test]
fn a_sound_index_is_never_set_aside() {
    let mut life = golden(Journal::Wal).life;
    // Opened again and again, with files whose times say nothing.
    for path in index_files(&life.store()) {
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, content).unwrap();
    }
    for _ in 0..4 {
        life.close();
        let memory = life.open().unwrap();
        memory.search(&SearchRequest::new("harbor")).unwrap();
        memory.maintain().unwrap();
    }
    assert!(!life.store().join("quarantine").exists());
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let steady = golden(Journal::Wal);
    for seed in 0..4 {
        let jumping = live(Life::new(Journal::Wal).with_clock(JumpingClock::new(seed)));
        assert_eq!(jumping.after, steady.after, "seed {seed}");
        let (_, admissible) = at_the_end(&steady);
        let memory = jumping.life.another().unwrap();
        check(&memory, &jumping.life.files, &admissible).unwrap_or_else(|what| {
            panic!("seed {seed}: {what}");
        });
    }
}

#[test]
fn a_model_that_fails_leaves_no_wrong_vector_and_no_half_file() {
    let golden = golden(Journal::Wal);
    for every in 1..=7 {
        let mut life = Life::new(Journal::Wal).with_embed(FailingEmbed::new(every));
        let nothing = Contents::new();
        let mut admissible = Admissible::of_nothing(&golden.after);
        for (index, deed) in DEEDS.iter().enumerate() {
            let before = index
                .checked_sub(1)
                .map_or(&nothing, |last| &golden.after[last]);
            // What the model failed for is left out with a reason or an error: it may be there or not.
            admissible.may(before, &golden.after[index]);
            if let Err(error) = (deed.act)(&mut life) {
                assert_ne!(
                    error.kind(),
                    "internal",
                    "every {every}: {}: {error}",
                    deed.name
                );
            }
        }
        life.close();
        let sound = life.another_with_sound_model().unwrap();
        let contents = check(&sound, &life.files, &admissible);
        contents.unwrap_or_else(|what| panic!("every {every}: {what}"));
        let verified = sound.verify(&Silent).unwrap().findings;
        assert!(
            verified
                .iter()
                .all(|finding| finding.severity == Severity::Info),
            "every {every}: {verified:?}"
        );
    }
}
