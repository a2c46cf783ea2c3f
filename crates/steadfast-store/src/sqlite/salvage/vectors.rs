//! Vectors: what has its hash is taken, what is lost is made anew from its text.

use std::path::Path;

use rusqlite::params;
use rusqlite::types::Value;
use steadfast_model::Row;

use super::source::Source;
use super::target::Target;
use super::{SalvageOptions, Salvaged};
use crate::error::StoreError;
use crate::sqlite::codes;
use crate::sqlite::write::vector_hash;

/// Texts that are embedded at once.
const EMBED_BATCH: usize = 64;

/// Copies every vector that has its hash.
pub(super) fn copy_vectors(
    source: &Source,
    target: &Target,
    salvaged: &mut Salvaged,
) -> rusqlite::Result<()> {
    let table = target.table("vectors")?;
    let mut failed = None;
    let reading = source.read(&table, &mut |values, _| {
        let [Value::Integer(key), Value::Blob(vector), Value::Blob(hash)] = values else {
            return false;
        };
        let Ok(row) = u32::try_from(key & 0xffff_ffff) else {
            return false;
        };
        // The number of its space stands before that of its row.
        *key >> 32 > 0
            && vector_hash(Row(row), vector)[..] == hash[..]
            && target.insert(&table, values).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            })
    });
    if reading.broken {
        salvaged.broken.push(table.name);
    }
    failed.map_or(Ok(()), Err)
}

/// Makes the vectors anew that chunks have by their own account and the new database has not.
pub(super) fn make_vectors(
    target: &Target,
    options: &SalvageOptions<'_>,
    salvaged: &mut Salvaged,
    to: &Path,
) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| codes::translate(to, &error);
    let connection = &target.connection;
    let model = options.model;
    connection
        .execute(
            "INSERT OR IGNORE INTO spaces (name, revision, dimensions, hash) VALUES (?1, ?2, ?3, ?4)",
            params![
                model.name,
                model.revision,
                i64::try_from(model.dimensions).unwrap_or(0),
                &model.hash[..]
            ],
        )
        .map_err(failed)?;
    let space: i64 = connection
        .query_row(
            "SELECT space FROM spaces WHERE hash = ?1",
            [&model.hash[..]],
            |row| row.get(0),
        )
        .map_err(failed)?;
    // A vector that the caller gave cannot be made from the text: its record is found by words only.
    connection
        .execute(
            "UPDATE chunks SET vector_state = 0 WHERE vector_state = 1 AND NOT EXISTS
             (SELECT 1 FROM vectors v JOIN spaces s ON v.vector_key = s.space << 32 | chunks.row) AND EXISTS
             (SELECT 1 FROM record_ranges r JOIN collections c ON c.collection = r.collection
              WHERE c.given = 1 AND chunks.row BETWEEN r.first_row AND r.last_row)",
            [],
        )
        .map_err(failed)?;
    // Numbers alone: the texts of a whole store may not fit into memory.
    let rows: Vec<u32> = (|| {
        connection
            .prepare(
                "SELECT c.row FROM chunks c WHERE vector_state = 1 AND NOT EXISTS
                 (SELECT 1 FROM vectors v JOIN spaces s ON v.vector_key = s.space << 32 | c.row) ORDER BY row",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()
    })()
    .map_err(failed)?;
    for batch in rows.chunks(EMBED_BATCH) {
        let text = |row: &u32| {
            let mut statement =
                connection.prepare_cached("SELECT text FROM chunks WHERE row = ?1")?;
            let bytes: Vec<u8> = statement.query_row([row], |columns| columns.get(0))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let texts: rusqlite::Result<Vec<String>> = batch.iter().map(text).collect();
        let texts = texts.map_err(failed)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (row, vector) in batch.iter().zip((options.embed)(&texts)?) {
            let bytes = vector.encode();
            connection
                .execute(
                    "INSERT OR REPLACE INTO vectors (vector_key, vector, hash) VALUES (?1, ?2, ?3)",
                    params![
                        space << 32 | i64::from(*row),
                        bytes,
                        &vector_hash(Row(*row), &bytes)[..]
                    ],
                )
                .map_err(failed)?;
            salvaged.vectors_made += 1;
        }
    }
    Ok(())
}
