//! Logs of sessions and exports of chats: each message once, however often and however far a log is read.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};
use steadfast::model::{Chunk, Kind};
use steadfast::{ImportKind, ImportOptions, Silent};

use crate::support::Place;

fn lines(values: &[Value]) -> String {
    let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
    lines.concat()
}

fn claude(uuid: &str, role: &str, content: &Value) -> Value {
    json!({"type": role, "uuid": uuid, "sessionId": "s", "parentUuid": null, "cwd": "/work",
           "timestamp": "2026-03-01T10:00:00.000Z", "message": {"role": role, "content": content}})
}

/// Returns the texts of a document in the order of its places.
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
fn a_growing_log_gives_each_message_once() {
    let place = Place::new();
    let log = place.path("projects/-work/abc.jsonl");
    let first = lines(&[
        json!({"type": "summary", "summary": "Ports", "leafUuid": "x"}),
        claude("u1", "user", &json!("Which port?")),
        claude(
            "u2",
            "assistant",
            &json!([{"type": "text", "text": "I look."},
            {"type": "tool_use", "name": "Bash", "input": {"command": "ss -l"}}]),
        ),
        json!({"type": "file-history-snapshot"}),
    ]);
    // The last line is being written.
    fs::write(&log, format!("{first}{{\"type\": \"user\", \"uu")).unwrap();
    let folder = place.path("projects/x").parent().unwrap().to_owned();
    let report = place.import(&folder);
    assert_eq!(
        (report.kind, report.read, report.imported),
        (ImportKind::ClaudeCode, 2, 2),
        "{report:?}"
    );
    assert!(report.complete);
    assert_eq!(
        texts(&place, "claude-code:abc"),
        [
            "Which port?",
            "I look.\n\n[call of Bash]\n{\"command\":\"ss -l\"}"
        ]
    );
    let chunk = &place.chunks()["u1"];
    assert_eq!(chunk.attributes.kind, Kind::Message);
    assert_eq!(chunk.attributes.title.as_deref(), Some("Ports"));
    assert_eq!(chunk.attributes.meta["role"], "user");
    assert_eq!(chunk.attributes.meta["origin.project"], "-work");

    fs::write(&log, &first).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    let words = "A sentence of the result. ".repeat(400);
    file.write_all(lines(&[claude("u3", "assistant", &json!(words))]).as_bytes())
        .unwrap();
    let report = place.import(&folder);
    assert!(report.imported > 1, "a long message is cut");
    assert_eq!(report.reused, 2);
    let pieces = texts(&place, "claude-code:abc").split_off(2);
    assert_eq!(pieces.concat(), words);
    assert!(place.chunks().contains_key("u3") && place.chunks().contains_key("u3#2"));
}

#[test]
fn a_line_that_is_no_json_is_refused_and_the_rest_comes() {
    let place = Place::new();
    let log = place.path("abc.jsonl");
    let good = lines(&[
        claude("u1", "user", &json!("One.")),
        claude("u2", "user", &json!("Two.")),
    ]);
    fs::write(&log, good.replacen('\n', "\n{torn\n", 1)).unwrap();
    let report = place.import(&log);
    assert_eq!(
        (report.imported, report.refused, report.complete),
        (2, 1, false)
    );
    assert_eq!(report.refusals[0].reason, "unreadable");
}

#[test]
fn codex_items_come_in_both_of_their_shapes() {
    let place = Place::new();
    let message = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Mend it."}]});
    let call = json!({"type": "function_call", "name": "shell", "arguments": "{\"cmd\":\"ls\"}", "call_id": "c1"});
    let output = json!({"type": "function_call_output", "call_id": "c1", "output": "a.md"});
    let wrap = |item: &Value| json!({"timestamp": "2026-03-01T10:00:00Z", "type": "response_item", "payload": item});
    let new = [
        json!({"timestamp": "2026-03-01T10:00:00Z", "type": "session_meta", "payload": {"id": "q", "cwd": "/w"}}),
        wrap(&message),
        wrap(&call),
        wrap(&output),
        json!({"timestamp": "2026-03-01T10:00:00Z", "type": "event_msg", "payload": {"type": "user_message"}}),
    ];
    fs::write(place.path("new/rollout-1.jsonl"), lines(&new)).unwrap();
    fs::write(
        place.path("old/rollout-2.jsonl"),
        lines(&[message, call, output]),
    )
    .unwrap();
    let expected = [
        "Mend it.",
        "[call of shell]\n{\"cmd\":\"ls\"}",
        "[result]\na.md",
    ];
    for (name, source) in [("new", "codex:rollout-1"), ("old", "codex:rollout-2")] {
        let other = Place::new();
        let report = other.import(place.path(&format!("{name}/x")).parent().unwrap());
        assert_eq!(
            (report.kind, report.imported),
            (ImportKind::Codex, 3),
            "{report:?}"
        );
        assert_eq!(texts(&other, source), expected);
    }
}

#[test]
fn calls_results_and_documents_come_in_whatever_shape_they_are() {
    let place = Place::new();
    let wrap = |item: Value| json!({"timestamp": "2026-03-01T10:00:00Z", "type": "response_item", "payload": item});
    let log = place.path("codex/rollout-1.jsonl");
    let items = [
        json!({"type": "function_call", "name": "shell", "arguments": {"cmd": "ls"}, "call_id": "c1"}),
        json!({"type": "function_call_output", "call_id": "c1", "output": {"content": "a.md"}}),
        json!({"type": "local_shell_call", "call_id": "c2", "action": {"command": ["echo", "tea"]}}),
        json!({"type": "web_search_call", "arguments": null, "action": {"query": "tea"}}),
        json!({"type": "custom_tool_call", "name": "patch", "input": "*** Begin"}),
    ];
    fs::write(&log, lines(&items.map(wrap))).unwrap();
    let report = place.import(&log);
    assert_eq!((report.imported, report.complete), (5, true), "{report:?}");
    let wanted = [
        "[call of shell]\n{\"cmd\":\"ls\"}",
        "[result]\n{\"content\":\"a.md\"}",
        "[call of local_shell]\n{\"command\":[\"echo\",\"tea\"]}",
        "[call of web_search]\n{\"query\":\"tea\"}",
        "[call of patch]\n*** Begin",
    ];
    assert_eq!(texts(&place, "codex:rollout-1"), wanted);

    let log = place.path("projects/-work/abc.jsonl");
    let result = json!([{"type": "tool_result", "content": {"rows": 3}}]);
    let search = json!([{"type": "server_tool_use", "name": "web_search", "input": {"query": "tea"}},
        {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "title": "Tea"}]}]);
    let plan = json!([{"type": "document", "source": {"type": "text", "data": "Sow in March."}}]);
    let said = [
        claude("u1", "user", &result),
        claude("u2", "assistant", &search),
        claude("u3", "user", &plan),
    ];
    fs::write(&log, lines(&said)).unwrap();
    place.import(&log);
    let wanted = [
        "[result]\n{\"rows\":3}",
        "[call of web_search]\n{\"query\":\"tea\"}\n\n[result]\n[web_search_result]\n{\"title\":\"Tea\"}",
        "[document]\nSow in March.",
    ];
    assert_eq!(texts(&place, "claude-code:abc"), wanted);
}

#[test]
fn transcripts_of_cursor_come_without_the_tags_around_what_was_asked() {
    let place = Place::new();
    let said = |role: &str, text: &str| json!({"role": role, "message": {"content": [{"type": "text", "text": text}]}});
    let log = place.path("projects/home-me-app/agent-transcripts/c1/c1.jsonl");
    let first = [
        said("user", "<user_query>\nWhich port?\n</user_query>"),
        json!({"role": "assistant", "message": {"content": [{"type": "text", "text": "I look."},
            {"type": "tool_use", "name": "Shell", "input": {"command": "ss -l"}}]}}),
        json!({"type": "turn_ended", "status": "success"}),
    ];
    fs::write(&log, lines(&first)).unwrap();
    let report = place.import(&log);
    assert_eq!(
        (report.kind, report.imported, report.complete),
        (ImportKind::CursorAgent, 2, true),
        "{report:?}"
    );
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(lines(&[said("assistant", "Port 8443.")]).as_bytes())
        .unwrap();
    let mut options = ImportOptions::default();
    options.reading = steadfast::LogReading::Continued;
    for (imported, reused) in [(1, 2), (0, 0)] {
        let report = place.memory.import(&log, &options, &Silent).unwrap();
        assert_eq!((report.imported, report.reused), (imported, reused));
    }
    assert_eq!(
        texts(&place, "cursor-agent:c1"),
        [
            "Which port?",
            "I look.\n\n[call of Shell]\n{\"command\":\"ss -l\"}",
            "Port 8443."
        ]
    );
    let chunk = &place.chunks()["line:4"];
    assert_eq!(chunk.attributes.meta["role"], "assistant");
    assert_eq!(chunk.attributes.meta["origin.project"], "home-me-app");
}

#[test]
fn transcripts_of_copilot_are_told_apart_by_their_sessions() {
    let event = |id: &str, sort: &str, data: Value| json!({"type": sort, "data": data, "id": id, "timestamp": "2026-03-01T10:00:00.000Z"});
    let log = lines(&[
        event("e0", "session.start", json!({"context": {"cwd": "/work"}})),
        event("e1", "user.message", json!({"content": "Which port?"})),
        event(
            "e2",
            "assistant.message",
            json!({"content": "", "toolRequests": [{"name": "read_file", "arguments": "{}"}]}),
        ),
        event("e3", "tool.execution_start", json!({"toolCallId": "t"})),
        event(
            "e4",
            "tool.execution_complete",
            json!({"toolCallId": "t", "success": true, "result": {"content": "8443"}}),
        ),
        event("e5", "assistant.message", json!({"content": "Port 8443."})),
    ]);
    let wanted = [
        "Which port?",
        "[call of read_file]\n{}",
        "[result]\n8443",
        "Port 8443.",
    ];
    // Of VS Code, and of the command line, whose logs are all of one name.
    for names in [
        ["x/s1.jsonl", "x/s2.jsonl"],
        ["x/s1/events.jsonl", "x/s2/events.jsonl"],
    ] {
        let place = Place::new();
        for (name, letter) in names.into_iter().zip(["\"e", "\"f"]) {
            fs::write(place.path(name), log.replace("\"e", letter)).unwrap();
        }
        let report = place.import(place.path("x/y").parent().unwrap());
        assert_eq!((report.kind, report.imported), (ImportKind::Copilot, 8));
        for source in ["copilot:s1", "copilot:s2"] {
            assert_eq!(texts(&place, source), wanted);
        }
        let chunk = &place.chunks()["e5"];
        assert_eq!(chunk.attributes.meta["origin.cwd"], "/work");
        assert!(chunk.attributes.document_time.is_some());
    }
}

#[test]
fn exported_chats_come_with_all_their_branches() {
    let place = Place::new();
    let node = |parent: Value, role: &str, text: &str, at: f64| {
        json!({"parent": parent, "message": {"author": {"role": role}, "create_time": at,
               "content": {"content_type": "text", "parts": [text]}}})
    };
    let chats = json!([{"title": "Ports", "conversation_id": "g1", "create_time": 1_700_000_000.5, "current_node": "c",
    "mapping": {
        "root": {"parent": null, "message": null},
        "a": node(json!("root"), "user", "Which port?", 1.0),
        "b": node(json!("a"), "assistant", "80.", 2.0),
        "c": node(json!("a"), "assistant", "8443.", 3.0),
    }}]);
    let file = place.path("export/conversations.json");
    fs::write(&file, chats.to_string()).unwrap();
    let report = place.import(file.parent().unwrap());
    assert_eq!((report.kind, report.imported), (ImportKind::ChatGpt, 3));
    assert_eq!(texts(&place, "chatgpt:g1"), ["Which port?", "8443.", "80."]);

    let chats = json!([{"uuid": "k1", "name": "Tea", "created_at": "2026-03-01T10:00:00Z", "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "Green?", "content": [{"type": "text", "text": "Green?"}]},
        {"uuid": "m2", "sender": "assistant", "text": "Yes, green."}]}]);
    let place = Place::new();
    let file = place.path("conversations.json");
    fs::write(&file, chats.to_string()).unwrap();
    let report = place.import(&file);
    assert_eq!((report.kind, report.imported), (ImportKind::ClaudeAi, 2));
    assert_eq!(texts(&place, "claude-ai:k1"), ["Green?", "Yes, green."]);
}

#[test]
fn exported_chats_come_with_what_was_spoken_thought_and_attached() {
    let place = Place::new();
    let contents = [
        json!({"content_type": "multimodal_text", "parts": [
            {"content_type": "audio_transcription", "text": "Spoken."}, {"content_type": "audio_asset_pointer"}]}),
        json!({"content_type": "thoughts", "thoughts": [{"summary": "Tea", "content": "It is green."}]}),
        json!({"content_type": "user_editable_context", "user_profile": "A cook.", "user_instructions": "Be brief."}),
        json!({"content_type": "tether_browsing_display", "result": "A page.", "summary": null}),
    ];
    let mut mapping = serde_json::Map::new();
    for (number, content) in contents.iter().enumerate() {
        let parent = number.checked_sub(1).map(|parent| format!("n{parent}"));
        let message = json!({"author": {"role": "user"}, "content": content});
        mapping.insert(
            format!("n{number}"),
            json!({"parent": parent, "message": message}),
        );
    }
    let chats = json!([{"conversation_id": "g1", "current_node": "n3", "mapping": mapping}]);
    let file = place.path("gpt/conversations.json");
    fs::write(&file, chats.to_string()).unwrap();
    let report = place.import(&file);
    assert_eq!((report.imported, report.complete), (4, true), "{report:?}");
    let wanted = [
        "Spoken.\n\n[audio_asset_pointer]",
        "[thinking]\nTea\nIt is green.",
        "A cook.\n\nBe brief.",
        "A page.",
    ];
    assert_eq!(texts(&place, "chatgpt:g1"), wanted);

    let file = |name: &str, text: &str| json!([{"file_name": name, "extracted_content": text}]);
    let chats = json!([{"uuid": "k1", "name": "Tea", "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "Look.", "attachments": file("a.txt", "The plan.")},
        {"uuid": "m2", "sender": "human", "text": "", "content": [], "attachments": file("b.txt", "Alone.")},
        {"uuid": "m3", "sender": "human", "content": [{"type": "voice_note", "text": "Spoken."}]}]}]);
    let path = place.path("claude/conversations.json");
    fs::write(&path, chats.to_string()).unwrap();
    let report = place.import(&path);
    assert_eq!((report.imported, report.complete), (3, true), "{report:?}");
    let wanted = [
        "Look.\n\n[file: a.txt]\nThe plan.",
        "[file: b.txt]\nAlone.",
        "[voice_note]\nSpoken.",
    ];
    assert_eq!(texts(&place, "claude-ai:k1"), wanted);
}

#[test]
fn a_transcript_is_known_by_its_questions() {
    let place = Place::new();
    let file = place.path("talk.txt");
    fs::write(
        &file,
        "> Which port?\n\n8443.\n\n> And for staging?\n\n6432.\n",
    )
    .unwrap();
    let report = place.import(&file);
    assert_eq!((report.kind, report.imported), (ImportKind::Transcript, 4));
    let letter = place.path("letter.txt");
    fs::write(&letter, "Dear all,\n\n> as you wrote\n\nno.\n").unwrap();
    let error = place
        .memory
        .import(&letter, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(matches!(error, steadfast::Error::UnknownFormat { .. }));
}

/// Stops after the first document, as a kill between two commits would.
struct StopEarly;

impl steadfast::Progress for StopEarly {
    fn step(&self, _stage: &str, _done: u64, _total: u64) -> bool {
        false
    }
}

#[test]
fn an_import_that_was_stopped_goes_on_where_it_ended() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        let log = lines(&[claude(
            &format!("{name}1"),
            "user",
            &json!(format!("Said in {name}.")),
        )]);
        fs::write(place.path(&format!("logs/{name}.jsonl")), log).unwrap();
    }
    let folder = place.path("logs/x").parent().unwrap().to_owned();
    let options = ImportOptions::default();
    let report = place.memory.import(&folder, &options, &StopEarly).unwrap();
    assert!(report.adds_up());
    assert_eq!(
        (report.imported, report.refused, report.complete),
        (1, 2, false)
    );
    assert_eq!(report.refusals[0].reason, "stopped");
    // What a killed process left of its copies is in nobody's way.
    let left = place.memory.folder().join("import/steadfast-1-0");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("copy.db"), "half").unwrap();
    let report = place.memory.import(&folder, &options, &Silent).unwrap();
    assert_eq!(
        (report.imported, report.reused, report.complete),
        (2, 1, true)
    );
    assert!(!left.exists());
}

#[test]
fn a_store_is_not_imported_into_itself() {
    let place = Place::new();
    let own = place.memory.folder().join("steadfast.db");
    let error = place
        .memory
        .import(&own, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(matches!(error, steadfast::Error::Invalid { .. }), "{error}");
}
