//! What Chroma's database says: collections, their rows, the queue of operations, and how far each segment has come.
//!
//! Read from a private copy by the door for foreign files; nothing of it is
//! believed before it is compared with the segments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use crate::error::Result;
use crate::import::chroma::segment::Space;
use crate::import::chroma::settings::{distance_of, distances, model_of};
use crate::import::vectors::Said;

/// The largest sequence number that is believed: what is above was misread by a migration of Chroma's.
const SEQUENCE_MAX: i64 = 1 << 53;
/// How many problems of the file itself are listed.
const PROBLEMS_MAX: u32 = 20;
/// The beginning of a topic, when no row of the queue shows it.
const TOPIC_PREFIX: &str = "persistent://default/default/";
/// The migration of the metadata tables that makes the watermarks integers.
const INTEGER_MARKS: i64 = 5;

/// The database.
#[derive(Debug, Default)]
pub(super) struct Ground {
    pub(super) collections: Vec<Collection>,
    /// Every sequence number in the queue.
    pub(super) seqs: BTreeSet<i64>,
    /// Whether watermarks are integers; before that they are eight bytes, the highest first.
    pub(super) marks_are_integers: bool,
    /// Rows whose sequence number is an integer.
    pub(super) integer_rows: u64,
    /// Rows, by their number, whose sequence number is eight bytes, and what it says.
    pub(super) blob_rows: Vec<(i64, i64)>,
    /// Every segment that is known.
    pub(super) segments: BTreeSet<String>,
    /// What is wrong with the file or its tables, each in a sentence.
    pub(super) problems: Vec<String>,
    /// Whether the index of the text search is all that is wrong with the file.
    pub(super) text_search_damaged: bool,
    pub(super) topic_prefix: String,
}

/// A collection.
#[derive(Debug)]
pub(super) struct Collection {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) dimension: Option<u64>,
    pub(super) space: Space,
    /// What it says of the model of its vectors.
    pub(super) said: Said,
    pub(super) vector: Watched,
    pub(super) metadata: Watched,
    /// Ids of the rows.
    pub(super) rows: BTreeSet<String>,
    /// Its operations in the queue, in order.
    pub(super) queue: Vec<Operation>,
    /// Operations that Chroma cannot apply.
    pub(super) bad_operations: u64,
}

/// A segment and its watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) segment: String,
    pub(super) mark: Mark,
}

/// The last operation that a segment has, by the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is none: everything of the queue is still to come.
    None,
    /// This one.
    At(i64),
    /// A value that no operation ever had.
    Impossible(String),
}

/// An operation of the queue.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) seq: i64,
    pub(super) what: What,
    pub(super) id: String,
    pub(super) vector: Option<Vec<u8>>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Add,
    Update,
    Upsert,
    Delete,
}

impl Collection {
    /// Returns the first sequence number of its operations.
    pub(super) fn first_seq(&self) -> Option<i64> {
        self.queue.first().map(|operation| operation.seq)
    }
}

impl Ground {
    /// Returns the largest sequence number of the queue: the next write gets the one after it.
    pub(super) fn queue_max(&self) -> Option<i64> {
        self.seqs.last().copied()
    }

    /// Returns the topic of a collection.
    pub(super) fn topic(&self, collection: &str) -> String {
        format!("{}{collection}", self.topic_prefix)
    }

    /// Returns a watermark in the form that this database has.
    pub(super) fn mark(&self, seq: i64) -> ForeignValue {
        if self.marks_are_integers {
            ForeignValue::Integer(seq)
        } else {
            ForeignValue::Blob(seq.to_be_bytes().to_vec())
        }
    }
}

/// Reads the database.
pub(super) fn read(database: &ForeignDatabase) -> Result<Ground> {
    let mut ground = Ground {
        topic_prefix: TOPIC_PREFIX.to_owned(),
        ..Ground::default()
    };
    let problems = database.problems(PROBLEMS_MAX)?;
    ground.text_search_damaged =
        !problems.is_empty() && problems.iter().all(|problem| is_of_text_search(problem));
    if !ground.text_search_damaged {
        ground.problems = problems;
    }
    let marks = read_marks(database, &mut ground)?;
    read_collections(database, &marks, &mut ground)?;
    read_rows(database, &mut ground)?;
    read_queue(database, &mut ground)?;
    Ok(ground)
}

/// SQLite words it so for a virtual table, and a damaged page otherwise.
fn is_of_text_search(problem: &str) -> bool {
    problem.contains("FTS5") || problem.contains("fts5")
}

/// Reads a table; damage of it is a problem.
fn each(
    database: &ForeignDatabase,
    problems: &mut Vec<String>,
    table: &str,
    columns: &[&str],
    each: &mut dyn FnMut(&ForeignRow<'_>),
) -> Result<()> {
    problems.extend(database.read(table, columns, each)?.damage);
    Ok(())
}

fn read_marks(database: &ForeignDatabase, ground: &mut Ground) -> Result<HashMap<String, Mark>> {
    let problems = &mut ground.problems;
    let mut version = 0;
    each(
        database,
        problems,
        "migrations",
        &["dir", "version"],
        &mut |row| {
            if row.text("dir") == Some("metadb") {
                version = version.max(row.integer("version").unwrap_or(0));
            }
        },
    )?;
    ground.marks_are_integers = version >= INTEGER_MARKS;
    let mut marks = HashMap::new();
    each(
        database,
        problems,
        "max_seq_id",
        &["segment_id", "seq_id"],
        &mut |row| {
            if let Some(segment) = row.text("segment_id") {
                let mark = mark_of(row.value("seq_id"), version >= INTEGER_MARKS);
                marks.insert(segment.to_owned(), mark);
            }
        },
    )?;
    Ok(marks)
}

fn mark_of(value: &ForeignValue, are_integers: bool) -> Mark {
    match value {
        ForeignValue::Integer(number) if (0..=SEQUENCE_MAX).contains(number) => Mark::At(*number),
        ForeignValue::Integer(number) => Mark::Impossible(number.to_string()),
        ForeignValue::Blob(bytes) => match big_endian(bytes) {
            Some(number) if !are_integers => Mark::At(number),
            _ => Mark::Impossible(format!("a blob of {} bytes", bytes.len())),
        },
        ForeignValue::Null => Mark::None,
        ForeignValue::Real(number) => Mark::Impossible(number.to_string()),
        ForeignValue::Text(..) => Mark::Impossible("a text".to_owned()),
    }
}

/// Reads a sequence number of Chroma until 0.6: eight bytes, the highest first.
fn big_endian(bytes: &[u8]) -> Option<i64> {
    let number = i64::from_be_bytes(bytes.try_into().ok()?);
    (0..=SEQUENCE_MAX).contains(&number).then_some(number)
}

/// Reads a sequence number of some builds of Chroma 1: two bytes of 0x11 and six digits.
fn digits(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(&[0x11, 0x11])?;
    let is_number = digits.len() == 6 && digits.iter().all(u8::is_ascii_digit);
    is_number
        .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

fn read_collections(
    database: &ForeignDatabase,
    marks: &HashMap<String, Mark>,
    ground: &mut Ground,
) -> Result<()> {
    let (distances, damage) = distances(database)?;
    ground.problems.extend(damage);
    let mut scopes: HashMap<(String, String), String> = HashMap::new();
    let (problems, segments) = (&mut ground.problems, &mut ground.segments);
    each(
        database,
        problems,
        "segments",
        &["id", "scope", "collection"],
        &mut |row| {
            let (id, scope, collection) =
                (row.text("id"), row.text("scope"), row.text("collection"));
            if let (Some(id), Some(scope), Some(collection)) = (id, scope, collection) {
                segments.insert(id.to_owned());
                scopes.insert((collection.to_owned(), scope.to_owned()), id.to_owned());
            }
        },
    )?;
    let columns = &["id", "name", "dimension", "config_json_str", "schema_str"];
    let (mut collections, mut without) = (Vec::new(), Vec::new());
    each(database, problems, "collections", columns, &mut |row| {
        let (Some(id), Some(name)) = (row.text("id"), row.text("name")) else {
            return;
        };
        let watched = |scope: &str| {
            let segment = scopes.get(&(id.to_owned(), scope.to_owned()))?.clone();
            let mark = marks.get(&segment).cloned().unwrap_or(Mark::None);
            Some(Watched { segment, mark })
        };
        let (Some(vector), Some(metadata)) = (watched("VECTOR"), watched("METADATA")) else {
            without.push(format!("the collection {name} lacks a segment"));
            return;
        };
        collections.push(Collection {
            id: id.to_owned(),
            name: name.to_owned(),
            dimension: row
                .integer("dimension")
                .and_then(|dimension| u64::try_from(dimension).ok()),
            space: distance_of(id, row, &distances),
            said: model_of(row),
            vector,
            metadata,
            rows: BTreeSet::new(),
            queue: Vec::new(),
            bad_operations: 0,
        });
    })?;
    ground.problems.extend(without);
    ground.collections = collections;
    Ok(())
}

fn read_rows(database: &ForeignDatabase, ground: &mut Ground) -> Result<()> {
    let of_segment: BTreeMap<String, usize> = ground
        .collections
        .iter()
        .enumerate()
        .map(|(place, collection)| (collection.metadata.segment.clone(), place))
        .collect();
    let (mut integers, mut blobs, mut unreadable) = (0, Vec::new(), 0);
    let columns = &["segment_id", "embedding_id", "seq_id"];
    let collections = &mut ground.collections;
    each(
        database,
        &mut ground.problems,
        "embeddings",
        columns,
        &mut |row| {
            match row.value("seq_id") {
                ForeignValue::Blob(bytes) => match big_endian(bytes).or_else(|| digits(bytes)) {
                    Some(seq) => blobs.push((row.number(), seq)),
                    None => unreadable += 1,
                },
                ForeignValue::Integer(_) => integers += 1,
                ForeignValue::Null | ForeignValue::Real(_) | ForeignValue::Text(..) => {
                    unreadable += 1;
                }
            }
            let place = row.text("segment_id").and_then(|id| of_segment.get(id));
            if let (Some(place), Some(id)) = (place, row.text("embedding_id"))
                && let Some(collection) = collections.get_mut(*place)
            {
                collection.rows.insert(id.to_owned());
            }
        },
    )?;
    (ground.integer_rows, ground.blob_rows) = (integers, blobs);
    if unreadable > 0 {
        let what = format!("{unreadable} rows have a sequence number that cannot be read");
        ground.problems.push(what);
    }
    Ok(())
}

fn read_queue(database: &ForeignDatabase, ground: &mut Ground) -> Result<()> {
    let places: BTreeMap<String, usize> = ground
        .collections
        .iter()
        .enumerate()
        .map(|(place, collection)| (collection.id.clone(), place))
        .collect();
    let columns = &["seq_id", "operation", "topic", "id", "vector", "encoding"];
    let (collections, seqs) = (&mut ground.collections, &mut ground.seqs);
    let mut prefix = None;
    each(
        database,
        &mut ground.problems,
        "embeddings_queue",
        columns,
        &mut |row| {
            let seq = row.integer("seq_id").unwrap_or_else(|| row.number());
            seqs.insert(seq);
            let topic = row.text("topic").unwrap_or_default();
            let of = topic.rsplit('/').next().unwrap_or_default();
            let Some(collection) = places.get(of).and_then(|place| collections.get_mut(*place))
            else {
                return;
            };
            prefix.get_or_insert_with(|| topic.strip_suffix(of).unwrap_or(topic).to_owned());
            match operation(row, seq, collection.dimension) {
                Some(operation) => collection.queue.push(operation),
                None => collection.bad_operations += 1,
            }
        },
    )?;
    if let Some(prefix) = prefix {
        ground.topic_prefix = prefix;
    }
    for collection in &mut ground.collections {
        collection.queue.sort_by_key(|operation| operation.seq);
    }
    Ok(())
}

/// Returns an operation; none for one that Chroma would stop at.
fn operation(row: &ForeignRow<'_>, seq: i64, dimension: Option<u64>) -> Option<Operation> {
    let what = match row.integer("operation")? {
        0 => What::Add,
        1 => What::Update,
        2 => What::Upsert,
        3 => What::Delete,
        _ => return None,
    };
    let vector = match row.value("vector") {
        ForeignValue::Null => None,
        ForeignValue::Blob(bytes) => Some(bytes.clone()),
        ForeignValue::Integer(_) | ForeignValue::Real(_) | ForeignValue::Text(..) => return None,
    };
    let is_fitting = match &vector {
        Some(bytes) => {
            row.text("encoding") == Some("FLOAT32")
                && dimension
                    .is_none_or(|dimension| dimension.checked_mul(4) == Some(bytes.len() as u64))
        }
        None => matches!(what, What::Update | What::Delete),
    };
    if !is_fitting || seq <= 0 {
        return None;
    }
    Some(Operation {
        seq,
        what,
        id: row.text("id")?.to_owned(),
        vector,
    })
}
