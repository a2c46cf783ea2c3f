//! A document gets another source and keeps everything else.

use rusqlite::params;
use steadfast_model::{DocumentKey, DocumentStatus, Fingerprint, Namespace, Outcome, Settled};

use super::put::untouched;
use super::{Transaction, Written};
use crate::sqlite::read::documents::Stored;

impl Transaction<'_> {
    pub(super) fn rename(
        &mut self,
        namespace: &Namespace,
        from: &str,
        to: &str,
        fingerprint: &Fingerprint,
    ) -> Written<Settled> {
        let moved = self.stored(namespace, from)?.filter(|stored| {
            stored.chunks > 0
                && stored
                    .fingerprint
                    .is_some_and(|known| known.hash == fingerprint.hash)
        });
        let Some(moved) = moved.filter(|_| from != to) else {
            return Ok(untouched(Outcome::Reused, None));
        };
        let there = self.stored(namespace, to)?;
        if let Some(there) = &there
            && !self.may_give_way(there)?
        {
            return Ok(untouched(Outcome::Reused, None));
        }
        let seq = self.log(
            "rename",
            Some(namespace),
            Some(to),
            steadfast_model::Counts::default(),
        )?;
        if let Some(there) = &there {
            // A source belongs to one document, so the one that is gone steps aside first. No source of a
            // document begins with a null: none can be in a path.
            self.call(there.key, &format!("\0{}", there.key.0))?;
        }
        self.call(moved.key, to)?;
        if let Some(there) = &there {
            self.call(there.key, from)?;
        }
        self.connection
            .prepare_cached(
                "UPDATE documents SET size = ?2, mtime_ns = ?3, ctime_ns = ?4, inode = ?5, racy = ?6, seq = ?7,
                 indexed_ms = ?8 WHERE document = ?1",
            )?
            .execute(params![
                moved.key.0,
                fingerprint.size.cast_signed(),
                fingerprint.mtime_ns,
                fingerprint.ctime_ns,
                fingerprint.inode.cast_signed(),
                fingerprint.racy,
                self.head.seq,
                self.now.0,
            ])?;
        Ok(untouched(Outcome::Updated, Some(seq)))
    }

    /// Returns whether a document is gone, and nothing of it was forgotten that must stay out of its source.
    fn may_give_way(&self, there: &Stored) -> Written<bool> {
        if there.status != DocumentStatus::Removed {
            return Ok(false);
        }
        let has_forgotten: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM forgotten WHERE document = ?1)")?
            .query_row([there.key.0], |row| row.get(0))?;
        Ok(!has_forgotten)
    }

    fn call(&self, document: DocumentKey, source: &str) -> Written<()> {
        self.connection
            .prepare_cached("UPDATE documents SET source = ?2 WHERE document = ?1")?
            .execute(params![document.0, source])?;
        Ok(())
    }
}
