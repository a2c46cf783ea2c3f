//! Texts that were cut elsewhere, on their way in by the same line as a file: one row is one chunk.
//!
//! Invariants: no row is split or joined; rows keep their order as places in
//! the document; each document is one change, and all of one call share one commit.

use steadfast_model::{Assignment, Attributes, Change, Place, PutDocument, Settled};
use steadfast_model::{Namespace, NewChunk};

use super::Line;
use super::prepare::new_chunks;
use crate::error::Result;

/// A row on its way in.
#[derive(Clone, Debug)]
pub(crate) struct RowIn {
    pub(crate) text: String,
    pub(crate) place: Place,
    pub(crate) attributes: Attributes,
}

/// The whole new content of a document, cut into rows.
#[derive(Clone, Debug)]
pub(crate) struct DocumentIn {
    pub(crate) namespace: Namespace,
    pub(crate) source: String,
    pub(crate) rows: Vec<RowIn>,
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
pub(crate) fn put_rows(line: &Line<'_>, documents: Vec<DocumentIn>) -> Result<Vec<Settled>> {
    let changes = documents
        .into_iter()
        .map(|document| put(line, document).map(Change::Put))
        .collect::<Result<Vec<_>>>()?;
    Ok(line.backend.commit(&changes, line.actor)?)
}

fn put(line: &Line<'_>, document: DocumentIn) -> Result<PutDocument> {
    let mut attributes: Vec<Attributes> = Vec::new();
    let (mut texts, mut places, mut facets) = (vec![], vec![], vec![]);
    for row in document.rows {
        // Rows of one document rarely share attributes, and if so with the row before.
        if attributes.last() != Some(&row.attributes) {
            attributes.push(row.attributes);
        }
        facets.push(attributes.len() - 1);
        texts.push(row.text);
        places.push(row.place);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut chunks: Vec<NewChunk> = new_chunks(line, &texts, places)?;
    for (chunk, facet) in chunks.iter_mut().zip(facets) {
        chunk.attributes = facet;
    }
    Ok(PutDocument {
        namespace: document.namespace,
        source: document.source,
        fingerprint: None,
        attributes,
        chunks,
        revive: false,
        assigned: Assignment::default(),
    })
}
