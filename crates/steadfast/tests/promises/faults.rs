//! A disk that fails at any operation of a life, once or for ever.

use std::collections::{BTreeMap, BTreeSet};

use steadfast::Journal;
use steadfast::model::Fault as _;
use steadfast_testkit::{
    Fault, Figure, Metadata, Operation, Random, Replay, Times, seed, side_by_side, tell,
};

use crate::life::{DEEDS, Golden, Life, Morning, golden};
use crate::oracle::{Admissible, Contents, UNTRUE, ask, check, contents};

impl Admissible {
    /// Returns what may be there before the first deed: nothing of all that is still to come.
    pub(crate) fn of_nothing(to_come: &[Contents]) -> Self {
        let sources = to_come.iter().flat_map(BTreeMap::keys);
        Self(
            sources
                .map(|source| (source.clone(), BTreeSet::from([Vec::new()])))
                .collect(),
        )
    }

    /// Allows the changes of a deed that failed: each may have happened or not.
    pub(crate) fn may(&mut self, before: &Contents, after: &Contents) {
        for source in changed(before, after) {
            let version = after.get(source).cloned().unwrap_or_default();
            let versions = self.0.entry(source.clone()).or_default();
            if versions.is_empty() {
                versions.insert(Vec::new());
            }
            versions.insert(version);
        }
    }

    /// Demands the changes of a deed that was acknowledged.
    pub(crate) fn must(&mut self, before: &Contents, after: &Contents) {
        for source in changed(before, after) {
            let version = after.get(source).cloned().unwrap_or_default();
            self.0.insert(source.clone(), BTreeSet::from([version]));
        }
    }
}

/// Returns the sources that differ.
fn changed<'c>(
    before: &'c Contents,
    after: &'c Contents,
) -> impl Iterator<Item = &'c String> + use<'c> {
    let sources: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    sources
        .into_iter()
        .filter(|source| before.get(*source) != after.get(*source))
}

/// A case: a fault, the days of a life on which it may strike, and what the user does about an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) journal: Journal,
    pub(crate) fault: Fault,
    /// The handle is opened anew after an error; otherwise it is used on.
    pub(crate) reopens: bool,
    /// The first deed, and the one after the last.
    pub(crate) deeds: (usize, usize),
}

/// Deeds of a part of a life. A fault that is to strike late needs no life before it: what a kill leaves there does.
const DEEDS_OF_A_PART: usize = 3;
/// Every so many cases live a whole life, so that what a fault has left meets all that comes later.
const WHOLE_EVERY: usize = 8;

/// A life without a bad day, and what each of its days begins with.
struct Days {
    golden: Golden,
    mornings: Vec<Morning>,
    journal: Journal,
}

impl Days {
    fn of(journal: Journal) -> Self {
        let golden = golden(journal);
        let mornings = golden.mornings();
        Self {
            golden,
            mornings,
            journal,
        }
    }

    fn take_up(&self, deed: usize) -> Life {
        Life::taken_up(&self.mornings[deed], &self.golden.life.files, self.journal)
    }

    /// Returns how often each operation comes in some deeds.
    fn counts(&self, (from, to): (usize, usize), operations: &[Operation]) -> Vec<usize> {
        let mut life = self.take_up(from);
        life.disk.set(None);
        for deed in &DEEDS[from..to] {
            (deed.act)(&mut life).unwrap_or_else(|error| panic!("{}: {error}", deed.name));
        }
        let count = |operation: &Operation| usize::try_from(life.disk.count(*operation)).unwrap();
        operations.iter().map(count).collect()
    }
}

/// Returns cases for some operations, as many as wanted, spread over a whole life.
pub(crate) fn draw(
    journal: Journal,
    operations: &[Operation],
    count: usize,
    seed_default: u64,
) -> Vec<Case> {
    let mut random = Random::new(seed(seed_default));
    let days = Days::of(journal);
    let last = DEEDS.len();
    let mut parts: Vec<(usize, usize)> = (0..last - 1)
        .map(|from| (from, last.min(from + DEEDS_OF_A_PART)))
        .collect();
    parts.push((0, last));
    let counts: Vec<Vec<usize>> = parts
        .iter()
        .map(|part| days.counts(*part, operations))
        .collect();
    let whole = parts.len() - 1;
    let used: Vec<usize> = (0..operations.len())
        .filter(|operation| counts[whole][*operation] > 0)
        .collect();
    (0..count)
        .map(|index| {
            // Each operation in turn: some are rare, and all of them fail in the field.
            let place = used[index % used.len()];
            let mut part = random.below(whole);
            if random.below(WHOLE_EVERY) == 0 || counts[part][place] == 0 {
                part = whole;
            }
            let codes = operations[place].codes();
            Case {
                journal,
                fault: Fault {
                    operation: operations[place],
                    after: random.below(counts[part][place]) as u64,
                    times: if random.chance(60) {
                        Times::Once
                    } else {
                        Times::Always
                    },
                    code: codes[random.below(codes.len())],
                },
                reopens: random.chance(50),
                deeds: parts[part],
            }
        })
        .collect()
}

/// Runs cases side by side and collects what broke a promise.
pub(crate) fn run(cases: &[Case], journal: Journal, figure: &str) {
    let failures = side_by_side(
        cases.len(),
        || Days::of(journal),
        |days, case| survive(cases[case], days),
    );
    tell(figure, Figure::Cases(cases.len()));
    let told: Vec<String> = failures
        .iter()
        .take(8)
        .map(|(case, what)| format!("{:?}: {what}", cases[*case]))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} faults broke the promise, among them:\n{}",
        failures.len(),
        cases.len(),
        told.join("\n")
    );
}

/// Lives some days with a fault in them, then opens the store on a sound disk and asks everything.
fn survive(case: Case, days: &Days) -> Result<(), String> {
    let golden = &days.golden;
    let (from, to) = case.deeds;
    let mut life = days.take_up(from);
    life.disk.set(Some(case.fault));
    let mut admissible = Admissible::of_nothing(&golden.after);
    admissible.must(&Contents::new(), &golden.before(from));
    for (index, deed) in DEEDS.iter().enumerate().take(to).skip(from) {
        let (before, after) = (&golden.before(index), &golden.after[index]);
        match (deed.act)(&mut life) {
            Ok(()) => admissible.must(before, after),
            Err(error) if error.kind() == "internal" => {
                return Err(format!("{}: {error}", deed.name));
            }
            Err(_) => {
                admissible.may(before, after);
                if case.reopens {
                    life.close();
                }
            }
        }
        honest_meanwhile(&life, &admissible).map_err(|what| format!("{}: {what}", deed.name))?;
    }
    let struck = life.disk.struck();
    life.disk.set(None);
    life.close();
    let end = life.disk.now();
    let reopened = life
        .open()
        .map_err(|error| format!("at the end: {error}"))?;
    check(&reopened, &life.files, &admissible).map_err(|what| format!("at the end: {what}"))?;
    drop(reopened);
    life.close();
    // What was acknowledged on a failing disk is there after a loss of power too. With a rollback journal, a disk
    // that flushes nothing any more is beyond that: SQLite has written to the database by then, and cannot undo it.
    let flushes = case.fault.operation != Operation::Sync || case.fault.times == Times::Once;
    if struck > 0 && (flushes || case.journal == Journal::Wal) {
        after_a_cut(&life, end, case, &admissible)?;
    }
    Ok(())
}

/// Asks the handle in use: it may fail to read, but what it says must be true.
fn honest_meanwhile(life: &Life, admissible: &Admissible) -> Result<(), String> {
    let Some(memory) = life.handle() else {
        return Ok(());
    };
    let Ok(found) = contents(memory, &life.files) else {
        return Ok(());
    };
    let words: Vec<&str> = admissible.words().into_iter().collect();
    if words.is_empty() {
        return Ok(());
    }
    match ask(memory, &words, &found) {
        Err(what) if what.starts_with(UNTRUE) => Err(what),
        _ => Ok(()),
    }
}

fn after_a_cut(life: &Life, end: usize, case: Case, admissible: &Admissible) -> Result<(), String> {
    let events = life.disk.events();
    let metadata = [Metadata::Ordered, Metadata::Unordered];
    let mut random = Random::new(case.fault.after);
    let metadata = metadata[random.below(metadata.len())];
    let mut replay = Replay::new(&events, metadata);
    replay.advance(end);
    let seed = random.draw();
    let scratch = steadfast_testkit::scratch().unwrap();
    replay.image(seed, 512).write(scratch.path()).unwrap();
    let other = Life::on(scratch, case.journal);
    let memory = other
        .another()
        .map_err(|error| format!("after a cut: {error}"))?;
    check(&memory, &life.files, admissible)
        .map_err(|what| format!("after a cut ({metadata:?}, seed {seed}): {what}"))
        .map(drop)
}
