//! A small healthy input of each kind, as its program would have made it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast::{ExportOptions, ImportKind, Memory, Note, Silent};
use zip::write::SimpleFileOptions;

use crate::support::Place;
use crate::vectors::with_index;

/// An input and what it is.
pub(crate) struct Sample {
    pub(crate) kind: ImportKind,
    /// What sets it apart from others of its kind.
    pub(crate) name: &'static str,
    /// Makes it, and returns what is imported.
    pub(crate) make: fn(&Place) -> PathBuf,
    /// Memories that it holds.
    pub(crate) read: u64,
}

const fn sample(
    kind: ImportKind,
    name: &'static str,
    make: fn(&Place) -> PathBuf,
    read: u64,
) -> Sample {
    Sample {
        kind,
        name,
        make,
        read,
    }
}

pub(crate) const SAMPLES: &[Sample] = &[
    sample(ImportKind::MemPalace, "folder", palace, 4),
    sample(ImportKind::MemPalace, "vectors", with_index, 12),
    sample(ImportKind::Chroma, "database", chroma, 2),
    sample(ImportKind::Memtomem, "database", memtomem, 2),
    sample(ImportKind::Memtomem, "bundle", memtomem_bundle, 2),
    sample(ImportKind::OpenHuman, "database", openhuman, 2),
    sample(ImportKind::Bundle, "file", bundle, 3),
    sample(ImportKind::Bundle, "packed", bundle_packed, 3),
    sample(ImportKind::ClaudeCode, "folder", claude_code, 2),
    sample(ImportKind::Codex, "folder", codex, 2),
    sample(ImportKind::ChatGpt, "file", chat_gpt, 2),
    sample(ImportKind::ChatGpt, "archive", chat_gpt_zip, 4),
    sample(ImportKind::ClaudeAi, "file", claude_ai, 2),
    sample(ImportKind::ClaudeAi, "archive", claude_ai_zip, 2),
    sample(ImportKind::Gemini, "folder", gemini, 6),
    sample(ImportKind::Gemini, "lines", gemini_lines, 3),
    sample(ImportKind::Cursor, "database", cursor, 5),
    sample(ImportKind::Slack, "folder", slack, 4),
    sample(ImportKind::Slack, "archive", slack_zip, 4),
    sample(ImportKind::Obsidian, "folder", obsidian, 3),
    sample(ImportKind::Obsidian, "archive", obsidian_zip, 3),
    sample(ImportKind::Notion, "folder", notion, 4),
    sample(ImportKind::Notion, "archive", notion_zip, 4),
    sample(ImportKind::BasicMemory, "database", basic_memory, 5),
    sample(ImportKind::ClaudeMem, "database", claude_mem, 4),
    sample(ImportKind::Mem0, "folder", mem0, 3),
    sample(ImportKind::Mem0, "history", mem0_history, 2),
    sample(ImportKind::McpMemoryService, "database", mcp, 2),
    sample(ImportKind::Transcript, "file", transcript, 4),
];

pub(crate) fn lines(values: &[Value]) -> String {
    let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
    lines.concat()
}

pub(crate) fn write(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.path(name);
    fs::write(&path, text).unwrap();
    path
}

/// Packs files into an archive.
pub(crate) fn pack(path: &Path, files: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

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

fn palace(place: &Place) -> PathBuf {
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

fn chroma(place: &Place) -> PathBuf {
    place.database("chroma/chroma.sqlite3", &chroma_sql("notes"))
}

fn memtomem(place: &Place) -> PathBuf {
    place.database(
        "memtomem/memtomem.db",
        "CREATE TABLE chunks (id TEXT PRIMARY KEY, content TEXT, content_hash TEXT, source_file TEXT, tags TEXT,
           namespace TEXT, start_line INTEGER, created_at TEXT);
         INSERT INTO chunks VALUES
           ('a', 'The kettle is blue.', '', '/n/k.md', '[]', 'home', 1, '2026-01-02T00:00:00Z'),
           ('b', 'The stove is gas.', '', '/n/k.md', '[]', 'home', 5, '2026-01-03T00:00:00Z');",
    )
}

fn memtomem_bundle(place: &Place) -> PathBuf {
    let chunk = |id: &str, text: &str, line: u64| {
        json!({"chunk_id": id, "namespace": "home", "content": text, "source_file": "/n/k.md",
            "heading_hierarchy": ["# Kitchen"], "chunk_type": "markdown_section", "start_line": line, "end_line": line,
            "language": "en", "tags": ["tea"], "created_at": "2026-01-02T00:00:00"})
    };
    let bundle = json!({"version": 2, "exported_at": "2026-02-01T00:00:00", "total_chunks": 2,
        "chunks": [chunk("a", "The kettle is blue.", 1), chunk("b", "The stove is gas.", 5)]});
    write(place, "memtomem-bundle/export.json", &bundle.to_string())
}

fn bundle(place: &Place) -> PathBuf {
    exported(place, "bundle/a.bundle")
}

fn bundle_packed(place: &Place) -> PathBuf {
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

fn openhuman(place: &Place) -> PathBuf {
    place.database(
        "openhuman/chunks.db",
        "CREATE TABLE mem_tree_chunks (id TEXT PRIMARY KEY, source_kind TEXT, source_id TEXT, owner TEXT,
           timestamp_ms INTEGER, content TEXT, token_count INTEGER, seq_in_source INTEGER, created_at_ms INTEGER);
         INSERT INTO mem_tree_chunks VALUES
           ('h1', 'chat', 's', 'ada', 1750000000000, 'We meet on Monday.', 4, 0, 1750000000000),
           ('h2', 'chat', 's', 'ada', 1750000000001, 'Bring the plans.', 4, 1, 1750000000001);",
    )
}

fn claude_code(place: &Place) -> PathBuf {
    let said = |uuid: &str, role: &str, text: &str| {
        json!({"type": role, "uuid": uuid, "sessionId": "s", "timestamp": "2026-03-01T10:00:00.000Z",
               "message": {"role": role, "content": text}})
    };
    let log = lines(&[
        said("u1", "user", "Which port?"),
        said("u2", "assistant", "Port 8443."),
    ]);
    let path = write(place, "claude/-work/abc.jsonl", &log);
    path.parent().unwrap().to_owned()
}

fn codex(place: &Place) -> PathBuf {
    let item = |role: &str, text: &str| {
        json!({"timestamp": "2026-03-01T10:00:00Z", "type": "response_item", "payload":
            {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}})
    };
    let log = lines(&[item("user", "Mend it."), item("assistant", "It is mended.")]);
    let path = write(place, "codex/rollout-1.jsonl", &log);
    path.parent().unwrap().to_owned()
}

pub(crate) fn gpt_chats(id: &str) -> Value {
    let node = |parent: Value, role: &str, text: &str, at: f64| {
        json!({"parent": parent, "message": {"author": {"role": role}, "create_time": at,
               "content": {"content_type": "text", "parts": [text]}}})
    };
    json!([{"title": "Ports", "conversation_id": id, "create_time": 1_700_000_000.5, "current_node": "b",
        "mapping": {
            "root": {"parent": null, "message": null},
            "a": node(json!("root"), "user", "Which port?", 1.0),
            "b": node(json!("a"), "assistant", "8443.", 2.0),
    }}])
}

fn chat_gpt(place: &Place) -> PathBuf {
    write(
        place,
        "gpt/conversations.json",
        &gpt_chats("g1").to_string(),
    )
}

fn chat_gpt_zip(place: &Place) -> PathBuf {
    let path = place.path("gpt-zip/export.zip");
    let (first, second) = (gpt_chats("g1").to_string(), gpt_chats("g2").to_string());
    pack(
        &path,
        &[
            ("export/user.json", b"{\"email\": \"a@b.example\"}"),
            ("export/conversations-000.json", first.as_bytes()),
            ("export/conversations-001.json", second.as_bytes()),
        ],
    );
    path
}

fn claude_chats() -> String {
    json!([{"uuid": "k1", "name": "Tea", "created_at": "2026-03-01T10:00:00Z", "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "Green?", "content": [{"type": "text", "text": "Green?"}]},
        {"uuid": "m2", "sender": "assistant", "text": "Yes, green."}]}])
    .to_string()
}

fn claude_ai(place: &Place) -> PathBuf {
    write(place, "claude-ai/conversations.json", &claude_chats())
}

fn claude_ai_zip(place: &Place) -> PathBuf {
    let path = place.path("claude-ai-zip/data.zip");
    let chats = claude_chats();
    pack(
        &path,
        &[
            ("conversations.json", chats.as_bytes()),
            ("users.json", b"[]"),
        ],
    );
    path
}

pub(crate) fn gemini_session() -> Value {
    json!({"sessionId": "s1", "projectHash": "p", "startTime": "2026-03-01T10:00:00.000Z",
        "lastUpdated": "2026-03-01T10:01:00.000Z", "messages": [
            {"id": "m1", "timestamp": "2026-03-01T10:00:00.000Z", "type": "user", "content": "Which port?"},
            {"id": "m2", "timestamp": "2026-03-01T10:00:10.000Z", "type": "gemini", "content": [{"text": "8443."}],
             "thoughts": [{"subject": "Looking", "description": "In the unit file."}], "model": "gemini-3",
             "toolCalls": [
                {"id": "t1", "name": "run_shell_command", "args": {"command": "ss -l"}, "status": "success",
                 "timestamp": "2026-03-01T10:00:05.000Z",
                 "result": [{"functionResponse": {"id": "t1", "response": {"output": "LISTEN 8443"}}}]},
                {"id": "t2", "name": "read_file", "args": {}, "status": "executing"}]},
            {"id": "m3", "timestamp": "2026-03-01T10:01:00.000Z", "type": "info", "content": "Update ready."}]})
}

fn gemini(place: &Place) -> PathBuf {
    // As the program writes it, over several lines.
    let session = serde_json::to_string_pretty(&gemini_session()).unwrap();
    write(
        place,
        "gemini/p/chats/session-2026-03-01T10-00-s1.json",
        &session,
    );
    let prompts = json!([
        {"sessionId": "s1", "messageId": 0, "type": "user", "message": "Which port?", "timestamp": "2026-03-01T10:00:00.000Z"},
        {"sessionId": "s0", "messageId": 0, "type": "user", "message": "An older question.", "timestamp": "2026-02-01T10:00:00.000Z"}]);
    write(place, "gemini/p/logs.json", &prompts.to_string());
    place.path("gemini/x").parent().unwrap().to_owned()
}

fn gemini_lines(place: &Place) -> PathBuf {
    let log = lines(&[
        json!({"sessionId": "s2", "projectHash": "p", "startTime": "2026-03-01T10:00:00.000Z", "kind": "main"}),
        json!({"id": "m1", "timestamp": "2026-03-01T10:00:00.000Z", "type": "user", "content": "Which port?"}),
        json!({"id": "m2", "timestamp": "2026-03-01T10:00:01.000Z", "type": "gemini", "content": "8443."}),
        json!({"id": "m2", "timestamp": "2026-03-01T10:00:01.000Z", "type": "gemini", "content": "8443.",
               "toolCalls": [{"id": "t", "name": "ls", "args": {}, "status": "cancelled"}]}),
        json!({"$set": {"summary": "Ports"}}),
        json!({"$rewindTo": "m1"}),
    ]);
    write(place, "gemini-lines/session-2.jsonl", &log)
}

fn cursor(place: &Place) -> PathBuf {
    let chat = json!({"_v": 10, "composerId": "c1", "name": "Ports", "createdAt": 1_750_000_000_000_i64,
        "fullConversationHeadersOnly": [{"bubbleId": "b1", "type": 1}, {"bubbleId": "b2", "type": 2},
            {"bubbleId": "b3", "type": 2}], "generatingBubbleIds": ["b3"]});
    let bubbles = [
        (
            "b2",
            json!({"type": 2, "bubbleId": "b2", "text": "8443.", "thinking": {"text": "The unit file."},
            "toolFormerData": {"name": "run_terminal_cmd", "rawArgs": "{\"command\":\"ss -l\"}", "result": "LISTEN 8443"}}),
        ),
        (
            "b1",
            json!({"type": 1, "bubbleId": "b1", "text": "Which port?", "createdAt": "2026-03-01T10:00:00.000Z"}),
        ),
        (
            "b3",
            json!({"type": 2, "bubbleId": "b3", "text": "Half a sen"}),
        ),
    ];
    let old = json!({"composerId": "c0", "conversation": [{"type": 1, "bubbleId": "o1", "text": "Older."}]});
    let panel = json!({"tabs": [{"tabId": "t1", "chatTitle": "Oldest", "bubbles": [
        {"type": "user", "id": "p1", "text": "Hello?"}, {"type": "ai", "id": "p2", "rawText": "Yes."}]}]});
    let text = |value: &Value| value.to_string().replace('\'', "''");
    let mut sql = "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
         CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
         INSERT INTO cursorDiskKV VALUES ('checkpointId:x', '{}');"
        .to_owned();
    let mut put = |table: &str, key: &str, value: &Value| {
        let value = text(value);
        write!(sql, "INSERT INTO {table} VALUES ('{key}', '{value}');").unwrap();
    };
    put("cursorDiskKV", "composerData:c1", &chat);
    put("cursorDiskKV", "composerData:c0", &old);
    for (id, bubble) in &bubbles {
        put("cursorDiskKV", &format!("bubbleId:c1:{id}"), bubble);
    }
    put(
        "ItemTable",
        "workbench.panel.aichat.view.aichat.chatdata",
        &panel,
    );
    place.database("cursor/state.vscdb", &sql)
}

/// Files of a Slack export.
pub(crate) fn slack_files() -> Vec<(&'static str, String)> {
    let users = json!([{"id": "U1", "name": "ada", "profile": {"real_name": "Ada L"}}]);
    let channels = json!([{"id": "C1", "name": "general", "purpose": {"value": "All of it"}}]);
    let first = json!([
        {"type": "message", "subtype": "channel_join", "user": "U1", "ts": "1772359200.000100", "text": "<@U1> has joined"},
        {"type": "message", "user": "U1", "ts": "1772359201.000200", "text": "Which port &amp; host?",
         "thread_ts": "1772359201.000200", "reply_count": 1},
        {"type": "message", "user": "U2", "user_profile": {"real_name": "Bob"}, "ts": "1772359202.000300",
         "text": "<@U1> 8443", "thread_ts": "1772359201.000200"}]);
    let second = json!([
        {"type": "message", "user": "U1", "ts": "1772445600.000100", "text": "Thanks.",
         "files": [{"id": "F1", "name": "unit.txt"}]},
        {"type": "message", "subtype": "bot_message", "username": "ci", "ts": "1772445601.000100", "text": "",
         "attachments": [{"fallback": "Build 7 passed"}]}]);
    vec![
        ("users.json", users.to_string()),
        ("channels.json", channels.to_string()),
        ("integration_logs.json", "[]".to_owned()),
        ("general/2026-03-01.json", first.to_string()),
        ("general/2026-03-02.json", second.to_string()),
    ]
}

fn lay(place: &Place, folder: &str, files: &[(&str, String)]) -> PathBuf {
    for (name, text) in files {
        write(place, &format!("{folder}/{name}"), text);
    }
    place
        .path(&format!("{folder}/x"))
        .parent()
        .unwrap()
        .to_owned()
}

fn zipped(place: &Place, name: &str, files: &[(&str, String)]) -> PathBuf {
    let path = place.path(name);
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    pack(&path, &files);
    path
}

fn slack(place: &Place) -> PathBuf {
    lay(place, "slack", &slack_files())
}

fn slack_zip(place: &Place) -> PathBuf {
    zipped(place, "slack-zip/export.zip", &slack_files())
}

fn vault_files() -> Vec<(&'static str, String)> {
    vec![
        (".obsidian/app.json", "{}".to_owned()),
        (
            "Tea.md",
            "---\ntags: [drink]\n---\n# Green\n\nSee [[Cups|the cups]] #hot\n".to_owned(),
        ),
        ("rooms/Cups.md", "Blue cups.\n".to_owned()),
        ("rooms/plan.canvas", "{}".to_owned()),
        ("cup.png", "?".to_owned()),
    ]
}

fn obsidian(place: &Place) -> PathBuf {
    lay(place, "vault", &vault_files())
}

fn obsidian_zip(place: &Place) -> PathBuf {
    zipped(place, "vault-zip/vault.zip", &vault_files())
}

const PAGE: &str = "Plan 0123456789abcdef0123456789abcdef.md";
const NAMESAKE: &str = "Work/Plan fedcba9876543210fedcba9876543210.md";
const TABLE: &str = "Work/Tasks 00112233445566778899aabbccddeeff.csv";
const TABLE_ALL: &str = "Work/Tasks 00112233445566778899aabbccddeeff_all.csv";

pub(crate) fn notion_files() -> Vec<(&'static str, String)> {
    vec![
        (PAGE, "# Plan\n\nSow in March.\n".to_owned()),
        (NAMESAKE, "# Plan\n\nShip in May.\n".to_owned()),
        (TABLE, "\u{feff}Name,State\nTest,open\n".to_owned()),
        (
            TABLE_ALL,
            "\u{feff}Name,State\nTest,open\n\"Docs, all\",done\n".to_owned(),
        ),
        ("Work/picture.png", "?".to_owned()),
    ]
}

fn notion(place: &Place) -> PathBuf {
    lay(place, "notion", &notion_files())
}

/// As Notion packs it: an archive in an archive.
fn notion_zip(place: &Place) -> PathBuf {
    let inner = zipped(place, "notion-zip/inner/part.zip", &notion_files());
    let path = place.path("notion-zip/export.zip");
    let bytes = fs::read(inner).unwrap();
    pack(&path, &[("Export-1b2c-Part-1.zip", &bytes)]);
    path
}

fn basic_memory(place: &Place) -> PathBuf {
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

fn claude_mem(place: &Place) -> PathBuf {
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
    put(b"", "user_id");
    put(b"", "ada");
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

fn mem0_history(place: &Place) -> PathBuf {
    place.database("mem0-history/history.db", HISTORY)
}

fn mem0(place: &Place) -> PathBuf {
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

fn mcp(place: &Place) -> PathBuf {
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

fn transcript(place: &Place) -> PathBuf {
    write(
        place,
        "talk/talk.txt",
        "> Which port?\n\n8443.\n\n> And for staging?\n\n6432.\n",
    )
}
