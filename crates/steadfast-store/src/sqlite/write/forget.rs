//! Forgetting: text, vectors, terms and history leave the store; only the event stays.

use rusqlite::{OptionalExtension as _, params};
use steadfast_model::{Counts, DocumentKey, DocumentStatus, Outcome, Row, Settled};

use super::put::untouched;
use super::{Transaction, Written};
use crate::sqlite::read::{documents, fetch};

impl Transaction<'_> {
    pub(super) fn forget(&mut self, rows: &[Row], documents: &[DocumentKey]) -> Written<Settled> {
        let mut purged = 0_u64;
        for row in rows {
            purged += u64::from(self.purge_row(*row, true)?);
        }
        self.drop_unused_facets()?;
        for document in documents {
            for row in fetch::rows_of(self.connection, *document)? {
                purged += u64::from(self.purge_row(row, false)?);
            }
            self.forget_document(*document)?;
        }
        if purged == 0 && documents.is_empty() {
            return Ok(untouched(Outcome::Reused, None));
        }
        let counts = Counts {
            removed: purged,
            ..Counts::default()
        };
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

    /// Deletes all that is known of a row; returns whether it was live.
    fn purge_row(&mut self, row: Row, keep_out: bool) -> Written<bool> {
        let found = self
            .connection
            .prepare_cached(
                "DELETE FROM chunks WHERE row = ?1 RETURNING document, facet, content_hash, tokens, removed_seq",
            )?
            .query_row([row.0], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, Option<i64>>(4)?,
                ))
            })
            .optional()?;
        let Some((document, facet, content_hash, tokens, removed_seq)) = found else {
            return Ok(false);
        };
        let delete = |sql: &str| -> Written<()> {
            self.connection.prepare_cached(sql)?.execute([row.0])?;
            Ok(())
        };
        delete("DELETE FROM vectors WHERE vector_key IN (SELECT space << 32 | ?1 FROM spaces)")?;
        delete("DELETE FROM tail WHERE row = ?1")?;
        delete("DELETE FROM changes WHERE row = ?1")?;
        if keep_out {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO forgotten (document, content_hash) VALUES (?1, ?2)",
                )?
                .execute(params![document, content_hash])?;
        }
        if removed_seq.is_some() {
            return Ok(false);
        }
        self.facet_live(facet, -1)?;
        self.connection
            .prepare_cached("UPDATE documents SET chunks = chunks - 1 WHERE document = ?1")?
            .execute([document])?;
        self.head.live_chunks -= 1;
        self.head.live_tokens -= tokens;
        Ok(true)
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

    /// Leaves of a document nothing but its source and that it is forgotten.
    fn forget_document(&mut self, document: DocumentKey) -> Written<()> {
        for sql in [
            "DELETE FROM tags WHERE facet IN (SELECT facet FROM facets WHERE document = ?1)",
            "DELETE FROM facets WHERE document = ?1",
            "DELETE FROM forgotten WHERE document = ?1",
            "DELETE FROM idempotency WHERE document = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([document.0])?;
        }
        self.connection
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
        Ok(())
    }
}
