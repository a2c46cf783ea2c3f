//! Why a model gave no vectors.

/// A model gave no vectors. The built-in model never fails; models behind a file or a wire do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The model cannot be reached now.
    #[error("the model {model} cannot be reached: {reason}")]
    Unreachable {
        /// The model's name.
        model: String,
        /// What was tried and how it failed.
        reason: String,
    },
    /// The model was reached and refuses these texts.
    #[error("the model {model} refuses the texts: {reason}")]
    Refused {
        /// The model's name.
        model: String,
        /// The model's own words.
        reason: String,
    },
    /// A model in files is none that can be used.
    #[error("the model at {place} cannot be used: {what}")]
    Unusable {
        /// The file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The model answered with vectors of another shape than it promised.
    #[error("the model {model} gave {received} {what}, {expected} were expected")]
    Shape {
        /// The model's name.
        model: String,
        /// What was counted: vectors or dimensions.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        received: usize,
    },
}

impl EmbedError {
    /// Returns whether the same call may succeed later without a change by the user.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
