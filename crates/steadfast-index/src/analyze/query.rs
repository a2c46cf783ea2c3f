//! The terms of a query: what is left of a question when its common words are gone.

/// One term of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryTerm {
    /// The hash of the term, as in [`steadfast_model::HashedTerms`].
    pub hash: u64,
    /// How much it counts, 1 for every term of a plain query.
    pub weight: f32,
    /// How often the query names it; not part of the score.
    pub occurrences: u32,
}

/// The distinct terms of a query, in ascending order of their hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryTerms {
    terms: Vec<QueryTerm>,
    left_out: usize,
}

impl QueryTerms {
    /// The most distinct terms of one query; of a longer one the first ones count.
    pub const TERMS_MAX: usize = 256;

    /// Returns a query of weighted terms.
    ///
    /// Weights of one hash add up. Weights that are not positive and finite
    /// count as nothing, and the first [`Self::TERMS_MAX`] distinct hashes are kept.
    pub fn from_weights(weights: impl IntoIterator<Item = (u64, f32)>) -> Self {
        let mut query = Self::default();
        for (hash, weight) in weights {
            if weight.is_finite() && weight > 0.0 {
                query.add(hash, weight);
            }
        }
        query
    }

    /// Returns a query of the terms of a token stream, each of weight 1 however often it occurs.
    pub(super) fn from_tokens(hashes: impl IntoIterator<Item = u64>) -> Self {
        let mut query = Self::default();
        for hash in hashes {
            query.add(hash, 1.0);
        }
        for term in &mut query.terms {
            term.weight = 1.0;
        }
        query
    }

    /// The list stays sorted at every step: at most [`Self::TERMS_MAX`] terms are moved.
    fn add(&mut self, hash: u64, weight: f32) {
        match self.terms.binary_search_by_key(&hash, |term| term.hash) {
            Ok(index) => {
                if let Some(term) = self.terms.get_mut(index) {
                    term.weight = (term.weight + weight).min(f32::MAX);
                    term.occurrences = term.occurrences.saturating_add(1);
                }
            }
            Err(_) if self.terms.len() >= Self::TERMS_MAX => self.left_out += 1,
            Err(index) => self.terms.insert(
                index,
                QueryTerm {
                    hash,
                    weight,
                    occurrences: 1,
                },
            ),
        }
    }

    /// Returns the terms in ascending order of their hashes.
    pub fn terms(&self) -> &[QueryTerm] {
        &self.terms
    }

    /// Returns whether the query has no term at all: it is text without a letter or digit.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns how many words past the limit of [`Self::TERMS_MAX`] were not searched; an answer must tell.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}
