//! Answers: hits, what was searched, and what is wrong with a store.

use crate::chunk::Chunk;
use crate::ids::{ChunkId, Seq};

/// A way by which a hit was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Match {
    /// Its words.
    Text,
    /// Its vector.
    Vector,
    /// It is so new that the indexes have not seen it; it was searched directly.
    Tail,
}

impl Match {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Vector => "vector",
            Self::Tail => "tail",
        }
    }
}

/// A chunk that answers a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The chunk.
    pub chunk: Chunk,
    /// How well it answers, from 0; comparable within one question only.
    pub score: f32,
    /// The BM25 score of its words, 0 when none of them was asked for.
    pub text_score: f32,
    /// The inner product of its vector and the question's, when both have one.
    pub vector_score: Option<f32>,
    /// How it was found.
    pub matched_via: Vec<Match>,
    /// The part of the text to show.
    pub snippet: String,
    /// Byte ranges of the snippet that match words of the question.
    pub highlights: Vec<(usize, usize)>,
    /// Other places that hold the same text.
    pub also_in: Vec<AlsoIn>,
    /// Chunks before and after it in its document, with their distance.
    pub neighbours: Vec<(i64, Chunk)>,
}

/// Another place that holds the text of a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlsoIn {
    /// The chunk there.
    pub id: ChunkId,
    /// Its source.
    pub source: String,
    /// Its first line.
    pub start_line: u32,
}

/// What was searched, and what was not and why. Every answer carries it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Every chunk in scope was searched in every way that was asked for.
    pub complete: bool,
    /// The last commit the search saw.
    pub generation: Seq,
    /// Live chunks that pass the filters.
    pub in_scope: u64,
    /// How many of them were searched by text.
    pub text: u64,
    /// How many of them were searched by vector.
    pub vector: u64,
    /// How many of them no index has seen yet; they were searched directly.
    pub tail: u64,
    /// What was not searched.
    pub not_searched: Vec<NotSearched>,
    /// What works worse than it should, such as an index that is being rebuilt.
    pub degraded: Vec<String>,
    /// What the asker should know.
    pub warnings: Vec<String>,
}

/// Chunks that were not searched, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSearched {
    /// Why, in snake case.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something works worse than it should.
    Warning,
    /// Something is damaged or missing.
    Error,
}

impl Severity {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that `verify` or `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, in snake case.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub what: String,
    /// Where it is.
    pub place: String,
    /// How many times.
    pub count: u64,
    /// What to do.
    pub remedy: String,
    /// The first ids concerned, when it is about chunks.
    pub ids: Vec<ChunkId>,
}

impl Finding {
    /// Returns whether it is only good to know: a store with no other findings is sound.
    pub fn only_informs(&self) -> bool {
        self.severity == Severity::Info
    }
}
