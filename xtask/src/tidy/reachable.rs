//! Dead files: sources that no `mod` declaration reaches, so that nothing compiles them.
//!
//! Follows `mod name;` and `#[path = ".."]` from each crate's roots. A file module declared
//! inside an inline module is not followed: the house has none.

use std::collections::BTreeSet;

use super::source::{Source, numbered};
use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Source> = tree
        .sources
        .iter()
        .filter(|source| is_root(&source.path))
        .collect();
    while let Some(source) = waiting.pop() {
        if reached.insert(source.path.as_str()) {
            let candidates = declared_files(source);
            waiting.extend(candidates.iter().filter_map(|path| tree.source(path)));
        }
    }
    tree.sources
        .iter()
        .filter(|source| in_src(&source.path).is_some() && !reached.contains(source.path.as_str()))
        .map(|source| Finding {
            path: source.path.clone(),
            line: 1,
            check: "reachable",
            what: "no `mod` declaration reaches this file: it is not compiled".to_owned(),
            remedy: "declare it with `mod` in its parent, or remove it".to_owned(),
        })
        .collect()
}

/// Returns the path below the `src` folder of a crate.
fn in_src(path: &str) -> Option<&str> {
    let inside = path
        .strip_prefix("crates/")
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, inside)| inside)
        .or_else(|| path.strip_prefix("xtask/"))?;
    inside.strip_prefix("src/")
}

fn is_root(path: &str) -> bool {
    let Some(inside) = in_src(path) else {
        return false;
    };
    let is_program = inside
        .strip_prefix("bin/")
        .is_some_and(|program| !program.contains('/') || program.ends_with("/main.rs"));
    inside == "lib.rs" || inside == "main.rs" || is_program
}

/// Lists the files that the declarations of a module may mean.
fn declared_files(source: &Source) -> Vec<String> {
    let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let children = if file == "mod.rs" || is_root(&source.path) {
        folder.to_owned()
    } else {
        format!("{folder}/{stem}")
    };
    let mut files = Vec::new();
    let mut set_path = None;
    for ((_, code), (_, text)) in numbered(&source.code).zip(numbered(&source.text)) {
        let code = code.trim();
        if code.starts_with("#[path") {
            set_path = text.split('"').nth(1);
        } else if let Some(name) = declared(code) {
            if let Some(path) = set_path.take() {
                files.push(format!("{folder}/{path}"));
            } else {
                files.push(format!("{children}/{name}.rs"));
                files.push(format!("{children}/{name}/mod.rs"));
            }
        } else if !code.is_empty() && !code.starts_with("#[") {
            set_path = None;
        }
    }
    files
}

/// Returns the name in a line `mod name;`, whatever its visibility.
fn declared(line: &str) -> Option<&str> {
    let mut rest = line;
    if let Some(public) = rest.strip_prefix("pub") {
        rest = public.trim_start();
        if let Some(scope) = rest.strip_prefix('(') {
            rest = scope.split_once(')')?.1.trim_start();
        }
    }
    rest.strip_prefix("mod ")?
        .trim_end()
        .strip_suffix(';')
        .map(|name| name.trim().trim_start_matches("r#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_files(files: &[(&str, &str)], dead: &[&str]) {
        let findings = check(&Tree::new(files.iter().copied()));
        let paths: Vec<_> = findings
            .iter()
            .map(|finding| finding.path.as_str())
            .collect();
        assert_eq!(paths, dead);
    }

    #[test]
    fn modules_are_followed_in_both_layouts() {
        let files = [
            (
                "crates/a/src/lib.rs",
                "pub mod b;\npub(crate) mod c;\n#[cfg(test)]\nmod tests;\n",
            ),
            ("crates/a/src/b.rs", "mod d;\n"),
            ("crates/a/src/b/d.rs", ""),
            ("crates/a/src/c/mod.rs", "pub(in crate::c) mod e;\n"),
            ("crates/a/src/c/e.rs", ""),
            ("crates/a/src/tests.rs", ""),
            ("crates/a/src/bin/tool.rs", ""),
            ("crates/a/src/bin/other/main.rs", "mod part;"),
            ("crates/a/src/bin/other/part.rs", ""),
            ("crates/a/tests/x.rs", ""),
            ("crates/a/build.rs", ""),
        ];
        check_files(&files, &[]);
    }

    #[test]
    fn a_file_nobody_declares_is_dead_and_so_are_its_children() {
        let files = [
            (
                "crates/a/src/lib.rs",
                "// mod b;\nconst X: &str = \"mod b;\";\nmod d {}\n",
            ),
            ("crates/a/src/b.rs", "mod c;\n"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/d.rs", ""),
            ("xtask/src/e.rs", ""),
        ];
        let dead = [
            "crates/a/src/b.rs",
            "crates/a/src/b/c.rs",
            "crates/a/src/d.rs",
            "xtask/src/e.rs",
        ];
        check_files(&files, &dead);
    }

    #[test]
    fn a_module_of_another_crate_reaches_nothing() {
        let files = [
            ("crates/a/src/lib.rs", "mod b;\n"),
            ("crates/c/src/lib.rs", ""),
            ("crates/c/src/b.rs", ""),
        ];
        check_files(&files, &["crates/c/src/b.rs"]);
    }

    #[test]
    fn a_path_attribute_is_followed_once() {
        let files = [
            (
                "crates/a/src/lib.rs",
                "#[path = \"table_v1.rs\"]\nmod table;\nmod b;\n",
            ),
            ("crates/a/src/b.rs", ""),
            ("crates/a/src/table.rs", ""),
            ("crates/a/src/table_v1.rs", ""),
        ];
        check_files(&files, &["crates/a/src/table.rs"]);
    }
}
