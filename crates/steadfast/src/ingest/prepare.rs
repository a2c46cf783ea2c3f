//! One file on its way in, up to the commit: read, convert, redact, chunk, identify, embed.

use std::collections::{BTreeSet, HashMap};

use steadfast_embed::embed_proven;
use steadfast_model::write::number;
use steadfast_model::{
    Attributes, Change, ContentHash, DocumentStatus, Kind, Namespace, NewChunk, Place, PutDocument,
    Timestamp, Trust,
};

use super::chunk::{Facts, Span, chunk_source};
use super::convert::{Document, read_document};
use super::identify::SkipReason;
use super::known::Known;
use super::place::{Placement, fill};
use super::read::{Fidelity, Skip};
use super::redact::Removals;
use super::rename::Movable;
use super::walk::{Found, Problem};
use super::{IndexOptions, Line};
use crate::error::{Error, Result};

/// Texts that are embedded in one call.
const EMBED_BATCH: usize = 64;

/// What a worker hands to the committer.
pub(super) struct Prepared {
    source: String,
    pub(super) step: Step,
}

/// What is to be done with a source, and how it is counted.
pub(super) enum Step {
    /// Put its new content.
    Put {
        change: Change,
        /// The bytes are those that the store has read before.
        same_bytes: bool,
        chunks: usize,
        redactions: u64,
        /// The file was called otherwise before: this change goes first.
        rename: Option<Box<Change>>,
    },
    /// It may be a file that was renamed, which is known when the walk is over.
    Held { found: Found, hash: ContentHash },
    /// Record that it is left out.
    Skip { change: Change, reason: String },
    /// It is left out as before; nothing is written.
    StillSkipped { reason: String },
    /// It is as it was; nothing is written.
    Unchanged,
    /// It is gone.
    Vanished { change: Change },
    /// It could not be prepared, and that is nobody's fault but ours or the embedder's.
    Failed(crate::error::Error),
}

impl Prepared {
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Returns the source, for a report.
    pub(super) fn into_parts(self) -> (String, Step) {
        (self.source, self.step)
    }

    pub(super) fn unchanged() -> Self {
        Self {
            source: String::new(),
            step: Step::Unchanged,
        }
    }

    pub(super) fn still_skipped(source: String, reason: String) -> Self {
        Self {
            source,
            step: Step::StillSkipped { reason },
        }
    }

    pub(super) fn problem(namespace: &Namespace, problem: Problem, was_indexed: bool) -> Self {
        let skip = Skip {
            reason: problem.reason,
            detail: problem.detail,
            fingerprint: None,
        };
        Self::skip(namespace, problem.source, &skip, was_indexed)
    }

    /// A source that was indexed, in a folder that could not be looked into.
    pub(super) fn blocked(namespace: &Namespace, source: String) -> Self {
        let skip = Skip::new(SkipReason::Unreadable, "");
        Self::skip(namespace, source, &skip, true)
    }

    pub(super) fn vanished(change: Change) -> Self {
        Self {
            source: String::new(),
            step: Step::Vanished { change },
        }
    }

    fn skip(namespace: &Namespace, source: String, skip: &Skip, was_indexed: bool) -> Self {
        // Chunks from before stay searchable, so the document is shown as out of date and not as absent.
        let status = if was_indexed {
            DocumentStatus::Stale
        } else {
            DocumentStatus::Skipped
        };
        let reason = skip.reason.as_str().to_owned();
        let change = Change::Mark {
            namespace: namespace.clone(),
            source: source.clone(),
            status,
            reason: Some(reason.clone()),
            fingerprint: if was_indexed { None } else { skip.fingerprint },
        };
        Self {
            source,
            step: Step::Skip { change, reason },
        }
    }
}

/// What is known of files that were renamed.
pub(super) enum Moved<'m> {
    /// The walk is not over: these sources may be gone.
    Maybe(&'m Movable<'m>),
    /// It is: new sources, and what they were called.
    From(&'m HashMap<String, String>),
}

/// Reads, converts, redacts, chunks, identifies and embeds one file.
pub(super) fn prepare(
    line: &Line<'_>,
    options: &IndexOptions,
    known: &Known<'_>,
    moved: &Moved<'_>,
    found: Found,
    revive: bool,
) -> Prepared {
    let now = line.clock.now();
    let limits = options.read_limits();
    let document = match read_document(&found.path, &found.source, &found.state, now, limits) {
        Ok(document) => document,
        Err(skip) => {
            return Prepared::skip(
                &known.placement(&found.source).namespace,
                found.source.clone(),
                &skip,
                known.has_chunks(&found.source),
            );
        }
    };
    let hash = document.fingerprint.hash;
    let placement = known.placement(&found.source);
    let is_new = !known.has_chunks(&found.source);
    let rename = match moved {
        Moved::Maybe(movable) if is_new && movable.may_have_moved(&hash) => {
            return Prepared {
                source: found.source.clone(),
                step: Step::Held { found, hash },
            };
        }
        Moved::Maybe(_) => None,
        Moved::From(renamed) => renamed.get(&found.source).map(|from| {
            Box::new(Change::Rename {
                namespace: placement.namespace.clone(),
                from: from.clone(),
                to: found.source.clone(),
                fingerprint: document.fingerprint,
            })
        }),
    };
    let step = match put(line, options, &placement, &found, &document, revive) {
        Ok((put, redactions)) => Step::Put {
            chunks: put.chunks.len(),
            same_bytes: known.hash(&found.source) == Some(hash),
            change: Change::Put(put),
            rename,
            redactions,
        },
        Err(error) => Step::Failed(error),
    };
    Prepared {
        source: found.source,
        step,
    }
}

fn put(
    line: &Line<'_>,
    options: &IndexOptions,
    placement: &Placement,
    found: &Found,
    document: &Document,
    revive: bool,
) -> Result<(PutDocument, u64)> {
    let kind = document.kind;
    let redacted = line.redactor.redact(&document.text);
    let limits = &options.chunk_limits;
    let chunked = chunk_source(&redacted.text, kind, &found.source, limits);
    let spans = chunked.spans;
    let places = places(&spans, document, &redacted.removals);
    let texts: Vec<&str> = spans
        .iter()
        .map(|span| redacted.text.get(span.range.clone()).unwrap_or_default())
        .collect();
    let mut chunks = new_chunks(line, &texts, places)?;
    for (chunk, span) in chunks.iter_mut().zip(&spans) {
        chunk.attributes = span.facts;
    }
    let mut own_title = document.title.clone();
    let in_title = own_title
        .as_mut()
        .map_or(0, |title| line.redactor.redact_in_place(title));
    let mtime = Timestamp(document.fingerprint.mtime_ns.div_euclid(1_000_000));
    let of_file = Attributes {
        kind,
        title: own_title.or_else(|| title(kind, &spans, &found.source)),
        tags: placement.assignment.tags.clone(),
        meta: placement.assignment.meta.clone(),
        document_time: Some(document.time.unwrap_or(mtime)),
        trust: Trust::File,
        ..Attributes::default()
    };
    let attributes = chunked.facts.into_iter();
    let attributes = attributes
        .map(|facts| with_facts(&of_file, facts))
        .collect();
    let put = PutDocument {
        namespace: placement.namespace.clone(),
        source: found.source.clone(),
        fingerprint: Some(document.fingerprint),
        attributes,
        chunks,
        revive,
        assigned: placement.assignment.clone(),
    };
    Ok((put, redacted.removals.count() + in_title))
}

/// The longest tag, in bytes; also the longest key of metadata that a rule gives.
pub(super) const NAME_BYTES_MAX: usize = 128;

/// Refuses tags that nobody could ask for again: blank ones, ones of several lines, and very long ones.
pub(crate) fn check_tags<'t>(tags: impl IntoIterator<Item = &'t String>) -> Result<()> {
    let is_tag = |tag: &String| {
        !tag.trim().is_empty() && tag.len() <= NAME_BYTES_MAX && !tag.contains(char::is_control)
    };
    match tags.into_iter().find(|tag| !is_tag(tag)) {
        None => Ok(()),
        Some(tag) => {
            // What it says is not repeated: it may be a secret.
            let what = format!(
                "a tag has 1 to {NAME_BYTES_MAX} bytes in one line, and one of {} bytes is none",
                tag.len()
            );
            Err(Error::Invalid { what })
        }
    }
}

/// Returns tags without secrets, and how many there were.
pub(super) fn redact_tags(line: &Line<'_>, tags: &[String]) -> (BTreeSet<String>, u64) {
    let mut count = 0;
    let tags = tags
        .iter()
        .map(|tag| {
            let redacted = line.redactor.redact(tag);
            count += redacted.removals.count();
            redacted.text.into_owned()
        })
        .collect();
    (tags, count)
}

/// Returns the attributes of a file, or of a section of it, that says something about itself.
pub(super) fn with_facts(of_file: &Attributes, facts: Facts) -> Attributes {
    let mut tags = of_file.tags.clone();
    tags.extend(facts.tags);
    let mut meta = facts.meta;
    fill(&mut meta, &of_file.meta);
    Attributes {
        kind: of_file.kind,
        title: facts.title.or_else(|| of_file.title.clone()),
        tags,
        meta,
        document_time: facts.document_time.or(of_file.document_time),
        valid_from: facts.valid_from,
        valid_to: facts.valid_to,
        trust: of_file.trust,
    }
}

/// Makes chunks of texts: hash, terms and vector for each, numbered in order.
pub(super) fn new_chunks(
    line: &Line<'_>,
    texts: &[&str],
    places: Vec<Place>,
) -> Result<Vec<NewChunk>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(EMBED_BATCH) {
        match embed_proven(line.embed, batch) {
            Ok(made) => vectors.extend(made.into_iter().map(Some)),
            // A model that cannot be reached now must not keep texts out: their vectors come later.
            Err(error) if error.is_transient() => {
                vectors.extend(std::iter::repeat_n(None, batch.len()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mut chunks: Vec<NewChunk> = texts
        .iter()
        .zip(places)
        .zip(vectors)
        .map(|((text, place), vector)| NewChunk {
            content_hash: ContentHash::of(text),
            terms: line.analyze.terms(text),
            text: (*text).to_owned(),
            place,
            attributes: 0,
            vector,
        })
        .collect();
    number(&mut chunks);
    Ok(chunks)
}

fn places(spans: &[Span], document: &Document, removals: &Removals) -> Vec<Place> {
    let ranges = spans
        .iter()
        .map(|span| removals.range_before(&span.range))
        .collect::<Vec<_>>();
    spans
        .iter()
        .zip(document.spots(&ranges))
        .map(|(span, spot)| {
            let end_line = span
                .end_line
                .saturating_add(removals.lines_behind(&span.range));
            let lines = spot.lines.unwrap_or((span.start_line, end_line));
            (span, spot.bytes, lines)
        })
        .map(|(span, bytes, (start_line, end_line))| Place {
            start_line,
            end_line,
            start_byte: bytes.start,
            end_byte: bytes.end,
            heading_path: span.heading_path.clone(),
            fidelity: Fidelity {
                redacted: removals.touch(&span.range),
                ..document.fidelity
            },
            ..Place::default()
        })
        .collect()
}

/// A document that does not name a title is called by its first heading, else by its file name.
pub(super) fn title(kind: Kind, spans: &[Span], source: &str) -> Option<String> {
    let heading = spans
        .iter()
        .find_map(|span| span.heading_path.first())
        .filter(|_| matches!(kind, Kind::Markdown | Kind::Text));
    let name = || source.rsplit(['/', '\\']).next().map(str::to_owned);
    heading.cloned().or_else(name)
}
