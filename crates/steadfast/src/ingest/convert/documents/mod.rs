//! Documents that are not text: PDF, DOCX and EPUB (feature `documents`).
//!
//! Invariants: what is unpacked is bounded by [`UNPACKED_BYTES_MAX`] whatever
//! the file says of itself; what is over a limit is left out as a whole, so no
//! document is in the store in part; a panic in a parser costs the file alone.
//!
//! Deliberately not here: layout, pictures and what is written in them, forms,
//! comments, headers and footers, passwords.

mod archive;
mod docx;
mod epub;
mod lines;
mod pdf;

use steadfast_model::Timestamp;

use super::html;
use crate::ingest::identify::SkipReason;
use crate::ingest::read::Skip;

/// The most that is unpacked from one document, in bytes.
pub(super) const UNPACKED_BYTES_MAX: usize = 32 << 20;

/// The text of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Converted {
    pub(super) text: String,
    pub(super) title: Option<String>,
    pub(super) time: Option<Timestamp>,
}

/// Why a document could not be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Malformed(String),
    #[error("it unpacks to more than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
}

impl Failure {
    fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }
}

/// Converts a PDF to plain text.
pub(super) fn pdf(bytes: &[u8]) -> Result<Converted, Skip> {
    finished(pdf::text(bytes))
}

/// Converts a DOCX to Markdown.
pub(super) fn docx(bytes: &[u8]) -> Result<Converted, Skip> {
    finished(docx::text(bytes))
}

/// Converts an EPUB to Markdown.
pub(super) fn epub(bytes: &[u8]) -> Result<Converted, Skip> {
    finished(epub::text(bytes))
}

fn finished(converted: Result<Converted, Failure>) -> Result<Converted, Skip> {
    let converted = converted.map_err(|failure| {
        let reason = match &failure {
            Failure::Malformed(_) => SkipReason::Malformed,
            Failure::TooLarge => SkipReason::TooLarge,
        };
        Skip::new(reason, failure.to_string())
    })?;
    if converted.text.trim().is_empty() {
        return Err(Skip::new(SkipReason::NoText, ""));
    }
    Ok(converted)
}

/// Returns text with what is not a line of its own in a line, or none when there is nothing.
fn one_line(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests;
