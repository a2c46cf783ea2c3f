//! Hooks of a host. Bad days: the store is broken and the agent stands still; a process is
//! killed at a transcript and the session is lost; several hooks file one session at once, or
//! an import comes behind them, and it is there twice.

use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::{Value, json};

use crate::support::{Place, Run};

fn call(place: &Place, event: &str, object: &Value) -> Value {
    let run = hook(place, event, object.to_string().as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.object()
}

fn hook(place: &Place, event: &str, input: &[u8]) -> Run {
    place.run_with_input(&["hook", event], input)
}

/// Returns when nothing waits any more: it waits for whoever is at it.
fn settle(place: &Place) -> Value {
    place.json(&["hook", "file"])
}

fn line(number: usize, role: &str, text: &str) -> String {
    let line = json!({
        "type": role, "sessionId": "s1", "uuid": format!("u{number}"), "cwd": "/work",
        "timestamp": "2026-03-01T12:00:00Z", "message": {"role": role, "content": text},
    });
    format!("{line}\n")
}

fn log(place: &Place, messages: usize) -> PathBuf {
    let text: String = (0..messages)
        .map(|number| {
            let role = if number % 2 == 0 { "user" } else { "assistant" };
            line(
                number,
                role,
                &format!("message number {number} about the harbour"),
            )
        })
        .collect();
    place.write("logs/s1.jsonl", &text)
}

fn messages(place: &Place) -> u64 {
    place.json(&["list", "--kind", "message"])["total"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_transcript_is_filed_as_it_grows_and_once() {
    let place = Place::new();
    let transcript = log(&place, 3);
    let said = json!({"session_id": "s1", "transcript_path": transcript, "cwd": place.project()});
    assert_eq!(call(&place, "stop", &said), json!({}));
    settle(&place);
    assert_eq!(messages(&place), 3);
    log(&place, 6);
    assert_eq!(call(&place, "pre-compact", &said), json!({}));
    assert_eq!(call(&place, "session-end", &said), json!({}));
    settle(&place);
    assert_eq!(messages(&place), 6);
    let import = place.json(&["import", transcript.to_str().unwrap()]);
    assert_eq!(
        (&import["imported"], &import["reused"]),
        (&json!(0), &json!(6))
    );
    assert_eq!(
        settle(&place),
        json!({"filed": 0, "messages": 0, "failed": 0})
    );
}

/// As Cursor and VS Code call: each names the session in its own way, and has transcripts of its own shape.
#[test]
fn transcripts_of_editors_are_filed_too() {
    let place = Place::new();
    let cursor = format!(
        "{}\n{}\n",
        json!({"role": "user", "message": {"content": [
            {"type": "text", "text": "<user_query>\nwhere is the harbour?\n</user_query>"}]}}),
        json!({"type": "turn_ended", "status": "success"})
    );
    let copilot = json!({"type": "user.message", "data": {"content": "when is high water?"},
        "id": "e1", "timestamp": "2026-03-01T12:00:00Z", "parentId": null});
    let cursor = place.write("p/agent-transcripts/c1/c1.jsonl", &cursor);
    let copilot = place.write("transcripts/v1.jsonl", &format!("{copilot}\n"));
    let of_cursor = json!({"conversation_id": "c1", "generation_id": "g", "hook_event_name": "stop",
        "cursor_version": "3.1.0", "workspace_roots": [place.project()], "user_email": null,
        "transcript_path": cursor, "status": "completed", "loop_count": 0});
    let of_vscode = json!({"timestamp": "2026-03-01T12:00:00.000Z", "cwd": place.project(),
        "sessionId": "v1", "hookEventName": "Stop", "transcript_path": copilot,
        "stop_hook_active": false});
    for said in [of_cursor, of_vscode] {
        assert_eq!(call(&place, "stop", &said), json!({}));
    }
    settle(&place);
    let listed = place.json(&["list", "--kind", "message"]);
    let mut texts: Vec<&str> = listed["chunks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|chunk| chunk["text"].as_str())
        .collect();
    texts.sort_unstable();
    assert_eq!(texts, ["when is high water?", "where is the harbour?"]);
    let of_next = json!({"conversation_id": "c2", "hook_event_name": "sessionStart",
        "cursor_version": "3.1.0", "workspace_roots": [place.project()]});
    let told = call(&place, "session-start", &of_next);
    let context = told["additional_context"].as_str().unwrap();
    assert!(context.contains("where is the harbour?"), "{context}");
}

#[test]
fn hooks_at_once_file_each_message_once() {
    let place = Place::new();
    let transcript = log(&place, 40);
    let said = json!({"session_id": "s1", "transcript_path": transcript});
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| call(&place, "stop", &said));
        }
    });
    settle(&place);
    assert_eq!(messages(&place), 40);
    assert_eq!(place.json(&["status"])["problems"], json!([]));
}

#[test]
fn what_a_killed_process_left_is_filed_by_the_next_session() {
    let place = Place::new();
    let transcript = log(&place, 4);
    place.json(&["remember", "there is a store"]);
    fs::create_dir(place.store().join("hooks")).unwrap();
    let request = json!({"transcript": transcript, "attempts": 0, "error": null});
    fs::write(place.store().join("hooks/00ff.taken"), request.to_string()).unwrap();
    call(&place, "session-start", &json!({"session_id": "s2"}));
    settle(&place);
    assert_eq!(messages(&place), 4);
}

#[test]
fn a_broken_store_stops_no_host_and_loses_no_transcript() {
    let place = Place::new();
    fs::create_dir_all(place.store()).unwrap();
    let database = place.store().join("steadfast.db");
    fs::write(
        &database,
        "not a database, and longer than a header of one ".repeat(99),
    )
    .unwrap();
    let transcript = log(&place, 4);
    let said = json!({"session_id": "s1", "transcript_path": transcript});
    let told = call(&place, "session-start", &said);
    assert!(
        told["systemMessage"]
            .as_str()
            .unwrap()
            .contains("Steadfast"),
        "{told}"
    );
    call(
        &place,
        "prompt",
        &json!({"prompt": "what about the harbour?"}),
    );
    assert_eq!(call(&place, "session-end", &said), json!({}));
    assert_eq!(settle(&place)["failed"], 1);
    fs::rename(&database, place.project().join("broken.db")).unwrap();
    settle(&place);
    assert_eq!(messages(&place), 4);
}

#[test]
fn a_model_that_is_not_there_loses_no_transcript() {
    let place = Place::new();
    fs::create_dir_all(place.store()).unwrap();
    let config = place.store().join("config.toml");
    fs::write(&config, "[embed]\nmodel = \"/no/such/model\"\n").unwrap();
    let said = json!({"session_id": "s1", "transcript_path": log(&place, 2)});
    assert_eq!(call(&place, "stop", &said), json!({}));
    let told = call(&place, "session-start", &json!({"session_id": "s2"}));
    let message = told["systemMessage"].as_str().unwrap();
    assert!(message.contains("/no/such/model"), "{message}");
    fs::write(&config, "").unwrap();
    settle(&place);
    assert_eq!(messages(&place), 2);
}

#[test]
fn what_cannot_be_filed_is_told_by_status() {
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let strange = place.write("logs/x.jsonl", &"{\"a\": 1}\n".repeat(10_000));
    call(&place, "stop", &json!({"transcript_path": strange}));
    assert_eq!(settle(&place)["failed"], 1);
    let problems = place.json(&["status"])["problems"].clone();
    assert_eq!(problems[0]["code"], "hook_failed", "{problems}");
    fs::rename(&strange, place.project().join("elsewhere.txt")).unwrap();
    settle(&place);
    assert_eq!(place.json(&["status"])["problems"], json!([]));
}

#[test]
fn whatever_a_host_sends_it_gets_an_object_and_no_failure() {
    let place = Place::new();
    for event in [
        "session-start",
        "prompt",
        "stop",
        "session-end",
        "no-such-event",
    ] {
        for input in [
            "",
            "{",
            "[]",
            "null",
            "{\"transcript_path\": \"/etc/passwd\", \"cwd\": 7}",
        ] {
            let run = hook(&place, event, input.as_bytes());
            assert_eq!((run.code, run.object()), (0, json!({})), "{event} {input}");
        }
    }
    assert!(!place.store().exists(), "nothing was to be kept");
    fs::create_dir_all(place.store()).unwrap();
    fs::write(place.store().join("config.toml"), "[search]\nlimit = 0\n").unwrap();
    let told = call(&place, "session-start", &json!({}));
    assert!(told["systemMessage"].is_string(), "{told}");
}

#[test]
fn a_session_starts_with_what_it_should_know() {
    let place = Place::new();
    place.json(&["remember", "Answer in British English.", "--tag", "pinned"]);
    let said = json!({"hook_event_name": "SessionStart", "source": "startup"});
    let answer = call(&place, "session-start", &said);
    let context = &answer["hookSpecificOutput"];
    assert_eq!(context["hookEventName"], "SessionStart");
    let text = context["additionalContext"].as_str().unwrap();
    assert!(text.contains("British English"), "{text}");
    let resumed = call(&place, "session-start", &json!({"source": "resume"}));
    assert_eq!(resumed, json!({}));
}

#[test]
fn a_prompt_recalls_what_shares_words_with_it_and_not_its_own_session() {
    let place = Place::new();
    let transcript = log(&place, 2);
    call(&place, "stop", &json!({"transcript_path": transcript}));
    settle(&place);
    place.json(&["remember", "The harbour master is called Jansen."]);
    let asked = |session: &str| {
        let said = json!({"prompt": "who is the harbour master?", "session_id": session});
        let answer = call(&place, "prompt", &said);
        answer["hookSpecificOutput"]["additionalContext"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(asked("s2").contains("Jansen"));
    assert!(asked("s2").contains("message number"));
    assert!(!asked("s1").contains("message number"));
    let short = call(&place, "prompt", &json!({"prompt": "harbour"}));
    assert_eq!(short, json!({}));
}

/// A host names a pipe, which nobody writes to: whoever opens it waits for ever, and all that come after with it.
#[cfg(unix)]
#[test]
fn a_transcript_that_is_a_pipe_holds_nothing_up() {
    let place = Place::new();
    let transcript = log(&place, 2);
    let pipe = place.project().join("pipe.jsonl");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    call(
        &place,
        "stop",
        &json!({"session_id": "s0", "transcript_path": pipe}),
    );
    assert!(!place.store().exists(), "nothing is noted");
    // Also when it was a file at first.
    fs::create_dir_all(place.store().join("hooks")).unwrap();
    let request = json!({"transcript": pipe, "attempts": 0, "error": null});
    fs::write(place.store().join("hooks/00ff.json"), request.to_string()).unwrap();
    call(
        &place,
        "stop",
        &json!({"session_id": "s1", "transcript_path": transcript}),
    );
    settle(&place);
    assert_eq!(messages(&place), 2);
    assert_eq!(place.json(&["status"])["problems"], json!([]));
}

/// A host that writes a log anew: what it names itself is taken as it is now, the rest stays and is told.
#[test]
fn messages_that_were_written_anew_are_filed_or_told() {
    let place = Place::new();
    let said = |path: &PathBuf| json!({"session_id": "s1", "transcript_path": path});
    let transcript = log(&place, 3);
    call(&place, "stop", &said(&transcript));
    settle(&place);
    let text = fs::read_to_string(&transcript).unwrap();
    fs::write(&transcript, text.replace("number 1", "number one")).unwrap();
    call(&place, "stop", &said(&transcript));
    settle(&place);
    let listed = place.json(&["list", "--kind", "message"]).to_string();
    assert!(
        listed.contains("number one") && !listed.contains("number 1 "),
        "{listed}"
    );
    assert_eq!(place.json(&["status"])["problems"], json!([]));

    let line = |text: &str| {
        let line =
            json!({"role": "user", "message": {"content": [{"type": "text", "text": text}]}});
        format!("{line}\n")
    };
    let agent = place.write(
        "c1.jsonl",
        &(line("first about apples") + &line("then pears")),
    );
    call(&place, "stop", &said(&agent));
    settle(&place);
    place.write(
        "c1.jsonl",
        &(line("first about apples") + &line("then plums")),
    );
    call(&place, "stop", &said(&agent));
    assert_eq!(settle(&place)["failed"], 1);
    let problems = place.json(&["status"])["problems"].clone();
    assert_eq!(problems[0]["code"], "hook_partial", "{problems}");
    assert!(
        problems[0]["what"]
            .as_str()
            .unwrap()
            .contains("differs_from_store")
    );
    place.json(&["import", agent.to_str().unwrap(), "--on-conflict", "update"]);
    settle(&place);
    assert_eq!(place.json(&["status"])["problems"], json!([]));
}

/// A host keeps the pipe open and says nothing: the hook ends all the same.
#[test]
fn a_host_that_says_nothing_is_not_waited_for() {
    let place = Place::new();
    let mut command = place.command();
    let mut child = command
        .args(["hook", "stop"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take();
    let run = Run::of(&child.wait_with_output().unwrap());
    drop(input);
    assert_eq!((run.code, run.stdout.trim()), (0, "{}"));
}
