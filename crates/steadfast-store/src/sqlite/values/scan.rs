//! Every row of a database is read as its readers will read it.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::tables::TABLES;
use super::{columns_of, is_sound};

/// How many rows of a table are named.
const KEYS_MAX: usize = 100;

/// Rows of a table that cannot be read as what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Unreadable {
    pub(in crate::sqlite) table: &'static str,
    pub(in crate::sqlite) count: u64,
    /// The first of their numbers, where rows of this table have one.
    pub(in crate::sqlite) keys: Vec<i64>,
}

/// Reads every row of every table, and returns those that do not decode, by table. Texts, vectors and terms are not
/// read: the first two have hashes, and the last are made from the first.
///
/// # Errors
/// What SQLite says when a table cannot be read to its end.
pub(in crate::sqlite) fn unreadable(connection: &Connection) -> rusqlite::Result<Vec<Unreadable>> {
    let mut found = Vec::new();
    for table in TABLES {
        let (count, keys) = of_table(connection, table)?;
        if count > 0 {
            found.push(Unreadable { table, count, keys });
        }
    }
    Ok(found)
}

fn of_table(connection: &Connection, table: &str) -> rusqlite::Result<(u64, Vec<i64>)> {
    let columns = columns_of(table);
    let read = match table {
        "chunks" => columns.len() - 1,
        "vectors" => 1,
        "tail" => 3,
        _ => columns.len(),
    };
    let names: Vec<&str> = columns.iter().take(read).map(|it| it.name).collect();
    let sql = format!("SELECT {} FROM {table} NOT INDEXED", names.join(", "));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let (mut count, mut keys) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(read);
        for index in 0..read {
            values.push(row.get_ref(index)?);
        }
        if is_sound(table, &values) {
            continue;
        }
        count += 1;
        if let Some(ValueRef::Integer(key)) = values.first()
            && keys.len() < KEYS_MAX
        {
            keys.push(*key);
        }
    }
    Ok((count, keys))
}
