//! A new database from what can be read of a damaged one.
//!
//! Works on a private copy and writes into a new file: nothing here touches the
//! store. A chunk is taken when its text has its hash, whatever its page looks
//! like; a vector likewise, and one that is lost is made anew from its text.
//! What is copied without a hash of its own (titles, tags, the log) is as true
//! as the page it stood on, but every value is one that can be read: what cannot
//! is given another and counted. Rows go from one file to the other one by one; what
//! grows with the store is a number for each row. What is deliberately not here: where the copies
//! lie, and the files of the user from which lost chunks can come back.
//!
//! | File | Question it answers |
//! |---|---|
//! | `source` | Which rows can be read, by tree and by page? |
//! | `pages` | What stands in a page when no tree leads to it? |
//! | `rows` | Which rows without a hash are taken, and what is mended in them? |
//! | `chunks` | Which chunks are taken? |
//! | `vectors` | Which vectors are taken, and which made anew? |
//! | `target` | How does a new database become whole? |
//! | `swap` | How does it take the place of the damaged one? |

mod chunks;
mod pages;
mod rows;
mod source;
mod swap;
mod target;
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use steadfast_model::{Analyze, ModelId, StoreId, Vector};

use super::{codes, values};
use crate::error::StoreError;
use crate::files::Disk;
use source::Source;
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
    /// How texts become terms, whose number each chunk knows.
    pub analyze: &'o dyn Analyze,
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
    /// Lengths in tokens that were not those of their texts, and were counted anew.
    pub lengths_made: u64,
    /// Tables that could not be read to their end.
    pub broken: Vec<String>,
    /// Those of them whose rows nothing else can bring back or count.
    pub incomplete: Vec<String>,
    /// Values that could not be read and were given another, by table.
    pub mended: BTreeMap<String, u64>,
    /// Rows that were left out because nothing can stand for a value that could not be read, by table.
    pub left_out: BTreeMap<String, u64>,
    /// Sources that lost chunks or attributes, with their namespaces.
    pub sources: Vec<(String, String)>,
    /// Rows of all tables that could be read.
    rows_read: u64,
}

impl Salvaged {
    fn note_mended(&mut self, table: &str, count: u64) {
        note(&mut self.mended, table, count);
    }

    fn note_left_out(&mut self, table: &str, count: u64) {
        note(&mut self.left_out, table, count);
    }
}

fn note(counts: &mut BTreeMap<String, u64>, table: &str, count: u64) {
    if count > 0 {
        *counts.entry(table.to_owned()).or_default() += count;
    }
}

/// Tables whose loss is made good or counted otherwise: chunks and what they are found by are counted by the accounts,
/// facets are missed by their chunks, and the rest is made anew.
const ACCOUNTED: [&str; 7] = [
    "chunks",
    "facets",
    "indexes",
    "late_vectors",
    "store",
    "tail",
    "vectors",
];

/// The place of a column of `chunks`, in the order of the schema.
mod column {
    pub(super) const ROW: usize = 0;
    pub(super) const DOCUMENT: usize = 1;
    pub(super) const FACET: usize = 2;
    pub(super) const HASH: usize = 3;
    pub(super) const START_LINE: usize = 4;
    pub(super) const ORDINAL: usize = 8;
    pub(super) const TOKENS: usize = 12;
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
    // SQLite takes an empty file as it is, and so its mode.
    disk.open_private(to)
        .map(drop)
        .map_err(|error| StoreError::from_io(to, &error))?;
    let target = Target::create(to).map_err(failed)?;
    let mut salvaged = Salvaged::default();
    let mut concerned = BTreeSet::new();
    rows::copy_tables(&source, &target, &mut salvaged, &mut concerned).map_err(failed)?;
    let kept_by_account = target.live_by_account().map_err(failed)?;
    let analyze = options.analyze;
    chunks::copy_chunks(&source, &target, analyze, &mut salvaged, &mut concerned)
        .map_err(failed)?;
    vectors::copy_vectors(&source, &target, &mut salvaged).map_err(failed)?;
    target.drop_orphans().map_err(failed)?;
    vectors::make_vectors(&target, options, &mut salvaged, to)?;
    concerned.extend(target.fill_gaps().map_err(failed)?);
    let missing = target.missing().map_err(failed)?;
    let by_documents: u64 = missing.values().sum();
    concerned.extend(missing.into_keys());
    salvaged.incomplete = incomplete(&target, &salvaged).map_err(failed)?;
    salvaged.kept = target.close_accounts(options.store).map_err(failed)?;
    count(&mut salvaged, kept_by_account, by_documents);
    salvaged.sources = names(&target, &concerned).map_err(failed)?;
    forget_fingerprints(&target, &concerned).map_err(failed)?;
    prove(&target, to)?;
    drop(target);
    disk.open_private(to)
        .and_then(|file| disk.sync(to, &file))
        .map_err(|error| StoreError::from_io(to, &error))?;
    Ok(salvaged)
}

/// Counts what there was and what is lost. Where the chunks could be read to their end, a single account that says
/// more than the others is wrong itself; where they could not, each may be the one that knows.
fn count(salvaged: &mut Salvaged, by_store: u64, by_documents: u64) {
    let gone = salvaged.damaged + salvaged.doubled;
    let found = salvaged.kept + gone;
    let by_store = by_store.saturating_sub(found);
    let by_documents = by_documents.saturating_sub(gone);
    let is_broken = salvaged.broken.iter().any(|table| table == "chunks");
    salvaged.lost = if is_broken {
        by_store.max(by_documents)
    } else {
        by_store.min(by_documents)
    };
    salvaged.before = found + salvaged.lost;
}

/// Returns the tables of which rows may be lost without a trace.
fn incomplete(target: &Target, salvaged: &Salvaged) -> rusqlite::Result<Vec<String>> {
    // In a file of something else nothing was lost.
    if salvaged.rows_read == 0 {
        return Ok(Vec::new());
    }
    let mut incomplete = salvaged.broken.clone();
    incomplete.retain(|table| !ACCOUNTED.contains(&table.as_str()));
    if target.has_every_commit()? {
        incomplete.retain(|table| table != "commits");
    }
    // What was forgotten must not come back, so that a single row of it counts.
    if salvaged.left_out.contains_key("forgotten") && !incomplete.iter().any(|it| it == "forgotten")
    {
        incomplete.push("forgotten".to_owned());
    }
    Ok(incomplete)
}

/// Reads every row of the new database as its readers will.
fn prove(target: &Target, to: &Path) -> Result<(), StoreError> {
    let found =
        values::unreadable(&target.connection).map_err(|error| codes::translate(to, &error))?;
    if found.is_empty() {
        return Ok(());
    }
    let tables: Vec<&str> = found.iter().map(|it| it.table).collect();
    Err(StoreError::Internal(format!(
        "the new database has rows that cannot be read, and nothing was changed: {}",
        tables.join(", ")
    )))
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
