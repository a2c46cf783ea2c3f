//! The pages of docs/reference: made from the definitions here, or compared with them.
//!
//! `UPDATE_REFERENCE=1 cargo test -p steadfast-cli` writes what is generated.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use steadfast::ingest::identify::SkipReason;

use crate::args::Cli;
use crate::config::{ALL, Home};

fn page(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(page(name))
        .unwrap_or_default()
        .replace("\r\n", "\n")
}

fn check(name: &str, expected: &str) {
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(page(name), expected).unwrap();
    }
    assert!(
        read(name) == expected,
        "docs/reference/{name} is out of date: run UPDATE_REFERENCE=1 cargo test -p steadfast-cli"
    );
}

fn root() -> Command {
    let mut root = Cli::command().term_width(100);
    root.build();
    root
}

/// Returns each command with its full name, the groups before their members.
fn commands() -> Vec<(String, Command)> {
    let mut found = Vec::new();
    let mut waiting = vec![("steadfast".to_owned(), root())];
    while let Some((name, command)) = waiting.pop() {
        let inner: Vec<_> = command
            .get_subcommands()
            .map(|inner| (format!("{name} {}", inner.get_name()), inner.clone()))
            .collect();
        waiting.extend(inner.into_iter().rev());
        found.push((name, command));
    }
    found
}

const CLI_HEAD: &str = "\
# Command line

This page is made from the program's own definitions; `steadfast COMMAND --help`
says the same. What the commands print with `--json` is in [json.md](json.md),
the settings are in [config.md](config.md), the codes of `verify` and `status`
in [findings.md](findings.md).
";

fn cli_page() -> String {
    let mut out = CLI_HEAD.to_owned();
    for (name, mut command) in commands() {
        let about = command
            .get_long_about()
            .or(command.get_about())
            .unwrap()
            .to_string();
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        write!(
            out,
            "\n## {name}\n\n{}\n\n```text\n{usage}\n```\n",
            about.trim()
        )
        .unwrap();
        for is_global in [false, true] {
            let shown = |arg: &&Arg| {
                arg.is_global_set() == is_global
                    && !matches!(arg.get_id().as_str(), "help" | "version")
            };
            // Global flags are the same everywhere: they stand with the program itself.
            if is_global && name != "steadfast" {
                continue;
            }
            for (index, arg) in command.get_arguments().filter(shown).enumerate() {
                out.push_str(if index == 0 { "\n" } else { "" });
                entry(&mut out, arg);
            }
        }
        if let Some(examples) = command.get_after_long_help() {
            let examples = examples.to_string();
            for part in examples.split("\n\n") {
                let (title, body) = part.split_once('\n').unwrap();
                write!(out, "\n{title}\n\n```text\n{}\n```\n", unindented(body)).unwrap();
            }
        }
    }
    out
}

fn entry(out: &mut String, arg: &Arg) {
    let mut names = Vec::new();
    names.extend(arg.get_short().map(|short| format!("-{short}")));
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let values: Vec<String> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|value| {
            if names.is_empty() {
                value.to_string()
            } else {
                format!("<{value}>")
            }
        })
        .collect();
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let values = if takes_value {
        values.join(" ")
    } else {
        String::new()
    };
    let title = [names.join(", "), values]
        .iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let help = arg
        .get_long_help()
        .or(arg.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let help = help.trim().replace("\n\n", ". ").replace('\n', " ");
    write!(out, "- `{title}`: {help}").unwrap();
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if takes_value && !defaults.is_empty() {
        write!(out, "; without it {}", defaults.join(" ")).unwrap();
    }
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if takes_value && !possible.is_empty() {
        write!(out, "; one of {}", possible.join(", ")).unwrap();
    }
    out.push('\n');
}

fn unindented(text: &str) -> String {
    text.lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_page_of_the_command_line_is_that_of_the_program() {
    check("cli.md", &cli_page());
}

#[test]
fn every_command_has_an_example() {
    for (name, command) in commands() {
        let examples = command
            .get_after_long_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(examples.starts_with("Example"), "{name} shows no example");
        assert!(
            examples.contains("  steadfast ") || name == "steadfast",
            "{name}"
        );
        let about = command.get_about().unwrap().to_string();
        assert!(
            !about.ends_with('.'),
            "{name}: the first line has no full stop"
        );
    }
}

/// Returns the texts between backticks at the start of the lines that begin with `mark`.
fn named(text: &str, mark: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix(mark))
        .filter_map(|rest| rest.strip_prefix('`')?.split('`').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_is_documented_as_json_and_every_documented_command_exists() {
    let documented: BTreeSet<String> = named(&read("json.md"), "## ").into_iter().collect();
    let existing: BTreeSet<String> = commands()
        .into_iter()
        .map(|(name, _)| name.trim_start_matches("steadfast").trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(documented, existing);
}

#[test]
fn the_settings_are_documented() {
    let text = read("config.md");
    let (head, rest) = text
        .split_once("<!-- begin: settings -->\n")
        .unwrap_or((&text, ""));
    let (_, tail) = rest
        .split_once("<!-- end: settings -->\n")
        .unwrap_or(("", ""));
    let mut table = "| Setting | Variable | Values | Built in | File | What it does |\n|---|---|---|---|---|---|\n".to_owned();
    for key in ALL {
        let built_in = if key.built_in.is_empty() {
            ""
        } else {
            &format!("`{}`", key.built_in)
        };
        let home = match key.home {
            Home::Any => "either",
            Home::User => "yours only",
        };
        let (name, variable, values, what) = (key.name, key.variable, key.values, key.what);
        writeln!(
            table,
            "| `{name}` | `{variable}` | {values} | {built_in} | {home} | {what} |"
        )
        .unwrap();
    }
    check(
        "config.md",
        &format!("{head}<!-- begin: settings -->\n{table}<!-- end: settings -->\n{tail}"),
    );
}

#[test]
fn every_code_of_a_finding_is_documented_and_known() {
    let page = read("findings.md");
    for code in steadfast::doctor::CODES {
        assert!(
            page.contains(&format!("| `{code}` |")),
            "{code} is missing in findings.md"
        );
    }
    // Whoever writes a finding by hand uses a code of the list.
    let crates = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let rooms = [
        "steadfast-index/src/embedded",
        "steadfast/src/doctor",
        "steadfast/src/doctor/palace",
        "steadfast/src/export",
    ];
    let mut found = BTreeSet::new();
    for entry in rooms
        .iter()
        .flat_map(|room| fs::read_dir(crates.join(room)).unwrap())
    {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let text: String = text.split_whitespace().collect();
        for start in [
            "code:\"",
            "finding(\"",
            "finding(backend,\"",
            "add(\"",
            "error(\"",
        ] {
            let codes = text
                .split(start)
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            found.extend(codes.map(str::to_owned));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    for code in found {
        assert!(
            steadfast::doctor::CODES.contains(&code.as_str()),
            "{code} is not in CODES"
        );
    }
}

#[test]
fn every_reason_to_leave_a_source_out_is_documented() {
    let documented = named(&read("findings.md"), "- ");
    for reason in SkipReason::ALL.map(SkipReason::as_str) {
        assert!(
            documented.contains(reason),
            "{reason} is missing in findings.md"
        );
    }
}
