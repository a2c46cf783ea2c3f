//! The opening ladder: from the plain way to read-only, each rung reported.
//!
//! Side files (`-wal`, `-shm`, `-journal`) are never removed, renamed or cut
//! by hand: peers that did so lost 40 of 99 committed rows with the integrity
//! check still clean. Where shared memory cannot be had, `locking_mode=EXCLUSIVE`
//! before the first read needs none, and recovers every committed frame.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use steadfast_model::StoreId;

use super::codes::{CodeClass, class_of, code_of, translate};
use super::creation::{self, INIT_LOCK, mark_created, was_created};
use super::flush::SharedFlush;
use super::journal::{self, Journal};
use super::retry::Retry;
use super::schema::{APPLICATION_ID, MIGRATIONS, SCHEMA};
use super::{Access, DATABASE, OpenOptions, WRITER_LOCK, alone, connect, objects};
use crate::error::StoreError;
use crate::files::{self, Disk, FilesystemKind, Gate};
use crate::sabotage::{self, Sabotage};

pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) id: StoreId,
    pub(super) journal: &'static str,
    pub(super) access: Access,
    pub(super) rungs: Vec<String>,
}

/// How long the creation or migration by another process is waited for.
const INIT_PATIENCE: Duration = Duration::from_secs(30);

/// The oldest SQLite without the WAL-reset bug, which could corrupt a store with two connections.
const SQLITE_OLDEST: i32 = 3_051_003;

/// Held while a database file is made: of several threads that find none, one makes it.
static CREATING: Mutex<()> = Mutex::new(());

/// What the file is, as far as its header and schema tell.
pub(super) enum State {
    Empty,
    Ours(i64),
    /// It is one of ours, and its schema number cannot be right.
    Misfit(String),
    Foreign(String),
}

pub(super) fn open(folder: &Path, options: &OpenOptions) -> Result<Opened, StoreError> {
    if rusqlite::version_number() < SQLITE_OLDEST {
        return Err(StoreError::Internal(format!(
            "SQLite {} has the WAL-reset bug",
            rusqlite::version()
        )));
    }
    let disk = options.disk.as_ref();
    let database = folder.join(DATABASE);
    if let Some(what) = alone::find(&database) {
        return Err(StoreError::Damaged {
            path: folder.to_owned(),
            what,
        });
    }
    let exists = database
        .try_exists()
        .map_err(|error| StoreError::from_io(&database, &error))?;
    if !exists {
        if !options.create {
            return Err(StoreError::NotFound {
                path: folder.to_owned(),
            });
        }
        disk.create_private_folder(folder)?;
        // Closing the file drops the locks that this process has on it: nobody here may have it open by then.
        let alone = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
        if !database.exists() {
            let created = disk.open_private(&database);
            drop(created.map_err(|error| StoreError::from_io(&database, &error))?);
        }
        drop(alone);
    }
    if sabotage::is(Sabotage::SideFileDeleted) {
        disk.discard(&folder.join("steadfast.db-wal"));
    }
    let mut rungs = Vec::new();
    let mut retry = Retry::new();
    let (failed, class) = loop {
        let failed = match open_read_write(folder, options, &mut rungs) {
            Ok(opened) => return Ok(opened),
            Err(Refused::Ours(error)) => return Err(error),
            Err(Refused::Sqlite(error)) => error,
        };
        let class = code_of(&failed).map_or(CodeClass::Internal, class_of);
        if class != CodeClass::Busy || !retry.pause() {
            break (failed, class);
        }
        rungs.clear();
    };
    if class == CodeClass::Unopenable {
        if let Some(error) = refused_by_system(folder, &database) {
            if matches!(error, StoreError::TooManyOpenFiles { .. }) {
                return Err(error);
            }
        } else if let Some(opened) = recover_exclusively(folder, options, &mut rungs)? {
            return Ok(opened);
        }
    }
    if matches!(
        class,
        CodeClass::Unopenable | CodeClass::ReadOnly | CodeClass::Permission
    ) && let Some(opened) = open_read_only(folder, disk, &mut rungs)?
    {
        return Ok(opened);
    }
    Err(refused_by_system(folder, &database).unwrap_or_else(|| translate(folder, &failed)))
}

enum Refused {
    Ours(StoreError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Ours(error)
    }
}

fn open_read_write(
    folder: &Path,
    options: &OpenOptions,
    rungs: &mut Vec<String>,
) -> Result<Opened, Refused> {
    let database = folder.join(DATABASE);
    let connection = connect::open(options.disk.as_ref(), &database, Access::ReadWrite)?;
    let mode = journal::current(&connection)?;
    let wanted = match options.journal {
        Journal::Auto => None,
        Journal::Wal => Some(journal::WAL),
        Journal::Truncate => Some(journal::TRUNCATE),
    };
    let is_wal = mode.eq_ignore_ascii_case(journal::WAL);
    let settled = check_version(folder, &connection)? == Some(SCHEMA)
        && wanted.is_none_or(|wanted| (wanted == journal::WAL) == is_wal);
    if settled {
        creation::complete(
            options.disk.as_ref(),
            folder,
            INIT_PATIENCE,
            || {
                if is_wal {
                    flush_log(folder, options, Some(&connection))
                } else {
                    Ok(())
                }
            },
            || read_id(folder, &connection),
        )?;
        return finish(folder, connection, Access::ReadWrite, std::mem::take(rungs));
    }
    drop(connection);
    initialise(folder, options, wanted, rungs)
}

/// Returns the schema of a store of ours, or none for an empty file.
fn check_version(folder: &Path, connection: &Connection) -> Result<Option<i64>, Refused> {
    match read_state(connection)? {
        State::Empty => Ok(None),
        State::Ours(found) if found > SCHEMA => Err(StoreError::TooNew {
            path: folder.to_owned(),
            found,
            known: SCHEMA,
        }
        .into()),
        State::Ours(found) => Ok(Some(found)),
        State::Misfit(what) | State::Foreign(what) => Err(StoreError::Damaged {
            path: folder.to_owned(),
            what,
        }
        .into()),
    }
}

/// Reads all of it in one transaction: between two of its own, another process may create the store.
pub(super) fn read_state(connection: &Connection) -> rusqlite::Result<State> {
    let snapshot = connection.unchecked_transaction()?;
    let pragma =
        |name: &str| snapshot.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let tables: i64 =
        snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if tables == 0 => State::Empty,
        (APPLICATION_ID, version) => {
            objects::misfit(&snapshot, version)?.map_or(State::Ours(version), State::Misfit)
        }
        (application, _) => State::Foreign(format!(
            "steadfast.db is a database of another program (application id {application}, {tables} tables)"
        )),
    })
}

/// Creates, migrates or converts the store while no other process does.
fn initialise(
    folder: &Path,
    options: &OpenOptions,
    wanted: Option<&'static str>,
    rungs: &mut Vec<String>,
) -> Result<Opened, Refused> {
    let database = folder.join(DATABASE);
    let gate = Gate::new(folder.join(INIT_LOCK));
    let held = gate.pass(INIT_PATIENCE)?;
    let mut connection = connect::open(options.disk.as_ref(), &database, Access::ReadWrite)?;
    let found = check_version(folder, &connection)?;
    if found.is_none() {
        if was_created(gate.path()) {
            return Err(StoreError::Damaged {
                path: folder.to_owned(),
                what: "steadfast.db is empty although the store was created before".to_owned(),
            }
            .into());
        }
        if !options.create {
            return Err(StoreError::NotFound {
                path: folder.to_owned(),
            }
            .into());
        }
        files::make_private(&database)?;
    }
    let is_wal = journal::current(&connection)?.eq_ignore_ascii_case(journal::WAL);
    if is_wal {
        flush_log(folder, options, Some(&connection))?;
    }
    let fresh_choice = || match files::filesystem_kind(folder) {
        FilesystemKind::Remote => journal::TRUNCATE,
        FilesystemKind::Local | FilesystemKind::Unknown => journal::WAL,
    };
    let target = match (wanted, found) {
        (Some(wanted), _) => wanted,
        (None, None) => fresh_choice(),
        (None, Some(_)) if is_wal => journal::WAL,
        (None, Some(_)) => journal::TRUNCATE,
    };
    if target == journal::WAL {
        let switched = if is_wal {
            Ok(true)
        } else {
            journal::switch_to_wal(&connection)
        };
        match switched {
            Ok(true) => {}
            // A file system without what shared memory needs says so here, or by keeping the old mode.
            Ok(false) => rungs.push(WAL_REFUSED.to_owned()),
            Err(error) if found.is_none() && is_unopenable(&error) => {
                drop(connection);
                switch_back(options, &database)?;
                connection = connect::open(options.disk.as_ref(), &database, Access::ReadWrite)?;
                rungs.push(WAL_REFUSED.to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    } else if !journal::switch_to_truncate(&connection)? {
        return Err(connect::mode_refused().into());
    }
    connect::set(&connection, "synchronous", connect::SYNCHRONOUS_FULL)?;
    if let Err(error) = migrate(&connection, options) {
        // The frames may lie in the log although SQLite could not flush them: the next process finds them there.
        SharedFlush::of(folder).doubt(&database);
        return Err(error.into());
    }
    let id = read_id(folder, &connection)?;
    if !was_created(gate.path()) {
        mark_created(options.disk.as_ref(), folder, id, &held)
            .map_err(|error| StoreError::from_io(folder, &error))?;
    }
    drop(held);
    finish(folder, connection, Access::ReadWrite, std::mem::take(rungs))
}

const WAL_REFUSED: &str = "WAL was refused; the store uses the TRUNCATE journal";

fn is_unopenable(error: &rusqlite::Error) -> bool {
    code_of(error).map(class_of) == Some(CodeClass::Unopenable)
}

/// Makes a new file, whose header may say WAL already, one with a rollback journal: with the exclusive lock, which
/// needs no shared memory.
fn switch_back(options: &OpenOptions, database: &Path) -> rusqlite::Result<()> {
    let connection = connect::open(options.disk.as_ref(), database, Access::ReadWrite)?;
    connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE")?;
    match read_state(&connection)? {
        State::Empty if journal::switch_to_truncate(&connection)? => Ok(()),
        State::Empty | State::Ours(_) | State::Misfit(_) | State::Foreign(_) => {
            Err(connect::mode_refused())
        }
    }
}

/// Brings the schema up to date. The version is read again inside the
/// transaction, so of two processes the second finds nothing to do.
fn migrate(connection: &Connection, options: &OpenOptions) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = (|| {
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut done = usize::try_from(version).unwrap_or(0);
        if sabotage::is(Sabotage::MigrationNotRechecked) {
            done = 0;
        }
        for migration in MIGRATIONS.iter().skip(done) {
            connection.execute_batch(migration)?;
        }
        if done == 0 {
            connection.execute(
                "INSERT INTO store VALUES (1, randomblob(16), ?1, 0, 1, 1, 1, 0, 0) ON CONFLICT DO NOTHING",
                [options.clock.now().0],
            )?;
        }
        if sabotage::is(Sabotage::NoUniqueKey) {
            connection.execute_batch(
                "DROP INDEX chunks_unique; CREATE INDEX chunks_unique
                 ON chunks (document, content_hash, start_line, ordinal) WHERE removed_seq IS NULL",
            )?;
        }
        connection.execute_batch(&format!(
            "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA};"
        ))
    })();
    match migrated {
        Ok(()) => connection.execute_batch("COMMIT"),
        Err(error) => {
            // The first error is the one to tell; the connection is closed next, which rolls back as well.
            drop(connection.execute_batch("ROLLBACK"));
            Err(error)
        }
    }
}

/// Makes the log whole and flushes it, before SQLite writes it back to change the journal, or adds to it.
fn flush_log(
    folder: &Path,
    options: &OpenOptions,
    known: Option<&Connection>,
) -> Result<(), StoreError> {
    let database = folder.join(DATABASE);
    let gate = Gate::new(folder.join(WRITER_LOCK));
    let held = gate.pass(INIT_PATIENCE)?;
    let flushed = SharedFlush::of(folder).settle_and_flush(&database, options.disk.as_ref(), known);
    drop(held);
    flushed.map_err(|error| StoreError::from_io(&database, &error))
}

fn read_id(folder: &Path, connection: &Connection) -> Result<StoreId, Refused> {
    read_id_of(connection)?.ok_or_else(|| {
        StoreError::Damaged {
            path: folder.to_owned(),
            what: "the identity of the store is malformed".to_owned(),
        }
        .into()
    })
}

/// Returns the identity of a store; none when it is malformed.
pub(super) fn read_id_of(connection: &Connection) -> rusqlite::Result<Option<StoreId>> {
    let bytes: Vec<u8> =
        connection.query_row("SELECT store_id FROM store", [], |row| row.get(0))?;
    Ok(<[u8; 16]>::try_from(bytes.as_slice()).map(StoreId).ok())
}

fn finish(
    folder: &Path,
    connection: Connection,
    access: Access,
    rungs: Vec<String>,
) -> Result<Opened, Refused> {
    let id = read_id(folder, &connection)?;
    let is_wal = journal::current(&connection)?.eq_ignore_ascii_case(journal::WAL);
    let journal = match access {
        Access::ReadWrite | Access::ReadOnly if is_wal => journal::WAL,
        Access::ReadWrite | Access::ReadOnly => journal::TRUNCATE,
        Access::Immutable => "none",
    };
    connect::make_reader(&connection)?;
    Ok(Opened {
        connection,
        id,
        journal,
        access,
        rungs,
    })
}

/// Recovers a WAL store whose shared memory cannot be had, and leaves it in TRUNCATE mode.
///
/// The exclusive lock that this takes is itself the proof that nobody else has
/// the file open: every WAL connection holds a shared one.
fn recover_exclusively(
    folder: &Path,
    options: &OpenOptions,
    rungs: &mut Vec<String>,
) -> Result<Option<Opened>, StoreError> {
    let database = folder.join(DATABASE);
    let gate = Gate::new(folder.join(INIT_LOCK));
    let held = gate.pass(INIT_PATIENCE)?;
    // What cannot be flushed stays in the log.
    if flush_log(folder, options, None).is_err() {
        return Ok(None);
    }
    let recovered = (|| {
        let connection = connect::open(options.disk.as_ref(), &database, Access::ReadWrite)?;
        connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE")?;
        match read_state(&connection)? {
            State::Ours(version) if version <= SCHEMA => journal::switch_to_truncate(&connection),
            State::Empty | State::Ours(_) | State::Misfit(_) | State::Foreign(_) => Ok(false),
        }
    })();
    drop(held);
    if !recovered.unwrap_or(false) {
        return Ok(None);
    }
    rungs.push("shared memory could not be had; the WAL was written back and the store uses the TRUNCATE journal".to_owned());
    let kept = OpenOptions {
        journal: Journal::Auto,
        ..options.clone()
    };
    match open_read_write(folder, &kept, rungs) {
        Ok(opened) => Ok(Some(opened)),
        Err(Refused::Ours(error)) => Err(error),
        Err(Refused::Sqlite(error)) => Err(translate(folder, &error)),
    }
}

/// Opens for reading only: plainly, or as an immutable file when there is no frame in a WAL to miss.
fn open_read_only(
    folder: &Path,
    disk: &dyn Disk,
    rungs: &mut Vec<String>,
) -> Result<Option<Opened>, StoreError> {
    let database = folder.join(DATABASE);
    let wal_is_empty = std::fs::metadata(folder.join(format!("{DATABASE}-wal")))
        .map_or(true, |found| found.len() == 0);
    for access in [Access::ReadOnly, Access::Immutable] {
        if access == Access::Immutable && !wal_is_empty {
            continue;
        }
        let opened = connect::open(disk, &database, access)
            .map_err(Refused::from)
            .and_then(|connection| match check_version(folder, &connection)? {
                Some(_) => finish(folder, connection, access, Vec::new()),
                None => Err(StoreError::NotFound {
                    path: folder.to_owned(),
                }
                .into()),
            });
        match opened {
            Ok(mut opened) => {
                rungs.push("the store can only be read".to_owned());
                opened.rungs = std::mem::take(rungs);
                return Ok(Some(opened));
            }
            Err(Refused::Ours(error)) => return Err(error),
            Err(Refused::Sqlite(_)) => {}
        }
    }
    Ok(None)
}

/// Returns the system's own reason why the file cannot be opened for writing, without opening it.
fn refused_by_system(folder: &Path, database: &Path) -> Option<StoreError> {
    if let Err(error) = std::fs::File::open(folder) {
        return Some(StoreError::from_io(folder, &error));
    }
    #[cfg(unix)]
    for path in [folder, database] {
        if let Err(error) = rustix::fs::access(
            path,
            rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK,
        ) {
            return Some(StoreError::from_io(path, &error.into()));
        }
    }
    #[cfg(not(unix))]
    let _ = database;
    None
}
