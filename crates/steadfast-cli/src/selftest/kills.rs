//! Writers are killed in the middle of their work, and what they were told is looked for.
//!
//! Kills hit creation, commits and the making of indexes; some rounds open the
//! store in the other journal, so that the frames which the kill left in the
//! log must survive the conversion too.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use steadfast::{Memory, Silent};

use super::Trial;
use super::child::{Child, Ended, Heard};
use super::deed::Key;
use super::oracle::{Acknowledged, check, next};
use super::peer::{finds, journal_of, options, read, said};
use super::report::{Opens, percentile};
use crate::error::Failure;

/// Rounds in any case, for each journal.
const ROUNDS_MIN: u64 = 4;
/// Rounds until a new store begins, which bounds the room that is used.
const ROUNDS_PER_STORE: u64 = 24;
/// Every so many rounds the store is opened in the other journal.
const ROUNDS_PER_CONVERSION: u64 = 3;
/// Acknowledgements that are waited for at most before the kill.
const WRITES_MAX: u64 = 12;
/// How long after an acknowledgement the kill comes at most: about two commits of a slow disk.
const DELAY_US_MAX: u64 = 15_000;
/// How long after its start a writer is killed that was to acknowledge nothing.
const START_US_MAX: u64 = 80_000;

const JOURNALS: [&str; 2] = ["wal", "truncate"];

/// A store that is killed again and again.
struct Series {
    journal: &'static str,
    store: PathBuf,
    acknowledged: Acknowledged,
    opens: Vec<Duration>,
    round: u64,
}

pub(super) fn run(trial: &mut Trial<'_>, deadline: Instant) -> Result<(), Failure> {
    let mut all = Vec::new();
    for journal in JOURNALS {
        all.push(Series {
            journal,
            store: trial.place.fresh(&format!("kills-{journal}"))?,
            acknowledged: Acknowledged::new(),
            opens: Vec::new(),
            round: 0,
        });
    }
    for round in 0.. {
        if round >= ROUNDS_MIN && Instant::now() > deadline {
            break;
        }
        for series in &mut all {
            one_round(trial, series)?;
        }
    }
    for mut series in all {
        series.opens.sort_unstable();
        trial.report.opens.push(Opens {
            journal: series.journal,
            count: series.opens.len() as u64,
            p50_ms: percentile(&series.opens, 50),
            max_ms: percentile(&series.opens, 100),
        });
        trial.place.fresh(&format!("kills-{}", series.journal))?;
    }
    Ok(())
}

fn one_round(trial: &mut Trial<'_>, series: &mut Series) -> Result<(), Failure> {
    if series.round.is_multiple_of(ROUNDS_PER_STORE) {
        series.store = trial.place.fresh(&format!("kills-{}", series.journal))?;
        series.acknowledged.clear();
    }
    let writer = series.round;
    let last = write_and_kill(trial, series, writer)?;
    let when = format!("{} journal, kill {}", series.journal, series.round);
    series.round += 1;
    if let Some((key, edition)) = last {
        for index in 0..key.index {
            let key = Key { writer, index };
            series.acknowledged.insert(key, super::deed::EDITIONS);
        }
        series.acknowledged.insert(key, edition);
    }
    let other = series.round.is_multiple_of(ROUNDS_PER_CONVERSION);
    let journal = match JOURNALS.iter().find(|it| **it != series.journal) {
        Some(journal) if other => journal,
        _ => series.journal,
    };
    trial.report.counts.conversions += u64::from(other);
    let started = Instant::now();
    let memory = match options(journal_of(journal)).open(&series.store) {
        Ok(memory) => memory,
        Err(error) => {
            trial
                .report
                .refused(format!("{when}: it does not open: {error}"));
            return Ok(());
        }
    };
    if !other {
        series.opens.push(started.elapsed());
    }
    match look(trial, series, &memory, &when, next(last, writer)) {
        Ok(()) => {}
        Err(error) => trial
            .report
            .refused(format!("{when}: it cannot be read: {error}")),
    }
    Ok(())
}

/// Starts a writer, kills it after some acknowledgements, and returns the last.
fn write_and_kill(
    trial: &mut Trial<'_>,
    series: &Series,
    writer: u64,
) -> Result<Option<(Key, u64)>, Failure> {
    let wanted = match series.round % ROUNDS_PER_STORE {
        0 => 0,
        _ => trial.random.below(WRITES_MAX + 1),
    };
    let name = writer.to_string();
    let arguments = [
        series.store.as_os_str(),
        OsStr::new(series.journal),
        OsStr::new(&name),
    ];
    let mut child = Child::start("write", &arguments)?;
    trial.report.counts.processes += 1;
    let mut last = None;
    let mut count = 0;
    let mut take = |trial: &mut Trial<'_>, line: &str| match said(line) {
        Some(("kept", what)) => {
            trial.report.counts.acknowledged += 1;
            last = key_of(writer, what).or(last);
        }
        Some((_, what)) => {
            let what = format!("{} journal: a writer failed: {what}", series.journal);
            trial.report.refused(what);
        }
        None => {}
    };
    while count < wanted {
        match child.hear() {
            Heard::Line(line) => take(trial, &line),
            Heard::End => {
                if child.wait() == Ended::Crashed {
                    let what = format!("{} journal: a writer crashed", series.journal);
                    trial.report.crashed(what);
                }
                break;
            }
            Heard::Hung => {
                let what = format!("{} journal: a writer hangs", series.journal);
                trial.report.crashed(what);
                break;
            }
        }
        count += 1;
    }
    let delay = trial.random.below(if wanted == 0 {
        START_US_MAX
    } else {
        DELAY_US_MAX
    });
    std::thread::sleep(Duration::from_micros(delay));
    for line in child.kill() {
        take(trial, &line);
    }
    match child.wait() {
        // It was killed, which looks the same.
        Ended::Crashed => trial.report.counts.kills += 1,
        Ended::Well | Ended::Refused => {}
    }
    Ok(last)
}

/// Returns what was kept, by what the writer says of it.
pub(super) fn key_of(writer: u64, what: &str) -> Option<(Key, u64)> {
    let (index, edition) = what.split_once(' ')?;
    let index = index.parse().ok()?;
    Some((Key { writer, index }, edition.parse().ok()?))
}

fn look(
    trial: &mut Trial<'_>,
    series: &mut Series,
    memory: &Memory,
    when: &str,
    on_its_way: (Key, u64),
) -> Result<(), steadfast::Error> {
    let (held, _) = read(memory)?;
    for (key, how) in check(&held, &series.acknowledged, &[on_its_way]) {
        trial.report.broken(when, key, how);
    }
    // What was on its way is there or not from now on.
    let (key, edition) = on_its_way;
    if held.get(&key) == Some(&key.messages(edition)) {
        series.acknowledged.insert(key, edition);
    }
    for finding in memory.verify(&Silent)?.findings {
        trial.report.unsound(format!("{when}: {}", finding.what));
    }
    let keys: Vec<Key> = series.acknowledged.keys().copied().collect();
    let newest = keys.last().copied();
    let any = keys.get(trial.random.index(keys.len())).copied();
    for key in newest.into_iter().chain(any) {
        trial.report.counts.searches += 1;
        if !finds(memory, key)? {
            trial
                .report
                .missed(format!("{when}: {} is not found", key.source()));
        }
    }
    Ok(())
}
