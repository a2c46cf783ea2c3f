//! Standard output is data: no colours and no progress in it, and whoever reads it may go away.

use std::process::Stdio;

use crate::support::{Place, Run};

fn place() -> Place {
    let place = Place::new();
    for number in 0..300 {
        place.write(
            &format!("docs/{number}.md"),
            &format!("# Page {number}\n\n{}\n", "many words here ".repeat(40)),
        );
    }
    place.json(&["index", "docs"]);
    place
}

#[test]
fn a_broken_pipe_is_no_error() {
    let place = place();
    for arguments in [
        &["list", "-k", "300", "--json"][..],
        &["search", "words", "-k", "300"],
        &["log"],
        &["--help"],
    ] {
        let mut command = place.command();
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let run = Run::of(&child.wait_with_output().unwrap());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr, "", "{arguments:?}");
    }
}

#[test]
fn nothing_is_coloured_when_the_output_is_no_terminal() {
    let place = place();
    for arguments in [
        &["search", "words"][..],
        &["status"],
        &["list"],
        &["--help"],
        &["index", "docs"],
        &["bogus"],
    ] {
        for variable in [None, Some("NO_COLOR")] {
            let mut command = place.command();
            variable.map(|name| command.env(name, "1"));
            let run = Run::of(&command.args(arguments).output().unwrap());
            assert!(
                !run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn people_read_places_and_what_was_searched() {
    let place = Place::new();
    place.write("docs/a.md", "# Top\n\n## Inner\n\nThe anchor holds.\n");
    place.json(&["index", "docs"]);
    let run = place.run(&["search", "anchor"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("1. docs/a.md:"), "{}", run.stdout);
    assert!(run.stdout.contains("The anchor holds."));
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("searched 1 of 1 chunks (text and vector)"),
        "{last}"
    );
    assert!(last.contains(", generation 1, "), "{last}");
    let nothing = place.run(&["search", "anchor", "--tag", "none"]);
    assert_eq!(nothing.code, 1);
    assert!(
        nothing
            .stdout
            .starts_with("nothing found\nsearched 0 of 0 chunks")
    );
}

#[cfg(unix)]
#[test]
fn what_is_created_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    place.json(&["config", "set", "search.limit", "5"]);
    place.json(&["config", "set", "search.limit", "5", "--user"]);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.store()), 0o700);
    let user_file = place.home().join(".config/steadfast/config.toml");
    assert_eq!(mode(user_file.parent().unwrap()), 0o700);
    for file in crate::support::files(&place.store())
        .iter()
        .chain([&user_file])
    {
        assert_eq!(mode(file) & 0o077, 0, "{}", file.display());
    }
}
