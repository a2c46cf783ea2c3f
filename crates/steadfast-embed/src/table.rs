//! The model file: a vocabulary with one row of numbers per token, read in place.
//!
//! The file is part of the binary and its header is read at compile time, so
//! nothing is parsed, hashed or allocated at start-up: a file of the wrong
//! shape is a compile error. `tools/distill/pack.py` writes it.
//!
//! All numbers are little-endian. The header has 64 bytes:
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 8 | `SFSTATIC` |
//! | 8 | 4 | format, [`FORMAT`] |
//! | 12 | 4 | tokenizer rules, [`RULES`] |
//! | 16 | 16 | first half of the blake3 hash of the file with these bytes as zeros |
//! | 32 | 4 | dimensions of a row |
//! | 36 | 4 | rows, one per token |
//! | 40 | 4 | bucket bits |
//! | 44 | 4 | character blocks |
//! | 48 | 4 | bytes of all token strings |
//! | 52 | 4 | symbols of the longest token |
//! | 56 | 8 | reserved, zero |
//!
//! Then, without gaps:
//!
//! 1. the class of each of 256 symbols (`u8`: 0 part of a word, 1 a word of its own);
//! 2. the character of each symbol (`u32`, 0 for none; only to list the vocabulary);
//! 3. for each run of 128 code points its character block (`u8`, 8,704 of them);
//! 4. the character blocks: 128 symbols each (`u8`);
//! 5. for each bucket the first token (`u16`, one more entry than buckets);
//! 6. the fingerprint of each token (`u16`; the lowest bit tells a `##` continuation);
//! 7. where each token's string begins (`u32`, one more entry than tokens);
//! 8. the strings, as symbols, without `##`;
//! 9. the scale of each row (`u16`, 1 to 32,767, in a unit common to all rows);
//! 10. the rows (`i8`).
//!
//! A symbol is a byte that stands for a character after normalisation (clean,
//! lower-case, decompose, strip accents). ASCII stands for itself; codes that
//! normalised ASCII never has stand for the other characters of the
//! vocabulary and for four outcomes: [`DROP`], [`SPACE`], [`FOREIGN_LETTER`],
//! [`FOREIGN_ISOLATED`]. Tokens are sorted by hash: the highest bits are the
//! bucket, bits 33 to 48 the fingerprint.
//!
//! Invariant: no content of the file makes reading panic; what does not fit is
//! an unknown token. Deliberately not here: how text becomes words (`wordpiece`).

/// The layout that this module reads.
pub(crate) const FORMAT: u32 = 1;
/// The version of the rules in `wordpiece`; any change of them is another vector space.
pub(crate) const RULES: u32 = 1;
/// How many numbers a vector has.
pub(crate) const DIMENSIONS: usize = 128;

/// The character vanishes: controls, formats, private use, nonspacing marks.
pub(crate) const DROP: u8 = 0;
/// The character separates words.
pub(crate) const SPACE: u8 = 1;
/// A letter outside the vocabulary: its whole word is unknown.
pub(crate) const FOREIGN_LETTER: u8 = 2;
/// A character outside the vocabulary that is a word of its own: punctuation, a CJK ideograph.
pub(crate) const FOREIGN_ISOLATED: u8 = 3;

const BLOCK: usize = 128;
const BLOCKS: usize = 0x11_0000 / BLOCK;
const HASH_FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
const HASH_AT: usize = 16;

/// The shipped file.
pub(crate) static BYTES: &[u8] = include_bytes!("../model/static-128.bin");

/// The shipped table.
pub(crate) static TABLE: Table = match Table::read(BYTES) {
    Some(table) => table,
    None => panic!("model/static-128.bin does not have the layout of this version"),
};

/// Whether a piece begins a word or continues one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The first piece of a word.
    Begins,
    /// A later piece, written with `##` in the vocabulary.
    Continues,
}

/// The running hash of a token's symbols.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash(u64);

impl TokenHash {
    /// Returns the hash of no symbols.
    #[inline]
    pub(crate) const fn new(piece: Piece) -> Self {
        Self(match piece {
            Piece::Begins => 0x243F_6A88_85A3_08D3,
            Piece::Continues => 0x1319_8A2E_0370_7344,
        })
    }

    /// Returns the hash after one more symbol.
    #[inline]
    pub(crate) const fn with(self, symbol: u8) -> Self {
        Self((self.0 ^ symbol as u64).wrapping_mul(HASH_FACTOR))
    }
}

/// The sections of a model file, in place.
pub(crate) struct Table {
    hash: [u8; 16],
    classes: &'static [u8; 256],
    characters: &'static [[u8; 4]],
    block_of: &'static [u8],
    ascii: &'static [u8; BLOCK],
    blocks: &'static [[u8; BLOCK]],
    bucket_shift: u32,
    buckets: &'static [[u8; 2]],
    fingerprints: &'static [[u8; 2]],
    offsets: &'static [[u8; 4]],
    strings: &'static [u8],
    symbols_max: usize,
    scales: &'static [[u8; 2]],
    rows: &'static [[u8; DIMENSIONS]],
}

/// Splits `count` items of `N` bytes off the front of `rest`.
const fn section<const N: usize>(
    rest: &'static [u8],
    count: usize,
) -> Option<(&'static [[u8; N]], &'static [u8])> {
    let Some(bytes) = count.checked_mul(N) else {
        return None;
    };
    match rest.split_at_checked(bytes) {
        Some((section, rest)) => Some((section.as_chunks::<N>().0, rest)),
        None => None,
    }
}

/// Splits one little-endian number off the front of `rest`.
const fn number(rest: &'static [u8]) -> Option<(u32, &'static [u8])> {
    match rest.split_first_chunk::<4>() {
        Some((bytes, rest)) => Some((u32::from_le_bytes(*bytes), rest)),
        None => None,
    }
}

/// Takes the value out of an option or leaves the function: `?` is not yet allowed in constants.
macro_rules! take {
    ($option:expr) => {
        match $option {
            Some(value) => value,
            None => return None,
        }
    };
}

impl Table {
    /// Returns the sections of `bytes`, or nothing when they are not a model file of this version.
    pub(crate) const fn read(bytes: &'static [u8]) -> Option<Self> {
        let (magic, rest) = take!(bytes.split_first_chunk::<8>());
        let (format, rest) = take!(number(rest));
        let (rules, rest) = take!(number(rest));
        let (hash, rest) = take!(rest.split_first_chunk::<16>());
        let (dimensions, rest) = take!(number(rest));
        let (count, rest) = take!(number(rest));
        let (bucket_bits, rest) = take!(number(rest));
        let (block_count, rest) = take!(number(rest));
        let (string_bytes, rest) = take!(number(rest));
        let (symbols_max, rest) = take!(number(rest));
        let (_reserved, rest) = take!(rest.split_first_chunk::<8>());
        let fits = u64::from_le_bytes(*magic) == u64::from_le_bytes(*b"SFSTATIC")
            && format == FORMAT
            && rules == RULES
            && dimensions as usize == DIMENSIONS
            && count < u16::MAX as u32
            && bucket_bits > 0
            && bucket_bits < 17;
        if !fits {
            return None;
        }

        let (classes, rest) = take!(rest.split_first_chunk::<256>());
        let (characters, rest) = take!(section::<4>(rest, 256));
        let (block_of, rest) = take!(rest.split_at_checked(BLOCKS));
        let (blocks, rest) = take!(section::<BLOCK>(rest, block_count as usize));
        let (buckets, rest) = take!(section::<2>(rest, (1 << bucket_bits) + 1));
        let (fingerprints, rest) = take!(section::<2>(rest, count as usize));
        let (offsets, rest) = take!(section::<4>(rest, count as usize + 1));
        let (strings, rest) = take!(rest.split_at_checked(string_bytes as usize));
        let (scales, rest) = take!(section::<2>(rest, count as usize));
        let (rows, rest) = take!(section::<DIMENSIONS>(rest, count as usize));
        if !rest.is_empty() {
            return None;
        }
        // ASCII is the first run of 128 code points, and the first block written.
        let (ascii, _) = take!(blocks.split_first());
        Some(Self {
            hash: *hash,
            classes,
            characters,
            block_of,
            ascii,
            blocks,
            bucket_shift: u64::BITS - bucket_bits,
            buckets,
            fingerprints,
            offsets,
            strings,
            symbols_max: symbols_max as usize,
            scales,
            rows,
        })
    }

    /// Returns the hash that the header claims.
    pub(crate) const fn hash(&self) -> [u8; 16] {
        self.hash
    }

    /// Returns how many symbols the longest token has.
    pub(crate) const fn symbols_max(&self) -> usize {
        self.symbols_max
    }

    /// Returns the symbol of an ASCII byte; bytes above are [`FOREIGN_LETTER`].
    #[inline]
    pub(crate) fn symbol_of_ascii(&self, byte: u8) -> u8 {
        self.ascii
            .get(usize::from(byte))
            .copied()
            .unwrap_or(FOREIGN_LETTER)
    }

    /// Returns the symbol of a character.
    #[inline]
    pub(crate) fn symbol(&self, character: char) -> u8 {
        let point = character as usize;
        self.block_of
            .get(point / BLOCK)
            .and_then(|&block| self.blocks.get(usize::from(block)))
            .and_then(|block| block.get(point % BLOCK))
            .copied()
            .unwrap_or(FOREIGN_LETTER)
    }

    /// Returns whether the symbol is a word of its own.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "a byte is an index into 256 entries"
    )]
    pub(crate) fn is_isolated(&self, symbol: u8) -> bool {
        self.classes[usize::from(symbol)] != 0
    }

    /// Returns the token with exactly these symbols; `hash` is theirs.
    #[inline]
    pub(crate) fn find(&self, piece: Piece, hash: TokenHash, symbols: &[u8]) -> Option<u16> {
        let bucket = usize::try_from(hash.0 >> self.bucket_shift).ok()?;
        let [first, last] = self.buckets.get(bucket..bucket + 2)? else {
            return None;
        };
        let (first, last) = (u16::from_le_bytes(*first), u16::from_le_bytes(*last));
        let [_, _, low, high, ..] = (hash.0 >> 17).to_le_bytes();
        let wanted = u16::from_le_bytes([low & 0xFE | u8::from(piece == Piece::Continues), high]);
        (first..last).find(|&token| {
            self.fingerprints
                .get(usize::from(token))
                .is_some_and(|have| u16::from_le_bytes(*have) == wanted)
                && self.string(token) == Some(symbols)
        })
    }

    #[inline]
    fn string(&self, token: u16) -> Option<&'static [u8]> {
        let token = usize::from(token);
        let [start, end] = self.offsets.get(token..token + 2)? else {
            return None;
        };
        self.strings
            .get(u32::from_le_bytes(*start) as usize..u32::from_le_bytes(*end) as usize)
    }

    /// Returns the scale and the row of a token.
    #[inline]
    pub(crate) fn row(&self, token: u16) -> Option<(i16, &'static [u8; DIMENSIONS])> {
        let scale = self.scales.get(usize::from(token))?;
        Some((
            i16::from_le_bytes(*scale),
            self.rows.get(usize::from(token))?,
        ))
    }

    /// Returns how many tokens the vocabulary has.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns a token as text, `##` in front of a continuation.
    pub(crate) fn token(&self, token: u16) -> Option<String> {
        let fingerprint = u16::from_le_bytes(*self.fingerprints.get(usize::from(token))?);
        let prefix = if fingerprint & 1 == 1 { "##" } else { "" };
        let characters = self.string(token)?.iter().map(|&symbol| {
            let character = self.characters.get(usize::from(symbol))?;
            char::from_u32(u32::from_le_bytes(*character))
        });
        prefix.chars().map(Some).chain(characters).collect()
    }

    /// Returns the hash that the header of `bytes` should claim.
    pub(crate) fn hash_of(bytes: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        let (before, rest) = bytes.split_at(HASH_AT.min(bytes.len()));
        hasher.update(before);
        hasher.update(&[0; 16]);
        hasher.update(rest.get(16..).unwrap_or_default());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER_BYTES: usize = 64;

    #[test]
    fn the_shipped_file_is_whole_and_every_token_is_found_by_its_own_text() {
        assert_eq!(Table::hash_of(BYTES), TABLE.hash());
        let count = u16::try_from(TABLE.len()).unwrap();
        let mut longest = 0;
        for token in 0..count {
            let text = TABLE.token(token).unwrap();
            let symbols = TABLE.string(token).unwrap();
            longest = longest.max(symbols.len());
            let piece = if text.starts_with("##") && text.len() > 2 {
                Piece::Continues
            } else {
                Piece::Begins
            };
            let hash = symbols
                .iter()
                .fold(TokenHash::new(piece), |hash, &symbol| hash.with(symbol));
            assert_eq!(TABLE.find(piece, hash, symbols), Some(token), "{text}");
            let (scale, row) = TABLE.row(token).unwrap();
            assert!(scale > 0, "{text}");
            assert!(
                row.iter().all(|&value| value.cast_signed() != i8::MIN),
                "{text}"
            );
        }
        assert_eq!(longest, TABLE.symbols_max());
        assert!(
            TABLE
                .find(Piece::Begins, TokenHash::new(Piece::Begins), b"")
                .is_none()
        );
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        assert!(Table::read(BYTES).is_some());
        assert!(Table::read(&[]).is_none());
        assert!(Table::read(&BYTES[..HEADER_BYTES]).is_none());
        assert!(Table::read(&BYTES[..BYTES.len() - 1]).is_none());
        for at in [0, 8, 12, 32, 36, 40, 44, 48] {
            let mut damaged = BYTES.to_vec();
            damaged[at] ^= 1;
            assert!(Table::read(damaged.leak()).is_none(), "byte {at}");
        }
    }

    #[test]
    fn no_damage_behind_the_header_makes_reading_panic() {
        let mut damaged = BYTES.to_vec();
        for (at, byte) in damaged.iter_mut().enumerate().skip(HEADER_BYTES) {
            *byte = u8::try_from(at * 131 % 251).unwrap();
        }
        let table = Table::read(damaged.leak()).unwrap();
        for character in ('\0'..='\u{2FFF}').chain(['\u{10FFFF}']) {
            let hash = TokenHash::new(Piece::Begins).with(table.symbol(character));
            let _token: Option<u16> = table.find(Piece::Begins, hash, &[table.symbol(character)]);
        }
        for token in 0..=u16::MAX {
            let _text: Option<String> = table.token(token);
        }
    }
}
