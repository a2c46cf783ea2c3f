//! A sentence encoder from a folder that the user names: all-MiniLM-L6-v2, or another of its shape.
//!
//! Wanted in the folder are `model.safetensors` and `tokenizer.json`, as the
//! model is published. Nothing is downloaded. Invariants: what is no such model
//! is refused when it is opened, not when it is asked; the identity of the
//! space is the hash of both files, so another file is another space; a vector
//! is a function of its text alone, to the rounding of the processor. A text is
//! read up to its 256th token, as the model was trained. Deliberately not here:
//! batches and threads; who asks for many texts decides on those.

mod bert;
mod weights;

use std::fs;
use std::path::Path;

use steadfast_model::{ModelId, Vector};
use tokenizers::{Tokenizer, TruncationParams};

use crate::{Embed, EmbedError, MINILM};
use bert::{Bert, WIDTH};
use weights::Weights;

/// The files of a model.
const WEIGHTS: &str = "model.safetensors";
const TOKENIZER: &str = "tokenizer.json";
/// The largest file that is read, in bytes: the published one has 91 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Tokens of a text that are read, with the two that frame it.
const TOKENS_MAX: usize = 256;
/// Tokens that frame a text.
const FRAME_TOKENS: usize = 2;
/// How the numbers are come by: changes with the pooling and what is read of a text.
const REVISION: &str = "1";

/// A sentence encoder of the shape of all-MiniLM-L6-v2, on the processor.
pub struct MiniLm {
    bert: Bert,
    tokenizer: Tokenizer,
    id: ModelId,
}

impl MiniLm {
    /// Opens the model in a folder; some 90 MB are read and kept.
    ///
    /// # Errors
    /// [`EmbedError::Unusable`] when a file is missing, cannot be read, or is none of such a model.
    ///
    /// # Examples
    /// ```no_run
    /// use steadfast_embed::{Embed, MiniLm};
    ///
    /// let model = MiniLm::open("/models/all-MiniLM-L6-v2".as_ref())?;
    /// let vectors = model.embed(&["Where do we keep the backups?"])?;
    /// assert_eq!(vectors[0].0.len(), 384);
    /// # Ok::<(), steadfast_embed::EmbedError>(())
    /// ```
    pub fn open(folder: &Path) -> Result<Self, EmbedError> {
        let (weights, tokenizer) = (read(folder, WEIGHTS)?, read(folder, TOKENIZER)?);
        let mut hasher = blake3::Hasher::new();
        // Of one file each, so that no byte can move from one to the other.
        for file in [&weights, &tokenizer] {
            hasher.update(blake3::hash(file).as_bytes());
        }
        let mut id = ModelId {
            name: MINILM.to_owned(),
            revision: REVISION.to_owned(),
            dimensions: WIDTH,
            hash: [0; 16],
        };
        if let Some(start) = hasher.finalize().as_bytes().first_chunk::<16>() {
            id.hash = *start;
        }
        let tokenizer = tokens(&tokenizer).map_err(|what| unusable(folder, TOKENIZER, what))?;
        let words = tokenizer.get_vocab_size(true);
        let bert = Weights::read(&weights)
            .and_then(|weights| Bert::read(&weights, words))
            .map_err(|what| unusable(folder, WEIGHTS, what))?;
        Ok(Self {
            bert,
            tokenizer,
            id,
        })
    }

    fn embed_one(&self, text: &str) -> Result<Vector, EmbedError> {
        let refused = |reason: String| EmbedError::Refused {
            model: self.id.name.clone(),
            reason,
        };
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|error| refused(error.to_string()))?;
        let tokens: Vec<usize> = encoding.get_ids().iter().map(|id| *id as usize).collect();
        // Nothing but the frame: the text says nothing.
        if tokens.len() <= FRAME_TOKENS {
            return Ok(Vector(vec![0.0; WIDTH]));
        }
        let vector = self.bert.embed(&tokens);
        vector
            .map(Vector)
            .ok_or_else(|| refused("a token is not of its vocabulary".to_owned()))
    }
}

impl Embed for MiniLm {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        texts.iter().map(|text| self.embed_one(text)).collect()
    }
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, EmbedError> {
    let path = folder.join(name);
    let failed = |error: std::io::Error| unusable(folder, name, error.to_string());
    let bytes = fs::metadata(&path).map_err(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(unusable(folder, name, format!("it has {bytes} bytes")));
    }
    fs::read(&path).map_err(failed)
}

/// Returns the tokenizer, with the limits of this model whatever the file says of them.
fn tokens(file: &[u8]) -> Result<Tokenizer, String> {
    let mut tokenizer = Tokenizer::from_bytes(file).map_err(|error| error.to_string())?;
    let limits = TruncationParams {
        max_length: TOKENS_MAX,
        ..TruncationParams::default()
    };
    tokenizer
        .with_padding(None)
        .with_truncation(Some(limits))
        .map_err(|error| error.to_string())?;
    // A tokenizer of BERT frames every text with two tokens, also an empty one.
    let framed = tokenizer
        .encode_fast("", true)
        .map_err(|error| error.to_string())?;
    if framed.get_ids().len() != FRAME_TOKENS {
        return Err("it does not frame a text as BERT wants it".to_owned());
    }
    Ok(tokenizer)
}

fn unusable(folder: &Path, name: &str, what: String) -> EmbedError {
    EmbedError::Unusable {
        place: folder.join(name).display().to_string(),
        what,
    }
}
