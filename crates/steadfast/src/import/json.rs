//! JSON of another program, in which no name of an object is there twice without a word, and what is no Unicode is
//! replaced with one.
//!
//! RFC 8259, section 4: names should be unique, and what becomes of others
//! cannot be foretold. No exporter writes them, so they tell of damage: of the
//! two values one is lost. What is deliberately not here: which of them is meant.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::mend::{Mended, mend};
use super::survey::Survey;

/// A value, and what is wrong with it.
#[derive(Debug, PartialEq)]
pub(super) struct Parsed {
    pub(super) value: Value,
    pub(super) flaws: Flaws,
}

/// What is wrong with a text that could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Parts that were lost because another one has their name.
    pub(super) lost: u64,
    /// What is no Unicode, and was replaced.
    pub(super) mended: Mended,
}

impl std::ops::AddAssign for Flaws {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.mended += other.mended;
    }
}

/// Parses a text; where that fails for what is no Unicode, with that replaced.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let error = match parse_strictly(bytes) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    let Some((bytes, mended)) = mend(bytes) else {
        return Err(error);
    };
    let mut parsed = parse_strictly(&bytes)?;
    parsed.flaws.mended = mended;
    Ok(parsed)
}

fn parse_strictly(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let parsed = Whole.deserialize(&mut text)?;
    text.end()?;
    Ok(parsed)
}

/// Parses a text, and tells the survey what is wrong with it. `of` says what it is, for people.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(
    bytes: &[u8],
    of: &str,
    survey: &mut Survey,
) -> Result<Value, serde_json::Error> {
    let parsed = parse(bytes)?;
    tell(parsed.flaws, of, survey);
    Ok(parsed.value)
}

/// Tells a survey what is wrong with a text. Lost parts and bytes that are no text are damage, and make it incomplete;
/// half a character is what a program wrote that had cut it.
pub(super) fn tell(flaws: Flaws, of: &str, survey: &mut Survey) {
    let Flaws { lost, mended } = flaws;
    survey.is_mended |= mended.is_any();
    if lost > 0 {
        survey.incomplete(format!(
            "{of} has {lost} names twice in one object, so that one of their values is lost: it was damaged"
        ));
    }
    if mended.bytes > 0 {
        survey.incomplete(format!(
            "{of} has bytes at {} places that are no UTF-8, and stand as U+FFFD: it was damaged",
            mended.bytes
        ));
    }
    if mended.halves > 0 {
        survey.warnings.push(format!(
            "{of} has {} halves of characters, which stand as U+FFFD",
            mended.halves
        ));
    }
}

/// Reads a value as a whole.
pub(super) struct Whole;

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = Parsed;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Parsed, D::Error> {
        let lost = Cell::new(0);
        let value = Part(&lost).deserialize(text)?;
        let flaws = Flaws {
            lost: lost.get(),
            ..Flaws::default()
        };
        Ok(Parsed { value, flaws })
    }
}

/// Reads a value that may be within others, and counts what is lost. How deep they lie in each other is bounded by
/// the deserializer.
#[derive(Clone, Copy)]
struct Part<'c>(&'c Cell<u64>);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let value = object.next_value_seed(self)?;
            // One that is there twice with one value has lost nothing.
            let before = fields.insert(name.clone(), value);
            if before.is_some_and(|before| fields.get(&name) != Some(&before)) {
                self.0.set(self.0.get() + 1);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_those_of_any_other_reader() {
        let text =
            r#" {"a": [null, true, -1, 18446744073709551615, 0.1, "x\n\u00e9"], "b": {"a": {}}} "#;
        let parsed = parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.flaws, Flaws::default());
        assert_eq!(parsed.value, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_name_that_is_there_twice_is_counted_wherever_it_is() {
        for (text, lost) in [
            (r#"{"a": 1, "a": 2}"#, 1),
            (r#"{"a": 1, "a": 1}"#, 0),
            (r#"[{"b": {"a": 1, "a": [2], "a": 3}}]"#, 2),
            (r#"[{"a": 1}, {"a": 2}]"#, 0),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().flaws.lost, lost, "{text}");
        }
        let parsed = parse(br#"{"a": 1, "a": 2}"#).unwrap();
        assert_eq!(parsed.value, json!({"a": 2}));
    }

    #[test]
    fn what_is_no_unicode_costs_one_character() {
        let parsed = parse(b"\xef\xbb\xbf{\"a\": \"x\\ud83d y\xff\"}").unwrap();
        assert_eq!(parsed.value, json!({"a": "x\u{fffd} y\u{fffd}"}));
        let (bytes, halves) = (1, 1);
        assert_eq!(parsed.flaws.mended, Mended { bytes, halves });
        assert!(parse(b"{\"a\": \xff}").is_err());
        assert!(parse(b"{\"a\": \"\xff").is_err());
    }

    #[test]
    fn what_is_no_json_or_lies_too_deep_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} x", r#"{"a"}"#, deep.as_str()] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.20}");
        }
    }
}
