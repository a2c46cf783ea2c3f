//! The JSON of hosts: Claude Code, Codex, Gemini CLI, VS Code and Cursor, read leniently.
//!
//! All send one object. The first four take context as `hookSpecificOutput`;
//! Cursor, which sends its version along, as `additional_context`.

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

/// The most bytes of a host's object that are read.
pub const CALL_BYTES_MAX: u64 = 8 << 20;

/// What a host said; whatever it did not say is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The name that the host has for the event.
    pub event: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The file with the transcript of the session.
    pub transcript: Option<String>,
    /// The folder of the project.
    pub folder: Option<PathBuf>,
    /// What the user asked.
    pub prompt: Option<String>,
    /// Why a session starts, such as `resume`.
    pub reason: Option<String>,
    /// It is Cursor that asks.
    pub is_cursor: bool,
}

impl Call {
    /// Reads the object of a host. What is none, or too long, says nothing.
    pub fn read(input: impl Read) -> Self {
        // The object ends by itself: a host that leaves the pipe open is not waited for.
        let mut values =
            serde_json::Deserializer::from_reader(input.take(CALL_BYTES_MAX)).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => Self::of(&value),
            _ => Self::default(),
        }
    }

    fn of(value: &Value) -> Self {
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| value.get(name).and_then(Value::as_str))
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let root = value
            .get("workspace_roots")
            .and_then(|roots| roots.get(0))
            .and_then(Value::as_str);
        Self {
            event: text(&["hook_event_name", "hookEventName"]),
            session: text(&["session_id", "conversation_id", "sessionId"]),
            transcript: text(&["transcript_path", "transcriptPath"]),
            folder: text(&["cwd"])
                .or_else(|| root.map(str::to_owned))
                .map(PathBuf::from),
            prompt: text(&["prompt", "user_prompt"]),
            reason: text(&["source", "trigger", "reason"]),
            is_cursor: value.get("cursor_version").is_some(),
        }
    }

    /// Returns what was said as an object that [`Self::read`] understands, and nothing else of it.
    pub fn to_json(&self) -> Value {
        let mut object = serde_json::Map::new();
        let folder = self.folder.as_deref().and_then(std::path::Path::to_str);
        let fields = [
            ("hook_event_name", self.event.as_deref()),
            ("session_id", self.session.as_deref()),
            ("transcript_path", self.transcript.as_deref()),
            ("cwd", folder),
            ("prompt", self.prompt.as_deref()),
            ("source", self.reason.as_deref()),
            ("cursor_version", self.is_cursor.then_some("")),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                object.insert(name.to_owned(), Value::from(value));
            }
        }
        Value::Object(object)
    }

    /// Returns the answer that gives the model something to read; `event` is the name when the host gave none.
    pub fn context(&self, event: &str, text: &str) -> Value {
        if text.is_empty() {
            return nothing();
        }
        if self.is_cursor {
            return json!({"additional_context": text});
        }
        json!({"hookSpecificOutput": {
            "hookEventName": self.event.as_deref().unwrap_or(event),
            "additionalContext": text,
        }})
    }

    /// Returns the answer that tells the user something, and nothing to the model.
    pub fn notice(&self, message: &str) -> Value {
        if self.is_cursor {
            return nothing();
        }
        json!({"systemMessage": message})
    }
}

/// Returns the answer that has nothing to say.
pub fn nothing() -> Value {
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_understood() {
        let claude = Call::read(
            &br#"{"session_id":"s","transcript_path":"/t.jsonl","cwd":"/p","hook_event_name":"SessionStart","source":"startup"} trailing"#[..],
        );
        assert_eq!(claude.transcript.as_deref(), Some("/t.jsonl"));
        assert_eq!(claude.reason.as_deref(), Some("startup"));
        let said = claude.context("x", "hello");
        assert_eq!(said["hookSpecificOutput"]["hookEventName"], "SessionStart");
        assert_eq!(said["hookSpecificOutput"]["additionalContext"], "hello");
        let cursor = Call::read(
            &br#"{"conversation_id":"c","workspace_roots":["/p"],"cursor_version":"2.0"}"#[..],
        );
        assert_eq!(cursor.folder, Some(PathBuf::from("/p")));
        assert_eq!(cursor.session.as_deref(), Some("c"));
        assert_eq!(
            cursor.context("x", "hello"),
            json!({"additional_context": "hello"})
        );
        assert_eq!(cursor.context("x", ""), json!({}));
        let vscode = Call::read(
            &br#"{"timestamp":"2026-02-09T10:30:00.000Z","cwd":"/p","sessionId":"v","hookEventName":"SessionStart","transcript_path":"/t.jsonl","source":"new"}"#[..],
        );
        assert_eq!(vscode.session.as_deref(), Some("v"));
        let said = vscode.context("x", "hello");
        assert_eq!(said["hookSpecificOutput"]["hookEventName"], "SessionStart");
    }

    #[test]
    fn what_was_said_can_be_passed_on() {
        for said in [
            r#"{"session_id":"s","transcript_path":"/t.jsonl","cwd":"/p","hook_event_name":"Stop","prompt":"q","trigger":"auto"}"#,
            r#"{"conversation_id":"c","workspace_roots":["/p"],"cursor_version":"2.0"}"#,
            "{}",
        ] {
            let call = Call::read(said.as_bytes());
            let passed_on = call.to_json().to_string();
            assert_eq!(Call::read(passed_on.as_bytes()), call, "{said}");
        }
    }

    #[test]
    fn whatever_is_no_object_says_nothing() {
        for input in [
            "",
            "garbage",
            "[1",
            "7",
            "{\"cwd\": 7, \"session_id\": null}",
        ] {
            assert_eq!(Call::read(input.as_bytes()), Call::default(), "{input}");
        }
    }
}
