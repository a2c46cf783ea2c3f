//! A note on its way in, by the same line as a file.

use steadfast_model::chunk::Fidelity;
use steadfast_model::{
    Attributes, Change, ChunkId, Kind, Metadata, Namespace, NoteWrite, Outcome, Place, Said, Seq,
    Timestamp, Trust,
};

use super::Line;
use super::chunk::{ChunkLimits, Facts, Span, chunk};
use super::prepare::{check_tags, new_chunks, redact_tags};
use super::redact::{Redacted, Removals};
use crate::error::{Error, Result};

/// Something to remember.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Note {
    /// The text.
    pub text: String,
    /// A title.
    pub title: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The namespace.
    pub namespace: Namespace,
    /// The source; none gives the note one of its own, `note:<id>`.
    pub source: Option<String>,
    /// Free key-value data.
    pub meta: Metadata,
    /// When the text is from; none means now.
    pub time: Option<Timestamp>,
    /// First instant at which the text holds.
    pub valid_from: Option<Timestamp>,
    /// First instant at which the text no longer holds.
    pub valid_to: Option<Timestamp>,
    /// Makes a repeated call with the same key and text a no-op.
    pub idempotency_key: Option<String>,
    /// Who wrote it.
    pub trust: Trust,
}

impl Note {
    /// Returns a note with a text and nothing else, written by a person.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            trust: Trust::User,
            ..Self::default()
        }
    }
}

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remembered {
    /// The id of its first chunk; a long note has more.
    pub id: ChunkId,
    /// All its ids, in order.
    pub ids: Vec<ChunkId>,
    /// The commit; for a note that was there already the last commit before.
    pub seq: Seq,
    /// `Inserted`, `Reused` or `Updated`.
    pub outcome: Outcome,
    /// Secrets that were taken out before anything was written.
    pub redactions: u64,
}

pub(crate) fn remember(line: &Line<'_>, note: &Note) -> Result<Remembered> {
    check(note)?;
    let Redacted { text, removals, .. } = line.redactor.redact(&note.text);
    let (tags, mut redactions) = redact_tags(line, &note.tags);
    redactions += removals.count();
    // A title of nothing is none, so that the same text is the same note.
    let title = note.title.clone();
    let mut title = title.filter(|title| !title.trim().is_empty());
    let mut meta = note.meta.clone();
    if let Some(title) = &mut title {
        redactions += line.redactor.redact_in_place(title);
    }
    redactions += line.redactor.redact_metadata(&mut meta);
    let chunked = chunk(&text, Kind::Note, &ChunkLimits::default());
    let spans = chunked.spans;
    let said = Attributes {
        kind: Kind::Note,
        title,
        tags,
        meta,
        document_time: note.time,
        valid_from: note.valid_from,
        valid_to: note.valid_to,
        trust: note.trust,
    };
    let anew = said_of(&said);
    let texts: Vec<&str> = spans
        .iter()
        .map(|span| text.get(span.range.clone()).unwrap_or_default())
        .collect();
    let places = spans.iter().map(|span| Place {
        heading_path: span.heading_path.clone(),
        ..place(span, &removals)
    });
    let write = NoteWrite {
        namespace: note.namespace.clone(),
        source: note.source.clone(),
        attributes: attributes(line, said, chunked.facts),
        said: anew,
        chunks: new_chunks(line, &texts, places.collect())?,
        idempotency_key: note.idempotency_key.clone(),
    };
    let settled = line
        .backend
        .commit(&[Change::Note(write)], line.actor)?
        .pop();
    let settled = settled.ok_or_else(|| Error::Invalid {
        what: "the note was not settled".to_owned(),
    })?;
    if let Outcome::Refused(refusal) = settled.outcome {
        return Err(refusal.into());
    }
    let seq = match settled.seq {
        Some(seq) => seq,
        None => line.backend.snapshot()?.generation(),
    };
    let id = settled.ids.first().copied().ok_or(Error::EmptyText)?;
    Ok(Remembered {
        id,
        ids: settled.ids,
        seq,
        outcome: settled.outcome,
        redactions,
    })
}

fn check(note: &Note) -> Result<()> {
    if note.text.trim().is_empty() {
        return Err(Error::EmptyText);
    }
    check_tags(&note.tags)?;
    if note
        .source
        .as_ref()
        .is_some_and(|source| source.trim().is_empty())
    {
        let what = "a source has a name, or is left out".to_owned();
        return Err(Error::Invalid { what });
    }
    Ok(())
}

/// Returns what the caller says of a note, which one that is there already takes over.
fn said_of(attributes: &Attributes) -> Said {
    let mut said = Said::default();
    said.meta.clone_from(&attributes.meta);
    said.document_time = attributes.document_time;
    said.valid_from = attributes.valid_from;
    said.valid_to = attributes.valid_to;
    said
}

/// Returns what is known of a note: what the caller says goes before what the text says.
///
/// A note is one thing, so the tags of its sections are all its own.
fn attributes(line: &Line<'_>, mut said: Attributes, facts: Vec<Facts>) -> Attributes {
    let tags = facts.iter().flat_map(|facts| facts.tags.iter().cloned());
    said.tags.extend(tags);
    let says = facts.into_iter().next().unwrap_or_default();
    let mut meta = says.meta;
    meta.extend(said.meta);
    let document_time = said.document_time.or(says.document_time);
    Attributes {
        title: said.title.or(says.title),
        meta,
        document_time: Some(document_time.unwrap_or_else(|| line.clock.now())),
        valid_from: said.valid_from.or(says.valid_from),
        valid_to: said.valid_to.or(says.valid_to),
        ..said
    }
}

/// Returns where a chunk of a text stands that was redacted.
pub(super) fn place(span: &Span, removals: &Removals) -> Place {
    let before = removals.range_before(&span.range);
    Place {
        start_line: span.start_line,
        end_line: span
            .end_line
            .saturating_add(removals.lines_behind(&span.range)),
        start_byte: before.start as u64,
        end_byte: before.end as u64,
        fidelity: Fidelity {
            redacted: removals.touch(&span.range),
            ..Fidelity::default()
        },
        ..Place::default()
    }
}
