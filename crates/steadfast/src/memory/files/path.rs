//! Paths below `/memories`: names in the store, never in the file system.
//!
//! Invariant: of one file there is one path. What could be read as another path
//! by anybody (`..`, a backslash, an encoded dot or slash, a control character)
//! is refused, not cleaned.

use std::fmt;

use super::command::FileRefusal;

/// The folder that all files are below.
const ROOT: &str = "/memories";
/// What the source of a file begins with, before its path.
const SCHEME: &str = "memory:";
/// The most bytes of a path, and of a name in it.
const PATH_BYTES_MAX: usize = 1_024;
const NAME_BYTES_MAX: usize = 255;
/// The most folders in each other.
const DEPTH_MAX: usize = 32;

/// A path that was checked: `/memories`, or below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePath(String);

/// Returns the path of a source of a file.
pub(super) fn of_source(source: &str) -> &str {
    source.strip_prefix(SCHEME).unwrap_or(source)
}

impl FilePath {
    pub(super) fn root() -> Self {
        Self(ROOT.to_owned())
    }

    /// Checks a path; one slash at the end is the folder's own.
    pub(super) fn parse(path: &str) -> Result<Self, FileRefusal> {
        let refused = |why: &'static str| FileRefusal::Path {
            // The path of a hostile call is shown as far as it is fit to be shown.
            path: path
                .chars()
                .take(200)
                .flat_map(char::escape_debug)
                .collect(),
            why,
        };
        if path.len() > PATH_BYTES_MAX {
            return Err(refused("it is too long"));
        }
        if path.chars().any(char::is_control) {
            return Err(refused("it has a control character"));
        }
        if path.contains('\\') || has_encoded(path) {
            return Err(refused("it could be read as another path"));
        }
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let below = match trimmed.strip_prefix(ROOT) {
            Some("") => return Ok(Self::root()),
            Some(below) => below.strip_prefix('/'),
            None => None,
        };
        let below = below.ok_or_else(|| refused("paths must start with /memories"))?;
        if below.split('/').count() > DEPTH_MAX {
            return Err(refused("it has too many folders"));
        }
        for name in below.split('/') {
            if name.is_empty() || name.chars().all(|c| c == '.') {
                return Err(refused("it has an empty name, or one of dots"));
            }
            if name.len() > NAME_BYTES_MAX || name != name.trim() {
                return Err(refused("a name in it is too long, or begins or ends blank"));
            }
        }
        Ok(Self(trimmed.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_root(&self) -> bool {
        self.0 == ROOT
    }

    /// Returns the name of the document.
    pub(super) fn source(&self) -> String {
        format!("{SCHEME}{}", self.0)
    }

    /// Returns the folders that it lies in, without the outermost.
    pub(super) fn folders(&self) -> Vec<Self> {
        self.0
            .match_indices('/')
            .filter(|&(end, _)| end > ROOT.len())
            .filter_map(|(end, _)| self.0.get(..end))
            .map(|folder| Self(folder.to_owned()))
            .collect()
    }

    /// Returns whether it is another path, or lies below it.
    pub(super) fn is_below(&self, folder: &Self) -> bool {
        self.0
            .strip_prefix(&folder.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns what `path`, which is or lies below `from`, is called when `from` is called this.
    pub(super) fn instead_of(&self, from: &Self, path: &str) -> Result<Self, FileRefusal> {
        let rest = path.strip_prefix(&from.0).unwrap_or_default();
        Self::parse(&format!("{}{rest}", self.0))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a path has an encoded dot, slash, backslash, percent sign or control character.
fn has_encoded(path: &str) -> bool {
    path.as_bytes().windows(3).any(|window| {
        let [b'%', high, low] = window else {
            return false;
        };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (digit(high), digit(low)) {
            (Some(high), Some(low)) => {
                let code = high * 16 + low;
                code < 0x20 || [0x2e, 0x2f, 0x5c, 0x25, 0x7f].contains(&code)
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_below_the_root_are_taken() {
        let parsed = |path: &str| FilePath::parse(path).unwrap().0;
        assert_eq!(parsed("/memories"), "/memories");
        assert_eq!(parsed("/memories/"), "/memories");
        assert_eq!(parsed("/memories/a.md"), "/memories/a.md");
        assert_eq!(parsed("/memories/a b/c%20d/.e"), "/memories/a b/c%20d/.e");
        assert_eq!(parsed("/memories/folder/"), "/memories/folder");
        let folders = FilePath::parse("/memories/a/b/c").unwrap().folders();
        let folders: Vec<&str> = folders.iter().map(FilePath::as_str).collect();
        assert_eq!(folders, ["/memories/a", "/memories/a/b"]);
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        for path in [
            "",
            "/",
            "memories/a",
            "/memoriesa",
            "/memories2/a",
            "/etc/passwd",
            "/memories/../etc/passwd",
            "/memories/a/..",
            "/memories/./a",
            "/memories/.../a",
            "/memories//a",
            "/memories/a//",
            "/memories/..\\..\\a",
            "\\memories\\a",
            "/memories/%2e%2e/a",
            "/memories/%2E%2E%2Fa",
            "/memories/%252e%252e/a",
            "/memories/a%00",
            "/memories/a%5c..",
            "/memories/a\0b",
            "/memories/a\nb",
            "/memories/ a",
            "/memories/a /b",
            "C:\\memories\\a",
            "//memories/a",
            "/./memories/a",
            "file:///memories/a",
        ] {
            assert!(FilePath::parse(path).is_err(), "{path:?}");
        }
        assert!(FilePath::parse(&format!("/memories/{}", "a".repeat(256))).is_err());
        assert!(FilePath::parse(&format!("/memories/{}", "a/".repeat(40))).is_err());
    }

    #[test]
    fn a_path_in_a_renamed_folder_follows_it() {
        let path = |path: &str| FilePath::parse(path).unwrap();
        let (from, to) = (path("/memories/a"), path("/memories/b/c"));
        let moved = to.instead_of(&from, "/memories/a/x/y").unwrap();
        assert_eq!(moved.as_str(), "/memories/b/c/x/y");
        assert!(path("/memories/a/x").is_below(&from));
        assert!(!path("/memories/ax").is_below(&from));
    }

    proptest! {
        #[test]
        fn no_path_that_is_taken_climbs(path in "(/memories)?[/.a%25ef\\\\]{0,20}") {
            if let Ok(parsed) = FilePath::parse(&path) {
                prop_assert!(parsed.0 == ROOT || parsed.0.starts_with("/memories/"));
                prop_assert!(!parsed.0.split('/').any(|name| name == ".." || name == "."));
                prop_assert!(!parsed.0.contains("%2e") && !parsed.0.contains('\\'));
                prop_assert_eq!(FilePath::parse(&parsed.0).unwrap(), parsed);
            }
        }
    }
}
