//! Files of a store are removed, cut, zeroed and flipped, and the store is asked in a process of its own.
//!
//! Damage to an index may cost time and nothing else. Damage to the database
//! may cost texts, or the opening, with an error that says so; it may never
//! give a text that nobody wrote, and never end the process.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use steadfast::{Derived, Disk as _, Silent, SystemDisk};

use super::child::{Child, Ended, Heard};
use super::deed::{Key, Random};
use super::peer::{journal_of, keep, options, said};
use super::{Trial, failed};
use crate::error::Failure;

/// Cases in any case.
const CASES_MIN: u64 = 8;
/// Conversations in the store that is damaged.
const CONVERSATIONS: u64 = 60;
/// Words that are searched in each case.
const WORDS: usize = 4;

/// A file of the store, below its folder.
struct Part {
    name: PathBuf,
    bytes: Vec<u8>,
}

impl Part {
    fn is_index(&self) -> bool {
        self.name.starts_with("index")
    }
}

pub(super) fn run(trial: &mut Trial<'_>, deadline: Instant) -> Result<(), Failure> {
    let keys: Vec<Key> = (0..CONVERSATIONS)
        .map(|index| Key { writer: 0, index })
        .collect();
    let truth: BTreeSet<String> = keys.iter().flat_map(|key| key.messages(1)).collect();
    let mut golden = Vec::new();
    for journal in ["wal", "truncate"] {
        let store = trial.place.fresh("golden")?;
        let memory = options(journal_of(journal)).open(&store)?;
        for key in &keys {
            keep(&memory, *key, 1)?;
        }
        memory.rebuild(Derived::All, &Silent)?;
        drop(memory);
        let mut parts = Vec::new();
        collect(&store, Path::new(""), &mut parts).map_err(failed(&store))?;
        golden.push(parts);
    }
    trial.place.fresh("golden")?;
    for case in 0.. {
        if case >= CASES_MIN && Instant::now() > deadline {
            break;
        }
        let pick = trial.random.index(golden.len());
        if let Some(parts) = golden.get(pick) {
            one(trial, parts, &keys, &truth, case % 2 == 0)?;
        }
    }
    trial.place.fresh("damaged")?;
    Ok(())
}

fn collect(root: &Path, below: &Path, parts: &mut Vec<Part>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &name, parts)?;
        } else {
            let bytes = std::fs::read(root.join(&name))?;
            parts.push(Part { name, bytes });
        }
    }
    Ok(())
}

fn one(
    trial: &mut Trial<'_>,
    golden: &[Part],
    keys: &[Key],
    truth: &BTreeSet<String>,
    is_index: bool,
) -> Result<(), Failure> {
    let store = trial.place.fresh("damaged")?;
    let picked: Vec<&Part> = golden
        .iter()
        .filter(|part| part.is_index() == is_index && part.bytes.len() > 64)
        .collect();
    let removes_all = is_index && trial.random.below(6) == 0;
    let target = picked
        .get(trial.random.index(picked.len()))
        .map(|part| &part.name);
    let words: Vec<String> = (0..WORDS)
        .filter_map(|_| Some(keys.get(trial.random.index(keys.len()))?.word()))
        .collect();
    let word = words.first().cloned().unwrap_or_default();
    let mut what = "the folder of the indexes is gone".to_owned();
    for part in golden {
        if removes_all && part.is_index() {
            continue;
        }
        let mut bytes = part.bytes.clone();
        if !removes_all && Some(&part.name) == target {
            let how = spoil(&mut bytes, &word, &mut trial.random);
            what = format!("{} {how}", part.name.display());
        }
        write(&store.join(&part.name), &bytes)?;
    }
    trial.report.counts.damaged += 1;
    trial.report.counts.searches += words.len() as u64;
    ask(trial, &store, &words, truth, is_index, &what)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent().filter(|it| !it.exists()) {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let mut file = SystemDisk.create(path).map_err(failed(path))?;
    SystemDisk
        .write(path, &mut file, bytes)
        .map_err(failed(path))
}

/// Damages the bytes of a file and says how; where `word` is in it, half of the time there.
fn spoil(bytes: &mut Vec<u8>, word: &str, random: &mut Random) -> String {
    let of_word = bytes
        .windows(word.len().max(1))
        .position(|window| window == word.as_bytes());
    if let Some(at) = of_word
        && random.below(2) == 0
    {
        bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
        return format!("has a bit of a text flipped at {at}");
    }
    let at = random.index(bytes.len());
    match random.below(4) {
        0 => {
            bytes.truncate(at);
            format!("was cut to {at} bytes")
        }
        1 => {
            let end = (at + 512).min(bytes.len());
            if let Some(zeroed) = bytes.get_mut(at..end) {
                zeroed.fill(0);
            }
            format!("has zeros at {at}")
        }
        _ => {
            let bit = random.below(8);
            bytes
                .get_mut(at)
                .into_iter()
                .for_each(|byte| *byte ^= 1 << bit);
            format!("has bit {bit} of byte {at} flipped")
        }
    }
}

fn ask(
    trial: &mut Trial<'_>,
    store: &Path,
    words: &[String],
    truth: &BTreeSet<String>,
    is_index: bool,
    what: &str,
) -> Result<(), Failure> {
    let arguments: Vec<&OsStr> = std::iter::once(store.as_os_str())
        .chain(words.iter().map(OsStr::new))
        .collect();
    let mut child = Child::start("ask", &arguments)?;
    let report = &mut trial.report;
    report.counts.processes += 1;
    let mut seen = BTreeSet::new();
    loop {
        let line = match child.hear() {
            Heard::Line(line) => line,
            Heard::End => break,
            Heard::Hung => {
                report.crashed(format!("{what}: the process that asks hangs"));
                child.kill();
                return Ok(());
            }
        };
        match said(&line) {
            Some(("text", text)) => match serde_json::from_str::<String>(text) {
                Ok(text) if truth.contains(&text) => {
                    seen.insert(text);
                }
                Ok(_) | Err(_) => {
                    report.wrong(format!("{what}: a text came back that nobody wrote"));
                }
            },
            Some(("missed", word)) if is_index => {
                report.missed(format!(
                    "{what}: {word} is not found, and the search calls itself complete"
                ));
            }
            Some(("finding", code)) if is_index => {
                report.unsound(format!("{what}: {code} after the index was made anew"));
            }
            Some(("error", error)) if is_index => report.refused(format!("{what}: {error}")),
            // Damage to the database is told in these ways.
            Some(_) | None => {}
        }
    }
    if child.wait() == Ended::Crashed {
        report.crashed(format!("{what}: the process that asks crashed"));
    } else if is_index && seen.len() < truth.len() {
        report.lost(format!(
            "{what}: {} texts are gone",
            truth.len() - seen.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_spoil_a_file_changes_it() {
        let mut random = Random(5);
        let mut words = BTreeSet::new();
        for _ in 0..50 {
            let sound: Vec<u8> = (1..=255).cycle().take(4_000).collect();
            let mut bytes = sound.clone();
            let how = spoil(&mut bytes, "no such word", &mut random);
            assert_ne!(bytes, sound, "{how}");
            words.extend(how.split(' ').nth(1).map(str::to_owned));
        }
        assert!(words.len() >= 2, "{words:?}");
        let mut letter = b"....word....".to_vec();
        while spoil(&mut letter, "word", &mut random) != "has a bit of a text flipped at 4" {
            letter = b"....word....".to_vec();
        }
        assert_eq!(letter, b"....vord....");
    }
}
