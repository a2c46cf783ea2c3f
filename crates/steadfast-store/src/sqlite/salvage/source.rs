//! What can still be read of a damaged database: through its trees, and where those end, from its pages.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::pages;
use crate::error::StoreError;
use crate::files::Disk;
use crate::sqlite::{Access, connect};

/// Look-ups of single rows behind the last one that was read. Rows farther on are found on their pages.
const PROBES_MAX: i64 = 4_096;

/// A damaged database that nobody else uses.
pub(super) struct Source {
    connection: Option<Connection>,
    file: File,
}

/// The columns of a table as the new database has them; the first is the row number where `by_row` says so.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) by_row: bool,
}

/// What became of reading a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) rows: u64,
    /// The tree could not be read to its end.
    pub(super) broken: bool,
}

impl Source {
    /// Opens a private copy of a damaged database, with the log and the journal that lie beside it.
    pub(super) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        let connection = connect::open(disk, path, Access::ReadWrite)
            .and_then(|connection| {
                connection
                    .execute_batch("PRAGMA cell_size_check=OFF; PRAGMA locking_mode=EXCLUSIVE")?;
                // What was committed to the log comes into the file, whose pages are read next.
                let checkpointed: rusqlite::Result<i64> =
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
                drop(checkpointed);
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
                    row.get::<_, i64>(0)
                })?;
                Ok(connection)
            })
            .ok();
        // This process alone has the copy open: the locks that closing a descriptor drops are of no use to anybody.
        let file = disk.open(path);
        let file = file.map_err(|error| StoreError::from_io(path, &error))?;
        Ok(Self { connection, file })
    }

    /// Hands every row of a table that can be read to `each`, which says whether it took it; no row number is taken twice.
    pub(super) fn read(&self, table: &Table, each: &mut dyn FnMut(&[Value]) -> bool) -> Reading {
        if table.by_row {
            self.read_by_row(table, each)
        } else {
            self.read_plainly(table, each)
        }
    }

    fn read_plainly(&self, table: &Table, each: &mut dyn FnMut(&[Value]) -> bool) -> Reading {
        let mut reading = Reading::default();
        let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
        let result = self.query(&sql, &[], table, &mut |values| {
            reading.rows += u64::from(each(values));
        });
        reading.broken = result.is_none();
        reading
    }

    fn read_by_row(&self, table: &Table, each: &mut dyn FnMut(&[Value]) -> bool) -> Reading {
        let key = table.columns.first().map_or("rowid", String::as_str);
        let list = table.columns.join(", ");
        let onward = format!(
            "SELECT {list} FROM {} NOT INDEXED WHERE {key} > ?1 ORDER BY {key}",
            table.name
        );
        let one = format!(
            "SELECT {list} FROM {} NOT INDEXED WHERE {key} = ?1",
            table.name
        );
        let mut taken = Taken {
            each,
            seen: HashSet::new(),
            last: i64::MIN,
        };
        let mut broken = false;
        let mut from = i64::MIN;
        while self
            .query(&onward, &[from.into()], table, &mut |values| {
                taken.take(values);
            })
            .is_none()
        {
            broken = true;
            // The scan ends at a damaged page; rows behind it are looked for one by one.
            let first = taken.last.max(from).max(0);
            let found = (1..=PROBES_MAX)
                .map_while(|step| first.checked_add(step))
                .find(|row| {
                    let before = taken.seen.len();
                    let read = self.query(&one, &[(*row).into()], table, &mut |values| {
                        taken.take(values);
                    });
                    read.is_some() && taken.seen.len() > before
                });
            match found {
                Some(row) => from = row,
                None => break,
            }
        }
        if broken {
            pages::each_row(&self.file, &mut |row, columns| {
                let mut columns = columns.to_vec();
                // The number of a row stands beside its record, whose first column is empty.
                if columns.len() == table.columns.len()
                    && let Some(first @ Value::Null) = columns.first_mut()
                {
                    *first = Value::Integer(row);
                    taken.take(&columns);
                }
            });
        }
        Reading {
            rows: taken.seen.len() as u64,
            broken,
        }
    }

    /// Runs a query; none when it could not be run to its end.
    fn query(
        &self,
        sql: &str,
        parameters: &[Value],
        table: &Table,
        each: &mut dyn FnMut(&[Value]),
    ) -> Option<()> {
        let connection = self.connection.as_ref()?;
        let mut statement = connection.prepare_cached(sql).ok()?;
        let mut rows = statement.query(params_from_iter(parameters)).ok()?;
        let count = table.columns.len();
        let mut values = Vec::with_capacity(count);
        while let Some(row) = rows.next().ok()? {
            values.clear();
            // A text that is not UTF-8 any more makes its row unreadable, not the table.
            let read: rusqlite::Result<Vec<Value>> =
                (0..count).map(|index| row.get(index)).collect();
            if let Ok(read) = read {
                values.extend(read);
                each(&values);
            }
        }
        Some(())
    }
}

/// The rows of a table that were handed on.
struct Taken<'e> {
    each: &'e mut dyn FnMut(&[Value]) -> bool,
    seen: HashSet<i64>,
    last: i64,
}

impl Taken<'_> {
    fn take(&mut self, values: &[Value]) {
        if let Some(Value::Integer(row)) = values.first()
            && !self.seen.contains(row)
            && (self.each)(values)
        {
            self.last = self.last.max(*row);
            self.seen.insert(*row);
        }
    }
}
