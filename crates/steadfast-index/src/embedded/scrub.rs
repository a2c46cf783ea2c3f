//! A check in passing: a slice of the store at a time, going on where the last slice ended, in any process.
//!
//! A slice compares texts and vectors with their hashes, vectors with the vector
//! index, and the live rows with those that the text index and its tail have.
//! What it finds stays in the mark, a file of the store folder, until the rows
//! are come by again; `status` and the coverage of every answer tell it. The
//! mark is derived state: it may be deleted, and one that cannot be read counts
//! for nothing. Two processes may do the same slice; that costs time alone.
//! What is deliberately not here: pages, accounts, terms of the postings and
//! vectors that a caller gave, which only `verify` compares.

use std::time::{Duration, Instant};

use steadfast_model::{Finding, Row};
use steadfast_store::{Effort, Scrubbed, StoreError};

use super::EmbeddedBackend;
use super::mark::{Code, Mark};
use super::snapshot::EmbeddedSnapshot;
use super::verify::{VectorProof, finding};

/// Rows between two looks at the clock: some milliseconds.
const BATCH_ROWS: u64 = 1_024;
/// How long after a slice the next one is due.
const PAUSE_MS: i64 = 60_000;
/// How many rows with findings are remembered; a repair looks at all rows.
const FOUND_MAX: usize = 1_000;

/// Compares rows for about `time`, from the mark on, at least one batch.
pub(super) fn slice(
    backend: &EmbeddedBackend,
    effort: Effort,
    time: Duration,
) -> Result<Scrubbed, StoreError> {
    let started = Instant::now();
    let (disk, path) = (backend.store.disk(), backend.mark_path());
    let mut mark = Mark::read(disk.as_ref(), &path, backend.store.store_id());
    let now = backend.store.clock().now();
    // A clock that was set back must not stop the checks for long.
    let is_due = now.0.abs_diff(mark.time.0) >= PAUSE_MS.unsigned_abs();
    let mut report = Scrubbed::default();
    if effort == Effort::Now || (is_due && backend.store.is_writable()) {
        let snapshot = backend.embedded_snapshot()?;
        while !batch(&snapshot, &mut mark, &mut report)? && started.elapsed() < time {}
        mark.time = now;
        if backend.store.is_writable() {
            // Without the mark the next slice begins where this one did.
            drop(mark.write(disk.as_ref(), &path, backend.store.store_id()));
        }
        backend.remember_scrub(findings(backend, &mark));
        report.last_row = snapshot.ground().head().last_row;
    }
    report.pass = mark.pass;
    report.row = mark.row;
    report.findings = findings(backend, &mark);
    Ok(report)
}

/// Compares one batch of rows; returns whether the pass has come to its end.
fn batch(
    snapshot: &EmbeddedSnapshot<'_>,
    mark: &mut Mark,
    report: &mut Scrubbed,
) -> Result<bool, StoreError> {
    let after = mark.row;
    let (mut last, mut visited, mut found) = (after, 0, Vec::new());
    snapshot.ground().each_row_text(after, &mut |row, text| {
        last = row;
        visited += 1;
        match text {
            Some(text) => report.text_bytes += text.len() as u64,
            None => found.push((Code::TextDamaged, row)),
        }
        visited < BATCH_ROWS
    })?;
    report.chunks += visited;
    let is_end = visited < BATCH_ROWS;
    let to = if is_end {
        snapshot.ground().head().last_row
    } else {
        last
    };
    let proof = VectorProof::new(snapshot)?;
    snapshot.ground().each_vector(after, &mut |row, values| {
        if row > to {
            return false;
        }
        report.vectors += 1;
        match values {
            None => found.push((Code::VectorDamaged, row)),
            Some(values) => match proof.agrees(row, values) {
                Some(false) => found.push((Code::VectorIndexDiffers, row)),
                Some(true) => report.index_rows += 1,
                None => {}
            },
        }
        true
    })?;
    if snapshot.text_state().ready().is_some() {
        let stored = snapshot.ground().live_between(after, to)?;
        let indexed = snapshot.live()?;
        for row in (after.0.saturating_add(1)..=to.0).map(Row) {
            match (stored.contains(row), indexed.contains(row)) {
                (true, false) => found.push((Code::TextIndexMisses, row)),
                (false, true) => found.push((Code::TextIndexExtra, row)),
                (true, true) => report.index_rows += 1,
                (false, false) => {}
            }
        }
    }
    mark.found
        .retain(|(_, row)| *row <= after || (*row > to && !is_end));
    let room = FOUND_MAX.saturating_sub(mark.found.len());
    mark.found.extend(found.into_iter().take(room));
    if is_end {
        mark.pass += 1;
        mark.row = Row(0);
        report.finished = true;
    } else {
        mark.row = to;
    }
    Ok(is_end)
}

/// Returns what the mark remembers, in words.
pub(super) fn findings(backend: &EmbeddedBackend, mark: &Mark) -> Vec<Finding> {
    let of_code = |code: Code| {
        let found = mark.found.iter().filter(|(found, _)| *found == code);
        let rows: Vec<Row> = found.map(|(_, row)| *row).collect();
        (!rows.is_empty()).then(|| {
            let what = format!("a check in passing found {} {}", rows.len(), code.what());
            finding(backend, code.name(), what, &rows, code.remedy())
        })
    };
    Code::ALL.into_iter().filter_map(of_code).collect()
}
