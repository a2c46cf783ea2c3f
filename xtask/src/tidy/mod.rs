//! Checks of the rules of the house.
//!
//! Each check is a pure function from a [`Tree`] held in memory to its findings, so that its
//! tests can plant a violation and see it caught. The checks read text: they do not expand
//! macros and trust that the code is formatted by rustfmt. Reading the disk is `main`'s work.

use std::collections::BTreeMap;
use std::fmt;

use self::source::Source;

mod direction;
mod length;
mod links;
mod reachable;
mod rooms;
mod source;
mod text;

/// A breach of a rule, with the place and the way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    check: &'static str,
    what: String,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            check,
            what,
            remedy,
        } = self;
        write!(
            formatter,
            "{path}:{line}: [{check}] {what}\n  remedy: {remedy}"
        )
    }
}

/// The checkout: paths below its root, separated by `/`, with the text of the files read as text.
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
    sources: Vec<Source>,
}

impl Tree {
    pub(crate) fn new<P: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Self {
        let files: BTreeMap<String, String> = files
            .into_iter()
            .map(|(path, text)| (path.into(), text.into()))
            .collect();
        let sources = files
            .iter()
            .filter(|(path, _)| is_rust(path))
            .map(|(path, text)| Source::new(path, text))
            .collect();
        Self { files, sources }
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn contains_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        path.is_empty() || self.files.keys().any(|file| file.starts_with(&prefix))
    }

    fn source(&self, path: &str) -> Option<&Source> {
        let at = self
            .sources
            .binary_search_by(|source| source.path.as_str().cmp(path))
            .ok()?;
        self.sources.get(at)
    }
}

/// Runs every check; findings come in the order of paths and lines.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let checks = [
        direction::check,
        rooms::check,
        length::check,
        reachable::check,
        text::check,
        links::check,
    ];
    let mut findings: Vec<Finding> = checks.iter().flat_map(|check| check(tree)).collect();
    findings.sort();
    findings
}

/// Rust files that are ours: those of the crates and of the chores.
fn is_rust(path: &str) -> bool {
    (path.starts_with("crates/") || path.starts_with("xtask/"))
        && path.rsplit_once('.').is_some_and(|(_, end)| end == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_in_order_has_no_findings() {
        let tree = Tree::new([
            (
                "crates/steadfast/Cargo.toml",
                "[dependencies]\nsteadfast-model.workspace = true\n",
            ),
            (
                "crates/steadfast/src/lib.rs",
                "//! The library.\nmod error;\n",
            ),
            ("crates/steadfast/src/error.rs", "//! Errors.\n"),
            ("README.md", "[guide](docs/guide.md)\n"),
            ("docs/guide.md", "# Guide\n"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn every_check_is_run_and_findings_are_sorted() {
        let tree = Tree::new([
            (
                "crates/steadfast-model/Cargo.toml",
                "[dependencies]\nrusqlite = \"1\"\n",
            ),
            ("crates/steadfast-model/src/dead.rs", "//! Dead.\n"),
            (
                "crates/steadfast-model/src/lib.rs",
                "fn f() {\n  todo!()\n}\n",
            ),
            ("crates/steadfast/src/lib.rs", "//! Library.\nmod cellar;\n"),
            ("crates/steadfast/src/cellar.rs", "//! Cellar.\n"),
            ("README.md", "[gone](docs/gone.md)\n"),
            (
                "xtask/src/main.rs",
                &format!("//! Long.\n{}", "\n".repeat(500)),
            ),
        ]);
        let findings = check(&tree);
        let mut checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
        assert!(findings.is_sorted());
        checks.sort_unstable();
        checks.dedup();
        let all = [
            "direction",
            "header",
            "length",
            "links",
            "reachable",
            "rooms",
            "words",
        ];
        assert_eq!(checks, all);
    }

    #[test]
    fn a_finding_shows_place_rule_and_remedy() {
        let finding = Finding {
            path: "a.rs".into(),
            line: 3,
            check: "words",
            what: "is wrong".into(),
            remedy: "mend it".into(),
        };
        assert_eq!(
            finding.to_string(),
            "a.rs:3: [words] is wrong\n  remedy: mend it"
        );
    }
}
