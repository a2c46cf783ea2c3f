//! Metadata expressions: the typed form of `{"year": {"$gte": 2024}}`.
//!
//! The semantics are those the field knows from Chroma. Every backend
//! evaluates the same [`Expression::matches`], so none can drift from another.

use serde_json::Value;

use crate::chunk::Metadata;

/// The deepest nesting of `$and` and `$or`.
pub const DEPTH_MAX: usize = 32;

/// A condition on metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Every part holds.
    And(Vec<Expression>),
    /// Some part holds.
    Or(Vec<Expression>),
    /// One key against one value.
    Compare {
        /// The metadata key.
        key: String,
        /// How it is compared.
        operator: Operator,
        /// With what.
        value: Value,
    },
}

/// How a metadata value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal; numbers compare by value.
    Eq,
    /// Not equal, or the key is missing.
    Ne,
    /// Equal to some element of a list.
    In,
    /// Equal to no element of a list, or the key is missing.
    Nin,
    /// Greater: numbers by value, strings by code point; other types never.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// A string holds this string, or a list holds this value.
    Contains,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "$eq" => Self::Eq,
            "$ne" => Self::Ne,
            "$in" => Self::In,
            "$nin" => Self::Nin,
            "$gt" => Self::Gt,
            "$gte" => Self::Gte,
            "$lt" => Self::Lt,
            "$lte" => Self::Lte,
            "$contains" => Self::Contains,
            _ => return None,
        })
    }
}

/// Why a JSON value is not a metadata expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// The operator does not exist; it is never silently dropped.
    #[error(
        "the filter operator `{0}` is not supported; known: $eq $ne $in $nin $gt $gte $lt $lte $contains $and $or"
    )]
    UnknownOperator(String),
    /// The operator on documents does not exist; it is never silently dropped.
    #[error(
        "the document filter operator `{0}` is not supported; known: $contains $not_contains $and $or"
    )]
    UnknownTextOperator(String),
    /// The shape is wrong.
    #[error("the filter is malformed: {0}")]
    Malformed(String),
    /// Too deep.
    #[error("the filter is nested deeper than {DEPTH_MAX}")]
    TooDeep,
}

impl Expression {
    /// Reads a JSON filter object.
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
        let mut parts = Vec::new();
        for (key, value) in fields {
            match key.as_str() {
                "$and" | "$or" => {
                    let Value::Array(items) = value else {
                        return Err(ExpressionError::Malformed(format!("{key} needs a list")));
                    };
                    if items.is_empty() {
                        return Err(ExpressionError::Malformed(format!(
                            "{key} needs at least one part"
                        )));
                    }
                    let inner = items
                        .iter()
                        .map(|item| Self::parse_at(item, depth + 1))
                        .collect::<Result<Vec<_>, _>>()?;
                    parts.push(if key == "$and" {
                        Self::And(inner)
                    } else {
                        Self::Or(inner)
                    });
                }
                name if name.starts_with('$') => {
                    return Err(ExpressionError::UnknownOperator(name.to_owned()));
                }
                _ => parts.extend(Self::parse_field(key, value)?),
            }
        }
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Self::And(parts),
        })
    }

    fn parse_field(key: &str, value: &Value) -> Result<Vec<Self>, ExpressionError> {
        let compare = |operator, value: &Value| Self::Compare {
            key: key.to_owned(),
            operator,
            value: value.clone(),
        };
        let Value::Object(conditions) = value else {
            return Ok(vec![compare(Operator::Eq, value)]);
        };
        if conditions.is_empty() {
            return Err(ExpressionError::Malformed(format!(
                "no condition for `{key}`"
            )));
        }
        conditions
            .iter()
            .map(|(name, value)| {
                let operator = Operator::parse(name)
                    .ok_or_else(|| ExpressionError::UnknownOperator(name.clone()))?;
                let needs_list = matches!(operator, Operator::In | Operator::Nin);
                if needs_list != value.is_array()
                    && (needs_list || operator != Operator::Eq && operator != Operator::Ne)
                {
                    return Err(ExpressionError::Malformed(format!(
                        "{name} of `{key}` needs {}",
                        if needs_list {
                            "a list"
                        } else {
                            "a single value"
                        }
                    )));
                }
                Ok(compare(operator, value))
            })
            .collect()
    }

    /// Returns whether the metadata fulfils the condition.
    pub fn matches(&self, meta: &Metadata) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(meta)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(meta)),
            Self::Compare {
                key,
                operator,
                value,
            } => compare(meta.get(key), *operator, value),
        }
    }
}

fn compare(found: Option<&Value>, operator: Operator, wanted: &Value) -> bool {
    use std::cmp::Ordering;
    let list = wanted.as_array().map_or(&[][..], Vec::as_slice);
    let Some(found) = found else {
        return matches!(operator, Operator::Ne | Operator::Nin);
    };
    let order = || order(found, wanted);
    match operator {
        Operator::Eq => equal(found, wanted),
        Operator::Ne => !equal(found, wanted),
        Operator::In => list.iter().any(|item| equal(found, item)),
        Operator::Nin => !list.iter().any(|item| equal(found, item)),
        Operator::Gt => order() == Some(Ordering::Greater),
        Operator::Gte => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => order() == Some(Ordering::Less),
        Operator::Lte => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        Operator::Contains => match (found, wanted) {
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            (Value::Array(items), _) => items.iter().any(|item| equal(item, wanted)),
            _ => false,
        },
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => order(a, b) == Some(std::cmp::Ordering::Equal),
        _ => a == b,
    }
}

fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            if let (Some(x), Some(y)) = (x.as_i64(), y.as_i64()) {
                return Some(x.cmp(&y));
            }
            // Above what i64 holds, f64 would call neighbours equal.
            if let (Some(x), Some(y)) = (x.as_u64(), y.as_u64()) {
                return Some(x.cmp(&y));
            }
            x.as_f64()?.partial_cmp(&y.as_f64()?)
        }
        (Value::String(x), Value::String(y)) => Some(x.cmp(y)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &Value, meta: &Value) -> bool {
        Expression::parse(filter)
            .unwrap()
            .matches(meta.as_object().unwrap())
    }

    #[test]
    fn operators_mean_what_the_field_knows() {
        let meta =
            json!({"year": 2024, "who": "Ada", "tags": ["a", "b"], "ok": true, "big": u64::MAX});
        for (filter, expected) in [
            (json!({"year": 2024}), true),
            (json!({"year": 2024.0}), true),
            (json!({"year": {"$gte": 2024, "$lt": 2025}}), true),
            (json!({"year": {"$gt": "2023"}}), false),
            (json!({"big": u64::MAX}), true),
            (json!({"big": {"$gt": u64::MAX - 1}}), true),
            (json!({"who": {"$in": ["Bob", "Ada"]}}), true),
            (json!({"who": {"$nin": ["Bob", "Ada"]}}), false),
            (json!({"missing": {"$ne": 1}}), true),
            (json!({"missing": {"$nin": [1]}}), true),
            (json!({"missing": {"$lt": 1}}), false),
            (json!({"who": {"$contains": "da"}}), true),
            (json!({"tags": {"$contains": "b"}}), true),
            (json!({"tags": ["a", "b"]}), true),
            (json!({"$or": [{"year": 1}, {"ok": true}]}), true),
            (json!({"$and": [{"year": 2024}, {"ok": false}]}), false),
            (json!({"year": 2024, "who": "Bob"}), false),
            (json!({}), true),
        ] {
            assert_eq!(check(&filter, &meta), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_never_dropped() {
        let unknown = |filter: Value| {
            matches!(
                Expression::parse(&filter),
                Err(ExpressionError::UnknownOperator(_))
            )
        };
        assert!(unknown(json!({"a": {"$regex": "x"}})));
        assert!(unknown(json!({"$not": {"a": 1}})));
        let malformed = |filter: Value| {
            matches!(
                Expression::parse(&filter),
                Err(ExpressionError::Malformed(_))
            )
        };
        assert!(malformed(json!([])));
        assert!(malformed(json!({"a": {"$in": 1}})));
        assert!(malformed(json!({"a": {"$gt": [1]}})));
        assert!(malformed(json!({"$or": []})));
        assert!(malformed(json!({"a": {}})));
        let mut deep = json!({"a": 1});
        for _ in 0..40 {
            deep = json!({"$and": [deep]});
        }
        assert_eq!(Expression::parse(&deep), Err(ExpressionError::TooDeep));
    }
}
