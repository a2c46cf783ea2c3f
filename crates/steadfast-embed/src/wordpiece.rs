//! Text to tokens: the BERT-uncased rules, without an allocation.
//!
//! Words are split at white space and around punctuation and CJK ideographs;
//! controls and accents vanish, letters become lower-case. A word becomes the
//! longest token that begins it, then the longest `##` token that continues
//! it, and so on; a word that cannot be spelled so, or has more than
//! [`WORD_SYMBOLS_MAX`] characters, is one unknown token.
//!
//! Invariant: the tokens equal those of the `tokenizers` crate over the same
//! vocabulary, for every text; the tests compare the two over all characters
//! and over random texts. What a character becomes is data of the model file,
//! not the standard library's Unicode tables: these change with the compiler,
//! and stored vectors must not. A text of any length is read to its end.

use crate::table::{DROP, FOREIGN_ISOLATED, FOREIGN_LETTER, Piece, SPACE, Table, TokenHash};

/// Words of more characters are unknown, as in BERT.
pub(crate) const WORD_SYMBOLS_MAX: usize = 100;

/// Calls `token` for each token of `text` in order, with nothing for an unknown one.
pub(crate) fn tokenize(table: &Table, text: &str, mut token: impl FnMut(Option<u16>)) {
    let mut word = Word::new();
    for character in text.chars() {
        let symbol = match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => table.symbol_of_ascii(byte),
            _ => table.symbol(character),
        };
        if symbol == DROP {
            continue;
        }
        let isolated = table.is_isolated(symbol);
        if symbol == SPACE || isolated {
            word.finish(table, &mut token);
            if isolated {
                word.push(symbol);
                word.finish(table, &mut token);
            }
        } else {
            word.push(symbol);
        }
    }
    word.finish(table, &mut token);
}

/// The word being read.
struct Word {
    symbols: [u8; WORD_SYMBOLS_MAX],
    /// The hash of the word up to and including each symbol.
    hashes: [TokenHash; WORD_SYMBOLS_MAX],
    len: usize,
    /// A symbol is outside the vocabulary, or the word is too long.
    unknown: bool,
}

impl Word {
    fn new() -> Self {
        Self {
            symbols: [0; WORD_SYMBOLS_MAX],
            hashes: [TokenHash::new(Piece::Begins); WORD_SYMBOLS_MAX],
            len: 0,
            unknown: false,
        }
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "guarded: len < WORD_SYMBOLS_MAX")]
    fn push(&mut self, symbol: u8) {
        if self.len >= WORD_SYMBOLS_MAX {
            self.unknown = true;
            return;
        }
        let before = match self.len {
            0 => TokenHash::new(Piece::Begins),
            len => self.hashes[len - 1],
        };
        self.unknown |= symbol == FOREIGN_LETTER || symbol == FOREIGN_ISOLATED;
        self.symbols[self.len] = symbol;
        self.hashes[self.len] = before.with(symbol);
        self.len += 1;
    }

    /// Hands out the tokens of the word and begins the next one.
    #[inline]
    fn finish(&mut self, table: &Table, token: &mut impl FnMut(Option<u16>)) {
        if self.len == 0 {
            return;
        }
        if self.unknown {
            token(None);
        } else {
            self.split(table, token);
        }
        self.len = 0;
        self.unknown = false;
    }

    #[inline]
    fn split(&self, table: &Table, token: &mut impl FnMut(Option<u16>)) {
        let symbols = self.symbols.get(..self.len).unwrap_or_default();
        let hashes = self.hashes.get(..self.len).unwrap_or_default();
        let Some((first, first_len)) = longest(table, Piece::Begins, symbols, hashes) else {
            token(None);
            return;
        };
        if first_len == self.len {
            token(Some(first));
            return;
        }
        self.split_rest(table, symbols, (first, first_len), token);
    }

    /// Spells the word behind its first piece; nothing is handed out before the last piece is found.
    fn split_rest(
        &self,
        table: &Table,
        symbols: &[u8],
        (first, first_len): (u16, usize),
        token: &mut impl FnMut(Option<u16>),
    ) {
        let mut pieces = [0; WORD_SYMBOLS_MAX];
        let mut count = 0;
        let mut rest = symbols.get(first_len..).unwrap_or_default();
        while !rest.is_empty() {
            let mut hashes = self.hashes;
            let mut hash = TokenHash::new(Piece::Continues);
            for (slot, &symbol) in hashes.iter_mut().zip(rest).take(table.symbols_max()) {
                hash = hash.with(symbol);
                *slot = hash;
            }
            let hashes = hashes.get(..rest.len()).unwrap_or_default();
            let found = longest(table, Piece::Continues, rest, hashes);
            let (Some((piece, len)), Some(slot)) = (found, pieces.get_mut(count)) else {
                token(None);
                return;
            };
            *slot = piece;
            count += 1;
            rest = rest.get(len..).unwrap_or_default();
        }
        token(Some(first));
        pieces
            .iter()
            .take(count)
            .for_each(|&piece| token(Some(piece)));
    }
}

/// Returns the longest token at the front of `symbols`, and its length; `hashes` are those of the prefixes.
#[inline]
fn longest(
    table: &Table,
    piece: Piece,
    symbols: &[u8],
    hashes: &[TokenHash],
) -> Option<(u16, usize)> {
    let limit = symbols.len().min(table.symbols_max());
    (1..=limit).rev().find_map(|len| {
        let (&hash, prefix) = (hashes.get(len - 1)?, symbols.get(..len)?);
        Some((table.find(piece, hash, prefix)?, len))
    })
}

#[cfg(test)]
#[path = "wordpiece_tests.rs"]
mod tests;
