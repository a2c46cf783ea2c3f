//! Several processes write to one store at once, the same and their own; one of them is killed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::time::{Duration, Instant};

use steadfast::Silent;

use super::Trial;
use super::child::{Child, Ended, Heard};
use super::deed::{EDITIONS, Key, shared_note};
use super::kills::key_of;
use super::oracle::{Acknowledged, check, next};
use super::peer::{journal_of, options, read, said};
use crate::error::Failure;

/// Processes at once.
const WRITERS: u64 = 4;
/// How long they write at least.
const TIME_MIN: Duration = Duration::from_millis(300);

/// What the processes said.
#[derive(Default)]
struct Told {
    /// The ids that each note was given.
    notes: BTreeMap<u64, Vec<String>>,
    /// The last write of each writer.
    last: BTreeMap<u64, (Key, u64)>,
}

pub(super) fn run(trial: &mut Trial<'_>, deadline: Instant) -> Result<(), Failure> {
    let time = deadline.saturating_duration_since(Instant::now()) / 2;
    for journal in ["wal", "truncate"] {
        one(trial, journal, time.max(TIME_MIN))?;
    }
    Ok(())
}

fn one(trial: &mut Trial<'_>, journal: &'static str, time: Duration) -> Result<(), Failure> {
    let store = trial.place.fresh(&format!("crowd-{journal}"))?;
    let millis = time.as_millis().to_string();
    let mut children = Vec::new();
    for writer in 0..WRITERS {
        let name = writer.to_string();
        let arguments = [
            store.as_os_str(),
            OsStr::new(journal),
            OsStr::new(&name),
            OsStr::new(&millis),
        ];
        children.push((writer, Child::start("crowd", &arguments)?));
    }
    trial.report.counts.processes += WRITERS;
    let mut told = Told::default();
    // The first is killed in the middle; what it had said by then counts.
    let until = Instant::now() + time / 2;
    for (writer, child) in &mut children {
        if *writer == 0 {
            while let Heard::Line(line) = child.hear_until(until) {
                take(trial, journal, *writer, &line, &mut told);
            }
            for line in child.kill() {
                take(trial, journal, *writer, &line, &mut told);
            }
            trial.report.counts.kills += u64::from(child.wait() == Ended::Crashed);
            continue;
        }
        loop {
            match child.hear() {
                Heard::Line(line) => take(trial, journal, *writer, &line, &mut told),
                Heard::End => break,
                Heard::Hung => {
                    trial
                        .report
                        .crashed(format!("{journal} journal: a process hangs"));
                    child.kill();
                    break;
                }
            }
        }
        match child.wait() {
            // One that gave up has said why.
            Ended::Well | Ended::Refused => {}
            Ended::Crashed => trial
                .report
                .crashed(format!("{journal} journal: a process crashed")),
        }
    }
    let when = format!("{journal} journal, {WRITERS} processes");
    let memory = match options(journal_of(journal)).open(&store) {
        Ok(memory) => memory,
        Err(error) => {
            trial
                .report
                .refused(format!("{when}: it does not open: {error}"));
            return Ok(());
        }
    };
    let looked = look(trial, &memory, &when, &told);
    looked.unwrap_or_else(|error| {
        trial
            .report
            .refused(format!("{when}: it cannot be read: {error}"));
    });
    drop(memory);
    trial.place.fresh(&format!("crowd-{journal}"))?;
    Ok(())
}

fn take(trial: &mut Trial<'_>, journal: &str, writer: u64, line: &str, told: &mut Told) {
    let report = &mut trial.report;
    match said(line) {
        Some(("kept", what)) => {
            report.counts.acknowledged += 1;
            report.counts.searches += 1;
            if let Some(last) = key_of(writer, what) {
                told.last.insert(writer, last);
            }
        }
        Some(("note", what)) => {
            report.counts.acknowledged += 1;
            if let Some((number, id)) = what.split_once(' ')
                && let Ok(number) = number.parse()
            {
                told.notes.entry(number).or_default().push(id.to_owned());
            }
        }
        Some(("missed", word)) => {
            report.missed(format!(
                "{journal} journal: {word} is not found by who wrote it"
            ));
        }
        Some((_, what)) => report.refused(format!("{journal} journal: a process failed: {what}")),
        None => {}
    }
}

fn look(
    trial: &mut Trial<'_>,
    memory: &steadfast::Memory,
    when: &str,
    told: &Told,
) -> Result<(), steadfast::Error> {
    let (held, notes) = read(memory)?;
    let mut acknowledged = Acknowledged::new();
    let mut on_their_way = Vec::new();
    for writer in 0..WRITERS {
        let last = told.last.get(&writer).copied();
        if let Some((key, edition)) = last {
            acknowledged.extend((0..key.index).map(|index| (Key { writer, index }, EDITIONS)));
            acknowledged.insert(key, edition);
        }
        if writer == 0 {
            on_their_way.push(next(last, writer));
        }
    }
    for (key, how) in check(&held, &acknowledged, &on_their_way) {
        trial.report.broken(when, key, how);
    }
    for (number, ids) in &told.notes {
        let text = shared_note(*number);
        match notes.iter().filter(|note| **note == text).count() {
            0 => trial.report.lost(format!("{when}: a note is lost: {text}")),
            1 => {}
            _ => trial
                .report
                .duplicated(format!("{when}: a note is there twice: {text}")),
        }
        let first = ids.first();
        if ids.iter().any(|id| Some(id) != first) {
            let what = format!("{when}: a note was given several ids: {}", ids.join(", "));
            trial.report.duplicated(what);
        }
    }
    for finding in memory.verify(&Silent)?.findings {
        trial.report.unsound(format!("{when}: {}", finding.what));
    }
    Ok(())
}
