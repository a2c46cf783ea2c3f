//! Indexes from nothing but the ground state; no text is embedded anew.
//!
//! The text index is built in parts of bounded size, two at a time. After each
//! part a partial manifest says how far it got, so a rebuild that is killed
//! goes on where it was. The store knows which generation was begun, and going
//! on begins another: parts of a store whose older copy was put back never count.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use steadfast_model::{Analyze, Row, StoreId};
use steadfast_store::sabotage::{self, Sabotage};
use steadfast_store::{Derived, Progress, SqliteSnapshot, StoreError};

use super::EmbeddedBackend;
use super::advance::Files;
use super::catch_up::{generation_after, internal, published, record, space};
use super::segments::{ROWS_MAX, TextSegments};
use crate::catalog::{Folder, Kind, Manifest, Part, State, TextKind, VectorKind, publications};
use crate::vector;

/// Texts that are handed to a builder at a time.
const BATCH_TEXTS: usize = 512;
/// Batches that may wait for a builder.
const BATCHES_MAX: usize = 8;
/// Parts that are built side by side.
const BUILDERS: usize = 2;
/// Under which name the store knows the text index that is being built.
const BEGUN: &str = "text, begun";
/// How long others at the indexes are waited for.
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) fn rebuild(
    backend: &EmbeddedBackend,
    which: Derived,
    progress: &dyn Progress,
) -> Result<Vec<String>, StoreError> {
    let held = backend.gate.pass(PATIENCE)?;
    let wants_text = matches!(which, Derived::Text | Derived::All);
    let begun = wants_text.then(|| announce(backend)).transpose()?;
    let ground = backend.store.snapshot()?;
    let mut rebuilt = Vec::new();
    let mut text_manifest = None;
    let mut vector_manifest = None;
    if let Some(begun) = begun {
        text_manifest = text(backend, &ground, begun, progress)?;
        rebuilt.extend(text_manifest.iter().map(|_| TextKind::NAME.to_owned()));
    }
    if matches!(which, Derived::Vector | Derived::All) {
        vector_manifest = vector(backend, &ground, progress)?;
        rebuilt.extend(vector_manifest.iter().map(|_| VectorKind::NAME.to_owned()));
    }
    drop(ground);
    record(
        backend,
        text_manifest.as_ref(),
        vector_manifest.as_ref(),
        false,
    )?;
    drop(held);
    Ok(rebuilt)
}

/// Sets a damaged index aside and returns the number of the generation to build.
fn begin<K: Kind>(folder: &Folder<K>, ground: &SqliteSnapshot<'_>) -> Result<u64, StoreError> {
    let published = ground.published(K::NAME)?;
    let is_damaged = matches!(folder.load(published), State::Damaged(_));
    if is_damaged || sabotage::is(Sabotage::QuarantineUnproven) {
        folder.set_aside();
    }
    Ok(generation_after(published))
}

/// Begins the text index anew, or goes on with what a kill has left, and returns how far it is; the caller holds the
/// index lock, and no snapshot: the store writes it down.
pub(super) fn announce(backend: &EmbeddedBackend) -> Result<Manifest, StoreError> {
    let folder = &backend.text;
    let ground = backend.store.snapshot()?;
    let generation = begin(folder, &ground)?;
    let begun = ground.published(BEGUN)?.map(|begun| begun.generation);
    let resumed = begun
        .filter(|begun| publications(*begun) == publications(generation))
        .and_then(|begun| folder.load_partial(begun))
        .filter(|partial| partial.row <= ground.head().last_row);
    drop(ground);
    let manifest = Manifest {
        generation,
        ..resumed.unwrap_or_else(|| folder.empty().manifest)
    };
    backend.store.record_begun(BEGUN, published(&manifest))?;
    if !manifest.parts.is_empty() {
        folder.write_partial(&manifest)?;
    }
    Ok(manifest)
}

/// Builds the text index of a moment, going on from `manifest`; the caller holds the index lock and records it. None when
/// it was stopped: what lacks rows must never count.
pub(super) fn text(
    backend: &EmbeddedBackend,
    ground: &SqliteSnapshot<'_>,
    mut manifest: Manifest,
    progress: &dyn Progress,
) -> Result<Option<Manifest>, StoreError> {
    let folder = &backend.text;
    let head = ground.head();
    let files = Files::of(manifest.generation);
    let done_before = manifest.parts.len();
    let maker = PartMaker {
        folder,
        files: &files,
        store: backend.store.store_id(),
        analyze: backend.store.analyze().as_ref(),
    };
    let mut done: u64 = manifest.parts.iter().map(|part| part.rows).sum();
    let mut goes_on = true;
    maker.run(ground, manifest.row, &mut |built| {
        done += built.parts.iter().map(|part| part.rows).sum::<u64>();
        manifest.parts.extend(built.parts);
        manifest.damaged.extend(built.damaged);
        manifest.row = built.last;
        folder.write_partial(&manifest)?;
        goes_on = progress.step("text index", done, head.live_chunks);
        Ok(goes_on)
    })?;
    if !goes_on {
        return Ok(None);
    }
    // Parts from before the kill may hold rows that have died since.
    let live = if done_before > 0 {
        Some(ground.live_rows()?)
    } else {
        None
    };
    if let Some(live) = live {
        for part in manifest.parts.iter_mut().take(done_before) {
            let (segment, _) = folder.open_written(part)?;
            part.dead = segment
                .row_iter()
                .filter(|row| !live.contains(*row))
                .collect();
            part.dead_terms = segment
                .dead_terms(&live)
                .map_err(|error| internal(&error))?;
        }
    }
    (manifest.row, manifest.seq) = (head.last_row, head.seq);
    folder.write_manifest(&manifest)?;
    Ok(Some(manifest))
}

/// Builds the vector index of a moment, like [`text`].
pub(super) fn vector(
    backend: &EmbeddedBackend,
    ground: &SqliteSnapshot<'_>,
    progress: &dyn Progress,
) -> Result<Option<Manifest>, StoreError> {
    let folder = &backend.vector;
    let generation = begin(folder, ground)?;
    let head = ground.head();
    let live = ground.live_rows()?;
    let mut manifest = Manifest {
        generation,
        ..folder.empty().manifest
    };
    let files = Files::of(generation);
    let (mut after, mut done) = (Row(0), 0_u64);
    loop {
        let mut builder =
            vector::SegmentBuilder::new(space(backend)).map_err(|error| internal(&error))?;
        let (mut rows, mut last, mut failed) = (0_u64, after, None);
        ground.each_vector(after, &mut |row, values| {
            last = row;
            match values {
                _ if !live.contains(row) => {}
                None => {
                    manifest.damaged.insert(row);
                }
                Some(values) => match builder.push(row, values) {
                    Ok(stored) => rows += u64::from(stored),
                    Err(error) => failed = Some(internal(&error)),
                },
            }
            failed.is_none() && rows < ROWS_MAX
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if rows > 0 {
            let part = files.write(folder, builder.finish(), rows)?;
            manifest.parts.push(part);
        }
        done += rows;
        if last == after {
            break;
        }
        if !progress.step("vector index", done, head.live_chunks) {
            return Ok(None);
        }
        after = last;
    }
    (manifest.row, manifest.seq) = (head.last_row, head.seq);
    folder.write_manifest(&manifest)?;
    Ok(Some(manifest))
}

/// What one builder has written.
struct Built {
    parts: Vec<Part>,
    last: Row,
    /// Rows whose text cannot be read.
    damaged: Vec<Row>,
}

/// Texts in the order of their rows, none for one that cannot be read.
type Batch = Vec<(Row, Option<String>)>;

/// Builds parts: the caller's thread reads texts in order, others analyse and build.
struct PartMaker<'m> {
    folder: &'m Folder<TextKind>,
    files: &'m Files,
    store: StoreId,
    analyze: &'m dyn Analyze,
}

type Builder<'scope> = ScopedJoinHandle<'scope, Result<Option<Built>, StoreError>>;

impl<'m> PartMaker<'m> {
    /// Builds all live rows above `after`, handing over the parts in order until `take` returns false.
    fn run(
        &self,
        ground: &SqliteSnapshot<'_>,
        after: Row,
        take: &mut dyn FnMut(Built) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        std::thread::scope(|scope| {
            let mut at_work: std::collections::VecDeque<Builder<'_>> =
                std::collections::VecDeque::new();
            let mut current: Option<SyncSender<Batch>> = None;
            let (mut batch, mut in_part, mut goes_on) = (Batch::new(), 0_u64, true);
            let mut failed = None;
            ground.each_live_text(after, &mut |row, text| {
                batch.push((row, text.map(str::to_owned)));
                in_part += 1;
                if batch.len() >= BATCH_TEXTS || in_part >= ROWS_MAX {
                    let sender = current.get_or_insert_with(|| self.start(scope, &mut at_work));
                    // A builder that failed has hung up; joining it tells why.
                    drop(sender.send(std::mem::take(&mut batch)));
                }
                if in_part >= ROWS_MAX {
                    (current, in_part) = (None, 0);
                    if at_work.len() >= BUILDERS {
                        match finish(&mut at_work, take) {
                            Ok(on) => goes_on = on,
                            Err(error) => failed = Some(error),
                        }
                    }
                }
                goes_on && failed.is_none()
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            if !batch.is_empty() && goes_on {
                let sender = current.get_or_insert_with(|| self.start(scope, &mut at_work));
                drop(sender.send(batch));
            }
            drop(current);
            while goes_on && !at_work.is_empty() {
                goes_on = finish(&mut at_work, take)?;
            }
            Ok(())
        })
    }

    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        at_work: &mut std::collections::VecDeque<Builder<'scope>>,
    ) -> SyncSender<Batch>
    where
        'm: 'scope,
    {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        let segments = TextSegments::new(self.folder, self.files, self.store, self.analyze.id());
        let analyze = self.analyze;
        at_work.push_back(scope.spawn(move || build_parts(segments, analyze, &receiver)));
        sender
    }
}

fn finish(
    at_work: &mut std::collections::VecDeque<Builder<'_>>,
    take: &mut dyn FnMut(Built) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let Some(oldest) = at_work.pop_front() else {
        return Ok(true);
    };
    let built = oldest
        .join()
        .map_err(|_| StoreError::Internal("a builder of the text index panicked".to_owned()))??;
    built.map_or(Ok(true), take)
}

fn build_parts(
    mut segments: TextSegments<'_>,
    analyze: &dyn Analyze,
    batches: &Receiver<Batch>,
) -> Result<Option<Built>, StoreError> {
    let mut damaged = Vec::new();
    for (row, text) in batches.iter().flatten() {
        // What cannot be read is indexed as an empty text, so that its row is known.
        if text.is_none() {
            damaged.push(row);
        }
        segments.push(row, &analyze.terms(&text.unwrap_or_default()))?;
    }
    let (parts, last) = segments.finish()?;
    Ok(last.map(|last| Built {
        parts,
        last,
        damaged,
    }))
}
