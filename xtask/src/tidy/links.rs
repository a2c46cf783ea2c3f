//! Links between the pages: each leads to something, and each page below `docs` is linked.
//!
//! Links in code are not links. Addresses on the web and fragments are not followed.

use std::collections::BTreeSet;

use super::source::numbered;
use super::{Finding, Tree};

/// Pages at which a reader begins.
const ENTRANCES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/README.md",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (page, text) in tree.files.iter().filter(|(path, _)| is_page(path)) {
        for (line, target) in links(text) {
            if resolve(tree, page, &target).is_none() {
                findings.push(Finding {
                    path: page.clone(),
                    line,
                    check: "links",
                    what: format!("the link `{target}` leads nowhere"),
                    remedy: "correct the path; it starts at the page's own folder".to_owned(),
                });
            }
        }
    }
    findings.extend(unlinked(tree));
    findings
}

/// Reports files below `docs` to which no chain of links leads from an entrance.
fn unlinked(tree: &Tree) -> Vec<Finding> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<String> = ENTRANCES
        .iter()
        .filter(|page| tree.contains(page))
        .map(|page| (*page).to_owned())
        .collect();
    while let Some(page) = waiting.pop() {
        if reached.contains(&page) {
            continue;
        }
        if is_page(&page) {
            let targets = links(tree.text(&page).unwrap_or_default());
            waiting.extend(
                targets
                    .iter()
                    .filter_map(|(_, target)| resolve(tree, &page, target)),
            );
        }
        reached.insert(page);
    }
    tree.files
        .keys()
        .filter(|path| path.starts_with("docs/") && !reached.contains(*path))
        .map(|path| Finding {
            path: path.clone(),
            line: 1,
            check: "reachable",
            what: "no page links to this file".to_owned(),
            remedy: "link it from docs/README.md or the page it belongs to, or remove it"
                .to_owned(),
        })
        .collect()
}

/// Pages of the project: at the root, below `docs`, and each crate's own.
fn is_page(path: &str) -> bool {
    let is_markdown = path.rsplit_once('.').is_some_and(|(_, end)| end == "md");
    let parts = path.split('/').count();
    is_markdown
        && (parts == 1 || path.starts_with("docs/") || (path.starts_with("crates/") && parts == 3))
}

/// Returns the file or folder a link leads to; the page itself for a link into the same page.
fn resolve(tree: &Tree, page: &str, target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    if path.is_empty() || is_elsewhere(path) {
        return Some(page.to_owned());
    }
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (base, path) = path
        .strip_prefix('/')
        .map_or((folder, path), |path| ("", path));
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    let found = parts.join("/").replace("%20", " ");
    let front_page = format!("{found}/README.md");
    if tree.contains(&found) {
        Some(found)
    } else if tree.contains(&front_page) {
        Some(front_page)
    } else {
        tree.contains_folder(&found).then_some(found)
    }
}

/// Whether the target has a scheme or a host of its own.
fn is_elsewhere(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = !scheme.is_empty()
        && scheme
            .chars()
            .all(|next| next.is_ascii_alphanumeric() || next == '+' || next == '-');
    is_scheme || target.starts_with("//")
}

/// Lists the targets of a page's links with their lines.
fn links(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (number, line) in numbered(page) {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        if let Some(open) = fence {
            if mark == Some(open) {
                fence = None;
            }
            continue;
        }
        if mark.is_some() {
            fence = mark;
            continue;
        }
        let line = without_code(line);
        found.extend(targets(&line).map(|target| (number, target)));
    }
    found
}

/// Blanks the code spans of a line; a lone backtick opens none.
fn without_code(line: &str) -> String {
    let mut parts = line.split('`').peekable();
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(after) => text.push_str(after),
            None => text.push_str(code),
        }
    }
    text
}

fn targets(line: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for (at, mark) in line.match_indices("](") {
        let rest = line.get(at + mark.len()..).unwrap_or_default();
        let end = closing(rest);
        found.push(rest.get(..end).unwrap_or(rest));
    }
    for attribute in ["src=\"", "href=\""] {
        found.extend(
            line.split(attribute)
                .skip(1)
                .filter_map(|rest| rest.split('"').next()),
        );
    }
    if let Some((label, target)) = line.trim_start().split_once("]: ")
        && label.starts_with('[')
        && !label.starts_with("[^")
    {
        found.push(target);
    }
    let targets: Vec<String> = found.into_iter().map(target_only).collect();
    targets.into_iter()
}

/// Finds the parenthesis that closes a link.
fn closing(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in rest.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// Drops the title and the angle brackets around a target.
fn target_only(link: &str) -> String {
    let link = link.trim();
    if let Some(inside) = link.strip_prefix('<') {
        return inside.split('>').next().unwrap_or(inside).to_owned();
    }
    link.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_pages(files: &[(&str, &str)], expected: &[(&str, usize, &str)]) {
        let findings = check(&Tree::new(files.iter().copied()));
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, (path, line, what)) in findings.iter().zip(expected) {
            assert_eq!(
                (finding.path.as_str(), finding.line),
                (*path, *line),
                "{finding}"
            );
            assert!(finding.what.contains(what), "{finding}");
        }
    }

    #[test]
    fn every_form_of_link_is_followed() {
        for link in [
            "[a](gone.md)",
            "![a](gone.md \"title\")",
            "[a](<gone.md>)",
            "[`a`](gone.md#part)",
            "[a]: gone.md",
            "<img src=\"gone.md\">",
            "<a href=\"gone.md\">a</a>",
            "[![a](https://example.org/a.svg)](gone.md)",
            "[a](../gone.md)",
            "[a](/gone.md)",
        ] {
            let page = format!("# Title\n{link}\n");
            check_pages(&[("README.md", &page)], &[("README.md", 2, "gone.md")]);
        }
    }

    #[test]
    fn good_links_lead_somewhere() {
        let page = "[a](docs/a.md) [b](./docs/../LICENSE) [c](docs) [d](#part) \
                    [e](https://example.org/x.md) [f](mailto:a@example.org) `[g](gone.md)`\n\
                    ```sh\n[h](gone.md)\n```\n[i](docs/a_(b).md)\n[^1]: gone.md\n";
        let files = [
            ("README.md", page),
            ("LICENSE", ""),
            ("docs/a.md", "[up](../README.md) [root](/LICENSE)\n"),
            ("docs/a_(b).md", ""),
            ("crates/a/tests/data/page.md", "[x](gone.md)\n"),
        ];
        check_pages(&files, &[]);
    }

    #[test]
    fn a_link_starts_at_its_own_page() {
        let files = [
            ("README.md", "[a](docs/a.md)\n"),
            ("docs/a.md", "[b](docs/b.md)\n"),
            ("docs/b.md", ""),
        ];
        let expected = [
            ("docs/a.md", 1, "docs/b.md"),
            ("docs/b.md", 1, "no page links"),
        ];
        check_pages(&files, &expected);
    }

    #[test]
    fn a_page_must_be_linked_from_the_outside() {
        let files = [
            ("README.md", "[docs](docs)\n"),
            ("docs/README.md", "[a](a.md)\n"),
            ("docs/a.md", "![picture](a.png)\n"),
            ("docs/a.png", ""),
            ("docs/island.md", "[other](rock.md) [self](island.md)\n"),
            ("docs/rock.md", "[back](island.md)\n"),
            ("docs/speed.png", ""),
        ];
        let expected = [
            ("docs/island.md", 1, "no page links"),
            ("docs/rock.md", 1, "no page links"),
            ("docs/speed.png", 1, "no page links"),
        ];
        check_pages(&files, &expected);
    }
}
