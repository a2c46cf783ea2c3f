//! Text to vector: the trait that models implement, and the model inside the binary.
//!
//! # Layout
//! - `error`: why a model gave no vectors.
//! - `table`: the model file in bytes, read in place.
//! - `wordpiece`: text to tokens.
//! - `static_model`: tokens to vector.
//! - `minilm`: a sentence encoder from a folder that the user names (feature `minilm`).
//!
//! Deliberately not here: files but those of such a folder, network, threads, caches. A model is a
//! function; who calls it when is decided above.

mod error;
#[cfg(feature = "minilm")]
mod minilm;
mod static_model;
mod table;
mod wordpiece;

pub use error::EmbedError;
#[cfg(feature = "minilm")]
pub use minilm::MiniLm;
pub use static_model::{StaticModel, TokenCount};

use steadfast_model::{ModelId, Vector};

/// What the space of all-MiniLM-L6-v2 is called, also in a build without the feature `minilm`.
pub const MINILM: &str = "minilm";

/// Embeds texts and proves that what came back is what was promised: one vector per text, of the space's
/// dimensions, in numbers.
///
/// A model behind a file or a wire may answer anything; a vector too few would take its text with it.
///
/// # Errors
/// [`EmbedError`] of the model, or [`EmbedError::Shape`].
pub fn embed_proven(embed: &dyn Embed, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
    let vectors = embed.embed(texts)?;
    let model = embed.model();
    let shape = |what, expected, received| {
        Err(EmbedError::Shape {
            model: model.name.clone(),
            what,
            expected,
            received,
        })
    };
    if vectors.len() != texts.len() {
        return shape("vectors", texts.len(), vectors.len());
    }
    for Vector(values) in &vectors {
        if values.len() != model.dimensions {
            return shape("dimensions", model.dimensions, values.len());
        }
        let finite = values.iter().filter(|value| value.is_finite()).count();
        if finite != values.len() {
            return shape("finite numbers", values.len(), finite);
        }
    }
    Ok(vectors)
}

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
