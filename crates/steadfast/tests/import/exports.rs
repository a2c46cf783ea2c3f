//! Exports and logs of many files: in a folder or an archive, whole or hostile, and the same again later.

use std::fs;

use serde_json::json;
use steadfast::model::{Chunk, Kind};
use steadfast::{ImportKind, ImportOptions, Silent};

use crate::samples::{
    SAMPLES, gemini_session, gpt_chats, lines, notion_files, pack, slack_files, write,
};
use crate::support::Place;

fn sample(kind: ImportKind, name: &str, place: &Place) -> std::path::PathBuf {
    let found = SAMPLES
        .iter()
        .find(|sample| sample.kind == kind && sample.name == name)
        .unwrap();
    (found.make)(place)
}

fn texts(place: &Place, source: &str) -> Vec<String> {
    let mut chunks: Vec<Chunk> = place
        .chunks()
        .into_values()
        .filter(|chunk| chunk.source == source)
        .collect();
    chunks.sort_by_key(|chunk| chunk.place.position);
    chunks.into_iter().map(|chunk| chunk.text).collect()
}

#[test]
fn of_two_values_with_one_name_one_is_lost_and_that_is_told() {
    let place = Place::new();
    // What a range of the file over another place makes of two messages.
    let torn = r#"[{"uuid": "k1", "chat_messages": [{"uuid": "m1", "sender": "human", "text": "Green?", "text": "Yes."}]}]"#;
    let report = place.import(&write(&place, "claude-ai/conversations.json", torn));
    assert_eq!((report.kind, report.imported), (ImportKind::ClaudeAi, 1));
    assert!(!report.complete, "{report:?}");
    assert!(report.warnings[0].contains("twice"), "{report:?}");
    let line = r#"{"type": "user", "uuid": "u1", "sessionId": "s", "message": {"content": "one", "content": "two"}}"#;
    let report = place.import(&write(&place, "logs/s.jsonl", &format!("{line}\n")));
    assert_eq!((report.kind, report.imported), (ImportKind::ClaudeCode, 1));
    assert!(!report.complete, "{report:?}");
}

#[test]
fn a_column_of_cursor_that_has_another_name_is_told() {
    let place = Place::new();
    let path = sample(ImportKind::Cursor, "database", &place);
    let database = rusqlite::Connection::open(&path).unwrap();
    let sql = "ALTER TABLE ItemTable RENAME COLUMN key TO kez";
    database.execute_batch(sql).unwrap();
    drop(database);
    let report = place.import(&path);
    assert_eq!((report.imported, report.complete), (3, false), "{report:?}");
}

#[test]
fn hostile_entries_are_refused_by_name_and_the_chats_come() {
    let place = Place::new();
    let path = place.path("evil/export.zip");
    let chats = gpt_chats("g1").to_string();
    let bomb = vec![b' '; 9 << 20];
    pack(
        &path,
        &[
            ("../../conversations.json", chats.as_bytes()),
            ("/etc/cron.d/evil", b"x"),
            ("C:\\evil.json", b"x"),
            ("conversations-001.json", &bomb),
            ("conversations.json", chats.as_bytes()),
        ],
    );
    let report = place.import(&path);
    assert_eq!(
        (report.kind, report.imported, report.complete),
        (ImportKind::ChatGpt, 2, false),
        "{report:?}"
    );
    let refusals: Vec<(&str, u64)> = report
        .refusals
        .iter()
        .map(|left| (left.reason.as_str(), left.count))
        .collect();
    assert_eq!(refusals, [("bomb", 1), ("outside_path", 3)]);
    for name in [
        "conversations-001.json",
        "../../conversations.json",
        "C:\\evil.json",
    ] {
        let is_named = report.warnings.iter().any(|line| line.starts_with(name));
        assert!(is_named, "{name}: {:?}", report.warnings);
    }
}

#[test]
fn an_encrypted_entry_is_refused_and_told() {
    let place = Place::new();
    let path = sample(ImportKind::ClaudeAi, "archive", &place);
    let mut bytes = fs::read(&path).unwrap();
    // The flag of encryption, in the entry of the directory of `users.json`, which is the second.
    let entries: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == b"PK\x01\x02")
        .map(|(at, _)| at)
        .collect();
    bytes[entries[1] + 8] |= 1;
    fs::write(&path, bytes).unwrap();
    let report = place.import(&path);
    assert_eq!((report.imported, report.refused), (2, 1));
    assert_eq!(report.refusals[0].reason, "encrypted");
    assert!(!report.complete);
}

#[test]
fn chats_before_the_damage_come_and_the_rest_is_missed() {
    let place = Place::new();
    let mut chats = gpt_chats("g1").as_array().unwrap().clone();
    chats.extend(gpt_chats("g2").as_array().unwrap().clone());
    let text = json!(chats).to_string();
    let path = write(&place, "gpt/conversations.json", &text[..text.len() - 40]);
    let report = place.import(&path);
    assert_eq!((report.imported, report.complete), (2, false));
    assert_eq!(report.refusals[0].reason, "unreadable");
}

#[test]
fn gemini_keeps_calls_and_thoughts_and_takes_no_prompt_twice() {
    let place = Place::new();
    let folder = sample(ImportKind::Gemini, "folder", &place);
    let report = place.import(&folder);
    assert_eq!((report.imported, report.reused), (5, 1), "{report:?}");
    assert_eq!(
        texts(&place, "gemini:s1"),
        [
            "Which port?",
            "[thinking]\nLooking\nIn the unit file.\n\n8443.",
            "[call of run_shell_command]\n{\"command\":\"ss -l\"}\n\n[result]\nLISTEN 8443",
            "Update ready."
        ]
    );
    let chunk = &place.chunks()["m2/t1"];
    assert_eq!(chunk.attributes.meta["reply_to"], "m2");
    assert_eq!(texts(&place, "gemini:log:s0"), ["An older question."]);
    // The session goes on: the call that was running has ended, and nothing of before is written again.
    let mut session = gemini_session();
    session["messages"][1]["toolCalls"][1]["status"] = json!("success");
    session["messages"].as_array_mut().unwrap().push(
        json!({"id": "m4", "type": "user", "content": "Thanks.", "timestamp": "2026-03-01T10:02:00.000Z"}),
    );
    let file = folder.join("p/chats/session-2026-03-01T10-00-s1.json");
    fs::write(file, session.to_string()).unwrap();
    let report = place.import(&folder);
    assert_eq!((report.imported, report.refused), (2, 0), "{report:?}");
}

#[test]
fn gemini_messages_that_are_told_all_at_once_come_as_they_are_then() {
    let place = Place::new();
    let said = |id: &str, text: &str| json!({"id": id, "type": "user", "content": text, "timestamp": "2026-03-01T10:00:00.000Z"});
    let head =
        json!({"sessionId": "s3", "projectHash": "p", "startTime": "2026-03-01T10:00:00.000Z"});
    let nameless = json!({"type": "user", "content": "Without a name."});
    let mut log = vec![head, said("a", "One."), nameless.clone()];
    let name = "gemini/p/chats/session-s3.jsonl";
    let path = write(&place, name, &lines(&log));
    assert_eq!(place.import(&path).imported, 2);
    // Another program wrote the whole session anew, and what it did not know stays.
    log.push(json!({"$set": {"messages": [said("b", "Two."), nameless, said("c", "Three.")]}}));
    log.push(said("d", "Four."));
    log.push(json!({"$set": {"lastUpdated": "2026-03-01T11:00:00.000Z"}}));
    write(&place, name, &lines(&log));
    let report = place.import(&path);
    assert_eq!((report.imported, report.reused), (3, 2), "{report:?}");
    let wanted = ["One.", "Without a name.", "Two.", "Three.", "Four."];
    assert_eq!(texts(&place, "gemini:s3"), wanted);
    // Whoever reads it for the first time then has the same.
    let place = Place::new();
    let path = write(&place, name, &lines(&log));
    assert_eq!(place.import(&path).imported, 5);
    assert_eq!(texts(&place, "gemini:s3"), wanted);
}

#[test]
fn gemini_says_what_sort_of_session_it_is_beside_the_origin() {
    let place = Place::new();
    place.import(&sample(ImportKind::Gemini, "lines", &place));
    for chunk in place.chunks().values() {
        assert_eq!(chunk.attributes.meta["origin.kind"], "gemini");
        assert_eq!(chunk.attributes.meta["origin.source.kind"], "main");
    }
}

#[test]
fn cursor_gives_messages_in_the_order_of_the_chat() {
    let place = Place::new();
    let report = place.import(&sample(ImportKind::Cursor, "database", &place));
    assert_eq!(
        texts(&place, "cursor:c1"),
        [
            "Which port?",
            "[thinking]\nThe unit file.\n\n8443.\n\n[call of run_terminal_cmd]\n{\"command\":\"ss -l\"}\n\n[result]\nLISTEN 8443"
        ]
    );
    assert_eq!(texts(&place, "cursor:c0"), ["Older."]);
    assert_eq!(texts(&place, "cursor:t1"), ["Hello?", "Yes."]);
    let chunk = &place.chunks()["b1"];
    assert_eq!(chunk.attributes.title.as_deref(), Some("Ports"));
    assert_eq!(chunk.attributes.meta["role"], "user");
    let unfinished = report
        .left_out
        .iter()
        .find(|left| left.reason == "unfinished");
    assert_eq!(unfinished.unwrap().count, 1);
}

#[test]
fn slack_names_speakers_and_threads_and_overlapping_exports_add_up() {
    let place = Place::new();
    let first = sample(ImportKind::Slack, "folder", &place);
    let report = place.import(&first);
    assert_eq!((report.imported, report.complete), (4, true), "{report:?}");
    let chunks = place.chunks();
    let reply = &chunks["C1:1772359202.000300"];
    assert_eq!(reply.text, "@Ada L 8443");
    assert!(reply.place.fidelity.converted);
    assert_eq!(reply.attributes.meta["speaker"], "Bob");
    assert_eq!(reply.attributes.meta["reply_to"], "1772359201.000200");
    assert_eq!(reply.source, "slack:C1/2026-03-01");
    assert_eq!(reply.attributes.kind, Kind::Message);
    assert_eq!(chunks["C1:1772359201.000200"].text, "Which port & host?");
    assert_eq!(
        chunks["C1:1772445600.000100"].text,
        "Thanks.\n\n[file: unit.txt]"
    );
    // A later export has a day of the first again, with one message more.
    let mut files = slack_files();
    files.remove(3);
    let mut day: Vec<serde_json::Value> = serde_json::from_str(&files[3].1).unwrap();
    day.push(json!({"type": "message", "user": "U1", "ts": "1772445700.000100", "text": "More."}));
    files[3].1 = json!(day).to_string();
    let packed: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let path = place.path("later/export.zip");
    pack(&path, &packed);
    let report = place.import(&path);
    assert_eq!((report.imported, report.reused), (1, 2), "{report:?}");
}

#[test]
fn notes_keep_their_links_and_an_edit_gives_what_is_new() {
    let place = Place::new();
    let folder = sample(ImportKind::Obsidian, "folder", &place);
    let report = place.import(&folder);
    // The front matter of a note is a chunk of its own.
    assert_eq!(report.imported, 3);
    let left: Vec<&str> = report
        .left_out
        .iter()
        .map(|left| left.what.as_str())
        .collect();
    assert_eq!(left, ["attachment", "canvas"]);
    let chunks: Vec<Chunk> = place.chunks().into_values().collect();
    let tea = chunks
        .iter()
        .find(|chunk| chunk.source == "obsidian:Tea.md" && !chunk.text.starts_with("---"))
        .unwrap();
    assert!(tea.text.contains("[[Cups|the cups]]"));
    assert_eq!(tea.attributes.title.as_deref(), Some("Tea"));
    assert!(tea.attributes.tags.contains("drink") && tea.attributes.tags.contains("hot"));
    fs::write(folder.join("rooms/Cups.md"), "Green cups.\n").unwrap();
    let report = place.import(&folder);
    assert_eq!((report.imported, report.reused, report.refused), (1, 2, 0));
}

#[cfg(unix)]
#[test]
fn links_in_a_vault_are_not_followed() {
    let place = Place::new();
    let folder = sample(ImportKind::Obsidian, "folder", &place);
    let secret = write(&place, "elsewhere/secret.md", "Not of this vault.");
    std::os::unix::fs::symlink(secret, folder.join("link.md")).unwrap();
    let plan = place
        .memory
        .plan_import(&folder, &ImportOptions::default(), &Silent)
        .unwrap();
    assert_eq!((plan.imported, plan.refused, plan.complete), (3, 1, false));
    assert_eq!(plan.refusals[0].reason, "link");
}

#[test]
fn pages_of_one_title_stay_apart_and_rows_come_once() {
    for name in ["folder", "archive"] {
        let place = Place::new();
        let report = place.import(&sample(ImportKind::Notion, name, &place));
        assert_eq!((report.imported, report.complete), (4, true), "{report:?}");
        assert_eq!(
            texts(&place, "notion:0123456789abcdef0123456789abcdef"),
            ["# Plan\n\nSow in March.\n"]
        );
        assert_eq!(
            texts(&place, "notion:fedcba9876543210fedcba9876543210"),
            ["# Plan\n\nShip in May.\n"]
        );
        assert_eq!(
            texts(&place, "notion:00112233445566778899aabbccddeeff"),
            ["Name: Test\nState: open", "Name: Docs, all\nState: done"]
        );
        let chunks = place.chunks();
        let titles: Vec<Option<&str>> = chunks
            .values()
            .map(|chunk| chunk.attributes.title.as_deref())
            .collect();
        assert!(titles.contains(&Some("Plan")) && titles.contains(&Some("Tasks")));
    }
    // The same pages in the other form are the same pages.
    let place = Place::new();
    place.import(&sample(ImportKind::Notion, "folder", &place));
    let report = place.import(&sample(ImportKind::Notion, "archive", &place));
    assert_eq!((report.imported, report.reused), (0, 4));
    assert_eq!(notion_files().len(), 5);
}
