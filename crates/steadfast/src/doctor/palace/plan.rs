//! What would mend a palace: decided here, done in `repair`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use steadfast_model::Timestamp;
use steadfast_store::{ForeignDatabase, ForeignValue};

use super::PalaceStep;
use super::analysis::{Analysis, Remedy};
use super::folders;
use super::ground::{Ground, Mark};
use super::look::Palace;
use crate::error::Result;

/// A repair.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) rebuilds: Vec<Rebuild>,
    /// What is to be embedded again, each in a sentence; the rebuilds follow from it.
    pub(super) embeds: Vec<String>,
    /// Watermarks that go back: the segment, its new watermark, and of what it is.
    pub(super) marks: Vec<(String, ForeignValue, String)>,
    /// Rows by their number, and the sequence number that each gets as an integer.
    pub(super) seqs: Vec<(i64, i64)>,
    /// Whether the index of the text search is made anew.
    pub(super) text_search: bool,
    /// Folders that a killed repair left behind.
    pub(super) moves: Vec<PathBuf>,
    /// Folders that are proven damaged, with the name of the collection and the rows that are found through them alone.
    pub(super) damaged: Vec<(PathBuf, String, u64)>,
    /// Folders that are as old as was asked for.
    pub(super) stale: Vec<PathBuf>,
}

/// A new segment in the place of a damaged one.
#[derive(Debug)]
pub(super) struct Rebuild {
    pub(super) collection: String,
    pub(super) topic: String,
    pub(super) old: String,
    pub(super) new: String,
    /// What is queued: the number, the id, the vector.
    pub(super) queue: Vec<(i64, String, Vec<u8>)>,
    pub(super) rows: usize,
}

pub(super) fn plan(
    palace: &Palace,
    ground: &Ground,
    analyses: &[Analysis<'_>],
    now: Timestamp,
) -> Plan {
    let mut plan = Plan::default();
    for analysis in analyses.iter().filter(|it| it.is_segment_damaged()) {
        let folder = palace.folder.join(&analysis.collection.vector.segment);
        if folder.is_dir() {
            let name = analysis.collection.name.clone();
            let gap = analysis.live.len() as u64 - analysis.queued;
            plan.damaged.push((folder, name, gap));
        }
    }
    // A change of a damaged file could make it worse.
    if !ground.problems.is_empty() {
        return plan;
    }
    let mut seqs = Numbers::of(ground);
    for analysis in analyses {
        let collection = analysis.collection;
        if let Remedy::Rebuild(vectors) = &analysis.remedy {
            let numbers = seqs.below(collection.first_seq(), vectors.len());
            plan.rebuilds.push(Rebuild {
                collection: collection.name.clone(),
                topic: ground.topic(&collection.id),
                old: collection.vector.segment.clone(),
                new: new_id(&collection.vector.segment, now),
                queue: numbers
                    .into_iter()
                    .zip(vectors)
                    .map(|(seq, (id, vector))| (seq, id.clone(), vector.clone()))
                    .collect(),
                rows: analysis.live.len(),
            });
        }
    }
    for analysis in analyses {
        let collection = analysis.collection;
        let watched = [
            (
                &collection.vector,
                "vectors",
                analysis.remedy == Remedy::Mark,
            ),
            (
                &collection.metadata,
                "rows",
                analysis.metadata_mark.is_some(),
            ),
        ];
        for (watched, of, _) in watched.into_iter().filter(|(_, _, is_wrong)| *is_wrong) {
            // Below the first operation of the collection, so that Chroma reads all of them again; what is queued for
            // vectors alone stays below.
            let back_to = collection
                .first_seq()
                .map_or_else(|| seqs.max().min(known(&watched.mark)), |first| first - 1);
            let what = format!(
                "the watermark of the {of} of {} to {back_to}",
                collection.name
            );
            plan.marks
                .push((watched.segment.clone(), ground.mark(back_to), what));
        }
    }
    plan.seqs.clone_from(&ground.blob_rows);
    plan.text_search = ground.text_search_damaged;
    plan
}

fn known(mark: &Mark) -> i64 {
    match mark {
        Mark::At(seq) => *seq,
        Mark::None => 0,
        Mark::Impossible(_) => i64::MAX,
    }
}

/// The sequence numbers that are taken.
struct Numbers {
    taken: BTreeSet<i64>,
    next: i64,
}

impl Numbers {
    fn of(ground: &Ground) -> Self {
        Self {
            taken: ground.seqs.clone(),
            next: 1,
        }
    }

    fn max(&self) -> i64 {
        self.taken.last().copied().unwrap_or(0).max(0)
    }

    /// Takes free numbers below `first`, where Chroma takes the rows to be up to date already; every row had such a
    /// number once. Numbers after all others follow when they do not suffice, which happens only where the queue began
    /// to count anew.
    fn below(&mut self, first: Option<i64>, count: usize) -> Vec<i64> {
        let end = first.unwrap_or_else(|| self.max().max(1));
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count && self.next < end {
            if self.taken.insert(self.next) {
                numbers.push(self.next);
            }
            self.next += 1;
        }
        while numbers.len() < count {
            let next = self.max() + 1;
            self.taken.insert(next);
            numbers.push(next);
        }
        numbers
    }
}

/// Makes an id for a segment, from the one that it takes the place of and the time: a UUID of version 8.
fn new_id(old: &str, now: Timestamp) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"steadfast palace segment\0");
    hasher.update(old.as_bytes());
    hasher.update(&now.0.to_le_bytes());
    let hex = hasher.finalize().to_hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Chroma takes any UUID; that of version 4 is what its own are.
    format!(
        "{}-{}-4{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

impl Plan {
    /// Returns whether the database is to be changed.
    pub(super) fn changes_database(&self) -> bool {
        !(self.rebuilds.is_empty()
            && self.embeds.is_empty()
            && self.marks.is_empty()
            && self.seqs.is_empty())
            || self.text_search
    }

    /// Returns the steps in sentences.
    pub(super) fn steps(&self) -> Vec<PalaceStep> {
        let mut steps = Vec::new();
        let mut step = |name, what| steps.push(PalaceStep { name, what });
        if self.changes_database() {
            let what = "copy the database into a backup beside it".to_owned();
            step("backup", what);
        }
        for what in &self.embeds {
            step(super::embed::STEP, what.clone());
        }
        for rebuild in &self.rebuilds {
            step(
                "rebuild",
                format!(
                    "queue {} vectors of {} that were in the old index, and give Chroma an empty index to fill with \
                     all {} rows",
                    rebuild.queue.len(),
                    rebuild.collection,
                    rebuild.rows
                ),
            );
            step(
                "set_aside",
                format!("set the old index {} aside", rebuild.old),
            );
        }
        for (_, _, what) in &self.marks {
            step("watermark", format!("set {what}"));
        }
        if !self.seqs.is_empty() {
            let what = format!(
                "write {} sequence numbers of rows as integers",
                self.seqs.len()
            );
            step("seq_ids", what);
        }
        if self.text_search {
            let what = "make the index of Chroma's text search anew".to_owned();
            step("text_search", what);
        }
        for folder in &self.moves {
            step(
                "set_aside",
                format!("set the old index {} aside", folder.display()),
            );
        }
        steps
    }
}

/// Tables that a repair changes; of these the rows are counted and compared in other ways.
const CHANGED: [&str; 4] = [
    "embeddings_queue",
    "max_seq_id",
    "segments",
    "segment_metadata",
];

/// Hashes all rows of all tables that a repair does not change, so that nothing else changes silently.
pub(super) fn fingerprint(database: &ForeignDatabase) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let tables: Vec<String> = database
        .tables()
        .filter(|table| {
            !CHANGED.contains(table) && !table.starts_with("embedding_fulltext_search_")
        })
        .map(str::to_owned)
        .collect();
    for table in tables {
        hasher.update(table.as_bytes());
        let columns: Vec<String> = database.columns(&table).to_vec();
        let columns: Vec<&str> = columns
            .iter()
            .map(String::as_str)
            .filter(|column| table != "embeddings" || *column != "seq_id")
            .collect();
        let mut update = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        database.read(&table, &columns, &mut |row| {
            update(&row.number().to_le_bytes());
            for column in &columns {
                match row.value(column) {
                    ForeignValue::Null => update(b""),
                    ForeignValue::Integer(number) => update(&number.to_le_bytes()),
                    ForeignValue::Real(number) => update(&number.to_bits().to_le_bytes()),
                    ForeignValue::Text(text, _) => update(text.as_bytes()),
                    ForeignValue::Blob(bytes) => update(bytes),
                }
            }
        })?;
    }
    Ok(hasher.finalize())
}

/// Returns the name of the folder for a backup made at a time.
pub(super) fn backup_name(now: Timestamp) -> String {
    format!("steadfast-backup-{}", folders::stamp(now))
}
