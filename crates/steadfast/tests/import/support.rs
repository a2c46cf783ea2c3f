//! A store beside foreign files, and what every import must keep.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use steadfast::model::{Chunk, Validity};
use steadfast::{ImportOptions, ImportReport, ListRequest, Memory, Options, Silent, VectorCounts};
use steadfast_testkit::scratch;
use tempfile::TempDir;

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) memory: Memory,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(Memory::options())
    }

    /// Makes a store that is opened so.
    pub(crate) fn with(options: Options) -> Self {
        let folder = scratch().unwrap();
        let memory = options
            .create(true)
            .open(folder.path().join("store"))
            .unwrap();
        Self { folder, memory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// Makes a database by some statements.
    pub(crate) fn database(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    pub(crate) fn import(&self, path: &Path) -> ImportReport {
        self.import_with(path, &ImportOptions::default())
    }

    /// Imports, and checks what holds for each import: the counts add up, a plan says the same before, the
    /// source is as it was, no copy is left, and a second run imports nothing.
    pub(crate) fn import_with(&self, path: &Path, options: &ImportOptions) -> ImportReport {
        let before = bytes_below(path);
        let plan = self.memory.plan_import(path, options, &Silent).unwrap();
        let report = self.memory.import(path, options, &Silent).unwrap();
        assert!(report.adds_up(), "{report:?}");
        let counts = |report: &ImportReport| {
            (
                report.read,
                report.imported,
                report.reused,
                report.updated,
                report.refused,
                report.complete,
            )
        };
        assert_eq!(counts(&plan), counts(&report));
        assert_eq!(plan.vectors, report.vectors);
        assert_eq!(plan.vectors_anew, report.vectors_anew);
        assert_eq!(plan.refusals, report.refusals);
        assert_eq!(plan.left_out, report.left_out);
        assert!(report.verified >= report.imported + report.updated);
        let again = self.memory.import(path, options, &Silent).unwrap();
        assert!(again.adds_up(), "{again:?}");
        assert_eq!(again.vectors, VectorCounts::default(), "none is made twice");
        assert_eq!(
            (again.imported, again.updated, again.refused),
            (0, 0, report.refused),
            "{again:?}"
        );
        assert_eq!(again.seq, report.seq, "nothing was written");
        assert_eq!(bytes_below(path), before, "the source is as it was");
        assert!(!self.memory.folder().join("import").exists());
        report
    }

    /// Returns all live chunks by their id in the source.
    pub(crate) fn chunks(&self) -> BTreeMap<String, Chunk> {
        let mut request = ListRequest::default();
        request.limit = 100_000;
        request.filter.validity = Validity::Any;
        let listing = self.memory.list(&request).unwrap();
        assert_eq!(listing.chunks.len() as u64, listing.total);
        let count = listing.chunks.len();
        let chunks: BTreeMap<String, Chunk> = listing
            .chunks
            .into_iter()
            .map(|chunk| (origin(&chunk).to_owned(), chunk))
            .collect();
        assert_eq!(chunks.len(), count, "an id came in twice");
        chunks
    }
}

pub(crate) fn origin(chunk: &Chunk) -> &str {
    chunk.attributes.meta["origin.id"].as_str().unwrap()
}

/// Returns the bytes of a file with its side files, or of all files below a folder.
fn bytes_below(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![if path.is_dir() {
        path.to_owned()
    } else {
        path.parent().unwrap().to_owned()
    }];
    let stem = path.file_name().unwrap().to_string_lossy().into_owned();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() && path.is_dir() {
                folders.push(entry);
            } else if entry.is_file()
                && (path.is_dir()
                    || entry
                        .file_name()
                        .unwrap()
                        .to_string_lossy()
                        .starts_with(&stem))
            {
                found.insert(entry.clone(), fs::read(&entry).unwrap());
            }
        }
    }
    assert!(!found.is_empty());
    found
}
