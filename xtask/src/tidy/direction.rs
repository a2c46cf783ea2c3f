//! Direction of the crates: who may depend on whom, and who owns which outside crate.
//!
//! Reads the manifests line by line; dependencies of tests are free. A name that a manifest
//! or the workspace gives to another package is resolved first.

use std::collections::BTreeMap;

use super::{Finding, Tree};

/// Each crate of ours with those it may build upon.
const ALLOWED: &[(&str, &[&str])] = &[
    ("steadfast-model", &[]),
    ("steadfast-vfs", &[]),
    ("steadfast-store", &["steadfast-vfs", "steadfast-model"]),
    ("steadfast-embed", &["steadfast-model"]),
    ("steadfast-index", &["steadfast-store", "steadfast-model"]),
    (
        "steadfast",
        &[
            "steadfast-embed",
            "steadfast-index",
            "steadfast-store",
            "steadfast-model",
        ],
    ),
    ("steadfast-server", &["steadfast"]),
    ("steadfast-cli", &["steadfast", "steadfast-server"]),
    ("xtask", &[]),
];

/// Unpublished crates, which may use everything but a binary.
const UNPUBLISHED: &[&str] = &["steadfast-testkit", "steadfast-bench"];

/// Outside crates with the crates of ours that may link them.
const OWNED: &[(&[&str], &[&str])] = &[
    (
        &["rusqlite", "libsqlite3-sys"],
        &["steadfast-store", "steadfast-vfs"],
    ),
    (
        &["tokio", "axum", "hyper", "rmcp", "notify"],
        &["steadfast-server"],
    ),
    (
        &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "etcetera",
            "indicatif",
        ],
        &["steadfast-cli"],
    ),
    (&["anyhow"], &["steadfast-cli", "xtask"]),
];

const REMEDY: &str = "move what is needed down to a crate that both may use, or, when the house \
                      itself changes, change the tables in xtask/src/tidy/direction.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let renamed: BTreeMap<String, String> = tree
        .text("Cargo.toml")
        .map(|manifest| dependencies(manifest, Kind::Workspace))
        .unwrap_or_default()
        .into_iter()
        .map(|dependency| (dependency.key, dependency.package))
        .collect();
    let mut findings = Vec::new();
    for (path, manifest) in &tree.files {
        let Some(name) = crate_of_manifest(path) else {
            continue;
        };
        for dependency in dependencies(manifest, Kind::Package) {
            let package = match renamed.get(&dependency.key) {
                Some(renamed) if dependency.package == dependency.key => renamed,
                _ => &dependency.package,
            };
            if let Some(what) = breach(name, package) {
                findings.push(Finding {
                    path: path.clone(),
                    line: dependency.line,
                    check: "direction",
                    what,
                    remedy: REMEDY.to_owned(),
                });
            }
        }
        if !UNPUBLISHED.contains(&name) && !ALLOWED.iter().any(|(known, _)| *known == name) {
            findings.push(Finding {
                path: path.clone(),
                line: 1,
                check: "direction",
                what: format!("crate `{name}` has no place in the direction of the crates"),
                remedy: "give it one in xtask/src/tidy/direction.rs".to_owned(),
            });
        }
    }
    findings
}

/// The folder's name is the crate's name.
fn crate_of_manifest(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    let name = folder.strip_prefix("crates/").unwrap_or(folder);
    (name == "xtask" || folder != name)
        .then_some(name)
        .filter(|name| !name.contains('/'))
}

fn breach(name: &str, package: &str) -> Option<String> {
    if package == "steadfast-cli" || package == "xtask" {
        return Some(format!(
            "`{name}` depends on `{package}`, on which nothing may depend"
        ));
    }
    if UNPUBLISHED.contains(&name) {
        return None;
    }
    let is_ours = UNPUBLISHED.contains(&package)
        || ALLOWED.iter().any(|(ours, _)| *ours == package)
        || package.starts_with("steadfast");
    if is_ours {
        let (_, below) = ALLOWED.iter().find(|(ours, _)| *ours == name)?;
        return (!below.contains(&package)).then(|| {
            format!("`{name}` depends on `{package}`, which is not below it in the direction of the crates")
        });
    }
    let (_, owners) = OWNED.iter().find(|(owned, _)| owned.contains(&package))?;
    (!owners.contains(&name)).then(|| {
        let owners = owners.join("` or `");
        format!("`{name}` depends on `{package}`, which only `{owners}` may do")
    })
}

struct Dependency {
    key: String,
    package: String,
    line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Package,
    Workspace,
}

enum Table {
    Other,
    /// `[dependencies]`: each key is a dependency.
    All,
    /// `[dependencies.name]`: the keys describe one dependency.
    One,
}

/// Lists what a manifest depends on, dependencies of tests left out.
fn dependencies(manifest: &str, kind: Kind) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut table = Table::Other;
    let mut depth = 0_isize;
    for (number, line) in super::source::numbered(manifest) {
        let line = without_comment(line).trim();
        let dependency = |key: &str| Dependency {
            key: unquoted(key).to_owned(),
            package: unquoted(key).to_owned(),
            line: number,
        };
        if depth > 0 {
            depth += nesting(line);
        } else if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = Table::Other;
            if is_dependencies(header, kind) {
                table = Table::All;
            } else if let Some((parent, key)) = header.rsplit_once('.')
                && is_dependencies(parent, kind)
            {
                table = Table::One;
                found.push(dependency(key));
            }
            continue;
        } else if let Some((key, value)) = line.split_once('=') {
            depth += nesting(value);
            if matches!(table, Table::All) {
                found.push(dependency(key.split('.').next().unwrap_or(key).trim()));
            }
        }
        if !matches!(table, Table::Other)
            && let Some(package) = package_of(line)
            && let Some(last) = found.last_mut()
        {
            package.clone_into(&mut last.package);
        }
    }
    found
}

fn is_dependencies(header: &str, kind: Kind) -> bool {
    match kind {
        Kind::Workspace => header == "workspace.dependencies",
        Kind::Package => ["dependencies", "build-dependencies"].iter().any(|name| {
            header == *name
                || header
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
        }),
    }
}

fn without_comment(line: &str) -> &str {
    let mut in_string = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' => in_string = !in_string,
            '#' if !in_string => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

fn nesting(value: &str) -> isize {
    value.chars().fold(0, |depth, character| match character {
        '[' | '{' => depth + 1,
        ']' | '}' => depth - 1,
        _ => depth,
    })
}

/// Returns the value of a `package` key, in an inline table or on a line of its own.
fn package_of(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("package")?;
    if !before.trim_end().is_empty() && !before.trim_end().ends_with(['{', ',', '.']) {
        return None;
    }
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    value.strip_prefix('"')?.split('"').next()
}

fn unquoted(key: &str) -> &str {
    key.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_manifest(name: &str, manifest: &str, expected: &[(usize, &str)]) {
        let tree = Tree::new([(format!("crates/{name}/Cargo.toml"), manifest)]);
        let findings = check(&tree);
        let lines: Vec<_> = findings.iter().map(|finding| finding.line).collect();
        let wanted: Vec<_> = expected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, wanted, "{findings:?}");
        for (finding, (_, what)) in findings.iter().zip(expected) {
            assert!(finding.what.contains(what), "{finding}");
        }
    }

    #[test]
    fn a_crate_may_not_name_one_above_it() {
        let manifest =
            "[package]\nname = \"x\"\n[dependencies]\nsteadfast-index.workspace = true\n";
        check_manifest("steadfast-store", manifest, &[(4, "`steadfast-index`")]);
        check_manifest("steadfast", manifest, &[]);
        check_manifest("steadfast-cli", manifest, &[(4, "`steadfast-index`")]);
        check_manifest("steadfast-bench", manifest, &[]);
    }

    #[test]
    fn nothing_depends_on_the_command() {
        let manifest = "[dependencies]\nsteadfast-cli = { path = \"../steadfast-cli\" }\n";
        check_manifest("steadfast-testkit", manifest, &[(2, "nothing may")]);
        check_manifest("steadfast-server", manifest, &[(2, "nothing may")]);
    }

    #[test]
    fn published_crates_do_not_build_upon_the_testkit() {
        let manifest = "[dependencies]\nsteadfast-testkit = \"1\"\n";
        check_manifest("steadfast", manifest, &[(2, "not below")]);
    }

    #[test]
    fn outside_crates_have_owners() {
        let sqlite = "[dependencies]\nrusqlite.workspace = true\n";
        check_manifest("steadfast-store", sqlite, &[]);
        check_manifest("steadfast", sqlite, &[(2, "only `steadfast-store`")]);
        check_manifest(
            "steadfast",
            "[dependencies]\ntokio = \"1\"\n",
            &[(2, "`tokio`")],
        );
        check_manifest(
            "steadfast-server",
            "[dependencies]\nclap = \"4\"\n",
            &[(2, "`clap`")],
        );
        check_manifest(
            "steadfast",
            "[dependencies]\nanyhow = \"1\"\n",
            &[(2, "`anyhow`")],
        );
    }

    #[test]
    fn every_kind_of_table_is_read() {
        check_manifest(
            "steadfast",
            "[dependencies.rusqlite]\nversion = \"1\"\n",
            &[(1, "`rusqlite`")],
        );
        check_manifest(
            "steadfast",
            "[target.'cfg(unix)'.dependencies]\naxum = \"1\"\n[build-dependencies]\nclap = \"4\"\n",
            &[(2, "`axum`"), (4, "`clap`")],
        );
        check_manifest(
            "steadfast",
            "[target.\"cfg(unix)\".dependencies.axum]\nversion = \"1\"\n",
            &[(1, "`axum`")],
        );
        check_manifest(
            "steadfast",
            "[dependencies]\nserde_json = { version = \"1\", features = [\n  \"std\",\n] }\ntokio = \"1\"\n",
            &[(5, "`tokio`")],
        );
    }

    #[test]
    fn a_second_name_hides_nothing() {
        check_manifest(
            "steadfast",
            "[dependencies]\nsql = { version = \"1\", package = \"rusqlite\" }\n",
            &[(2, "`rusqlite`")],
        );
        check_manifest(
            "steadfast",
            "[dependencies.sql]\nversion = \"1\"\npackage = \"rusqlite\"\n",
            &[(1, "`rusqlite`")],
        );
        let tree = Tree::new([
            (
                "Cargo.toml",
                "[workspace.dependencies]\nsql = { version = \"1\", package = \"rusqlite\" }\n",
            ),
            (
                "crates/steadfast/Cargo.toml",
                "[dependencies]\nsql.workspace = true\n",
            ),
        ]);
        assert_eq!(check(&tree).len(), 1);
    }

    #[test]
    fn dependencies_of_tests_and_comments_are_free() {
        check_manifest(
            "steadfast",
            "[dev-dependencies]\nrusqlite = \"1\"\n[dependencies]\n# tokio = \"1\"\n\
             [target.'cfg(unix)'.dev-dependencies]\naxum = \"1\"\n[features]\nclap = []\n",
            &[],
        );
    }

    #[test]
    fn an_unknown_crate_is_reported() {
        check_manifest("steadfast-attic", "[dependencies]\n", &[(1, "no place")]);
    }
}
