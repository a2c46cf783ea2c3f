//! One message a line, with bounds: what is read before anything is parsed.
//!
//! Invariants: no line, however long, holds more than [`FRAME_BYTES_MAX`] of
//! memory; a frame that is deeper or has more values than the bounds is told
//! from its bytes alone, so the parser never sees it.

use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::{Value, json};

/// The longest frame.
pub const FRAME_BYTES_MAX: usize = 8 << 20;
/// The deepest nesting of a frame.
pub const FRAME_DEPTH_MAX: u32 = 64;
/// The most values of a frame; each costs many times its bytes once parsed.
pub const FRAME_VALUES_MAX: u32 = 200_000;

/// JSON-RPC: the frame is not JSON.
const PARSE_ERROR: i32 = -32_700;
/// JSON-RPC: the frame is not a request.
const INVALID_REQUEST: i32 = -32_600;

/// What stood on a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A frame within the bound of bytes.
    Frame(Vec<u8>),
    /// A line beyond it, of which nothing was kept.
    TooLong,
}

/// Reads the next line that is not blank; none at the end of the input.
pub(super) fn read_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    loop {
        let (line, is_over) = next_line(input)?;
        match line {
            Line::Frame(frame) if frame.iter().all(u8::is_ascii_whitespace) => {
                if is_over {
                    return Ok(None);
                }
            }
            line @ (Line::Frame(_) | Line::TooLong) => return Ok(Some(line)),
        }
    }
}

/// Reads to the next newline, or to the end of the input, and says which of the two it was.
fn next_line(input: &mut impl BufRead) -> io::Result<(Line, bool)> {
    let mut frame = Vec::new();
    let mut is_too_long = false;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = available
            .get(..end.unwrap_or(available.len()))
            .unwrap_or(available);
        let is_over = available.is_empty();
        if frame.len() + part.len() > FRAME_BYTES_MAX {
            is_too_long = true;
            frame = Vec::new();
        }
        if !is_too_long {
            frame.extend_from_slice(part);
        }
        let used = end.map_or(part.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() || is_over {
            let line = if is_too_long {
                Line::TooLong
            } else {
                Line::Frame(frame)
            };
            return Ok((line, is_over));
        }
    }
}

/// Returns what is wrong with a frame before it is parsed, if anything.
pub(crate) fn flaw(frame: &[u8]) -> Option<&'static str> {
    let (mut depth, mut values) = (0_u32, 0_u32);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in frame {
        if is_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_text = true,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                values = values.saturating_add(1);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values = values.saturating_add(1),
            _ => {}
        }
        if depth > FRAME_DEPTH_MAX {
            return Some("the message is nested more than 64 deep");
        }
        if values > FRAME_VALUES_MAX {
            return Some("the message has more than 200000 values");
        }
    }
    None
}

/// Returns the answer to a line beyond the bound of bytes.
pub(super) fn too_long() -> Value {
    refusal(
        &Value::Null,
        INVALID_REQUEST,
        "the message has more than 8 MiB",
    )
}

/// Returns the answer to a frame that is no message, with its id where one can be told.
pub(crate) fn refuse(frame: &[u8], flaw: Option<&str>) -> Value {
    #[derive(Deserialize)]
    struct Envelope {
        id: Option<Value>,
    }
    let id = serde_json::from_slice::<Envelope>(frame)
        .ok()
        .and_then(|envelope| envelope.id)
        .filter(|id| id.is_string() || id.is_i64() || id.is_u64())
        .unwrap_or(Value::Null);
    match flaw {
        Some(flaw) => refusal(&id, INVALID_REQUEST, flaw),
        None => match serde_json::from_slice::<Value>(frame) {
            Err(error) => refusal(&id, PARSE_ERROR, &format!("not JSON: {error}")),
            Ok(Value::Array(_)) => refusal(&id, INVALID_REQUEST, "batches are not supported"),
            Ok(_) => refusal(&id, INVALID_REQUEST, "not a JSON-RPC 2.0 message"),
        },
    }
}

fn refusal(id: &Value, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let mut reader = BufReader::with_capacity(7, input);
        std::iter::from_fn(|| read_line(&mut reader).unwrap()).collect()
    }

    #[test]
    fn lines_are_cut_at_the_newline_and_blank_ones_left_out() {
        let frame = |text: &str| Line::Frame(text.as_bytes().to_vec());
        assert_eq!(
            lines(b"{}\n\n  \r\n[1,2,3,4,5,6]\nlast"),
            [frame("{}"), frame("[1,2,3,4,5,6]"), frame("last")]
        );
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_beyond_the_bound_is_told_and_the_next_one_is_read() {
        let mut input = vec![b'x'; FRAME_BYTES_MAX + 1];
        input.extend_from_slice(b"\n{}\n");
        assert_eq!(lines(&input), [Line::TooLong, Line::Frame(b"{}".to_vec())]);
        assert_eq!(lines(&vec![b'x'; FRAME_BYTES_MAX]).len(), 1);
    }

    #[test]
    fn depth_counts_outside_of_texts_only() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(flaw(nested(64).as_bytes()), None);
        assert!(flaw(nested(65).as_bytes()).is_some());
        let text = format!("\"\\\"{}\"", "[".repeat(100));
        assert_eq!(flaw(text.as_bytes()), None);
        assert!(flaw(format!("[{}0]", "0,".repeat(200_001)).as_bytes()).is_some());
    }

    #[test]
    fn a_refusal_carries_the_id_where_there_is_one() {
        let refused = |frame: &str| {
            let answer = refuse(frame.as_bytes(), None);
            (answer["id"].clone(), answer["error"]["code"].clone())
        };
        assert_eq!(refused("{\"id\":"), (json!(null), json!(PARSE_ERROR)));
        assert_eq!(refused("{\"id\":7}"), (json!(7), json!(INVALID_REQUEST)));
        assert_eq!(
            refused("{\"id\":[7]}"),
            (json!(null), json!(INVALID_REQUEST))
        );
        assert_eq!(refused("[]"), (json!(null), json!(INVALID_REQUEST)));
    }

    proptest! {
        #[test]
        fn no_bytes_are_lost_or_made_up(input in prop::collection::vec(any::<u8>(), 0..400)) {
            let expected: Vec<Line> = input
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
                .map(|line| Line::Frame(line.to_vec()))
                .collect();
            prop_assert_eq!(lines(&input), expected);
        }

        #[test]
        fn a_shallow_message_has_no_flaw(numbers in prop::collection::vec(any::<i32>(), 0..50), text in ".*") {
            let frame = json!({"a": numbers, "b": {text: [true, null]}}).to_string();
            prop_assert_eq!(flaw(frame.as_bytes()), None);
        }
    }
}
