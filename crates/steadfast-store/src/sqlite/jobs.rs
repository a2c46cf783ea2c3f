//! The queue of work that commits leave behind: keys, leases, attempts, back-off.
//!
//! The number of the attempt is the fencing token of a lease: it grows with each
//! lease of a job. Whether its holder may end the job depends on that number
//! alone and never on whether somebody swept in between, so `lease_ms` stays
//! when a lease runs out, and leaves when the holder gives the job back.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use crate::error::StoreError;
use crate::jobs::{JOB_ATTEMPTS_MAX, Job, Jobs};
use crate::sabotage::{self, Sabotage};

const WAITING: i64 = 0;
const LEASED: i64 = 1;
const FAILED: i64 = 2;

/// The pause after the first failure; it doubles with each further one.
const BACK_OFF_MS: i64 = 1_000;
/// No job is put off for longer. What is due later than that was written by a clock that was ahead.
const BACK_OFF_LONGEST_MS: i64 = BACK_OFF_MS << JOB_ATTEMPTS_MAX;
/// No lease is longer, for the same reason.
const LEASE_LONGEST_MS: i64 = 24 * 3_600_000;

impl Jobs for SqliteStore {
    fn enqueue(&self, kind: &str, key: &str, payload: &str) -> Result<bool, StoreError> {
        let now = self.clock().now().0;
        self.write_sql(|connection| {
            let added = connection
                .prepare_cached(
                    "INSERT INTO jobs (kind, key, payload, state, due_ms) VALUES (?1, ?2, ?3, 0, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![kind, key, payload, now])?;
            Ok(added == 1)
        })
    }

    fn claim(&self, kind: &str, lease: Duration) -> Result<Option<Job>, StoreError> {
        let now = self.clock().now().0;
        let lease_ms = i64::try_from(lease.as_millis())
            .unwrap_or(i64::MAX)
            .min(LEASE_LONGEST_MS);
        self.write_sql(|connection| {
            if !sabotage::is(Sabotage::LeaseNotSwept) {
                sweep(connection, now)?;
            }
            connection
                .prepare_cached(
                    "UPDATE jobs SET state = ?3, attempt = attempt + 1, lease_ms = ?4 WHERE id =
                     (SELECT id FROM jobs AS next WHERE kind = ?1 AND state = ?2
                      AND due_ms NOT BETWEEN ?5 + 1 AND ?6 AND NOT EXISTS
                      (SELECT 1 FROM jobs AS busy WHERE busy.kind = ?1 AND busy.key = next.key AND busy.state = ?3)
                      ORDER BY due_ms, id LIMIT 1)
                     RETURNING id, kind, key, payload, attempt",
                )?
                .query_row(params![kind, WAITING, LEASED, now.saturating_add(lease_ms), now, now.saturating_add(BACK_OFF_LONGEST_MS)], |row| {
                    Ok(Job {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        key: row.get(2)?,
                        payload: row.get(3)?,
                        attempt: row.get(4)?,
                    })
                })
                .optional()
        })
    }

    fn complete(&self, job: &Job) -> Result<bool, StoreError> {
        self.write_sql(|connection| {
            let ended = connection
                .prepare_cached(
                    "DELETE FROM jobs WHERE id = ?1 AND attempt = ?2 AND lease_ms IS NOT NULL",
                )?
                .execute(params![job.id, job.attempt])?;
            Ok(ended == 1)
        })
    }

    fn fail(&self, job: &Job, error: &str) -> Result<(), StoreError> {
        let now = self.clock().now().0;
        self.write_sql(|connection| {
            give_back(connection, job.id, job.attempt, now, error)?;
            // Whoever gives a job back gives up its lease too, also one that ran out before.
            connection
                .prepare_cached("UPDATE jobs SET lease_ms = NULL WHERE id = ?1 AND attempt = ?2")?
                .execute(params![job.id, job.attempt])
                .map(drop)
        })
    }
}

impl SqliteStore {
    /// Lets jobs that were given up begin anew, as if never tried; returns how many.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    pub fn retry_jobs(&self) -> Result<u64, StoreError> {
        let now = self.clock().now().0;
        self.write_sql(|connection| {
            let changed = connection.execute(
                "UPDATE OR IGNORE jobs SET state = ?2, attempt = 0, due_ms = ?3, lease_ms = NULL WHERE state = ?1",
                params![FAILED, WAITING, now],
            )?;
            // Where another of its key waits, that one does the work.
            connection.execute("DELETE FROM jobs WHERE state = ?1", [FAILED])?;
            Ok(changed as u64)
        })
    }
}

impl SqliteStore {
    /// Gives a job back that nothing was wrong with, but that others stand in the way of: it is due again after a
    /// pause, and this was no attempt. The caller may not end it any more.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    pub fn put_off(&self, job: &Job, why: &str) -> Result<(), StoreError> {
        let now = self.clock().now().0;
        self.write_sql(|connection| {
            give_back(connection, job.id, job.attempt, now, why)?;
            connection
                .prepare_cached(
                    "UPDATE jobs SET state = ?3, attempt = attempt - 1, due_ms = ?4, lease_ms = NULL
                     WHERE id = ?1 AND attempt = ?2",
                )?
                .execute(params![
                    job.id,
                    job.attempt,
                    WAITING,
                    now.saturating_add(BACK_OFF_MS)
                ])
                .map(drop)
        })
    }
}

/// Gives back every job whose lease ran out: its holder was killed, or is too slow to be trusted with it.
fn sweep(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    let lapsed: Vec<(i64, u32)> = connection
        .prepare_cached(
            "SELECT id, attempt FROM jobs WHERE state = ?1 AND lease_ms NOT BETWEEN ?2 + 1 AND ?3",
        )?
        .query_map([LEASED, now, now.saturating_add(LEASE_LONGEST_MS)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    lapsed
        .into_iter()
        .try_for_each(|(id, attempt)| give_back(connection, id, attempt, now, "the lease ran out"))
}

fn give_back(
    connection: &Connection,
    id: i64,
    attempt: u32,
    now: i64,
    error: &str,
) -> rusqlite::Result<()> {
    // A job of the same key that waits by now does the work instead.
    let replaced = connection
        .prepare_cached(
            "DELETE FROM jobs WHERE id = ?1 AND attempt = ?2 AND state = 1 AND EXISTS
             (SELECT 1 FROM jobs AS waiting WHERE waiting.kind = jobs.kind AND waiting.key = jobs.key
              AND waiting.state = 0)",
        )?
        .execute(params![id, attempt])?;
    if replaced > 0 {
        return Ok(());
    }
    let state = if attempt >= JOB_ATTEMPTS_MAX {
        FAILED
    } else {
        WAITING
    };
    let pause = BACK_OFF_MS << attempt.saturating_sub(1).min(16);
    connection
        .prepare_cached(
            "UPDATE jobs SET state = ?3, due_ms = ?4, error = ?5
             WHERE id = ?1 AND attempt = ?2 AND state = 1",
        )?
        .execute(params![
            id,
            attempt,
            state,
            now.saturating_add(pause),
            error
        ])
        .map(drop)
}
