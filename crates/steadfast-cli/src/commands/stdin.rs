//! Text from standard input, never more than a stated number of bytes.

use std::io::{self, Read as _};

use crate::error::Failure;

/// Reads at most `bytes_max` bytes of standard input, and whether there was more.
///
/// One line end at the end is not part of the text: that is how shells hand texts over.
pub(super) fn lossy(bytes_max: u64) -> Result<(String, bool), Failure> {
    let (bytes, has_more) = bytes(bytes_max)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    cut_line_end(&mut text);
    Ok((text, has_more))
}

/// Reads standard input as it is; more than `bytes_max` bytes, or bytes that are not UTF-8, are refused.
pub(super) fn exact(bytes_max: u64) -> Result<String, Failure> {
    let (bytes, has_more) = bytes(bytes_max)?;
    if has_more {
        return Err(Failure::new(
            "invalid_input",
            format!("the text is longer than {bytes_max} bytes"),
        )
        .at("standard input")
        .hint("write it to a file and index that"));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| Failure::new("invalid_input", "the text is not UTF-8").at("standard input"))?;
    cut_line_end(&mut text);
    Ok(text)
}

fn bytes(bytes_max: u64) -> Result<(Vec<u8>, bool), Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new("invalid_input", error.to_string()).at("standard input"))?;
    let has_more = bytes.len() as u64 > bytes_max;
    bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    Ok((bytes, has_more))
}

fn cut_line_end(text: &mut String) {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
}
