//! The writing half: one gate, one transaction, one acknowledgement after the commit.

mod acknowledge;
mod collapse;
mod facets;
mod forget;
mod head;
mod mark;
mod names;
mod note;
mod past;
mod prune;
mod put;
mod records;
mod rename;
mod restore;
mod roots;
mod rows;
mod undo;
mod upkeep;
mod vectors;

pub(in crate::sqlite) use prune::plan as plan_prune;
pub(in crate::sqlite) use rows::vector_hash;
pub(in crate::sqlite) use undo::plan as plan_undo;

use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, params};
use steadfast_model::{
    Analyze, Change, ChunkId, Counts, ModelId, Namespace, Row, Seq, Settled, StoreId, Timestamp,
};

use self::acknowledge::{Committed, Unflushed, Waiting};
use self::head::Head;
use self::put::Replaces;
use super::codes::{CodeClass, class_of, code_of};
use super::flush::Writer;
use super::owner::WriterState;
use super::read::find_space;
use super::spaces::has_other_models;
use super::{SqliteStore, journal, schema};
use crate::error::StoreError;
use crate::files::Thread;

/// What a transaction works with.
struct Transaction<'t> {
    connection: &'t Connection,
    store_id: StoreId,
    space: i64,
    model: &'t ModelId,
    dimensions: usize,
    /// A model other than that of the active space has embedded rows here.
    has_other_models: bool,
    analyze: &'t dyn Analyze,
    now: Timestamp,
    actor: &'t str,
    head: Head,
}

/// A failure inside a transaction, which is then rolled back as a whole.
#[derive(Debug)]
enum WriteError {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

type Written<T> = Result<T, WriteError>;

/// Where a transaction that ends well leaves the store.
#[derive(Clone, Copy)]
struct Reached {
    seq: u64,
    /// It made this commit, and did not only find it.
    is_new: bool,
}

impl SqliteStore {
    /// Applies changes in order, each under its own sequence number, all in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; then none of the changes is applied. After a failure that
    /// leaves the fate of the commit open, the handle refuses further writes.
    ///
    /// # Durability
    /// When this returns, every change survives a crash and a loss of power.
    pub fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError> {
        self.check_writable()?;
        if let Some(held) = self.core.owner.gate.try_pass()? {
            let written = self.behind_gate(|connection| self.apply(connection, changes, actor));
            drop(held);
            return self.acknowledge(written);
        }
        let (store, changes, actor) = (self.clone(), changes.to_vec(), actor.to_owned());
        let waiting = Arc::new(Waiting::default());
        let (after, behind) = (self.clone(), Arc::clone(&waiting));
        let acknowledged = self.core.owner.gate.pass_and_then(
            self.core.options.patience,
            move || store.behind_gate(|connection| store.apply(connection, &changes, &actor)),
            move |written, thread| match thread {
                Thread::Caller => Some(after.acknowledge(written)),
                Thread::Waiting => after.acknowledge_in_turn(written, &behind),
            },
            || Some(Some(self.acknowledge_alone(waiting.take_overdue()?))),
        )?;
        acknowledged.unwrap_or_else(|| {
            Err(StoreError::Internal(
                "a commit was not acknowledged".to_owned(),
            ))
        })
    }

    fn apply(
        &self,
        connection: &Connection,
        changes: &[Change],
        actor: &str,
    ) -> Written<(Vec<Settled>, Option<Reached>)> {
        let changed_before = connection.total_changes();
        let space = self.space(connection)?;
        let mut transaction = self.transaction(connection, space, actor)?;
        let head_before = transaction.head;
        let settled = changes
            .iter()
            .map(|change| transaction.apply(change))
            .collect::<Written<Vec<_>>>()?;
        if transaction.head != head_before {
            transaction.head.write(connection)?;
        }
        let seq = transaction.head.seq;
        let reached = Reached {
            seq: u64::try_from(seq).unwrap_or(0),
            is_new: seq > head_before.seq,
        };
        // What has no number of its own is not part of what others flush up to a number: it is flushed by itself.
        // That somebody read a chunk is counted as a courtesy, and waits for no disk.
        let is_courtesy = |change: &Change| matches!(change, Change::Access(_));
        let is_numbered = reached.is_new
            || connection.total_changes() == changed_before
            || changes.iter().all(is_courtesy);
        Ok((settled, is_numbered.then_some(reached)))
    }

    fn transaction<'t>(
        &'t self,
        connection: &'t Connection,
        space: i64,
        actor: &'t str,
    ) -> rusqlite::Result<Transaction<'t>> {
        Ok(Transaction {
            connection,
            store_id: self.store_id(),
            space,
            model: self.model(),
            dimensions: self.model().dimensions,
            has_other_models: has_other_models(connection, Some(space))?,
            analyze: self.analyze().as_ref(),
            now: self.clock().now(),
            actor,
            head: Head::read(connection)?,
        })
    }

    /// Returns the number of the active vector space, writing it down at first use.
    fn space(&self, connection: &Connection) -> rusqlite::Result<i64> {
        if let Some(space) = self.core.space.get() {
            return Ok(*space);
        }
        match find_space(connection, &self.model().hash)? {
            // Found, so it was committed. What this transaction adds may yet be rolled back.
            Some(space) => Ok(*self.core.space.get_or_init(|| space)),
            None => add_space(connection, self.model()),
        }
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        if self.is_writable() {
            return Ok(());
        }
        Err(StoreError::ReadOnly {
            path: self.folder().to_owned(),
            what: "it was opened for reading only".to_owned(),
        })
    }

    /// Runs `work` inside one `BEGIN IMMEDIATE` behind the writer gate.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> Written<T>) -> Result<T, StoreError> {
        self.check_writable()?;
        let held = self.core.owner.gate.pass(self.core.options.patience)?;
        let written = self.behind_gate(|connection| Ok((work(connection)?, None)));
        drop(held);
        self.acknowledge(written)
    }

    /// Runs `work` inside one `BEGIN IMMEDIATE`; the caller holds the gate.
    fn behind_gate<T>(
        &self,
        work: impl FnOnce(&Connection) -> Written<(T, Option<Reached>)>,
    ) -> Committed<T> {
        let mut state = self
            .core
            .owner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let writer = self.writer(&mut state)?;
        let checked = |connection: &Connection| {
            self.check_known(schema::version(connection)?)?;
            work(connection)
        };
        match transact(&writer.connection, checked) {
            Ok((value, reached)) if writer.is_wal => {
                if let Some(due) = writer.write_back_due() {
                    // If it fails the log stays as it is, and a later commit comes here again. A flush that
                    // failed has left word, and this commit is not acknowledged.
                    drop(self.write_back_as_due(writer, due));
                }
                let unflushed = writer.log(&self.core.database).map(|log| {
                    let flushes = &self.core.owner.flushes;
                    let seq = reached
                        .filter(|reached| flushes.note_written(&log, reached.seq, reached.is_new))
                        .map(|reached| reached.seq);
                    Unflushed { log, seq }
                });
                Ok((value, Some(unflushed)))
            }
            Ok((value, _)) => Ok((value, None)),
            Err((at, failure)) => {
                if let (Stage::Commit, WriteError::Sqlite(error)) = (at, &failure)
                    && code_of(error).map(class_of) == Some(CodeClass::Io)
                {
                    *state = WriterState::Poisoned(error.to_string());
                }
                Err(match failure {
                    WriteError::Sqlite(error) => self.error(&error),
                    WriteError::Store(error) => error,
                })
            }
        }
    }

    /// Returns the writer, with a log that may be added to; the caller holds the gate.
    fn writer<'w>(&self, state: &'w mut WriterState) -> Result<&'w mut Writer, StoreError> {
        // Another process may have converted the store to a log, which nobody does while a log is open.
        if let WriterState::Open(writer) = state
            && !writer.is_wal
            && journal::settle(&writer.connection).map_err(|error| self.error(&error))?
                == journal::WAL
        {
            *state = WriterState::Closed;
        }
        if let WriterState::Closed = state {
            let writer = self.core.owner.open_writer();
            let writer = writer.map_err(|error| self.error(&error))?;
            *state = WriterState::Open(Box::new(writer));
        }
        match state {
            WriterState::Open(writer) => {
                self.mend_log(writer)?;
                Ok(writer)
            }
            WriterState::Poisoned(what) => Err(StoreError::Poisoned { what: what.clone() }),
            WriterState::Closed => Err(StoreError::Internal("the writer did not open".to_owned())),
        }
    }

    /// Runs a transaction of the rooms beside this one, which speak SQL themselves.
    pub(super) fn write_sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.write(|connection| work(connection).map_err(WriteError::from))
    }
}

#[derive(Debug)]
enum Stage {
    Work,
    Commit,
}

fn transact<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Written<T>,
) -> Result<T, (Stage, WriteError)> {
    let at = |stage: Stage| move |error: rusqlite::Error| (stage, WriteError::from(error));
    let run = |sql: &str| connection.prepare_cached(sql)?.execute([]);
    // Its frames go into the log in one write, when it commits.
    let running = steadfast_vfs::transaction();
    run("BEGIN IMMEDIATE").map_err(at(Stage::Work))?;
    let open = Open(connection);
    let done = work(connection).map_err(|error| (Stage::Work, error));
    let done = done.and_then(|value| run("COMMIT").map(|_| value).map_err(at(Stage::Commit)));
    drop(open);
    drop(running);
    done
}

/// Rolls back what is still open when it is dropped, also by a panic: the next one to write uses the same connection.
struct Open<'c>(&'c Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // It was committed, or SQLite has rolled it back by itself, as it does after some errors.
        if !self.0.is_autocommit() {
            drop(self.0.execute_batch("ROLLBACK"));
        }
    }
}

/// Writes the active vector space down, for its first use.
fn add_space(connection: &Connection, model: &ModelId) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO spaces (name, revision, dimensions, hash) VALUES (?1, ?2, ?3, ?4)",
        params![
            model.name,
            model.revision,
            i64::try_from(model.dimensions).unwrap_or(0),
            &model.hash[..]
        ],
    )?;
    Ok(connection.last_insert_rowid())
}

impl Transaction<'_> {
    fn apply(&mut self, change: &Change) -> Written<Settled> {
        match change {
            Change::Put(put) => self.put(put, Replaces::AllButNotes),
            Change::Restore(restore) => self.restore(restore),
            Change::Past(past) => self.keep_past(past),
            Change::Note(note) => self.note(note),
            Change::Mark {
                namespace,
                source,
                status,
                reason,
                fingerprint,
            } => self.mark(
                namespace,
                source,
                *status,
                reason.as_deref(),
                fingerprint.as_ref(),
            ),
            Change::Rename {
                namespace,
                from,
                to,
                fingerprint,
            } => self.rename(namespace, from, to, fingerprint),
            Change::Forget { rows, documents } => self.forget(rows, documents),
            Change::Access(rows) => self.count_access(rows),
            Change::RenameTag { from, to } => self.rename_tag(from, to),
            Change::RenameNamespace { from, to, source } => {
                self.rename_namespace(from, to, source.as_deref())
            }
            Change::Root(root) => self.remember_root(root),
            Change::DropRoot { path, namespace } => self.drop_root(path, namespace.as_ref()),
            Change::Vectors(late) => self.late_vectors(late),
            Change::Collection(change) => self.collection(change),
            _ => Err(StoreError::Unsupported("a change that this version does not know").into()),
        }
    }

    /// Returns the number of the commit that a change is about to make; [`Self::log`] makes it count.
    fn next_seq(&self) -> i64 {
        self.head.seq + 1
    }

    /// Writes the event of the change that used [`Self::next_seq`].
    fn log(
        &mut self,
        operation: &str,
        namespace: Option<&Namespace>,
        source: Option<&str>,
        counts: Counts,
    ) -> Written<Seq> {
        self.head.seq += 1;
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "INSERT INTO commits (seq, time_ms, operation, actor, namespace, source, inserted, updated, removed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.head.seq,
                self.now.0,
                operation,
                self.actor,
                namespace.map(Namespace::as_str),
                source,
                count(counts.inserted),
                count(counts.updated),
                count(counts.removed),
            ])?;
        Ok(Seq(u64::try_from(self.head.seq).unwrap_or(0)))
    }

    fn count_access(&mut self, rows: &[Row]) -> Written<Settled> {
        let mut statement = self
            .connection
            .prepare_cached("UPDATE chunks SET access_count = access_count + 1 WHERE row = ?1")?;
        let mut updated = 0;
        for row in rows {
            updated += statement.execute([row.0])?;
        }
        let counts = Counts {
            updated: u64::try_from(updated).unwrap_or(0),
            ..Counts::default()
        };
        Ok(Settled {
            seq: None,
            outcome: steadfast_model::Outcome::Updated,
            counts,
            ids: self.ids(rows.iter().copied()),
            withheld: 0,
        })
    }

    fn ids(&self, rows: impl Iterator<Item = Row>) -> Vec<ChunkId> {
        rows.map(|row| ChunkId::new(&self.store_id, row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_leaves_no_transaction_open() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        let add = |connection: &Connection| connection.execute("INSERT INTO t VALUES (1)", []);
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            transact(&connection, |connection| -> Written<()> {
                add(connection)?;
                panic!("inside")
            })
        }));
        assert!(failed.is_err());
        assert!(transact(&connection, |connection| Ok(add(connection)?)).is_ok());
        let count = "SELECT count(*) FROM t";
        let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }
}
