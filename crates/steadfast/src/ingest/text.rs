//! A text that somebody keeps under a name of their own, on its way in by the same line as a file.
//!
//! Invariant: the chunks of what was kept, put together, are that text to the byte, without its
//! secrets; so whoever keeps it can have it back as a whole. Deliberately not here: the names, and
//! what becomes of the change.

use steadfast_model::{
    Assignment, Attributes, Change, ContentHash, Fingerprint, Namespace, PutDocument, Trust,
};

use super::Line;
use super::chunk::{ChunkLimits, Facts, Span, chunk_source, kind_of};
use super::note::place;
use super::prepare::{new_chunks, title, with_facts};
use crate::error::Result;

/// A text on its way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextIn<'t> {
    pub(crate) namespace: &'t Namespace,
    pub(crate) source: &'t str,
    pub(crate) text: &'t str,
    pub(crate) trust: Trust,
    /// Bring back the source when it was forgotten.
    pub(crate) revive: bool,
}

/// Makes the change that puts a text in the place of what its source held, and counts the secrets that it had.
pub(crate) fn put_text(line: &Line<'_>, wanted: &TextIn<'_>) -> Result<(Change, u64)> {
    let redacted = line.redactor.redact(wanted.text);
    let text = redacted.text.as_ref();
    let kind = kind_of(wanted.source);
    let chunked = chunk_source(text, kind, wanted.source, &ChunkLimits::default());
    let (mut spans, mut facts) = (chunked.spans, chunked.facts);
    if spans.is_empty() && !text.is_empty() {
        // White space alone is no chunk of a file that is read; a text that is kept comes back with it.
        spans.push(blank(text));
    }
    if facts.is_empty() {
        facts.push(Facts::default());
    }
    let texts: Vec<&str> = spans
        .iter()
        .map(|span| text.get(span.range.clone()).unwrap_or_default())
        .collect();
    let places = spans.iter().map(|span| steadfast_model::Place {
        heading_path: span.heading_path.clone(),
        ..place(span, &redacted.removals)
    });
    let mut chunks = new_chunks(line, &texts, places.collect())?;
    for (chunk, span) in chunks.iter_mut().zip(&spans) {
        chunk.attributes = span.facts;
    }
    let now = line.clock.now();
    let of_text = Attributes {
        kind,
        title: title(kind, &spans, wanted.source),
        document_time: Some(now),
        trust: wanted.trust,
        ..Attributes::default()
    };
    let put = PutDocument {
        namespace: wanted.namespace.clone(),
        source: wanted.source.to_owned(),
        fingerprint: Some(Fingerprint {
            size: text.len() as u64,
            mtime_ns: now.0.saturating_mul(1_000_000),
            ctime_ns: 0,
            inode: 0,
            hash: ContentHash::of(text),
            racy: false,
        }),
        attributes: facts
            .into_iter()
            .map(|facts| with_facts(&of_text, facts))
            .collect(),
        chunks,
        revive: wanted.revive,
        assigned: Assignment::default(),
    };
    Ok((Change::Put(put), redacted.removals.count()))
}

/// Returns the span of a text that is all white space.
fn blank(text: &str) -> Span {
    let lines = text.bytes().filter(|&byte| byte == b'\n').count();
    Span {
        range: 0..text.len(),
        start_line: 1,
        end_line: u32::try_from(lines + usize::from(!text.ends_with('\n'))).unwrap_or(u32::MAX),
        heading_path: Vec::new(),
        facts: 0,
    }
}
