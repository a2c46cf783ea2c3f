//! Everything against everything: hashes, ledgers, and indexes against the store.

use steadfast_model::{ChunkId, Finding, Row, RowSet, Severity};
use steadfast_store::{Progress, StoreError, Verification};

use super::snapshot::EmbeddedSnapshot;
use super::terms::{Indexed, compare};
use super::{EmbeddedBackend, tail};
use crate::catalog::VectorSegment;
use crate::text::{Stats, Tail, View};
use crate::vector::SegmentView;

/// How many problems of the file itself are listed.
const FILE_PROBLEMS_MAX: u32 = 20;

/// Checks everything, on two threads: one reads the file, the vectors and the counters while the other compares texts.
pub(super) fn verify(
    backend: &EmbeddedBackend,
    progress: &dyn Progress,
) -> Result<Verification, StoreError> {
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| file_vectors_and_counts(backend, progress));
        let compared = texts_and_indexes(backend, progress);
        let mut report = match beside.join() {
            Ok(done) => done?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let compared = compared?;
        report.chunks += compared.chunks;
        report.text_bytes += compared.text_bytes;
        report.index_rows += compared.index_rows;
        report.findings.extend(compared.findings);
        Ok(report)
    })
}

/// Each half looks at one state of the store, which need not be the other's.
fn file_vectors_and_counts(
    backend: &EmbeddedBackend,
    progress: &dyn Progress,
) -> Result<Verification, StoreError> {
    let snapshot = backend.embedded_snapshot()?;
    let mut report = Verification::default();
    file(backend, &snapshot, &mut report)?;
    vectors(backend, &snapshot, progress, &mut report)?;
    ledger(backend, &snapshot, &mut report)?;
    Ok(report)
}

fn texts_and_indexes(
    backend: &EmbeddedBackend,
    progress: &dyn Progress,
) -> Result<Verification, StoreError> {
    let snapshot = backend.embedded_snapshot()?;
    let mut report = Verification::default();
    let differing = texts(backend, &snapshot, progress, &mut report)?;
    indexes(backend, &snapshot, differing, &mut report)?;
    Ok(report)
}

pub(super) fn finding(
    backend: &EmbeddedBackend,
    code: &'static str,
    what: String,
    rows: &[Row],
    remedy: &str,
) -> Finding {
    let id = backend.store.store_id();
    Finding {
        code,
        severity: Severity::Error,
        what,
        place: backend.store.folder().display().to_string(),
        count: rows.len().max(1) as u64,
        remedy: remedy.to_owned(),
        ids: rows.iter().map(|row| ChunkId::new(&id, *row)).collect(),
    }
}

fn file(
    backend: &EmbeddedBackend,
    snapshot: &EmbeddedSnapshot<'_>,
    report: &mut Verification,
) -> Result<(), StoreError> {
    let problems = snapshot.ground().integrity_check(FILE_PROBLEMS_MAX)?;
    if !problems.is_empty() {
        let what = format!("the database file is damaged: {}", problems.join("; "));
        let remedy =
            "restore a backup, or index the sources into a new store; keep the damaged files";
        report
            .findings
            .push(finding(backend, "file_damaged", what, &[], remedy));
    }
    Ok(())
}

/// Compares texts with their hashes, and their terms with the text index; returns the rows whose terms differ.
fn texts(
    backend: &EmbeddedBackend,
    snapshot: &EmbeddedSnapshot<'_>,
    progress: &dyn Progress,
    report: &mut Verification,
) -> Result<Vec<Row>, StoreError> {
    let total = snapshot.ground().head().live_chunks;
    let mut damaged = Vec::new();
    let live = snapshot.live()?;
    let mut read = |hand_over: &mut dyn FnMut(Row, &str)| {
        snapshot.ground().each_row_text(Row(0), &mut |row, text| {
            report.chunks += 1;
            match text {
                Some(text) => {
                    report.text_bytes += text.len() as u64;
                    if live.contains(row) {
                        hand_over(row, text);
                    }
                }
                None => damaged.push(row),
            }
            !report.chunks.is_multiple_of(4096) || progress.step("texts", report.chunks, total)
        })
    };
    let differing = if let Some(indexed) = Indexed::read(snapshot)? {
        let threads = backend.threads_max.get();
        let analyze = backend.store.analyze().as_ref();
        let (done, differing) = compare(&indexed, analyze, threads, read);
        done?;
        differing
    } else {
        read(&mut |_, _| {})?;
        Vec::new()
    };
    if !damaged.is_empty() {
        let what = format!(
            "{} texts do not have the hash that they were written with",
            damaged.len()
        );
        let remedy = "index the sources again with --force, or restore a backup; these texts are never returned";
        report
            .findings
            .push(finding(backend, "text_damaged", what, &damaged, remedy));
    }
    Ok(differing)
}

/// Compares vectors of the store with the vector index.
pub(super) struct VectorProof<'s> {
    live: &'s RowSet,
    /// Rows that the index has passed before their vector came.
    late: RowSet,
    /// The last row that the index has seen; none when there is no index.
    watermark: Option<Row>,
    views: Vec<SegmentView<'s>>,
}

impl<'s> VectorProof<'s> {
    pub(super) fn new(snapshot: &'s EmbeddedSnapshot<'_>) -> Result<Self, StoreError> {
        let ready = snapshot.vector_state().ready();
        let segments = ready.map(|loaded| loaded.segments.iter());
        Ok(Self {
            live: snapshot.live()?,
            late: late_rows(snapshot)?,
            watermark: ready.map(|loaded| loaded.row()),
            views: segments
                .into_iter()
                .flatten()
                .map(VectorSegment::view)
                .collect(),
        })
    }

    /// Returns whether the index has this vector for the row; none when the row need not be in it.
    pub(super) fn agrees(&self, row: Row, values: &[f32]) -> Option<bool> {
        let is_due = self.live.contains(row)
            && !self.late.contains(row)
            && self.watermark.is_some_and(|last| row <= last);
        is_due.then(|| {
            // Spans overlap where vectors came late, so the row itself is looked for.
            let mut views = self.views.iter();
            let home = views.find(|view| view.codes_of(row).is_some());
            home.is_some_and(|view| view.agrees(row, values))
        })
    }
}

fn vectors(
    backend: &EmbeddedBackend,
    snapshot: &EmbeddedSnapshot<'_>,
    progress: &dyn Progress,
    report: &mut Verification,
) -> Result<(), StoreError> {
    let total = snapshot.ground().head().live_chunks;
    let proof = VectorProof::new(snapshot)?;
    // Live rows of the index that no vector of the store has accounted for.
    let mut unaccounted = RowSet::new();
    if let Some(loaded) = snapshot.vector_state().ready() {
        unaccounted.unite(&loaded.rows);
        unaccounted.intersect(snapshot.live()?);
    }
    let (mut damaged, mut differing, mut is_whole) = (Vec::new(), Vec::new(), true);
    snapshot.ground().each_vector(Row(0), &mut |row, values| {
        report.vectors += 1;
        unaccounted.remove(row);
        match values {
            None => damaged.push(row),
            Some(values) => match proof.agrees(row, values) {
                Some(false) => differing.push(row),
                Some(true) => report.index_rows += 1,
                None => {}
            },
        }
        is_whole =
            !report.vectors.is_multiple_of(4096) || progress.step("vectors", report.vectors, total);
        is_whole
    })?;
    if is_whole {
        differing.extend(unaccounted.iter());
        differing.sort_unstable();
    }
    snapshot.ground().each_given_vector(&mut |row, values| {
        report.vectors += 1;
        if values.is_none() {
            damaged.push(row);
        }
        !report.vectors.is_multiple_of(4096) || progress.step("vectors", report.vectors, total)
    })?;
    if !damaged.is_empty() {
        let what = format!(
            "{} vectors do not have the hash that they were written with",
            damaged.len()
        );
        let remedy = "index the sources again with --force; their texts are still found by words";
        report
            .findings
            .push(finding(backend, "vector_damaged", what, &damaged, remedy));
    }
    if !differing.is_empty() {
        let what = format!(
            "{} vectors differ between the store and the vector index",
            differing.len()
        );
        report.findings.push(finding(
            backend,
            "vector_index_differs",
            what,
            &differing,
            "run `steadfast rebuild --index vector`",
        ));
    }
    Ok(())
}

/// Returns the rows that the vector index has passed before their vector came.
fn late_rows(snapshot: &EmbeddedSnapshot<'_>) -> Result<RowSet, StoreError> {
    let Some(loaded) = snapshot.vector_state().ready() else {
        return Ok(RowSet::new());
    };
    let late = tail::late_rows(
        snapshot.ground(),
        (loaded.seq(), loaded.row()),
        &loaded.rows,
    )?;
    Ok(late.into_iter().collect())
}

fn ledger(
    backend: &EmbeddedBackend,
    snapshot: &EmbeddedSnapshot<'_>,
    report: &mut Verification,
) -> Result<(), StoreError> {
    for (what, counted, kept) in snapshot.ground().ledger()? {
        if counted != kept {
            let what = format!("{what}: {counted} counted, {kept} expected");
            let remedy = "keep the files, and index the sources into a new store";
            report
                .findings
                .push(finding(backend, "counts_differ", what, &[], remedy));
        }
    }
    Ok(())
}

/// The rows of the text index and its tail must be the live rows of the store, each with the length it has there.
fn indexes(
    backend: &EmbeddedBackend,
    snapshot: &EmbeddedSnapshot<'_>,
    mut differing: Vec<Row>,
    report: &mut Verification,
) -> Result<(), StoreError> {
    let states = [
        ("text", snapshot.text_state().trouble()),
        ("vector", snapshot.vector_state().trouble()),
    ];
    for (name, trouble) in states
        .into_iter()
        .filter_map(|(name, trouble)| Some((name, trouble?)))
    {
        let what = format!("the {name} index cannot be used: {trouble}");
        let mut found = finding(
            backend,
            "index_unusable",
            what,
            &[],
            "run `steadfast rebuild`",
        );
        found.severity = Severity::Warning;
        report.findings.push(found);
    }
    let Some(loaded) = snapshot.text_state().ready() else {
        return Ok(());
    };
    let stored = snapshot.ground().live_rows()?;
    let indexed = snapshot.live()?;
    report.index_rows += loaded.rows.len() as u64;
    let (mut missing, mut extra) = (stored.clone(), indexed.clone());
    missing.subtract(indexed);
    extra.subtract(&stored);
    let remedy = "run `steadfast rebuild --index text`";
    for (code, rows, how) in [
        (
            "text_index_misses",
            &missing,
            "are in the store but neither in the text index nor in its tail",
        ),
        (
            "text_index_extra",
            &extra,
            "are in the text index but not live in the store",
        ),
    ] {
        if !rows.is_empty() {
            let listed: Vec<Row> = rows.iter().collect();
            report.findings.push(finding(
                backend,
                code,
                format!("{} rows {how}", rows.len()),
                &listed,
                remedy,
            ));
        }
    }
    differing.extend(lengths(snapshot, indexed)?);
    differing.sort_unstable();
    differing.dedup();
    if !differing.is_empty() {
        let what = format!(
            "{} rows have other words or another length in the text index than in the store",
            differing.len()
        );
        report.findings.push(finding(
            backend,
            "text_index_differs",
            what,
            &differing,
            remedy,
        ));
    }
    Ok(())
}

fn lengths(snapshot: &EmbeddedSnapshot<'_>, live: &RowSet) -> Result<Vec<Row>, StoreError> {
    let Some(loaded) = snapshot.text_state().ready() else {
        return Ok(Vec::new());
    };
    let tail = snapshot.tail()?;
    let view = View {
        segments: &loaded.segments,
        dead: &[],
        tail: Tail {
            added: &tail.added,
            removed: &tail.removed,
        },
        stats: Stats::default(),
    };
    let rows: Vec<Row> = live.iter().collect();
    let indexed = view.lengths(&rows);
    let mut stored = Vec::with_capacity(rows.len());
    snapshot
        .ground()
        .each_live_length(&mut |row, tokens| stored.push((row, tokens)))?;
    let by_row: std::collections::HashMap<Row, u16> = stored.into_iter().collect();
    let differs =
        |(row, length): &(&Row, u16)| by_row.get(row).is_some_and(|stored| stored != length);
    Ok(rows
        .iter()
        .zip(indexed)
        .filter(differs)
        .map(|(row, _)| *row)
        .collect())
}
