//! Facets: the attributes that chunks of one document share, stored once.

use rusqlite::params;
use steadfast_model::{Attributes, ContentHash, DocumentKey};

use super::{Transaction, Written};
use crate::sqlite::read::attributes;

/// A facet of a document.
pub(super) struct Facet {
    pub(super) key: i64,
    pub(super) attributes: Attributes,
    pub(super) note_digest: Option<ContentHash>,
}

impl Transaction<'_> {
    /// Returns all facets of a document, those with live chunks first: a store may have two of the same attributes.
    pub(super) fn facets(&self, document: DocumentKey) -> Written<Vec<Facet>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT facet, note_digest, kind, title, tags, meta, document_time, valid_from, valid_to, trust
             FROM facets WHERE document = ?1 ORDER BY live = 0, facet",
        )?;
        let facets = statement.query_map([document.0], decode)?;
        Ok(facets.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Returns a facet that is in use.
    pub(super) fn facet_by_key(&self, key: i64) -> Written<Facet> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT facet, note_digest, kind, title, tags, meta, document_time, valid_from, valid_to, trust
                 FROM facets WHERE facet = ?1",
            )?
            .query_row([key], decode)?)
    }

    /// Returns the facet with these attributes, adding it when the document has none.
    pub(super) fn facet(
        &mut self,
        document: DocumentKey,
        known: &mut Vec<Facet>,
        wanted: &Attributes,
        note_digest: Option<&ContentHash>,
    ) -> Written<i64> {
        if let Some(found) = known
            .iter()
            .find(|facet| facet.attributes == *wanted && facet.note_digest.as_ref() == note_digest)
        {
            return Ok(found.key);
        }
        let key = self.add_facet(document, wanted, note_digest, 0)?;
        known.push(Facet {
            key,
            attributes: wanted.clone(),
            note_digest: note_digest.copied(),
        });
        Ok(key)
    }

    /// Adds a facet that has `live` chunks.
    pub(super) fn add_facet(
        &mut self,
        document: DocumentKey,
        wanted: &Attributes,
        note_digest: Option<&ContentHash>,
        live: i64,
    ) -> Written<i64> {
        let key = self.head.take_facet();
        self.connection
            .prepare_cached(
                "INSERT INTO facets (facet, document, kind, title, tags, meta, document_time, valid_from, valid_to,
                 trust, note_digest, live) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                key,
                document.0,
                attributes::kind_number(wanted.kind),
                wanted.title,
                attributes::tags_text(&wanted.tags),
                attributes::meta_text(&wanted.meta),
                wanted.document_time.map(|time| time.0),
                wanted.valid_from.map(|time| time.0),
                wanted.valid_to.map(|time| time.0),
                attributes::trust_number(wanted.trust),
                note_digest.map(|digest| &digest.0[..]),
                live,
            ])?;
        if !wanted.tags.is_empty() {
            let mut tags = self
                .connection
                .prepare_cached("INSERT OR IGNORE INTO tags (tag, facet) VALUES (?1, ?2)")?;
            for tag in &wanted.tags {
                tags.execute(params![tag, key])?;
            }
        }
        Ok(key)
    }

    /// Adds to the number of live chunks of a facet.
    pub(super) fn facet_live(&self, facet: i64, change: i64) -> Written<()> {
        self.connection
            .prepare_cached("UPDATE facets SET live = live + ?2 WHERE facet = ?1")?
            .execute([facet, change])?;
        Ok(())
    }
}

fn decode(row: &rusqlite::Row<'_>) -> rusqlite::Result<Facet> {
    Ok(Facet {
        key: row.get(0)?,
        note_digest: row.get::<_, Option<[u8; 32]>>(1)?.map(ContentHash),
        attributes: attributes::decode(row, 2)?,
    })
}
