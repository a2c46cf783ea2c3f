//! Texts against the text index, row by row: the terms of each text must be those that the index has for its row.
//!
//! The caller reads texts and hands them over; others analyse them meanwhile,
//! since that takes longer than reading.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use steadfast_model::{Analyze, Row};
use steadfast_store::StoreError;

use super::snapshot::EmbeddedSnapshot;
use crate::text::sum_of;

/// Texts that are handed over at a time.
const BATCH_TEXTS: usize = 256;
/// Batches that may wait.
const BATCHES_MAX: usize = 8;
/// Threads that analyse.
const THREADS_MAX: usize = 4;

type Batch = Vec<(Row, String)>;

/// What the text index says of each live row.
pub(super) struct Indexed {
    /// In order of rows.
    sums: Vec<(Row, u64)>,
}

impl Indexed {
    /// Reads the postings and the tail; none when there is no text index.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when postings are not sound, although their file has its hash.
    pub(super) fn read(snapshot: &EmbeddedSnapshot<'_>) -> Result<Option<Self>, StoreError> {
        let Some(loaded) = snapshot.text_state().ready() else {
            return Ok(None);
        };
        let live = snapshot.live()?;
        let mut sums = Vec::with_capacity(live.len());
        for segment in &loaded.segments {
            let of_segment = segment.sums().map_err(|error| StoreError::Damaged {
                path: snapshot.backend().store.folder().join("index"),
                what: error.to_string(),
            })?;
            let alive = of_segment.into_iter();
            sums.extend(alive.filter(|(row, _)| live.contains(*row)));
        }
        let tail = &snapshot.tail()?.added;
        sums.extend(tail.iter().map(|(row, terms)| (*row, sum_of(terms))));
        sums.sort_unstable();
        Ok(Some(Self { sums }))
    }

    fn differs(&self, row: Row, sum: u64) -> bool {
        let found = self.sums.binary_search_by_key(&row, |(row, _)| *row);
        let indexed = found.ok().and_then(|index| self.sums.get(index));
        // A row that is not in the index at all is another finding.
        indexed.is_some_and(|(_, indexed)| *indexed != sum)
    }
}

/// Runs `read`, which hands over live texts, and returns the rows whose text has other terms than the index says.
pub(super) fn compare<T>(
    indexed: &Indexed,
    analyze: &dyn Analyze,
    threads: usize,
    read: impl FnOnce(&mut dyn FnMut(Row, &str)) -> T,
) -> (T, Vec<Row>) {
    let (sender, receiver) = sync_channel::<Batch>(BATCHES_MAX);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, THREADS_MAX))
            .map(|_| scope.spawn(|| work(indexed, analyze, &receiver)))
            .collect();
        let mut hand = Hand {
            batch: Batch::new(),
            sender,
        };
        let done = read(&mut |row, text| hand.over(row, text));
        hand.flush();
        drop(hand);
        let mut differing: Vec<Row> = workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(rows) => rows,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect();
        differing.sort_unstable();
        (done, differing)
    })
}

/// Gathers texts into batches.
struct Hand {
    batch: Batch,
    sender: SyncSender<Batch>,
}

impl Hand {
    fn over(&mut self, row: Row, text: &str) {
        self.batch.push((row, text.to_owned()));
        if self.batch.len() >= BATCH_TEXTS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        // Workers hang up only by a panic, which joining them tells.
        drop(self.sender.send(std::mem::take(&mut self.batch)));
    }
}

fn work(indexed: &Indexed, analyze: &dyn Analyze, batches: &Mutex<Receiver<Batch>>) -> Vec<Row> {
    let mut differing = Vec::new();
    loop {
        let batch = batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(batch) = batch else {
            return differing;
        };
        for (row, text) in batch {
            if indexed.differs(row, sum_of(&analyze.terms(&text))) {
                differing.push(row);
            }
        }
    }
}
