//! OpenHuman: logs without their index, torn logs, texts in files, and a store that lost its log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use steadfast::model::Chunk;
use steadfast::{ImportKind, ImportReport};

use crate::fixtures::{json, unpack};
use crate::support::Place;

const SQL: &str = "
CREATE TABLE mem_tree_chunks (id TEXT PRIMARY KEY, source_kind TEXT, source_id TEXT, owner TEXT, timestamp_ms INTEGER,
  tags_json TEXT, content TEXT, seq_in_source INTEGER, content_path TEXT, content_sha256 TEXT);
CREATE TABLE mem_tree_entity_index (entity_id TEXT, node_id TEXT, PRIMARY KEY (entity_id, node_id)) WITHOUT ROWID;
CREATE TABLE mem_tree_summaries (id TEXT PRIMARY KEY, tree_id TEXT, content TEXT, deleted INTEGER, sealed_at_ms INTEGER);
CREATE TABLE mem_tree_trees (id TEXT PRIMARY KEY, scope TEXT);
CREATE TABLE mem_tree_jobs (id TEXT PRIMARY KEY, kind TEXT);
INSERT INTO mem_tree_chunks VALUES
 ('c2', 'chat', 'slack:#eng', 'ann', 1000, '[\"team\"]', 'Second.', 1, NULL, NULL),
 ('c1', 'chat', 'slack:#eng', 'ann', 2000, '[]', 'First.', 0, NULL, NULL),
 ('c3', 'document', 'notion:a', 'ann', 3000, '[]', 'Begin', 0, 'd/a.md', '6d71d2e1a69d8dc15dfa4e2c2ac4a2f19e81c0e5ac67a6d39bbe4ba1ed1b5cc1');
INSERT INTO mem_tree_entity_index VALUES ('person:ann', 'c1');
INSERT INTO mem_tree_summaries VALUES ('s1', 't1', 'They spoke twice.', 0, 5), ('s2', 't1', 'Old.', 1, 4);
INSERT INTO mem_tree_trees VALUES ('t1', 'slack:#eng'), ('t2', 'global');
INSERT INTO mem_tree_jobs VALUES ('j1', 'extract'), ('j2', 'seal');
";

#[test]
fn a_tree_comes_in_order_with_summaries_and_previews_are_called_that() {
    let place = Place::new();
    let source = place.database("memory_tree/chunks.db", SQL);
    let report = place.import(source.parent().unwrap());
    assert_eq!(report.kind, ImportKind::OpenHuman);
    assert_eq!((report.read, report.imported, report.refused), (4, 4, 0));
    assert!(!report.complete, "one text is a preview");
    assert!(
        report.warnings[0].contains("preview"),
        "{:?}",
        report.warnings
    );
    let left_out: Vec<(&str, u64)> = report
        .left_out
        .iter()
        .map(|left| (left.what.as_str(), left.count))
        .collect();
    assert_eq!(
        left_out,
        [
            ("mem_tree_jobs", 2),
            ("mem_tree_summaries", 1),
            ("mem_tree_trees", 1)
        ]
    );
    let chunks = place.chunks();
    assert_eq!(chunks["c1"].source, "openhuman:chat:slack:#eng");
    assert_eq!(
        (chunks["c1"].place.position, chunks["c2"].place.position),
        (0, 1)
    );
    assert_eq!(
        chunks["c1"].attributes.meta["origin.entities"],
        serde_json::json!(["person:ann"])
    );
    assert_eq!(chunks["c3"].attributes.meta["origin.preview"], true);
    assert_eq!(chunks["s1"].attributes.meta["origin.scope"], "slack:#eng");
}

#[test]
fn texts_newer_than_all_rows_prove_that_rows_are_missing() {
    let place = Place::new();
    let source = place.database("chunks.db", SQL);
    for (name, seq) in [("old", 0), ("new", 7)] {
        let text =
            format!("---\nsource_kind: chat\nsource_id: \"slack:#eng\"\nseq: {seq}\n---\nText.");
        fs::write(place.path(&format!("content/chat/{name}.md")), text).unwrap();
    }
    let report = place.import(&source);
    assert!(!report.complete);
    assert_eq!((report.read, report.refused), (5, 1));
    assert_eq!(
        (
            report.refusals[0].what.as_str(),
            report.refusals[0].reason.as_str()
        ),
        ("body", "no_row")
    );
    assert!(
        report
            .left_out
            .iter()
            .any(|left| left.reason == "of_a_deleted_chunk" && left.count == 1)
    );
}

/// Lays the content folder beside a case, which only the first of them has.
fn with_content(folder: &Path, case: &str) -> PathBuf {
    let tree = folder.join(case).join("memory_tree");
    copy(
        &folder.join("a_full/memory_tree/content"),
        &tree.join("content"),
    );
    tree
}

fn copy(from: &Path, to: &Path) {
    if from == to {
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &to);
        } else {
            fs::copy(&entry, &to).unwrap();
        }
    }
}

fn check_rows(rows: &Value, chunks: &BTreeMap<String, Chunk>, content: Option<&Path>) {
    let found = rows["mem_tree_chunks"].as_array().unwrap();
    let summaries = rows["mem_tree_summaries"].as_array().unwrap();
    assert_eq!(chunks.len(), found.len() + summaries.len());
    for row in found {
        let chunk = &chunks[row["id"].as_str().unwrap()];
        let meta = &chunk.attributes.meta;
        let text = match content {
            Some(content) => {
                let file = fs::read_to_string(content.join(row["content_path"].as_str().unwrap()))
                    .unwrap();
                file.splitn(3, "---\n").nth(2).unwrap().to_owned()
            }
            None => row["content"].as_str().unwrap().to_owned(),
        };
        assert_eq!(chunk.text, text);
        for column in [
            "source_kind",
            "source_id",
            "source_ref",
            "owner",
            "time_range_start_ms",
            "time_range_end_ms",
            "seq_in_source",
            "created_at_ms",
            "lifecycle_status",
            "content_path",
            "content_sha256",
        ] {
            assert_eq!(meta[&format!("origin.{column}")], row[column], "{column}");
        }
        assert_eq!(
            meta.get("origin.parent_summary_id").unwrap_or(&Value::Null),
            &row["parent_summary_id"]
        );
        assert_eq!(
            chunk.attributes.document_time.unwrap().0,
            row["timestamp_ms"].as_i64().unwrap()
        );
        let tags: Vec<String> = serde_json::from_str(row["tags_json"].as_str().unwrap()).unwrap();
        assert!(tags.iter().all(|tag| chunk.attributes.tags.contains(tag)));
    }
    for row in summaries {
        assert_eq!(
            chunks[row["id"].as_str().unwrap()].text,
            row["content"].as_str().unwrap()
        );
    }
}

fn real(case: &str, with_bodies: bool) -> Option<(Place, PathBuf, ImportReport)> {
    let place = Place::new();
    let folder = unpack(&place, "openhuman-wal-era.tar.xz")?;
    let tree = if with_bodies {
        with_content(&folder, case)
    } else {
        folder.join(case).join("memory_tree")
    };
    let report = place.import(&tree);
    Some((place, folder, report))
}

#[test]
fn live_logs_torn_logs_and_logs_without_index_come_whole() {
    for case in ["a_full", "b_no_shm", "c_torn_tail"] {
        let Some((place, folder, report)) = real(case, true) else {
            return;
        };
        assert_eq!(
            (report.read, report.imported, report.complete),
            (102, 102, true),
            "{case}: {report:?}"
        );
        let rows = &json(&folder.join("expected.json"))["rows_full"];
        let content = folder.join("a_full/memory_tree/content");
        check_rows(rows, &place.chunks(), Some(&content));
    }
}

#[test]
fn side_files_that_stop_a_plain_open_stop_nothing() {
    let place = Place::new();
    let Some(folder) = unpack(&place, "openhuman-wal-era.tar.xz") else {
        return;
    };
    let tree = with_content(&folder, "b_no_shm");
    let shm = tree.join("chunks.db-shm");
    fs::create_dir(&shm).unwrap();
    fs::write(shm.join("keep"), "").unwrap();
    assert_eq!(place.import(&tree).imported, 102);
    let other = Place::new();
    let tree = folder.join("c_torn_tail/memory_tree");
    fs::write(tree.join("chunks.db-shm"), vec![0xab; 32768]).unwrap();
    assert_eq!(other.import(&tree).imported, 102);
}

#[test]
fn without_the_texts_the_previews_come_and_the_report_is_not_complete() {
    let Some((place, folder, report)) = real("b_no_shm", false) else {
        return;
    };
    assert_eq!(
        (report.read, report.imported, report.complete),
        (102, 102, false)
    );
    check_rows(
        &json(&folder.join("expected.json"))["rows_full"],
        &place.chunks(),
        None,
    );
    let previews = place
        .chunks()
        .values()
        .filter(|chunk| chunk.attributes.meta.contains_key("origin.preview"))
        .count();
    assert_eq!(previews, 17);
}

#[test]
fn a_store_that_lost_its_log_is_noticed() {
    let Some((place, folder, report)) = real("g_main_only", true) else {
        return;
    };
    let rows = &json(&folder.join("expected_main_only.json"))["rows_main_only"];
    assert_eq!(
        (report.imported, report.refused, report.complete),
        (62, 40, false),
        "{report:?}"
    );
    assert!(
        report
            .warnings
            .iter()
            .any(|warning| warning.contains("log")),
        "{:?}",
        report.warnings
    );
    let content = folder.join("a_full/memory_tree/content");
    check_rows(rows, &place.chunks(), Some(&content));
    let Some((_place, _folder, report)) = real("g_main_only", false) else {
        return;
    };
    assert!(!report.complete);
}
