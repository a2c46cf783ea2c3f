//! The encoding that a page names itself: `<meta charset>`, `<meta http-equiv>`, or an XML declaration.
//!
//! After the prescan of the WHATWG HTML standard (13.2.3.2), simplified: the
//! name is looked for in the tags of the first 1,024 bytes, outside of comments.
//! A page that is UTF-8 is read as such whatever it says: pages are often
//! stored again by tools that leave the tag alone. Deliberately not here:
//! guessing an encoding that nobody names.

use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

/// How far the name of an encoding is looked for.
const HEAD_BYTES: usize = 1_024;

/// Returns the encoding in which the bytes of a page are to be read, when it is not UTF-8.
pub(super) fn encoding_of(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..HEAD_BYTES.min(bytes.len()))?;
    let encoding = declared(head)?;
    // UTF-16 has a mark of its own where it is; who names it in ASCII does not use it.
    let is_none = [UTF_8, UTF_16BE, UTF_16LE, REPLACEMENT, X_USER_DEFINED].contains(&encoding);
    // ISO-2022-JP is made of bytes that are ASCII too.
    let is_utf8 = encoding != ISO_2022_JP && std::str::from_utf8(bytes).is_ok();
    (!is_none && !is_utf8).then_some(encoding)
}

fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let lower = head.to_ascii_lowercase();
    let mut at = 0;
    while let Some(rest) = lower.get(at..) {
        let start = rest.iter().position(|&byte| byte == b'<')?;
        let tag = rest.get(start..)?;
        if tag.starts_with(b"<!--") {
            at += start + find(tag, b"-->")? + 3;
            continue;
        }
        let end = tag.iter().position(|&byte| byte == b'>')?;
        let body = tag.get(..end)?;
        let key: Option<&[u8]> = if body.starts_with(b"<meta") {
            Some(b"charset")
        } else if body.starts_with(b"<?xml") {
            Some(b"encoding")
        } else {
            None
        };
        if let Some(encoding) = key
            .and_then(|key| value(body, key))
            .and_then(Encoding::for_label)
        {
            return Some(encoding);
        }
        at += start + end + 1;
    }
    None
}

/// Returns what stands behind `key=`, with or without quotes, also within a quoted `content`.
fn value<'b>(body: &'b [u8], key: &[u8]) -> Option<&'b [u8]> {
    let behind = body.get(find(body, key)? + key.len()..)?;
    let behind = behind
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let behind = match behind.first() {
        Some(b'"' | b'\'') => behind.get(1..)?,
        _ => behind,
    };
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"';/?>".contains(byte);
    let end = behind.iter().position(is_end).unwrap_or(behind.len());
    behind.get(..end)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// A stretch of text, and how many bytes it was made of.
pub(super) struct Unit {
    pub(super) text: String,
    pub(super) bytes: usize,
}

/// Decodes bytes, and says for each stretch of text which bytes it came from.
///
/// The decoder is given byte by byte, so this holds for every encoding, also
/// for those with states.
pub(super) fn units(bytes: &[u8], encoding: &'static Encoding) -> impl Iterator<Item = Unit> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut rest = bytes;
    let mut is_over = false;
    std::iter::from_fn(move || {
        let mut taken = 0;
        while !is_over {
            let (next, left) = rest.split_at(rest.len().min(1));
            rest = left;
            is_over = next.is_empty();
            taken += next.len();
            // More room than any one byte can set free.
            let mut text = String::with_capacity(64);
            let (_, _, _) = decoder.decode_to_string(next, &mut text, is_over);
            if !text.is_empty() {
                return Some(Unit { text, bytes: taken });
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &[u8], name: Option<&str>) {
        let found = encoding_of(page).map(Encoding::name);
        assert_eq!(found, name, "{}", String::from_utf8_lossy(page));
    }

    #[test]
    fn a_page_names_its_encoding_in_many_ways() {
        for page in [
            &b"<html><META CHARSET=\"ISO-8859-1\"><p>\xe9"[..],
            b"<meta charset=latin1><p>\xe9",
            b"<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'><p>\xe9",
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><p>\xe9",
            b"<!-- <meta charset=koi8-r> --><meta charset = windows-1252 />\xe9",
        ] {
            check(page, Some("windows-1252"));
        }
        check(
            b"<meta charset=shift_jis><p>\x93\xfa\x96\x7b",
            Some("Shift_JIS"),
        );
        check(
            b"<meta charset=iso-2022-jp><p>\x1b$BF|K\\\x1b(B",
            Some("ISO-2022-JP"),
        );
    }

    #[test]
    fn what_is_utf8_or_names_nothing_is_not_decoded() {
        check("<meta charset=latin1><p>\u{e9}".as_bytes(), None);
        check(b"<meta charset=latin1><p>plain", None);
        check(b"<meta charset=utf-8><p>\xe9", None);
        check(b"<meta charset=utf-16le><p>\xe9", None);
        check(b"<meta charset=\"no such\"><p>\xe9", None);
        check(b"<meta charset", None);
        check(b"<meta", None);
        check(b"", None);
        let mut late = vec![b' '; HEAD_BYTES];
        late.extend(b"<meta charset=latin1>\xe9");
        check(&late, None);
    }

    #[test]
    fn units_are_the_whole_text_and_the_whole_file() {
        for (encoding, bytes) in [
            (encoding_rs::WINDOWS_1252, &b"caf\xe9 \x80 \x81"[..]),
            (encoding_rs::SHIFT_JIS, b"a\x93\xfa\x96\x7b\x93"),
            (encoding_rs::GB18030, b"\x81\x30\x81\x30x\xff"),
            (encoding_rs::BIG5, b"\x88\x62\xa4\x40<"),
            (ISO_2022_JP, b"\x1b$BF|K\\\x1b(B\x1b$B"),
            (encoding_rs::EUC_KR, b"\xb0\xa1\xb0"),
        ] {
            let whole = encoding.decode_without_bom_handling(bytes).0;
            let units: Vec<Unit> = units(bytes, encoding).collect();
            let text: String = units.iter().map(|unit| unit.text.as_str()).collect();
            assert_eq!(text, whole, "{}", encoding.name());
            let read: usize = units.iter().map(|unit| unit.bytes).sum();
            assert!(read <= bytes.len(), "{}", encoding.name());
        }
    }
}
