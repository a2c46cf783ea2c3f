//! A copy of the ground state into one file, and the proof that a copy is whole.
//!
//! The copy is that of one moment. It is made by `VACUUM INTO`: it holds no
//! free pages, so nothing that was forgotten since the last scrub comes along,
//! and reading the source row by row finds a torn page that a copy of bytes
//! would carry over. What is deliberately not here: where the copy lies, how it
//! is named and packed.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use steadfast_model::{ContentHash, Row, Seq, StoreId, Timestamp};

use super::ladder::{State, read_state};
use super::write::vector_hash;
use super::{Access, SqliteStore, codes, connect, journal};
use crate::error::StoreError;
use crate::files::Disk;
use crate::upkeep::{PrunePlan, UndoPlan, Undone, Upkeep};

/// How many problems of the file itself are listed.
const FILE_PROBLEMS_MAX: u32 = 20;

/// What a copy of a store holds, read back from its file with every hash compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The identity of the store.
    pub store: StoreId,
    /// Its schema.
    pub schema: i64,
    /// The last commit in it.
    pub seq: Seq,
    /// Live chunks.
    pub chunks: u64,
    /// Chunks, live or history, whose text was hashed.
    pub texts: u64,
    /// Vectors that were hashed.
    pub vectors: u64,
    /// Rows whose text does not have its hash.
    pub damaged_texts: Vec<Row>,
    /// Rows whose vector does not have its hash.
    pub damaged_vectors: Vec<Row>,
    /// What SQLite says is wrong with the file; none for a sound one.
    pub problems: Vec<String>,
    /// What the accounts of the store say otherwise than its rows: a true copy has that from the store.
    pub accounts: Vec<String>,
}

impl SqliteStore {
    /// Copies the store as it is at one moment into `file`, which must be empty or absent, while others write.
    ///
    /// With the TRUNCATE journal writers wait at their gate for as long as it takes; else a commit would
    /// find the file locked by the reading and give up.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or the copy not be written; what is in the file then is
    /// of no use.
    ///
    /// # Durability
    /// The copy survives a loss of power when this returns; its entry in the folder is the caller's to flush.
    pub fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        // SQLite takes an empty file as it is, and so its mode.
        let refused = |error: &std::io::Error| StoreError::from_io(file, error);
        drop(
            self.disk()
                .open_private(file)
                .map_err(|error| refused(&error))?,
        );
        let waits = self.is_writable() && self.journal() != journal::WAL;
        let held = if waits {
            Some(self.core.owner.gate.pass(self.core.options.patience)?)
        } else {
            None
        };
        let copied = connect::open(
            self.disk().as_ref(),
            &self.core.database,
            self.core.owner.access,
        )
        .and_then(|connection| vacuum_into(&connection, file));
        drop(held);
        copied.map_err(|error| self.error(&error))?;
        self.disk()
            .open_private(file)
            .and_then(|copy| self.disk().sync(file, &copy))
            .map_err(|error| refused(&error))
    }
}

pub(super) fn vacuum_into(connection: &Connection, file: &Path) -> rusqlite::Result<()> {
    // Paths are bytes to SQLite as they are to most systems.
    let path = ToSqlOutput::Borrowed(ValueRef::Text(file.as_os_str().as_encoded_bytes()));
    connection.execute("VACUUM INTO ?1", [path]).map(drop)
}

/// Reads a copy that nobody writes to, and compares every text and vector with its hash.
///
/// # Errors
/// [`StoreError::Damaged`] when it is not a store or cannot be read to its end; [`StoreError::TooNew`];
/// other errors when the system refuses. Rows that do not have their hash are in the result.
pub fn check_copy(disk: &dyn Disk, file: &Path) -> Result<Checked, StoreError> {
    let failed = |error: &rusqlite::Error| codes::translate(file, error);
    let connection =
        connect::reader(disk, file, Access::Immutable).map_err(|error| failed(&error))?;
    let damaged = |what: String| StoreError::Damaged {
        path: file.to_owned(),
        what,
    };
    let schema = match read_state(&connection).map_err(|error| failed(&error))? {
        State::Ours(found) if found > super::SCHEMA => {
            return Err(StoreError::TooNew {
                path: file.to_owned(),
                found,
                known: super::SCHEMA,
            });
        }
        State::Ours(found) => found,
        State::Empty => return Err(damaged("it is empty".to_owned())),
        State::Misfit(what) | State::Foreign(what) => return Err(damaged(what)),
    };
    let mut checked = read(&connection, schema).map_err(|error| failed(&error))?;
    let bytes = std::fs::metadata(file)
        .map_err(|error| StoreError::from_io(file, &error))?
        .len();
    let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let expected: i64 = connection
        .query_row(pages, [], |row| row.get(0))
        .map_err(|error| failed(&error))?;
    if u64::try_from(expected) != Ok(bytes) {
        let what = format!("the file has {bytes} bytes instead of {expected}");
        checked.problems.push(what);
    }
    drop(connection);
    if let Err(error) = open_to_write(disk, file) {
        checked.problems.push(failed(&error).to_string());
    }
    Ok(checked)
}

/// How far the rows of a restored store are moved on, at least; once more at most.
const ROWS_APART: u32 = 1 << 20;

/// Moves the next row of a copy on, so that none is given out that the store it was made of may have given to another
/// text since: an id is made of the store and the row, and somebody may still hold it.
///
/// # Errors
/// [`StoreError`] when the copy cannot be written; it is of no use then.
///
/// # Durability
/// The copy survives a loss of power when this returns; its entry in the folder is the caller's to flush.
pub fn set_rows_apart(disk: &dyn Disk, file: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| codes::translate(file, &error);
    let connection = connect::open(disk, file, Access::ReadWrite).map_err(failed)?;
    // Nobody uses the file before it is whole, and nothing is to lie beside it.
    connection
        .execute_batch("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL")
        .and_then(|()| {
            connection.execute(
                "UPDATE store SET next_row = (next_row / ?1 + 2) * ?1 WHERE next_row < ?2 - 2 * ?1",
                [i64::from(ROWS_APART), i64::from(u32::MAX)],
            )
        })
        .map(drop)
        .map_err(failed)
}

/// Opens a copy as a store that is written to: a reader passes over constraints in the schema that make no sense.
fn open_to_write(disk: &dyn Disk, file: &Path) -> rusqlite::Result<()> {
    let is_wal = connect::open(disk, file, Access::Immutable)?
        .pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?
        .eq_ignore_ascii_case(journal::WAL);
    // A backup never is; opening one that is would leave a log beside it.
    if is_wal {
        return Ok(());
    }
    read_state(&connect::open(disk, file, Access::ReadWrite)?).map(drop)
}

fn read(connection: &Connection, schema: i64) -> rusqlite::Result<Checked> {
    let mut problems: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({FILE_PROBLEMS_MAX})"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    problems.retain(|problem| problem != "ok");
    let (store, seq, kept): ([u8; 16], i64, i64) =
        connection.query_row("SELECT store_id, seq, live_chunks FROM store", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let (mut texts, mut live, mut damaged_texts) = (0, 0_i64, Vec::new());
    let mut statement =
        connection.prepare("SELECT row, content_hash, text, removed_seq IS NULL FROM chunks")?;
    let mut found = statement.query([])?;
    while let Some(columns) = found.next()? {
        texts += 1;
        live += columns.get::<_, i64>(3)?;
        let hash: [u8; 32] = columns.get(1)?;
        let text = std::str::from_utf8(columns.get_ref(2)?.as_bytes()?).ok();
        if text.map(ContentHash::of) != Some(ContentHash(hash)) {
            damaged_texts.push(Row(columns.get(0)?));
        }
    }
    let (mut vectors, mut damaged_vectors) = (0, Vec::new());
    let mut statement =
        connection.prepare("SELECT vector_key & 4294967295, vector, hash FROM vectors")?;
    let mut found = statement.query([])?;
    while let Some(columns) = found.next()? {
        vectors += 1;
        let row = Row(columns.get(0)?);
        if vector_hash(row, columns.get_ref(1)?.as_bytes()?) != columns.get_ref(2)?.as_bytes()? {
            damaged_vectors.push(row);
        }
    }
    let mut accounts = Vec::new();
    if live != kept {
        accounts.push(format!(
            "{live} live chunks are there, {kept} by the store's account"
        ));
    }
    Ok(Checked {
        store: StoreId(store),
        schema,
        seq: Seq(u64::try_from(seq).unwrap_or(0)),
        chunks: u64::try_from(live).unwrap_or(0),
        texts,
        vectors,
        damaged_texts,
        damaged_vectors,
        problems,
        accounts,
    })
}

impl Upkeep for SqliteStore {
    fn disk(&self) -> &dyn Disk {
        Self::disk(self).as_ref()
    }

    fn folder(&self) -> &Path {
        Self::folder(self)
    }

    fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        Self::copy_to(self, file)
    }

    fn plan_undo(&self, seq: Seq) -> Result<UndoPlan, StoreError> {
        self.snapshot()?.undo_plan(seq)
    }

    fn undo(&self, plan: &UndoPlan, actor: &str) -> Result<Undone, StoreError> {
        self.undo_commit(plan, actor)
    }

    fn plan_prune(&self, before: Timestamp) -> Result<PrunePlan, StoreError> {
        self.snapshot()?.prune_plan(before)
    }

    fn prune(&self, plan: &PrunePlan, actor: &str) -> Result<Option<Seq>, StoreError> {
        self.prune_history(plan, actor)
    }
}
