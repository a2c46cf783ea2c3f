//! Stores that cannot be used, while a host goes on. Bad days: the store is a file, a folder stands where the
//! database should, the database is somebody else's, nobody may read it, another process has it locked and does not
//! let go, the disk is full. The host gets its object and goes on, and `status` says what is wrong.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Place, Run};

const EVENTS: &[&str] = &[
    "session-start",
    "prompt",
    "stop",
    "pre-compact",
    "session-end",
];

fn transcript(place: &Place) -> Value {
    let line = json!({
        "type": "user", "sessionId": "s1", "uuid": "u1", "cwd": "/work",
        "timestamp": "2026-03-01T12:00:00Z",
        "message": {"role": "user", "content": "a message of the harbour"},
    });
    let path = place.write("logs/s1.jsonl", &format!("{line}\n"));
    json!({"session_id": "s1", "transcript_path": path, "prompt": "what about the harbour?"})
}

fn hook(place: &Place, event: &str, call: &Value) -> Value {
    let run = place.run_with_input(&["hook", event], call.to_string().as_bytes());
    assert_eq!(run.code, 0, "{event}: {}", run.stderr);
    run.object()
}

/// Sends every event and checks that the host can go on, and that whoever asks the memory is told.
fn goes_on(place: &Place) {
    let call = transcript(place);
    for event in EVENTS {
        let object = hook(place, event, &call);
        assert!(object.get("decision").is_none() && object.get("continue").is_none());
        if *event == "session-start" {
            let told = object["systemMessage"].as_str();
            assert!(
                told.is_some_and(|told| told.contains("Steadfast")),
                "{object}"
            );
        }
    }
}

fn status(place: &Place) -> Run {
    place.run_json(&["status"])
}

fn messages(place: &Place) -> u64 {
    place.json(&["hook", "file"]);
    place.json(&["list", "--kind", "message"])["total"]
        .as_u64()
        .unwrap()
}

#[test]
fn the_store_is_a_file() {
    let place = Place::new();
    fs::write(place.store(), "no folder").unwrap();
    goes_on(&place);
    let told = status(&place);
    assert_ne!(told.code, 0);
    assert!(told.object()["error"]["kind"].is_string());
    assert_eq!(fs::read(place.store()).unwrap(), b"no folder", "untouched");
}

#[test]
fn the_database_is_a_folder() {
    let place = Place::new();
    fs::create_dir_all(place.store().join("steadfast.db")).unwrap();
    goes_on(&place);
    assert_ne!(status(&place).code, 0);
    fs::rename(
        place.store().join("steadfast.db"),
        place.project().join("away"),
    )
    .unwrap();
    assert_eq!(
        messages(&place),
        1,
        "what was noted is filed when it is mended"
    );
}

#[test]
fn the_database_is_of_another_program() {
    let place = Place::new();
    fs::create_dir_all(place.store()).unwrap();
    let path = place.store().join("steadfast.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (7);")
        .unwrap();
    let before = fs::read(&path).unwrap();
    goes_on(&place);
    place.json(&["hook", "file"]);
    let told = status(&place);
    assert_ne!(told.code, 0);
    assert_eq!(fs::read(&path).unwrap(), before, "not a byte of it");
}

#[test]
fn another_process_has_it_locked() {
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let locking = Connection::open(place.store().join("steadfast.db")).unwrap();
    locking
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")
        .unwrap();
    let call = transcript(&place);
    for event in EVENTS {
        // In WAL mode readers may still get in; whatever they get, the host gets an object.
        hook(&place, event, &call);
    }
    drop(locking);
    assert_eq!(messages(&place), 1);
    assert_eq!(status(&place).object()["problems"], json!([]));
}

/// Runs a command of this place in a shell that may write no byte to a file.
#[cfg(unix)]
fn without_room(place: &Place, arguments: &str, input: &[u8]) -> Run {
    use std::io::Write as _;
    use std::process::Stdio;
    let command = place.command();
    let program = Path::new(command.get_program()).display().to_string();
    let mut shell = std::process::Command::new("sh");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut child = shell
        .args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f 0; exec '{program}' {arguments}"),
        ])
        .current_dir(place.project())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn the_disk_is_full() {
    let place = Place::new();
    place.json(&["remember", "Answer in British English.", "--tag", "pinned"]);
    let call = transcript(&place);
    for event in EVENTS {
        let run = without_room(
            &place,
            &format!("hook {event}"),
            call.to_string().as_bytes(),
        );
        assert_eq!(run.code, 0, "{event}: {}", run.stderr);
        let object = run.object();
        match *event {
            "session-start" => assert!(
                object["hookSpecificOutput"]["additionalContext"]
                    .as_str()
                    .is_some_and(|text| text.contains("British English")),
                "reading needs no room: {object}"
            ),
            "prompt" => {}
            _ => assert!(object["systemMessage"].is_string(), "{event}: {object}"),
        }
    }
    // The next event of the session notes it again.
    assert_eq!(hook(&place, "stop", &call), json!({}));
    assert_eq!(messages(&place), 1);
}

/// Where nobody stands above permissions, a store that may not be read is told of.
#[cfg(unix)]
#[test]
fn nobody_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let mode = |mode: u32| {
        fs::set_permissions(place.store(), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o000);
    let is_barred = fs::read_dir(place.store()).is_err();
    let call = transcript(&place);
    let answers: Vec<Value> = EVENTS
        .iter()
        .map(|event| hook(&place, event, &call))
        .collect();
    let told = status(&place).code;
    mode(0o700);
    if is_barred {
        assert!(answers[0]["systemMessage"].is_string(), "{answers:?}");
        assert_ne!(told, 0);
    } else {
        assert_eq!(messages(&place), 1, "this user may read all");
    }
}
