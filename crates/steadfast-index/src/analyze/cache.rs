//! Remembers the terms of frequent words, so that most words of a text are never stemmed.
//!
//! The cache holds the words themselves and compares them whole, so it changes
//! how fast a term is found and never which term it is.

/// How many words are remembered; each has one place, decided by its hash.
const WORDS_MAX: usize = 4096;
const KEY_BYTES: usize = 24;

/// A word of at most 23 bytes, padded with zeros, its length in the last byte.
pub(super) type Key = [u8; KEY_BYTES];

/// Plain words and their terms.
pub(super) struct WordCache {
    places: Vec<(Key, u64)>,
}

impl WordCache {
    pub(super) fn new() -> Self {
        Self {
            places: vec![([0; KEY_BYTES], 0); WORDS_MAX],
        }
    }

    /// Returns the key of a word, unless it is too long to be remembered.
    pub(super) fn key(word: &[u8]) -> Option<Key> {
        let mut key = [0; KEY_BYTES];
        let (length, letters) = key.split_last_mut()?;
        letters.get_mut(..word.len())?.copy_from_slice(word);
        *length = u8::try_from(word.len()).ok()?;
        Some(key)
    }

    pub(super) fn get(&self, key: &Key) -> Option<u64> {
        self.places
            .get(place(key))
            .filter(|(word, _)| word == key)
            .map(|&(_, hash)| hash)
    }

    pub(super) fn put(&mut self, key: Key, hash: u64) {
        if let Some(slot) = self.places.get_mut(place(&key)) {
            *slot = (key, hash);
        }
    }
}

fn place(key: &Key) -> usize {
    let mixed = key.as_chunks::<8>().0.iter().fold(0_u64, |mixed, part| {
        (mixed.rotate_left(23) ^ u64::from_le_bytes(*part)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (mixed >> 52) as usize
}
