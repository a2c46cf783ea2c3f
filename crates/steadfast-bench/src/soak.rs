//! Runs the proofs for as long as there is time, each part in turn, and prints what was tried.
//!
//! A part is a test binary with a filter; its knobs are in the environment (`knobs` of the
//! testkit). Each round has another seed, which is printed: the same seed tries the same again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

/// Some tests, and how much one run of them tries.
struct Part {
    package: &'static str,
    test: &'static str,
    filter: &'static str,
    /// So many times the cases of a plain `cargo test`.
    times: u32,
}

const fn part(package: &'static str, test: &'static str, filter: &'static str, times: u32) -> Part {
    Part {
        package,
        test,
        filter,
        times,
    }
}

/// The parts, so that a round of all of them takes some minutes.
const PARTS: &[Part] = &[
    part("steadfast", "promises", "never_loses", 5),
    part("steadfast", "promises", "upkeep", 3),
    part("steadfast", "promises", "never_duplicates", 3),
    part("steadfast", "promises", "never_misses", 5),
    part("steadfast", "promises", "always_opens", 4),
    part("steadfast", "promises", "codes", 4),
    part("steadfast", "processes", "cold", 3),
    part("steadfast", "processes", "disks", 5),
    part("steadfast", "processes", "rescans", 1),
    part("steadfast", "fuzz", "", 10),
    part("steadfast-cli", "kills", "moments", 10),
    part("steadfast-cli", "kills", "calls", 5),
    part("steadfast-cli", "kills", "imports", 3),
    part("steadfast-cli", "kills", "palaces", 5),
];

/// What was told under one name.
#[derive(Default)]
struct Tally {
    cases: u64,
    longest: Duration,
}

/// Runs parts in turn until `seconds` have passed; all of them once in any case.
///
/// Only those whose test or filter is `only` run, if that is given.
pub(crate) fn run(seconds: u64, seed: u64, only: Option<&str>) -> anyhow::Result<()> {
    let parts: Vec<&Part> = PARTS
        .iter()
        .filter(|part| only.is_none_or(|only| [part.test, part.filter].contains(&only)))
        .collect();
    anyhow::ensure!(!parts.is_empty(), "there is no such part");
    let binaries = build(&parts)?;
    let folder = tempfile::tempdir()?;
    let figures = folder.path().join("figures");
    let (begun, limit) = (Instant::now(), Duration::from_secs(seconds));
    let (mut runs, mut failed) = (0, Vec::new());
    'rounds: for round in 0.. {
        for (part, binary) in parts.iter().zip(&binaries) {
            if round > 0 && begun.elapsed() >= limit {
                break 'rounds;
            }
            if !run_part(part, binary, seed + round, &figures)? {
                failed.push(format!(
                    "{} {} with seed {}",
                    part.test,
                    part.filter,
                    seed + round
                ));
            }
            runs += 1;
        }
    }
    print(&figures, begun.elapsed(), seed, runs)?;
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
    Ok(())
}

/// Builds the tests and returns the binary of each part.
fn build(parts: &[&Part]) -> anyhow::Result<Vec<PathBuf>> {
    let mut known: BTreeMap<(&str, &str), PathBuf> = BTreeMap::new();
    for part in parts {
        let key = (part.package, part.test);
        if known.contains_key(&key) {
            continue;
        }
        let built = Command::new("cargo")
            .args(["test", "--no-run", "--message-format=json"])
            .args(["-p", part.package, "--test", part.test])
            .stderr(std::process::Stdio::inherit())
            .output()?;
        anyhow::ensure!(built.status.success(), "{} does not build", part.test);
        let lines = built.stdout.split(|byte| *byte == b'\n');
        let binary = lines
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(|line| {
                line.pointer("/target/name")
                    .is_some_and(|name| name == part.test)
            })
            .find_map(|line| Some(PathBuf::from(line.get("executable")?.as_str()?)))
            .with_context(|| format!("cargo names no binary for {}", part.test))?;
        known.insert(key, binary);
    }
    let of = |part: &&Part| known.get(&(part.package, part.test)).cloned();
    Ok(parts.iter().filter_map(of).collect())
}

#[expect(clippy::print_stderr, reason = "a long run says what it is doing")]
fn run_part(part: &Part, binary: &Path, seed: u64, figures: &Path) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut command = Command::new(binary);
    command
        .env("STEADFAST_SOAK", part.times.to_string())
        .env("STEADFAST_SEED", seed.to_string())
        .env("STEADFAST_FIGURES", figures);
    if !part.filter.is_empty() {
        command.arg(part.filter);
    }
    let ended = command.output()?;
    let seconds = begun.elapsed().as_secs();
    let passed = ended.status.success();
    let outcome = if passed { "passed" } else { "FAILED" };
    eprintln!(
        "{} {} seed {seed}: {outcome} in {seconds} s",
        part.test, part.filter
    );
    if !passed {
        eprintln!("{}", String::from_utf8_lossy(&ended.stdout));
    }
    Ok(passed)
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn print(figures: &Path, elapsed: Duration, seed: u64, runs: u32) -> anyhow::Result<()> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in std::fs::read_to_string(figures)?.lines() {
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
    println!("{runs} runs from seed {seed}, {} s\n", elapsed.as_secs());
    println!("| What was tried | Cases |\n|---|---|");
    for (name, tally) in &tallies {
        if tally.cases > 0 {
            println!("| {name} | {} |", tally.cases);
        } else {
            println!("| {name} | at most {} ms |", tally.longest.as_millis());
        }
    }
    Ok(())
}
