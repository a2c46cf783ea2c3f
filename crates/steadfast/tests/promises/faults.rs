//! A disk that fails at any operation of a life, once or for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use steadfast::Journal;
use steadfast::model::Fault as _;
use steadfast_testkit::{Fault, Figure, Metadata, Operation, Random, Replay, Times, seed, tell};

use crate::cuts::message;
use crate::life::{DEEDS, Golden, Life};
use crate::oracle::{Admissible, Contents, ask, check, contents};

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

/// A case: a fault, and what the user does about an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) journal: Journal,
    pub(crate) fault: Fault,
    /// The handle is opened anew after an error; otherwise it is used on.
    pub(crate) reopens: bool,
}

/// Returns cases for some operations, as many as wanted, spread over a whole life.
pub(crate) fn draw(
    golden: &Golden,
    journal: Journal,
    operations: &[Operation],
    count: usize,
    seed_default: u64,
) -> Vec<Case> {
    let mut random = Random::new(seed(seed_default));
    let disk = &golden.life.disk;
    let used: Vec<Operation> = operations
        .iter()
        .copied()
        .filter(|operation| disk.count(*operation) > 0)
        .collect();
    (0..count)
        .map(|index| {
            // Each operation in turn: some are rare, and all of them fail in the field.
            let operation = used[index % used.len()];
            let codes = operation.codes();
            let there = usize::try_from(disk.count(operation)).unwrap();
            Case {
                journal,
                fault: Fault {
                    operation,
                    after: random.below(there) as u64,
                    times: if random.chance(60) {
                        Times::Once
                    } else {
                        Times::Always
                    },
                    code: codes[random.below(codes.len())],
                },
                reopens: random.chance(50),
            }
        })
        .collect()
}

/// Runs cases side by side and collects what broke a promise.
pub(crate) fn run(cases: &[Case], golden: &Golden) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tried = catch_unwind(AssertUnwindSafe(|| survive(*case, golden)));
                    let what = match tried {
                        Ok(Ok(())) => continue,
                        Ok(Err(what)) => what,
                        Err(panic) => format!("panicked: {}", message(panic.as_ref())),
                    };
                    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                    failures.push(format!("{case:?}: {what}"));
                }
            });
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    assert!(
        failures.is_empty(),
        "{} of {} faults broke the promise, among them:\n{}",
        failures.len(),
        cases.len(),
        failures[..failures.len().min(8)].join("\n")
    );
    tell("I/O faults in a life", Figure::Cases(cases.len()));
}

/// Lives a life with a fault in it, then opens the store on a sound disk and asks everything.
fn survive(case: Case, golden: &Golden) -> Result<(), String> {
    let mut life = Life::new(case.journal);
    life.disk.set(Some(case.fault));
    let mut admissible = Admissible::of_nothing(&golden.after);
    let nothing = Contents::new();
    for (index, deed) in DEEDS.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .map_or(&nothing, |last| &golden.after[last]);
        let after = &golden.after[index];
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
    // What was acknowledged on a failing disk is there after a loss of power too. A disk that
    // flushes nothing any more is beyond that: no journal survives it.
    let flushes = case.fault.operation != Operation::Sync || case.fault.times == Times::Once;
    if struck > 0 && flushes {
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
    for word in admissible.words().into_iter().step_by(7) {
        match ask(memory, word, &found) {
            Err(what) if what.contains(word) => return Err(what),
            _ => {}
        }
    }
    Ok(())
}

fn after_a_cut(life: &Life, end: usize, case: Case, admissible: &Admissible) -> Result<(), String> {
    let events = life.disk.events();
    for metadata in [Metadata::Ordered, Metadata::Unordered] {
        let mut replay = Replay::new(&events, metadata);
        replay.advance(end);
        for seed in 0..2 {
            let scratch = steadfast_testkit::scratch().unwrap();
            replay.image(seed, 512).write(scratch.path()).unwrap();
            let other = Life::on(scratch, case.journal);
            let memory = other
                .another()
                .map_err(|error| format!("after a cut: {error}"))?;
            check(&memory, &life.files, admissible)
                .map_err(|what| format!("after a cut ({metadata:?}, seed {seed}): {what}"))?;
        }
    }
    Ok(())
}
