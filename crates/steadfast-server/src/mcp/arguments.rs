//! The arguments of a tool, taken out by name and type.
//!
//! Lenient where nothing can be mistaken, for agents write them: one text where
//! many are meant, a number in quotes, null for nothing. Invariant: an argument
//! that no tool knows is an error, never left out in silence.

use rmcp::model::JsonObject;
use serde_json::Value;
use steadfast::Error;

/// The arguments that are not taken yet.
pub(super) struct Arguments {
    left: JsonObject,
}

impl Arguments {
    pub(super) fn new(arguments: Option<JsonObject>) -> Self {
        Self {
            left: arguments.unwrap_or_default(),
        }
    }

    /// Takes a text that may be left out: agents send an empty one where they have none.
    pub(super) fn optional(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()))
    }

    /// Takes a text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "a text")),
        }
    }

    /// Takes texts; one alone counts as a list of one, and empty ones are left out.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let mut texts = self.texts_as_given(name)?;
        texts.retain(|text| !text.trim().is_empty());
        Ok(texts)
    }

    /// Takes texts, empty ones too: where each narrows what is lost, none may be left out.
    pub(super) fn texts_as_given(&mut self, name: &str) -> Result<Vec<String>, Error> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| text_of(value).ok_or_else(|| invalid(name, "a list of texts")))
                .collect(),
            Some(_) => Err(invalid(name, "a list of texts")),
        }
    }

    /// Takes a count within bounds.
    pub(super) fn count(&mut self, name: &str, min: u64, max: u64) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let count = match value.as_str() {
            Some(text) => text.trim().parse().ok(),
            None => value.as_u64().or_else(|| whole(value.as_f64()?)),
        };
        match count {
            Some(count) if (min..=max).contains(&count) => Ok(Some(count)),
            _ => Err(invalid(name, &format!("a number from {min} to {max}"))),
        }
    }

    /// Takes a finite number.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = match value.as_str() {
            Some(text) => text.trim().parse().ok(),
            None => value.as_f64(),
        };
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(name, "a number")),
        }
    }

    /// Takes true or false; false when it is not there.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    /// Takes an object, or the text of one.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<JsonObject>, Error> {
        let value = match self.take(name) {
            None => return Ok(None),
            Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or_default(),
            Some(value) => value,
        };
        if let Value::Object(object) = value {
            Ok(Some(object))
        } else {
            Err(invalid(name, "an object"))
        }
    }

    /// Returns what is left over, for a tool that reads its arguments itself.
    pub(super) fn into_rest(self) -> JsonObject {
        self.left
    }

    /// Refuses what is left over.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::Invalid {
                what: format!("this tool has no parameter `{name}`"),
            }),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }
}

fn text_of(value: Value) -> Option<String> {
    if let Value::String(text) = value {
        Some(text)
    } else {
        None
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only whole numbers that fit are converted"
)]
fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
    is_whole.then_some(number as u64)
}

fn invalid(name: &str, wanted: &str) -> Error {
    Error::Invalid {
        what: format!("`{name}` must be {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> Arguments {
        Arguments::new(value.as_object().cloned())
    }

    #[test]
    fn what_cannot_be_mistaken_is_taken() {
        let mut arguments = of(&json!({
            "tag": "ops", "tags": ["a", "b"], "limit": "5", "k": 5.0, "none": null,
            "where": "{\"year\": 2024}", "score": 0.5,
        }));
        assert_eq!(arguments.texts("tag").unwrap(), ["ops"]);
        assert_eq!(arguments.texts("tags").unwrap(), ["a", "b"]);
        assert_eq!(arguments.count("limit", 1, 10).unwrap(), Some(5));
        assert_eq!(arguments.count("k", 1, 10).unwrap(), Some(5));
        assert_eq!(arguments.text("none").unwrap(), None);
        assert_eq!(arguments.object("where").unwrap().unwrap()["year"], 2024);
        assert_eq!(arguments.number("score").unwrap(), Some(0.5));
        assert!(!arguments.flag("absent").unwrap());
        arguments.finish().unwrap();
    }

    #[test]
    fn an_empty_text_is_none_where_one_may_be_left_out() {
        let mut arguments = of(&json!({"key": " ", "tag": ["", "a"], "ids": [""], "text": ""}));
        assert_eq!(arguments.optional("key").unwrap(), None);
        assert_eq!(arguments.texts("tag").unwrap(), ["a"]);
        assert_eq!(arguments.texts_as_given("ids").unwrap(), [""]);
        assert_eq!(arguments.text("text").unwrap().as_deref(), Some(""));
        arguments.finish().unwrap();
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let refused = |error: Error| error.to_string();
        let mut arguments = of(&json!({"a": 1, "b": [1], "c": 11, "d": "x", "e": "no", "f": 1.5}));
        assert!(refused(arguments.text("a").unwrap_err()).contains("`a`"));
        assert!(refused(arguments.texts("b").unwrap_err()).contains("`b`"));
        assert!(refused(arguments.count("c", 1, 10).unwrap_err()).contains("1 to 10"));
        assert!(refused(arguments.object("d").unwrap_err()).contains("`d`"));
        assert!(refused(arguments.flag("e").unwrap_err()).contains("`e`"));
        assert!(refused(arguments.count("f", 1, 10).unwrap_err()).contains("`f`"));
        assert!(refused(of(&json!({"qeury": ""})).finish().unwrap_err()).contains("qeury"));
    }
}
