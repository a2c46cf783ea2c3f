//! Hooks while a server runs. Bad days: a server was killed, and its file sends every hook to a port that is
//! somebody else's; a host posts without the token; a transcript is filed by the server and by the command, and is
//! there twice; the token leaves the store's folder with a backup or a report.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use steadfast_testkit::Served;

use crate::support::{Place, files};

/// How often something is looked for that another process is to do; each look is a process too.
const LOOKS: usize = 500;

fn serve(place: &Place, arguments: &[&str]) -> Served {
    Served::start(place.command().stderr(Stdio::null()), arguments)
}

/// Posts an event as a host does; returns the status and the object.
fn post(served: &Served, event: &str, token: &str, call: &Value) -> (u16, Value) {
    let (address, body) = (served.address(), call.to_string());
    let request = format!(
        "POST /hooks/{event} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answered = served.says(request.as_bytes());
    let object = serde_json::from_str(&answered.body).unwrap_or(Value::Null);
    (answered.status, object)
}

fn told(served: &Served, event: &str, call: &Value) -> Value {
    let (status, object) = post(served, event, &served.token(), call);
    assert_eq!(status, 200, "{object}");
    object
}

fn log(place: &Place, messages: usize) -> PathBuf {
    let line = |number: usize| {
        let line = json!({
            "type": "user", "sessionId": "s1", "uuid": format!("u{number}"), "cwd": "/work",
            "timestamp": "2026-03-01T12:00:00Z",
            "message": {"role": "user", "content": format!("message {number} of the harbour")},
        });
        format!("{line}\n")
    };
    let text: String = (0..messages).map(line).collect();
    place.write("logs/s1.jsonl", &text)
}

/// Returns who has filed messages, once nothing waits any more.
fn filed_by(place: &Place) -> Vec<Value> {
    place.json(&["hook", "file"]);
    let log = place.run_json(&["log"]);
    log.stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["source"] == "claude-code:s1")
        .map(|entry| entry["actor"].clone())
        .collect()
}

fn messages(place: &Place) -> u64 {
    place.json(&["list", "--kind", "message"])["total"]
        .as_u64()
        .unwrap()
}

fn hook(place: &Place, event: &str, call: &Value) -> Value {
    // A busy machine is no reason to do without the server here.
    let arguments = ["hook", event, "--patience", "60000"];
    let run = place.run_with_input(&arguments, call.to_string().as_bytes());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.object()
}

#[test]
fn a_host_posts_its_events_and_needs_the_token() {
    let place = Place::new();
    place.json(&["remember", "Answer in British English.", "--tag", "pinned"]);
    let served = serve(&place, &[]);
    let call = json!({"hook_event_name": "SessionStart", "cwd": place.project()});
    let started = told(&served, "session-start", &call);
    let context = &started["hookSpecificOutput"];
    assert_eq!(context["hookEventName"], "SessionStart");
    assert!(
        context["additionalContext"]
            .as_str()
            .unwrap()
            .contains("British English")
    );
    assert_eq!(post(&served, "session-start", "wrong", &call).0, 401);
    assert_eq!(
        post(&served, "no-such-event", &served.token(), &call).0,
        404
    );
    for garbage in [
        json!(7),
        json!([]),
        json!({"transcript_path": "/etc/passwd"}),
    ] {
        assert_eq!(told(&served, "stop", &garbage), json!({}), "{garbage}");
    }
    let transcript = log(&place, 5);
    let call = json!({"session_id": "s1", "transcript_path": transcript});
    assert_eq!(told(&served, "stop", &call), json!({}));
    filed_by(&place);
    assert_eq!(messages(&place), 5);
}

#[test]
fn a_command_has_the_server_do_it_and_does_it_itself_when_that_is_gone() {
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let served = serve(&place, &[]);
    let call = json!({"session_id": "s1", "transcript_path": log(&place, 3)});
    assert_eq!(hook(&place, "stop", &call), json!({}));
    // `hook file` may be quicker than the server, so it is not asked before the messages are there.
    let is_filed = (0..LOOKS).any(|_| messages(&place) == 3);
    assert!(is_filed, "the server files what it was told");
    assert_eq!(filed_by(&place), ["serve"]);
    drop(served);
    let left = place.store().join("serve.json");
    assert!(left.exists(), "a server that was killed leaves its file");
    // Its port may be anybody's by now, who must not get the token.
    let said: Value = serde_json::from_str(&fs::read_to_string(&left).unwrap()).unwrap();
    let stranger = TcpListener::bind(said["address"].as_str().unwrap());
    log(&place, 7);
    assert_eq!(hook(&place, "stop", &call), json!({}));
    assert_eq!(filed_by(&place), ["hook", "serve"]);
    assert_eq!(messages(&place), 7);
    if let Ok(stranger) = stranger {
        stranger.set_nonblocking(true).unwrap();
        assert!(stranger.accept().is_err(), "nobody has asked there");
    }
}

#[cfg(unix)]
#[test]
fn a_server_that_ends_takes_its_file_along_and_files_what_was_left() {
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let request = json!({"transcript": log(&place, 4), "attempts": 0, "error": null});
    fs::create_dir(place.store().join("hooks")).unwrap();
    fs::write(place.store().join("hooks/00ff.taken"), request.to_string()).unwrap();
    let mut served = serve(&place, &[]);
    let is_filed = (0..LOOKS).any(|_| messages(&place) == 4);
    assert!(is_filed, "what a killed process was at");
    let asked = Command::new("kill")
        .args(["-TERM", &served.child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
    assert!(!place.store().join("serve.json").exists());
}

#[test]
fn a_server_keeps_folders_up_to_date() {
    let place = Place::new();
    place.write("notes/old.md", "An anchor lies in the harbour.\n");
    let _served = serve(&place, &["--watch", "notes"]);
    let finds = |word: &str| {
        let run = place.run_json(&["search", word, "--mode", "text"]);
        run.code == 0 && !run.object()["hits"].as_array().unwrap().is_empty()
    };
    assert!((0..LOOKS).any(|_| finds("anchor")), "what was there");
    place.write("notes/deep/new.md", "A capstan turns.\n");
    assert!((0..LOOKS).any(|_| finds("capstan")), "what was saved later");
    fs::rename(
        place.project().join("notes"),
        place.project().join("elsewhere"),
    )
    .unwrap();
    assert!(finds("anchor"), "a folder that is gone keeps its chunks");
}

/// Nothing that lets somebody in, or says where, leaves the folder of the store.
#[test]
fn token_and_runtime_files_stay_in_the_store() {
    let place = Place::new();
    place.write("notes/a.md", "An anchor lies in the harbour.\n");
    place.json(&["index", "notes"]);
    let served = serve(&place, &[]);
    let call = json!({"session_id": "s1", "transcript_path": log(&place, 3)});
    told(&served, "stop", &call);
    filed_by(&place);
    let out = place.project().join("out");
    fs::create_dir(&out).unwrap();
    let path = |name: &str| out.join(name).to_str().unwrap().to_owned();
    place.json(&["backup", &path("copy.db")]);
    place.json(&["export", &path("all.bundle")]);
    place.json(&["export", &path("all.jsonl"), "--format", "jsonl"]);
    place.json(&["export", &path("vault"), "--format", "markdown"]);
    place.json(&["restore", &path("copy.db"), "--to", &path("restored")]);
    for command in ["doctor", "status", "verify", "log"] {
        let run = place.run(&["--json", command]);
        fs::write(path(command), run.stdout + &run.stderr).unwrap();
    }
    let token = served.token();
    let (token, address) = (token.as_bytes(), served.address().as_bytes());
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let written = files(&out);
    assert!(written.len() >= 9, "{written:?}");
    for file in written {
        let bytes = fs::read(&file).unwrap();
        assert!(!has(&bytes, token) && !has(&bytes, address), "{file:?}");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            !["token", "serve.json", "serve.lock"].contains(&name),
            "{file:?}"
        );
        assert!(!file.components().any(|part| part.as_os_str() == "hooks"));
    }
    // Nor is the store's folder read as if it held the user's files.
    let inside = place.project().join(".steadfast");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("token"), token).unwrap();
    fs::write(inside.join("serve.json"), address).unwrap();
    place.json(&["index", "."]);
    let sources = place.json(&["sources"])["sources"].to_string();
    assert!(
        !sources.contains("serve.json") && !sources.contains("token"),
        "{sources}"
    );
}

#[cfg(unix)]
#[test]
fn runtime_files_are_private_and_no_finding() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.json(&["remember", "there is a store"]);
    let served = serve(&place, &[]);
    told(&served, "stop", &json!({"transcript_path": log(&place, 3)}));
    filed_by(&place);
    let mut seen = 0;
    for file in files(&place.store()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?}");
        seen += usize::from(file.to_str().unwrap().contains("serve."));
        seen += usize::from(file.to_str().unwrap().contains("transcripts"));
    }
    assert_eq!(seen, 3, "serve.json, serve.lock and a mark");
    assert_eq!(place.json(&["doctor"])["findings"], json!([]));
}

/// Who hears that the server listens may end it in the same moment: it ends well, and nobody looks for it after.
#[cfg(unix)]
#[test]
fn a_server_that_is_ended_at_once_leaves_nothing_behind() {
    use std::io::{BufRead as _, BufReader};
    let place = Place::new();
    for _ in 0..10 {
        let mut command = place.command();
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let killed = Command::new("kill").arg(child.id().to_string()).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{line}");
        assert!(!place.store().join("serve.json").exists());
    }
}

#[test]
fn a_port_in_use_may_be_free_later() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = place.run_json(&["serve", "--listen", &address]);
    let error = run.object()["error"].clone();
    assert_eq!((run.code, &error["retry"]), (3, &json!("after")), "{error}");
}
