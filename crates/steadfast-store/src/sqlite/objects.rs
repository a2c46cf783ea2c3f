//! What the schema of a store consists of, and whether the one that is there is the same.
//!
//! Only a foreign hand or rot changes a schema. Invariants: nothing is written here, and what should be there is read
//! from the migrations themselves. What is deliberately not here: who repairs it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::schema::{MIGRATIONS, SCHEMA};

/// An object of the schema as it is compared: its kind, its table, and its statement without regard to white space.
type Object = (String, String, String);

/// How the schema of a store differs from what it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaDifference {
    /// Tables and indexes that are missing, or are not what they should be.
    pub missing: Vec<String>,
    /// Tables, indexes, triggers and views that do not belong to a store.
    pub foreign: Vec<String>,
}

/// Returns the tables of a store of a schema.
pub(super) fn tables_of(schema: i64) -> rusqlite::Result<BTreeSet<String>> {
    let connection = made_by(schema)?;
    let objects = objects(&connection)?;
    Ok(objects
        .into_iter()
        .filter(|(_, (kind, _, _))| kind == "table")
        .map(|(name, _)| name)
        .collect())
}

/// Returns what tables say against the schema that an older store claims; none when they agree.
///
/// The caller holds a transaction in which that schema was read.
pub(super) fn misfit(connection: &Connection, schema: i64) -> rusqlite::Result<Option<String>> {
    if schema >= SCHEMA {
        return Ok(None);
    }
    let (claimed, newest) = (tables_of(schema)?, tables_of(SCHEMA)?);
    let found = objects(connection)?;
    let lacks = claimed.iter().any(|table| !found.contains_key(table));
    let exceeds = newest
        .difference(&claimed)
        .any(|table| found.contains_key(table));
    Ok((lacks || exceeds).then(|| {
        format!(
            "the database says that it has schema {schema}, and its tables are those of another"
        )
    }))
}

/// Compares the schema of a store of today with what it should be.
///
/// The key that keeps texts from being there twice is not looked for: whoever opens the store next gives it back.
pub(super) fn compare(connection: &Connection) -> rusqlite::Result<SchemaDifference> {
    let (expected, found) = (objects(&made_by(SCHEMA)?)?, objects(connection)?);
    let is_same = |name: &String| found.get(name) == expected.get(name);
    Ok(SchemaDifference {
        missing: expected
            .keys()
            .filter(|name| {
                !is_same(name) && (*name != "chunks_unique" || found.contains_key(*name))
            })
            .cloned()
            .collect(),
        foreign: found
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .cloned()
            .collect(),
    })
}

/// Returns the names of all tables and indexes of a store of today.
pub(super) fn names() -> rusqlite::Result<BTreeSet<String>> {
    Ok(objects(&made_by(SCHEMA)?)?.into_keys().collect())
}

fn made_by(schema: i64) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    let count = usize::try_from(schema).unwrap_or(0);
    for migration in MIGRATIONS.iter().take(count) {
        connection.execute_batch(migration)?;
    }
    Ok(connection)
}

fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Object>> {
    connection
        .prepare("SELECT name, type, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?
        .query_map([], |row| {
            let sql: String = row.get(3)?;
            let sql: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, sql)))
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_fits_itself_and_no_other() {
        for made in 1..=SCHEMA {
            let connection = made_by(made).unwrap();
            for claimed in -3..=SCHEMA {
                let fits = misfit(&connection, claimed).unwrap().is_none();
                assert_eq!(
                    fits,
                    claimed == made || claimed == SCHEMA,
                    "{made} {claimed}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_altered_or_foreign_is_named() {
        let connection = made_by(SCHEMA).unwrap();
        assert_eq!(compare(&connection).unwrap(), SchemaDifference::default());
        connection
            .execute_batch(
                "DROP INDEX chunks_order; DROP INDEX chunks_unique; ALTER TABLE roots RENAME TO trees;
                 DROP INDEX facets_document; CREATE INDEX facets_document ON facets (kind);
                 CREATE TRIGGER t AFTER INSERT ON jobs BEGIN SELECT 1; END; CREATE VIEW v AS SELECT 1;",
            )
            .unwrap();
        let found = compare(&connection).unwrap();
        assert_eq!(found.missing, ["chunks_order", "facets_document", "roots"]);
        assert_eq!(found.foreign, ["t", "trees", "v"]);
    }
}
