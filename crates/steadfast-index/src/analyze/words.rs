//! Cuts text into terms: words, parts of identifiers, bigrams of unspaced scripts.
//!
//! One walk serves indexing, queries and highlighting, so they cannot disagree
//! about what a term is. A maximal run of ASCII letters, digits and `_` takes
//! the fast path; any run that touches a byte beyond ASCII is cut character by
//! character. Total work and the number of terms are linear in the text.

use super::cache::WordCache;
use super::fold::{self, Class};
use super::hash::{hash_bytes, term_hash};
use super::porter;
use std::ops::Range;

/// The longest ASCII word that is stemmed or split; longer ones are hashed whole.
pub(super) const WORD_BYTES_MAX: usize = porter::WORD_BYTES_MAX;

/// The longest word beyond ASCII that is folded; longer ones are hashed byte by byte.
const FOLDED_BYTES_MAX: usize = 256;

/// An identifier of more parts is taken for encoded data, and only its whole is indexed.
pub(super) const PARTS_MAX: usize = 12;

/// A run of letters this long is a part of its own when digits follow (`python3`, but not `v2`).
const LETTERS_BEFORE_DIGITS_MIN: usize = 3;

/// What a term is of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// A word, or a pair of an unspaced run: the words of a text follow each other.
    Word,
    /// A part of the word before it, or a character of a pair.
    Part,
}

/// Where the terms of a text go, each with the bytes it came from.
pub(super) struct Walk<'a, F> {
    pub(super) text: &'a str,
    pub(super) cache: Option<&'a mut WordCache>,
    /// Emit the characters of unspaced runs beside their pairs: a text has them, so that a question of
    /// one character finds it; a longer question does without.
    pub(super) singles: bool,
    pub(super) emit: F,
}

const LETTER: u8 = 1;
const BEYOND: u8 = 2;

/// 0 for separators, [`LETTER`] for ASCII word bytes, [`BEYOND`] for bytes beyond ASCII.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        let slot = &mut kinds[byte as usize];
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            *slot = LETTER;
        } else if !byte.is_ascii() {
            *slot = BEYOND;
        }
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

#[expect(
    clippy::indexing_slicing,
    reason = "a table of 256 entries indexed by a byte"
)]
fn kind(byte: u8) -> u8 {
    KINDS[usize::from(byte)]
}

impl<F: FnMut(u64, Range<usize>, Share)> Walk<'_, F> {
    /// Emits every term of the text, in order of its start; the whole of an identifier before its parts.
    pub(super) fn run(&mut self) {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let mut kinds = 0;
            let length = rest
                .iter()
                .position(|&byte| {
                    let kind = kind(byte);
                    kinds |= kind;
                    kind == 0
                })
                .unwrap_or(rest.len());
            let end = at + length;
            if kinds & BEYOND != 0 {
                self.mixed(text.get(at..end).unwrap_or_default(), at);
            } else if let Some(word) = rest.get(..length).filter(|word| !word.is_empty()) {
                self.ascii(word, at);
            }
            at = end + 1;
        }
    }

    /// One word of ASCII letters, digits and `_`.
    fn ascii(&mut self, word: &[u8], at: usize) {
        let key = self.cache.as_ref().and_then(|_| WordCache::key(word));
        if let (Some(key), Some(cache)) = (&key, &self.cache)
            && let Some(hash) = cache.get(key)
        {
            (self.emit)(hash, at..at + word.len(), Share::Word);
            return;
        }
        let leading = word.iter().take_while(|&&byte| byte == b'_').count();
        let trailing = word.iter().rev().take_while(|&&byte| byte == b'_').count();
        let Some(core) = word
            .get(leading..word.len() - trailing)
            .filter(|core| !core.is_empty())
        else {
            return;
        };
        let at = at + leading;
        let hash = ascii_term(core);
        (self.emit)(hash, at..at + core.len(), Share::Word);
        let parts = Parts::of(core);
        if parts.is_empty() {
            if let (Some(key), Some(cache), true) = (key, &mut self.cache, core.len() == word.len())
            {
                cache.put(key, hash);
            }
            return;
        }
        for range in parts.iter() {
            if let Some(part) = core.get(range.clone()) {
                let range = at + range.start..at + range.end;
                (self.emit)(ascii_term(part), range, Share::Part);
            }
        }
    }

    /// A run that touches characters beyond ASCII: cut into words and unspaced runs.
    fn mixed(&mut self, run: &str, at: usize) {
        let mut start = 0;
        let mut current = Class::Separator;
        for (index, c) in run.char_indices() {
            let class = match fold::class(c) {
                Class::Extend => continue,
                class @ (Class::Separator | Class::Word | Class::Unspaced) => class,
            };
            if class != current {
                self.piece(
                    current,
                    run.get(start..index).unwrap_or_default(),
                    at + start,
                );
                (start, current) = (index, class);
            }
        }
        self.piece(current, run.get(start..).unwrap_or_default(), at + start);
    }

    fn piece(&mut self, class: Class, piece: &str, at: usize) {
        match class {
            Class::Word if piece.is_ascii() => self.ascii(piece.as_bytes(), at),
            Class::Word => self.folded(piece, at),
            Class::Unspaced => self.unspaced(piece, at),
            Class::Separator | Class::Extend => {}
        }
    }

    /// A word of letters beyond ASCII, and its parts between `_`.
    fn folded(&mut self, word: &str, at: usize) {
        let core = word.trim_start_matches('_');
        let at = at + word.len() - core.len();
        let core = core.trim_end_matches('_');
        self.folded_term(core, at, Share::Word);
        let parts = core
            .split('_')
            .filter(|part| !part.is_empty())
            .take(PARTS_MAX + 1)
            .count();
        if !(2..=PARTS_MAX).contains(&parts) {
            return;
        }
        let mut start = at;
        for part in core.split('_') {
            self.folded_term(part, start, Share::Part);
            start += part.len() + 1;
        }
    }

    fn folded_term(&mut self, word: &str, at: usize, share: Share) {
        if word.is_empty() {
            return;
        }
        let range = at..at + word.len();
        if word.len() > FOLDED_BYTES_MAX {
            (self.emit)(term_hash(word.as_bytes()), range, share);
            return;
        }
        let term = fold::fold_word(word);
        if !term.is_empty() {
            let hash = if term.is_ascii() {
                ascii_term(term.as_bytes())
            } else {
                term_hash(term.as_bytes())
            };
            (self.emit)(hash, range, share);
        }
    }

    /// A run of an unspaced script: overlapping bigrams, and the characters alone where they are asked for
    /// or there is only one.
    fn unspaced(&mut self, run: &str, at: usize) {
        // A run that must be composed first loses the places of its characters: all its bigrams name the whole run.
        let composed = fold::compose_run(run);
        let whole = at..at + run.len();
        let text = composed.as_deref().unwrap_or(run);
        let mut emit = |start: usize, end: usize, share: Share| {
            let piece = text.get(start..end).unwrap_or_default();
            let range = if composed.is_some() {
                whole.clone()
            } else {
                at + start..at + end
            };
            (self.emit)(term_hash(piece.as_bytes()), range, share);
        };
        let mut ends = text
            .char_indices()
            .map(|(index, c)| index + c.len_utf8())
            .peekable();
        let mut start = 0;
        while let Some(end) = ends.next() {
            let pair_end = ends.peek().copied();
            if let Some(pair_end) = pair_end {
                emit(start, pair_end, Share::Word);
            }
            if start == 0 && pair_end.is_none() {
                emit(start, end, Share::Word);
            } else if self.singles {
                emit(start, end, Share::Part);
            }
            start = end;
        }
    }
}

/// Returns the term of one ASCII word: lower case, and stemmed when it is all letters and not too long.
fn ascii_term(word: &[u8]) -> u64 {
    let mut buffer = [0_u8; WORD_BYTES_MAX];
    let Some(lower) = buffer.get_mut(..word.len()) else {
        return hash_bytes(word.iter().map(u8::to_ascii_lowercase));
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let length = porter::stem(lower);
    term_hash(lower.get(..length).unwrap_or_default())
}

/// The parts of an identifier, none when it is a plain word.
struct Parts {
    bounds: [(u8, u8); PARTS_MAX],
    count: usize,
}

impl Parts {
    const NONE: Self = Self {
        bounds: [(0, 0); PARTS_MAX],
        count: 0,
    };

    /// Cuts `word` at `_`, before a capital that starts a part, and between three letters or more and a digit.
    fn of(word: &[u8]) -> Self {
        let is_plain = word.iter().skip(1).all(u8::is_ascii_lowercase);
        if is_plain || word.len() > WORD_BYTES_MAX {
            return Self::NONE;
        }
        let mut parts = Self::NONE;
        let mut start = 0;
        let mut before = b'_';
        let mut bytes = word.iter().copied().enumerate().peekable();
        while let Some((index, byte)) = bytes.next() {
            let lower_follows = bytes
                .peek()
                .is_some_and(|(_, next)| next.is_ascii_lowercase());
            let starts_part = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase() || before.is_ascii_digit() || lower_follows)
                || byte.is_ascii_digit()
                    && before.is_ascii_alphabetic()
                    && index - start >= LETTERS_BEFORE_DIGITS_MIN;
            if byte == b'_' || starts_part {
                if !parts.push(start, index) {
                    return Self::NONE;
                }
                start = index + usize::from(byte == b'_');
            }
            before = byte;
        }
        let fits = parts.push(start, word.len());
        if fits && parts.count > 1 {
            parts
        } else {
            Self::NONE
        }
    }

    /// Adds a part unless it is empty; returns whether there was room.
    fn push(&mut self, start: usize, end: usize) -> bool {
        if start >= end {
            return true;
        }
        let (Some(slot), Ok(start), Ok(end)) = (
            self.bounds.get_mut(self.count),
            u8::try_from(start),
            u8::try_from(end),
        ) else {
            return false;
        };
        *slot = (start, end);
        self.count += 1;
        true
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.bounds
            .iter()
            .take(self.count)
            .map(|&(start, end)| usize::from(start)..usize::from(end))
    }
}
