//! Carrying the tail into the indexes, by whoever gets the index lock.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use steadfast_model::{HashedTerms, Row, RowSet, Seq};
use steadfast_store::sabotage::{self, Sabotage};
use steadfast_store::sqlite::Published;
use steadfast_store::{CatchUp, Effort, Jobs as _, SqliteSnapshot, StoreError};

use super::advance::{Files, News, advance};
use super::segments::TextSegments;
use super::tail::{TailRows, late_rows};
use super::{EmbeddedBackend, TAIL_DUE, rebuild};
use crate::catalog::{
    self, Kind, Loaded, Manifest, Part, State, TextKind, VectorKind, VectorSegment,
};
use crate::text;
use crate::vector;

/// How long whoever must have the indexes up to date waits for others at it.
const PATIENCE: Duration = Duration::from_mins(5);

/// How many terms of the tail are in memory at a time, at 9 bytes each.
const TAIL_TERMS_MAX: usize = 1 << 20;

pub(super) fn catch_up(backend: &EmbeddedBackend, effort: Effort) -> Result<CatchUp, StoreError> {
    if !backend.store.is_writable() || !is_due(backend, effort)? {
        return Ok(CatchUp::NotNeeded);
    }
    let held = match effort {
        Effort::WhenDue | Effort::Now => backend.gate.try_pass()?,
        Effort::Wait => Some(backend.gate.pass(PATIENCE)?),
    };
    let Some(held) = held else {
        return Ok(CatchUp::Elsewhere);
    };
    // That nobody else is at it is known from the gate, which a kill lets go, and which is held to the end. So the
    // lease ends at once: what a killed process has left is done by whoever comes next.
    let purge = backend.store.claim("purge", Duration::ZERO)?;
    // One that has only the log left to wait for has purged the indexes before.
    let rows = publish(backend, purge.is_some() && !backend.store.is_scrubbed()?)?;
    if let Some(job) = purge {
        // Free pages and the WAL may still hold what was forgotten; only their end is the end of the purge.
        let is_clean = backend.store.scrub()?;
        let forgets = [backend.text.forget_aside(), backend.vector.forget_aside()];
        let store = &backend.store;
        if !is_clean {
            store.put_off(&job, "readers hold the write-ahead log")?;
        } else if forgets.contains(&false) {
            store.fail(&job, "a damaged index in the quarantine cannot be removed")?;
        } else {
            store.complete(&job)?;
        }
    }
    drop(held);
    Ok(CatchUp::Done { rows })
}

fn is_due(backend: &EmbeddedBackend, effort: Effort) -> Result<bool, StoreError> {
    let ground = backend.store.snapshot()?;
    let tail = ground.tail_len()?;
    backend.unseen.store(tail, Ordering::Relaxed);
    let vector = backend.vector_state(ground.published(VectorKind::NAME)?);
    let late = match vector.ready() {
        Some(loaded) => {
            late_rows(&ground, (loaded.seq(), loaded.row()), &loaded.rows)?.len() as u64
        }
        None => 0,
    };
    let tail = tail.max(late);
    if ground.jobs_waiting("purge")? > 0 {
        return Ok(true);
    }
    if ground.head().live_chunks == 0 && tail == 0 {
        return Ok(false);
    }
    let enough = if effort == Effort::WhenDue {
        TAIL_DUE
    } else {
        1
    };
    if tail >= enough || vector.trouble().is_some() {
        return Ok(true);
    }
    let text = backend.text_state(ground.published(TextKind::NAME)?);
    Ok(text.trouble().is_some())
}

/// Publishes the next generation of both indexes; the caller holds the index lock.
fn publish(backend: &EmbeddedBackend, purge: bool) -> Result<u64, StoreError> {
    let begun = begin_text_anew(backend)?;
    let ground = backend.store.snapshot()?;
    let text_published = ground.published(TextKind::NAME)?;
    let vector_published = ground.published(VectorKind::NAME)?;
    let head = ground.head();
    let mut seen = (head.last_row, head.seq);
    if sabotage::is(Sabotage::WatermarkAhead) {
        seen = (Row(head.last_row.0 + 100), Seq(head.seq.0 + 100));
    }
    let mut rows = 0;
    let text = match (begun, backend.text_state(text_published)) {
        (Some(begun), _) => rebuild::text(backend, &ground, begun, &steadfast_store::Silent)?,
        // It was sound a moment ago: whoever comes next begins it anew.
        (None, State::Damaged(_) | State::Missing(_)) => None,
        (None, State::Ready(loaded)) => {
            let files = Files::of(generation_after(text_published));
            let (fresh, dead, damaged) = text_segments(backend, &ground, &loaded, &files)?;
            rows += fresh.iter().map(|part| part.rows).sum::<u64>() + dead.len() as u64;
            if fresh.is_empty() && dead.is_empty() && !purge {
                None
            } else {
                let news = News {
                    fresh,
                    dead,
                    damaged,
                    seen,
                    purge,
                };
                Some(advance(&backend.text, &loaded, &files, news)?)
            }
        }
    };
    let vector = match backend.vector_state(vector_published) {
        State::Ready(loaded) => {
            let live = live_rows(&ground, &loaded)?;
            let files = Files::of(generation_after(vector_published));
            let (fresh, damaged) = vector_segment(backend, &ground, &loaded, &live.added, &files)?;
            if fresh.is_none() && live.dead.is_empty() && !purge && text.is_none() {
                None
            } else {
                let news = News {
                    fresh: fresh.into_iter().collect(),
                    dead: live.dead,
                    damaged,
                    seen,
                    purge,
                };
                Some(advance(&backend.vector, &loaded, &files, news)?)
            }
        }
        State::Damaged(_) | State::Missing(_) => {
            rebuild::vector(backend, &ground, &steadfast_store::Silent)?
        }
    };
    drop(ground);
    record(backend, text.as_ref(), vector.as_ref(), purge)?;
    backend.unseen.store(0, Ordering::Relaxed);
    Ok(rows)
}

/// Begins the text index anew where there is none that can be used.
fn begin_text_anew(backend: &EmbeddedBackend) -> Result<Option<Manifest>, StoreError> {
    let published = backend.store.snapshot()?.published(TextKind::NAME)?;
    let is_there = backend.text_state(published).ready().is_some();
    (!is_there).then(|| rebuild::announce(backend)).transpose()
}

/// Makes new generations count, then sweeps the files of old ones.
pub(super) fn record(
    backend: &EmbeddedBackend,
    text: Option<&Manifest>,
    vector: Option<&Manifest>,
    purge: bool,
) -> Result<(), StoreError> {
    let mut recorded = Vec::new();
    recorded.extend(text.map(|manifest| (TextKind::NAME, published(manifest))));
    recorded.extend(vector.map(|manifest| (VectorKind::NAME, published(manifest))));
    if recorded.is_empty() {
        return Ok(());
    }
    backend.store.record_published(&recorded)?;
    {
        let mut cache = backend.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.tail = None;
        if text.is_some() {
            cache.text = None;
        }
        if vector.is_some() {
            cache.vector = None;
        }
    }
    if let Some(manifest) = text {
        backend.text.sweep(manifest, !purge);
    }
    if let Some(manifest) = vector {
        backend.vector.sweep(manifest, !purge);
    }
    Ok(())
}

/// Returns what the store is to know of a manifest.
pub(super) fn published(manifest: &Manifest) -> Published {
    Published {
        generation: manifest.generation,
        row: manifest.row,
        seq: manifest.seq,
    }
}

pub(super) fn generation_after(published: Option<Published>) -> u64 {
    catalog::generation_after(published.map(|published| published.generation))
}

/// Rows that are no longer live, with their terms.
type Dead = Vec<(Row, HashedTerms)>;

/// Writes segments of the rows that came since a text index was published; returns them, the rows that went, and those
/// whose text cannot be read.
///
/// The tail is read in parts, and a segment is as large as it may be: a long file with hardly a term twice has tens of
/// millions of them.
fn text_segments(
    backend: &EmbeddedBackend,
    ground: &SqliteSnapshot<'_>,
    loaded: &Loaded<text::Segment>,
    files: &Files,
) -> Result<(Vec<Part>, Dead, RowSet), StoreError> {
    let analyzer = backend.store.analyze().id();
    let mut segments = TextSegments::new(&backend.text, files, backend.store.store_id(), analyzer);
    let (mut dead, mut damaged, mut after) = (Dead::new(), RowSet::new(), Row(0));
    loop {
        let (mut tail, last) =
            TailRows::read_part(ground, loaded.seq(), loaded.row(), after, TAIL_TERMS_MAX)?;
        for (row, terms) in &tail.added {
            segments.push(*row, terms)?;
        }
        dead.append(&mut tail.removed);
        damaged.extend(tail.damaged);
        let Some(last) = last else { break };
        after = last;
    }
    let (fresh, _) = segments.finish()?;
    Ok((fresh, dead, damaged))
}

/// Rows that came and went since a vector index was published.
struct Since {
    added: RowSet,
    dead: Vec<(Row, HashedTerms)>,
}

fn live_rows(
    ground: &SqliteSnapshot<'_>,
    loaded: &Loaded<VectorSegment>,
) -> Result<Since, StoreError> {
    let live = ground.live_rows()?;
    let dead = loaded
        .rows
        .iter()
        .filter(|row| !live.contains(*row))
        .map(|row| (row, HashedTerms::default()));
    Ok(Since {
        dead: dead.collect(),
        added: live,
    })
}

/// Writes a segment of the live vectors that an index does not have; returns it, and the live rows whose vector cannot
/// be read.
fn vector_segment(
    backend: &EmbeddedBackend,
    ground: &SqliteSnapshot<'_>,
    loaded: &Loaded<VectorSegment>,
    live: &RowSet,
    files: &Files,
) -> Result<(Option<Part>, RowSet), StoreError> {
    let mut builder =
        vector::SegmentBuilder::new(space(backend)).map_err(|error| internal(&error))?;
    let (mut rows, mut damaged) = (0, RowSet::new());
    let mut failed = None;
    let mut take = |row: Row, values: Option<&[f32]>| {
        match values {
            _ if !live.contains(row) => {}
            None => {
                damaged.insert(row);
            }
            Some(values) => match builder.push(row, values) {
                Ok(stored) => rows += u64::from(stored),
                Err(error) => failed = Some(internal(&error)),
            },
        }
        failed.is_none()
    };
    // Rows that the index has passed come before those that it has not, so all of them ascend.
    let late = late_rows(ground, (loaded.seq(), loaded.row()), &loaded.rows)?;
    ground.vectors(&late, &mut take)?;
    ground.each_vector(loaded.row(), &mut take)?;
    if let Some(error) = failed {
        return Err(error);
    }
    let part = match rows {
        0 => None,
        _ => Some(files.write(&backend.vector, builder.finish(), rows)?),
    };
    Ok((part, damaged))
}

pub(super) fn space(backend: &EmbeddedBackend) -> vector::Space {
    let model = backend.store.model();
    vector::Space {
        store: backend.store.store_id(),
        model_hash: model.hash,
        dimensions: model.dimensions,
    }
}

pub(super) fn internal(error: &dyn std::error::Error) -> StoreError {
    StoreError::Internal(error.to_string())
}
