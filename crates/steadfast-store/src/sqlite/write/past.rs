//! Versions that another store had of a document, kept beside what is live.
//!
//! Such a version comes and leaves in one commit, so no moment of this store has
//! it; when it was live there is written down beside it. Invariants: nothing
//! live changes, and a version that is there is not added again.

use std::collections::HashMap;

use rusqlite::params;
use steadfast_model::{
    ContentHash, Counts, DocumentKey, DocumentStatus, NewChunk, Outcome, PastDocument, PastVersion,
    Refusal, Row, Settled, Timestamp,
};

use super::put::untouched;
use super::{Transaction, Written};
use crate::error::StoreError;
use crate::records;
use crate::sqlite::read::history;

/// What makes a version the same as another: text, line, and when it was live.
type Key = (ContentHash, u32, Timestamp, Timestamp);

fn key(version: &PastVersion) -> Key {
    let chunk = &version.chunk;
    let line = chunk.place.start_line;
    (chunk.content_hash, line, version.added, version.removed)
}

impl Transaction<'_> {
    /// Keeps versions of a document; the ids that it answers are those of all that were given and not withheld.
    pub(super) fn keep_past(&mut self, past: &PastDocument) -> Written<Settled> {
        records::check_open(&past.namespace)?;
        let stored = self.stored(&past.namespace, &past.source)?;
        if stored
            .as_ref()
            .is_some_and(|stored| stored.status == DocumentStatus::Forgotten)
        {
            let origin = past.source.clone();
            return Ok(untouched(
                Outcome::Refused(Refusal::Forgotten { origin }),
                None,
            ));
        }
        let document = match &stored {
            Some(stored) => stored.key,
            None => self.head.take_document()?,
        };
        let mut known: HashMap<Key, Vec<Row>> = HashMap::new();
        for version in history::past_of(self.connection, document)? {
            let key = (
                version.content_hash,
                version.start_line,
                version.added,
                version.removed,
            );
            known.entry(key).or_default().push(version.row);
        }
        let seq = self.next_seq();
        let mut facets = self.facets(document)?;
        let (mut counts, mut withheld, mut rows) = (Counts::default(), 0, Vec::new());
        for version in &past.versions {
            if let Some(row) = known.get_mut(&key(version)).and_then(Vec::pop) {
                counts.reused += 1;
                rows.push(row);
                continue;
            }
            if self.is_forgotten(document, &version.chunk)? {
                withheld += 1;
                continue;
            }
            let Some(attributes) = past.attributes.get(version.chunk.attributes) else {
                let what = format!("a version names attributes {}", version.chunk.attributes);
                return Err(StoreError::Invalid { what }.into());
            };
            let facet = self.facet(document, &mut facets, attributes, None)?;
            rows.push(self.insert_past(document, facet, version, seq)?);
            counts.inserted += 1;
        }
        let ids = self.ids(rows.into_iter());
        if counts.inserted == 0 {
            return Ok(Settled {
                counts,
                ids,
                withheld,
                ..untouched(Outcome::Reused, None)
            });
        }
        let (namespace, source) = (&past.namespace, &past.source);
        let seq = self.log("history", Some(namespace), Some(source), counts)?;
        if stored.is_none() {
            let status = (DocumentStatus::Removed, None);
            self.store_document(document, namespace, source, status, None, 0)?;
        }
        Ok(Settled {
            seq: Some(seq),
            outcome: Outcome::Inserted,
            counts,
            ids,
            withheld,
        })
    }

    fn is_forgotten(&self, document: DocumentKey, chunk: &NewChunk) -> Written<bool> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM forgotten WHERE document = ?1 AND content_hash = ?2)",
            )?
            .query_row(params![document.0, &chunk.content_hash.0[..]], |row| {
                row.get(0)
            })?)
    }

    fn insert_past(
        &mut self,
        document: DocumentKey,
        facet: i64,
        version: &PastVersion,
        seq: i64,
    ) -> Written<Row> {
        let inserted = self.insert_version(document, facet, &version.chunk, (seq, Some(seq)))?;
        let Some(row) = inserted else {
            let what = "a past version has the unique key of a live chunk".to_owned();
            return Err(StoreError::Invalid { what }.into());
        };
        self.connection
            .prepare_cached(
                "INSERT INTO intervals (row, added_ms, removed_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![row.0, version.added.0, version.removed.0])?;
        Ok(row)
    }
}
