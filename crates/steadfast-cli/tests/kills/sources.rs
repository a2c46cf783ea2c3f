//! Stores of other programs, large enough that their import is several commits.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use steadfast::{ExportOptions, ImportOptions, Memory, Silent};

/// Rows of each; a commit takes about a thousand.
pub(crate) const ROWS: u64 = 1_100;

/// A store to import.
pub(crate) struct Source {
    pub(crate) name: &'static str,
    /// Makes it in a folder, and returns what is imported.
    pub(crate) make: fn(&Path) -> PathBuf,
}

pub(crate) const SOURCES: [Source; 4] = [
    Source {
        name: "palace",
        make: palace,
    },
    Source {
        name: "memtomem",
        make: memtomem,
    },
    Source {
        name: "openhuman",
        make: openhuman,
    },
    Source {
        name: "bundle",
        make: bundle,
    },
];

/// Numbers from 1 to the number of rows, as a table that statements can read.
fn numbered(sql: &str) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) {sql};"
    )
}

fn database(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

/// A thousand drawers that are rows, and more that are in the queue alone; facts and an identity.
fn palace(folder: &Path) -> PathBuf {
    let path = folder.join("palace");
    fs::create_dir(&path).unwrap();
    let schema = "
        CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT, dimension INTEGER);
        CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT, collection TEXT);
        CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT, seq_id INTEGER,
          created_at TEXT);
        CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER,
          float_value REAL, bool_value INTEGER);
        CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TEXT, operation INTEGER, topic TEXT,
          id TEXT, vector BLOB, encoding TEXT, metadata TEXT);
        INSERT INTO collections VALUES ('c', 'mempalace_drawers', 2);
        INSERT INTO segments VALUES ('m', 'sqlite', 'METADATA', 'c');";
    let rows = numbered(
        "INSERT INTO embeddings SELECT i, 'm', 'd' || i, i, '2026-01-01 10:00:00' FROM n WHERE i <= 1000",
    );
    let metadata: String = [
        ("chroma:document", "'The kettle number ' || i || ' is blue.'"),
        ("wing", "'kitchen'"),
        ("source_file", "'/n/' || (i % 22) || '.md'"),
    ]
    .iter()
    .map(|(key, value)| {
        numbered(&format!(
            "INSERT INTO embedding_metadata (id, key, string_value) SELECT i, '{key}', {value} FROM n WHERE i <= 1000"
        ))
    })
    .collect();
    let queue = numbered(
        "INSERT INTO embeddings_queue (seq_id, operation, topic, id, metadata) SELECT i, 0,
           'persistent://default/default/c', 'd' || i, '{\"chroma:document\": \"The cup number ' || i ||
           ' is green.\", \"source_file\": \"/n/' || (i % 22) || '.md\"}' FROM n WHERE i > 1000 AND i < 1098",
    );
    drop(database(
        &path.join("chroma.sqlite3"),
        &format!("{schema}{rows}{metadata}{queue}"),
    ));
    drop(database(
        &path.join("knowledge_graph.sqlite3"),
        "CREATE TABLE triples (id TEXT PRIMARY KEY, subject TEXT, predicate TEXT, object TEXT);
         INSERT INTO triples VALUES ('t1', 'Ann', 'lives_in', 'Oslo'), ('t2', 'Bob', 'lives_in', 'Bern');",
    ));
    fs::write(path.join("identity.txt"), "I am Atlas.\n").unwrap();
    path
}

/// Chunks of which some are there twice.
fn memtomem(folder: &Path) -> PathBuf {
    let path = folder.join("memtomem.db");
    let schema = "
        CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT, content_hash TEXT, source_file TEXT, tags TEXT,
          namespace TEXT, start_line INTEGER, created_at TEXT);";
    let rows = numbered(
        "INSERT INTO chunks SELECT 'a' || i, 'The stove number ' || i || ' is gas.', '', '/n/' || (i % 22) || '.md', '[]',
           'home', i, '2026-01-02T00:00:00Z' FROM n WHERE i <= 1060",
    );
    let twice = "INSERT INTO chunks SELECT 'b' || id, content, content_hash, source_file, tags, namespace, start_line,
           created_at FROM chunks LIMIT 40;";
    drop(database(&path, &format!("{schema}{rows}{twice}")));
    path
}

/// A tree as it is while its program runs: what was written lately is in the log alone.
fn openhuman(folder: &Path) -> PathBuf {
    let schema = "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;
        CREATE TABLE mem_tree_chunks (id TEXT PRIMARY KEY, source_kind TEXT, source_id TEXT, owner TEXT,
          timestamp_ms INTEGER, content TEXT, token_count INTEGER, seq_in_source INTEGER, created_at_ms INTEGER);
        CREATE TABLE mem_tree_summaries (id TEXT PRIMARY KEY, tree_id TEXT, content TEXT, deleted INTEGER,
          sealed_at_ms INTEGER);
        INSERT INTO mem_tree_summaries VALUES ('s1', 't1', 'They spoke often.', 0, 5);";
    let rows = numbered(
        "INSERT INTO mem_tree_chunks SELECT 'h' || i, 'chat', 's' || (i % 22), 'ada', 1750000000000 + i,
           'We meet on day ' || i || '.', 4, i, 1750000000000 + i FROM n WHERE i < 1100",
    );
    let living = folder.join("living.db");
    let connection = database(&living, &format!("{schema}{rows}"));
    let tree = folder.join("memory_tree");
    fs::create_dir(&tree).unwrap();
    for end in ["", "-wal"] {
        let copied = fs::copy(
            folder.join(format!("living.db{end}")),
            tree.join(format!("chunks.db{end}")),
        );
        copied.unwrap();
    }
    drop(connection);
    tree
}

/// A bundle of a store into which another was imported.
fn bundle(folder: &Path) -> PathBuf {
    let from = folder.join("exported");
    fs::create_dir(&from).unwrap();
    let source = palace(&from);
    let memory = Memory::options()
        .create(true)
        .open(from.join("store"))
        .unwrap();
    memory
        .import(&source, &ImportOptions::default(), &Silent)
        .unwrap();
    let path = folder.join("all.bundle");
    memory
        .export(&path, &ExportOptions::default(), &Silent)
        .unwrap();
    path
}
