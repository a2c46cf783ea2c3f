//! Letting go of old history: versions that were replaced or removed before a moment leave, and the log says so.
//!
//! The event is committed before the first version leaves, so at no moment does
//! the store claim a history that it no longer has; a run that was killed is
//! finished by the next. Live rows are named by no statement here: a version
//! that goes has the commit that ended it. Many small transactions let writers
//! in between. What is deliberately not here: secrecy, which is what forgetting
//! is for.

use rusqlite::{Connection, params};
use steadfast_model::{Counts, Seq};

use super::{Reached, Written};
use crate::error::StoreError;
use crate::sqlite::SqliteStore;
use crate::sqlite::read::history;
use crate::upkeep::PrunePlan;

/// Versions that leave in one transaction: few enough to hold the gate briefly.
const BATCH: i64 = 2_000;

/// Returns what letting go of all before the commit `kept_from` would take.
pub(in crate::sqlite) fn plan(
    connection: &Connection,
    kept_from: Seq,
) -> rusqlite::Result<PrunePlan> {
    let number = kept_from.0.cast_signed();
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    let (versions, bytes) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(text)), 0) FROM chunks
             WHERE removed_seq IS NOT NULL AND removed_seq <= ?1",
        )?
        .query_row([number], |row| Ok((count(row.get(0)?), count(row.get(1)?))))?;
    let moves = connection
        .prepare_cached("SELECT count(*) FROM changes WHERE seq <= ?1")?
        .query_row([number], |row| row.get(0).map(count))?;
    Ok(PrunePlan {
        kept_from,
        versions,
        bytes,
        moves,
    })
}

impl SqliteStore {
    /// Lets go of what a plan names; returns the commit, none when there was nothing.
    pub(in crate::sqlite) fn prune_history(
        &self,
        plan: &PrunePlan,
        actor: &str,
    ) -> Result<Option<Seq>, StoreError> {
        if plan.versions == 0 && plan.moves == 0 {
            return Ok(None);
        }
        let seq = self.announce(plan, actor)?;
        let number = plan.kept_from.0.cast_signed();
        while self.write_sql(|connection| drop_versions(connection, number))? {}
        self.write_sql(|connection| {
            connection
                .prepare_cached("DELETE FROM changes WHERE seq <= ?1")?
                .execute([number])?;
            drop_unused_facets(connection)
        })?;
        Ok(seq)
    }

    /// Says in the log from where on the history is kept.
    fn announce(&self, plan: &PrunePlan, actor: &str) -> Result<Option<Seq>, StoreError> {
        self.check_writable()?;
        let held = self.core.owner.gate.pass(self.core.options.patience)?;
        let written = self.behind_gate(|connection| {
            // Another run may have let go of more; then its event stands, and only the rest is left to do.
            if history::kept_from(connection)? >= plan.kept_from {
                return Ok((None, None));
            }
            let space = self.space(connection)?;
            let mut transaction = self.transaction(connection, space, actor)?;
            let counts = Counts {
                removed: plan.versions,
                ..Counts::default()
            };
            let source = format!("seq:{}", plan.kept_from.0);
            let seq = transaction.log("prune", None, Some(&source), counts)?;
            transaction.head.write(connection)?;
            let reached = Reached {
                seq: seq.0,
                is_new: true,
            };
            Written::Ok((Some(seq), Some(reached)))
        });
        drop(held);
        self.acknowledge(written)
    }
}

/// Drops some versions that ended at or before a commit; returns whether there may be more.
fn drop_versions(connection: &Connection, kept_from: i64) -> rusqlite::Result<bool> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS pruned (row INTEGER PRIMARY KEY); DELETE FROM pruned;",
    )?;
    let found = connection
        .prepare_cached(
            "INSERT INTO pruned SELECT row FROM chunks
             WHERE removed_seq IS NOT NULL AND removed_seq <= ?1 LIMIT ?2",
        )?
        .execute(params![kept_from, BATCH])?;
    connection.execute_batch(
        "DELETE FROM vectors WHERE vector_key IN (SELECT s.space << 32 | p.row FROM pruned p, spaces s);
         DELETE FROM changes WHERE row IN (SELECT row FROM pruned);
         DELETE FROM intervals WHERE row IN (SELECT row FROM pruned);
         DELETE FROM idempotency WHERE EXISTS
             (SELECT 1 FROM json_each(idempotency.rows) j JOIN pruned p ON p.row = j.value);
         DELETE FROM chunks WHERE row IN (SELECT row FROM pruned) AND removed_seq IS NOT NULL;
         DELETE FROM pruned;",
    )?;
    Ok(i64::try_from(found).unwrap_or(0) == BATCH)
}

/// Titles, tags and metadata go with the last version that carried them, or had carried them before it moved.
fn drop_unused_facets(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS used (facet INTEGER PRIMARY KEY); DELETE FROM used;
         INSERT OR IGNORE INTO used SELECT facet FROM chunks;
         INSERT OR IGNORE INTO used SELECT json_extract(before, '$.facet') FROM changes;
         DELETE FROM tags WHERE facet NOT IN (SELECT facet FROM used);
         DELETE FROM facets WHERE live = 0 AND facet NOT IN (SELECT facet FROM used);
         DELETE FROM used;",
    )
}
