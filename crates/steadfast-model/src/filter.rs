//! Filters: which chunks a question is about.
//!
//! A filter becomes a set of rows before any candidate is chosen, never after
//! a cut, so a narrow filter finds everything in it.

use globset::{GlobBuilder, GlobMatcher};

use crate::chunk::{Attributes, Kind};
use crate::expression::Expression;
use crate::ids::Namespace;
use crate::time::Timestamp;

/// Which chunks a question is about; the default is everything that is live and valid now.
///
/// Fields combine by AND. Within namespaces, sources, folders and kinds one
/// match is enough; a chunk must carry all tags.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these namespaces; none means all but those of collections.
    pub namespaces: Vec<Namespace>,
    /// The source matches any of these patterns.
    pub sources: Vec<SourcePattern>,
    /// The source is one of these paths or lies below one.
    pub within: Vec<String>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// Any of these kinds.
    pub kinds: Vec<Kind>,
    /// The document's time is not before this.
    pub since: Option<Timestamp>,
    /// The document's time is before this.
    pub until: Option<Timestamp>,
    /// Which validity is asked for.
    pub validity: Validity,
    /// A condition on metadata.
    pub expression: Option<Expression>,
}

/// At which moment a chunk must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Validity {
    /// Valid at the moment of the question.
    #[default]
    Now,
    /// Valid at this moment.
    At(Timestamp),
    /// Valid or not.
    Any,
}

/// A glob over sources, as in `docs/**/*.md`.
///
/// `*` stops at `/` and `**` does not; a pattern without `/` also matches the last part of a source.
#[derive(Clone, Debug)]
pub struct SourcePattern {
    text: String,
    glob: GlobMatcher,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The pattern is not a glob.
    #[error("`{pattern}` is not a glob: {cause}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// What the glob parser says.
        cause: String,
    },
}

impl SourcePattern {
    /// Reads a glob.
    ///
    /// # Errors
    /// [`FilterError::Glob`] when it is malformed.
    pub fn parse(pattern: &str) -> Result<Self, FilterError> {
        GlobBuilder::new(pattern)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map(|glob| Self {
                text: pattern.to_owned(),
                glob: glob.compile_matcher(),
            })
            .map_err(|error| FilterError::Glob {
                pattern: pattern.to_owned(),
                cause: error.kind().to_string(),
            })
    }

    /// Returns whether the source matches.
    pub fn matches(&self, source: &str) -> bool {
        if self.glob.is_match(source) {
            return true;
        }
        !self.text.contains('/')
            && source
                .rsplit(['/', '\\'])
                .next()
                .is_some_and(|name| self.glob.is_match(name))
    }

    /// Returns the part of the pattern before the first special character: every match begins with it,
    /// unless the pattern has no `/`.
    pub fn literal_prefix(&self) -> &str {
        if !self.text.contains('/') {
            return "";
        }
        let end = self
            .text
            .find(['*', '?', '[', '{', '\\'])
            .unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or("")
    }
}

impl Filter {
    /// Returns whether the filter asks nothing of a chunk but that it is live and in no collection.
    pub fn is_unrestricted(&self) -> bool {
        self.namespaces.is_empty()
            && self.sources.is_empty()
            && self.within.is_empty()
            && self.validity == Validity::Any
            && !self.asks_attributes()
    }

    /// Returns whether the filter asks for anything but namespace, source and validity.
    pub fn asks_attributes(&self) -> bool {
        !self.tags.is_empty()
            || !self.kinds.is_empty()
            || self.since.is_some()
            || self.until.is_some()
            || self.expression.is_some()
    }

    /// Returns whether a document may hold matching chunks.
    pub fn admits_document(&self, namespace: &Namespace, source: &str) -> bool {
        let named = if self.namespaces.is_empty() {
            !namespace.is_collection()
        } else {
            self.namespaces.contains(namespace)
        };
        named
            && (self.sources.is_empty()
                || self.sources.iter().any(|pattern| pattern.matches(source)))
            && (self.within.is_empty()
                || self.within.iter().any(|folder| lies_within(source, folder)))
    }

    /// Returns whether a chunk with these attributes matches, apart from its validity.
    pub fn admits_attributes(&self, attributes: &Attributes) -> bool {
        let time = attributes.document_time;
        self.tags.iter().all(|tag| attributes.tags.contains(tag))
            && (self.kinds.is_empty() || self.kinds.contains(&attributes.kind))
            && self
                .since
                .is_none_or(|since| time.is_some_and(|time| time >= since))
            && self
                .until
                .is_none_or(|until| time.is_some_and(|time| time < until))
            && self
                .expression
                .as_ref()
                .is_none_or(|expression| expression.matches(&attributes.meta))
    }

    /// Returns whether a chunk with these attributes is valid at the moment asked for.
    pub fn admits_validity(&self, attributes: &Attributes, now: Timestamp) -> bool {
        let moment = match self.validity {
            Validity::Any => return true,
            Validity::Now => now,
            Validity::At(moment) => moment,
        };
        attributes.valid_from.is_none_or(|from| from <= moment)
            && attributes.valid_to.is_none_or(|to| moment < to)
    }
}

/// Returns whether `source` is `folder` or lies below it.
pub fn lies_within(source: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches(['/', '\\']);
    source
        .strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_globs_know_folders_and_bare_names() {
        let matches =
            |pattern: &str, source: &str| SourcePattern::parse(pattern).unwrap().matches(source);
        assert!(matches("/a/*.md", "/a/b.md"));
        assert!(!matches("/a/*.md", "/a/b/c.md"));
        assert!(matches("/a/**/*.md", "/a/b/c.md"));
        assert!(matches("*.md", "/a/b/c.md"));
        assert!(matches("note:*", "note:1-abc"));
        assert!(!matches("*.rs", "/a/b/c.md"));
        assert!(SourcePattern::parse("a[").is_err());
        assert_eq!(
            SourcePattern::parse("/a/b*/c").unwrap().literal_prefix(),
            "/a/b"
        );
        assert_eq!(SourcePattern::parse("b*").unwrap().literal_prefix(), "");
    }

    #[test]
    fn a_folder_holds_what_lies_below_it_and_not_its_namesakes() {
        assert!(lies_within("/a/b/c", "/a/b"));
        assert!(lies_within("/a/b", "/a/b/"));
        assert!(!lies_within("/a/bc", "/a/b"));
        assert!(lies_within("/x", "/"));
    }

    #[test]
    fn validity_is_half_open() {
        let attributes = Attributes {
            valid_from: Some(Timestamp(10)),
            valid_to: Some(Timestamp(20)),
            ..Attributes::default()
        };
        let valid = |validity, now| {
            Filter {
                validity,
                ..Filter::default()
            }
            .admits_validity(&attributes, Timestamp(now))
        };
        assert!(!valid(Validity::Now, 9));
        assert!(valid(Validity::Now, 10));
        assert!(!valid(Validity::Now, 20));
        assert!(valid(Validity::At(Timestamp(15)), 0));
        assert!(valid(Validity::Any, 0));
    }
}
