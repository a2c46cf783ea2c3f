//! Paths and globs as people and agents write them, as the library wants them.
//!
//! Deliberately not here: the current folder, which comes in as an argument.

use std::path::{Component, Path};

use steadfast::Error;
use steadfast::ingest::identify::source_of;
use steadfast::model::filter::{FilterError, SourcePattern};

/// Returns the source that a path has, also when it is gone.
///
/// # Errors
/// [`Error::PathNotFound`] and [`Error::PathUnreadable`] when the folders above it say nothing either.
pub fn name_of(path: &Path) -> Result<String, Error> {
    source_of(path).map_err(|error| {
        let path = path.to_owned();
        let is_gone = error.kind() == std::io::ErrorKind::NotFound;
        let what = error.to_string();
        if is_gone {
            Error::PathNotFound { path }
        } else {
            Error::PathUnreadable { path, what }
        }
    })
}

/// Returns each glob as it is, and a relative one with `/` also as one from the folder `here`.
///
/// # Errors
/// [`FilterError`] for what is no glob.
pub fn source_patterns(globs: &[String], here: &Path) -> Result<Vec<SourcePattern>, FilterError> {
    let mut patterns = Vec::with_capacity(globs.len() * 2);
    for glob in globs {
        let resolved = resolved(glob, here);
        for glob in std::iter::once(glob.clone()).chain(resolved) {
            patterns.push(SourcePattern::parse(&glob)?);
        }
    }
    Ok(patterns)
}

/// Returns a relative glob as one from the folder `here`, whose own name is taken literally.
fn resolved(glob: &str, here: &Path) -> Option<String> {
    if !glob.contains('/') || Path::new(glob).is_absolute() {
        return None;
    }
    let mut base = here.to_path_buf();
    let mut rest = Vec::new();
    for component in Path::new(glob).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if rest.is_empty() => drop(base.pop()),
            Component::ParentDir => drop(rest.pop()),
            Component::Normal(_) | Component::Prefix(_) | Component::RootDir => {
                rest.push(component.as_os_str().to_str()?.to_owned());
            }
        }
    }
    let base = base.to_str()?.trim_end_matches('/');
    Some(format!("{}/{}", escaped(base), rest.join("/")))
}

fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_globs_start_here() {
        let check = |glob: &str| resolved(glob, Path::new("/home/a[b]"));
        assert_eq!(
            check("docs/**/*.md").as_deref(),
            Some("/home/a\\[b\\]/docs/**/*.md")
        );
        assert_eq!(
            check("./docs/x.md").as_deref(),
            Some("/home/a\\[b\\]/docs/x.md")
        );
        assert_eq!(check("../other/*").as_deref(), Some("/home/other/*"));
        assert_eq!(check("*.md"), None);
        assert_eq!(check("/abs/*.md"), None);
        let pattern = SourcePattern::parse(&check("docs/*.md").unwrap()).unwrap();
        assert!(pattern.matches("/home/a[b]/docs/x.md"));
    }
}
