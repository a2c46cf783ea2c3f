//! Setting up hosts. Bad days: a file of settings that people care about loses its comments,
//! other servers or hooks; half of a setup is done; taking it back takes more, or less.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Place;

const HOSTS: &[&str] = &["claude-code", "codex", "cursor", "gemini", "vscode"];

fn setup(place: &Place, arguments: &[&str]) -> Value {
    let mut all = vec!["--json", "setup"];
    all.extend(arguments);
    let output = place.command_without_store().args(&all).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn object(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn count(folder: &Path) -> usize {
    if folder.exists() {
        crate::support::files(folder).len()
    } else {
        0
    }
}

#[test]
fn each_host_is_set_up_twice_as_once_and_taken_back_without_a_trace() {
    for scope in ["--user", "--project"] {
        for host in HOSTS {
            let place = Place::new();
            let plan = setup(&place, &[host, scope]);
            assert_eq!(
                (&plan["applied"], &plan["detected"]),
                (&json!(false), &json!(false))
            );
            assert_eq!(
                (count(&place.home()), count(&place.project())),
                (0, 0),
                "{host}"
            );
            let done = setup(&place, &[host, scope, "--recall", "--yes"]);
            assert_eq!(done["applied"], true);
            for change in done["plan"].as_array().unwrap() {
                assert_eq!(change["action"], "create");
                let file = Path::new(change["file"].as_str().unwrap());
                let text = fs::read_to_string(file).unwrap();
                assert!(text.contains("steadfast"), "{host} {text}");
                assert_eq!(file.starts_with(place.project()), scope == "--project");
            }
            let again = setup(&place, &[host, scope, "--recall", "--yes"]);
            assert_eq!(again["applied"], false, "{again}");
            setup(&place, &[host, scope, "--undo", "--yes"]);
            assert_eq!(
                (count(&place.home()), count(&place.project())),
                (0, 0),
                "{host}"
            );
        }
    }
}

#[test]
fn what_was_there_stays_and_comes_back_to_the_byte() {
    let place = Place::new();
    let settings = place.home().join(".claude/settings.json");
    let before = "{\n\t\"model\": \"opus\",\n\t\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}]}\n}\n";
    write(&settings, before);
    let servers = place.home().join(".claude.json");
    write(
        &servers,
        "{\"numStartups\": 7, \"mcpServers\": {\"other\": {\"command\": \"x\"}}}",
    );
    let listed = setup(&place, &[]);
    assert_eq!(
        listed["hosts"][0],
        json!({"host": "claude-code", "detected": true})
    );
    setup(&place, &["claude-code", "--yes"]);
    let (after, known) = (object(&settings), object(&servers));
    assert_eq!(after["model"], "opus");
    assert_eq!(after["hooks"]["Stop"].as_array().unwrap().len(), 2);
    assert!(
        after["hooks"]["UserPromptSubmit"].is_null(),
        "only with --recall"
    );
    assert_eq!(
        (
            &known["numStartups"],
            &known["mcpServers"]["other"]["command"]
        ),
        (&json!(7), &json!("x"))
    );
    setup(&place, &["claude-code", "--undo", "--yes"]);
    assert_eq!(fs::read_to_string(&settings).unwrap(), before);
}

#[test]
fn what_changed_since_stays_when_it_is_taken_back() {
    let place = Place::new();
    let path = place.home().join(".gemini/settings.json");
    write(&path, "{\n  // mine\n  \"theme\": \"dark\"\n}\n");
    setup(&place, &["gemini", "--yes"]);
    let text = fs::read_to_string(&path).unwrap();
    write(&path, &text.replace("dark", "light"));
    setup(&place, &["gemini", "--undo", "--yes"]);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\n  // mine\n  \"theme\": \"light\"\n}\n"
    );
}

#[test]
fn a_file_that_cannot_be_edited_stops_all_of_it() {
    let place = Place::new();
    write(
        &place.home().join(".claude/settings.json"),
        "{ this is not JSON",
    );
    let run = place.run_json(&["setup", "claude-code", "--yes"]);
    run.assert_failed(2, "invalid_config");
    assert!(!place.home().join(".claude.json").exists());
    assert_eq!(
        fs::read_to_string(place.home().join(".claude/settings.json")).unwrap(),
        "{ this is not JSON"
    );
}

/// The events are those that each host knows, each in the unit of time that the host counts in.
#[test]
fn each_host_is_told_of_its_own_events() {
    let tail = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let known = |host: &str, file: &str| -> Vec<(String, String, Value)> {
        let place = Place::new();
        setup(&place, &[host, "--recall", "--yes"]);
        let hooks = object(&place.home().join(file))["hooks"].clone();
        let mut found: Vec<_> = hooks
            .as_object()
            .unwrap()
            .iter()
            .map(|(event, entries)| {
                let entry = &entries[0];
                let hook = entry["hooks"].get(0).unwrap_or(entry);
                let command = hook["command"].as_str().unwrap();
                (event.clone(), tail(command), hook["timeout"].clone())
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    };
    let rows = |rows: &[(&str, &str)], timeout: &Value| -> Vec<(String, String, Value)> {
        let row = |(event, ours): &(&str, &str)| {
            ((*event).to_owned(), (*ours).to_owned(), timeout.clone())
        };
        rows.iter().map(row).collect()
    };
    let claude = [
        ("PreCompact", "pre-compact"),
        ("SessionEnd", "session-end"),
        ("SessionStart", "session-start"),
        ("Stop", "stop"),
        ("UserPromptSubmit", "prompt"),
    ];
    assert_eq!(
        known("claude-code", ".claude/settings.json"),
        rows(&claude, &json!(10))
    );
    let codex = [claude[0], claude[2], claude[3], claude[4]];
    assert_eq!(
        known("codex", ".codex/hooks.json"),
        rows(&codex, &json!(10))
    );
    let gemini = [
        ("AfterAgent", "stop"),
        ("BeforeAgent", "prompt"),
        ("PreCompress", "pre-compact"),
        ("SessionEnd", "session-end"),
        ("SessionStart", "session-start"),
    ];
    assert_eq!(
        known("gemini", ".gemini/settings.json"),
        rows(&gemini, &json!(10_000))
    );
    let cursor = [
        ("preCompact", "pre-compact"),
        ("sessionEnd", "session-end"),
        ("sessionStart", "session-start"),
        ("stop", "stop"),
    ];
    assert_eq!(
        known("cursor", ".cursor/hooks.json"),
        rows(&cursor, &Value::Null)
    );
    let vscode = [claude[0], claude[2], claude[3]];
    assert_eq!(
        known("vscode", ".copilot/hooks/steadfast.json"),
        rows(&vscode, &json!(10))
    );
}

/// What others put beside ours stays, in every file of every host, when what is ours goes.
#[test]
fn files_with_others_in_them_come_back_to_the_byte() {
    for scope in ["--user", "--project"] {
        for host in HOSTS {
            let place = Place::new();
            let plan = setup(&place, &[host, scope, "--recall"]);
            let others = |path: &Path| {
                match path.extension().unwrap().to_str().unwrap() {
                "toml" => "# mine\nmodel = \"m\"\n\n[mcp_servers.other]\ncommand = \"x\"\n".to_owned(),
                _ => json!({"mine": 1, "mcpServers": {"other": {"command": "x"}},
                    "hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "say hi"}]}]}})
                .to_string(),
            }
            };
            let paths: Vec<_> = plan["plan"]
                .as_array()
                .unwrap()
                .iter()
                .map(|change| Path::new(change["file"].as_str().unwrap()).to_owned())
                .collect();
            for path in &paths {
                write(path, &others(path));
            }
            setup(&place, &[host, scope, "--recall", "--yes"]);
            for path in &paths {
                let text = fs::read_to_string(path).unwrap();
                assert!(
                    text.contains("steadfast") && text.contains("mine"),
                    "{text}"
                );
            }
            setup(&place, &[host, scope, "--undo", "--yes"]);
            for path in &paths {
                assert_eq!(
                    fs::read_to_string(path).unwrap(),
                    others(path),
                    "{host} {scope}"
                );
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_private_stays_private() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = Place::new();
    let real = place.write("dotfiles/mcp.json", "{}\n");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    let link = place.home().join(".cursor/mcp.json");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&real, &link).unwrap();
    let done = setup(&place, &["cursor", "--yes"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(object(&real)["mcpServers"]["steadfast"].is_object());
    let backup = Path::new(done["backup"].as_str().unwrap());
    assert_eq!(
        fs::metadata(backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// The line that is written for a host runs as it stands, also from a folder with a blank in its name.
#[cfg(unix)]
#[test]
fn the_hook_that_is_written_runs_in_a_shell() {
    let place = Place::new();
    let store = place.project().join("my store");
    let name = store.to_str().unwrap();
    setup(&place, &["claude-code", "--yes", "--store", name]);
    let run = place.run_json(&[
        "remember",
        "from the set up store",
        "--tag",
        "pinned",
        "--store",
        name,
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let settings = object(&place.home().join(".claude/settings.json"));
    let line = settings["hooks"]["SessionStart"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap();
    let output = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("from the set up store"), "{line}: {said}");
    let server = &object(&place.home().join(".claude.json"))["mcpServers"]["steadfast"];
    assert_eq!(server["args"], json!(["--store", name, "mcp"]));
}

/// The user edits the file between two setups: the text before the second one has ours in it.
#[test]
fn a_second_setup_is_undone_to_what_the_user_wrote() {
    let place = Place::new();
    let path = place.home().join(".claude/settings.json");
    write(&path, "{\n  // keep\n  \"model\": \"opus\"\n}\n");
    setup(&place, &["claude-code", "--recall", "--yes"]);
    let text = fs::read_to_string(&path).unwrap();
    write(&path, &text.replace("opus", "sonnet"));
    let store = place.store();
    let moved = ["claude-code", "--yes", "--store", store.to_str().unwrap()];
    setup(&place, &moved);
    setup(&place, &["claude-code", "--undo", "--yes"]);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\n  // keep\n  \"model\": \"sonnet\"\n}\n"
    );
    assert!(!place.home().join(".claude.json").exists());
}

/// Two folders that differ only in signs that no plain name has, and one of a length that is no file name.
#[test]
fn each_project_has_a_record_of_its_own() {
    let place = Place::new();
    let long = vec!["d".repeat(30); 9].join("/");
    let folders = ["x/a-b", "x/a/b", long.as_str()];
    let run = |folder: &str, arguments: &[&str]| {
        let mut command = place.command_without_store();
        command.current_dir(place.project().join(folder));
        let output = command.args(["setup", "cursor", "--project", "--yes"]);
        let output = output.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let texts: Vec<String> = folders
        .iter()
        .map(|name| format!("{{  \"{name}\" : 1  }}"))
        .collect();
    for (folder, text) in folders.iter().zip(&texts) {
        write(&place.project().join(folder).join(".cursor/mcp.json"), text);
        run(folder, &[]);
    }
    for (folder, text) in folders.iter().zip(&texts) {
        run(folder, &["--undo"]);
        let path = place.project().join(folder).join(".cursor/mcp.json");
        assert_eq!(fs::read_to_string(path).unwrap(), *text);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_is_not_there_yet_stays_a_link() {
    let place = Place::new();
    let link = place.home().join(".codex/config.toml");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../dotfiles/config.toml", &link).unwrap();
    setup(&place, &["codex", "--yes"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let real = place.home().join("dotfiles/config.toml");
    assert!(fs::read_to_string(&real).unwrap().contains("steadfast"));
    setup(&place, &["codex", "--undo", "--yes"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && !real.exists());
}

/// A host is started from a menu and has none of the variables of the user's shell.
#[test]
fn the_store_of_the_environment_is_written_for_the_user_and_not_for_a_project() {
    let place = Place::new();
    let done = place.json(&["setup", "cursor", "--yes"]);
    assert!(
        done["notes"][1].as_str().unwrap().contains("--store"),
        "{done}"
    );
    let args = |path: &Path| object(path)["mcpServers"]["steadfast"]["args"].clone();
    let store = place.store();
    assert_eq!(
        args(&place.home().join(".cursor/mcp.json")),
        json!(["--store", store.to_str().unwrap(), "mcp"])
    );
    let done = place.json(&["setup", "cursor", "--project", "--yes"]);
    assert!(
        done["notes"][1].as_str().unwrap().contains("not written"),
        "{done}"
    );
    assert_eq!(
        args(&place.project().join(".cursor/mcp.json")),
        json!(["mcp"])
    );
}
