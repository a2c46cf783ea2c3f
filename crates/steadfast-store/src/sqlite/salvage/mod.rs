//! A new database from what can be read of a damaged one.
//!
//! Works on a private copy and writes into a new file: nothing here touches the
//! store. A chunk is taken when its text has its hash, whatever its page looks
//! like; a vector likewise, and one that is lost is made anew from its text.
//! What is copied without a hash of its own (titles, tags, the log) is as true
//! as the page it stood on. Rows go from one file to the other one by one; what
//! grows with the store is a number for each row. What is deliberately not here: where the copies
//! lie, and the files of the user from which lost chunks can come back.
//!
//! | File | Question it answers |
//! |---|---|
//! | `source` | Which rows can be read, by tree and by page? |
//! | `pages` | What stands in a page when no tree leads to it? |
//! | `target` | How does a new database become whole? |
//! | `swap` | How does it take the place of the damaged one? |

mod pages;
mod source;
mod swap;
mod target;

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::params;
use rusqlite::types::Value;
use steadfast_model::{ContentHash, ModelId, Row, StoreId, Vector};

use super::codes;
use super::write::vector_hash;
use crate::error::StoreError;
use crate::files::Disk;
use source::{Source, Table};
use target::Target;

pub use swap::replace_database;

/// How texts become vectors, for those whose vector is lost.
pub type EmbedTexts<'f> = dyn Fn(&[&str]) -> Result<Vec<Vector>, StoreError> + 'f;

/// What the new database is made with.
pub struct SalvageOptions<'o> {
    /// The identity of the store, where that cannot be read.
    pub store: StoreId,
    /// The active vector space.
    pub model: &'o ModelId,
    /// How texts become vectors.
    pub embed: &'o EmbedTexts<'o>,
}

/// What was found in a damaged database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Live chunks that the store had, as far as its accounts or its rows tell.
    pub before: u64,
    /// Live chunks in the new database.
    pub kept: u64,
    /// Live chunks that were found, but whose text does not have its hash.
    pub damaged: u64,
    /// Live chunks that were there a second time: another one with their key was kept, with the counts of both.
    pub doubled: u64,
    /// Live chunks that are in the accounts and nowhere else.
    pub lost: u64,
    /// Past chunks that were found, but whose text does not have its hash.
    pub damaged_history: u64,
    /// Vectors that were made anew from their texts.
    pub vectors_made: u64,
    /// Tables that could not be read to their end.
    pub broken: Vec<String>,
    /// Sources that lost chunks or attributes, with their namespaces.
    pub sources: Vec<(String, String)>,
}

/// Texts that are embedded at once.
const EMBED_BATCH: usize = 64;

/// The place of a column of `chunks`, in the order of the schema.
mod column {
    pub(super) const ROW: usize = 0;
    pub(super) const DOCUMENT: usize = 1;
    pub(super) const HASH: usize = 3;
    pub(super) const START_LINE: usize = 4;
    pub(super) const ORDINAL: usize = 8;
    pub(super) const ACCESS_COUNT: usize = 14;
    pub(super) const REMOVED: usize = 16;
    pub(super) const TEXT: usize = 17;
}

/// Makes a new database at `to` from the private copy of a damaged one at `from`; both are the caller's to discard.
///
/// # Errors
/// [`StoreError`] when the copy cannot be opened as a file, or the new database not be written.
///
/// # Durability
/// The new file is on the disk when this returns.
pub fn salvage(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    options: &SalvageOptions<'_>,
) -> Result<Salvaged, StoreError> {
    let failed = |error: rusqlite::Error| codes::translate(to, &error);
    let source = Source::open(disk, from)?;
    let target = Target::create(to).map_err(failed)?;
    let mut salvaged = Salvaged::default();
    let mut concerned = BTreeSet::new();
    copy_tables(&source, &target, &mut salvaged).map_err(failed)?;
    let kept_by_account: u64 = target
        .connection
        .query_row(
            "SELECT coalesce(max(live_chunks), 0) FROM store",
            [],
            |row| row.get::<_, i64>(0),
        )
        .map(|count| u64::try_from(count).unwrap_or(0))
        .map_err(failed)?;
    copy_chunks(&source, &target, &mut salvaged, &mut concerned).map_err(failed)?;
    copy_vectors(&source, &target, &mut salvaged).map_err(failed)?;
    make_vectors(&target, options, &mut salvaged, to)?;
    concerned.extend(target.fill_gaps().map_err(failed)?);
    let missing = target.missing().map_err(failed)?;
    let by_documents: u64 = missing.values().sum();
    concerned.extend(missing.into_keys());
    let (_, kept) = target.close_accounts(options.store).map_err(failed)?;
    salvaged.kept = kept;
    let gone = salvaged.damaged + salvaged.doubled;
    salvaged.before = kept_by_account.max(kept + by_documents.max(gone));
    salvaged.lost = salvaged.before.saturating_sub(kept + gone);
    salvaged.sources = names(&target, &concerned).map_err(failed)?;
    forget_fingerprints(&target, &concerned).map_err(failed)?;
    drop(target);
    disk.open_private(to)
        .and_then(|file| disk.sync(to, &file))
        .map_err(|error| StoreError::from_io(to, &error))?;
    Ok(salvaged)
}

fn copy_tables(source: &Source, target: &Target, salvaged: &mut Salvaged) -> rusqlite::Result<()> {
    for table in target.copied()? {
        let mut failed = None;
        let reading = source.read(&table, &mut |values| {
            is_of(&table, values)
                && target.insert(&table, values).unwrap_or_else(|error| {
                    failed.get_or_insert(error);
                    false
                })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if reading.broken {
            salvaged.broken.push(table.name);
        }
    }
    Ok(())
}

/// Returns whether a row can be one of this table: rows from pages come from any table with as many columns.
fn is_of(table: &Table, values: &[Value]) -> bool {
    let text = |index: usize| matches!(values.get(index), Some(Value::Text(_)));
    let blob = |index: usize, bytes: usize| matches!(values.get(index), Some(Value::Blob(found)) if found.len() == bytes);
    match table.name.as_str() {
        "store" => blob(1, 16) && values.first() == Some(&Value::Integer(1)),
        "commits" => text(2) && text(3),
        "spaces" => text(1) && text(2) && blob(4, 16),
        "jobs" => text(1) && text(2) && text(3),
        "documents" => text(1) && text(2),
        "facets" => text(5) && text(6),
        _ => true,
    }
}

fn copy_chunks(
    source: &Source,
    target: &Target,
    salvaged: &mut Salvaged,
    concerned: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let table = target.table("chunks")?;
    let mut failed = None;
    let (mut damaged, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let reading = source.read(&table, &mut |values| {
        let is_live = values.get(column::REMOVED) == Some(&Value::Null);
        let (Some(Value::Integer(row)), Some(Value::Integer(document))) =
            (values.first(), values.get(column::DOCUMENT))
        else {
            return false;
        };
        if !has_its_hash(values) {
            if let Some(Value::Blob(hash)) = values.get(column::HASH)
                && hash.len() == 32
            {
                damaged.insert((*row, *document, is_live));
            }
            return false;
        }
        let inserted = target.insert(&table, values).unwrap_or_else(|error| {
            failed.get_or_insert(error);
            false
        });
        // A row is read again where pages are read for themselves.
        if !inserted && is_live && refused.insert(*row) {
            match target.fold(values) {
                Ok(folded) => salvaged.doubled += u64::from(folded),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        inserted
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if reading.broken {
        salvaged.broken.push(table.name);
    }
    for (row, document, is_live) in damaged {
        let found: i64 = target.connection.query_row(
            "SELECT count(*) FROM chunks WHERE row = ?1",
            [row],
            |row| row.get(0),
        )?;
        if found > 0 {
            continue;
        }
        if is_live {
            salvaged.damaged += 1;
            concerned.insert(document);
        } else {
            salvaged.damaged_history += 1;
        }
    }
    Ok(())
}

fn has_its_hash(values: &[Value]) -> bool {
    let (Some(Value::Blob(hash)), Some(Value::Blob(text))) =
        (values.get(column::HASH), values.get(column::TEXT))
    else {
        return false;
    };
    std::str::from_utf8(text).is_ok_and(|text| ContentHash::of(text).0[..] == hash[..])
}

fn copy_vectors(source: &Source, target: &Target, salvaged: &mut Salvaged) -> rusqlite::Result<()> {
    let table = target.table("vectors")?;
    let mut failed = None;
    let reading = source.read(&table, &mut |values| {
        let [Value::Integer(key), Value::Blob(vector), Value::Blob(hash)] = values else {
            return false;
        };
        let Ok(row) = u32::try_from(key & 0xffff_ffff) else {
            return false;
        };
        vector_hash(Row(row), vector)[..] == hash[..]
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
fn make_vectors(
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

/// Returns namespace and source of documents.
fn names(target: &Target, documents: &BTreeSet<i64>) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = target
        .connection
        .prepare("SELECT namespace, source FROM documents WHERE document = ?1")?;
    let mut names = Vec::new();
    for document in documents {
        let mut rows = statement.query([document])?;
        if let Some(row) = rows.next()? {
            names.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(names)
}

/// Lets the next index read the files again that lost something, although they have not changed.
fn forget_fingerprints(target: &Target, documents: &BTreeSet<i64>) -> rusqlite::Result<()> {
    let mut statement = target.connection.prepare(
        "UPDATE documents SET size = NULL, mtime_ns = NULL, ctime_ns = NULL, inode = NULL, file_hash = NULL, racy = 0
         WHERE document = ?1",
    )?;
    for document in documents {
        statement.execute([document])?;
    }
    Ok(())
}
