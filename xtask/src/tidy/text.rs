//! Words and characters that have no place in a source, and the header that each must have.

use super::source::{Source, lines_with_word, numbered};
use super::{Finding, Tree};

/// The only crates that may hold unsafe code: mapped files, the VFS, and that of the tests.
const UNSAFE_HOMES: &[&str] = &[
    "crates/steadfast-index/",
    "crates/steadfast-vfs/",
    "crates/steadfast-testkit/",
];

/// Sources outside tests that may hold characters beyond ASCII in code and comments, each
/// with the reason. Text of literals needs no entry.
const NOT_ASCII: &[(&str, &str)] = &[];

/// Words in code, each with the way out.
const CODE_WORDS: &[(&str, &str)] = &[
    ("todo!", "write it, or leave the path out until it works"),
    ("unimplemented!", "write it, or return a typed error"),
    (
        "#[ignore",
        "let the test run, behind an environment variable when it is slow",
    ),
];

/// Words in comments: what they announce belongs into an issue.
const COMMENT_WORDS: &[&str] = &["FIXME", "XXX"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        findings.extend(words(source));
        if !NOT_ASCII.iter().any(|(path, _)| *path == source.path) {
            findings.extend(not_ascii(source));
        }
        findings.extend(header(source));
    }
    for (path, reason) in NOT_ASCII {
        if !tree.contains(path) || reason.is_empty() {
            let what = "is on the list of sources beyond ASCII without a file or a reason";
            findings.push(Finding {
                path: (*path).to_owned(),
                line: 1,
                check: "ascii",
                what: what.to_owned(),
                remedy: "mend the list in xtask/src/tidy/text.rs".to_owned(),
            });
        }
    }
    findings
}

fn words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (word, remedy) in CODE_WORDS {
        for (line, _) in numbered(&source.code).filter(|(_, text)| text.contains(word)) {
            findings.push(finding(source, line, "words", format!("`{word}`"), remedy));
        }
    }
    for word in COMMENT_WORDS {
        for line in lines_with_word(&source.comments, word) {
            findings.push(finding(
                source,
                line,
                "words",
                format!("`{word}` in a comment"),
                "mend it now, or say in a whole sentence what is missing and open an issue",
            ));
        }
    }
    if !UNSAFE_HOMES
        .iter()
        .any(|home| source.path.starts_with(home))
    {
        for line in lines_with_word(&source.code, "unsafe") {
            findings.push(finding(
                source,
                line,
                "words",
                "unsafe code outside steadfast-index".to_owned(),
                "write it safely, or move it into steadfast-index with its proof",
            ));
        }
    }
    findings
}

fn not_ascii(source: &Source) -> Vec<Finding> {
    numbered(&source.code)
        .zip(numbered(&source.comments))
        .filter_map(|((line, code), (_, comment))| {
            let found = code
                .chars()
                .chain(comment.chars())
                .find(|c| !c.is_ascii())?;
            (!source.is_test_line(line)).then(|| {
                finding(
                    source,
                    line,
                    "ascii",
                    format!("U+{:04X} in code or a comment", u32::from(found)),
                    "write it in ASCII; data belongs into a literal",
                )
            })
        })
        .collect()
}

fn header(source: &Source) -> Option<Finding> {
    let (_, inside) = source.path.split_once("src/")?;
    let first = source.text.lines().next().unwrap_or_default();
    let has_words = first
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.trim().is_empty());
    let module = if inside == "lib.rs" || inside == "main.rs" {
        "crate"
    } else {
        "module"
    };
    (!has_words).then(|| {
        finding(
            source,
            1,
            "header",
            format!("the {module} does not begin with its `//!` documentation"),
            "say on the first line what it does, then its invariants and what is not here",
        )
    })
}

fn finding(
    source: &Source,
    line: usize,
    check: &'static str,
    what: String,
    remedy: &str,
) -> Finding {
    Finding {
        path: source.path.clone(),
        line,
        check,
        what,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[(usize, &str, &str)]) {
        let findings = check(&Tree::new([(path, text)]));
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, (line, check, what)) in findings.iter().zip(expected) {
            assert_eq!((finding.line, finding.check), (*line, *check), "{finding}");
            assert!(finding.what.contains(what), "{finding}");
        }
    }

    const PATH: &str = "crates/a/src/b.rs";

    #[test]
    fn unfinished_work_is_caught_in_code() {
        check_file(
            PATH,
            "//! B.\nfn f() { todo!() }\n",
            &[(2, "words", "todo!")],
        );
        check_file(
            "crates/a/tests/b.rs",
            "fn f() { unimplemented!(\"x\") }\n#[ignore = \"slow\"]\n#[test]\nfn g() {}\n",
            &[(1, "words", "unimplemented!"), (2, "words", "#[ignore")],
        );
    }

    #[test]
    fn unfinished_work_is_caught_in_comments() {
        check_file(
            PATH,
            "//! B.\n\n/// FIXME: x\nfn f() {}\n",
            &[(3, "words", "FIXME")],
        );
        check_file(PATH, "//! B.\n/* XXX */\n", &[(2, "words", "XXX")]);
        check_file(
            PATH,
            "//! B, shown as %XX or XXXL.\n// Not a todo!()\n",
            &[],
        );
        check_file(
            PATH,
            "//! B.\nconst A: &str = \"FIXME todo!() #[ignore]\";\n",
            &[],
        );
    }

    #[test]
    fn unsafe_code_has_one_home() {
        let text = "//! B, never unsafe.\n#![deny(unsafe_code)]\nfn f() { unsafe { g() } }\n";
        check_file(PATH, text, &[(3, "words", "unsafe")]);
        check_file("crates/steadfast-index/src/b.rs", text, &[]);
        check_file(
            "crates/a/tests/b.rs",
            "unsafe fn f() {}",
            &[(1, "words", "unsafe")],
        );
    }

    #[test]
    fn code_and_comments_are_ascii_outside_tests() {
        check_file(PATH, "//! B \u{2013} C.\n", &[(1, "ascii", "U+2013")]);
        check_file(PATH, "//! B.\nfn \u{e9}() {}\n", &[(2, "ascii", "U+00E9")]);
        check_file(
            PATH,
            "//! B.\nconst A: &str = \"\u{e9}\";\nconst C: char = '\u{4e00}';\n",
            &[],
        );
        let tests = "//! B.\n#[cfg(test)]\nmod tests {\n    // \u{e9}\n}\n";
        check_file(PATH, tests, &[]);
        check_file("crates/a/tests/b.rs", "// \u{e9}\n", &[]);
    }

    #[test]
    fn every_source_begins_with_its_header() {
        check_file(PATH, "use a::b;\n", &[(1, "header", "module")]);
        check_file(PATH, "//!\n//! B.\n", &[(1, "header", "module")]);
        check_file("crates/a/src/lib.rs", "", &[(1, "header", "crate")]);
        check_file(
            "xtask/src/main.rs",
            "fn main() {}\n",
            &[(1, "header", "crate")],
        );
        check_file("crates/a/tests/b.rs", "use a::b;\n", &[]);
    }
}
