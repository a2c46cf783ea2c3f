//! Forgetting: text, vectors, terms and history leave the store; only the event stays.

use rusqlite::{OptionalExtension as _, params};
use steadfast_model::{Counts, DocumentKey, DocumentStatus, Outcome, Row, Settled};

use super::put::untouched;
use super::{Transaction, Written};
use crate::sqlite::read::{documents, fetch};

impl Transaction<'_> {
    pub(super) fn forget(&mut self, rows: &[Row], documents: &[DocumentKey]) -> Written<Settled> {
        let mut counts = Counts::default();
        // What is purged from history changes no count, and is a commit all the same.
        let mut touched = false;
        for row in rows {
            let purged = self.purge_row(*row, true)?;
            touched |= purged.is_some();
            counts.removed += u64::from(purged.is_some_and(|purged| purged.was_live));
        }
        self.drop_unused_facets()?;
        for document in documents {
            for row in fetch::rows_of(self.connection, *document)? {
                let purged = self.purge_row(row, false)?;
                counts.removed += u64::from(purged.is_some_and(|purged| purged.was_live));
            }
            touched |= self.forget_document(*document)?;
        }
        if !touched {
            return Ok(untouched(Outcome::Reused, None));
        }
        self.drop_keys_of_purged()?;
        let seq = self.log("forget", None, None, counts)?;
        // The index still holds the terms and codes of these rows. The job is
        // part of this commit, so they go even if we are killed right here.
        self.connection
            .prepare_cached(
                "INSERT INTO jobs (kind, key, payload, state, due_ms) VALUES ('purge', 'purge', '', 0, ?1)
                 ON CONFLICT DO NOTHING",
            )?
            .execute([self.now.0])?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Removed, Some(seq))
        })
    }

    /// Deletes all that is known of a row; returns what it was, if there was one.
    fn purge_row(&mut self, row: Row, keep_out: bool) -> Written<Option<Purged>> {
        let found = self
            .connection
            .prepare_cached(
                "DELETE FROM chunks WHERE row = ?1 RETURNING document, facet, content_hash, tokens, removed_seq, text",
            )?
            .query_row([row.0], Purged::decode)
            .optional()?;
        let Some(purged) = found else {
            return Ok(None);
        };
        for sql in [
            "DELETE FROM vectors WHERE vector_key IN (SELECT space << 32 | ?1 FROM spaces)",
            "DELETE FROM changes WHERE row = ?1",
            "DELETE FROM late_vectors WHERE row = ?1",
            "DELETE FROM intervals WHERE row = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([row.0])?;
        }
        if keep_out {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO forgotten (document, content_hash) VALUES (?1, ?2)",
                )?
                .execute(params![purged.document, purged.content_hash])?;
        }
        if !purged.was_live {
            return Ok(Some(purged));
        }
        // An indexed row stays in the index until the purge, so searches must
        // know that it is gone; the terms leave with the purge as well.
        self.subtract_from_text_index(row, &purged.text, self.next_seq())?;
        self.facet_live(purged.facet, -1)?;
        self.connection
            .prepare_cached("UPDATE documents SET chunks = chunks - 1 WHERE document = ?1")?
            .execute([purged.document])?;
        self.head.live_chunks -= 1;
        self.head.live_tokens -= purged.tokens;
        Ok(Some(purged))
    }

    /// A key that names rows which are gone must not answer with them, nor keep the hash of their text.
    fn drop_keys_of_purged(&self) -> Written<()> {
        self.connection.execute(
            "DELETE FROM idempotency WHERE EXISTS (SELECT 1 FROM json_each(idempotency.rows) j
             WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.row = j.value))",
            [],
        )?;
        Ok(())
    }

    /// Titles, tags and metadata go with the last chunk that carried them.
    fn drop_unused_facets(&self) -> Written<()> {
        self.connection.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS unused (facet INTEGER PRIMARY KEY);
             INSERT INTO unused SELECT f.facet FROM facets f WHERE f.live = 0 AND f.document IN
                 (SELECT document FROM forgotten) AND NOT EXISTS
                 (SELECT 1 FROM chunks c WHERE c.document = f.document AND c.removed_seq IS NOT NULL
                  AND c.facet = f.facet);
             DELETE FROM tags WHERE facet IN (SELECT facet FROM unused);
             DELETE FROM facets WHERE facet IN (SELECT facet FROM unused);
             DELETE FROM unused;",
        )?;
        Ok(())
    }

    /// Leaves of a document nothing but its source and that it is forgotten; returns whether there is such a document.
    fn forget_document(&mut self, document: DocumentKey) -> Written<bool> {
        for sql in [
            "DELETE FROM tags WHERE facet IN (SELECT facet FROM facets WHERE document = ?1)",
            "DELETE FROM facets WHERE document = ?1",
            "DELETE FROM forgotten WHERE document = ?1",
            "DELETE FROM idempotency WHERE document = ?1",
            "DELETE FROM assignments WHERE document = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([document.0])?;
        }
        let found = self
            .connection
            .prepare_cached(
                "UPDATE documents SET status = ?2, reason = 'forgotten', size = NULL, mtime_ns = NULL, ctime_ns = NULL,
                 inode = NULL, file_hash = NULL, racy = 0, chunks = 0, seq = ?3, indexed_ms = ?4 WHERE document = ?1",
            )?
            .execute(params![
                document.0,
                documents::status_number(DocumentStatus::Forgotten),
                self.next_seq(),
                self.now.0
            ])?;
        Ok(found > 0)
    }
}

/// What is left of a purged row for the accounts.
struct Purged {
    document: i64,
    facet: i64,
    content_hash: Vec<u8>,
    tokens: i64,
    was_live: bool,
    text: Vec<u8>,
}

impl Purged {
    fn decode(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            document: row.get(0)?,
            facet: row.get(1)?,
            content_hash: row.get(2)?,
            tokens: row.get(3)?,
            was_live: row.get::<_, Option<i64>>(4)?.is_none(),
            text: row.get(5)?,
        })
    }
}
