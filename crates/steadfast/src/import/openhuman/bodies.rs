//! Texts that lie as files below the content folder, and what they tell about rows that are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::super::digest::sha256_hex;
use super::super::survey::Survey;

/// The longest body that is read, in bytes.
const BODY_BYTES_MAX: u64 = 64 << 20;
/// The largest number of files that are looked at.
const FILES_MAX: usize = 1_000_000;
/// How much of a file is read for its front matter, in bytes.
const FRONT_MATTER_BYTES_MAX: u64 = 64 << 10;

/// The text of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// All of it.
    Whole(String),
    /// Its beginning: the rest could not be had.
    Preview(String),
}

/// The content folder, and what rows say about it.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// None when there is no folder.
    folder: Option<PathBuf>,
    /// Files that rows name.
    named: BTreeSet<String>,
    /// The largest number among the rows of each source.
    newest: BTreeMap<String, i64>,
    previews: u64,
    altered: u64,
}

impl Bodies {
    pub(super) fn below(folder: &Path) -> Self {
        Self {
            folder: fs::canonicalize(folder)
                .ok()
                .filter(|folder| folder.is_dir()),
            ..Self::default()
        }
    }

    /// Takes note of a row of a source.
    pub(super) fn see(&mut self, source_id: &str, seq: i64) {
        let newest = self.newest.entry(source_id.to_owned()).or_insert(seq);
        *newest = (*newest).max(seq);
    }

    /// Returns the text of a row, by what the row holds, the file it names and the hash it gives.
    pub(super) fn body(&mut self, content: &str, path: Option<&str>, sha256: Option<&str>) -> Body {
        let path = path.filter(|path| !path.is_empty());
        if let Some(path) = path {
            self.named.insert(path.replace('\\', "/"));
        }
        let Some(sha256) = sha256.filter(|hash| !hash.is_empty()) else {
            // Before there were files, the row held all of the text.
            let whole = path.and_then(|path| self.read(path));
            return Body::Whole(match whole {
                Some(whole) if whole.starts_with(content) => whole,
                _ => content.to_owned(),
            });
        };
        let is_right = |text: &str| sha256_hex(text.as_bytes()).eq_ignore_ascii_case(sha256);
        if is_right(content) {
            return Body::Whole(content.to_owned());
        }
        match path.and_then(|path| self.read(path)) {
            Some(whole) if is_right(&whole) => Body::Whole(whole),
            other => {
                self.previews += 1;
                self.altered += u64::from(other.is_some());
                Body::Preview(content.to_owned())
            }
        }
    }

    /// Reads the body of a file that lies below the folder; none for one that does not, whatever its name says.
    fn read(&self, name: &str) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let name = Path::new(name);
        if !name
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return None;
        }
        let path = fs::canonicalize(folder.join(name)).ok()?;
        let found = fs::metadata(&path).ok()?;
        if !path.starts_with(folder) || !found.is_file() || found.len() > BODY_BYTES_MAX {
            return None;
        }
        let text = String::from_utf8(fs::read(&path).ok()?).ok()?;
        split(&text).map(|(_, body)| body.to_owned())
    }

    /// Says what the folder tells: bodies without rows, previews, altered files.
    pub(super) fn report(&self, is_without_log: bool, survey: &mut Survey) {
        if self.previews > 0 {
            let why = match (&self.folder, self.altered) {
                (None, _) => "there is no folder `content` beside the database".to_owned(),
                (Some(_), 0) => "their files are missing".to_owned(),
                (Some(_), altered) => {
                    format!("{altered} of their files do not have the hash of their row")
                }
            };
            survey.incomplete(format!(
                "of {} texts only the preview could be had: {why}",
                self.previews
            ));
        }
        let (newer, older) = self.without_rows();
        survey.left_out.add("body", "of_a_deleted_chunk", older);
        if newer > 0 {
            survey.refuse("body", "no_row", newer);
            let log = if is_without_log {
                "the write-ahead log of the database is gone"
            } else {
                "the database lost its last writes"
            };
            survey.incomplete(format!(
                "{newer} texts below `content` are newer than every row of their source: {log}; their chunks are not \
                 in the database, and index the folder to have the texts"
            ));
        } else if is_without_log && self.folder.is_none() {
            survey.warnings.push(
                "the database asks for a write-ahead log and has none; without its folder `content` nothing tells \
                 whether its last writes are there"
                    .to_owned(),
            );
        }
    }

    /// Counts files that no row names: those newer than all rows of their source, and others.
    fn without_rows(&self) -> (u64, u64) {
        let (mut newer, mut older) = (0, 0);
        let Some(folder) = &self.folder else {
            return (0, 0);
        };
        let mut folders = vec![folder.clone()];
        let mut files = 0;
        while let Some(inside) = folders.pop() {
            for entry in fs::read_dir(inside).into_iter().flatten().flatten() {
                files += 1;
                if files > FILES_MAX {
                    return (newer, older);
                }
                // Links are not followed: neither out of the folder nor in circles.
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && path.extension().is_some_and(|end| end == "md") {
                    let name = path.strip_prefix(folder).unwrap_or(&path);
                    let name = name.to_string_lossy().replace('\\', "/");
                    if self.named.contains(&name) {
                        continue;
                    }
                    match self.is_newer(&path) {
                        Some(true) => newer += 1,
                        Some(false) => older += 1,
                        None => {}
                    }
                }
            }
        }
        (newer, older)
    }

    /// Returns whether a file is newer than the rows of its source; none for one that is no body of a chunk.
    fn is_newer(&self, path: &Path) -> Option<bool> {
        let mut bytes = Vec::new();
        File::open(path)
            .ok()?
            .take(FRONT_MATTER_BYTES_MAX)
            .read_to_end(&mut bytes)
            .ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let (front, _) = split(&text)?;
        let field = |name: &str| {
            front.lines().find_map(|line| {
                let value = line.strip_prefix(name)?.strip_prefix(':')?.trim();
                Some(unquoted(value))
            })
        };
        let source_id = field("source_id")?;
        let seq: i64 = field("seq")?.parse().ok()?;
        Some(
            self.newest
                .get(&source_id)
                .is_none_or(|newest| seq > *newest),
        )
    }
}

/// Returns front matter and body of a file.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("---\n")?;
    if let Some(body) = text.strip_prefix("---\n") {
        return Some(("", body));
    }
    text.split_once("\n---\n")
}

/// Returns a value of front matter without its quotes.
fn unquoted(value: &str) -> String {
    if value.starts_with('"') {
        serde_json::from_str(value).unwrap_or_else(|_| value.trim_matches('"').to_owned())
    } else {
        value.trim_matches('\'').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Bodies) {
        let folder = tempfile::tempdir().unwrap();
        let content = folder.path().join("content");
        fs::create_dir(&content).unwrap();
        let text = "---\nsource_id: \"chat:#a\"\nseq: 4\n---\n---\nwhole text";
        fs::write(content.join("a.md"), text).unwrap();
        fs::write(folder.path().join("secret.md"), text).unwrap();
        let bodies = Bodies::below(&content);
        (folder, bodies)
    }

    #[test]
    fn a_text_is_whole_only_with_its_hash() {
        let (_folder, mut bodies) = folder();
        let hash = sha256_hex(b"---\nwhole text");
        let whole = Body::Whole("---\nwhole text".to_owned());
        assert_eq!(bodies.body("---\nwh", Some("a.md"), Some(&hash)), whole);
        let preview = Body::Preview("---\nwh".to_owned());
        for (path, hash) in [
            ("a.md", sha256_hex(b"other")),
            ("missing.md", hash.clone()),
            ("../secret.md", hash.clone()),
            ("../content/a.md", hash.clone()),
        ] {
            assert_eq!(
                bodies.body("---\nwh", Some(path), Some(&hash)),
                preview,
                "{path}"
            );
        }
        assert_eq!(
            bodies.body("old", None, None),
            Body::Whole("old".to_owned())
        );
    }

    #[test]
    fn a_body_newer_than_all_rows_is_told_from_one_of_a_deleted_row() {
        let (_folder, mut bodies) = folder();
        assert_eq!(bodies.without_rows(), (1, 0), "no row of its source");
        bodies.see("chat:#a", 3);
        assert_eq!(bodies.without_rows(), (1, 0));
        bodies.see("chat:#a", 5);
        assert_eq!(bodies.without_rows(), (0, 1));
        bodies.body("", Some("a.md"), None);
        assert_eq!(bodies.without_rows(), (0, 0));
    }
}
