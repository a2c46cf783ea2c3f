//! Direction of the rooms inside the library crate.
//!
//! A room is a top-level module of `steadfast`; it may name only the rooms before it.
//! `lib.rs` puts all of them on show and is free. Paths are found as text: `crate::room`,
//! groups `crate::{room, ..}`, and chains of `super::` that reach the crate's root.

use super::source::{Source, is_word_character};
use super::{Finding, Tree};

/// The rooms in their order: each may name those before it.
const ROOMS: &[&str] = &[
    "error",
    "config",
    "ingest",
    "query",
    "collection",
    "import",
    "export",
    "doctor",
    "jobs",
    "memory",
];

const HOME: &str = "crates/steadfast/src/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let Some(inside) = source.path.strip_prefix(HOME) else {
            continue;
        };
        if inside == "lib.rs" {
            continue;
        }
        let name = inside.split('/').next().unwrap_or(inside);
        let name = name.strip_suffix(".rs").unwrap_or(name);
        let Some(room) = position(name) else {
            findings.push(finding(
                source,
                1,
                format!("`{name}` is not a room of the library"),
                "move the file into a room, or give the new room its place in \
                 xtask/src/tidy/rooms.rs",
            ));
            continue;
        };
        for (line, named) in crate_paths(&source.code) {
            match position(&named) {
                Some(other) if other > room => findings.push(later(source, line, name, &named)),
                Some(_) => {}
                None => findings.push(finding(
                    source,
                    line,
                    format!("room `{name}` names `crate::{named}`, which is not a room"),
                    "name the item by the room it lives in, so that the direction shows",
                )),
            }
        }
        let depth = inside.split('/').filter(|part| *part != "mod.rs").count();
        for (line, named) in root_paths(&source.code, depth) {
            let is_later = position(&named).is_some_and(|other| other > room);
            if is_later && !source.is_test_line(line) {
                findings.push(later(source, line, name, &named));
            }
        }
    }
    findings
}

fn position(name: &str) -> Option<usize> {
    ROOMS.iter().position(|room| *room == name)
}

fn later(source: &Source, line: usize, room: &str, named: &str) -> Finding {
    finding(
        source,
        line,
        format!("room `{room}` names the later room `{named}`"),
        "move what is needed into an earlier room, or let the later room pass it in",
    )
}

fn finding(source: &Source, line: usize, what: String, remedy: &str) -> Finding {
    Finding {
        path: source.path.clone(),
        line,
        check: "rooms",
        what,
        remedy: remedy.to_owned(),
    }
}

/// Lists the names that follow `crate::`, with their lines.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    paths(code, "crate::")
}

/// Lists the names that follow a chain of `super::` which ends at the crate's root.
fn root_paths(code: &str, depth: usize) -> Vec<(usize, String)> {
    paths(code, &"super::".repeat(depth))
}

fn paths(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let (before, after) = code.split_at(at);
        let is_inside_path = before
            .chars()
            .next_back()
            .is_some_and(|last| is_word_character(last) || last == '$' || last == ':');
        if is_inside_path {
            continue;
        }
        let line = before.matches('\n').count() + 1;
        let rest = after.strip_prefix(prefix).unwrap_or(after);
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(group_names(group, line));
        } else if let Some(name) = first_name(rest) {
            names.push((line, name));
        }
    }
    names
}

/// Lists the first name of each path in a group, up to the brace that closes it.
fn group_names(group: &str, first_line: usize) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut line = first_line;
    let mut depth = 0_usize;
    let mut member = String::new();
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => names.extend(first_name(&member).map(|name| (line, name))),
            '\n' => line += 1,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            member.clear();
        } else {
            member.push(character);
        }
    }
    names.extend(first_name(&member).map(|name| (line, name)));
    names
}

/// Returns the name at the start of a path; a glob is its own name, `self` names nothing.
fn first_name(path: &str) -> Option<String> {
    let path = path.trim_start();
    if path.starts_with('*') {
        return Some("*".to_owned());
    }
    let path = path.strip_prefix("r#").unwrap_or(path);
    let name: String = path
        .chars()
        .take_while(|next| is_word_character(*next))
        .collect();
    (!name.is_empty() && name != "self" && name != "super").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(file: &str, text: &str, expected: &[(usize, &str)]) {
        let findings = check(&Tree::new([(format!("{HOME}{file}"), text)]));
        let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
        let wanted: Vec<_> = expected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, wanted, "{findings:?}");
        for (finding, (_, what)) in findings.iter().zip(expected) {
            assert!(finding.what.contains(what), "{finding}");
        }
    }

    #[test]
    fn a_room_names_itself_and_those_before() {
        let text = "use crate::error::Error;\nuse crate::ingest::Source;\n";
        check_file("ingest.rs", text, &[]);
        check_file("ingest/mod.rs", text, &[]);
        check_file("ingest/chunk/markdown.rs", text, &[]);
        check_file("error.rs", text, &[(2, "later room `ingest`")]);
    }

    #[test]
    fn a_later_room_is_caught_wherever_it_stands() {
        check_file(
            "query/plan.rs",
            "\nuse crate::doctor::Plan;\n",
            &[(2, "`doctor`")],
        );
        check_file(
            "query.rs",
            "fn f() { crate::memory::open() }",
            &[(1, "`memory`")],
        );
        check_file(
            "query.rs",
            "pub(in crate::memory) fn f() {}",
            &[(1, "`memory`")],
        );
        check_file(
            "query.rs",
            "use crate::{\n    config::{A, B},\n    memory::Memory,\n    jobs,\n};\n",
            &[(3, "`memory`"), (4, "`jobs`")],
        );
        check_file(
            "config.rs",
            "use crate::{error, jobs::{self, Job}};",
            &[(1, "`jobs`")],
        );
    }

    #[test]
    fn the_way_over_the_root_is_no_way_round() {
        check_file("query.rs", "use super::memory::Memory;", &[(1, "`memory`")]);
        check_file("query/plan.rs", "use super::super::jobs;", &[(1, "`jobs`")]);
        check_file("query/mod.rs", "use super::jobs;", &[(1, "`jobs`")]);
        check_file("query/plan.rs", "use super::jobs;", &[]);
        let test = "#[cfg(test)]\nmod tests {\n    use super::jobs;\n}\n";
        check_file("query.rs", test, &[]);
    }

    #[test]
    fn names_that_are_no_rooms_are_reported() {
        check_file("query.rs", "use crate::Memory;", &[(1, "`crate::Memory`")]);
        check_file("query.rs", "use crate::*;", &[(1, "`crate::*`")]);
        check_file("cellar.rs", "", &[(1, "`cellar` is not a room")]);
        check_file("cellar/mod.rs", "", &[(1, "`cellar` is not a room")]);
    }

    #[test]
    fn comments_other_crates_and_the_front_door_are_free() {
        check_file("error.rs", "// crate::memory\n/// [`crate::memory`]\n", &[]);
        check_file("error.rs", "use my_crate::memory;\n", &[]);
        check_file(
            "lib.rs",
            "mod memory;\npub use crate::memory::Memory;\n",
            &[],
        );
        let other = Tree::new([("crates/steadfast-store/src/a.rs", "use crate::memory;")]);
        assert_eq!(check(&other), []);
    }
}
