//! Text to vector: the trait that models implement, and the model inside the binary.
//!
//! # Layout
//! - `error`: why a model gave no vectors.
//! - `table`: the model file in bytes, read in place.
//! - `wordpiece`: text to tokens.
//! - `static_model`: tokens to vector.
//!
//! Deliberately not here: files, network, threads, caches. A model is a
//! function; who calls it when is decided above.

mod error;
mod static_model;
mod table;
mod wordpiece;

pub use error::EmbedError;
pub use static_model::{StaticModel, TokenCount};

use steadfast_model::{ModelId, Vector};

/// Turns texts into vectors of one space.
pub trait Embed: Send + Sync {
    /// Returns the identity of the space: vectors with another one are never compared with these.
    fn model(&self) -> &ModelId;

    /// Returns one vector per text, in order; each has length 1, or is all zeros when the text says nothing to the model.
    ///
    /// # Errors
    /// [`EmbedError`] when the model gives no vectors; then none of the texts has one.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError>;
}
