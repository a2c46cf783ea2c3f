//! Puts small pieces together and takes large ones apart.

use std::cmp::Reverse;
use std::ops::Range;

use super::ChunkLimits;
use super::blocks::{BlockRule, block_ends};
use super::pieces::{forced_ends, line_ends, sentence_ends};

/// The size of the pieces a text is cut into, from large to small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// Blocks of program text that begin with a line that is not indented.
    Definition,
    /// Blocks of Markdown.
    MarkdownBlock,
    /// Items of a list in Markdown.
    MarkdownItem,
    /// Paragraphs of such an item.
    MarkdownPart,
    /// Blocks of Org.
    OrgBlock,
    /// Paragraphs.
    Block,
    /// Lines.
    Line,
    /// Sentences.
    Sentence,
}

impl Grain {
    fn finer(self) -> Option<Self> {
        match self {
            Self::Definition | Self::MarkdownPart | Self::OrgBlock => Some(Self::Block),
            Self::MarkdownBlock => Some(Self::MarkdownItem),
            Self::MarkdownItem => Some(Self::MarkdownPart),
            Self::Block => Some(Self::Line),
            Self::Line => Some(Self::Sentence),
            Self::Sentence => None,
        }
    }
}

/// A run shorter than one part in this many of the target is not left alone when it can be helped.
const TINY_ONE_IN: usize = 4;

/// Cuts a part of the text into chunks and appends their ends.
///
/// Calls itself once per [`Grain`] at most.
pub(super) fn split(
    text: &str,
    part: Range<usize>,
    grain: Grain,
    limits: ChunkLimits,
    ends: &mut Vec<usize>,
) {
    let range = part.clone();
    let rule = match grain {
        Grain::Definition => BlockRule::Definitions,
        Grain::MarkdownBlock => BlockRule::Markdown,
        Grain::MarkdownItem => BlockRule::MarkdownItems,
        Grain::MarkdownPart => BlockRule::MarkdownParts,
        Grain::OrgBlock => BlockRule::Org,
        Grain::Block => BlockRule::Paragraphs,
        Grain::Line => return pack(text, part, line_ends(text, range), grain, limits, ends),
        Grain::Sentence => {
            return pack(text, part, sentence_ends(text, range), grain, limits, ends);
        }
    };
    pack(
        text,
        part,
        block_ends(text, range, rule),
        grain,
        limits,
        ends,
    );
}

fn pack(
    text: &str,
    part: Range<usize>,
    pieces: impl Iterator<Item = usize>,
    grain: Grain,
    limits: ChunkLimits,
    ends: &mut Vec<usize>,
) {
    let mut run = Run::new(part.start, limits);
    let tiny = limits.bytes_target / TINY_ONE_IN;
    for end in pieces {
        if end - run.end() > limits.bytes_max {
            if run.length() >= tiny {
                run.close(ends);
            }
            // A short beginning, such as a heading, goes with the first part of a long piece.
            let long = run.start..end;
            match grain.finer() {
                Some(finer) => split(text, long, finer, limits, ends),
                None => ends.extend(forced_ends(
                    text,
                    long,
                    limits.bytes_target,
                    limits.bytes_max,
                )),
            }
            run = Run::new(end, limits);
            continue;
        }
        while run.is_full_with(end) {
            let joins_tiny = run.length() < tiny && end - run.start <= limits.bytes_max;
            if joins_tiny {
                break;
            }
            run.cut(text, end, ends);
        }
        run.pieces.push(end);
    }
    if run.start > part.start && (1..tiny).contains(&run.length()) {
        let before = ends.len().checked_sub(2).and_then(|index| ends.get(index));
        let start = before.copied().unwrap_or(0).max(part.start);
        if run.end() - start <= limits.bytes_max {
            // What is left joins the chunk before it.
            ends.pop();
        }
    }
    run.close(ends);
}

/// Pieces that follow each other and are not yet cut.
pub(super) struct Run {
    start: usize,
    /// Where each piece ends.
    pub(super) pieces: Vec<usize>,
    limits: ChunkLimits,
}

impl Run {
    pub(super) fn new(start: usize, limits: ChunkLimits) -> Self {
        Self {
            start,
            pieces: Vec::new(),
            limits,
        }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn end(&self) -> usize {
        self.pieces.last().copied().unwrap_or(self.start)
    }

    pub(super) fn length(&self) -> usize {
        self.end() - self.start
    }

    /// Returns whether the run cannot take the piece that ends at `end`.
    pub(super) fn is_full_with(&self, end: usize) -> bool {
        !self.pieces.is_empty() && end - self.start > self.limits.bytes_target
    }

    /// Ends the run as one chunk.
    pub(super) fn close(&mut self, ends: &mut Vec<usize>) {
        if self.length() > 0 {
            ends.push(self.end());
        }
        self.start = self.end();
        self.pieces.clear();
    }

    /// Cuts the run in its second half, or at its end when it has no place there.
    ///
    /// Of the possible places the one whose next piece has the least hash is
    /// taken. So the cut depends on what stands near it and hardly on where the
    /// run began, and behind an insertion cuts are soon where they were.
    /// `next_end` is the end of the piece behind the run.
    pub(super) fn cut(&mut self, text: &str, next_end: usize, ends: &mut Vec<usize>) {
        let half = self.start + self.limits.bytes_target.div_ceil(2);
        let first = self.pieces.partition_point(|&end| end < half);
        let candidates = self.pieces.get(first..).unwrap_or_default();
        let nexts = candidates.iter().skip(1).copied().chain([next_end]);
        let best = candidates
            .iter()
            .zip(nexts)
            .enumerate()
            .max_by_key(|(_, (end, next))| Reverse(hash(text, **end..*next)))
            .map_or(self.pieces.len().saturating_sub(1), |(index, _)| {
                first + index
            });
        if let Some(&end) = self.pieces.get(best) {
            ends.push(end);
            self.start = end;
        }
        self.pieces.drain(..self.pieces.len().min(best + 1));
    }
}

/// How much of a piece decides where a run is cut.
const HASHED_BYTES_MAX: usize = 64;

/// FNV-1a over the start of a piece: quick on short input and the same everywhere.
fn hash(text: &str, piece: Range<usize>) -> u64 {
    let bytes = text.as_bytes().get(piece).unwrap_or_default();
    let sum = bytes
        .iter()
        .take(HASHED_BYTES_MAX)
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    // The last bytes reach only the low bits of the sum.
    (sum ^ (sum >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
