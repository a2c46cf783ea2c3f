//! How one generation of an index becomes the next: new rows in, dead rows counted, segments merged.

use steadfast_model::{HashedTerms, Row, RowSet, Seq};
use steadfast_store::StoreError;

use crate::catalog::{Folder, Kind, Loaded, Manifest, Mapped, Part, to_merge};

/// What is new since the generation before.
pub(super) struct News {
    /// A segment of the new rows: its bytes and how many rows; none when there are none.
    pub(super) segment: Option<(Vec<u8>, u64)>,
    /// Rows of the generation before that are no longer live, with their terms.
    pub(super) dead: Vec<(Row, HashedTerms)>,
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
    generation: u64,
    news: &News,
) -> Result<Manifest, StoreError> {
    let mut manifest = before.manifest.clone();
    manifest.generation = generation;
    (manifest.row, manifest.seq) = news.seen;
    let mut files = file_numbers(generation);
    let mut held: Vec<Held<'_, K::Segment>> = before
        .segments
        .iter()
        .zip(&before.mapped)
        .map(|(segment, mapped)| Held::Before(segment, mapped))
        .collect();
    for (part, segment) in manifest.parts.iter_mut().zip(&before.segments) {
        bury::<K>(part, segment, &news.dead);
    }
    if let Some((content, rows)) = &news.segment {
        let part = Part::fresh(next(&mut files)?, content, *rows);
        folder.write_segment(part.file, content)?;
        let (segment, mapped) = folder.open_written(&part)?;
        held.push(Held::Fresh(segment, mapped));
        manifest.parts.push(part);
    }
    let weights: Vec<(u64, u64)> = manifest
        .parts
        .iter()
        .map(|part| (part.rows, part.dead.len() as u64))
        .collect();
    let mut runs = to_merge(&weights);
    if news.purge {
        let in_run = |index: usize| runs.iter().any(|run| run.contains(&index));
        let alone: Vec<_> = weights
            .iter()
            .enumerate()
            .filter(|&(index, &(_, dead))| dead > 0 && !in_run(index))
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
            let part = Part::fresh(next(&mut files)?, &content, keep.len() as u64);
            folder.write_segment(part.file, &content)?;
            // Else the whole file is in memory twice while it is proven.
            drop(content);
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

/// Returns file numbers of a generation; no two generations share one.
pub(super) fn file_numbers(generation: u64) -> std::ops::Range<u64> {
    let first = generation << 16;
    first..first + (1 << 16)
}

pub(super) fn next(files: &mut std::ops::Range<u64>) -> Result<u64, StoreError> {
    files
        .next()
        .ok_or_else(|| StoreError::Internal("a generation ran out of file numbers".to_owned()))
}
