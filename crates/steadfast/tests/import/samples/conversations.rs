//! What people said to each other and to agents: session logs, exports of chats, channels.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{lay, lines, pack, write, zipped};
use crate::support::Place;

pub(super) fn claude_code(place: &Place) -> PathBuf {
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

pub(super) fn codex(place: &Place) -> PathBuf {
    let item = |role: &str, text: &str| {
        json!({"timestamp": "2026-03-01T10:00:00Z", "type": "response_item", "payload":
            {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}})
    };
    let log = lines(&[item("user", "Mend it."), item("assistant", "It is mended.")]);
    let path = write(place, "codex/rollout-1.jsonl", &log);
    path.parent().unwrap().to_owned()
}

pub(super) fn cursor_agent(place: &Place) -> PathBuf {
    let log = lines(&[
        json!({"role": "user", "message": {"content": [
            {"type": "text", "text": "<user_query>\nWhich port?\n</user_query>"}]}}),
        json!({"role": "assistant", "message": {"content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "name": "Grep", "input": {"pattern": "port"}}]}}),
        json!({"role": "assistant", "message": {"content": [
            {"type": "text", "text": "Port 8443."}]}}),
        json!({"type": "turn_ended", "status": "success"}),
    ]);
    let name = "cursor/projects/home-me-app/agent-transcripts/c1/c1.jsonl";
    write(place, name, &log);
    place.path("cursor/projects")
}

fn copilot_events() -> String {
    let event = |id: &str, sort: &str, data: Value| {
        json!({"type": sort, "data": data, "id": id, "timestamp": "2026-03-01T10:00:00.000Z",
               "parentId": null})
    };
    lines(&[
        event(
            "e0",
            "session.start",
            json!({"sessionId": "v1", "version": 1, "context": {"cwd": "/work"}}),
        ),
        event("e1", "user.message", json!({"content": "Which port?"})),
        event("e2", "assistant.turn_start", json!({"turnId": "0"})),
        event(
            "e3",
            "assistant.message",
            json!({"messageId": "m", "content": "I look.", "reasoningText": "A file says it.",
                "toolRequests": [{"toolCallId": "t", "name": "read_file",
                    "arguments": "{\"path\":\"a\"}", "type": "function"}]}),
        ),
        event(
            "e4",
            "tool.execution_start",
            json!({"toolCallId": "t", "toolName": "read_file", "arguments": {"path": "a"}}),
        ),
        event(
            "e5",
            "tool.execution_complete",
            json!({"toolCallId": "t", "success": true, "result": {"content": "port = 8443"}}),
        ),
        event("e6", "assistant.turn_end", json!({"turnId": "0"})),
    ])
}

pub(super) fn copilot(place: &Place) -> PathBuf {
    let name = "storage/GitHub.copilot-chat/transcripts/v1.jsonl";
    let path = write(place, name, &copilot_events());
    path.parent().unwrap().to_owned()
}

pub(super) fn copilot_cli(place: &Place) -> PathBuf {
    write(
        place,
        "copilot/session-state/v1/events.jsonl",
        &copilot_events(),
    );
    place.path("copilot/session-state")
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

pub(super) fn chat_gpt(place: &Place) -> PathBuf {
    write(
        place,
        "gpt/conversations.json",
        &gpt_chats("g1").to_string(),
    )
}

pub(super) fn chat_gpt_zip(place: &Place) -> PathBuf {
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

pub(super) fn claude_ai(place: &Place) -> PathBuf {
    write(place, "claude-ai/conversations.json", &claude_chats())
}

pub(super) fn claude_ai_zip(place: &Place) -> PathBuf {
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

pub(super) fn gemini(place: &Place) -> PathBuf {
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

pub(super) fn gemini_lines(place: &Place) -> PathBuf {
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

pub(super) fn cursor(place: &Place) -> PathBuf {
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

pub(super) fn slack(place: &Place) -> PathBuf {
    lay(place, "slack", &slack_files())
}

pub(super) fn slack_zip(place: &Place) -> PathBuf {
    zipped(place, "slack-zip/export.zip", &slack_files())
}

pub(super) fn transcript(place: &Place) -> PathBuf {
    write(
        place,
        "talk/talk.txt",
        "> Which port?\n\n8443.\n\n> And for staging?\n\n6432.\n",
    )
}
