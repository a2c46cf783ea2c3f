//! A JSON list that is read one element at a time, so that its length does not matter.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use super::super::json::{Parsed, Whole};
use super::super::mend::{Mended, Mending};

/// Hands over each element of a list, in order. What is no Unicode is replaced; that is told with the element at hand
/// when it was read, or with one before it.
///
/// # Errors
/// What is wrong with the text, when it is no list or ends early; elements before that were handed over.
pub(super) fn each(reader: &mut dyn Read, each: &mut dyn FnMut(Parsed)) -> Result<(), String> {
    let mended = Cell::new(Mended::default());
    let mut each = |mut parsed: Parsed| {
        parsed.flaws.mended += mended.take();
        each(parsed);
        true
    };
    let mut text = serde_json::Deserializer::from_reader(Mending::new(reader, &mended));
    text.deserialize_seq(Elements(&mut each))
        .and_then(|()| text.end())
        .map_err(|error| error.to_string())
}

/// Returns the first element of a list.
pub(super) fn first(reader: &mut dyn Read) -> Option<Value> {
    let mut found = None;
    let mut take = |parsed: Parsed| {
        found = Some(parsed.value);
        false
    };
    let mended = Cell::default();
    let mut text = serde_json::Deserializer::from_reader(Mending::new(reader, &mended));
    // It ends with an error, which is how the rest is left unread.
    drop(text.deserialize_seq(Elements(&mut take)));
    found
}

/// Takes elements as long as the function says so.
struct Elements<'e>(&'e mut dyn FnMut(Parsed) -> bool);

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(parsed) = list.next_element_seed(Whole)? {
            if !(self.0)(parsed) {
                return Err(A::Error::custom("enough was read"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> (Vec<Value>, bool) {
        let mut found = Vec::new();
        let read = each(&mut text.as_bytes(), &mut |parsed| found.push(parsed.value));
        (found, read.is_ok())
    }

    #[test]
    fn elements_before_the_damage_come() {
        assert_eq!(
            all("[1, {\"a\": 2}]"),
            (vec![1.into(), serde_json::json!({"a": 2})], true)
        );
        assert_eq!(all("[1, 2"), (vec![1.into(), 2.into()], false));
        assert_eq!(all("[1] x"), (vec![1.into()], false));
        assert_eq!(all("{\"a\": 1}"), (Vec::new(), false));
        assert_eq!(all("[]"), (Vec::new(), true));
        assert_eq!(first(&mut "[7, broken".as_bytes()), Some(7.into()));
        assert_eq!(first(&mut "{}".as_bytes()), None);
        assert_eq!(
            all("\u{feff}[\"\\ud83d\", 2]"),
            (vec!["\u{fffd}".into(), 2.into()], true)
        );
    }
}
