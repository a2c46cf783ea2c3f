//! Cuts a text into chunks: the pieces that are embedded, indexed and returned.
//!
//! Markdown, reStructuredText and Org are cut at their headings and around what
//! belongs together, program text around its definitions and statements, data
//! around its keys and records, other program text before lines that are not
//! indented, everything at blank lines, then at line ends, sentence ends, and
//! at last between any two characters. What a text says about itself, such as
//! its tags, comes with the chunks; it stays in the text as well.
//!
//! Invariants:
//! - Spans tile the text: the first starts at 0, each where the last one ended,
//!   the last ends at the end. Blank lines belong to the chunk before them,
//!   those at the start to the first. Only a text that is all white space has no span.
//! - Without white space around it a chunk is at most [`ChunkLimits::bytes_max`] long.
//! - An edit moves few boundaries. Sections are merged only below one heading
//!   of the first two levels, unless they hold next to nothing, and where a run of small pieces must be cut, the
//!   content of the pieces decides where, so that cuts meet again behind an
//!   insertion even when all pieces have one length.
//! - Equal text gives equal spans: work is bounded by counts, never by a clock.
//!   Time is linear in the text; nothing is recursive but the descent through
//!   the sizes of pieces.
//!
//! Deliberately not here: reading, hashing, and overlap between chunks (a
//! search looks at neighbours instead).

mod blocks;
mod code;
mod data;
mod facts;
mod front;
mod kind;
mod links;
mod markdown;
mod org;
mod outline;
mod pack;
mod packer;
mod pieces;
mod places;
mod raw;
mod rst;
mod structure;
mod words;

use std::ops::Range;

use steadfast_model::Kind;

pub use facts::Facts;
pub use kind::{Format, Language, Syntax, kind_of, syntax_of};
pub use links::links;
use outline::Outline;

/// How long chunks are, in bytes.
///
/// The figures are provisional: real chunks of documentation and code were
/// 767 bytes long in the mean, which a target of 1,000 reproduces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Small pieces are put together up to this length.
    pub bytes_target: usize,
    /// A piece that belongs together, such as a paragraph or a table, is kept whole up to this length.
    pub bytes_max: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            bytes_target: 1_000,
            bytes_max: 2_000,
        }
    }
}

impl ChunkLimits {
    /// The least `bytes_max` that is obeyed: the length of the longest character.
    pub const BYTES_MAX_LEAST: usize = 4;

    /// Returns limits that can be obeyed.
    fn sane(self) -> Self {
        let bytes_max = self.bytes_max.max(Self::BYTES_MAX_LEAST);
        Self {
            bytes_target: self.bytes_target.clamp(1, bytes_max),
            bytes_max,
        }
    }
}

/// A chunk of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its bytes.
    pub range: Range<usize>,
    /// The line of its first byte, from 1.
    pub start_line: u32,
    /// The line of its last byte, from 1. A line ends with its line feed, so a
    /// chunk that ends with one ends on that line.
    pub end_line: u32,
    /// The headings above it, outermost first, with that of its own section;
    /// when it holds several sections, that of the first. In program text and
    /// data the definitions or keys that hold nearly all of it.
    pub heading_path: Vec<String>,
    /// Place of what holds for it in [`Chunked::facts`].
    pub facts: usize,
}

/// The chunks of a text, and what it says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunked {
    /// The chunks, in order.
    pub spans: Vec<Span>,
    /// What holds for the document, first, and for sections that say more.
    pub facts: Vec<Facts>,
}

/// A chunk before its lines are counted; `heading` is a place in the list of headings or symbols.
struct Cut {
    end: usize,
    heading: Option<usize>,
}

/// Cuts `text` of an unknown source into chunks.
pub fn chunk(text: &str, kind: Kind, limits: &ChunkLimits) -> Chunked {
    let limits = limits.sane();
    if text.trim().is_empty() {
        return Chunked::plain(Vec::new());
    }
    let spans = match kind {
        Kind::Markdown => return marked_up(text, markdown::outline(text), limits),
        Kind::Note => {
            let mut outline = markdown::outline(text);
            // A note is not edited but remembered anew, and is called by its first chunk.
            outline.front_end = 0;
            return marked_up(text, outline, limits);
        }
        Kind::Code => plain(text, pack::Grain::Definition, limits),
        Kind::Text | Kind::Data | Kind::Message => plain(text, pack::Grain::Block, limits),
    };
    Chunked::plain(spans)
}

/// Cuts the text of a source into chunks, in the way its name asks for where its kind has several.
pub fn chunk_source(text: &str, kind: Kind, source: &str, limits: &ChunkLimits) -> Chunked {
    let outline = match (kind, extension(source)) {
        (Kind::Text, Some("rst" | "rest")) => rst::outline,
        (Kind::Text, Some("org")) => org::outline,
        _ => {
            return structured(text, kind, syntax_of(source), limits)
                .map_or_else(|| chunk(text, kind, limits), Chunked::plain);
        }
    };
    if text.trim().is_empty() {
        return Chunked::plain(Vec::new());
    }
    marked_up(text, outline(text), limits.sane())
}

/// Returns whether the text of a source is parsed, which takes many times its memory.
pub(super) fn is_parsed(source: &str, bytes: u64) -> bool {
    matches!(syntax_of(source), Syntax::Language(_))
        && usize::try_from(bytes).is_ok_and(|bytes| bytes <= code::PARSED_BYTES_MAX)
}

/// Returns the extension of a source when it is one that [`chunk_source`] knows.
fn extension(source: &str) -> Option<&'static str> {
    let name = source.rsplit(['/', '\\']).next()?;
    let (_, extension) = name.rsplit_once('.')?;
    ["rst", "rest", "org"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(extension))
}

/// Cuts program text or data whose syntax is known; returns none when it is to be cut as plain text.
fn structured(text: &str, kind: Kind, syntax: Syntax, limits: &ChunkLimits) -> Option<Vec<Span>> {
    let limits = limits.sane();
    let structure = match (kind, syntax) {
        (Kind::Code, Syntax::Language(language)) => code::structure(text, language, limits)?,
        (Kind::Data, Syntax::Format(format)) => data::structure(text, format, limits),
        _ => return None,
    };
    let cuts = join_blank(text, structure.cuts(text, limits));
    if are_too_many(text, &cuts, limits) {
        return Some(plain(text, pack::Grain::Block, limits));
    }
    Some(spans(text, cuts, |symbol| structure.path(text, symbol)))
}

impl Chunked {
    /// Returns the chunks of a text that says nothing about itself.
    fn plain(spans: Vec<Span>) -> Self {
        Self {
            spans,
            facts: vec![Facts::default()],
        }
    }
}

fn marked_up(text: &str, outline: Outline, limits: ChunkLimits) -> Chunked {
    let cuts = join_blank(text, outline.cuts(text, limits));
    if are_too_many(text, &cuts, limits) {
        let spans = plain(text, pack::Grain::Block, limits);
        let facts = outline.facts.into_iter().take(1).collect();
        return Chunked { spans, facts };
    }
    let headings: Vec<Option<usize>> = cuts.iter().map(|cut| cut.heading).collect();
    let mut spans = spans(text, cuts, |heading| outline.path(text, heading));
    for (span, heading) in spans.iter_mut().zip(headings) {
        span.facts = outline.facts_of(heading);
    }
    Chunked {
        spans,
        facts: outline.facts,
    }
}

/// Chunks that a text may have in any case. One of sections of a line each could have ten times as many, each with a
/// vector, and it would take ten times the memory of other texts.
const CHUNKS_MAX: usize = 100_000;
/// More chunks than these are allowed while in the mean they have one part in so many of the target.
const SHORT_ONE_IN: usize = 3;

/// Returns whether a text has so many short parts that it is better cut without regard to them.
fn are_too_many(text: &str, cuts: &[Cut], limits: ChunkLimits) -> bool {
    let bytes_least = (limits.bytes_target / SHORT_ONE_IN).max(1);
    cuts.len() > CHUNKS_MAX && cuts.len() > text.len() / bytes_least
}

fn plain(text: &str, grain: pack::Grain, limits: ChunkLimits) -> Vec<Span> {
    let mut ends = Vec::new();
    pack::split(text, 0..text.len(), grain, limits, &mut ends);
    let cuts = ends.into_iter().map(|end| Cut { end, heading: None });
    spans(text, join_blank(text, cuts.collect()), |_| Vec::new())
}

/// Joins chunks of white space to the chunk before them, or, at the start, to the one behind.
fn join_blank(text: &str, cuts: Vec<Cut>) -> Vec<Cut> {
    let mut joined: Vec<Cut> = Vec::with_capacity(cuts.len());
    let mut start = 0;
    for cut in cuts {
        let piece = text.get(start..cut.end).unwrap_or_default();
        start = cut.end;
        if !piece.trim_start().is_empty() {
            joined.push(cut);
        } else if let Some(last) = joined.last_mut() {
            last.end = cut.end;
        }
    }
    joined
}

fn spans(text: &str, cuts: Vec<Cut>, path: impl Fn(usize) -> Vec<String>) -> Vec<Span> {
    let line_feeds = |range: Range<usize>| {
        let piece = text.as_bytes().get(range).unwrap_or_default();
        piece
            .iter()
            .fold(0_u32, |count, &byte| count + u32::from(byte == b'\n'))
    };
    let mut start = 0;
    let mut start_line = 1_u32;
    cuts.into_iter()
        .map(|cut| {
            let last = cut.end.saturating_sub(1);
            let end_line = start_line.saturating_add(line_feeds(start..last));
            let span = Span {
                range: start..cut.end,
                start_line,
                end_line,
                heading_path: cut.heading.map(&path).unwrap_or_default(),
                facts: 0,
            };
            start = cut.end;
            start_line = end_line.saturating_add(line_feeds(last..cut.end));
            span
        })
        .collect()
}

#[cfg(test)]
mod tests;
