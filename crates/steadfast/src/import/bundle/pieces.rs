//! Lines become documents and batches of records, in one pass, with what is refused counted.

use std::path::{Path, PathBuf};

use steadfast_model::{Metadata, Namespace, Timestamp, Vector};

use super::super::ImportKind;
use super::super::survey::{Extent, Tally, Unit, UnitRow};
use super::line::{self, CollectionHead, Kept, KeptRecord, Line, Manifest};
use super::lines::Lines;
use super::{Ended, check_version, namespace};
use crate::error::{Error, Result};
use crate::ingest::Carried;

/// Chunks of one document that are taken.
const UNIT_ROWS_MAX: usize = 500_000;
/// Bytes of text of one document that are taken.
const UNIT_BYTES_MAX: usize = 512 << 20;
/// Records that are handed over at once.
const RECORDS_MAX: usize = 500;
/// Versions of one document that are handed over at once.
const VERSIONS_MAX: usize = 500;
/// Bytes of documents, or of versions, that are handed over at once.
const RECORD_BYTES_MAX: usize = 8 << 20;
/// Collections that one bundle can name.
const COLLECTIONS_MAX: usize = 100_000;

/// A part of a bundle.
#[derive(Debug)]
pub(in crate::import) enum Piece {
    /// A document.
    Unit(Unit),
    /// Records of one collection, perhaps none.
    Records(RecordsIn),
    /// Versions of one document that were no longer live.
    Past(PastIn),
}

impl Piece {
    /// Returns how many memories it holds.
    pub(in crate::import) fn rows(&self) -> u64 {
        match self {
            Self::Unit(unit) => unit.rows.len() as u64,
            Self::Records(batch) => batch.records.len() as u64,
            Self::Past(past) => past.versions.len() as u64,
        }
    }
}

/// Records of one collection.
#[derive(Debug)]
pub(in crate::import) struct RecordsIn {
    pub(in crate::import) collection: CollectionHead,
    pub(in crate::import) records: Vec<KeptRecord>,
}

/// Versions of one document.
#[derive(Debug)]
pub(in crate::import) struct PastIn {
    pub(in crate::import) namespace: Namespace,
    pub(in crate::import) source: String,
    /// Each with when it came and when it left.
    pub(in crate::import) versions: Vec<(UnitRow, Timestamp, Timestamp)>,
}

/// What a pass over a bundle found.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    pub(super) manifest: Option<Manifest>,
    pub(super) end: Ended,
    /// Chunks and records that were found, also refused ones.
    pub(super) read: u64,
    pub(super) chunk_lines: u64,
    pub(super) record_lines: u64,
    pub(super) past_lines: u64,
    pub(super) refusals: Tally,
    /// The hash that the end must name; of a list, that of all its bytes.
    pub(super) hash: String,
    /// The last line has no end and cannot be read.
    pub(super) is_unfinished: bool,
}

/// A pass over a bundle.
pub(super) struct Pieces {
    path: PathBuf,
    lines: Lines,
    namespace: Option<Namespace>,
    judged: Judged,
    unit: Option<Unit>,
    unit_bytes: usize,
    /// Versions that wait; while there are any, no document does.
    past: Option<PastIn>,
    past_bytes: usize,
    records: Option<RecordsIn>,
    record_bytes: usize,
    collections: Vec<CollectionHead>,
    is_first: bool,
    is_done: bool,
    /// The hash that an earlier pass found.
    proven: Option<String>,
}

impl Pieces {
    pub(super) fn open(path: &Path, namespace: Option<Namespace>) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            lines: Lines::open(path)?,
            namespace,
            judged: Judged::default(),
            unit: None,
            unit_bytes: 0,
            past: None,
            past_bytes: 0,
            records: None,
            record_bytes: 0,
            collections: Vec::new(),
            is_first: true,
            is_done: false,
            proven: None,
        })
    }

    /// Ends with an error when the file is no longer the one that was judged.
    pub(super) fn proven(mut self, hash: String) -> Self {
        self.proven = Some(hash);
        self
    }

    pub(super) fn judged(self) -> Judged {
        self.judged
    }

    /// Reads on until a piece is whole.
    fn advance(&mut self) -> Result<Option<Piece>> {
        while !self.is_done {
            let Some(bytes) = self.lines.next()? else {
                self.finish()?;
                break;
            };
            let is_ended = bytes.ends_with(b"\n");
            let is_blank = bytes.trim_ascii().is_empty();
            let line = line::read(bytes);
            if let Some(ready) = self.line(line, is_ended, is_blank)? {
                return Ok(Some(ready));
            }
        }
        Ok(self
            .unit
            .take()
            .map(Piece::Unit)
            .or_else(|| self.past.take().map(Piece::Past))
            .or_else(|| self.records.take().map(Piece::Records)))
    }

    fn finish(&mut self) -> Result<()> {
        self.is_done = true;
        if self.judged.end.is_none() {
            self.judged.hash = self.lines.hash_before();
        }
        match &self.proven {
            Some(proven) if *proven != self.judged.hash => Err(Error::BundleDamaged {
                path: self.path.clone(),
                what: "it was changed while it was read".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn line(&mut self, line: Line, is_ended: bool, is_blank: bool) -> Result<Option<Piece>> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.judged.end.is_some() {
            return Err(Error::BundleDamaged {
                path: self.path.clone(),
                what: "there is something behind its end".to_owned(),
            });
        }
        match line {
            Line::Manifest(manifest) if is_first => {
                check_version(&self.path, &manifest)?;
                self.judged.manifest = Some(manifest);
                Ok(None)
            }
            Line::End(end) if self.judged.manifest.is_some() => {
                self.judged.hash = self.lines.hash_before_hash();
                self.judged.end = Some(end);
                Ok(None)
            }
            Line::Manifest(_) | Line::End(_) => {
                self.refuse("line", "out_of_place");
                Ok(None)
            }
            Line::Chunk(kept) => {
                self.judged.chunk_lines += 1;
                Ok(self.chunk(*kept))
            }
            Line::Past(kept, removed) => {
                self.judged.past_lines += 1;
                Ok(self.version(*kept, removed))
            }
            Line::Collection(head) => Ok(self.collection(head)),
            Line::Record(record) => {
                self.judged.record_lines += 1;
                Ok(self.record(record))
            }
            Line::Refused { .. } if is_blank => Ok(None),
            Line::Refused { what, reason } => {
                self.judged.chunk_lines += u64::from(what == "chunk");
                self.judged.record_lines += u64::from(what == "record");
                self.judged.past_lines += u64::from(what == "version");
                self.judged.is_unfinished |= !is_ended && reason == "unreadable";
                self.refuse(what, reason);
                Ok(None)
            }
        }
    }

    fn refuse(&mut self, what: &str, reason: &str) {
        self.judged.read += 1;
        self.judged.refusals.add(what, reason, 1);
    }

    fn chunk(&mut self, kept: Kept) -> Option<Piece> {
        let Some(namespace) = namespace(self.namespace.as_ref(), &kept.namespace) else {
            self.refuse("chunk", "malformed_namespace");
            return None;
        };
        let is_same = self
            .unit
            .as_ref()
            .is_some_and(|unit| unit.namespace == namespace && unit.source == kept.source);
        let ready = if is_same { None } else { self.unit.take() };
        let unit = self.unit.get_or_insert_with(|| Unit {
            namespace,
            source: kept.source.clone(),
            extent: Extent::Whole,
            rows: Vec::new(),
        });
        if !is_same {
            self.unit_bytes = 0;
        }
        self.unit_bytes += kept.text.len();
        if unit.rows.len() >= UNIT_ROWS_MAX || self.unit_bytes > UNIT_BYTES_MAX {
            self.refuse("chunk", "document_too_large");
        } else {
            self.judged.read += 1;
            unit.rows.push(row(kept));
        }
        ready
            .map(Piece::Unit)
            .or_else(|| self.past.take().map(Piece::Past))
    }

    fn version(&mut self, kept: Kept, removed: Timestamp) -> Option<Piece> {
        let (Some(namespace), Some(added)) = (
            namespace(self.namespace.as_ref(), &kept.namespace),
            kept.added,
        ) else {
            self.refuse("version", "malformed_namespace");
            return None;
        };
        let fits = self.past.as_ref().is_some_and(|past| {
            past.namespace == namespace
                && past.source == kept.source
                && past.versions.len() < VERSIONS_MAX
                && self.past_bytes < RECORD_BYTES_MAX
        });
        let full = if fits { None } else { self.past.take() };
        if !fits {
            self.past_bytes = 0;
        }
        self.judged.read += 1;
        self.past_bytes += kept.text.len();
        let past = self.past.get_or_insert_with(|| PastIn {
            namespace,
            source: kept.source.clone(),
            versions: Vec::new(),
        });
        past.versions.push((row(kept), added, removed));
        // The document comes before its versions.
        let unit = self.unit.take().map(Piece::Unit);
        unit.or(full.map(Piece::Past))
    }

    fn collection(&mut self, head: CollectionHead) -> Option<Piece> {
        if self.collections.len() >= COLLECTIONS_MAX {
            self.refuse("line", "too_many_collections");
            return None;
        }
        let ready = self.records.replace(RecordsIn {
            collection: head.clone(),
            records: Vec::new(),
        });
        self.record_bytes = 0;
        self.collections.push(head);
        ready.map(Piece::Records)
    }

    fn record(&mut self, record: KeptRecord) -> Option<Piece> {
        let head = self
            .collections
            .iter()
            .rev()
            .find(|head| head.name == record.collection)
            .cloned();
        let Some(collection) = head else {
            self.refuse("record", "no_collection");
            return None;
        };
        let fits = self.records.as_ref().is_some_and(|batch| {
            batch.collection == collection
                && batch.records.len() < RECORDS_MAX
                && self.record_bytes < RECORD_BYTES_MAX
                && batch.records.iter().all(|known| known.id != record.id)
        });
        let ready = if fits { None } else { self.records.take() };
        let batch = self.records.get_or_insert_with(|| RecordsIn {
            collection,
            records: Vec::new(),
        });
        if !fits {
            self.record_bytes = 0;
        }
        self.judged.read += 1;
        self.record_bytes += record.document.as_ref().map_or(0, String::len)
            + record.vector.as_ref().map_or(0, |vector| vector.len() * 4);
        batch.records.push(record);
        ready.map(Piece::Records)
    }
}

impl Iterator for Pieces {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut next = self.advance();
        if let Ok(Some(Piece::Unit(unit))) = &mut next {
            // Chunks of a list come in the order in which they came into the store.
            unit.rows.sort_by_key(|row| row.place.position);
        }
        self.is_done |= next.is_err();
        next.transpose()
    }
}

/// Returns a chunk as a row; one that has an origin already keeps it.
pub(in crate::import) fn row(kept: Kept) -> UnitRow {
    let origin = |meta: &Metadata| {
        let id = meta.get("origin.id")?.as_str()?;
        meta.get("origin.kind")?;
        Some(id.to_owned())
    };
    let known = origin(&kept.attributes.meta);
    let id = known.clone().unwrap_or(kept.id);
    let mut row = UnitRow::new(ImportKind::Bundle, id, kept.text);
    let said = std::mem::take(&mut row.attributes.meta);
    row.place = kept.place;
    row.attributes = kept.attributes;
    // A text without an id has nothing to be known by again but itself.
    if known.is_none() && !row.id.is_empty() {
        let own = std::mem::replace(&mut row.attributes.meta, said);
        row.take_over(&own);
    }
    row.carried = Carried {
        access_count: kept.access_count,
        note: kept.note,
        vector: kept.vector.map(|(vector, model)| (Vector(vector), model)),
        is_live: false,
        added: kept.added,
    };
    row
}
