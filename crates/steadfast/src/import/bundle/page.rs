//! A document as a page of a vault: text for people, and behind it a comment that says which bytes are which chunk.
//!
//! The comment is the last thing of the page. It is JSON without `<`, `>` or a
//! doubled `-`, so nothing in a text can end it early. A chunk whose bytes do
//! not have its hash was edited, and is refused rather than guessed at.

use serde_json::{Map, Value, json};

use super::line::{self, Kept};

/// The format of pages that this version writes, and the newest that it reads.
pub(crate) const VERSION: u64 = 1;
/// The file of a vault that says how much is in it; written last.
pub(crate) const MANIFEST: &str = "steadfast.json";
/// The file of a vault that holds the records of collections.
pub(crate) const RECORDS: &str = "collections.jsonl";

const OPEN: &str = "\n<!-- steadfast:1 ";
const CLOSE: &str = " -->\n";

/// Returns the comment that ends a page.
pub(crate) fn comment(chunks: &[Value]) -> String {
    let text = json!({ "chunks": chunks }).to_string();
    // Inside JSON these can only stand in strings, so an escape is the same text.
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace("--", "-\\u002d");
    format!("{OPEN}{text}{CLOSE}")
}

/// Returns the chunks of a page; none for a page without the comment.
pub(crate) fn read(page: &str) -> Option<Vec<Result<Kept, &'static str>>> {
    let at = page.rfind(OPEN)?;
    let comment = page.get(at + OPEN.len()..)?.strip_suffix(CLOSE)?;
    let body = page.get(..at)?;
    let mut value: Value = serde_json::from_str(comment).ok()?;
    let chunks = value.get_mut("chunks")?.as_array_mut()?;
    let chunks = std::mem::take(chunks).into_iter();
    Some(chunks.map(|chunk| kept(body, chunk)).collect())
}

fn kept(body: &str, chunk: Value) -> Result<Kept, &'static str> {
    let Value::Object(mut fields) = chunk else {
        return Err("malformed");
    };
    let text = text_of(body, &fields).ok_or("edited")?;
    if fields.get("content_hash").is_none() {
        return Err("malformed");
    }
    fields.insert("text".to_owned(), Value::from(text));
    line::kept(&mut fields).map_err(|reason| match reason {
        "wrong_hash" => "edited",
        reason => reason,
    })
}

fn text_of<'b>(body: &'b str, fields: &Map<String, Value>) -> Option<&'b str> {
    let number = |name: &str| usize::try_from(fields.get(name)?.as_u64()?).ok();
    let (at, bytes) = (number("at")?, number("bytes")?);
    body.get(at..at.checked_add(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_the_comment() {
        let text = "--> <!-- steadfast:1 {} -->\n";
        let hash = steadfast_model::ContentHash::of(text).to_string();
        let chunk = json!({"at": 3, "bytes": text.len(), "source": "a --> b", "content_hash": hash, "title": "<!--"});
        let page = format!("## {text}{}", comment(&[chunk]));
        let chunks = read(&page).unwrap();
        let kept = chunks.into_iter().next().unwrap().unwrap();
        assert_eq!(
            (
                kept.text.as_str(),
                kept.source.as_str(),
                kept.attributes.title.as_deref()
            ),
            (text, "a --> b", Some("<!--"))
        );
        let edited = page.replacen("## ", "#  ", 1).replacen("--> <", "--> >", 1);
        assert!(matches!(read(&edited).unwrap()[0], Err("edited")));
        assert!(read("# A page of one's own\n").is_none());
    }
}
