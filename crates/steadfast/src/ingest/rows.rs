//! Texts that were cut elsewhere, on their way in by the same line as a file: one row is one chunk.
//!
//! Invariants: no row is split or joined; rows keep their order as places in
//! the document; each document is one change, and all of one call share one commit.

use std::collections::BTreeMap;

use steadfast_model::write::{note_digest, number};
use steadfast_model::{
    Assignment, Attributes, Change, ContentHash, ModelId, Namespace, NewChunk, PastDocument,
    PastVersion, Place, PutDocument, RestoreDocument, Settled, Timestamp, Vector,
};

use super::Line;
use super::prepare::new_chunks;
use crate::error::Result;

/// A row on its way in.
#[derive(Clone, Debug)]
pub(crate) struct RowIn {
    pub(crate) text: String,
    pub(crate) place: Place,
    pub(crate) attributes: Attributes,
    pub(crate) carried: Carried,
}

/// What another store of ours kept beside text, place and attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Carried {
    /// How often it was fetched by id.
    pub(crate) access_count: u64,
    /// A label that the chunks of one note of the document share. The digest of the note is computed anew, so a
    /// label that lies cannot make another note pass for one that is there.
    pub(crate) note: Option<ContentHash>,
    /// Its vector, with the name of the space that it is in.
    pub(crate) vector: Option<(Vector, String)>,
    /// It stands in the document as it is, with its vector: none is made for it. Should it be gone by the
    /// time of the commit, it comes in with a vector that is still to come.
    pub(crate) is_live: bool,
    /// When it came into that store.
    pub(crate) added: Option<Timestamp>,
}

/// The whole new content of a document, cut into rows.
#[derive(Clone, Debug)]
pub(crate) struct DocumentIn {
    pub(crate) namespace: Namespace,
    pub(crate) source: String,
    pub(crate) rows: Vec<RowIn>,
}

/// Where the vectors of rows came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VectorCounts {
    /// They came along.
    pub taken_over: u64,
    /// The model of the store made them.
    pub embedded: u64,
    /// They are still to come, because the model could not be reached.
    pub pending: u64,
}

impl std::ops::AddAssign for VectorCounts {
    fn add_assign(&mut self, other: Self) {
        self.taken_over += other.taken_over;
        self.embedded += other.embedded;
        self.pending += other.pending;
    }
}

/// Takes secrets out of the text of a row and of what is said about it; returns how many.
///
/// Whoever compares rows with what is in the store does so after this, because there it was done too.
pub(crate) fn redact_row(
    line: &Line<'_>,
    text: &mut String,
    place: &mut Place,
    attributes: &mut Attributes,
) -> u64 {
    let redactor = line.redactor;
    let in_text = redactor.redact_in_place(text);
    place.fidelity.redacted |= in_text > 0;
    let mut count = in_text + redactor.redact_metadata(&mut attributes.meta);
    for heading in &mut place.heading_path {
        count += redactor.redact_in_place(heading);
    }
    if let Some(title) = &mut attributes.title {
        count += redactor.redact_in_place(title);
    }
    attributes.tags = std::mem::take(&mut attributes.tags)
        .into_iter()
        .map(|mut tag| {
            count += redactor.redact_in_place(&mut tag);
            tag
        })
        .collect();
    count
}

/// Writes documents, in one commit; each gets its own answer.
pub(crate) fn put_rows(
    line: &Line<'_>,
    documents: Vec<DocumentIn>,
) -> Result<(Vec<Settled>, VectorCounts)> {
    let mut counts = VectorCounts::default();
    let changes = documents
        .into_iter()
        .map(|document| put(line, document, &mut counts))
        .collect::<Result<Vec<_>>>()?;
    Ok((line.backend.commit(&changes, line.actor)?, counts))
}

/// Says where the vectors of rows would come from.
pub(crate) fn foresee(line: &Line<'_>, rows: &[RowIn]) -> VectorCounts {
    let name = model_name(line.embed.model());
    let mut counts = VectorCounts::default();
    for Carried {
        vector, is_live, ..
    } in rows.iter().map(|row| &row.carried)
    {
        let fits = vector
            .as_ref()
            .is_some_and(|given| fits(given, line.embed.model(), &name));
        counts.taken_over += u64::from(fits && !is_live);
        counts.embedded += u64::from(!fits && !is_live);
    }
    counts
}

fn put(line: &Line<'_>, document: DocumentIn, counts: &mut VectorCounts) -> Result<Change> {
    let digests = digests(&document.rows);
    let mut attributes: Vec<Attributes> = Vec::new();
    let (mut notes, mut access_counts, mut added) = (vec![], vec![], vec![]);
    let mut rows = Vec::with_capacity(document.rows.len());
    for mut row in document.rows {
        let note = row
            .carried
            .note
            .and_then(|note| digests.get(&note).copied());
        // Rows of one document rarely share attributes, and if so with the row before.
        if attributes.last() != Some(&row.attributes) || notes.last() != Some(&note) {
            attributes.push(std::mem::take(&mut row.attributes));
            notes.push(note);
        }
        access_counts.push(row.carried.access_count);
        added.push(row.carried.added);
        rows.push((attributes.len() - 1, row));
    }
    let is_plain = notes.iter().all(Option::is_none)
        && access_counts.iter().all(|count| *count == 0)
        && added.iter().all(Option::is_none);
    let put = PutDocument {
        namespace: document.namespace,
        source: document.source,
        fingerprint: None,
        attributes,
        chunks: chunks(line, rows, counts)?,
        revive: false,
        assigned: Assignment::default(),
    };
    Ok(if is_plain {
        Change::Put(put)
    } else {
        Change::Restore(RestoreDocument {
            put,
            notes,
            access_counts,
            added,
        })
    })
}

/// Writes versions of a document that are no longer live, each with when it came and when it left, in one commit.
pub(crate) fn put_past(
    line: &Line<'_>,
    (namespace, source): (Namespace, String),
    rows: Vec<(RowIn, Timestamp, Timestamp)>,
) -> Result<(Vec<Settled>, VectorCounts)> {
    let mut counts = VectorCounts::default();
    let mut attributes: Vec<Attributes> = Vec::new();
    let mut times = Vec::with_capacity(rows.len());
    let mut placed = Vec::with_capacity(rows.len());
    for (mut row, added, removed) in rows {
        if attributes.last() != Some(&row.attributes) {
            attributes.push(std::mem::take(&mut row.attributes));
        }
        times.push((added, removed));
        placed.push((attributes.len() - 1, row));
    }
    let versions = chunks(line, placed, &mut counts)?.into_iter().zip(times);
    let past = PastDocument {
        namespace,
        source,
        attributes,
        versions: versions
            .map(|(chunk, (added, removed))| PastVersion {
                chunk,
                added,
                removed,
            })
            .collect(),
    };
    let settled = line.backend.commit(&[Change::Past(past)], line.actor)?;
    Ok((settled, counts))
}

/// Returns for each label of a note what makes the note the same as another.
fn digests(rows: &[RowIn]) -> BTreeMap<ContentHash, ContentHash> {
    let mut notes: BTreeMap<ContentHash, (Option<&str>, Vec<ContentHash>)> = BTreeMap::new();
    for row in rows {
        if let Some(label) = row.carried.note {
            let title = row.attributes.title.as_deref();
            let (_, hashes) = notes.entry(label).or_insert_with(|| (title, Vec::new()));
            hashes.push(ContentHash::of(&row.text));
        }
    }
    notes
        .into_iter()
        .map(|(label, (title, hashes))| (label, note_digest(title, hashes)))
        .collect()
}

/// Makes chunks of rows, each with the number of its attributes; texts without a vector of the active space are
/// embedded, but for those that stand.
fn chunks(
    line: &Line<'_>,
    rows: Vec<(usize, RowIn)>,
    counts: &mut VectorCounts,
) -> Result<Vec<NewChunk>> {
    let model = line.embed.model();
    let name = model_name(model);
    let (mut texts, mut places) = (vec![], vec![]);
    let mut vectors = Vec::with_capacity(rows.len());
    let mut facets = Vec::with_capacity(rows.len());
    for (facet, row) in rows {
        let vector = row.carried.vector;
        let vector = vector.filter(|given| fits(given, model, &name));
        facets.push(facet);
        let is_live = row.carried.is_live;
        counts.taken_over += u64::from(vector.is_some() && !is_live);
        vectors.push(match vector {
            Some((vector, _)) => Given::Vector(vector),
            None if is_live => Given::Standing,
            None => Given::Nothing,
        });
        texts.push(row.text);
        places.push(row.place);
    }
    let missing: Vec<&str> = texts
        .iter()
        .zip(&vectors)
        .filter(|(_, given)| matches!(given, Given::Nothing))
        .map(|(text, _)| text.as_str())
        .collect();
    let unplaced = vec![Place::default(); missing.len()];
    let made = new_chunks(line, &missing, unplaced)?;
    let embedded = made.iter().filter(|chunk| chunk.vector.is_some()).count();
    counts.embedded += embedded as u64;
    counts.pending += (made.len() - embedded) as u64;
    let mut made = made.into_iter();
    let mut chunks = Vec::with_capacity(texts.len());
    for (((text, place), given), attributes) in texts.iter().zip(places).zip(vectors).zip(facets) {
        let chunk = match given {
            Given::Nothing => made.next(),
            Given::Standing => Some(unembedded(line, text, None)),
            Given::Vector(vector) => Some(unembedded(line, text, Some(vector))),
        };
        chunks.extend(chunk.map(|chunk| NewChunk {
            place,
            attributes,
            ..chunk
        }));
    }
    number(&mut chunks);
    Ok(chunks)
}

/// Returns whether a vector is one of the active space.
fn fits((vector, of): &(Vector, String), model: &ModelId, name: &str) -> bool {
    of == name
        && vector.0.len() == model.dimensions
        && vector.0.iter().all(|value| value.is_finite())
}

/// What is known of the vector of a text.
enum Given {
    /// Nothing: it is to be made.
    Nothing,
    /// It is in the store.
    Standing,
    /// It came along.
    Vector(Vector),
}

fn unembedded(line: &Line<'_>, text: &str, vector: Option<Vector>) -> NewChunk {
    NewChunk {
        content_hash: ContentHash::of(text),
        terms: line.analyze.terms(text),
        text: text.to_owned(),
        place: Place::default(),
        attributes: 0,
        vector,
    }
}

/// Returns the name of a vector space: nothing else makes vectors that can be compared.
pub(crate) fn model_name(model: &ModelId) -> String {
    let hash = model.hash.iter().map(|byte| format!("{byte:02x}"));
    let hash: String = hash.collect();
    format!(
        "{}@{}/{}d/{hash}",
        model.name, model.revision, model.dimensions
    )
}
