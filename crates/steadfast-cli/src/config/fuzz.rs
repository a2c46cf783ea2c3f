//! Files of settings and variables that nobody would write: each is refused with a reason, or can be used as it is.
//!
//! The other targets are in `crates/steadfast/tests/fuzz`; this one needs the parser of settings, which only the
//! command has. `STEADFAST_FUZZ_SECONDS=20` lets it go on for so long, `STEADFAST_SEED=n` begins elsewhere.

use std::fs;

use steadfast::Memory;
use steadfast::model::Fault as _;
use steadfast_testkit::{Random, scratch};

use super::*;

#[path = "../../../steadfast/tests/fuzz/hunt.rs"]
mod hunt;
#[expect(dead_code, reason = "the targets for files change bytes in more ways")]
#[path = "../../../steadfast/tests/fuzz/mutate.rs"]
mod mutate;

/// Settings as a user writes them, each in several ways.
const SAMPLE: &str = r#"# mine
search.limit = 7
[store]
path = "~/memories"
journal = "truncate" # slow
[search]
mode = 'text'
[ingest]
file_bytes_max = 1_000_000
[namespace]
default = "team"
[redact]
enabled = true
allow = ["^BADGE-0{8}$", "x{1,3}"]
rules = [{kind = "badge", pattern = '\bBADGE-[0-9]{8}\b'}]
[retention]
history_days = 90
[[rules]]
folder = "docs/**"
namespace = "docs"
tags = ["a", "b"]
meta = {year = 2026, draft = false}
"#;

/// What values are made of.
const WORDS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "kind",
    "pattern",
    "folder",
    "=",
    "\"a\"",
    "'(?i)x'",
    "10",
    "-1",
    "true",
    "auto",
    "wal",
    "hybrid",
    "[search]",
    "[[rules]]",
    "limit",
    "(",
    "\\p{L}",
    "~/",
    "**",
];

/// What a bad setting is told as.
const KINDS: [&str; 3] = ["invalid_config", "store_not_found", "usage"];

/// Returns the text of a file, or a value.
fn drawn(random: &mut Random, sample: &str) -> String {
    match random.below(4) {
        0 => mutate::text(random, WORDS),
        1 => sample.to_owned(),
        _ => mutate::mutated(random, sample),
    }
}

/// A refusal says which of a few kinds it is, and why.
fn told(failure: &Failure) -> Result<(), String> {
    if let Failure::Trouble(trouble) = failure
        && KINDS.contains(&trouble.kind)
        && !trouble.message.is_empty()
    {
        return Ok(());
    }
    Err(format!("{failure:?}"))
}

/// Settings that were taken can be used: nothing is refused later that was not refused when it was read.
fn usable(settings: &Settings) -> Result<(), String> {
    if !(1..=steadfast::query::HITS_MAX).contains(&settings.limit()) {
        return Err(format!("a limit of {}", settings.limit()));
    }
    if settings.file_bytes_max() == 0 {
        return Err("no file is small enough".to_owned());
    }
    let options = Memory::options()
        .journal(settings.journal(None))
        .redaction(settings.redaction())
        .rules(settings.rules());
    let folder = scratch().map_err(|error| error.to_string())?;
    match options.open(folder.path().join("nowhere")) {
        Err(error) if error.kind() == "store_not_found" => Ok(()),
        Err(error) => Err(format!("{}: {error}", error.kind())),
        Ok(_) => Err("a store came from nowhere".to_owned()),
    }
}

#[test]
fn settings() {
    let folder = scratch().unwrap();
    let here = folder.path();
    fs::create_dir_all(here.join("home/config")).unwrap();
    fs::create_dir(here.join(".steadfast")).unwrap();
    let files = ["home/config/config.toml", ".steadfast/config.toml"];
    hunt::hunt("settings", 400, |random| {
        for file in files {
            fs::write(here.join(file), drawn(random, SAMPLE)).unwrap();
        }
        let key = &ALL[random.below(ALL.len())];
        let value = drawn(random, key.built_in);
        let variables = [(key.variable, value.as_str())];
        let given = if random.chance(40) {
            &variables[..]
        } else {
            &[]
        };
        // An empty variable is as good as none, and none has a zero in it.
        let given = if value.contains('\0') { &[] } else { given };
        let environment = Environment::for_test(here, given);
        match Settings::load(None, &environment) {
            Ok(settings) => usable(&settings),
            Err(failure) => told(&failure),
        }
    });
}

#[test]
fn edits() {
    let folder = scratch().unwrap();
    let path = folder.path().join("config.toml");
    hunt::hunt("settings that are edited", 400, |random| {
        let before = drawn(random, SAMPLE);
        fs::write(&path, &before).unwrap();
        let key = &ALL[random.below(ALL.len())];
        let value = drawn(random, key.built_in);
        let is_set = random.chance(70);
        let changed = if is_set {
            set(&path, key, &value).map(|()| true)
        } else {
            unset(&path, key)
        };
        let after = fs::read_to_string(&path).unwrap();
        let changed = match changed {
            Ok(changed) => changed,
            Err(failure) if after == before => return told(&failure),
            Err(failure) => return Err(format!("refused and changed: {failure:?}")),
        };
        let rest = |text: &str| {
            let mut values = file::parse(text).map_err(|failure| format!("{failure:?}"))?;
            let own = values.remove(key.name);
            Ok::<_, String>((values, own))
        };
        let ((rest_before, _), (rest_after, own)) = (rest(&before)?, rest(&after)?);
        if rest_before != rest_after {
            return Err(format!("{} has changed others: {after:?}", key.name));
        }
        match own {
            Some(own) if is_set && key.check(&own).is_ok() => Ok(()),
            None if !is_set => Ok(()),
            own => Err(format!("{}, changed: {changed}: {own:?}", key.name)),
        }
    });
}
