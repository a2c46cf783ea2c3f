//! Facets: the attributes that chunks of one document share, stored once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;

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

/// Facets of one document, in the order in which they are to be found.
///
/// Each message of a conversation has one of its own, so they are found by a number that is made of what they say.
#[derive(Default)]
pub(super) struct Facets {
    all: Vec<Facet>,
    places: HashMap<u64, Vec<usize>>,
}

impl Facets {
    fn add(&mut self, facet: Facet) {
        let number = number_of(&facet.attributes, facet.note_digest.as_ref());
        self.places.entry(number).or_default().push(self.all.len());
        self.all.push(facet);
    }

    fn find(&self, wanted: &Attributes, note_digest: Option<&ContentHash>) -> Option<&Facet> {
        let places = self.places.get(&number_of(wanted, note_digest))?;
        let mut facets = places.iter().filter_map(|place| self.all.get(*place));
        facets
            .find(|facet| facet.attributes == *wanted && facet.note_digest.as_ref() == note_digest)
    }
}

impl From<Facet> for Facets {
    fn from(facet: Facet) -> Self {
        let mut facets = Self::default();
        facets.add(facet);
        facets
    }
}

impl Deref for Facets {
    type Target = [Facet];

    fn deref(&self) -> &[Facet] {
        &self.all
    }
}

/// Returns the same number for the same attributes, whatever order their metadata is in.
fn number_of(attributes: &Attributes, note_digest: Option<&ContentHash>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (attributes.title.as_ref(), &attributes.tags).hash(&mut hasher);
    let times = [
        attributes.document_time,
        attributes.valid_from,
        attributes.valid_to,
    ];
    times.map(|time| time.map(|time| time.0)).hash(&mut hasher);
    note_digest.map(|digest| digest.0).hash(&mut hasher);
    let fact = |(key, value): (&String, &serde_json::Value)| {
        let mut hasher = DefaultHasher::new();
        (key, value.as_str(), value.as_i64()).hash(&mut hasher);
        hasher.finish()
    };
    let facts = attributes.meta.iter().map(fact);
    hasher.finish() ^ facts.fold(0, u64::wrapping_add)
}

impl Transaction<'_> {
    /// Returns all facets of a document, those with live chunks first: a store may have two of the same attributes.
    pub(super) fn facets(&self, document: DocumentKey) -> Written<Facets> {
        let mut statement = self.connection.prepare_cached(
            "SELECT facet, note_digest, kind, title, tags, meta, document_time, valid_from, valid_to, trust
             FROM facets WHERE document = ?1 ORDER BY live = 0, facet",
        )?;
        let mut facets = Facets::default();
        for facet in statement.query_map([document.0], decode)? {
            facets.add(facet?);
        }
        Ok(facets)
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
        known: &mut Facets,
        wanted: &Attributes,
        note_digest: Option<&ContentHash>,
    ) -> Written<i64> {
        if let Some(found) = known.find(wanted, note_digest) {
            return Ok(found.key);
        }
        let key = self.add_facet(document, wanted, note_digest, 0)?;
        known.add(Facet {
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
