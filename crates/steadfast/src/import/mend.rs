//! Text on its way to a reader of JSON, with what is no Unicode replaced by U+FFFD.
//!
//! Programs that cut texts by UTF-16 write halves of a character as `\ud83d`, and a damaged file has bytes that are no
//! UTF-8; a reader of JSON stops at either, and all that stands behind it would be lost. A byte order mark at the
//! beginning is left out, as RFC 8259, section 8.1, allows. Invariants: nothing else is changed, so what is no JSON
//! for another reason stays none; no more is held than one buffer. What is deliberately not here: JSON itself. An
//! escape is known by its backslash, which stands nowhere else in it.

use std::cell::Cell;
use std::io::{self, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What half a character becomes: it was an escape, and stays one.
const REPLACED_ESCAPE: &[u8] = b"\\ufffd";
/// U+FFFD.
const REPLACED_BYTES: &[u8] = b"\xef\xbf\xbd";
/// The length of an escape of a character.
const ESCAPE_BYTES: usize = b"\\u0000".len();
/// How much is read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What was replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mended {
    /// Sequences of bytes that are no UTF-8.
    pub(super) bytes: u64,
    /// Escapes of half a character.
    pub(super) halves: u64,
}

impl Mended {
    pub(super) fn is_any(self) -> bool {
        self != Self::default()
    }
}

impl std::ops::AddAssign for Mended {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.halves += other.halves;
    }
}

/// Returns a text as it can be read, and what was replaced; none when nothing of it is changed.
pub(super) fn mend(text: &[u8]) -> Option<(Vec<u8>, Mended)> {
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut out = Out::default();
    out.take(body, true);
    (body.len() < text.len() || out.mended.is_any()).then_some((out.bytes, out.mended))
}

/// A reader of a text as it can be read.
pub(super) struct Mending<'m, R> {
    inner: R,
    /// Where it is told what was replaced.
    mended: &'m Cell<Mended>,
    /// Bytes that were read and not passed on: the beginning of what is not there as a whole yet.
    held: Vec<u8>,
    /// Bytes to pass on, and how many were.
    ready: Out,
    passed: usize,
    is_begun: bool,
    is_ended: bool,
}

impl<'m, R: Read> Mending<'m, R> {
    pub(super) fn new(inner: R, mended: &'m Cell<Mended>) -> Self {
        Self {
            inner,
            mended,
            held: Vec::new(),
            ready: Out::default(),
            passed: 0,
            is_begun: false,
            is_ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let start = self.held.len();
        self.held.resize(start + BUFFER_BYTES, 0);
        let read = self
            .inner
            .read(self.held.get_mut(start..).unwrap_or_default());
        let count = *read.as_ref().unwrap_or(&0);
        self.held.truncate(start + count);
        read?;
        self.is_ended = count == 0;
        if !self.is_begun {
            if self.held.len() < BYTE_ORDER_MARK.len() && !self.is_ended {
                return Ok(());
            }
            self.is_begun = true;
            if self.held.starts_with(BYTE_ORDER_MARK) {
                self.held.drain(..BYTE_ORDER_MARK.len());
            }
        }
        self.ready.bytes.clear();
        self.passed = 0;
        let taken = self.ready.take(&self.held, self.is_ended);
        self.held.drain(..taken);
        let mut mended = self.mended.get();
        mended += std::mem::take(&mut self.ready.mended);
        self.mended.set(mended);
        Ok(())
    }
}

impl<R: Read> Read for Mending<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.passed >= self.ready.bytes.len() && !self.is_ended {
            self.fill()?;
        }
        let mut left = self.ready.bytes.get(self.passed..).unwrap_or_default();
        let count = left.read(into)?;
        self.passed += count;
        Ok(count)
    }
}

/// What was made of a text so far.
#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    mended: Mended,
}

impl Out {
    /// Takes bytes, and returns how many: of those at the end it may need the next ones, unless there are none.
    fn take(&mut self, text: &[u8], is_end: bool) -> usize {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let taken = if rest.starts_with(b"\\") {
                self.escape(rest, is_end)
            } else {
                self.plain(rest, is_end)
            };
            if taken == 0 {
                break;
            }
            at += taken;
        }
        at
    }

    fn escape(&mut self, text: &[u8], is_end: bool) -> usize {
        let is_named = match text.get(1) {
            Some(b'u') => false,
            Some(name) => name.is_ascii(),
            None if is_end => false,
            None => return 0,
        };
        if is_named {
            return self.keep(text, 2);
        }
        if text.len() < ESCAPE_BYTES && !is_end {
            return 0;
        }
        let Some(code) = code(text) else {
            return self.keep(text, 1);
        };
        let (first, second) = (0xd800..0xdc00, 0xdc00..0xe000);
        if first.contains(&code) {
            let next = text.get(ESCAPE_BYTES..).unwrap_or_default();
            let may_be_whole = b"\\u".starts_with(next.get(..2).unwrap_or(next));
            if may_be_whole && next.len() < ESCAPE_BYTES && !is_end {
                return 0;
            }
            if self::code(next).is_some_and(|code| second.contains(&code)) {
                return self.keep(text, 2 * ESCAPE_BYTES);
            }
        } else if !second.contains(&code) {
            return self.keep(text, ESCAPE_BYTES);
        }
        self.bytes.extend_from_slice(REPLACED_ESCAPE);
        self.mended.halves += 1;
        ESCAPE_BYTES
    }

    /// Takes what stands before the next escape.
    fn plain(&mut self, text: &[u8], is_end: bool) -> usize {
        let length = text.iter().position(|byte| *byte == b'\\');
        let is_whole = length.is_some() || is_end;
        let run = text.get(..length.unwrap_or(text.len())).unwrap_or_default();
        let Err(error) = std::str::from_utf8(run) else {
            return self.keep(run, run.len());
        };
        let valid = self.keep(run, error.valid_up_to());
        let wrong = match error.error_len() {
            Some(wrong) => wrong,
            None if is_whole => run.len() - valid,
            None => return valid,
        };
        self.bytes.extend_from_slice(REPLACED_BYTES);
        self.mended.bytes += 1;
        valid + wrong
    }

    fn keep(&mut self, text: &[u8], length: usize) -> usize {
        self.bytes
            .extend_from_slice(text.get(..length).unwrap_or(text));
        length
    }
}

/// Returns the code of the escape that a text begins with.
fn code(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let is_one = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_one)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Drops<'t>(&'t [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len());
            self.0.read(&mut into[..count])
        }
    }

    fn read(text: &[u8], drops: usize) -> (Vec<u8>, Mended) {
        let mended = Cell::default();
        let mut out = Vec::new();
        Mending::new(Drops(text, drops), &mended)
            .read_to_end(&mut out)
            .unwrap();
        (out, mended.get())
    }

    #[test]
    fn what_is_no_text_is_replaced_and_nothing_else() {
        for (text, wanted, bytes, halves) in [
            (&b"[\"a\xff b\"]"[..], "[\"a\u{fffd} b\"]", 1, 0),
            (b"\"\xe2\x82\"", "\"\u{fffd}\"", 1, 0),
            (b"\xe2\x82\\n", "\u{fffd}\\n", 1, 0),
            (b"\xf0\x9f\x98", "\u{fffd}", 1, 0),
            (b"\xef\xbb\xbf[]", "[]", 0, 0),
            (b"\"\\ud83d\"", "\"\\ufffd\"", 0, 1),
            (
                b"\"\\ud83d\\ud83d\\ude00\"",
                "\"\\ufffd\\ud83d\\ude00\"",
                0,
                1,
            ),
            (b"\\uDE00\\u0041", "\\ufffd\\u0041", 0, 1),
            (b"\\ud83d\\n", "\\ufffd\\n", 0, 1),
            (b"\\ud83d", "\\ufffd", 0, 1),
            (b"\\\xff", "\\\u{fffd}", 1, 0),
        ] {
            let mended = Mended { bytes, halves };
            let wanted = wanted.as_bytes().to_vec();
            assert_eq!(mend(text), Some((wanted.clone(), mended)), "{text:?}");
            for drops in [1, 2, 3, 5, 7, 100] {
                assert_eq!(read(text, drops), (wanted.clone(), mended), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_text_stays_as_it_is_also_when_it_is_no_json() {
        for text in [
            "",
            "{\"a\": \"\u{1f600} \\ud83d\\ude00 \\\\ud83d \\u00e9\"}",
            "\\",
            "\\u",
            "\\ud8",
            "\\uzzzz\\ud8zz",
            "\\\u{e9}",
        ] {
            assert_eq!(mend(text.as_bytes()), None, "{text}");
            for drops in [1, 2, 3, 100] {
                let (out, mended) = read(text.as_bytes(), drops);
                assert_eq!((out.as_slice(), mended.is_any()), (text.as_bytes(), false));
            }
        }
        // What is held over from one buffer to the next.
        let long = format!("{}\u{1f600}\\ud83d\\ude00", "x".repeat(BUFFER_BYTES - 2));
        let (out, mended) = read(long.as_bytes(), usize::MAX);
        assert_eq!((out == long.as_bytes(), mended.is_any()), (true, false));
    }
}
