//! Runs a target over cases, each from a seed of its own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use steadfast_testkit::{Figure, Random, cases, seed, tell, time_to_spend};

/// Cases that once failed: the target and the seed.
const REGRESSIONS: &[(&str, u64)] = &[
    // A damaged header made SQLite say that memory is out, which was taken for a mistake of ours.
    ("database", 860_880_951),
    // A damaged row claimed a length that SQLite refuses, which was taken for a mistake of ours.
    ("database", 1_860_883_470),
    // A restore refused a copy after it had made a store of it.
    ("backup", 660_603_054),
];

/// Tries cases until there were enough or the time is spent; the first that fails ends the test with its seed.
pub(crate) fn hunt(
    target: &str,
    count: usize,
    mut one: impl FnMut(&mut Random) -> Result<(), String>,
) {
    let mut longest = Duration::ZERO;
    let mut run = |seed: u64| {
        let begun = Instant::now();
        let tried = catch_unwind(AssertUnwindSafe(|| one(&mut Random::new(seed))));
        longest = longest.max(begun.elapsed());
        match tried {
            Ok(done) => done.unwrap_or_else(|what| panic!("{target}, seed {seed}: {what}")),
            Err(panic) => {
                drop(catch_unwind(|| panic!("{target} panicked, seed {seed}")));
                resume_unwind(panic);
            }
        }
    };
    for (_, seed) in REGRESSIONS.iter().filter(|(name, _)| *name == target) {
        run(*seed);
    }
    let (begun, limit) = (Instant::now(), time_to_spend());
    let first = seed(target.bytes().map(u64::from).sum::<u64>() << 20);
    let mut tried = 0;
    while limit.map_or(tried < cases(count), |limit| begun.elapsed() < limit) {
        run(first.wrapping_add(tried as u64));
        tried += 1;
    }
    tell("fuzz: the longest case", Figure::Longest(longest));
    tell(&format!("fuzz: {target}"), Figure::Cases(tried));
}
