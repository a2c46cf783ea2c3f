//! A first look at a database that may not be one: nothing is changed, and it ends in bounded time.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, ffi};
use steadfast_model::{ChunkId, Row, StoreId, Timestamp};

use super::ladder::{State, read_id_of, read_state};
use super::objects::{self, SchemaDifference};
use super::schema::SCHEMA;
use super::values::{Unreadable, unreadable};
use super::{Access, DATABASE, codes, connect};
use crate::error::StoreError;
use crate::files::Disk;

/// How many problems of the file itself are listed.
const PROBLEMS_MAX: u32 = 20;
/// How many chunks with unreadable values are named.
const CHUNKS_MAX: usize = 100;
/// Steps of SQLite's machine between two looks at the clock: well below a millisecond.
const STEPS: i32 = 10_000;

/// What stands in the place of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A file without content.
    Empty,
    /// A store of this schema.
    Store(i64),
    /// A database of another program, or no database.
    Foreign(String),
    /// A store whose first pages cannot be read.
    Unreadable(String),
}

/// What a first look at a database found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// What stands there.
    pub found: Found,
    /// What SQLite's own check says is wrong.
    pub problems: Vec<String>,
    /// How the schema of a store of today differs from what it should be.
    pub schema: SchemaDifference,
    /// How many rows of each table hold values that cannot be read.
    pub unreadable: Vec<(&'static str, u64)>,
    /// The chunks that these belong to, as far as they can be named.
    pub unreadable_chunks: Vec<ChunkId>,
    /// Counters that would give out numbers again that are in use, each as (what, counter, last number).
    pub behind: Vec<(&'static str, i64, i64)>,
    /// All of this was looked at in time.
    pub finished: bool,
    /// Jobs whose lease ran out, so that nobody is at them.
    pub jobs_stuck: u64,
    /// Jobs that were given up.
    pub jobs_failed: u64,
}

/// Looks at the database in a store folder, for at most about `patience`.
///
/// # Errors
/// [`StoreError::TooNew`]; others when the system refuses to open it. What is wrong with its content is no error.
pub fn look(
    disk: &dyn Disk,
    folder: &Path,
    now: Timestamp,
    patience: Duration,
) -> Result<Look, StoreError> {
    let database = folder.join(DATABASE);
    let nothing = |found: Found| Look {
        found,
        problems: Vec::new(),
        schema: SchemaDifference::default(),
        unreadable: Vec::new(),
        unreadable_chunks: Vec::new(),
        behind: Vec::new(),
        finished: true,
        jobs_stuck: 0,
        jobs_failed: 0,
    };
    match std::fs::metadata(&database) {
        Ok(found) if found.len() == 0 && !has_log(folder) => return Ok(nothing(Found::Empty)),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(nothing(Found::Missing));
        }
        Err(error) => return Err(StoreError::from_io(&database, &error)),
    }
    let unreadable = |error: &rusqlite::Error| {
        damage(folder, error).map(|what| nothing(Found::Unreadable(what)))
    };
    let (mut connection, state) = match open(disk, &database) {
        Ok(opened) => opened,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Ok(nothing(Found::Foreign("it is not a database".to_owned())));
        }
        Err(error) => return unreadable(&error),
    };
    match state {
        State::Empty => Ok(nothing(Found::Empty)),
        State::Foreign(what) => Ok(nothing(Found::Foreign(what))),
        State::Misfit(what) => Ok(nothing(Found::Unreadable(what))),
        State::Ours(found) if found > SCHEMA => Err(StoreError::TooNew {
            path: folder.to_owned(),
            found,
            known: SCHEMA,
        }),
        State::Ours(schema) => {
            let mut looked = nothing(Found::Store(schema));
            (looked.jobs_stuck, looked.jobs_failed) = jobs(&connection, now).unwrap_or((0, 0));
            let parts: &[Part] = if schema == SCHEMA {
                &[check, compare_schema, compare_counters, read_values]
            } else {
                &[check]
            };
            for part in parts {
                set_deadline(&mut connection, patience)
                    .map_err(|error| codes::translate(folder, &error))?;
                match part(&connection, &mut looked) {
                    Ok(()) => {}
                    Err(error)
                        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
                    {
                        looked.finished = false;
                    }
                    // What is missing was told before; without it the rest cannot be looked at.
                    Err(_) if !looked.schema.missing.is_empty() => {}
                    Err(error) => {
                        let what = damage(folder, &error)?;
                        if !looked.problems.contains(&what) {
                            looked.problems.push(what);
                        }
                    }
                }
            }
            Ok(looked)
        }
    }
}

/// Returns what is damaged by an error's account; another error stays one.
fn damage(folder: &Path, error: &rusqlite::Error) -> Result<String, StoreError> {
    let error = codes::translate(folder, error);
    if let StoreError::Damaged { what, .. } = error {
        Ok(what)
    } else {
        Err(error)
    }
}

fn has_log(folder: &Path) -> bool {
    let log = folder.join(format!("{DATABASE}-wal"));
    std::fs::metadata(log).is_ok_and(|found| found.len() > 0)
}

/// Opens for reading only; where shared memory cannot be had, without it. A transaction that was cut off is first
/// undone from its journal, as every opening does it: without that there is nothing sensible to look at.
fn open(disk: &dyn Disk, database: &Path) -> rusqlite::Result<(Connection, State)> {
    let read = |access| {
        let connection = connect::reader(disk, database, access)?;
        let state = read_state(&connection)?;
        Ok((connection, state))
    };
    read(Access::ReadOnly).or_else(|error: rusqlite::Error| {
        let code = codes::code_of(&error);
        let class = code.map(codes::class_of);
        if code == Some(ffi::SQLITE_READONLY_ROLLBACK) {
            read(Access::ReadWrite)
        } else if class == Some(codes::CodeClass::Unopenable) {
            read(Access::Immutable)
        } else {
            Err(error)
        }
    })
}

fn jobs(connection: &Connection, now: Timestamp) -> rusqlite::Result<(u64, u64)> {
    connection.query_row(
        "SELECT coalesce(sum(state = 1 AND lease_ms <= ?1), 0), coalesce(sum(state = 2), 0) FROM jobs",
        [now.0],
        |row| {
            let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
            Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)))
        },
    )
}

/// A part of the look, which may be cut off.
type Part = fn(&Connection, &mut Look) -> rusqlite::Result<()>;

fn set_deadline(connection: &mut Connection, patience: Duration) -> rusqlite::Result<()> {
    let deadline = Instant::now() + patience;
    connection.progress_handler(STEPS, Some(move || Instant::now() > deadline))
}

fn check(connection: &Connection, looked: &mut Look) -> rusqlite::Result<()> {
    let problems: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    looked.problems = problems.into_iter().filter(|line| line != "ok").collect();
    Ok(())
}

fn compare_schema(connection: &Connection, looked: &mut Look) -> rusqlite::Result<()> {
    looked.schema = objects::compare(connection)?;
    Ok(())
}

/// Numbers are never given out twice: each counter is past all that is in use. One statement sees one moment.
fn compare_counters(connection: &Connection, looked: &mut Look) -> rusqlite::Result<()> {
    let found = connection.query_row(
        "SELECT seq, max((SELECT coalesce(max(seq), 0) FROM commits), (SELECT coalesce(max(removed_seq), 0)
                 FROM chunks WHERE removed_seq IS NOT NULL), (SELECT coalesce(max(added_seq), 0) FROM chunks)),
             next_row - 1, (SELECT coalesce(max(row), 0) FROM chunks),
             next_document - 1, (SELECT coalesce(max(document), 0) FROM documents),
             next_facet - 1, (SELECT coalesce(max(facet), 0) FROM facets) FROM store",
        [],
        |row| {
            // What is no number is told as a value that cannot be read.
            let number = |column: usize| row.get::<_, i64>(column).unwrap_or(0);
            Ok([0, 2, 4, 6].map(|column| (number(column), number(column + 1))))
        },
    );
    let Some(found) = found.optional()? else {
        looked
            .problems
            .push("the identity of the store is gone".to_owned());
        return Ok(());
    };
    let what = ["commits", "chunks", "documents", "attributes"];
    looked.behind = what
        .into_iter()
        .zip(found)
        .filter(|(_, (counter, last))| counter < last)
        .map(|(what, (counter, last))| (what, counter, last))
        .collect();
    Ok(())
}

fn read_values(connection: &Connection, looked: &mut Look) -> rusqlite::Result<()> {
    let found = unreadable(connection)?;
    looked.unreadable = found.iter().map(|it| (it.table, it.count)).collect();
    if !found.is_empty()
        && let Ok(Some(id)) = read_id_of(connection)
    {
        looked.unreadable_chunks = chunks_of(connection, &id, &found)?;
    }
    Ok(())
}

/// Names the live chunks that unreadable rows belong to.
fn chunks_of(
    connection: &Connection,
    id: &StoreId,
    found: &[Unreadable],
) -> rusqlite::Result<Vec<ChunkId>> {
    let mut rows = Vec::new();
    for Unreadable { table, keys, .. } in found {
        let sql = match *table {
            "chunks" => "SELECT row FROM chunks WHERE row = ?1 AND removed_seq IS NULL",
            "facets" => {
                "SELECT c.row FROM facets f JOIN chunks c ON c.document = f.document AND c.facet = f.facet
                 WHERE f.facet = ?1 AND c.removed_seq IS NULL"
            }
            "documents" => "SELECT row FROM chunks WHERE document = ?1 AND removed_seq IS NULL",
            _ => continue,
        };
        let mut statement = connection.prepare(sql)?;
        for key in keys {
            let numbers = statement.query_map([key], |row| row.get::<_, i64>(0))?;
            for number in numbers.take(CHUNKS_MAX) {
                rows.extend(u32::try_from(number?).ok().map(Row));
            }
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows.truncate(CHUNKS_MAX);
    Ok(rows.iter().map(|row| ChunkId::new(id, *row)).collect())
}
