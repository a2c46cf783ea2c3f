//! memtomem: every column, duplicates of a race collapsed with nothing of them lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;
use steadfast::model::{Kind, Timestamp, Trust};
use steadfast::{ImportKind, ImportOptions, OnConflict};

use crate::fixtures::{json, unpack};
use crate::support::Place;

const SCHEMA: &str = "
CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT NOT NULL, content_hash TEXT NOT NULL,
  source_file TEXT NOT NULL, heading_hierarchy TEXT NOT NULL DEFAULT '[]', start_line INTEGER NOT NULL DEFAULT 0,
  end_line INTEGER NOT NULL DEFAULT 0, tags TEXT NOT NULL DEFAULT '[]', namespace TEXT NOT NULL DEFAULT 'default',
  created_at TEXT NOT NULL, access_count INTEGER NOT NULL DEFAULT 0, use_count INTEGER NOT NULL DEFAULT 0,
  valid_from_unix INTEGER, valid_to_unix INTEGER);
CREATE TABLE chunk_links (source_id TEXT, target_id TEXT, link_type TEXT, namespace_target TEXT);
CREATE TABLE query_history (id INTEGER PRIMARY KEY, query_text TEXT);
CREATE TABLE sessions (id TEXT PRIMARY KEY, agent_id TEXT, started_at TEXT, summary TEXT, namespace TEXT);
CREATE TABLE session_events (id INTEGER PRIMARY KEY, session_id TEXT, event_type TEXT, content TEXT, created_at TEXT);
CREATE TABLE working_memory (key TEXT PRIMARY KEY, value TEXT, created_at TEXT, expires_at TEXT);
";

const ROWS: &str = "
INSERT INTO chunks VALUES
 ('b', 'Milk.', '', '/n/todo.md', '[\"# Todo\", \"## Buy\"]', 3, 4, '[\"shop\"]', 'home', '2026-01-02T00:00:00', 1, 0, NULL, 86399),
 ('a', 'Milk.', '', '/n/todo.md', '[\"# Todo\", \"## Buy\"]', 3, 4, '[\"late\"]', 'home', '2026-01-03T00:00:00', 2, 2, NULL, 86399),
 ('c', 'Milk.', '', '/n/todo.md', '[]', 9, 9, '[]', 'home', '2026-01-03T00:00:00', 0, 0, NULL, NULL),
 ('d', 'Bread.', '', '/n/todo.md', '[]', 5, 6, '[]', 'home', '2026-01-03T00:00:00', 0, 0, NULL, NULL),
 ('e', ' ', '', '/n/todo.md', '[]', 5, 6, '[]', 'home', '2026-01-03T00:00:00', 0, 0, NULL, NULL);
INSERT INTO chunk_links VALUES ('b', 'd', 'shared', 'home');
INSERT INTO query_history (query_text) VALUES ('milk'), ('bread');
INSERT INTO sessions VALUES ('s1', 'claude', '2026-02-01T10:00:00', 'We shopped.', 'home'), ('s2', 'x', '', NULL, 'home');
INSERT INTO session_events (session_id, event_type, content, created_at) VALUES ('s1', 'note', 'Bought milk.', '2026-02-01');
INSERT INTO working_memory VALUES ('budget', '20 francs', '2026-02-01', '2026-03-01');
";

fn store(place: &Place) -> std::path::PathBuf {
    place.database("memtomem.db", &format!("{SCHEMA}{ROWS}"))
}

#[test]
fn duplicates_become_the_one_that_was_used_most_with_all_that_was_theirs() {
    let place = Place::new();
    let report = place.import(&store(&place));
    assert_eq!(report.kind, ImportKind::Memtomem);
    // One of five chunks is a duplicate, one has no text; three notes come besides.
    assert_eq!(
        (report.read, report.imported, report.reused, report.refused),
        (8, 6, 1, 1)
    );
    assert!(!report.complete, "a chunk without text is named");
    assert_eq!(report.left_out[0].what, "query_history");
    assert_eq!(report.left_out[0].count, 2);
    let chunks = place.chunks();
    assert_eq!(
        chunks.keys().map(String::as_str).collect::<Vec<_>>(),
        ["a", "c", "d", "event:1", "session:s1", "working:budget"]
    );
    let kept = &chunks["a"];
    assert_eq!(kept.text, "Milk.");
    assert_eq!(kept.source, "memtomem:/n/todo.md");
    assert_eq!(kept.namespace.as_str(), "home");
    assert_eq!((kept.place.start_line, kept.place.end_line), (3, 4));
    assert_eq!(kept.place.heading_path, ["Todo", "Buy"]);
    let attributes = &kept.attributes;
    assert_eq!(attributes.kind, Kind::Markdown);
    assert_eq!(attributes.trust, Trust::Import);
    assert_eq!(
        attributes.tags,
        BTreeSet::from(["late".into(), "shop".into()])
    );
    assert_eq!(attributes.valid_to, Some(Timestamp(86_400_000)));
    let meta = &attributes.meta;
    assert_eq!(meta["origin.kind"], "memtomem");
    assert_eq!(
        (&meta["origin.access_count"], &meta["origin.use_count"]),
        (&3.into(), &2.into())
    );
    assert_eq!(meta["origin.merged_ids"], serde_json::json!(["b"]));
    assert_eq!(
        meta["origin.links"],
        serde_json::json!([{"relation": "shared", "id": "d"}])
    );
    // Neighbours stand as they do in the file.
    let order = ["a", "d", "c"].map(|id| chunks[id].place.position);
    assert_eq!(order, [0, 1, 2]);
}

#[test]
fn of_duplicates_the_one_that_has_its_hash_stays() {
    let place = Place::new();
    let hash = "f2a6f61c18e1a87843759f92b838d2fc908220a185e56449056f37094c67a90f";
    let source = place.database(
        "memtomem.db",
        &format!(
            "{SCHEMA}
             INSERT INTO chunks (id, content, content_hash, source_file, created_at, access_count) VALUES
               ('rotten', 'Mxlk.', '{hash}', '/n/todo.md', '2026-01-02', 9),
               ('whole', 'Milk.', '{hash}', '/n/todo.md', '2026-01-03', 1);"
        ),
    );
    let report = place.import(&source);
    assert_eq!((report.imported, report.reused), (1, 1), "{report:?}");
    assert!(!report.complete, "a row was damaged");
    let kept = &place.chunks()["whole"];
    assert_eq!(kept.text, "Milk.");
    let meta = &kept.attributes.meta;
    assert_eq!(meta["origin.access_count"], 10);
    assert_eq!(meta["origin.merged_ids"], serde_json::json!(["rotten"]));
}

#[test]
fn a_namespace_that_chunks_cannot_be_in_gets_another_name() {
    let place = Place::new();
    let source = place.database(
        "memtomem.db",
        "CREATE TABLE chunks (id TEXT, content TEXT, content_hash TEXT, source_file TEXT, namespace TEXT);
         INSERT INTO chunks VALUES ('a', 'Milk.', '', '/n/a.md', 'collection:foo'),
           ('b', 'Bread.', '', '/n/a.md', 'two' || char(10) || 'lines'), ('c', 'Salt.', '', '/n/a.md', 'home');",
    );
    let report = place.import(&source);
    assert_eq!((report.imported, report.complete), (3, true), "{report:?}");
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    let chunks = place.chunks();
    assert_eq!(
        ["a", "b", "c"].map(|id| chunks[id].namespace.as_str()),
        ["collection-foo", "two lines", "home"]
    );
    let meta = &chunks["a"].attributes.meta;
    assert_eq!(meta["origin.namespace"], "collection:foo");
}

#[test]
fn rows_without_a_hash_are_not_one_for_that() {
    let place = Place::new();
    let source = place.database(
        "memtomem.db",
        "CREATE TABLE chunks (id TEXT, content TEXT, content_hash TEXT, source_file TEXT, namespace TEXT);
         INSERT INTO chunks VALUES ('a', 'Milk.', '', '/n/todo.md', 'home'), ('b', 'Bread.', '', '/n/todo.md', 'home'),
           ('c', 'Salt.', NULL, '/n/todo.md', 'home'), ('d', 'Salt.', '', '/n/todo.md', 'home');",
    );
    let report = place.import(&source);
    assert_eq!((report.imported, report.reused), (3, 1), "{report:?}");
    let chunks = place.chunks();
    assert_eq!(
        ["a", "b", "c"].map(|id| chunks[id].text.as_str()),
        ["Milk.", "Bread.", "Salt."]
    );
}

#[test]
fn a_store_that_has_grown_gives_only_what_is_new() {
    let place = Place::new();
    let source = store(&place);
    place.import(&source);
    Connection::open(&source)
        .unwrap()
        .execute_batch(
            "INSERT INTO chunks VALUES ('f', 'Salt.', '', '/n/todo.md', '[]', 7, 7, '[]', 'home', '2026-01-03', 0, 0, NULL, NULL);
             DELETE FROM chunks WHERE id = 'c';",
        )
        .unwrap();
    let report = place.import(&source);
    assert_eq!((report.imported, report.updated), (1, 0));
    let chunks = place.chunks();
    assert!(chunks.contains_key("f"));
    assert!(chunks.contains_key("c"), "an import takes nothing out");
}

#[test]
fn a_row_that_differs_is_kept_replaced_or_kept_beside() {
    let changed = "UPDATE chunks SET content = 'Rye bread.' WHERE id = 'd'";
    let texts = |on_conflict: OnConflict| {
        let place = Place::new();
        let source = store(&place);
        place.import(&source);
        Connection::open(&source)
            .unwrap()
            .execute_batch(changed)
            .unwrap();
        let mut options = ImportOptions::default();
        options.on_conflict = on_conflict;
        let report = place
            .memory
            .import(&source, &options, &steadfast::Silent)
            .unwrap();
        assert!(report.adds_up());
        let mut request = steadfast::ListRequest::default();
        request.limit = 100;
        let chunks = place.memory.list(&request).unwrap().chunks;
        let texts: BTreeSet<String> = chunks.into_iter().map(|chunk| chunk.text).collect();
        let again = place
            .memory
            .import(&source, &options, &steadfast::Silent)
            .unwrap();
        assert_eq!((again.imported, again.updated), (0, 0));
        let has = |text: &str| texts.contains(text);
        (
            has("Bread."),
            has("Rye bread."),
            report.imported,
            report.updated,
            report.refused,
        )
    };
    // One row without text is refused each time.
    assert_eq!(texts(OnConflict::Skip), (true, false, 0, 0, 2));
    assert_eq!(texts(OnConflict::Update), (false, true, 0, 1, 1));
    assert_eq!(texts(OnConflict::Duplicate), (true, true, 1, 0, 1));
}

#[test]
fn forgotten_rows_stay_out() {
    let place = Place::new();
    let source = store(&place);
    place.import(&source);
    let mut selection = steadfast::Selection::default();
    selection.ids.push(place.chunks()["d"].id.to_string());
    place
        .memory
        .forget(&place.memory.plan_forget(&selection).unwrap())
        .unwrap();
    let report = place
        .memory
        .import(&source, &ImportOptions::default(), &steadfast::Silent)
        .unwrap();
    assert!(report.adds_up());
    assert_eq!((report.imported, report.refused), (0, 2));
    assert!(
        report
            .refusals
            .iter()
            .any(|refusal| refusal.reason == "forgotten")
    );
    assert!(!place.chunks().contains_key("d"));
}

#[test]
fn a_namespace_of_ones_own_is_for_all() {
    let place = Place::new();
    let mut options = ImportOptions::default();
    options.namespace = Some(steadfast::model::Namespace::new("old").unwrap());
    place.import_with(&store(&place), &options);
    assert!(
        place
            .chunks()
            .values()
            .all(|chunk| chunk.namespace.as_str() == "old")
    );
}

#[test]
fn real_stores_come_whole() {
    let place = Place::new();
    let Some(folder) = unpack(&place, "memtomem.tar.xz") else {
        return;
    };
    let report = place.import(&folder.join("dups.db"));
    assert_eq!(
        (report.read, report.imported, report.reused),
        (263, 144, 119)
    );
    assert!(report.complete, "{report:?}");
    let keepers = json(&folder.join("dups_expected_keepers.json"));
    let keepers: Vec<&str> = keepers
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    let chunks = place.chunks();
    assert_eq!(
        chunks.keys().map(String::as_str).collect::<Vec<_>>(),
        keepers
    );
    check_texts(&folder.join("dups.db"), &chunks);
    check_merged(&folder.join("dups.db"), &chunks);

    let place = Place::new();
    let report = place.import(&folder.join("healthy.db"));
    let redacted = place
        .chunks()
        .values()
        .filter(|chunk| chunk.place.fidelity.redacted)
        .count() as u64;
    assert!((1..=report.redactions).contains(&redacted) && redacted < 30);
    assert_eq!(
        (report.read, report.imported, report.complete),
        (1512, 1512, true)
    );
    check_texts(&folder.join("healthy.db"), &place.chunks());
}

/// Asserts that each row of the source is kept or merged into one that is, with what was counted for it.
fn check_merged(source: &Path, chunks: &BTreeMap<String, steadfast::model::Chunk>) {
    let connection = Connection::open(source).unwrap();
    let mut statement = connection.prepare("SELECT id FROM chunks").unwrap();
    let rows: BTreeSet<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let merged = |chunk: &steadfast::model::Chunk| -> Vec<String> {
        let ids = chunk.attributes.meta.get("origin.merged_ids").cloned();
        serde_json::from_value(ids.unwrap_or_else(|| serde_json::json!([]))).unwrap()
    };
    let mut found: BTreeSet<String> = chunks.values().flat_map(merged).collect();
    assert_eq!(found.len(), 119, "a row was merged twice");
    found.extend(chunks.keys().cloned());
    assert_eq!(found, rows);
    for column in ["access_count", "use_count"] {
        let sql = format!("SELECT sum({column}) FROM chunks");
        let wanted: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        let of = |chunk: &steadfast::model::Chunk| {
            let count = chunk.attributes.meta.get(&format!("origin.{column}"));
            count.and_then(serde_json::Value::as_i64).unwrap_or(0)
        };
        assert_eq!(chunks.values().map(of).sum::<i64>(), wanted, "{column}");
    }
}

fn check_texts(source: &Path, chunks: &BTreeMap<String, steadfast::model::Chunk>) {
    let connection = Connection::open(source).unwrap();
    let mut statement = connection
        .prepare("SELECT id, content, namespace, start_line FROM chunks")
        .unwrap();
    let rows: BTreeMap<String, (String, String, u32)> = statement
        .query_map([], |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (id, chunk) in chunks {
        let (text, namespace, line) = &rows[id];
        assert_eq!(
            (chunk.namespace.as_str(), chunk.place.start_line),
            (namespace.as_str(), *line)
        );
        // Pages about secrets show some that look real.
        if chunk.place.fidelity.redacted {
            assert!(chunk.text.contains("[redacted:"));
        } else {
            assert_eq!(&chunk.text, text);
        }
    }
}
