//! The door to SQLite files of other programs: read from a private copy, never changed.
//!
//! Invariants: of the source only bytes are read, by plain file I/O into a
//! private folder; SQLite opens the copy alone, in exclusive locking mode, so
//! that it needs no shared-memory file and a stale or unopenable one cannot
//! matter; nothing of the foreign schema runs: only stored columns of ordinary
//! tables are read. A table that is damaged in the middle is read from both
//! ends, and what could not be read is said.
//!
//! What is deliberately not here: what the tables mean.

mod copy;
mod edit;
mod row;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::codes::{CodeClass, class_of, code_of, translate};
use crate::error::StoreError;

use copy::PrivateCopy;

pub use copy::sweep;
pub use edit::ForeignEdit;
pub use row::{ForeignRow, ForeignValue};

/// The longest text or blob that is read, in bytes.
const VALUE_BYTES_MAX: i32 = 256 << 20;

/// An SQLite file of another program, opened from a private copy that goes with this value.
#[derive(Debug)]
pub struct ForeignDatabase {
    // Fields drop in order: the connection is closed before its file goes.
    connection: Connection,
    source: PathBuf,
    tables: BTreeMap<String, Vec<String>>,
    source_has_log: bool,
    wants_log: bool,
    copy: PrivateCopy,
}

/// What became of reading a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRead {
    /// Rows that were handed over.
    pub rows: u64,
    /// What could not be read, when some of it could not.
    pub damage: Option<String>,
}

/// How far the reading of a table got.
enum Scanned {
    Whole,
    Damaged(String),
}

impl ForeignDatabase {
    /// Copies the file at `source`, with its log or rollback journal, into a private folder below `scratch`, and
    /// opens the copy.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the source changes while it is copied; [`StoreError::Damaged`] when it is not an
    /// SQLite file or its schema cannot be read; others when the system refuses.
    pub fn open(source: &Path, scratch: &Path) -> Result<Self, StoreError> {
        let copy = PrivateCopy::of(source, scratch)?;
        let failed = |error: &rusqlite::Error| foreign(source, error);
        let connection = connect(&copy.database()).map_err(|error| failed(&error))?;
        copy.unname();
        let tables = tables(&connection).map_err(|error| failed(&error))?;
        Ok(Self {
            connection,
            source: source.to_owned(),
            tables,
            source_has_log: copy.has_log(),
            wants_log: copy.wants_log(),
            copy,
        })
    }

    /// Returns the file that was copied.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// Returns the folder of the private copy.
    pub fn scratch(&self) -> &Path {
        self.copy.folder()
    }

    /// Returns whether the header asks for a write-ahead log and none lies beside the file. That is so after an
    /// orderly end too: only a second record of what was written tells whether anything is gone.
    pub fn is_without_log(&self) -> bool {
        self.wants_log && !self.source_has_log
    }

    /// Returns whether there is an ordinary table with this name.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Returns whether there is an ordinary table with this column.
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns(table).iter().any(|known| known == column)
    }

    /// Returns the stored columns of a table; none when there is no such table.
    pub fn columns(&self, table: &str) -> &[String] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the ordinary tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Returns the number of rows of a table; 0 when there is no such table or it cannot be counted.
    pub fn count(&self, table: &str) -> u64 {
        if !self.has_table(table) {
            return 0;
        }
        let sql = format!("SELECT count(*) FROM {}", quoted(table));
        self.connection
            .query_row(&sql, [], |row| row.get::<_, i64>(0))
            .ok()
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0)
    }

    /// Returns what is wrong with the structure of the file, when something is: rows that no longer hang together with
    /// the rest are not seen by reading them.
    ///
    /// Constraints are not evaluated, and where there are tables of modules only the ordinary ones are looked at, one
    /// by one: nothing of the foreign schema runs.
    pub fn damage(&self) -> Option<String> {
        if let Some(damage) = self.shared_root() {
            return Some(damage);
        }
        // Of a setting that is refused the check says what it finds all the same.
        drop(
            self.connection
                .execute_batch("PRAGMA ignore_check_constraints=ON"),
        );
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage = 0";
        let modules = self.connection.query_row(sql, [], |row| row.get(0));
        if matches!(modules, Ok(0_i64)) {
            return self.broken("PRAGMA integrity_check(1)", "the file");
        }
        self.tables().find_map(|table| {
            self.broken(
                &format!("PRAGMA integrity_check({})", quoted(table)),
                &format!("the table {table}"),
            )
        })
    }

    /// Tells when two tables or indexes begin at one page: then one of them is read as the other.
    fn shared_root(&self) -> Option<String> {
        let sql = "SELECT group_concat(name, ' and ') FROM sqlite_schema WHERE rootpage > 0
                   GROUP BY rootpage HAVING count(*) > 1 LIMIT 1";
        let shared = self
            .connection
            .query_row(sql, [], |row| row.get::<_, String>(0));
        shared
            .ok()
            .map(|names| format!("{names} begin at one page"))
    }

    /// Runs a check; what cannot be checked for another reason than damage cannot be read either, which is told there.
    fn broken(&self, sql: &str, what: &str) -> Option<String> {
        let found = self
            .connection
            .query_row(sql, [], |row| row.get::<_, String>(0));
        match found {
            Ok(answer) if answer == "ok" => None,
            Ok(answer) => Some(format!("{what}: {answer}")),
            Err(error) if is_damage(&error) => Some(format!("{what}: {error}")),
            Err(_) => None,
        }
    }

    /// Returns what SQLite itself finds wrong with the file, at most `problems_max` sentences; none for a sound one.
    ///
    /// # Errors
    /// [`StoreError`] when the check fails for another reason than damage.
    pub fn problems(&self, problems_max: u32) -> Result<Vec<String>, StoreError> {
        let check = || -> rusqlite::Result<Vec<String>> {
            self.connection
                .prepare(&format!("PRAGMA quick_check({problems_max})"))?
                .query_map([], |row| row.get(0))?
                .collect()
        };
        match check() {
            Ok(mut problems) => {
                problems.retain(|problem| problem != "ok");
                Ok(problems)
            }
            Err(error) if is_damage(&error) => Ok(vec![error.to_string()]),
            Err(error) => Err(translate(&self.source, &error)),
        }
    }

    /// Hands over the rows of a table, in order of row as far as the file is whole.
    ///
    /// A column that the table does not have reads as null, a table that is not there as empty. Where the table is
    /// damaged, its rows are read from the other end too; those in between are lost, and the result says so.
    ///
    /// # Errors
    /// [`StoreError`] when reading fails for another reason than damage.
    pub fn read(
        &self,
        table: &str,
        columns: &[&str],
        each: &mut dyn FnMut(&ForeignRow<'_>),
    ) -> Result<TableRead, StoreError> {
        let mut read = TableRead::default();
        if !self.has_table(table) {
            return Ok(read);
        }
        let mut last = None;
        let forward = self.scan(table, columns, Order::Forward, &mut |row| {
            last = Some(row.number());
            read.rows += 1;
            each(row);
            true
        })?;
        let Scanned::Damaged(what) = forward else {
            return Ok(read);
        };
        let mut rows_behind = 0;
        self.scan(table, columns, Order::Backward, &mut |row| {
            if last.is_some_and(|last| row.number() <= last) {
                return false;
            }
            rows_behind += 1;
            each(row);
            true
        })?;
        read.rows += rows_behind;
        read.damage = Some(format!(
            "the table {table} is damaged ({what}): {} rows of it could be read",
            read.rows
        ));
        Ok(read)
    }

    /// Reads a table in one direction until its end, damage, or a refusal of `each`.
    fn scan(
        &self,
        table: &str,
        columns: &[&str],
        order: Order,
        each: &mut dyn FnMut(&ForeignRow<'_>) -> bool,
    ) -> Result<Scanned, StoreError> {
        let mut run = || -> rusqlite::Result<()> {
            let mut statement = match self.connection.prepare(&self.select(table, columns, order)) {
                Ok(statement) => statement,
                // A table without row numbers has its own order, and cannot be read from the other end.
                Err(_) if order == Order::Forward => {
                    let sql = self.select(table, columns, Order::Unnumbered);
                    self.connection.prepare(&sql)?
                }
                Err(_) => return Ok(()),
            };
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if !each(&ForeignRow::read(row, columns)?) {
                    break;
                }
            }
            Ok(())
        };
        match run() {
            Ok(()) => Ok(Scanned::Whole),
            Err(error) if is_damage(&error) => Ok(Scanned::Damaged(error.to_string())),
            Err(error) => Err(foreign(&self.source, &error)),
        }
    }

    fn select(&self, table: &str, columns: &[&str], order: Order) -> String {
        let known = self.columns(table);
        let columns = columns.iter().map(|column| {
            if known.iter().any(|known| known == column) {
                quoted(column)
            } else {
                "NULL".to_owned()
            }
        });
        let number = match order {
            Order::Unnumbered => "0",
            Order::Forward | Order::Backward => "rowid",
        };
        let list: Vec<String> = std::iter::once(number.to_owned()).chain(columns).collect();
        let direction = match order {
            Order::Unnumbered => "",
            Order::Forward => " ORDER BY rowid",
            Order::Backward => " ORDER BY rowid DESC",
        };
        format!(
            "SELECT {} FROM {} NOT INDEXED{direction}",
            list.join(", "),
            quoted(table)
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Forward,
    Backward,
    Unnumbered,
}

fn is_damage(error: &rusqlite::Error) -> bool {
    code_of(error).map(class_of) == Some(CodeClass::Corrupt)
}

/// Returns what an error means of a foreign file: a statement of ours that SQLite does not understand there, such as
/// one on a file of an unknown format, is a fault of the file.
fn foreign(source: &Path, error: &rusqlite::Error) -> StoreError {
    let error = translate(source, error);
    if let StoreError::Internal(what) = error {
        return StoreError::Damaged {
            path: source.to_owned(),
            what,
        };
    }
    error
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Opens the copy. Exclusive locking before the first read keeps the index of the log in memory, where no file of
/// another process can disturb it; a rollback journal that is hot is played back, in the copy.
fn connect(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    connection.execute_batch(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;
         PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;",
    )?;
    // The first read recovers what has to be recovered; nothing is written after it.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA query_only=ON;")?;
    Ok(connection)
}

/// Returns the ordinary tables with their stored columns. Virtual tables have no root page; columns that are computed
/// are not listed by `table_info`.
fn tables(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?;
    let names = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    names
        .into_iter()
        .map(|name| {
            let mut statement =
                connection.prepare(&format!("PRAGMA table_info({})", quoted(&name)))?;
            let columns = statement
                .query_map([], |row| row.get::<_, String>(1))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((name, columns))
        })
        .collect()
}

#[cfg(test)]
mod tests;
