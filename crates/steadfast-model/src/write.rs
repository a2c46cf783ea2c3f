//! Changes on their way in, and what became of them.

use std::collections::{BTreeSet, HashMap};

use crate::chunk::{Attributes, Metadata, NewChunk};
use crate::document::{DocumentStatus, Fingerprint};
use crate::ids::{ChunkId, ContentHash, DocumentKey, Namespace, Row, Seq};
use crate::record::{CollectionChange, CollectionSpace};
use crate::root::{Assignment, Root};
use crate::time::Timestamp;
use crate::vector::Vector;

/// One logical commit: it appears wholly or not at all, under one sequence number.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// Replace the content of a document by these chunks. Notes that were made under its source stay beside them.
    Put(PutDocument),
    /// Replace the content of a document, with the notes under its source, by chunks that another store kept, with what
    /// was counted of them there.
    Restore(RestoreDocument),
    /// Keep versions that another store had of a document, beside what is live. A version that is there is not added
    /// again.
    Past(PastDocument),
    /// Add a note.
    Note(NoteWrite),
    /// Record what became of a source whose content is not to change.
    Mark {
        /// The namespace.
        namespace: Namespace,
        /// The source.
        source: String,
        /// What became of it; live chunks stay unless it is [`DocumentStatus::Removed`]. Notes that were made under
        /// its source stay even then, and with them the document.
        status: DocumentStatus,
        /// Why.
        reason: Option<String>,
        /// What it was when it was looked at.
        fingerprint: Option<Fingerprint>,
    },
    /// Give a document another source: chunks, ids, counts and what was forgotten of it stay.
    ///
    /// It is applied only to a document with live chunks whose last content has this hash, and only to a
    /// source that no document holds, but for one that is gone: the two then change places. Else nothing
    /// is written, and the outcome is [`Outcome::Reused`]. Attributes stay as they were; a
    /// [`Change::Put`] behind it brings them up to date.
    Rename {
        /// The namespace.
        namespace: Namespace,
        /// The source until now.
        from: String,
        /// The source from now on.
        to: String,
        /// What the file is at its new place; its hash is what it was at the old one.
        fingerprint: Fingerprint,
    },
    /// Purge these rows: text, vectors and history; only the event stays.
    Forget {
        /// Rows, live or history.
        rows: Vec<Row>,
        /// Documents to forget as a whole, with their history; their sources stay out.
        documents: Vec<DocumentKey>,
    },
    /// Count that these rows were fetched by id.
    Access(Vec<Row>),
    /// Give live chunks that carry a tag another one instead, which they may carry already.
    RenameTag {
        /// The tag they carry.
        from: String,
        /// The tag they are to carry.
        to: String,
    },
    /// Move documents into another namespace, which may have some already.
    ///
    /// A document whose source is in both stays where it is: nothing is mixed or lost.
    RenameNamespace {
        /// Where they are.
        from: Namespace,
        /// Where they are to be.
        to: Namespace,
        /// Only the document of this source; none means all.
        source: Option<String>,
    },
    /// Remember of a root what is said here, instead of what was said before. Like [`Self::DropRoot`] it is durable
    /// and has no sequence number: what is remembered of roots is no part of the history.
    Root(Root),
    /// Remember nothing of a root any more; its documents stay.
    DropRoot {
        /// Its path.
        path: String,
        /// Its namespace, if one was given for it.
        namespace: Option<Namespace>,
    },
    /// Give live chunks the vectors that were still to come.
    ///
    /// A chunk that has its vector by now, is gone, or has another text is passed over, so a change that is
    /// made twice, or by two at once, changes nothing the second time.
    Vectors(Vec<LateVector>),
    /// Make, fill or take out a collection.
    Collection(CollectionChange),
}

/// The new content of a document.
#[derive(Clone, Debug)]
pub struct PutDocument {
    /// The namespace.
    pub namespace: Namespace,
    /// The source.
    pub source: String,
    /// What the file was when it was read; none for what is not a file.
    pub fingerprint: Option<Fingerprint>,
    /// The attributes that chunks point to.
    pub attributes: Vec<Attributes>,
    /// All chunks, in order.
    pub chunks: Vec<NewChunk>,
    /// Bring back a source, and texts of it, that were forgotten.
    pub revive: bool,
    /// What the document was given from outside; the attributes have it already.
    pub assigned: Assignment,
}

/// A vector that comes after its chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct LateVector {
    /// The chunk.
    pub row: Row,
    /// The hash of the text that was embedded.
    pub content_hash: ContentHash,
    /// The vector; all zeros when the text has no place in the space, for good.
    pub vector: Vector,
}

/// The new content of a document, as another store kept it.
#[derive(Clone, Debug)]
pub struct RestoreDocument {
    /// The content.
    pub put: PutDocument,
    /// For each of its attributes the digest of the note that they belong to; those that are missing belong to none.
    pub notes: Vec<Option<ContentHash>>,
    /// For each of its chunks how often it was fetched by id. A count never falls, so a change that is applied again
    /// changes nothing.
    pub access_counts: Vec<u64>,
    /// For each of its chunks when it came into the other store; missing ones came with this change. Kept of those
    /// that this change inserts.
    pub added: Vec<Option<Timestamp>>,
}

/// What a document held before, as another store kept it: versions that no question of today finds.
#[derive(Clone, Debug)]
pub struct PastDocument {
    /// The namespace.
    pub namespace: Namespace,
    /// The source.
    pub source: String,
    /// Attributes that its versions name.
    pub attributes: Vec<Attributes>,
    /// Its versions.
    pub versions: Vec<PastVersion>,
}

/// A chunk that was live from one moment to another, by the clocks of another store.
#[derive(Clone, Debug)]
pub struct PastVersion {
    /// The chunk.
    pub chunk: NewChunk,
    /// When it came.
    pub added: Timestamp,
    /// When it left.
    pub removed: Timestamp,
}

/// A note to remember.
#[derive(Clone, Debug)]
pub struct NoteWrite {
    /// The namespace.
    pub namespace: Namespace,
    /// The source; none means a document of its own, called `note:<id>`.
    pub source: Option<String>,
    /// What filters can ask about it.
    pub attributes: Attributes,
    /// What of the attributes the caller said himself: a note that is there already takes it over.
    pub said: Said,
    /// The text as chunks, in order.
    pub chunks: Vec<NewChunk>,
    /// Makes a repeated call with the same key and text a no-op.
    pub idempotency_key: Option<String>,
}

/// What the caller says of a note, beside its title and its tags.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Said {
    /// Metadata, key by key.
    pub meta: Metadata,
    /// When the text is from.
    pub document_time: Option<Timestamp>,
    /// First instant at which the text holds.
    pub valid_from: Option<Timestamp>,
    /// First instant at which the text no longer holds.
    pub valid_to: Option<Timestamp>,
}

impl NoteWrite {
    /// Returns the moment at which another note must hold to be the same as this one that is told now: now, if this one
    /// holds then, else when it begins to hold, or last held.
    pub fn moment(&self, now: Timestamp) -> Timestamp {
        let Attributes {
            valid_from,
            valid_to,
            ..
        } = &self.attributes;
        match (valid_from, valid_to) {
            (Some(from), _) if *from > now => *from,
            (_, Some(to)) if *to <= now => Timestamp(to.0.saturating_sub(1)),
            _ => now,
        }
    }

    /// Returns the attributes of a note that is there already and is told again by this one: tags are merged, and what
    /// the caller says takes the place of what it was.
    pub fn told_again(&self, known: &Attributes) -> Attributes {
        let mut attributes = known.clone();
        let Said {
            meta,
            document_time,
            valid_from,
            valid_to,
        } = self.said.clone();
        attributes.tags.extend(self.attributes.tags.iter().cloned());
        attributes.meta.extend(meta);
        attributes.document_time = document_time.or(known.document_time);
        attributes.valid_from = valid_from.or(known.valid_from);
        attributes.valid_to = valid_to.or(known.valid_to);
        attributes
    }

    /// Returns what makes two notes of one namespace the same: title and text.
    pub fn digest(&self) -> ContentHash {
        let hashes = self.chunks.iter().map(|chunk| chunk.content_hash);
        note_digest(self.attributes.title.as_deref(), hashes)
    }
}

/// Returns what makes two notes of one namespace the same, from the title and the hashes of the chunks in order.
pub fn note_digest(
    title: Option<&str>,
    texts: impl IntoIterator<Item = ContentHash>,
) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    };
    match title {
        Some(title) => field(title.as_bytes()),
        None => field(&[0]),
    }
    for text in texts {
        field(&text.0);
    }
    ContentHash(*hasher.finalize().as_bytes())
}

/// How many chunks a change added, found again, changed in place, and took out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// New rows.
    pub inserted: u64,
    /// Rows that were there already, unchanged.
    pub reused: u64,
    /// Rows that kept their id and text while their place or attributes changed.
    pub updated: u64,
    /// Rows that left the live set.
    pub removed: u64,
}

impl Counts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.reused += other.reused;
        self.updated += other.updated;
        self.removed += other.removed;
    }

    /// Returns whether the live chunks are as they were.
    pub fn is_unchanged(&self) -> bool {
        self.inserted == 0 && self.updated == 0 && self.removed == 0
    }
}

/// In one word, what became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Something new is in the store.
    Inserted,
    /// It was there already; nothing changed.
    Reused,
    /// It was there and was brought up to date.
    Updated,
    /// It is no longer live.
    Removed,
    /// Nothing was written, for this reason.
    Refused(Refusal),
}

impl Outcome {
    /// Returns the word used in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Reused => "reused",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Refused(_) => "refused",
        }
    }
}

/// Why one change of a batch was not applied, while the others were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The idempotency key was used with another text.
    #[error("the idempotency key `{key}` was used before with another text")]
    IdempotencyConflict {
        /// The key.
        key: String,
    },
    /// The user asked to forget the source.
    #[error("`{origin}` was forgotten and stays out")]
    Forgotten {
        /// The source.
        origin: String,
    },
    /// The collection was deleted.
    #[error("the collection is gone")]
    NoCollection,
    /// The vectors are not of the collection's space.
    #[error("the collection has {expected}, the records {found}")]
    OtherSpace {
        /// The space of the collection.
        expected: CollectionSpace,
        /// The space of the records.
        found: CollectionSpace,
    },
}

/// What became of one change, known after the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The commit; none when nothing was written.
    pub seq: Option<Seq>,
    /// In one word.
    pub outcome: Outcome,
    /// In numbers.
    pub counts: Counts,
    /// The ids of the chunks named by the change, in its order; the loser of a race gets the winner's.
    pub ids: Vec<ChunkId>,
    /// How many chunks were left out because their text was forgotten.
    pub withheld: u64,
}

/// Sets position and ordinal of the chunks of one document.
///
/// The ordinal numbers equal texts that start on the same line, so that equal
/// chunks without line numbers, as in minified data, are not lost.
pub fn number(chunks: &mut [NewChunk]) {
    number_beside(chunks, &BTreeSet::new());
}

/// Like [`number`], and passes over the keys that other chunks of the document hold: hash, first line, ordinal.
pub fn number_beside(chunks: &mut [NewChunk], held: &BTreeSet<(ContentHash, u32, u32)>) {
    let mut numbers = Numbers::beside(held);
    for chunk in chunks {
        (chunk.place.position, chunk.place.ordinal) = numbers.next(chunk);
    }
}

/// Returns whether [`number_beside`] would leave these chunks as they are: then nobody needs a copy to number.
pub fn is_numbered(chunks: &[NewChunk], held: &BTreeSet<(ContentHash, u32, u32)>) -> bool {
    let mut numbers = Numbers::beside(held);
    chunks
        .iter()
        .all(|chunk| numbers.next(chunk) == (chunk.place.position, chunk.place.ordinal))
}

/// The numbers that are given out to the chunks of one document.
struct Numbers<'h> {
    position: u32,
    seen: HashMap<(ContentHash, u32), u32>,
    held: &'h BTreeSet<(ContentHash, u32, u32)>,
}

impl<'h> Numbers<'h> {
    fn beside(held: &'h BTreeSet<(ContentHash, u32, u32)>) -> Self {
        Self {
            position: 0,
            seen: HashMap::new(),
            held,
        }
    }

    /// Returns the position and the ordinal of the next chunk.
    fn next(&mut self, chunk: &NewChunk) -> (u32, u32) {
        let key = (chunk.content_hash, chunk.place.start_line);
        let next = self.seen.entry(key).or_insert(0);
        while !self.held.is_empty() && self.held.contains(&(key.0, key.1, *next)) {
            *next += 1;
        }
        let numbers = (self.position, *next);
        *next += 1;
        self.position = self.position.saturating_add(1);
        numbers
    }
}

/// A live chunk as the plan sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveChunk {
    /// Its row.
    pub row: Row,
    /// The hash of its text.
    pub content_hash: ContentHash,
    /// Its first line.
    pub start_line: u32,
    /// Its occurrence number.
    pub ordinal: u32,
}

/// How the chunks of a document become the new ones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReplacePlan {
    /// For each new chunk the row that already holds its text, if any.
    pub rows: Vec<Option<Row>>,
    /// Rows whose text is gone.
    pub removed: Vec<Row>,
}

/// Decides which live chunks survive as which new chunks.
///
/// A chunk survives when its text does: first where it stands, then, for equal
/// texts, in order of line. So of two equal sections of which one was deleted,
/// exactly one row stays, and ids and counters follow texts that moved.
pub fn plan_replace(live: &[LiveChunk], new: &[NewChunk]) -> ReplacePlan {
    let mut by_key: HashMap<(ContentHash, u32, u32), Row> = HashMap::with_capacity(live.len());
    for chunk in live {
        by_key.insert(
            (chunk.content_hash, chunk.start_line, chunk.ordinal),
            chunk.row,
        );
    }
    let mut taken: BTreeSet<Row> = BTreeSet::new();
    let mut rows: Vec<Option<Row>> = new
        .iter()
        .map(|chunk| {
            let row = by_key
                .get(&(
                    chunk.content_hash,
                    chunk.place.start_line,
                    chunk.place.ordinal,
                ))
                .copied();
            taken.extend(row);
            row
        })
        .collect();

    let mut left: Vec<&LiveChunk> = live
        .iter()
        .filter(|chunk| !taken.contains(&chunk.row))
        .collect();
    left.sort_by_key(|chunk| (chunk.start_line, chunk.ordinal, chunk.row));
    let mut by_text: HashMap<ContentHash, std::collections::VecDeque<Row>> = HashMap::new();
    for chunk in left {
        by_text
            .entry(chunk.content_hash)
            .or_default()
            .push_back(chunk.row);
    }
    for (slot, chunk) in rows.iter_mut().zip(new).filter(|(slot, _)| slot.is_none()) {
        *slot = by_text
            .get_mut(&chunk.content_hash)
            .and_then(std::collections::VecDeque::pop_front);
    }
    let mut removed: Vec<Row> = by_text.into_values().flatten().collect();
    removed.sort_unstable();
    ReplacePlan { rows, removed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Place;
    use crate::terms::HashedTerms;

    fn new(text: &str, start_line: u32) -> NewChunk {
        NewChunk {
            text: text.to_owned(),
            content_hash: ContentHash::of(text),
            place: Place {
                start_line,
                ..Place::default()
            },
            attributes: 0,
            terms: HashedTerms::default(),
            vector: None,
        }
    }

    fn live(text: &str, start_line: u32, row: u32) -> LiveChunk {
        LiveChunk {
            row: Row(row),
            content_hash: ContentHash::of(text),
            start_line,
            ordinal: 0,
        }
    }

    #[test]
    fn of_two_equal_sections_one_deleted_one_is_left() {
        let plan = plan_replace(&[live("a", 1, 1), live("a", 5, 2)], &[new("a", 5)]);
        assert_eq!(plan.rows, [Some(Row(2))]);
        assert_eq!(plan.removed, [Row(1)]);
    }

    #[test]
    fn ids_follow_texts_that_moved() {
        let plan = plan_replace(
            &[live("a", 1, 1), live("b", 5, 2)],
            &[new("new", 1), new("b", 3), new("a", 9)],
        );
        assert_eq!(plan.rows, [None, Some(Row(2)), Some(Row(1))]);
        assert_eq!(plan.removed, []);
    }

    #[test]
    fn equal_texts_on_one_line_are_numbered_apart() {
        let mut chunks = [new("{}", 1), new("{}", 1), new("{}", 2)];
        let nothing = BTreeSet::new();
        assert!(!is_numbered(&chunks, &nothing));
        number(&mut chunks);
        assert!(is_numbered(&chunks, &nothing));
        assert!(!is_numbered(chunks.get(1..).unwrap(), &nothing));
        assert_eq!(
            chunks
                .clone()
                .map(|chunk| (chunk.place.ordinal, chunk.place.position)),
            [(0, 0), (1, 1), (0, 2)]
        );
        let held = [
            (chunks[0].content_hash, 1, 0),
            (chunks[0].content_hash, 1, 2),
        ]
        .into();
        number_beside(&mut chunks, &held);
        assert!(is_numbered(&chunks, &held));
        let ordinals = chunks.map(|chunk| chunk.place.ordinal);
        assert_eq!(ordinals, [1, 3, 0]);
    }
}
