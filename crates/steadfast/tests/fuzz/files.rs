//! The bytes of files: of the database, the indexes, a backup, a bundle, the log of another program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use steadfast::model::Fault as _;
use steadfast::{
    BackupOptions, Derived, DoctorOptions, Error, ExportOptions, ImportKind, ImportOptions,
    Journal, ListRequest, Memory, Mode, Note, RestoreOptions, SearchRequest, Silent, examine,
    repair, restore,
};
use steadfast_testkit::{Random, scratch};
use tempfile::TempDir;

use crate::hunt::hunt;
use crate::mutate::{bytes, overwritten};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The names of the notes of a store; each is a word that is in no other.
const NAMES: &[&str] = &[
    "zqalder", "zqbirch", "zqcedar", "zqelder", "zqhazel", "zqmaple",
];

fn note(name: &str) -> Note {
    let mut note = Note::new(format!(
        "{name} stands by the harbor of winter. {}",
        "It grows. ".repeat(90)
    ));
    note.source = Some(name.to_owned());
    note
}

/// A store as a kill leaves it, with indexes, history and a tail.
fn store(journal: Journal) -> (TempDir, PathBuf, BTreeSet<String>) {
    let folder = scratch().unwrap();
    let path = folder.path().join("store");
    let memory = Memory::options()
        .create(true)
        .journal(journal)
        .open(&path)
        .unwrap();
    for (place, name) in NAMES.iter().enumerate() {
        memory.remember(&note(name)).unwrap();
        if place == 3 {
            memory.rebuild(Derived::All, &Silent).unwrap();
        }
    }
    let texts = NAMES.iter().map(|name| note(name).text).collect();
    (folder, path, texts)
}

fn read(root: &Path) -> Files {
    let (mut files, mut waiting) = (Files::new(), vec![root.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if !path.to_string_lossy().ends_with("-shm") {
                let content = std::fs::read(&path).unwrap();
                files.insert(path.strip_prefix(root).unwrap().to_owned(), content);
            }
        }
    }
    files
}

fn write(files: &Files, root: &Path) {
    for (name, content) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

fn typed<T>(result: Result<T, Error>) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == "internal" => Err(error.to_string()),
        Err(_) => Ok(None),
    }
}

/// Reads all of a store: what comes back is what was written, or an error with a name.
fn only_truth(store: &Path, texts: &BTreeSet<String>) -> Result<(), String> {
    let Some(memory) = typed(Memory::open(store))? else {
        return Ok(());
    };
    let mut request = ListRequest::default();
    request.limit = 1_000;
    let listed = typed(memory.list(&request))?.map(|listing| listing.chunks);
    let answer = typed(memory.search(&SearchRequest::new("harbor of winter")))?;
    let hits = answer
        .into_iter()
        .flat_map(|answer| answer.hits)
        .map(|hit| hit.chunk);
    let mut seen = listed.into_iter().flatten().chain(hits);
    if let Some(wrong) =
        seen.find(|chunk| !texts.contains(&chunk.text) && chunk.text != "afterwards")
    {
        return Err(format!("a wrong text: {:?}", wrong.text));
    }
    typed(memory.status())?;
    typed(memory.verify(&Silent))?;
    typed(memory.remember(&Note::new("afterwards")))?;
    Ok(())
}

#[test]
fn database() {
    let stores = [Journal::Wal, Journal::Truncate].map(|journal| {
        let (_folder, path, texts) = store(journal);
        (read(&path), texts)
    });
    hunt("database", 80, |random| {
        let (files, texts) = &stores[random.below(2)];
        let mut files = files.clone();
        let names: Vec<PathBuf> = files
            .keys()
            .filter(|name| !name.starts_with("index"))
            .cloned()
            .collect();
        let name = match random.below(3) {
            0 => &names[random.below(names.len())],
            _ => Path::new("steadfast.db"),
        };
        let content = match random.below(4) {
            0 => bytes(random, &files[name]),
            _ => overwritten(random, &files[name]),
        };
        files.insert(name.to_owned(), content);
        let folder = scratch().unwrap();
        write(&files, folder.path());
        let options = DoctorOptions::default();
        if random.chance(30) {
            typed(examine(folder.path(), &Memory::options(), options, &Silent))?;
            let repaired = typed(repair(folder.path(), &Memory::options(), options, &Silent))?;
            // What was repaired opens, and holds nothing but what was written.
            if repaired.is_some() && !folder.path().join("steadfast.db").exists() {
                return Err("a repair has taken the database away".to_owned());
            }
        }
        only_truth(folder.path(), texts).map_err(|what| format!("{}: {what}", name.display()))
    });
}

#[test]
fn index() {
    let (_folder, path, _) = store(Journal::Wal);
    let sound = read(&path);
    let names: Vec<&PathBuf> = sound
        .keys()
        .filter(|name| name.starts_with("index"))
        .collect();
    hunt("index", 80, |random| {
        let mut files = sound.clone();
        for _ in 0..=random.below(2) {
            let name = names[random.below(names.len())];
            let content = match random.below(3) {
                0 => bytes(random, &files[name]),
                _ => overwritten(random, &files[name]),
            };
            files.insert(name.clone(), content);
        }
        let folder = scratch().unwrap();
        write(&files, folder.path());
        let memory = Memory::open(folder.path()).map_err(|error| error.to_string())?;
        let mode = [Mode::Text, Mode::Hybrid][random.below(2)];
        for name in NAMES {
            let mut request = SearchRequest::new(*name);
            request.mode = mode;
            let answer = memory.search(&request).map_err(|error| error.to_string())?;
            let found = answer.hits.first().map(|hit| hit.chunk.source.as_str());
            if answer.coverage.complete && found != Some(*name) {
                return Err(format!(
                    "a complete answer for {name} begins with {found:?}"
                ));
            }
        }
        Ok(())
    });
}

#[test]
fn backup() {
    let (folder, path, texts) = store(Journal::Wal);
    let memory = Memory::open(&path).unwrap();
    let copies = [false, true].map(|compress| {
        let mut options = BackupOptions::default();
        options.compress = compress;
        let file = folder.path().join(format!("copy-{compress}"));
        memory.backup(&file, options).unwrap();
        std::fs::read(file).unwrap()
    });
    hunt("backup", 60, |random| {
        let copy = &copies[random.below(2)];
        let content = match random.below(2) {
            0 => bytes(random, copy),
            _ => overwritten(random, copy),
        };
        let folder = scratch().unwrap();
        let (file, to) = (folder.path().join("copy"), folder.path().join("new"));
        std::fs::write(&file, content).unwrap();
        let options = RestoreOptions::default();
        let restored = restore(&file, &to, &options, &Memory::options(), &Silent);
        match restored {
            Err(error) if to.join("steadfast.db").exists() => {
                Err(format!("a refused copy has made a store: {error}"))
            }
            Err(error) => typed::<()>(Err(error)).map(drop),
            Ok(_) => only_truth(&to, &texts),
        }
    });
}

/// Gives a changed bundle the hash of what it is now, so that its lines are read and not only its end refused.
fn sealed(mut bundle: Vec<u8>) -> Vec<u8> {
    let name = b"\"blake3\":\"";
    let found = bundle
        .windows(name.len())
        .rposition(|window| window == name);
    if let Some(found) = found {
        let from = found + name.len();
        let hash = blake3::hash(&bundle[..from]).to_hex();
        let room = bundle.len().min(from + hash.len());
        bundle.splice(from..room, hash.bytes());
    }
    bundle
}

#[test]
fn bundle() {
    let (folder, path, texts) = store(Journal::Wal);
    let memory = Memory::open(&path).unwrap();
    let bundles = [false, true].map(|vectors| {
        let mut options = ExportOptions::default();
        options.vectors = vectors;
        options.history = vectors;
        let file = folder.path().join(format!("bundle-{vectors}"));
        memory.export(&file, &options, &Silent).unwrap();
        std::fs::read(file).unwrap()
    });
    hunt("bundle", 60, |random| {
        let sound = &bundles[random.below(2)];
        let changed = match random.below(2) {
            0 => bytes(random, sound),
            _ => overwritten(random, sound),
        };
        let is_sealed = random.chance(60);
        let changed = if is_sealed { sealed(changed) } else { changed };
        let folder = scratch().unwrap();
        let file = folder.path().join("a.bundle");
        std::fs::write(&file, &changed).unwrap();
        let to = folder.path().join("store");
        let memory = Memory::options().create(true).open(&to).unwrap();
        let mut options = ImportOptions::default();
        options.kind = Some(ImportKind::Bundle);
        let report = typed(memory.import(&file, &options, &Silent))?;
        if let Some(report) = report.as_ref().filter(|report| !report.adds_up()) {
            return Err(format!("the counts do not add up: {report:?}"));
        }
        let held = memory.status().map_err(|error| error.to_string())?.chunks;
        if report.is_none() && held > 0 {
            return Err(format!("{held} chunks of a bundle that was refused"));
        }
        // Without its first line it is a list, of which nothing proves that it is whole; the report says so.
        let claims_all = report.is_some_and(|it| it.complete && it.warnings.is_empty());
        if claims_all && !is_sealed && held != texts.len() as u64 {
            return Err(format!("{held} chunks, and the report claims all"));
        }
        let verified = memory.verify(&Silent).map_err(|error| error.to_string())?;
        match verified.findings.first() {
            None => Ok(()),
            Some(finding) => Err(format!("{}: {}", finding.code, finding.what)),
        }
    });
}

/// Returns a log of a session as a peer writes it.
fn session(random: &mut Random) -> String {
    let line = |number: usize, role: &str| {
        format!(
            r#"{{"type":"{role}","uuid":"u{number}","sessionId":"s","parentUuid":null,"cwd":"/w","timestamp":"2026-03-01T10:00:0{number}.000Z","message":{{"role":"{role}","content":[{{"type":"text","text":"message {number}"}},{{"type":"tool_use","name":"Bash","input":{{"command":"ls"}}}}]}}}}"#
        ) + "\n"
    };
    let count = 1 + random.below(8);
    (0..count)
        .map(|number| line(number, ["user", "assistant"][number % 2]))
        .collect()
}

#[test]
fn log() {
    hunt("log of sessions", 40, |random| {
        let log = session(random);
        let folder = scratch().unwrap();
        let logs = folder.path().join("projects/-w");
        std::fs::create_dir_all(&logs).unwrap();
        std::fs::write(logs.join("s.jsonl"), bytes(random, log.as_bytes())).unwrap();
        let store = folder.path().join("store");
        let memory = Memory::options().create(true).open(&store).unwrap();
        let options = ImportOptions::default();
        let report = typed(memory.import(&folder.path().join("projects"), &options, &Silent))?;
        if let Some(report) = report.filter(|report| !report.adds_up()) {
            return Err(format!("the counts do not add up: {report:?}"));
        }
        let verified = memory.verify(&Silent).map_err(|error| error.to_string())?;
        match verified.findings.first() {
            None => Ok(()),
            Some(finding) => Err(format!("{}: {}", finding.code, finding.what)),
        }
    });
}
