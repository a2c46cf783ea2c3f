//! What can still be read of a damaged database: through its trees, and where those end, from its pages.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::Path;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::pages;
use crate::error::StoreError;
use crate::files::Disk;
use crate::sqlite::schema::SCHEMA;
use crate::sqlite::values::Origin;
use crate::sqlite::{Access, alone, connect, objects};

/// Look-ups of single rows behind the last one that was read. Rows farther on are found on their pages.
const PROBES_MAX: i64 = 4_096;

/// Hears rows and where they were found, and says whether it took them.
pub(super) type EachRow<'e> = dyn FnMut(&[Value], Origin) -> bool + 'e;

/// A damaged database that nobody else uses.
pub(super) struct Source {
    connection: Option<Connection>,
    file: File,
    /// The first page of every tree of a store, as far as the schema can be read.
    roots: BTreeMap<String, u64>,
    /// Tables that a store of this age does not have yet.
    to_come: BTreeSet<String>,
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
        alone::pad(disk, path)?;
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
        let known = connection.as_ref();
        Ok(Self {
            roots: known
                .and_then(|connection| roots(connection).ok())
                .unwrap_or_default(),
            to_come: known
                .and_then(|connection| to_come(connection).ok())
                .unwrap_or_default(),
            connection,
            file,
        })
    }

    /// Hands every row of a table that can be read to `each`; no row number that was taken is handed over again.
    pub(super) fn read(&self, table: &Table, each: &mut EachRow<'_>) -> Reading {
        if self.to_come.contains(&table.name) {
            Reading::default()
        } else if table.by_row {
            self.read_by_row(table, each)
        } else {
            self.read_plainly(table, each)
        }
    }

    fn read_plainly(&self, table: &Table, each: &mut EachRow<'_>) -> Reading {
        let mut reading = Reading::default();
        let sql = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
        let result = self.query(&sql, &[], table, &mut |values| {
            reading.rows += u64::from(each(values, Origin::Tree));
        });
        reading.broken = result.is_none();
        if reading.broken {
            pages::each_entry(&self.file, &self.others(&table.name), &mut |columns| {
                let is_as_wide = columns.len() == table.columns.len();
                reading.rows += u64::from(is_as_wide && each(columns, Origin::Page));
            });
        }
        reading
    }

    fn read_by_row(&self, table: &Table, each: &mut EachRow<'_>) -> Reading {
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
                taken.take(values, Origin::Tree);
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
                        taken.take(values, Origin::Tree);
                    });
                    read.is_some() && taken.seen.len() > before
                });
            match found {
                Some(row) => from = row,
                None => break,
            }
        }
        if broken {
            let others = self.others(&table.name);
            pages::each_row(&self.file, &others, &mut |row, columns| {
                let mut columns = columns.to_vec();
                // The number of a row stands beside its record, whose first column is empty.
                if columns.len() == table.columns.len()
                    && let Some(first @ Value::Null) = columns.first_mut()
                {
                    *first = Value::Integer(row);
                    taken.take(&columns, Origin::Page);
                }
            });
        }
        Reading {
            rows: taken.seen.len() as u64,
            broken,
        }
    }

    /// Returns the pages that belong to other tables and to indexes, as far as their trees can be walked.
    fn others(&self, table: &str) -> HashSet<u64> {
        let mut pages = HashSet::new();
        // Rows with a hash prove themselves, also where the tree of another table has strayed to them.
        if ["chunks", "vectors"].contains(&table) {
            return pages;
        }
        for (_, root) in self.roots.iter().filter(|(name, _)| *name != table) {
            pages::add_tree(&self.file, *root, &mut pages);
        }
        pages
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
            for index in 0..count {
                values.push(match row.get_ref(index).ok()? {
                    // A text that is not UTF-8 any more is rotten; its row is not.
                    ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec())
                        .map_or_else(|_| Value::Blob(bytes.to_vec()), Value::Text),
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                });
            }
            each(&values);
        }
        Some(())
    }
}

/// Returns the first page of every tree whose name is one of a store; numbers of pages are those of `pages`, from 0.
fn roots(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let names = objects::names()?;
    let found: Vec<(String, i64)> = connection
        .prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found
        .into_iter()
        .filter(|(name, _)| names.contains(name) || name.starts_with("sqlite_"))
        .filter_map(|(name, root)| Some((name, u64::try_from(root.checked_sub(1)?).ok()?)))
        .collect())
}

/// Returns the tables that came after the schema of a store of an older version.
fn to_come(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let schema: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if schema < 1 || objects::misfit(connection, schema)?.is_some() {
        return Ok(BTreeSet::new());
    }
    let known = objects::tables_of(schema)?;
    Ok(&objects::tables_of(SCHEMA)? - &known)
}

/// The rows of a table that were handed on.
struct Taken<'e, 'r> {
    each: &'e mut EachRow<'r>,
    seen: HashSet<i64>,
    last: i64,
}

impl Taken<'_, '_> {
    fn take(&mut self, values: &[Value], origin: Origin) {
        if let Some(Value::Integer(row)) = values.first()
            && !self.seen.contains(row)
            && (self.each)(values, origin)
        {
            self.last = self.last.max(*row);
            self.seen.insert(*row);
        }
    }
}
