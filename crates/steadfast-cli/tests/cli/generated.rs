//! What is made from the definition of the arguments: help, completions, man pages.

use std::fmt::Write as _;
use std::fs;

use crate::support::Place;

const COMMANDS: &[&str] = &[
    "index",
    "search",
    "get",
    "list",
    "sources",
    "remember",
    "forget",
    "tags",
    "namespaces",
    "status",
    "verify",
    "doctor",
    "import",
    "rebuild",
    "backup",
    "restore",
    "selftest",
    "log",
    "undo",
    "config",
    "config get",
    "config set",
    "config unset",
    "config test-redaction",
    "mcp",
    "serve",
    "watch",
    "setup",
    "hook",
    "wake-up",
    "completions",
    "man",
    "version",
];

/// The whole help is one snapshot: a change of a word shows in review.
#[test]
fn the_help_of_all_commands_is_as_reviewed() {
    let place = Place::new();
    let mut whole = String::new();
    for command in [""].iter().chain(COMMANDS) {
        for flag in ["-h", "--help"] {
            let arguments: Vec<&str> = command.split_whitespace().chain([flag]).collect();
            let run = place.run(&arguments);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
            write!(
                whole,
                "$ steadfast {}\n{}\n",
                arguments.join(" "),
                run.stdout
            )
            .unwrap();
        }
    }
    // Windows names the binary with its suffix.
    let whole = whole
        .replace("steadfast.exe", "steadfast")
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help.txt");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(file, &whole).unwrap();
    }
    let reviewed = fs::read_to_string(file)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        reviewed == whole,
        "tests/help.txt is out of date: run UPDATE_REFERENCE=1 cargo test -p steadfast-cli"
    );
}

#[test]
fn completions_know_every_command_in_each_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = place.run(&["completions", shell]);
        assert_eq!(run.code, 0);
        for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
            assert!(
                run.stdout.contains(command),
                "{shell} does not know {command}"
            );
        }
        assert!(
            run.stdout.contains("neighbours"),
            "{shell} does not know the flags"
        );
    }
}

#[test]
fn man_pages_exist_for_every_command() {
    let place = Place::new();
    let run = place.run(&["man"]);
    assert!(run.stdout.contains(".TH steadfast 1"), "{}", run.stdout);
    assert!(
        place
            .run(&["man", "search"])
            .stdout
            .contains("\\-\\-neighbours")
    );
    let pages = place.json(&["man", "--dir", "pages"]);
    let names: Vec<String> = fs::read_dir(place.project().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
        assert!(
            names.contains(&format!("steadfast-{command}.1")),
            "{command}: {names:?}"
        );
    }
    assert_eq!(pages["files"].as_array().unwrap().len(), names.len());
}

#[test]
fn the_version_is_that_of_the_package() {
    let place = Place::new();
    assert_eq!(
        place.json(&["version"])["version"],
        env!("CARGO_PKG_VERSION")
    );
    let expected = concat!("steadfast ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(place.run(&["version"]).stdout, expected);
    assert_eq!(place.run(&["--version"]).stdout, expected);
}
