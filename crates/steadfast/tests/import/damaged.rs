//! Whatever bytes a source holds, an import ends with an error or a report whose counts add up; it never hangs, dies,
//! or keeps a part of a document.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use steadfast::{ImportOptions, Silent};

use crate::support::Place;

const SQL: &str = "
CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT, content_hash TEXT, source_file TEXT, tags TEXT,
  heading_hierarchy TEXT, namespace TEXT, start_line INTEGER, created_at TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO chunks SELECT 'id' || i, 'Chunk ' || i || ' of a file, with some words to fill it.', '', '/f/' || (i % 7),
  '[\"t\"]', '[\"# H\"]', 'n', i, '2026-01-01' FROM n;
";

fn import(path: &Path) {
    let place = Place::new();
    match place
        .memory
        .import(path, &ImportOptions::default(), &Silent)
    {
        Ok(report) => assert!(report.adds_up(), "{report:?}"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let report = place.memory.verify(&Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn flipped_and_cut_databases_end_in_a_word(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let place = Place::new();
        let source = place.database("memtomem.db", SQL);
        let mut bytes = fs::read(&source).unwrap();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&source, bytes).unwrap();
        import(&source);
    }

    #[test]
    fn logs_of_anything_end_in_a_word(text in "(\\{\"type\":\"(user|summary)\",\"uuid\":\"[a-c]\",\"sessionId\":\"s\",\"message\":\\{\"content\":\"[a-z> ]{0,9}\"\\}\\}\n|[\\PC\n]{0,30}\n){0,8}") {
        let place = Place::new();
        let log = place.path("log.jsonl");
        fs::write(&log, text).unwrap();
        import(&log);
    }
}
