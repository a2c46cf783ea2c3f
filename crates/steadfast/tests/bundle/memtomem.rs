//! Bundles of memtomem, of both its versions.

use std::fs;

use serde_json::{Value, json};
use steadfast::{Error, ImportKind, ImportOptions, Silent};

use crate::support::{Place, import};

/// SHA-256 of "The kettle is blue.", as memtomem keeps it.
const KETTLE: &str = "e5d9e6ea2c2d4e83b5e4d5b5a3a6c9ff";

fn chunk(id: Option<&str>, content: &str, line: u64) -> Value {
    let mut chunk = json!({
        "content": content, "source_file": "/n/kitchen.md", "heading_hierarchy": ["# Kitchen", "## Tea"],
        "chunk_type": "markdown_section", "start_line": line, "end_line": line, "language": "en",
        "tags": ["tea"], "created_at": "2026-01-02T00:00:00",
    });
    if let Some(id) = id {
        chunk["chunk_id"] = json!(id);
        chunk["namespace"] = json!("home");
    }
    chunk
}

#[test]
fn both_versions_come_in() {
    for (version, id) in [(1, None), (2, Some("a"))] {
        let place = Place::new();
        let file = place.path("export.json");
        let bundle = json!({
            "version": version, "exported_at": "2026-02-01T00:00:00", "total_chunks": 3,
            "chunks": [
                chunk(id, "The kettle is blue.", 1),
                chunk(id, "The kettle is blue.", 1),
                chunk(id.map(|_| "c"), "The stove is gas.", 5),
            ],
        });
        fs::write(&file, serde_json::to_string_pretty(&bundle).unwrap()).unwrap();
        let memory = place.store("store");
        let report = import(&memory, &file);
        assert_eq!(report.kind, ImportKind::Memtomem);
        assert_eq!((report.read, report.imported, report.reused), (3, 2, 1));
        assert!(report.complete, "{report:?}");
        let chunks = memory
            .list(&steadfast::ListRequest::default())
            .unwrap()
            .chunks;
        let first = &chunks[0];
        assert_eq!(first.source, "memtomem:/n/kitchen.md");
        assert_eq!(first.place.heading_path, ["Kitchen", "Tea"]);
        assert_eq!(
            (first.place.start_line, first.attributes.tags.len()),
            (1, 1)
        );
        let namespace = if id.is_some() { "home" } else { "default" };
        assert_eq!(first.namespace.as_str(), namespace);
        assert_eq!(first.attributes.meta["origin.kind"], "memtomem");
        assert_eq!(
            first.attributes.meta["origin.id"].as_str() == id,
            id.is_some()
        );
    }
}

#[test]
fn what_is_altered_missing_newer_or_cut_is_told() {
    let place = Place::new();
    let memory = place.store("store");
    let file = place.path("export.json");
    let bundle = |version: u64, total: u64, chunk: &Value| {
        json!({"version": version, "exported_at": "", "total_chunks": total, "chunks": [chunk]})
            .to_string()
    };
    let mut altered = chunk(Some("a"), "The kettle is red.", 1);
    altered["content_hash"] = json!(KETTLE);
    fs::write(&file, bundle(2, 4, &altered)).unwrap();
    let report = memory
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap();
    assert_eq!(
        (report.imported, report.complete, report.warnings.len()),
        (1, false, 2)
    );
    let whole = bundle(2, 1, &altered);
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    let error = memory
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(matches!(error, Error::BundleDamaged { .. }), "{error}");
    fs::write(&file, bundle(3, 1, &altered)).unwrap();
    let error = memory
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(
        matches!(error, Error::BundleTooNew { found: 3, .. }),
        "{error}"
    );
}
