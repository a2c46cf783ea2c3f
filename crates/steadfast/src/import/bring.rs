//! Brings a survey into the store, document by document, and counts what became of every row.

use std::collections::{HashMap, HashSet};

use steadfast_model::{ContentHash, DocumentKey, DocumentStatus, Outcome, Settled};
use steadfast_store::{Progress, Snapshot, StoreError};

use super::bundle::Piece;
use super::compare::{Standing, UnitPlan, compare};
use super::survey::{Survey, Unit};
use super::{ImportOptions, ImportReport};
use super::{past, records, vectors};
use crate::error::{Error, Result};
use crate::ingest::{DocumentIn, Line, RowIn, VectorCounts, foresee, put_rows};

/// Rows of one commit: enough to make a flush cheap, few enough to hold the gate briefly.
const GROUP_ROWS: usize = 1_000;
/// Bytes of text of one commit.
const GROUP_BYTES: usize = 8 << 20;

/// Against what the survey is held, and whether anything is written.
#[derive(Clone, Copy)]
pub(super) enum Bringing<'b> {
    /// Write what is new.
    Write(&'b Line<'b>),
    /// Compare with the store, and write nothing.
    Compare(&'b Line<'b>),
    /// There is no store.
    Count,
}

/// A document that waits for its commit.
struct Waiting {
    document: DocumentIn,
    plan: UnitPlan,
}

struct Work<'w> {
    bringing: Bringing<'w>,
    report: ImportReport,
    waiting: Vec<Waiting>,
    rows: usize,
    bytes: usize,
}

/// Brings a survey in, or says what that would do.
pub(super) fn bring(
    mut survey: Survey,
    options: &ImportOptions,
    progress: &dyn Progress,
    bringing: Bringing<'_>,
) -> Result<ImportReport> {
    if let Bringing::Write(line) | Bringing::Compare(line) = bringing {
        vectors::adopt(&mut survey, line)?;
    }
    let total = survey.read;
    let (mut work, pieces, mut refusals) = begin(survey, bringing);
    let mut done = 0;
    let mut going_on = true;
    for piece in pieces {
        let piece = piece?;
        let rows = piece.rows();
        match piece {
            _ if !going_on => refusals.add("row", "stopped", rows),
            Piece::Unit(unit) => {
                progress.item(&unit.source);
                work.unit(unit, options, &mut refusals)?;
            }
            Piece::Past(past) => work.past(past, &mut refusals)?,
            Piece::Records(batch) => {
                progress.item(&batch.collection.name);
                work.records(batch, options, &mut refusals)?;
            }
        }
        done += rows;
        going_on = going_on && progress.step("rows", done, total);
    }
    work.flush(&mut refusals)?;
    let mut report = work.report;
    report.refused = refusals.total();
    report.refusals = refusals.into_list();
    report.complete &= report.refused == 0;
    Ok(report)
}

type Pieces = Box<dyn Iterator<Item = Result<Piece>>>;

fn begin(survey: Survey, bringing: Bringing<'_>) -> (Work<'_>, Pieces, super::survey::Tally) {
    let report = ImportReport {
        kind: survey.kind,
        read: survey.read,
        imported: 0,
        reused: survey.merged,
        updated: 0,
        refused: 0,
        refusals: Vec::new(),
        left_out: survey.left_out.into_list(),
        verified: 0,
        redactions: 0,
        vectors: VectorCounts::default(),
        vectors_anew: survey.vectors_anew,
        complete: survey.complete,
        warnings: survey.warnings,
        seq: steadfast_model::Seq::default(),
    };
    let work = Work {
        bringing,
        report,
        waiting: Vec::new(),
        rows: 0,
        bytes: 0,
    };
    let units = survey.units.into_iter().map(|unit| Ok(Piece::Unit(unit)));
    let stream = survey.stream.into_iter().flat_map(|stream| stream.0);
    (work, Box::new(units.chain(stream)), survey.refusals)
}

impl Work<'_> {
    fn unit(
        &mut self,
        mut unit: Unit,
        options: &ImportOptions,
        refusals: &mut super::survey::Tally,
    ) -> Result<()> {
        // What waits for its commit is not among what is live.
        let is_waiting = self.waiting.iter().any(|waiting| {
            waiting.document.namespace == unit.namespace && waiting.document.source == unit.source
        });
        if is_waiting {
            self.flush(refusals)?;
        }
        let live = match self.bringing {
            Bringing::Count => Live::default(),
            Bringing::Write(line) | Bringing::Compare(line) => {
                unit.rows.iter_mut().for_each(|row| row.redact(line));
                live(line.backend.snapshot()?.as_ref(), &unit)?
            }
        };
        if live.is_gone {
            refusals.add("row", "forgotten", unit.rows.len() as u64);
            return Ok(());
        }
        if live.is_damaged {
            // Writing the document would take what cannot be read out of it.
            refusals.add("row", "document_damaged", unit.rows.len() as u64);
            self.report.warnings.push(format!(
                "{} is damaged in the store, and is left as it is",
                unit.source
            ));
            return Ok(());
        }
        let mut plan = compare(&unit, &live.chunks, &live.forgotten, options.on_conflict);
        self.report.reused += plan.reused;
        self.report.redactions += plan.redactions;
        refusals.add("row", "differs_from_store", plan.differing);
        refusals.add("row", "forgotten", plan.forgotten);
        let Some(rows) = plan.rows.take() else {
            return Ok(());
        };
        if !matches!(self.bringing, Bringing::Write(_)) {
            self.foreseen(&plan, &rows);
            return Ok(());
        }
        self.rows += rows.len();
        self.bytes += rows.iter().map(|row| row.text.len()).sum::<usize>();
        self.waiting.push(Waiting {
            document: DocumentIn {
                namespace: unit.namespace,
                source: unit.source,
                rows,
            },
            plan,
        });
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.flush(refusals)?;
        }
        Ok(())
    }

    fn foreseen(&mut self, plan: &UnitPlan, rows: &[RowIn]) {
        self.report.imported += plan.imported;
        self.report.updated += plan.updated;
        if let Bringing::Compare(line) = self.bringing {
            self.report.vectors += foresee(line, rows);
        }
    }

    fn records(
        &mut self,
        batch: super::bundle::RecordsIn,
        options: &ImportOptions,
        refusals: &mut super::survey::Tally,
    ) -> Result<()> {
        self.flush(refusals)?;
        let brought = records::bring(batch, options.on_conflict, self.bringing)?;
        self.report.imported += brought.imported;
        self.report.reused += brought.reused;
        self.report.updated += brought.updated;
        self.report.verified += brought.verified;
        self.report.redactions += brought.redactions;
        for (reason, count) in brought.refused {
            refusals.add("record", reason, count);
        }
        Ok(())
    }

    fn past(
        &mut self,
        versions: super::bundle::PastIn,
        refusals: &mut super::survey::Tally,
    ) -> Result<()> {
        self.flush(refusals)?;
        let brought = past::bring(versions, self.bringing)?;
        self.report.imported += brought.imported;
        self.report.reused += brought.reused;
        self.report.redactions += brought.redactions;
        self.report.vectors += brought.vectors;
        refusals.add("version", "forgotten", brought.forgotten);
        if let (Bringing::Write(line), Some(settled)) = (self.bringing, &brought.settled) {
            self.report.verified += verify(line, settled, &brought.sent)?;
        }
        Ok(())
    }

    fn flush(&mut self, refusals: &mut super::survey::Tally) -> Result<()> {
        let Bringing::Write(line) = self.bringing else {
            return Ok(());
        };
        if self.waiting.is_empty() {
            return Ok(());
        }
        (self.rows, self.bytes) = (0, 0);
        let waiting = std::mem::take(&mut self.waiting);
        let (documents, plans): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.document, waiting.plan))
            .unzip();
        let hashes: Vec<Vec<ContentHash>> = documents
            .iter()
            .map(|document| document.rows.iter().map(hash).collect())
            .collect();
        let (settled, vectors) = put_rows(line, documents)?;
        self.report.vectors += vectors;
        for ((settled, plan), hashes) in settled.iter().zip(plans).zip(hashes) {
            self.settle(settled, &plan, refusals);
            if !matches!(settled.outcome, Outcome::Refused(_)) {
                self.report.verified += verify(line, settled, &hashes)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, settled: &Settled, plan: &UnitPlan, refusals: &mut super::survey::Tally) {
        let report = &mut self.report;
        if let Outcome::Refused(_) = settled.outcome {
            refusals.add("row", "forgotten", plan.imported + plan.updated);
            return;
        }
        // Texts that were forgotten one by one stay out; they can only be among those that were not live.
        let withheld = settled.withheld.min(plan.imported + plan.updated);
        let of_new = withheld.min(plan.imported);
        report.imported += plan.imported - of_new;
        report.updated += plan.updated - (withheld - of_new);
        refusals.add("row", "forgotten", withheld);
    }
}

fn hash(row: &RowIn) -> ContentHash {
    ContentHash::of(&row.text)
}

/// The live chunks of a document, in order, and what stays out of it.
#[derive(Default)]
struct Live {
    chunks: Vec<Standing>,
    is_damaged: bool,
    /// The document was forgotten as a whole.
    is_gone: bool,
    /// Texts of it that were forgotten one by one.
    forgotten: HashSet<ContentHash>,
}

fn live(snapshot: &dyn Snapshot, unit: &Unit) -> Result<Live> {
    let Some(document) = snapshot.document(&unit.namespace, &unit.source)? else {
        return Ok(Live::default());
    };
    let rows: Vec<_> = snapshot
        .placed(document.key, 0..=u32::MAX)?
        .into_iter()
        .map(|placed| placed.row)
        .collect();
    let fetched = snapshot.fetch(&rows)?;
    let found: Vec<_> = fetched.chunks.iter().map(|chunk| chunk.row).collect();
    let notes = snapshot.notes(&found)?;
    let standing = fetched.chunks.into_iter().zip(notes);
    Ok(Live {
        is_damaged: !fetched.damaged.is_empty(),
        is_gone: document.status == DocumentStatus::Forgotten,
        forgotten: forgotten(snapshot, document.key)?,
        chunks: standing
            .map(|(chunk, note)| Standing { chunk, note })
            .collect(),
    })
}

/// Returns the texts of a document that were forgotten; of a store that does not tell them, those are met when it is
/// written.
pub(super) fn forgotten(
    snapshot: &dyn Snapshot,
    document: DocumentKey,
) -> Result<HashSet<ContentHash>> {
    match snapshot.history() {
        Some(history) => Ok(history.forgotten_of(document)?),
        None => Ok(HashSet::new()),
    }
}

/// Reads back what was written; returns the number of rows whose text is as it was sent.
fn verify(line: &Line<'_>, settled: &Settled, sent: &[ContentHash]) -> Result<u64> {
    let snapshot = line.backend.snapshot()?;
    let mut rows = Vec::with_capacity(settled.ids.len());
    for id in &settled.ids {
        rows.extend(snapshot.resolve(id)?);
    }
    let mut missing: HashMap<ContentHash, i64> = HashMap::new();
    for hash in sent {
        *missing.entry(*hash).or_default() += 1;
    }
    let fetched = snapshot.fetch(&rows)?;
    for chunk in &fetched.chunks {
        *missing.entry(chunk.content_hash).or_default() -= 1;
    }
    let lost = missing.values().filter(|count| **count > 0).sum::<i64>();
    if lost != i64::try_from(settled.withheld).unwrap_or(i64::MAX) {
        return Err(Error::Store(StoreError::Internal(format!(
            "{lost} of {} rows were not there when they were read back",
            sent.len()
        ))));
    }
    Ok(fetched.chunks.len() as u64)
}
