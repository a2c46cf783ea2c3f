//! Runs the proofs, part by part, and prints what was tried and what came of it.
//!
//! A part is some tests of a test binary; its knobs are in the environment (`knobs` of the testkit). The
//! bounded set is each part once, as much of it as every change must pass. A long run goes on for as long
//! as there is time, each round with another seed. The same seed tries the same again.
//!
//! Our crates are optimised here, with the checks of the dev profile left in: a power cut is a store that
//! is opened and asked everything, and tens of thousands of them are more than a debug build does in a day.

mod parts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use parts::{PARTS, Part, Target};

/// What the dev profile is given on top: dependencies are optimised there already, and stay as they are built.
const PROFILE: &str = "profile.dev.opt-level=2";

/// How much is tried.
#[derive(Clone, Copy)]
pub(crate) enum Extent {
    /// Each part once, as every change must pass it.
    Bounded,
    /// The parts in turn until so much time has passed; all of them once in any case.
    Long(Duration),
}

/// What was told under one name.
#[derive(Default)]
struct Tally {
    cases: u64,
    longest: Duration,
}

/// What came of a part.
#[derive(Default)]
struct Outcome {
    tallies: BTreeMap<String, Tally>,
    /// Tests that failed.
    failed: u64,
    time: Duration,
}

/// Runs parts; only those whose name or test has `only` in it, if that is given.
///
/// # Errors
/// That something does not build, or that a part failed, with its seed.
pub(crate) fn run(extent: Extent, seed: u64, only: Option<&str>) -> anyhow::Result<()> {
    let is_meant = |part: &&Part| {
        only.is_none_or(|only| part.name.contains(only) || part.target.name() == only)
    };
    let parts: Vec<&Part> = PARTS.iter().filter(is_meant).collect();
    anyhow::ensure!(!parts.is_empty(), "there is no such part");
    let begun = Instant::now();
    let binaries = build(&parts)?;
    let built = begun.elapsed();
    let folder = tempfile::tempdir()?;
    let figures = folder.path().join("figures");
    let begun = Instant::now();
    let (mut outcomes, mut failed) = (BTreeMap::<usize, Outcome>::new(), Vec::new());
    'rounds: for round in 0.. {
        for (place, (part, binary)) in parts.iter().zip(&binaries).enumerate() {
            let is_over = match extent {
                Extent::Bounded => round > 0,
                Extent::Long(limit) => round > 0 && begun.elapsed() >= limit,
            };
            if is_over {
                break 'rounds;
            }
            let outcome = outcomes.entry(place).or_default();
            let run = Run {
                part,
                binary,
                extent,
                seed: seed + round,
                figures: &figures,
            };
            if !run.run(outcome)? {
                failed.push(format!("{} with seed {}", part.name, seed + round));
            }
        }
    }
    print(&parts, &outcomes, seed, (built, begun.elapsed()));
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
    Ok(())
}

/// Builds the tests and returns the binary of each part.
fn build(parts: &[&Part]) -> anyhow::Result<Vec<PathBuf>> {
    let mut known: BTreeMap<(&str, Target), PathBuf> = BTreeMap::new();
    for part in parts {
        let key = (part.package, part.target);
        if known.contains_key(&key) {
            continue;
        }
        let name = part.target.name();
        let built = Command::new("cargo")
            .args(["test", "--no-run", "--message-format=json"])
            .args(["--config", PROFILE, "-p", part.package])
            .args(part.target.arguments())
            .stderr(std::process::Stdio::inherit())
            .output()?;
        anyhow::ensure!(built.status.success(), "{name} does not build");
        let lines = built.stdout.split(|byte| *byte == b'\n');
        let is_test = |line: &Value| {
            let named = line.pointer("/target/name").is_some_and(|it| it == name);
            named && line.pointer("/profile/test") == Some(&Value::Bool(true))
        };
        let binary = lines
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(is_test)
            .find_map(|line| Some(PathBuf::from(line.get("executable")?.as_str()?)))
            .with_context(|| format!("cargo names no binary for {name}"))?;
        known.insert(key, binary);
    }
    let of = |part: &&Part| known.get(&(part.package, part.target)).cloned();
    Ok(parts.iter().filter_map(of).collect())
}

/// One run of a part.
struct Run<'r> {
    part: &'r Part,
    binary: &'r Path,
    extent: Extent,
    seed: u64,
    figures: &'r Path,
}

impl Run<'_> {
    /// Runs the part and adds what came of it; returns whether it passed.
    #[expect(clippy::print_stderr, reason = "a long run says what it is doing")]
    fn run(&self, outcome: &mut Outcome) -> anyhow::Result<bool> {
        let begun = Instant::now();
        std::fs::write(self.figures, "")?;
        let mut command = Command::new(self.binary);
        let is_bounded = matches!(self.extent, Extent::Bounded);
        let times = if is_bounded {
            self.part.times_bounded
        } else {
            self.part.times
        };
        command
            .env("STEADFAST_SOAK", times.to_string())
            .env("STEADFAST_SEED", self.seed.to_string())
            .env("STEADFAST_FIGURES", self.figures)
            .args(self.part.filters);
        if let (true, Some(seconds)) = (is_bounded, self.part.seconds_bounded) {
            command.env("STEADFAST_FUZZ_SECONDS", seconds.to_string());
        }
        let ended = command.output()?;
        let said = String::from_utf8_lossy(&ended.stdout);
        anyhow::ensure!(
            !said.contains("running 0 tests"),
            "{}: there are no such tests",
            self.part.name
        );
        let (passed, time) = (ended.status.success(), begun.elapsed());
        outcome.time += time;
        outcome.failed += if passed {
            0
        } else {
            failed_tests(&said).max(1)
        };
        add_figures(
            &std::fs::read_to_string(self.figures)?,
            &mut outcome.tallies,
        )?;
        let word = if passed { "passed" } else { "FAILED" };
        eprintln!(
            "{}, seed {}: {word} in {} s",
            self.part.name,
            self.seed,
            time.as_secs()
        );
        if !passed {
            eprintln!("{said}{}", String::from_utf8_lossy(&ended.stderr));
        }
        Ok(passed)
    }
}

/// Returns how many tests failed, by the last line of the harness; 0 when it came to no end.
fn failed_tests(said: &str) -> u64 {
    let line = said
        .lines()
        .rev()
        .find(|line| line.starts_with("test result:"));
    let parts = line.into_iter().flat_map(|line| line.split(';'));
    parts
        .filter_map(|part| part.trim().strip_suffix(" failed"))
        .find_map(|count| count.parse().ok())
        .unwrap_or(0)
}

fn add_figures(lines: &str, tallies: &mut BTreeMap<String, Tally>) -> anyhow::Result<()> {
    for line in lines.lines() {
        let mut parts = line.split('\t');
        let (Some(name), Some(unit), Some(number)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let number: u64 = number.parse()?;
        let tally = tallies.entry(name.to_owned()).or_default();
        if unit == "cases" {
            tally.cases += number;
        } else {
            tally.longest = tally.longest.max(Duration::from_micros(number));
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn print(
    parts: &[&Part],
    outcomes: &BTreeMap<usize, Outcome>,
    seed: u64,
    (built, ran): (Duration, Duration),
) {
    println!(
        "seed {seed}: {} s, and {} s to build\n",
        ran.as_secs(),
        built.as_secs()
    );
    println!("| Part | What was tried | Cases | Failed tests of the part | Seconds of the part |");
    println!("|---|---|---|---|---|");
    for (place, outcome) in outcomes {
        let part = parts.get(*place).map_or("", |part| part.name);
        let (failed, seconds) = (outcome.failed, outcome.time.as_secs());
        for (name, tally) in &outcome.tallies {
            let cases = if tally.cases > 0 {
                tally.cases.to_string()
            } else {
                format!("at most {} ms", tally.longest.as_millis())
            };
            println!("| {part} | {name} | {cases} | {failed} | {seconds} |");
        }
        if outcome.tallies.is_empty() {
            println!("| {part} | | | {failed} | {seconds} |");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_harness_and_the_tests_tell_is_read() {
        let said =
            "running 2 tests\n\ntest result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(failed_tests(said), 2);
        assert_eq!(failed_tests("it was killed"), 0);
        let mut tallies = BTreeMap::new();
        let lines = "images\tcases\t30\nimages\tcases\t12\nopening\tlongest us\t90\nopening\tlongest us\t7\n";
        add_figures(lines, &mut tallies).unwrap();
        let found: Vec<_> = tallies
            .iter()
            .map(|(name, tally)| (name.as_str(), tally.cases, tally.longest.as_micros()))
            .collect();
        assert_eq!(found, [("images", 42, 0), ("opening", 0, 90)]);
    }

    #[test]
    fn the_parts_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = PARTS.iter().map(|part| part.name).collect();
        assert_eq!(names.len(), PARTS.len());
    }
}
