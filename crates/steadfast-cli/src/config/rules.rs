//! The settings of what files are given by their folder: a list in TOML becomes rules of the library.

use std::path::{Path, PathBuf};

use steadfast::Rule;
use steadfast::ingest::place::Rules;
use steadfast::model::Namespace;
use toml::{Table, Value};

use super::redaction::list;

/// What folders of rules are relative to.
#[derive(Clone, Debug, Default)]
pub(crate) struct From {
    /// The folder that holds the store, for rules of the store's own file.
    pub(crate) folder: Option<PathBuf>,
    /// The user's home, for `~/`.
    pub(crate) home: Option<PathBuf>,
}

/// Returns the rules that a value of `rules` gives.
pub(super) fn rules(value: &str, from: &From) -> Result<Vec<Rule>, String> {
    let rules = list(value)?
        .into_iter()
        .zip(1..)
        .map(|(item, number)| {
            rule(item, from).map_err(|what: String| format!("rule {number}: {what}"))
        })
        .collect::<Result<Vec<Rule>, String>>()?;
    Rules::new(&rules)
        .map(drop)
        .map_err(|error| error.to_string())?;
    Ok(rules)
}

/// Refuses rules that could not be used wherever their folders are.
pub(super) fn check(value: &str) -> Result<(), String> {
    // Any folders will do: what is relative is made absolute by them.
    let from = From {
        folder: Some(std::env::temp_dir()),
        home: Some(std::env::temp_dir()),
    };
    rules(value, &from).map(drop)
}

fn rule(item: Value, from: &From) -> Result<Rule, String> {
    let Value::Table(fields) = item else {
        return Err("it is a table with `folder` and what is given".to_owned());
    };
    let folder = match fields.get("folder") {
        Some(Value::String(folder)) if !folder.is_empty() => absolute(folder, from),
        _ => return Err("it has no text `folder`".to_owned()),
    };
    let mut rule = Rule::new(folder);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("folder", _) => {}
            ("namespace", Value::String(name)) => {
                rule.namespace = Some(Namespace::new(name).map_err(|error| error.to_string())?);
            }
            ("tags", Value::Array(tags)) => {
                rule.tags = tags
                    .into_iter()
                    .map(|tag| {
                        let tag = tag.as_str().map(str::to_owned);
                        tag.ok_or_else(|| "a tag is a text".to_owned())
                    })
                    .collect::<Result<_, String>>()?;
            }
            ("meta", Value::Table(meta)) => rule.meta = metadata(meta)?,
            ("namespace" | "tags" | "meta", _) => {
                return Err(format!("`{name}` is not what it must be"));
            }
            _ => return Err(format!("a rule has no `{name}`")),
        }
    }
    Ok(rule)
}

fn metadata(meta: Table) -> Result<steadfast::model::Metadata, String> {
    meta.into_iter()
        .map(|(key, value)| {
            let value = match value {
                Value::String(text) => text.into(),
                Value::Integer(number) => number.into(),
                Value::Float(number) => number.into(),
                Value::Boolean(flag) => flag.into(),
                Value::Datetime(time) => time.to_string().into(),
                Value::Array(_) | Value::Table(_) => {
                    return Err(format!("`{key}` of `meta` is not a single value"));
                }
            };
            Ok((key, value))
        })
        .collect()
}

/// Returns the folder of a rule from the root of the file system on; globs that begin with `**/` stay as they are.
fn absolute(folder: &str, from: &From) -> String {
    let joined = |base: &Option<PathBuf>, rest: &str| {
        base.as_ref()
            .map(|base| base.join(rest).display().to_string())
    };
    if let Some(rest) = folder.strip_prefix("~/") {
        return joined(&from.home, rest).unwrap_or_else(|| folder.to_owned());
    }
    if folder.starts_with("**") || Path::new(folder).is_absolute() {
        return folder.to_owned();
    }
    let rest = folder.strip_prefix("./").unwrap_or(folder);
    match (rest, &from.folder) {
        ("." | "", Some(base)) => base.display().to_string(),
        _ => joined(&from.folder, rest).unwrap_or_else(|| folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from() -> From {
        From {
            folder: Some(PathBuf::from("/project")),
            home: Some(PathBuf::from("/home/me")),
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_list_becomes_rules() {
        let value = r#"[{folder = "~/journal", namespace = "private", tags = ["diary"]},
            {folder = "docs/*.md", meta = {team = "ops", year = 2026, open = true, due = 2026-01-02}},
            {folder = "**/drafts", tags = ["draft"]}]"#;
        let rules = rules(value, &from()).unwrap();
        let folders: Vec<&str> = rules.iter().map(|rule| rule.folder.as_str()).collect();
        assert_eq!(
            folders,
            ["/home/me/journal", "/project/docs/*.md", "**/drafts"]
        );
        assert_eq!(rules[0].namespace, Some(Namespace::new("private").unwrap()));
        assert_eq!(rules[0].tags, ["diary"]);
        assert_eq!(rules[1].meta["year"], 2026);
        assert_eq!(rules[1].meta["due"], "2026-01-02");
        assert!(super::rules("[]", &From::default()).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_number() {
        for (value, reason) in [
            (
                r#"[{folder = "/a", tags = ["x"]}, {tags = ["x"]}]"#,
                "rule 2",
            ),
            (r#"[{folder = "/a"}]"#, "neither a namespace nor tags"),
            (r#"[{folder = "/a", tags = "x"}]"#, "`tags` is not"),
            (r#"[{folder = "/a", tags = [1]}]"#, "a tag is a text"),
            (r#"[{folder = "/a", tag = ["x"]}]"#, "no `tag`"),
            (r#"[{folder = "/a/[", tags = ["x"]}]"#, "not a glob"),
            (r#"[{folder = "/a", namespace = ""}]"#, "rule 1"),
            (r#"[{folder = "/a", meta = {a = [1]}}]"#, "single value"),
            (r#"[{folder = "/a", tags = [" "]}]"#, "bytes"),
            ("3", "not a list"),
        ] {
            let refused = rules(value, &from()).unwrap_err();
            assert!(refused.contains(reason), "{value}: {refused}");
        }
    }
}
