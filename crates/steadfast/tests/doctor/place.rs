//! What the tests of this folder share: a store, ways to damage it, and to look at it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use steadfast::{
    Diagnosis, DoctorOptions, IndexOptions, Journal, ListRequest, Memory, Note, SearchRequest,
    Silent, examine, repair,
};
use tempfile::TempDir;

pub(crate) const PAGE: usize = 4096;

pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    /// A store with 60 files of several chunks each and 40 notes, closed, with everything in its one file.
    pub(crate) fn new() -> Self {
        Self::with(Journal::Truncate)
    }

    /// The same in a journal of choice.
    pub(crate) fn with(journal: Journal) -> Self {
        let place = Self {
            folder: TempDir::new().unwrap(),
        };
        fs::create_dir(place.docs()).unwrap();
        for file in 0..60 {
            let parts: Vec<String> = (0..6)
                .map(|part| {
                    format!(
                        "# Part {part}\n\nFile {file} says that pump {part} runs at {} rpm. {}\n\n",
                        file * 31 + part,
                        "Filler words follow. ".repeat(12)
                    )
                })
                .collect();
            fs::write(place.docs().join(format!("{file}.md")), parts.concat()).unwrap();
        }
        let memory = Memory::options()
            .create(true)
            .journal(journal)
            .open(place.store())
            .unwrap();
        memory
            .index(&[place.docs()], &IndexOptions::default(), &Silent)
            .unwrap();
        for note in 0..40 {
            let mut note = Note::new(format!(
                "Note {note}: the spare key number {} hangs in hall {}.",
                note * 17,
                note % 5
            ));
            note.tags.push("keys".to_owned());
            memory.remember(&note).unwrap();
        }
        memory.rebuild(steadfast::Derived::All, &Silent).unwrap();
        drop(memory);
        place
    }

    pub(crate) fn docs(&self) -> PathBuf {
        self.folder.path().join("docs")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.store().join("steadfast.db")
    }

    pub(crate) fn texts(&self) -> BTreeSet<String> {
        let memory = Memory::open(self.store()).unwrap();
        let mut request = ListRequest::default();
        request.limit = 10_000;
        let listing = memory.list(&request).unwrap();
        let show = |chunk: &steadfast::model::Chunk| {
            format!(
                "{}:{}:{}",
                chunk.namespace, chunk.place.start_line, chunk.text
            )
        };
        listing.chunks.iter().map(show).collect()
    }

    pub(crate) fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.database()).unwrap();
        change(&mut bytes);
        fs::write(self.database(), bytes).unwrap();
    }

    /// Does to the database what a foreign hand does.
    pub(crate) fn sql(&self, statements: &str) {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection.execute_batch(statements).unwrap();
    }

    pub(crate) fn number(&self, question: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection
            .query_row(question, [], |row| row.get(0))
            .unwrap()
    }

    /// Overwrites the first page of a table with zeros.
    pub(crate) fn zero_root(&self, table: &str) {
        let question = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
        let page = usize::try_from(self.number(&question)).unwrap();
        self.damage(|bytes| bytes[(page - 1) * PAGE..page * PAGE].fill(0));
    }

    pub(crate) fn examine(&self) -> Diagnosis {
        examine(
            &self.store(),
            &Memory::options(),
            DoctorOptions::default(),
            &Silent,
        )
        .unwrap()
    }

    pub(crate) fn repair(&self) -> Diagnosis {
        repair(
            &self.store(),
            &Memory::options(),
            DoctorOptions::default(),
            &Silent,
        )
        .unwrap()
    }

    /// Asserts that the store is whole: it opens, verifies, and finds.
    pub(crate) fn assert_sound(&self) {
        let memory = Memory::open(self.store()).unwrap();
        assert_eq!(memory.verify(&Silent).unwrap().findings, []);
        let answer = memory.search(&SearchRequest::new("spare key")).unwrap();
        assert!(
            answer.coverage.complete && answer.coverage.degraded.is_empty(),
            "{:?}",
            answer.coverage
        );
    }

    pub(crate) fn originals(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(self.store().join("quarantine"))
            .unwrap()
            .map(|entry| entry.unwrap().path().join("steadfast.db"))
            .filter(|path| path.exists())
            .collect();
        found.sort();
        found
    }
}

pub(crate) fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings.iter().map(|found| found.code).collect()
}

pub(crate) fn steps(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.plan.iter().map(steadfast::Step::name).collect()
}

pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn page_of(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap()
        / PAGE
}
