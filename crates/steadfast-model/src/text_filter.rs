//! Conditions on the text of a document: the typed form of `{"$contains": "port"}`.
//!
//! Matching is by code point, without folding case or accents.

use serde_json::{Map, Value};

use crate::expression::{DEPTH_MAX, ExpressionError};

/// A condition on the text of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextFilter {
    /// Every part holds.
    And(Vec<TextFilter>),
    /// Some part holds.
    Or(Vec<TextFilter>),
    /// The text holds this string.
    Contains(String),
    /// The text does not hold this string.
    NotContains(String),
}

impl TextFilter {
    /// Reads a JSON filter object. Several operators in one object combine by AND.
    ///
    /// # Errors
    /// [`ExpressionError`]: an unknown operator, a malformed value, or nesting beyond [`DEPTH_MAX`].
    pub fn parse(filter: &Value) -> Result<Self, ExpressionError> {
        Self::parse_at(filter, 0)
    }

    fn parse_at(filter: &Value, depth: usize) -> Result<Self, ExpressionError> {
        if depth > DEPTH_MAX {
            return Err(ExpressionError::TooDeep);
        }
        let Value::Object(fields) = filter else {
            return Err(ExpressionError::Malformed(format!(
                "expected an object, found {filter}"
            )));
        };
        let mut parts = Self::parts(fields, depth)?;
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Self::And(parts),
        })
    }

    fn parts(fields: &Map<String, Value>, depth: usize) -> Result<Vec<Self>, ExpressionError> {
        let text = |name: &str, value: &Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| {
                ExpressionError::Malformed(format!("{name} of a document needs a string"))
            })
        };
        let list = |name: &str, value: &Value| {
            let items = value.as_array().filter(|items| !items.is_empty());
            let items = items.ok_or_else(|| {
                ExpressionError::Malformed(format!("{name} needs a list with at least one part"))
            })?;
            items
                .iter()
                .map(|item| Self::parse_at(item, depth + 1))
                .collect::<Result<Vec<_>, _>>()
        };
        fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "$contains" => text(name, value).map(Self::Contains),
                "$not_contains" => text(name, value).map(Self::NotContains),
                "$and" => list(name, value).map(Self::And),
                "$or" => list(name, value).map(Self::Or),
                _ => Err(ExpressionError::UnknownTextOperator(name.clone())),
            })
            .collect()
    }

    /// Returns whether the text fulfils the condition.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(text)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(text)),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::NotContains(part) => !text.contains(part.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operators_mean_what_the_field_knows() {
        let text = "The proxy listens on port 8443.";
        for (filter, expected) in [
            (json!({"$contains": "port"}), true),
            (json!({"$contains": "Port"}), false),
            (json!({"$contains": ""}), true),
            (json!({"$not_contains": "port"}), false),
            (json!({"$not_contains": "host"}), true),
            (
                json!({"$contains": "proxy", "$not_contains": "8443"}),
                false,
            ),
            (
                json!({"$or": [{"$contains": "x25"}, {"$contains": "8443"}]}),
                true,
            ),
            (
                json!({"$and": [{"$contains": "proxy"}, {"$contains": "x25"}]}),
                false,
            ),
            (json!({}), true),
        ] {
            let parsed = TextFilter::parse(&filter).unwrap();
            assert_eq!(parsed.matches(text), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_never_dropped() {
        for filter in [json!({"$regex": "a"}), json!({"text": "a"})] {
            assert!(
                matches!(
                    TextFilter::parse(&filter),
                    Err(ExpressionError::UnknownTextOperator(_))
                ),
                "{filter}"
            );
        }
        for filter in [
            json!("a"),
            json!({"$contains": 1}),
            json!({"$and": []}),
            json!({"$or": {"$contains": "a"}}),
        ] {
            assert!(
                matches!(
                    TextFilter::parse(&filter),
                    Err(ExpressionError::Malformed(_))
                ),
                "{filter}"
            );
        }
        let mut deep = json!({"$contains": "a"});
        for _ in 0..40 {
            deep = json!({"$and": [deep]});
        }
        assert_eq!(TextFilter::parse(&deep), Err(ExpressionError::TooDeep));
    }
}
