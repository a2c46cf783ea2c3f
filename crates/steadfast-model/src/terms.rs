//! A text as the indexes see it: hashed terms with their counts.

/// The identity of an analyser: rows analysed under another one are not comparable.
///
/// The number grows with every change of the rules, and is part of each index's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnalyzerId(pub u32);

/// Turns text into hashed terms, the same way in the index, in the tail and in the oracle.
pub trait Analyze: Send + Sync {
    /// Returns the identity of the rules.
    fn id(&self) -> AnalyzerId;

    /// Returns the terms of a text.
    fn terms(&self, text: &str) -> HashedTerms;
}

/// The distinct terms of one text as 64-bit hashes with their counts, and its length in tokens.
///
/// Counts saturate at 255 and lengths at 65,535 everywhere, so that index,
/// tail and oracle score alike. Two terms of ten million share a hash with
/// probability 3e-6; they would then be searched as one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HashedTerms {
    /// In ascending order, each once.
    hashes: Vec<u64>,
    /// The count of each hash. Not beside it, where it would take as much room as the hash itself.
    counts: Vec<u8>,
    tokens: u16,
}

/// The bytes are not hashed terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are not a list of hashed terms")]
pub struct TermsError {
    /// How many bytes were given.
    pub bytes: usize,
}

impl HashedTerms {
    /// Returns the terms of a token stream, given as hashes in any order.
    ///
    /// It takes as much memory as it has distinct terms: a file waits for its commit with the terms of all its
    /// chunks, and room for every token would be many times as long as a text that repeats itself.
    pub fn from_tokens(mut stream: Vec<u64>) -> Self {
        let tokens = u16::try_from(stream.len()).unwrap_or(u16::MAX);
        stream.sort_unstable();
        let runs = || stream.chunk_by(|a, b| a == b);
        let distinct = runs().count();
        let mut hashes = Vec::with_capacity(distinct);
        let mut counts = Vec::with_capacity(distinct);
        for run in runs() {
            hashes.extend(run.first());
            counts.push(u8::try_from(run.len()).unwrap_or(u8::MAX));
        }
        Self {
            hashes,
            counts,
            tokens,
        }
    }

    /// Returns `(hash, count)` in ascending order of the hash.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (u64, u8)> + '_ {
        self.hashes.iter().copied().zip(self.counts.iter().copied())
    }

    /// Returns the hashes in ascending order.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Returns the length in tokens, saturated.
    pub fn tokens(&self) -> u16 {
        self.tokens
    }

    /// Returns how often `hash` occurs, 0 when it does not.
    pub fn count(&self, hash: u64) -> u8 {
        let place = self.hashes.binary_search(&hash).ok();
        place
            .and_then(|place| self.counts.get(place))
            .map_or(0, |&count| count)
    }

    /// Returns the same text as far as these hashes see it; the length stays.
    #[must_use]
    pub fn restricted_to(&self, hashes: &[u64]) -> Self {
        let kept = self.entries().filter(|(hash, _)| hashes.contains(hash));
        let (hashes, counts) = kept.unzip();
        Self {
            hashes,
            counts,
            tokens: self.tokens,
        }
    }

    /// Returns the stored form: the length (u16), then all hashes (u64), then all counts (u8), little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + self.hashes.len() * 9);
        out.extend_from_slice(&self.tokens.to_le_bytes());
        for hash in &self.hashes {
            out.extend_from_slice(&hash.to_le_bytes());
        }
        out.extend_from_slice(&self.counts);
        out
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`TermsError`] when the length does not fit, or the hashes are not in strictly ascending order.
    pub fn decode(bytes: &[u8]) -> Result<Self, TermsError> {
        let malformed = TermsError { bytes: bytes.len() };
        let (tokens, rest) = bytes.split_first_chunk::<2>().ok_or(malformed)?;
        if !rest.len().is_multiple_of(9) {
            return Err(malformed);
        }
        let (hashes, counts) = rest.split_at(rest.len() / 9 * 8);
        let hashes = hashes.as_chunks::<8>().0.iter();
        let hashes: Vec<u64> = hashes.map(|hash| u64::from_le_bytes(*hash)).collect();
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(malformed);
        }
        Ok(Self {
            hashes,
            counts: counts.to_vec(),
            tokens: u16::from_le_bytes(*tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_repeats_itself_takes_the_room_of_its_terms() {
        let terms = HashedTerms::from_tokens([7, 8].repeat(100_000));
        assert!(terms.entries().eq([(7, 255), (8, 255)]));
        assert_eq!((terms.hashes.capacity(), terms.counts.capacity()), (2, 2));
    }

    proptest! {
        #[test]
        fn terms_survive_their_stored_form(hashes in prop::collection::vec(0_u64..50, 0..400)) {
            let terms = HashedTerms::from_tokens(hashes.clone());
            prop_assert_eq!(usize::from(terms.tokens()), hashes.len());
            for hash in 0..50 {
                let count = hashes.iter().filter(|&&h| h == hash).count().min(255);
                prop_assert_eq!(usize::from(terms.count(hash)), count);
            }
            prop_assert_eq!(HashedTerms::decode(&terms.encode()).unwrap(), terms);
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(terms) = HashedTerms::decode(&bytes) {
                prop_assert_eq!(terms.encode(), bytes);
            }
        }
    }
}
