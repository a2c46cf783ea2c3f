//! How one generation of an index becomes the next: new rows in, dead rows counted, segments merged.

use std::sync::atomic::{AtomicU64, Ordering};

use steadfast_model::{HashedTerms, Row, RowSet, Seq};
use steadfast_store::StoreError;

use crate::assembly::Pieces;
use crate::catalog::{Folder, Kind, Loaded, Manifest, Mapped, Part, Weight, to_merge};

/// What is new since the generation before.
pub(super) struct News {
    /// Segments of the new rows, written, in order of rows.
    pub(super) fresh: Vec<Part>,
    /// Rows of the generation before that are no longer live, with their terms.
    pub(super) dead: Vec<(Row, HashedTerms)>,
    /// Rows that are new and cannot be read.
    pub(super) damaged: RowSet,
    /// The last row and commit that the new generation has seen.
    pub(super) seen: (Row, Seq),
    /// Rewrite every segment that holds dead rows, so that nothing of them is left.
    pub(super) purge: bool,
}

/// A segment of the generation that is being made: one from before, or one just written.
enum Held<'l, S> {
    Before(&'l S, &'l Mapped),
    Fresh(S, Mapped),
}

impl<S> Held<'_, S> {
    fn segment(&self) -> &S {
        match self {
            Self::Before(segment, _) => segment,
            Self::Fresh(segment, _) => segment,
        }
    }

    fn let_go(&self) {
        match self {
            Self::Before(_, mapped) => mapped.let_go(),
            Self::Fresh(_, mapped) => mapped.let_go(),
        }
    }
}

/// Writes the next generation of an index and returns its manifest, which counts once the store names it.
pub(super) fn advance<K: Kind>(
    folder: &Folder<K>,
    before: &Loaded<K::Segment>,
    files: &Files,
    news: News,
) -> Result<Manifest, StoreError> {
    let mut manifest = before.manifest.clone();
    manifest.generation = files.generation;
    (manifest.row, manifest.seq) = news.seen;
    manifest.damaged.unite(&news.damaged);
    let mut held: Vec<Held<'_, K::Segment>> = before
        .segments
        .iter()
        .zip(&before.mapped)
        .map(|(segment, mapped)| Held::Before(segment, mapped))
        .collect();
    for (part, segment) in manifest.parts.iter_mut().zip(&before.segments) {
        bury::<K>(part, segment, &news.dead);
    }
    for part in news.fresh {
        let (segment, mapped) = folder.open_written(&part)?;
        held.push(Held::Fresh(segment, mapped));
        manifest.parts.push(part);
    }
    let weights: Vec<Weight> = manifest.parts.iter().map(Weight::of).collect();
    let mut runs = to_merge(&weights);
    if news.purge {
        let in_run = |index: usize| runs.iter().any(|run| run.contains(&index));
        let alone: Vec<_> = weights
            .iter()
            .enumerate()
            .filter(|&(index, weight)| weight.has_dead() && !in_run(index))
            .map(|(index, _)| index..index + 1)
            .collect();
        runs.extend(alone);
        runs.sort_by_key(|run| run.start);
    }
    // From the back, so that the places of the runs before stay right.
    for run in runs.into_iter().rev() {
        let parts = manifest.parts.get(run.clone()).unwrap_or_default();
        let joining = held.get(run.clone()).unwrap_or_default();
        let segments: Vec<&K::Segment> = joining.iter().map(Held::segment).collect();
        let let_go = || joining.iter().for_each(Held::let_go);
        let keep = alive::<K>(&segments, parts);
        let mut merged = Vec::new();
        let mut fresh = Vec::new();
        if !keep.is_empty() {
            let content = K::merge(&segments, &keep, &let_go).map_err(StoreError::Internal)?;
            let part = files.write(folder, content, keep.len() as u64)?;
            let (segment, mapped) = folder.open_written(&part)?;
            fresh.push(Held::Fresh(segment, mapped));
            merged.push(part);
        }
        manifest.parts.splice(run.clone(), merged);
        held.splice(run, fresh);
    }
    folder.write_manifest(&manifest)?;
    Ok(manifest)
}

/// Returns the rows of segments that have not died in their parts.
fn alive<K: Kind>(segments: &[&K::Segment], parts: &[Part]) -> RowSet {
    let mut alive = RowSet::new();
    for segment in segments {
        alive.extend(K::rows(segment));
    }
    for part in parts {
        alive.subtract(&part.dead);
    }
    alive
}

fn bury<K: Kind>(part: &mut Part, segment: &K::Segment, dead: &[(Row, HashedTerms)]) {
    if dead.is_empty() {
        return;
    }
    let rows: RowSet = K::rows(segment).collect();
    let mine: Vec<(Row, &HashedTerms)> = dead
        .iter()
        .filter(|(row, _)| rows.contains(*row))
        .map(|(row, terms)| (*row, terms))
        .collect();
    part.bury(&mine);
}

/// The files that a generation writes.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) generation: u64,
    /// The number of the next one.
    next: AtomicU64,
}

impl Files {
    /// How many files a generation may write: no two generations share a number.
    const MOST: u64 = 1 << 16;

    /// Returns the files of a generation.
    pub(super) fn of(generation: u64) -> Self {
        Self {
            generation,
            next: (generation * Self::MOST).into(),
        }
    }

    /// Writes a segment of so many rows. Its bytes are let go of, for else they are in memory twice when it is proven.
    pub(super) fn write<K: Kind>(
        &self,
        folder: &Folder<K>,
        content: Pieces,
        rows: u64,
    ) -> Result<Part, StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number / Self::MOST != self.generation {
            let what = "a generation ran out of file numbers".to_owned();
            return Err(StoreError::Internal(what));
        }
        let part = Part::fresh(number, &content, rows);
        folder.write_segment(part.file, &content)?;
        drop(content);
        Ok(part)
    }
}
