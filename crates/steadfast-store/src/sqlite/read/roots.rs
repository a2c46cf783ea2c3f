//! Roots, and what documents were given from outside.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;
use steadfast_model::{Assignment, DocumentKey, Namespace, Root};

use super::SqliteSnapshot;
use crate::error::StoreError;

/// Returns all roots in the order in which they were told. A name that is none is rot; it is left out.
pub(in crate::sqlite) fn all(connection: &Connection) -> rusqlite::Result<Vec<Root>> {
    let mut statement = connection
        .prepare_cached("SELECT path, namespace, told FROM roots ORDER BY turn, path, namespace")?;
    let mut rows = statement.query([])?;
    let mut roots = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, told): (String, String) = (row.get(1)?, row.get(2)?);
        let namespace = match name.as_str() {
            "" => None,
            _ => match Namespace::new(name) {
                Ok(namespace) => Some(namespace),
                Err(_) => continue,
            },
        };
        roots.push(Root::new(row.get::<_, String>(0)?, namespace).with_told(&told));
    }
    Ok(roots)
}

/// Returns what documents were given from outside.
pub(in crate::sqlite) fn assignments(
    connection: &Connection,
) -> rusqlite::Result<HashMap<DocumentKey, Arc<Assignment>>> {
    // A million files of one root were given the same.
    let mut known: HashMap<String, Arc<Assignment>> = HashMap::new();
    connection
        .prepare_cached("SELECT document, told FROM assignments")?
        .query_map([], |row| {
            let told: String = row.get(1)?;
            let assignment = known
                .entry(told)
                .or_insert_with_key(|told| Arc::new(Assignment::from_told(told)));
            let assignment = Arc::clone(assignment);
            Ok((DocumentKey(row.get(0)?), assignment))
        })?
        .collect()
}

impl SqliteSnapshot<'_> {
    /// Returns what is remembered of roots, in the order in which it was told.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        if !self.knows("roots")? {
            return Ok(Vec::new());
        }
        self.sql(all)
    }

    /// Returns what documents were given from outside; those that were given nothing are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn assignments(&self) -> Result<HashMap<DocumentKey, Arc<Assignment>>, StoreError> {
        if !self.knows("assignments")? {
            return Ok(HashMap::new());
        }
        self.sql(assignments)
    }

    /// Returns whether the schema has a table or an index: a store of an older schema that can only be read may not.
    pub(super) fn knows(&self, name: &str) -> Result<bool, StoreError> {
        if self.store.is_writable() {
            return Ok(true);
        }
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)")?
                .query_row([name], |row| row.get(0))
        })
    }
}
