//! The filters that search, list and sources share.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use steadfast::model::filter::SourcePattern;
use steadfast::model::{Expression, Filter, Kind, Validity};
use steadfast_server::filters;

use super::values::{namespace, time};
use crate::error::Failure;

/// Which chunks are meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filters {
    /// Only this file or folder; may be given more than once
    #[arg(long = "in", value_name = "PATH")]
    pub(crate) within: Vec<PathBuf>,
    /// Only this namespace; may be given more than once
    #[arg(long, value_name = "NS")]
    pub(crate) namespace: Vec<String>,
    /// Only sources that match this glob, as in `docs/**/*.md`; may be given more than once
    ///
    /// A glob without `/` also matches the last part of a source; a relative
    /// glob with `/` starts at the current folder.
    #[arg(long, value_name = "GLOB")]
    pub(crate) source: Vec<String>,
    /// Only chunks with this tag; given more than once, with all of them
    #[arg(long, value_name = "T")]
    pub(crate) tag: Vec<String>,
    /// Only this kind of text; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str)))]
    pub(crate) kind: Vec<String>,
    /// Only texts from this time on: RFC 3339, or a date
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only texts from before this time
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Only what holds at this time, or `all`; without it, what holds now (`export`: all; `sources`: all, unless other flags ask for texts)
    #[arg(long, value_name = "T|all")]
    pub(crate) valid_at: Option<String>,
    /// Only chunks whose metadata fulfils this JSON filter, as in `{"year": {"$gte": 2024}}`
    #[arg(long = "where", value_name = "JSON")]
    pub(crate) expression: Option<String>,
}

impl Filters {
    /// Returns the filter; relative paths and globs start at the folder `here`.
    pub(crate) fn to_filter(&self, here: &Path) -> Result<Filter, Failure> {
        let mut filter = Filter {
            namespaces: self
                .namespace
                .iter()
                .map(|name| namespace("--namespace", name))
                .collect::<Result<_, _>>()?,
            sources: source_patterns(&self.source, here)?,
            tags: self.tag.clone(),
            ..Filter::default()
        };
        filter.within = self
            .within
            .iter()
            .map(|path| filters::name_of(path))
            .collect::<Result<_, _>>()?;
        // The parser has let only known names through.
        filter.kinds = self
            .kind
            .iter()
            .filter_map(|kind| kind.parse().ok())
            .collect();
        filter.since = self
            .since
            .as_deref()
            .map(|text| time("--since", text))
            .transpose()?;
        filter.until = self
            .until
            .as_deref()
            .map(|text| time("--until", text))
            .transpose()?;
        filter.validity = match self.valid_at.as_deref() {
            None => Validity::Now,
            Some("all") => Validity::Any,
            Some(text) => Validity::At(time("--valid-at", text)?),
        };
        filter.expression = self.expression.as_deref().map(expression).transpose()?;
        Ok(filter)
    }
}

fn expression(text: &str) -> Result<Expression, Failure> {
    let value = serde_json::from_str(text).map_err(|error| {
        Failure::new("invalid_filter", format!("the filter is not JSON: {error}"))
            .at("--where")
            .hint("write filters like {\"year\": {\"$gte\": 2024}}")
    })?;
    Expression::parse(&value).map_err(|error| Failure::about("--where", error))
}

/// Returns each glob as it is, and a relative one with `/` also as one from the folder `here`.
pub(crate) fn source_patterns(
    globs: &[String],
    here: &Path,
) -> Result<Vec<SourcePattern>, Failure> {
    filters::source_patterns(globs, here).map_err(|error| Failure::about("--source", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_filters_reach_the_library() {
        let filters = Filters {
            namespace: vec!["work".to_owned()],
            kind: vec!["note".to_owned()],
            since: Some("2026-01-01".to_owned()),
            until: Some("2026-02-01".to_owned()),
            valid_at: Some("all".to_owned()),
            expression: Some("{\"a\": 1}".to_owned()),
            ..Filters::default()
        };
        let filter = filters.to_filter(Path::new("/")).unwrap();
        assert_eq!(filter.kinds, [Kind::Note]);
        assert!(filter.since < filter.until);
        assert_eq!(filter.validity, Validity::Any);
        assert!(filter.expression.is_some());
    }
}
