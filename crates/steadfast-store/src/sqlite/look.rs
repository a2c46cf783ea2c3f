//! A first look at a database that may not be one: nothing is changed, and it ends in bounded time.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, ffi};
use steadfast_model::Timestamp;

use super::ladder::{State, read_state};
use super::schema::SCHEMA;
use super::{Access, DATABASE, codes, connect};
use crate::error::StoreError;
use crate::files::Disk;

/// How many problems of the file itself are listed.
const PROBLEMS_MAX: u32 = 20;
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
    /// That check came to its end in time.
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
        State::Ours(found) if found > SCHEMA => Err(StoreError::TooNew {
            path: folder.to_owned(),
            found,
            known: SCHEMA,
        }),
        State::Ours(schema) => {
            let mut looked = nothing(Found::Store(schema));
            (looked.jobs_stuck, looked.jobs_failed) = jobs(&connection, now).unwrap_or((0, 0));
            match check(&mut connection, patience) {
                Ok(problems) => looked.problems = problems,
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
                {
                    looked.finished = false;
                }
                Err(error) => looked.problems.push(damage(folder, &error)?),
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

fn check(connection: &mut Connection, patience: Duration) -> rusqlite::Result<Vec<String>> {
    let deadline = Instant::now() + patience;
    connection.progress_handler(STEPS, Some(move || Instant::now() > deadline))?;
    let problems: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(problems.into_iter().filter(|line| line != "ok").collect())
}
