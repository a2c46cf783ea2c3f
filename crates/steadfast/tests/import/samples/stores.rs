//! Stores of other memories, and bundles of our own.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;
use steadfast::{ExportOptions, Memory, Note, Silent};

use super::write;
use crate::support::Place;

fn chroma_sql(collection: &str) -> String {
    format!(
        "CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT, dimension INTEGER);
         CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT, collection TEXT);
         CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT, seq_id INTEGER,
           created_at TEXT);
         CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER,
           float_value REAL, bool_value INTEGER);
         INSERT INTO collections VALUES ('c', '{collection}', 2);
         INSERT INTO segments VALUES ('m', 'urn:chroma:segment/metadata/sqlite', 'METADATA', 'c');
         INSERT INTO embeddings VALUES (1, 'm', 'd1', 1, '2026-01-01 10:00:00'), (2, 'm', 'd2', 2, '2026-01-01 10:00:00');
         INSERT INTO embedding_metadata (id, key, string_value) VALUES
           (1, 'chroma:document', 'The tea is green.'), (2, 'chroma:document', 'The cup is blue.'),
           (1, 'wing', 'kitchen'), (2, 'wing', 'kitchen');"
    )
}

pub(super) fn palace(place: &Place) -> PathBuf {
    let path = place.database("palace/chroma.sqlite3", &chroma_sql("mempalace_drawers"));
    place.database(
        "palace/knowledge_graph.sqlite3",
        "CREATE TABLE entities (id TEXT PRIMARY KEY, name TEXT);
         CREATE TABLE triples (id TEXT PRIMARY KEY, subject TEXT, predicate TEXT, object TEXT, valid_from TEXT,
           valid_to TEXT, confidence REAL);
         INSERT INTO entities VALUES ('ann', 'Ann');
         INSERT INTO triples VALUES ('t1', 'ann', 'lives_in', 'Oslo', '2026-01-01', NULL, 0.9);",
    );
    let tunnels = json!([{"id": "u1", "source": {"wing": "kitchen", "room": "tea"},
        "target": {"wing": "shop", "room": "cups"}, "label": "cups for tea", "kind": "explicit",
        "created_at": "2026-01-01T10:00:00+00:00"}]);
    write(place, "palace/tunnels.json", &tunnels.to_string());
    path.parent().unwrap().to_owned()
}

pub(super) fn chroma(place: &Place) -> PathBuf {
    place.database("chroma/chroma.sqlite3", &chroma_sql("notes"))
}

pub(super) fn memtomem(place: &Place) -> PathBuf {
    place.database(
        "memtomem/memtomem.db",
        "CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT, content_hash TEXT, source_file TEXT, tags TEXT,
           namespace TEXT, start_line INTEGER, created_at TEXT);
         INSERT INTO chunks VALUES
           ('a', 'The kettle is blue.', '', '/n/k.md', '[]', 'home', 1, '2026-01-02T00:00:00Z'),
           ('b', 'The stove is gas.', '', '/n/k.md', '[]', 'home', 5, '2026-01-03T00:00:00Z');",
    )
}

pub(super) fn memtomem_bundle(place: &Place) -> PathBuf {
    let chunk = |id: &str, text: &str, line: u64| {
        json!({"chunk_id": id, "namespace": "home", "content": text, "source_file": "/n/k.md",
            "heading_hierarchy": ["# Kitchen"], "chunk_type": "markdown_section", "start_line": line, "end_line": line,
            "language": "en", "tags": ["tea"], "created_at": "2026-01-02T00:00:00"})
    };
    let bundle = json!({"version": 2, "exported_at": "2026-02-01T00:00:00", "total_chunks": 2,
        "chunks": [chunk("a", "The kettle is blue.", 1), chunk("b", "The stove is gas.", 5)]});
    write(place, "memtomem-bundle/export.json", &bundle.to_string())
}

pub(super) fn bundle(place: &Place) -> PathBuf {
    exported(place, "bundle/a.bundle")
}

pub(super) fn bundle_packed(place: &Place) -> PathBuf {
    exported(place, "bundle-packed/a.zst")
}

/// Exports some notes of a store; as its name says, plain or packed.
fn exported(place: &Place, name: &str) -> PathBuf {
    let path = place.path(name);
    let store = path.with_extension("store");
    let memory = Memory::options().create(true).open(store).unwrap();
    for text in [
        "The kettle is blue.",
        "The stove is gas.",
        "The door is open.",
    ] {
        let mut note = Note::new(text);
        note.source = Some(format!("kitchen: {text}"));
        memory.remember(&note).unwrap();
    }
    memory
        .export(&path, &ExportOptions::default(), &Silent)
        .unwrap();
    path
}

pub(super) fn openhuman(place: &Place) -> PathBuf {
    place.database(
        "openhuman/chunks.db",
        "CREATE TABLE mem_tree_chunks (id TEXT PRIMARY KEY, source_kind TEXT, source_id TEXT, owner TEXT,
           timestamp_ms INTEGER, content TEXT, token_count INTEGER, seq_in_source INTEGER, created_at_ms INTEGER);
         INSERT INTO mem_tree_chunks VALUES
           ('h1', 'chat', 's', 'ada', 1750000000000, 'We meet on Monday.', 4, 0, 1750000000000),
           ('h2', 'chat', 's', 'ada', 1750000000001, 'Bring the plans.', 4, 1, 1750000000001);",
    )
}

pub(super) fn basic_memory(place: &Place) -> PathBuf {
    let note =
        "---\ntitle: Tea\ntags: [drink]\n---\n\n- [fact] It is green.\n- goes_with [[Cups]]\n";
    write(place, "basic/notes/tea.md", note);
    let notes = place.path("basic/notes/x").parent().unwrap().to_owned();
    place.database(
        "basic/db/memory.db",
        &format!(
            "CREATE TABLE project (id INTEGER PRIMARY KEY, name TEXT, path TEXT);
             CREATE TABLE entity (id INTEGER PRIMARY KEY, title TEXT, entity_type TEXT, entity_metadata TEXT,
               content_type TEXT, project_id INTEGER, permalink TEXT, file_path TEXT, checksum TEXT, created_at TEXT);
             CREATE TABLE observation (id INTEGER PRIMARY KEY, entity_id INTEGER, content TEXT, category TEXT,
               context TEXT, tags TEXT);
             CREATE TABLE relation (id INTEGER PRIMARY KEY, from_id INTEGER, to_id INTEGER, to_name TEXT,
               relation_type TEXT, context TEXT);
             CREATE TABLE note_content (entity_id INTEGER PRIMARY KEY, markdown_content TEXT);
             INSERT INTO project VALUES (1, 'main', '{}');
             INSERT INTO entity VALUES
               (1, 'Tea', 'note', NULL, 'text/markdown', 1, 'tea', 'tea.md', '{}', '2026-01-01 10:00:00'),
               (2, 'Cups', 'note', NULL, 'text/markdown', 1, 'cups', 'cups.md', 'x', '2026-01-01 10:00:00');
             INSERT INTO observation VALUES (1, 1, 'It is green.', 'fact', NULL, '[]'),
               (2, 2, 'They are blue.', 'fact', NULL, '[]');
             INSERT INTO relation VALUES (1, 1, 2, 'Cups', 'goes_with', NULL);
             INSERT INTO note_content VALUES (2, '- [fact] They are blue.');",
            notes.display().to_string().replace('\'', "''"),
            sha256(note),
        ),
    )
}

/// The hash of the note above, which is what basic-memory keeps of a file.
fn sha256(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

pub(super) fn claude_mem(place: &Place) -> PathBuf {
    place.database(
        "claude-mem/claude-mem.db",
        "CREATE TABLE sdk_sessions (id INTEGER PRIMARY KEY, content_session_id TEXT UNIQUE, memory_session_id TEXT,
           project TEXT, user_prompt TEXT, started_at TEXT, started_at_epoch INTEGER);
         CREATE TABLE observations (id INTEGER PRIMARY KEY, memory_session_id TEXT, project TEXT, text TEXT, type TEXT,
           title TEXT, subtitle TEXT, facts TEXT, narrative TEXT, concepts TEXT, files_read TEXT, files_modified TEXT,
           prompt_number INTEGER, created_at TEXT, created_at_epoch INTEGER);
         CREATE TABLE session_summaries (id INTEGER PRIMARY KEY, memory_session_id TEXT, project TEXT, request TEXT,
           investigated TEXT, learned TEXT, completed TEXT, next_steps TEXT, files_read TEXT, files_edited TEXT,
           notes TEXT, prompt_number INTEGER, created_at TEXT, created_at_epoch INTEGER);
         CREATE TABLE user_prompts (id INTEGER PRIMARY KEY, content_session_id TEXT, prompt_number INTEGER,
           prompt_text TEXT, created_at TEXT, created_at_epoch INTEGER);
         CREATE TABLE pending_messages (id INTEGER PRIMARY KEY);
         INSERT INTO sdk_sessions VALUES (1, 'host', 'own', 'shop', 'Which port?', '2026-03-01', 1772359200000);
         INSERT INTO observations VALUES
           (1, 'own', 'shop', NULL, 'discovery', 'The port', 'Of the proxy', '[\"It is 8443\", \"Not 80\"]',
            'The unit file says it.', '[\"network\"]', '[\"a.conf\"]', '[]', 1, '2026-03-01', 1772359200000),
           (2, 'own', 'shop', 'An older text.', 'change', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, '2026-03-01',
            1772359201000);
         INSERT INTO session_summaries VALUES (1, 'own', 'shop', 'Find the port', NULL, 'It is 8443', 'Yes', 'None',
           '[]', '[]', NULL, 1, '2026-03-01', 1772359202000);
         INSERT INTO user_prompts VALUES (1, 'host', 1, 'Which port?', '2026-03-01', 1772359200000);
         INSERT INTO pending_messages VALUES (1);",
    )
}

/// A point of Qdrant's local mode, by `pickletools`: protocol 4, a model of pydantic 2.
pub(crate) fn point(id: &str, text: &str) -> Vec<u8> {
    point_with(id, text, &[("user_id", "ada")])
}

/// A point with other facts beside its text.
pub(crate) fn point_with(id: &str, text: &str, facts: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0x80, 4];
    let mut put = |part: &[u8], text: &str| {
        bytes.extend_from_slice(part);
        if !text.is_empty() {
            bytes.extend([b'X']);
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    };
    put(b"", "qdrant_client.http.models.models");
    put(b"", "PointStruct");
    put(b"\x93)\x81}(", "__dict__");
    put(b"}(", "id");
    put(b"", id);
    put(b"", "vector");
    put(b"](G\x3f\xb9\x99\x99\x99\x99\x99\x9ae", "payload");
    put(b"}(", "data");
    put(b"", text);
    for (name, value) in facts {
        put(b"", name);
        put(b"", value);
    }
    put(b"uuub.", "");
    bytes
}

const HISTORY: &str = "
CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, old_memory TEXT, new_memory TEXT, event TEXT,
  created_at DATETIME, updated_at DATETIME, is_deleted INTEGER, actor_id TEXT, role TEXT);
CREATE TABLE messages (id TEXT PRIMARY KEY, session_scope TEXT, role TEXT, content TEXT, name TEXT, created_at DATETIME);
INSERT INTO history VALUES
  ('e1', 'm1', NULL, 'Likes tea.', 'ADD', '2026-01-01T10:00:00+00:00', NULL, 0, NULL, 'user'),
  ('e2', 'm1', 'Likes tea.', 'Likes green tea.', 'UPDATE', '2026-01-01T10:00:00+00:00', '2026-01-02T10:00:00+00:00', 0, NULL, 'user'),
  ('e3', 'm2', NULL, 'Has a cat.', 'ADD', '2026-01-01T10:00:00+00:00', NULL, 0, NULL, 'user'),
  ('e4', 'm2', 'Has a cat.', NULL, 'DELETE', NULL, NULL, 1, NULL, NULL);
INSERT INTO messages VALUES ('x1', 'user_id=ada', 'user', 'I like green tea.', NULL, '2026-01-02T10:00:00+00:00');
";

pub(super) fn mem0_history(place: &Place) -> PathBuf {
    place.database("mem0-history/history.db", HISTORY)
}

pub(super) fn mem0(place: &Place) -> PathBuf {
    let path = place.database("mem0/history.db", HISTORY);
    let points = place.database(
        "mem0/qdrant/collection/mem0/storage.sqlite",
        "CREATE TABLE points (id TEXT PRIMARY KEY, point BLOB);",
    );
    let connection = rusqlite::Connection::open(points).unwrap();
    for (id, text) in [("m1", "Likes green tea."), ("m3", "Lives in Bern.")] {
        connection
            .execute("INSERT INTO points VALUES (?1, ?2)", (id, point(id, text)))
            .unwrap();
    }
    path.parent().unwrap().to_owned()
}

pub(super) fn mcp(place: &Place) -> PathBuf {
    place.database(
        "mcp/sqlite_vec.db",
        "CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
         CREATE TABLE memories (id INTEGER PRIMARY KEY AUTOINCREMENT, content_hash TEXT UNIQUE NOT NULL,
           content TEXT NOT NULL, tags TEXT, memory_type TEXT, metadata TEXT, created_at REAL, updated_at REAL,
           created_at_iso TEXT, updated_at_iso TEXT, deleted_at REAL DEFAULT NULL);
         CREATE TABLE memory_graph (source_hash TEXT, target_hash TEXT, similarity REAL);
         INSERT INTO memories (content_hash, content, tags, memory_type, metadata, created_at, deleted_at) VALUES
           ('h1', 'The port is 8443.', 'net, proxy', 'fact', '{\"by\": \"ada\"}', 1772359200.5, NULL),
           ('h2', 'The host is calm.', '', 'note', '{}', 1772359201.0, NULL),
           ('h3', 'It was wrong.', '', 'note', '{}', 1772359201.0, 1772359300.0);
         INSERT INTO memory_graph VALUES ('h1', 'h2', 0.5);",
    )
}
