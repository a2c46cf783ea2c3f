//! A document's new content replaces the old, and ids follow the texts that survive.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::params;
use steadfast_model::write::{LiveChunk, is_numbered, number_beside, plan_replace};
use steadfast_model::{
    ContentHash, Counts, DocumentKey, DocumentStatus, Fingerprint, Namespace, NewChunk, Outcome,
    PutDocument, Refusal, Row, Seq, Settled,
};

use super::facets::{Facet, Facets};
use super::rows::{RowOutcome, Standing};
use super::{Transaction, Written};
use crate::error::StoreError;
use crate::records;
use crate::sqlite::read::documents::{self, Stored};

/// Which of the live rows of a document new content takes the place of.
#[derive(Clone, Copy)]
pub(super) enum Replaces<'n> {
    /// All but those of notes: whoever reads a file knows nothing of the notes under its source.
    AllButNotes,
    /// All; for each of the attributes the digest of the note that they belong to.
    All(&'n [Option<ContentHash>]),
}

/// What a document holds before a change.
#[derive(Default)]
struct Before {
    facets: Facets,
    /// The rows that are to be replaced.
    standing: Vec<Standing>,
    /// How many rows stay beside them.
    kept: i64,
    /// The unique keys of those that stay.
    held: BTreeSet<(ContentHash, u32, u32)>,
}

impl Transaction<'_> {
    /// Replaces the content of a document.
    pub(super) fn put(&mut self, put: &PutDocument, replaces: Replaces<'_>) -> Written<Settled> {
        records::check_open(&put.namespace)?;
        let stored = self.stored(&put.namespace, &put.source)?;
        let was_forgotten = stored
            .as_ref()
            .is_some_and(|stored| stored.status == DocumentStatus::Forgotten);
        if was_forgotten && !put.revive {
            return Ok(Settled {
                seq: None,
                outcome: Outcome::Refused(Refusal::Forgotten {
                    origin: put.source.clone(),
                }),
                counts: Counts::default(),
                ids: Vec::new(),
                withheld: 0,
            });
        }
        let document = match &stored {
            Some(stored) => stored.key,
            None => self.head.take_document()?,
        };
        let before = match &stored {
            Some(_) => self.before(document, replaces)?,
            None => Before::default(),
        };
        let kept = before.kept;
        let (chunks, withheld) = self.admitted(document, put, &before)?;
        let (rows, counts) = self.replace(document, put, replaces, before, &chunks)?;
        let as_before = stored.as_ref().is_some_and(|stored| {
            stored.status == DocumentStatus::Indexed && counts.is_unchanged()
        });
        let seq = if as_before {
            None
        } else {
            Some(self.log("put", Some(&put.namespace), Some(&put.source), counts)?)
        };
        let same_file = stored
            .as_ref()
            .is_some_and(|stored| stored.fingerprint == put.fingerprint);
        if !(as_before && same_file) {
            let live = i64::try_from(rows.len()).map_or(i64::MAX, |rows| rows + kept);
            self.store_document(
                document,
                &put.namespace,
                &put.source,
                (DocumentStatus::Indexed, None),
                put.fingerprint.as_ref(),
                live,
            )?;
        }
        self.assign(document, &put.assigned)?;
        let outcome = match &stored {
            None => Outcome::Inserted,
            Some(_) if as_before => Outcome::Reused,
            Some(_) => Outcome::Updated,
        };
        Ok(Settled {
            seq,
            outcome,
            counts,
            ids: self.ids(rows.into_iter()),
            withheld,
        })
    }

    /// Returns what a document that is stored holds.
    fn before(&self, document: DocumentKey, replaces: Replaces<'_>) -> Written<Before> {
        let facets = self.facets(document)?;
        let notes = match replaces {
            Replaces::AllButNotes => of_notes(&facets),
            Replaces::All(_) => HashSet::new(),
        };
        let is_kept = |standing: &Standing| notes.contains(&standing.facet);
        let (kept, standing) = self.live_rows(document)?.into_iter().partition(is_kept);
        let kept: Vec<Standing> = kept;
        let key = |row: &Standing| (row.content_hash, row.place.start_line, row.place.ordinal);
        Ok(Before {
            standing,
            kept: i64::try_from(kept.len()).unwrap_or(i64::MAX),
            held: kept.iter().map(key).collect(),
            facets,
        })
    }

    /// Returns the chunks without those whose text was forgotten, numbered anew.
    ///
    /// They are copied only where that changes them: a document is up to 32 MiB long, and its chunks take twice that.
    fn admitted<'p>(
        &self,
        document: DocumentKey,
        put: &'p PutDocument,
        before: &Before,
    ) -> Written<(Cow<'p, [NewChunk]>, u64)> {
        let mut chunks = Cow::Borrowed(put.chunks.as_slice());
        if put.revive {
            self.connection
                .prepare_cached("DELETE FROM forgotten WHERE document = ?1")?
                .execute([document.0])?;
        } else {
            let mut statement = self
                .connection
                .prepare_cached("SELECT content_hash FROM forgotten WHERE document = ?1")?;
            let forgotten = statement
                .query_map([document.0], |row| Ok(ContentHash(row.get(0)?)))?
                .collect::<rusqlite::Result<HashSet<_>>>()?;
            let is_forgotten = |chunk: &NewChunk| forgotten.contains(&chunk.content_hash);
            if chunks.iter().any(is_forgotten) {
                let admitted = chunks.iter().filter(|chunk| !is_forgotten(chunk));
                chunks = Cow::Owned(admitted.cloned().collect());
            }
        }
        if !is_numbered(&chunks, &before.held) {
            number_beside(chunks.to_mut(), &before.held);
        }
        let withheld = u64::try_from(put.chunks.len() - chunks.len()).unwrap_or(0);
        Ok((chunks, withheld))
    }

    /// Puts `chunks` in the place of the rows that are to be replaced; returns theirs in order.
    fn replace(
        &mut self,
        document: DocumentKey,
        put: &PutDocument,
        replaces: Replaces<'_>,
        before: Before,
        chunks: &[NewChunk],
    ) -> Written<(Vec<Row>, Counts)> {
        let seq = self.next_seq();
        let standing = before.standing;
        let facet_keys = self.facet_keys(document, put, replaces, before.facets)?;
        let live: Vec<LiveChunk> = standing
            .iter()
            .map(|standing| LiveChunk {
                row: standing.row,
                content_hash: standing.content_hash,
                start_line: standing.place.start_line,
                ordinal: standing.place.ordinal,
            })
            .collect();
        let plan = plan_replace(&live, chunks);
        let by_row: HashMap<Row, &Standing> = standing
            .iter()
            .map(|standing| (standing.row, standing))
            .collect();
        let mut counts = Counts::default();
        for row in &plan.removed {
            if let Some(standing) = by_row.get(row) {
                self.remove_row(*row, standing.facet, seq)?;
                counts.removed += 1;
            }
        }
        let mut rows = Vec::with_capacity(chunks.len());
        let mut facet_live: BTreeMap<i64, i64> = BTreeMap::new();
        for (chunk, survivor) in chunks.iter().zip(&plan.rows) {
            let Some(&facet) = facet_keys.get(chunk.attributes) else {
                return Err(StoreError::Invalid {
                    what: format!(
                        "a chunk names attributes {} of {}",
                        chunk.attributes,
                        facet_keys.len()
                    ),
                }
                .into());
            };
            let standing = survivor.and_then(|row| by_row.get(&row).copied());
            let row = match standing {
                Some(standing) => {
                    self.keep_row(standing, facet, chunk, &mut counts, &mut facet_live)?
                }
                None => match self.insert_row(document, facet, chunk, seq)? {
                    RowOutcome::Inserted(row) => {
                        *facet_live.entry(facet).or_default() += 1;
                        counts.inserted += 1;
                        row
                    }
                    RowOutcome::Reused(row) => {
                        counts.reused += 1;
                        row
                    }
                },
            };
            rows.push(row);
        }
        for (facet, change) in facet_live.into_iter().filter(|&(_, change)| change != 0) {
            self.facet_live(facet, change)?;
        }
        Ok((rows, counts))
    }

    /// Returns the facet of each of the attributes; one that the document has is used again.
    fn facet_keys(
        &mut self,
        document: DocumentKey,
        put: &PutDocument,
        replaces: Replaces<'_>,
        mut facets: Facets,
    ) -> Written<Vec<i64>> {
        let notes = match replaces {
            Replaces::AllButNotes => &[],
            Replaces::All(notes) => notes,
        };
        put.attributes
            .iter()
            .enumerate()
            .map(|(place, attributes)| {
                let note = notes.get(place).and_then(Option::as_ref);
                self.facet(document, &mut facets, attributes, note)
            })
            .collect()
    }

    /// A row survives: as it is, or moved.
    fn keep_row(
        &self,
        standing: &Standing,
        facet: i64,
        chunk: &NewChunk,
        counts: &mut Counts,
        facet_live: &mut BTreeMap<i64, i64>,
    ) -> Written<Row> {
        if standing.facet == facet && standing.place == chunk.place {
            counts.reused += 1;
        } else {
            self.move_row(standing, facet, &chunk.place, self.next_seq())?;
            *facet_live.entry(standing.facet).or_default() -= 1;
            *facet_live.entry(facet).or_default() += 1;
            counts.updated += 1;
        }
        Ok(standing.row)
    }

    pub(super) fn stored(&self, namespace: &Namespace, source: &str) -> Written<Option<Stored>> {
        Ok(documents::find(self.connection, namespace, source)?)
    }

    /// Writes a document's row, new or known.
    pub(super) fn store_document(
        &self,
        document: DocumentKey,
        namespace: &Namespace,
        source: &str,
        (status, reason): (DocumentStatus, Option<&str>),
        fingerprint: Option<&Fingerprint>,
        chunks: i64,
    ) -> Written<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO documents (document, namespace, source, status, reason, size, mtime_ns, ctime_ns, inode,
                 file_hash, racy, chunks, seq, indexed_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                 ON CONFLICT (document) DO UPDATE SET status = ?4, reason = ?5, size = ?6, mtime_ns = ?7, ctime_ns = ?8,
                 inode = ?9, file_hash = ?10, racy = ?11, chunks = ?12, seq = ?13, indexed_ms = ?14",
            )?
            .execute(params![
                document.0,
                namespace.as_str(),
                source,
                documents::status_number(status),
                reason,
                // Sizes and inodes are bit patterns here: compared, never ordered.
                fingerprint.map(|found| found.size.cast_signed()),
                fingerprint.map(|found| found.mtime_ns),
                fingerprint.map(|found| found.ctime_ns),
                fingerprint.map(|found| found.inode.cast_signed()),
                fingerprint.map(|found| &found.hash.0[..]),
                fingerprint.is_some_and(|found| found.racy),
                chunks,
                self.head.seq,
                self.now.0,
            ])?;
        Ok(())
    }
}

/// Returns the facets that are those of notes.
pub(super) fn of_notes(facets: &[Facet]) -> HashSet<i64> {
    facets
        .iter()
        .filter(|facet| facet.note_digest.is_some())
        .map(|facet| facet.key)
        .collect()
}

/// Returns a settled change that wrote nothing.
pub(super) fn untouched(outcome: Outcome, seq: Option<Seq>) -> Settled {
    Settled {
        seq,
        outcome,
        counts: Counts::default(),
        ids: Vec::new(),
        withheld: 0,
    }
}
