//! Chunks and records as lines of JSON, with or without the frame that makes a bundle of them.

use std::io::{self, Write};

use serde_json::{Value, json};
use steadfast_model::{Chunk, StoredCollection};

use super::walk::{Found, PastFound, Sink, Walked};
use crate::error::{Error, Result};
use crate::import::bundle::line;

/// What stands in the first line of a bundle.
pub(super) struct Head {
    pub(super) created: String,
    pub(super) store: String,
    pub(super) generation: u64,
    pub(super) model: String,
    /// What is no longer live comes along.
    pub(super) history: bool,
}

/// Lines on their way out.
pub(super) struct Lines<'o> {
    out: &'o mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
    /// Each line says what it is, and the last one proves that all are there.
    is_bundle: bool,
    model: String,
}

impl<'o> Lines<'o> {
    pub(super) fn begin(out: &'o mut dyn Write, head: Head, is_bundle: bool) -> Result<Self> {
        let mut lines = Self {
            out,
            hasher: blake3::Hasher::new(),
            bytes: 0,
            is_bundle,
            model: head.model,
        };
        if is_bundle {
            let manifest = json!({
                "type": "manifest",
                "steadfast_bundle": line::VERSION,
                "version": env!("CARGO_PKG_VERSION"),
                "created": head.created,
                "store": head.store,
                "generation": head.generation,
                "vector_model": lines.model,
                "history": head.history,
            });
            lines.line(&manifest)?;
        }
        Ok(lines)
    }

    /// Ends the lines; returns how many bytes they have.
    pub(super) fn finish(mut self, walked: &Walked) -> Result<u64> {
        if self.is_bundle {
            let end = json!({
                "type": "end",
                "chunks": walked.chunks,
                "sources": walked.sources,
                "collections": walked.collections,
                "records": walked.records,
                "past": walked.past,
                "damaged": walked.damaged.len(),
            });
            // The hash comes last, and is of all bytes before it, so those of this line are proven too.
            let mut text = end.to_string();
            text.pop();
            text.push_str(",\"blake3\":\"");
            self.write(&text)?;
            let hash = self.hasher.finalize().to_hex();
            self.write(&format!("{hash}\"}}\n"))?;
        }
        self.out.flush().map_err(|error| failed(&error))?;
        Ok(self.bytes)
    }

    fn line(&mut self, object: &Value) -> Result<()> {
        let mut text = object.to_string();
        text.push('\n');
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.hasher.update(text.as_bytes());
        self.bytes += text.len() as u64;
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| failed(&error))
    }
}

impl Sink for Lines<'_> {
    fn chunk(&mut self, found: &Found<'_>) -> Result<()> {
        let vector = found.vector.map(|vector| (vector, self.model.as_str()));
        let mut object = line::chunk(found.chunk, found.note, vector);
        if let Some(added) = found.added {
            line::add_times(&mut object, added, None);
        }
        if let (true, Value::Object(fields)) = (self.is_bundle, &mut object) {
            fields.insert("type".to_owned(), Value::from("chunk"));
        }
        self.line(&object)
    }

    fn past(&mut self, found: &PastFound<'_>) -> Result<()> {
        let vector = found.vector.map(|vector| (vector, self.model.as_str()));
        let mut object = line::chunk(found.chunk, None, vector);
        line::add_times(&mut object, found.added, Some(found.removed));
        self.line(&object)
    }

    fn document_done(&mut self) -> Result<()> {
        Ok(())
    }

    fn collection(&mut self, collection: &StoredCollection) -> Result<()> {
        self.line(&line::collection(collection))
    }

    fn record(
        &mut self,
        collection: &StoredCollection,
        chunk: &Chunk,
        vector: Option<&[f32]>,
    ) -> Result<()> {
        self.line(&line::record(&collection.name, chunk, vector))
    }
}

/// Returns the error for output that cannot be written.
fn failed(error: &io::Error) -> Error {
    Error::Store(steadfast_store::StoreError::from_io(
        std::path::Path::new("the exported file"),
        error,
    ))
}
