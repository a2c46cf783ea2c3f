//! How deep a text nests, told before it is parsed.
//!
//! On brackets that stay open the parser keeps memory that grows with the
//! square of their number, and it ends the process when there is no more. So
//! what nests deeper than people write is not given to it. Strings that end
//! on their line and comments are skipped; what slips through, such as
//! brackets in long strings, can only make a text seem too deep, which costs
//! it its structure and nothing else.

use super::super::Language;

/// Brackets that may be open at once.
const DEPTH_MAX: usize = 512;
/// Angle brackets that may be open at once in a statement; many are comparisons, which never close.
const ANGLES_MAX: usize = 128;
/// The longest literal of a character, with its quotes.
const CHARACTER_BYTES_MAX: usize = 12;

/// Returns whether `text` nests so deep that it should not be parsed.
pub(super) fn is_too_deep(text: &str, language: Language) -> bool {
    let mut depth = 0_usize;
    let mut angles = 0_usize;
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'<' if behind.first() == Some(&b'<') => rest = skip(rest, 1),
            b'<' => angles += 1,
            b'>' => angles = angles.saturating_sub(1),
            b'\n' if language == Language::Python => angles = 0,
            b'\\' => rest = skip(rest, 1),
            b'"' => rest = skip(rest, string_bytes(rest)),
            b'\'' => rest = skip(rest, character_bytes(rest)),
            b'/' if behind.first() == Some(&b'/') => rest = skip(rest, line_bytes(rest)),
            b'#' if language == Language::Python => rest = skip(rest, line_bytes(rest)),
            _ => {}
        }
        if matches!(first, b';' | b'{' | b'}') {
            angles = 0;
        }
        if depth > DEPTH_MAX || angles > ANGLES_MAX {
            return true;
        }
    }
    false
}

fn skip(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(count..).unwrap_or_default()
}

fn line_bytes(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len())
}

/// Returns the length of what is left of a string that ends on its line, 0 of any other.
fn string_bytes(bytes: &[u8]) -> usize {
    let mut is_escaped = false;
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => return 0,
            b'"' if !is_escaped => return place + 1,
            _ => {}
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    0
}

/// Returns the length of what is left of a literal of one character, 0 of anything else.
fn character_bytes(bytes: &[u8]) -> usize {
    let window = bytes
        .get(..bytes.len().min(CHARACTER_BYTES_MAX))
        .unwrap_or_default();
    match window {
        [b'\\', _, rest @ ..] => rest
            .iter()
            .position(|byte| *byte == b'\'')
            .map_or(0, |place| place + 3),
        [_, b'\'', ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_too_deep() {
        let long = "let c = ['(', '\\'', '\"', \"({[<\"]; // (((\nif a < b { x(&'a [y << 1]) }\n";
        assert!(!is_too_deep(&long.repeat(1_000), Language::Rust));
        assert!(!is_too_deep(
            &"if a < b: # (\n".repeat(1_000),
            Language::Python
        ));
    }

    #[test]
    fn what_stays_open_is_too_deep() {
        for text in ["(", "a{\n", "f(\"", "a<", "a<\n"] {
            assert!(is_too_deep(&text.repeat(2_000), Language::Java), "{text}");
            assert!(!is_too_deep(&text.repeat(100), Language::Java), "{text}");
        }
        let balanced = format!("{}{}", "(".repeat(1_000), ")".repeat(1_000));
        assert!(is_too_deep(&balanced, Language::C));
    }
}
