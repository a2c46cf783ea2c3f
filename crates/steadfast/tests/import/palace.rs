//! MemPalace and Chroma: rows with the queue on top, whatever the segments and watermarks are worth.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast::model::{Filter, Timestamp, Validity};
use steadfast::{ImportKind, ImportOptions, ImportReport, SearchRequest};

use crate::fixtures::{json, unpack};
use crate::support::Place;

const SCHEMA: &str = "
CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT NOT NULL, collection TEXT NOT NULL);
CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL,
  seq_id BLOB NOT NULL, created_at TIMESTAMP DEFAULT '2026-01-01 10:00:00', UNIQUE (segment_id, embedding_id));
CREATE TABLE embedding_metadata (id INTEGER, key TEXT NOT NULL, string_value TEXT, int_value INTEGER,
  float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key));
CREATE TABLE embedding_metadata_array (id INTEGER NOT NULL, key TEXT NOT NULL, string_value TEXT, int_value INTEGER,
  float_value REAL, bool_value INTEGER);
CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP DEFAULT '2026-01-02 10:00:00',
  operation INTEGER NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB, encoding TEXT, metadata TEXT);
CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL);
INSERT INTO max_seq_id VALUES ('m1', 1229800000000000000);
";

fn row(id: i64, segment: &str, name: &str, text: &str, wing: &str) -> String {
    format!(
        "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES ({id}, '{segment}', '{name}', x'{id:016x}');
         INSERT INTO embedding_metadata VALUES ({id}, 'chroma:document', '{text}', NULL, NULL, NULL),
          ({id}, 'wing', '{wing}', NULL, NULL, NULL), ({id}, 'room', 'kitchen', NULL, NULL, NULL),
          ({id}, 'source_file', '/talk.md', NULL, NULL, NULL), ({id}, 'chunk_index', NULL, {index}, NULL, NULL),
          ({id}, 'weight', NULL, NULL, 0.5, NULL), ({id}, 'pinned', NULL, NULL, NULL, 1);",
        index = 10 - id
    )
}

fn operation(seq: i64, operation: u8, name: &str, metadata: &Value) -> String {
    format!(
        "INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata)
         VALUES ({seq}, {operation}, 'persistent://default/default/c1', '{name}', '{metadata}');"
    )
}

fn palace(place: &Place) -> PathBuf {
    let mut sql = format!(
        "{SCHEMA}
         INSERT INTO collections VALUES ('c1', 'mempalace_drawers');
         INSERT INTO segments VALUES ('v1', 'hnsw', 'VECTOR', 'c1'), ('m1', 'sqlite', 'METADATA', 'c1'),
          ('m9', 'sqlite', 'METADATA', 'gone');"
    );
    sql += &row(1, "m1", "d1", "The kettle is blue.", "home");
    sql += &row(2, "m1", "d2", "The stove is gas.", "home");
    sql += &row(3, "m1", "d3", "The door is open.", "home");
    sql += &row(4, "m9", "d4", "Of a collection that is gone.", "home");
    sql += "INSERT INTO embedding_metadata_array VALUES (1, 'people', 'Ann', NULL, NULL, NULL),
      (1, 'people', 'Bob', NULL, NULL, NULL);
      INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (5, 'm1', 'd5', 5);";
    // What the queue holds is newer than the rows, whatever the watermark says.
    sql += &operation(
        11,
        0,
        "d1",
        &json!({"chroma:document": "An add of what is there is nothing."}),
    );
    sql += &operation(
        12,
        1,
        "d2",
        &json!({"chroma:document": "The stove is electric.", "weight": null}),
    );
    sql += &operation(13, 3, "d3", &Value::Null);
    sql += &operation(
        14,
        2,
        "d6",
        &json!({"chroma:document": "The cellar is dry.", "wing": "deep"}),
    );
    sql += &operation(
        15,
        1,
        "d7",
        &json!({"chroma:document": "An update of nothing is nothing."}),
    );
    place.database("palace/chroma.sqlite3", &sql);
    fs::write(place.path("palace/identity.txt"), "I am Atlas.\n").unwrap();
    let tunnel = |id: &str, kind: &str, label: &str| {
        json!({"id": id, "source": {"wing": "home", "room": "kitchen"}, "label": label, "kind": kind,
            "target": {"wing": "deep", "room": "cellar", "drawer_id": "d6"}, "created_at": "2026-01-03T10:00:00+00:00"})
    };
    let tunnels = json!([
        tunnel("u1", "explicit", "the stairs"),
        tunnel("u2", "explicit", ""),
        tunnel("u3", "topic", "found anew"),
        {"id": "u4", "source": null},
    ]);
    fs::write(place.path("palace/tunnels.json"), tunnels.to_string()).unwrap();
    // Whoever opened this would run it; nobody does.
    fs::create_dir_all(place.path("palace/v1/x").parent().unwrap()).unwrap();
    fs::write(
        place.path("palace/v1/index_metadata.pickle"),
        b"cos\nsystem\n(S'false'\ntR.",
    )
    .unwrap();
    place.database(
        "palace/knowledge_graph.sqlite3",
        "CREATE TABLE entities (id TEXT PRIMARY KEY, name TEXT);
         CREATE TABLE triples (id TEXT PRIMARY KEY, subject TEXT, predicate TEXT, object TEXT, valid_from TEXT,
           valid_to TEXT, confidence REAL);
         INSERT INTO entities VALUES ('ann', 'Ann'), ('oslo', 'Oslo');
         INSERT INTO triples VALUES ('t1', 'ann', 'lives_in', 'oslo', '2026-01-01', '2026-02-01', 0.9);",
    );
    place.path("palace")
}

#[test]
fn a_palace_comes_with_its_queue_its_facts_and_its_identity() {
    let place = Place::new();
    let report = place.import(&palace(&place));
    assert_eq!(report.kind, ImportKind::MemPalace);
    assert_eq!(
        (report.read, report.imported, report.refused),
        (9, 7, 2),
        "{report:?}"
    );
    let reasons = |list: &[steadfast::LeftOut]| -> Vec<String> {
        let said = |it: &steadfast::LeftOut| format!("{} {} {}", it.what, it.reason, it.count);
        list.iter().map(said).collect()
    };
    assert_eq!(
        reasons(&report.refusals),
        ["record no_text 1", "tunnel malformed 1"]
    );
    assert_eq!(
        reasons(&report.left_out),
        ["embeddings no_collection 1", "tunnels.json derived 1"]
    );
    let chunks = place.chunks();
    let texts: Vec<(&str, &str)> = chunks
        .iter()
        .map(|(id, chunk)| (id.as_str(), chunk.text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            ("d1", "The kettle is blue."),
            ("d2", "The stove is electric."),
            ("d6", "The cellar is dry."),
            ("identity", "I am Atlas.\n"),
            ("t1", "Ann lives in Oslo"),
            ("u1", "home/kitchen and deep/cellar: the stairs"),
            ("u2", "home/kitchen and deep/cellar belong together"),
        ]
    );
    let tunnel = &chunks["u1"].attributes;
    assert!(tunnel.tags.contains("tunnel"));
    assert_eq!(tunnel.meta["origin.tunnel"]["target"]["drawer_id"], "d6");
    assert_eq!(
        tunnel.document_time,
        Timestamp::parse("2026-01-03T10:00:00Z").ok()
    );
    let drawer = &chunks["d1"];
    assert_eq!(drawer.namespace.as_str(), "home");
    assert_eq!(drawer.source, "mempalace:drawers:/talk.md");
    assert!(drawer.attributes.tags.contains("kitchen"));
    let meta = &drawer.attributes.meta;
    assert_eq!(meta["people"], json!(["Ann", "Bob"]));
    assert_eq!(
        (&meta["weight"], &meta["pinned"]),
        (&json!(0.5), &json!(true))
    );
    assert!(!chunks["d2"].attributes.meta.contains_key("weight"));
    assert_eq!(chunks["d6"].namespace.as_str(), "deep");
    // Index 8 of the file stands before index 9.
    assert_eq!((chunks["d2"].place.position, drawer.place.position), (0, 1));
    assert_eq!(
        chunks["t1"].attributes.valid_to,
        Timestamp::parse("2026-02-01").ok()
    );
}

#[test]
fn a_chroma_database_that_is_no_palace_keeps_its_collections_apart() {
    let place = Place::new();
    let mut sql = format!(
        "{SCHEMA} INSERT INTO collections VALUES ('c1', 'docs');
         INSERT INTO segments VALUES ('m1', 'sqlite', 'METADATA', 'c1');"
    );
    sql += &row(1, "m1", "x", "A page.", "w");
    let source = place.database("chroma.sqlite3", &sql);
    let report = place.import(&source);
    assert_eq!((report.kind, report.imported), (ImportKind::Chroma, 1));
    let chunk = &place.chunks()["x"];
    assert_eq!(
        (chunk.namespace.as_str(), chunk.source.as_str()),
        ("docs", "chroma:docs:/talk.md")
    );
    let mut options = ImportOptions::default();
    options.kind = Some(ImportKind::OpenHuman);
    let error = place
        .memory
        .import(&source, &options, &steadfast::Silent)
        .unwrap_err();
    assert!(
        matches!(error, steadfast::Error::UnknownFormat { .. }),
        "{error}"
    );
}

#[test]
fn times_of_records_are_seconds_or_milliseconds_with_or_without_a_fraction() {
    let place = Place::new();
    let sample = |sample: &&crate::samples::Sample| sample.kind == ImportKind::Chroma;
    let sample = crate::samples::SAMPLES.iter().find(sample).unwrap();
    let path = (sample.make)(&place);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO embedding_metadata (id, key, int_value) VALUES (1, 'timestamp', 1772359200500);
             INSERT INTO embedding_metadata (id, key, float_value) VALUES (2, 'timestamp', 1772359200.5);",
        )
        .unwrap();
    place.import(&path);
    for chunk in place.chunks().values() {
        let time = chunk.attributes.document_time;
        assert_eq!(time, Some(Timestamp(1_772_359_200_500)), "{}", chunk.text);
    }
}

#[test]
fn a_healthy_palace_comes_whole() {
    check_real("mempalace-healthy.tar.xz", "healthy", 3838);
}

#[test]
fn a_palace_torn_by_a_kill_loses_nothing() {
    check_real("mempalace-torn-by-kill.tar.xz", "drifted_kill9", 4438);
}

#[test]
fn a_palace_with_blobs_for_sequence_numbers_comes_whole() {
    check_real("mempalace-blob-seq-id.tar.xz", "blobseq", 357);
}

/// Imports a real palace, and compares every row with what Chroma itself says.
fn check_real(archive: &str, name: &str, rows: u64) {
    let place = Place::new();
    let Some(folder) = unpack(&place, archive) else {
        return;
    };
    let report: ImportReport = place.import(&folder.join(name));
    assert_eq!(
        (report.kind, report.read, report.imported, report.complete),
        (ImportKind::MemPalace, rows, rows, true),
        "{report:?}"
    );
    let chunks = place.chunks();
    let mut seen = 0;
    for (collection, found) in json(&folder.join(format!("{name}.expected.json")))
        .as_object()
        .unwrap()
    {
        for row in found["rows"].as_array().unwrap() {
            let chunk = &chunks[row["id"].as_str().unwrap()];
            assert_eq!(chunk.text, row["document"].as_str().unwrap());
            let mut meta: BTreeMap<&str, &Value> = chunk
                .attributes
                .meta
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            assert_eq!(meta.remove("origin.collection").unwrap(), collection);
            meta.retain(|key, _| !key.starts_with("origin."));
            let expected: BTreeMap<&str, &Value> = row["metadata"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            assert_eq!(meta, expected);
            assert_eq!(chunk.namespace.as_str(), row["metadata"]["wing"]);
            let room = row["metadata"]["room"].as_str();
            assert!(room.is_none_or(|room| chunk.attributes.tags.contains(room)));
            seen += 1;
        }
    }
    assert_eq!(seen, rows);
    let last = chunks.keys().next_back().unwrap();
    finds_by_origin(&place, last, &chunks[last].text);
}

/// Ids of the source can be asked for, in a listing and beside a question.
fn finds_by_origin(place: &Place, id: &str, text: &str) {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphanumeric))
        .take(8)
        .collect();
    let mut request = SearchRequest::new(words.join(" "));
    request.filter = Filter {
        validity: Validity::Any,
        expression: Some(steadfast::model::Expression::parse(&json!({"origin.id": id})).unwrap()),
        ..Filter::default()
    };
    let mut list = steadfast::ListRequest::default();
    list.filter = request.filter.clone();
    assert_eq!(place.memory.list(&list).unwrap().total, 1);
    let answer = place.memory.search(&request).unwrap();
    assert_eq!(answer.hits.len(), 1);
    assert_eq!(crate::support::origin(&answer.hits[0].chunk), id);
}

#[test]
fn a_palace_cut_short_is_an_error_or_not_complete() {
    let place = Place::new();
    let folder = palace(&place);
    let file = folder.join("chroma.sqlite3");
    let whole = fs::read(&file).unwrap();
    for pages in 1..whole.len() / 4096 {
        fs::write(&file, &whole[..pages * 4096]).unwrap();
        check_damaged(&folder, pages);
    }
}

fn check_damaged(folder: &Path, pages: usize) {
    let fresh = Place::new();
    match fresh
        .memory
        .import(folder, &ImportOptions::default(), &steadfast::Silent)
    {
        Ok(report) => {
            assert!(report.adds_up());
            assert!(!report.complete, "{pages} pages: {report:?}");
        }
        Err(error) => assert!(error.to_string().contains("chroma.sqlite3"), "{error}"),
    }
}
