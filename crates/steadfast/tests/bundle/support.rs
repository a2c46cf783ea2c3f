//! Stores filled by a plan, and what is in a store whatever its ids are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use steadfast::collection::{Field, GetRequest};
use steadfast::model::Validity;
use steadfast::{
    ExportOptions, ImportOptions, ImportReport, ListRequest, Memory, Silent, VectorCounts,
};
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self, name: &str) -> Memory {
        Memory::options()
            .create(true)
            .open(self.path(name))
            .unwrap()
    }

    /// Exports all of a store into a file.
    pub(crate) fn export(&self, memory: &Memory, name: &str, options: &ExportOptions) -> PathBuf {
        let file = self.path(name);
        memory.export(&file, options, &Silent).unwrap();
        file
    }
}

/// Imports, and checks that a plan says the same before and that a second run brings nothing.
pub(crate) fn import(memory: &Memory, file: &Path) -> ImportReport {
    let options = ImportOptions::default();
    let plan = memory.plan_import(file, &options, &Silent).unwrap();
    let report = memory.import(file, &options, &Silent).unwrap();
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
    let again = memory.import(file, &options, &Silent).unwrap();
    assert_eq!(
        (again.read, again.imported, again.updated, again.refused),
        (report.read, 0, 0, report.refused),
        "{again:?}"
    );
    assert_eq!(again.seq, report.seq, "nothing was written");
    assert_eq!(plan.vectors, report.vectors);
    assert_eq!(again.vectors, VectorCounts::default(), "none is made twice");
    report
}

/// Returns all that is in a store: texts in the order of their documents, places, attributes and counts; collections
/// with their records. Not in it: ids, commits, and from where an import says that a chunk is.
pub(crate) fn contents(memory: &Memory) -> String {
    let mut request = ListRequest::default();
    request.limit = 100_000;
    request.filter.validity = Validity::Any;
    let listing = memory.list(&request).unwrap();
    assert_eq!(listing.chunks.len() as u64, listing.total);
    let mut documents: BTreeMap<(String, String), Vec<_>> = BTreeMap::new();
    for mut chunk in listing.chunks {
        let meta = &mut chunk.attributes.meta;
        if meta.get("origin.kind").is_some_and(|kind| kind == "bundle") {
            meta.remove("origin.kind");
            meta.remove("origin.id");
        }
        let key = (chunk.namespace.as_str().to_owned(), chunk.source.clone());
        documents.entry(key).or_default().push(chunk);
    }
    let mut all = String::new();
    for ((namespace, source), mut chunks) in documents {
        chunks.sort_by_key(|chunk| chunk.place.position);
        writeln!(all, "{namespace} {source}").unwrap();
        for mut chunk in chunks {
            // Numbers without gaps are given out anew.
            (chunk.place.position, chunk.place.ordinal) = (0, 0);
            writeln!(
                all,
                "  {:?} {:?} {:?} {}",
                chunk.text, chunk.place, chunk.attributes, chunk.access_count
            )
            .unwrap();
        }
    }
    writeln!(all, "tags {:?}", memory.tags().unwrap()).unwrap();
    let collections = memory.collections();
    for info in collections.list().unwrap() {
        writeln!(all, "{info:?}").unwrap();
        let fields = [Field::Documents, Field::Metadatas, Field::Embeddings];
        let records = collections
            .get_collection(&info.name)
            .unwrap()
            .get(&GetRequest::all().include(fields))
            .unwrap();
        let vectors = records.embeddings.unwrap();
        let mut lines: Vec<String> = (0..records.ids.len())
            .map(|at| {
                format!(
                    "  {:?} {:?} {:?} {:?}",
                    records.ids[at], records.documents[at], records.metadatas[at], vectors[at]
                )
            })
            .collect();
        lines.sort();
        all.push_str(&lines.join("\n"));
        all.push('\n');
    }
    all
}
