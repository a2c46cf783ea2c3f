//! The settings of what is taken out: lists in TOML become rules of the library.

use steadfast::ingest::redact::Redactor;
use steadfast::{Redaction, RedactionRule};
use toml::{Table, Value};

/// Returns the rules that a value of `redact.rules` gives.
pub(super) fn rules(value: &str) -> Result<Vec<RedactionRule>, String> {
    let rules: Vec<RedactionRule> = list(value)?
        .into_iter()
        .map(|item| {
            let Value::Table(mut fields) = item else {
                return Err("a rule is a table with `kind` and `pattern`".to_owned());
            };
            let mut text = |name: &str| match fields.remove(name) {
                Some(Value::String(text)) => Ok(text),
                _ => Err(format!("a rule has no text `{name}`")),
            };
            let rule = RedactionRule::new(text("kind")?, text("pattern")?);
            match fields.keys().next() {
                Some(name) => Err(format!("a rule has no `{name}`")),
                None => Ok(rule),
            }
        })
        .collect::<Result<_, _>>()?;
    let mut redaction = Redaction::default();
    redaction.rules.clone_from(&rules);
    usable(&redaction)?;
    Ok(rules)
}

/// Returns the expressions that a value of `redact.allow` gives.
pub(super) fn allow(value: &str) -> Result<Vec<String>, String> {
    let allow: Vec<String> = list(value)?
        .into_iter()
        .map(|item| {
            let pattern = item.as_str().map(str::to_owned);
            pattern.ok_or_else(|| "an exception is a text".to_owned())
        })
        .collect::<Result<_, _>>()?;
    let mut redaction = Redaction::default();
    redaction.allow.clone_from(&allow);
    usable(&redaction)?;
    Ok(allow)
}

/// Returns the items of a list in TOML.
pub(super) fn list(value: &str) -> Result<Vec<Value>, String> {
    let mut table: Table = format!("list = {value}")
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    match (table.remove("list"), table.is_empty()) {
        (Some(Value::Array(items)), true) => Ok(items),
        _ => Err("it is not a list in TOML".to_owned()),
    }
}

fn usable(redaction: &Redaction) -> Result<(), String> {
    Redactor::new(redaction)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_rules_and_exceptions() {
        let value = r#"[{kind = "badge", pattern = 'BADGE-\d+'}, {kind = "other", pattern = "x"}]"#;
        let expected = vec![
            RedactionRule::new("badge", r"BADGE-\d+"),
            RedactionRule::new("other", "x"),
        ];
        assert_eq!(rules(value).unwrap(), expected);
        assert_eq!(allow(r#"["^a$"]"#).unwrap(), ["^a$"]);
        assert!(rules("[]").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (value, reason) in [
            (r#"[{kind = "badge"}]"#, "no text `pattern`"),
            (r#"[{kind = "badge", pattern = "("}]"#, "unclosed group"),
            (r#"[{kind = "A B", pattern = "x"}]"#, "lower-case"),
            (
                r#"[{kind = "a", pattern = "x", flags = "i"}]"#,
                "no `flags`",
            ),
            ("3", "not a list"),
            ("[", "array"),
            ("[]\nother = 1", "not a list"),
        ] {
            let refused = rules(value).unwrap_err();
            assert!(refused.contains(reason), "{value}: {refused}");
        }
        assert!(allow("[1]").is_err());
        assert!(allow(r#"["("]"#).is_err());
    }
}
