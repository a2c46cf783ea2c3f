//! Stores of other memory programs: what they hold comes, what they deleted does not.

use std::fs;

use rusqlite::Connection;
use steadfast::model::Timestamp;
use steadfast::{ImportKind, ImportOptions, OnConflict};

use crate::samples::{SAMPLES, point, point_with};
use crate::support::Place;

fn sample(kind: ImportKind, place: &Place) -> std::path::PathBuf {
    let found = SAMPLES.iter().find(|sample| sample.kind == kind).unwrap();
    (found.make)(place)
}

#[test]
fn basic_memory_gives_the_note_when_it_has_its_hash() {
    let place = Place::new();
    let path = sample(ImportKind::BasicMemory, &place);
    let report = place.import(&path);
    // Two notes, one with its front matter apart, and two observations that are lines of them.
    assert_eq!((report.imported, report.reused), (3, 2), "{report:?}");
    let chunks = place.chunks();
    let tea = chunks
        .values()
        .find(|chunk| chunk.text.contains("It is green"))
        .unwrap();
    assert!(tea.text.contains("- [fact] It is green."));
    assert_eq!(tea.namespace.as_str(), "main");
    assert_eq!(tea.attributes.meta["origin.permalink"], "tea");
    assert_eq!(tea.attributes.meta["origin.relations"][0]["to"], "cups");
    // A file that is another than the database knows is not read: its path says nothing about whose it is.
    let place = Place::new();
    let path = sample(ImportKind::BasicMemory, &place);
    fs::write(place.path("basic/notes/tea.md"), "Something else.").unwrap();
    let report = place.import(&path);
    assert_eq!((report.complete, report.refused), (false, 1), "{report:?}");
    assert_eq!(report.refusals[0].reason, "text_missing");
    let chunks = place.chunks();
    assert_eq!(chunks["observation:1"].text, "It is green.");
    assert!(chunks.values().all(|chunk| chunk.text != "Something else."));
}

#[test]
fn claude_mem_gives_observations_summaries_and_prompts_of_one_session() {
    let place = Place::new();
    let report = place.import(&sample(ImportKind::ClaudeMem, &place));
    assert_eq!(report.imported, 4, "{report:?}");
    let chunks = place.chunks();
    let seen = &chunks["observation:1"];
    assert_eq!(
        seen.text,
        "The port\n\nOf the proxy\n\nThe unit file says it.\n\n- It is 8443\n- Not 80"
    );
    assert!(seen.place.fidelity.converted);
    assert_eq!(seen.namespace.as_str(), "shop");
    assert!(seen.attributes.tags.contains("network"));
    assert_eq!(
        seen.attributes.document_time,
        Some(Timestamp(1_772_359_200_000))
    );
    assert_eq!(
        chunks["summary:1"].text,
        "request: Find the port\n\nlearned: It is 8443\n\ncompleted: Yes\n\nnext steps: None"
    );
    assert_eq!(chunks["prompt:1"].text, "Which port?");
    assert!(
        chunks
            .values()
            .all(|chunk| chunk.source == "claude-mem:own")
    );
}

#[test]
fn claude_mem_of_another_version_is_read_and_what_is_missing_is_told() {
    let place = Place::new();
    let path = sample(ImportKind::ClaudeMem, &place);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "ALTER TABLE sdk_sessions RENAME COLUMN memory_session_id TO sdk_session_id;
             ALTER TABLE observations RENAME COLUMN memory_session_id TO sdk_session_id;
             ALTER TABLE observations ADD COLUMN of_the_future TEXT;
             DROP TABLE user_prompts; DROP TABLE session_summaries;
             CREATE TABLE memories (id INTEGER, text TEXT); INSERT INTO memories VALUES (1, 'Old.');",
        )
        .unwrap();
    let report = place.import(&path);
    assert_eq!((report.imported, report.complete), (2, false), "{report:?}");
    for word in ["session_summaries", "prompts", "memories"] {
        assert!(
            report.warnings.iter().any(|line| line.contains(word)),
            "{word}"
        );
    }
    let chunks = place.chunks();
    assert_eq!(chunks["observation:2"].source, "claude-mem:own");
}

#[test]
fn mem0_follows_its_history_and_reads_its_points_without_running_them() {
    let place = Place::new();
    let folder = sample(ImportKind::Mem0, &place);
    let report = place.import(&folder);
    assert_eq!((report.imported, report.complete), (3, true), "{report:?}");
    let chunks = place.chunks();
    assert_eq!(chunks["m1"].text, "Likes green tea.");
    assert_eq!(chunks["m1"].attributes.meta["origin.user_id"], "ada");
    assert_eq!(chunks["m3"].text, "Lives in Bern.");
    assert_eq!(chunks["message:x1"].text, "I like green tea.");
    assert!(!chunks.contains_key("m2"), "it was deleted");
    // A memory that has changed is refused or taken, as is asked for.
    let points = folder.join("qdrant/collection/mem0/storage.sqlite");
    let connection = Connection::open(&points).unwrap();
    connection
        .execute(
            "UPDATE points SET point = ?1 WHERE id = 'm3'",
            [point("m3", "Lives in Basel.")],
        )
        .unwrap();
    drop(connection);
    assert_eq!(place.import(&folder).refused, 1);
    let mut options = ImportOptions::default();
    options.on_conflict = OnConflict::Update;
    let report = place
        .memory
        .import(&folder, &options, &steadfast::Silent)
        .unwrap();
    assert_eq!((report.updated, report.refused), (1, 0));
    // A point that would run something is refused by the name of what it calls.
    let connection = Connection::open(&points).unwrap();
    let evil = b"cos\nsystem\n(S'true'\ntR.".to_vec();
    connection
        .execute("INSERT INTO points VALUES ('evil', ?1)", [evil])
        .unwrap();
    drop(connection);
    let report = place.import(&folder);
    assert_eq!((report.refused, report.complete), (1, false));
    assert_eq!(report.refusals[0].reason, "foreign_class");
    assert!(
        report
            .warnings
            .iter()
            .any(|line| line.contains("os.system"))
    );
}

#[test]
fn mem0_history_alone_gives_the_last_text_of_each_memory() {
    let place = Place::new();
    let path = sample(ImportKind::Mem0, &place).join("history.db");
    let report = place.import(&path);
    assert_eq!(report.imported, 2);
    let chunks = place.chunks();
    assert_eq!(chunks["m1"].text, "Likes green tea.");
    let left: Vec<(&str, u64)> = report
        .left_out
        .iter()
        .map(|left| (left.reason.as_str(), left.count))
        .collect();
    assert_eq!(left, [("superseded", 2), ("deleted", 1)]);
}

/// Makes a collection of mem0 with these points.
fn collection(place: &Place, name: &str, points: &[(&str, Vec<u8>)]) -> std::path::PathBuf {
    let path = place.database(
        &format!("points/collection/{name}/storage.sqlite"),
        "CREATE TABLE points (id TEXT PRIMARY KEY, point BLOB);",
    );
    let connection = Connection::open(&path).unwrap();
    for (id, point) in points {
        connection
            .execute("INSERT INTO points VALUES (?1, ?2)", (id, point))
            .unwrap();
    }
    place.path("points/x").parent().unwrap().to_owned()
}

#[test]
fn mem0_facts_with_the_names_of_the_origin_leave_it_alone() {
    let place = Place::new();
    let facts = [("kind", "preference"), ("id", "custom")];
    let folder = collection(
        &place,
        "mem0",
        &[("m1", point_with("m1", "Likes tea.", &facts))],
    );
    assert_eq!(place.import(&folder).imported, 1);
    let meta = &place.chunks()["m1"].attributes.meta;
    assert_eq!(meta["origin.kind"], "mem0");
    assert_eq!(meta["origin.source.kind"], "preference");
    assert_eq!(meta["origin.source.id"], "custom");
    // So a text that was changed there is the same memory.
    let changed = point_with("m1", "Likes coffee.", &facts);
    let points = folder.join("collection/mem0/storage.sqlite");
    Connection::open(points)
        .unwrap()
        .execute("UPDATE points SET point = ?1", [changed])
        .unwrap();
    assert_eq!(place.import(&folder).refused, 1);
}

#[test]
fn mem0_gives_the_points_of_all_collections_also_where_they_share_an_id() {
    let place = Place::new();
    collection(&place, "archive", &[("1", point("1", "Likes milk."))]);
    let folder = collection(&place, "mem0", &[("1", point("1", "Likes tea."))]);
    let report = place.import(&folder);
    assert_eq!((report.imported, report.complete), (2, true), "{report:?}");
    let found = |place: &Place| -> Vec<(String, String)> {
        let mut request = steadfast::ListRequest::default();
        request.limit = 10;
        let chunks = place.memory.list(&request).unwrap().chunks;
        let mut found: Vec<_> = chunks
            .into_iter()
            .map(|chunk| (chunk.source, chunk.text))
            .collect();
        found.sort();
        found
    };
    let both = [
        ("mem0:1".to_owned(), "Likes tea.".to_owned()),
        ("mem0:archive:1".to_owned(), "Likes milk.".to_owned()),
    ];
    assert_eq!(found(&place), both);
    // One collection more changes neither.
    collection(&place, "aside", &[("1", point("1", "Likes rum."))]);
    let report = place.import(&folder);
    assert_eq!((report.imported, report.reused), (1, 2), "{report:?}");
    assert_eq!(found(&place).len(), 3);
    // Two points of one collection with one id cannot both be called by it.
    collection(
        &place,
        "other",
        &[("1", point("x", "One.")), ("2", point("x", "Two."))],
    );
    let report = place.import(&folder);
    assert_eq!((report.imported, report.refused), (1, 1), "{report:?}");
    assert_eq!(report.refusals[0].reason, "same_id");
}

#[test]
fn mcp_memory_service_gives_memories_with_tags_and_metadata() {
    let place = Place::new();
    let report = place.import(&sample(ImportKind::McpMemoryService, &place));
    assert_eq!(report.imported, 2);
    let chunks = place.chunks();
    let memory = &chunks["h1"];
    let tags: Vec<&str> = memory.attributes.tags.iter().map(String::as_str).collect();
    assert_eq!(tags, ["net", "proxy"]);
    assert_eq!(
        memory.attributes.document_time,
        Some(Timestamp(1_772_359_200_500))
    );
    assert_eq!(memory.attributes.meta["origin.metadata"]["by"], "ada");
    assert_eq!(memory.attributes.meta["origin.memory_type"], "fact");
    assert!(!chunks.contains_key("h3"), "it was deleted");
}
