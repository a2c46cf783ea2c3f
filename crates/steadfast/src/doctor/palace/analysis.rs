//! The authoritative check of a collection: every live row is indexed, or queued where Chroma will read it.
//!
//! Equality of sets, without a threshold and without times of files. Operations
//! are replayed by Chroma's own rules; to replay all of a queue again changes
//! nothing, because each operation says what a row is to be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ground::{Collection, Ground, Mark, Operation, What};
use crate::import::chroma::segment::Segment;

/// What became of a collection.
#[derive(Debug)]
pub(super) struct Analysis<'g> {
    pub(super) collection: &'g Collection,
    pub(super) segment: Segment,
    /// Rows that Chroma counts.
    pub(super) live: BTreeSet<String>,
    /// Live rows that no search by vector can find.
    pub(super) missing: Vec<String>,
    /// Vectors of rows that are not there.
    pub(super) extra: Vec<String>,
    /// Live rows whose vector comes from the queue.
    pub(super) queued: u64,
    /// What is wrong with the watermark of the vectors.
    pub(super) vector_mark: Option<String>,
    /// What is wrong with the watermark of the rows.
    pub(super) metadata_mark: Option<String>,
    /// Writes that were accepted and never became rows.
    pub(super) swallowed: u64,
    /// How it is made whole.
    pub(super) remedy: Remedy,
    /// Live rows whose vector is nowhere.
    pub(super) lost: Vec<String>,
}

/// How the vectors of a collection are made whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Remedy {
    /// Nothing is to be done, or nothing can be.
    #[default]
    None,
    /// The watermark goes back, so that Chroma reads the queue again.
    Mark,
    /// A new, empty segment: Chroma fills it from the queue, which gets these vectors first.
    Rebuild(Vec<(String, Vec<u8>)>),
}

/// Analyses a collection; `spare` are vectors that were set aside earlier.
pub(super) fn analyse<'g>(
    ground: &Ground,
    collection: &'g Collection,
    segment: Segment,
    spare: &HashMap<String, Vec<f32>>,
) -> Analysis<'g> {
    let queue_max = ground.queue_max().unwrap_or(0);
    let vector_mark = mark_problem(&collection.vector.mark, queue_max);
    let metadata_mark = mark_problem(&collection.metadata.mark, queue_max);
    let applied = |mark: &Mark| match mark {
        Mark::None => 0,
        Mark::At(seq) => *seq,
        Mark::Impossible(_) => i64::MAX,
    };
    let indexed_to = match (&collection.vector.mark, segment.seq) {
        (Mark::None, Some(seq)) => seq,
        (mark, _) => applied(mark),
    };
    let now = replay_rows(collection, applied(&collection.metadata.mark));
    // Where the watermark cannot be, what it has hidden is to become rows again.
    let live = if metadata_mark.is_some() {
        replay_rows(collection, 0)
    } else {
        now.clone()
    };
    let swallowed = live.difference(&now).count() as u64;
    let has = replay_vectors(&segment, collection, indexed_to);
    let missing: Vec<String> = difference(&live, |id| has.contains_key(id));
    let extra: Vec<String> = has
        .keys()
        .filter(|id| !live.contains(**id))
        .map(|id| (*id).to_owned())
        .collect();
    let queued = has
        .iter()
        .filter(|(id, origin)| **origin == Origin::Queue && live.contains(**id))
        .count() as u64;
    let mut analysis = Analysis {
        collection,
        live,
        missing,
        extra,
        queued,
        vector_mark,
        metadata_mark,
        swallowed,
        remedy: Remedy::None,
        lost: Vec::new(),
        segment,
    };
    analysis.remedy = analysis.choose(spare);
    analysis
}

/// Returns what is wrong with a watermark: a value that cannot be, or one beyond the queue. The queue gives numbers out
/// anew when its end is gone, so the next writes would be below such a watermark and be taken for done.
fn mark_problem(mark: &Mark, queue_max: i64) -> Option<String> {
    match mark {
        Mark::Impossible(what) => Some(format!("is {what}, which no operation ever had")),
        Mark::At(seq) if *seq > queue_max => Some(format!(
            "is {seq}, and the last operation of the queue is {queue_max}: the next writes would be lost"
        )),
        Mark::At(_) | Mark::None => None,
    }
}

fn difference(ids: &BTreeSet<String>, has: impl Fn(&str) -> bool) -> Vec<String> {
    ids.iter().filter(|id| !has(id)).cloned().collect()
}

fn replay_rows(collection: &Collection, applied: i64) -> BTreeSet<String> {
    let mut rows = collection.rows.clone();
    for operation in collection.queue.iter().filter(|it| it.seq > applied) {
        match operation.what {
            What::Add | What::Upsert => drop(rows.insert(operation.id.clone())),
            What::Delete => drop(rows.remove(&operation.id)),
            What::Update => {}
        }
    }
    rows
}

/// Where a vector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Index,
    Queue,
}

fn replay_vectors<'a>(
    segment: &'a Segment,
    collection: &'a Collection,
    applied: i64,
) -> BTreeMap<&'a str, Origin> {
    let mut has: BTreeMap<&str, Origin> = segment
        .vectors
        .keys()
        .map(|id| (id.as_str(), Origin::Index))
        .collect();
    for operation in collection.queue.iter().filter(|it| it.seq > applied) {
        let id = operation.id.as_str();
        match (operation.what, operation.vector.is_some()) {
            (What::Add, true) => drop(has.entry(id).or_insert(Origin::Queue)),
            (What::Upsert, true) => drop(has.insert(id, Origin::Queue)),
            (What::Update, true) => {
                has.entry(id).and_modify(|origin| *origin = Origin::Queue);
            }
            (What::Delete, _) => drop(has.remove(id)),
            (What::Add | What::Upsert | What::Update, false) => {}
        }
    }
    has
}

impl Analysis<'_> {
    /// Returns whether the index itself is at fault.
    pub(super) fn is_segment_damaged(&self) -> bool {
        let has_gap = !self.missing.is_empty() && self.vector_mark.is_none();
        !self.segment.problems.is_empty()
            || self.segment.counted > 0 && has_gap && self.remedy != Remedy::Mark
    }

    fn choose(&mut self, spare: &HashMap<String, Vec<f32>>) -> Remedy {
        let (queue, lost) = self.recover(spare);
        self.lost = lost;
        let is_whole = self.segment.problems.is_empty();
        let replayed = replay_vectors(&self.segment, self.collection, 0);
        let stays_missing = self
            .live
            .iter()
            .filter(|id| !replayed.contains_key(id.as_str()))
            .count();
        let stays_extra = replayed.keys().any(|id| !self.live.contains(*id));
        let is_needed = !is_whole
            || !self.missing.is_empty()
            || !self.extra.is_empty()
            || self.vector_mark.is_some();
        // Read again, an operation that Chroma stops at would stop it again.
        if !is_needed || self.collection.bad_operations > 0 {
            Remedy::None
        } else if is_whole && stays_missing == self.lost.len() && !stays_extra {
            let would_change = self.vector_mark.is_some() || self.missing.len() != self.lost.len();
            if would_change {
                Remedy::Mark
            } else {
                Remedy::None
            }
        } else {
            Remedy::Rebuild(queue)
        }
    }

    /// Returns what an empty index needs before the queue to become whole, and the live rows whose vector is nowhere.
    fn recover(&self, spare: &HashMap<String, Vec<f32>>) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
        let mut operations: HashMap<&str, Vec<&Operation>> = HashMap::new();
        for operation in &self.collection.queue {
            operations.entry(&operation.id).or_default().push(operation);
        }
        let (mut queue, mut lost) = (Vec::new(), Vec::new());
        for id in &self.live {
            let of_row = operations.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            if ends_with_vector(of_row) {
                continue;
            }
            let stored = self.segment.vectors.get(id).or_else(|| spare.get(id));
            let bytes = match stored {
                Some(vector) => Some(vector.iter().flat_map(|x| x.to_le_bytes()).collect()),
                // The row that it updated is gone, and what it was updated to is here.
                None => of_row.iter().find_map(|operation| operation.vector.clone()),
            };
            match bytes {
                Some(bytes) => queue.push((id.clone(), bytes)),
                None => lost.push(id.clone()),
            }
        }
        (queue, lost)
    }
}

/// Returns whether these operations on a row give it a vector, in an index that did not have it.
fn ends_with_vector(operations: &[&Operation]) -> bool {
    operations
        .iter()
        .fold(false, |has, operation| match operation.what {
            What::Add | What::Upsert => has || operation.vector.is_some(),
            What::Update => has,
            What::Delete => false,
        })
}
