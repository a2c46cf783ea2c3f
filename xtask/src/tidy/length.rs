//! Length of files: short enough to be read in one sitting.

use super::source::Source;
use super::{Finding, Tree};

const CODE_LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 1_000;

/// Longer files, each with its limit and the reason why it is better whole.
const EXCEPTIONS: &[Exception] = &[];

struct Exception {
    path: &'static str,
    lines_max: usize,
    reason: &'static str,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    check_with(tree, EXCEPTIONS)
}

fn check_with(tree: &Tree, exceptions: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let exception = exceptions
            .iter()
            .find(|exception| exception.path == source.path);
        let usual_max = if source.is_test_file() {
            TEST_LINES_MAX
        } else {
            CODE_LINES_MAX
        };
        let lines_max = exception.map_or(usual_max, |exception| exception.lines_max);
        let lines = length(source);
        if lines > lines_max {
            findings.push(finding(
                &source.path,
                lines_max + 1,
                format!("{lines} lines without the test module, {lines_max} at most"),
                "split the file by what its parts do; where it is better whole, give it an \
                 exception with the reason in xtask/src/tidy/length.rs",
            ));
        }
        if exception.is_some() && lines <= usual_max {
            findings.push(finding(
                &source.path,
                1,
                "has an exception that it no longer needs".to_owned(),
                "take the exception out of xtask/src/tidy/length.rs",
            ));
        }
    }
    for exception in exceptions {
        if tree.source(exception.path).is_none() || exception.reason.is_empty() {
            findings.push(finding(
                exception.path,
                1,
                "has an exception without a file or without a reason".to_owned(),
                "mend the list in xtask/src/tidy/length.rs",
            ));
        }
    }
    findings
}

fn length(source: &Source) -> usize {
    let all = source.text.lines().count();
    if source.is_test_file() {
        return all;
    }
    let tests: usize = source.tests.iter().cloned().map(Iterator::count).sum();
    all - tests
}

fn finding(path: &str, line: usize, what: String, remedy: &str) -> Finding {
    Finding {
        path: path.to_owned(),
        line,
        check: "length",
        what,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_lines(path: &str, text: &str, exceptions: &[Exception], expected: &[&str]) {
        let findings = check_with(&Tree::new([(path, text)]), exceptions);
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, what) in findings.iter().zip(expected) {
            assert!(finding.what.contains(what), "{finding}");
        }
    }

    fn lines(count: usize) -> String {
        "// line\n".repeat(count)
    }

    #[test]
    fn code_stops_at_500_lines() {
        check_lines("crates/a/src/lib.rs", &lines(500), &[], &[]);
        check_lines("crates/a/src/lib.rs", &lines(501), &[], &["501 lines"]);
        check_lines("xtask/src/main.rs", &lines(501), &[], &["501 lines"]);
    }

    #[test]
    fn the_test_module_is_not_counted_but_what_follows_is() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(400));
        let fits = format!("{}{tests}", lines(500));
        check_lines("crates/a/src/lib.rs", &fits, &[], &[]);
        let follows = format!("{}{tests}{}", lines(400), lines(101));
        check_lines("crates/a/src/lib.rs", &follows, &[], &["501 lines"]);
    }

    #[test]
    fn tests_stop_at_1000_lines() {
        for path in [
            "crates/a/src/x/tests.rs",
            "crates/a/tests/x.rs",
            "crates/a/benches/x.rs",
        ] {
            check_lines(path, &lines(1_000), &[], &[]);
            check_lines(path, &lines(1_001), &[], &["1001 lines"]);
        }
    }

    #[test]
    fn exceptions_raise_the_limit_and_must_be_needed() {
        let exception = |reason| {
            [Exception {
                path: "crates/a/src/lib.rs",
                lines_max: 600,
                reason,
            }]
        };
        let path = "crates/a/src/lib.rs";
        check_lines(path, &lines(600), &exception("a table"), &[]);
        check_lines(path, &lines(601), &exception("a table"), &["601 lines"]);
        check_lines(path, &lines(500), &exception("a table"), &["no longer"]);
        check_lines(path, &lines(600), &exception(""), &["without a reason"]);
        check_lines(
            "crates/b/src/lib.rs",
            "",
            &exception("a table"),
            &["without a file"],
        );
    }
}
