//! Single chunks and facets on plain maps.

use std::sync::Arc;

use steadfast_model::{Attributes, ContentHash, DocumentKey, NewChunk, Place, Row, Seq};

use super::state::{InSpace, StoredChunk, StoredFacet};
use super::write::Transaction;
use crate::error::StoreError;

impl Transaction<'_> {
    /// Returns the facet with these attributes, adding it when the document has none.
    pub(super) fn facet(
        &mut self,
        document: DocumentKey,
        attributes: &Attributes,
        note: Option<ContentHash>,
    ) -> u64 {
        let found = self.state.facets.iter().find(|(_, facet)| {
            facet.document == document && facet.note == note && facet.attributes == *attributes
        });
        if let Some((&key, _)) = found {
            return key;
        }
        self.add_facet(document, attributes, note)
    }

    pub(super) fn add_facet(
        &mut self,
        document: DocumentKey,
        attributes: &Attributes,
        note: Option<ContentHash>,
    ) -> u64 {
        self.state.facets_given += 1;
        let facet = StoredFacet {
            document,
            attributes: attributes.clone(),
            note,
        };
        self.state.facets.insert(self.state.facets_given, facet);
        self.state.facets_given
    }

    pub(super) fn insert_chunk(
        &mut self,
        document: DocumentKey,
        facet: u64,
        chunk: &NewChunk,
        seq: Seq,
    ) -> Result<Row, StoreError> {
        let vector = match &chunk.vector {
            None => InSpace::Pending,
            Some(vector) if vector.is_zero() => InSpace::Nowhere,
            Some(vector) => InSpace::Present(vector.clone()),
        };
        if let Some(vector) = &chunk.vector
            && (vector.0.len() != self.dimensions
                || !vector.0.iter().all(|value| value.is_finite()))
        {
            return Err(StoreError::Invalid {
                what: format!("a vector is not {} finite numbers", self.dimensions),
            });
        }
        let row = self
            .state
            .rows_given
            .checked_add(1)
            .ok_or(StoreError::Full)?;
        self.state.rows_given = row;
        let stored = StoredChunk {
            document,
            facet,
            text: chunk.text.clone(),
            content_hash: chunk.content_hash,
            place: chunk.place.clone(),
            terms: chunk.terms.clone(),
            vector,
            added: seq,
            removed: None,
            access_count: 0,
        };
        self.state.chunks.insert(Row(row), Arc::new(stored));
        Ok(Row(row))
    }

    /// Gives a live chunk another place or facet; returns whether either differs.
    pub(super) fn move_chunk(&mut self, row: Row, facet: u64, place: &Place) -> bool {
        let mut moved = false;
        self.change_chunk(row, |chunk| {
            moved = chunk.facet != facet || chunk.place != *place;
            chunk.facet = facet;
            chunk.place = place.clone();
        });
        moved
    }

    pub(super) fn change_chunk(&mut self, row: Row, change: impl FnOnce(&mut StoredChunk)) -> bool {
        self.state
            .chunks
            .get_mut(&row)
            .map(|chunk| change(Arc::make_mut(chunk)))
            .is_some()
    }
}
