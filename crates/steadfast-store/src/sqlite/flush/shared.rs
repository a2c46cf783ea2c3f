//! One flush for many commits, of any number of processes.
//!
//! Who has committed queues at a lock. Whoever gets it first flushes the log and
//! writes down up to which commit it was flushed; those behind find theirs in
//! it and go. So eight writers cost two flushes a round and not eight.
//!
//! The record is a hint in a file of its own, never flushed itself and never
//! needed: who cannot read it, or waits too long, flushes for itself. It may say
//! too little at any moment and must never say too much. Each writer writes its
//! commit down behind the writer gate (`written`); the flush reads that before
//! it begins, and writes it down (`flushed`) when it has succeeded. Both name the
//! salts of the log, so that they mean nothing in another one. What a copied or
//! restored folder, or a loss of power, may leave is a `flushed` ahead of the
//! commits that are to come: the next writer sees that its commit is not beyond
//! it, behind the gate, and wipes it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rusqlite::Connection;

use super::Log;
use super::record::{DOUBT_AT, FLUSHED_AT, Mark, WRITTEN_AT, read, wipe, write};
use crate::files::{Disk, Gate, GateHeld, open_private};
use crate::sabotage::{self, Sabotage};

/// How long a commit waits for the flush of another one before it makes its own.
pub(in crate::sqlite) const PATIENCE: Duration = Duration::from_millis(250);

/// The lock and the record beside a database.
#[derive(Debug)]
pub(in crate::sqlite) struct SharedFlush {
    gate: Gate,
    path: PathBuf,
    record: OnceLock<File>,
}

impl SharedFlush {
    /// Returns those of the store in `folder`.
    pub(in crate::sqlite) fn of(folder: &Path) -> Self {
        Self {
            gate: Gate::new(folder.join("flush.lock")),
            path: folder.join("flush.mark"),
            record: OnceLock::new(),
        }
    }

    /// Writes down that the log has everything up to `seq`; the caller holds the writer gate.
    ///
    /// `is_new` says that nobody can have flushed `seq` before. Returns whether it is written
    /// down; who cannot do so must flush for itself.
    pub(in crate::sqlite) fn note_written(&self, log: &Log, seq: u64, is_new: bool) -> bool {
        let (Some(record), Ok(Some(salts))) = (self.record(), log.salts()) else {
            return false;
        };
        let impossible = if is_new { seq } else { seq + 1 };
        let is_foreign = read(record, FLUSHED_AT).is_some_and(|flushed| flushed.seq >= impossible);
        if is_foreign && wipe(record, FLUSHED_AT).is_err() {
            return false;
        }
        write(record, WRITTEN_AT, Mark { salts, seq }).is_ok()
    }

    /// Returns when the commit `seq` is on the medium, by its own flush or another one.
    ///
    /// # Errors
    /// What the system says of our own flush; the fate of the frames is open then.
    pub(in crate::sqlite) fn flush(
        self: &Arc<Self>,
        log: &Arc<Log>,
        seq: Option<u64>,
        disk: &Arc<dyn Disk>,
    ) -> io::Result<()> {
        let Some(seq) = seq else {
            return self.flush_alone(log, disk.as_ref());
        };
        match self.gate.try_pass() {
            Ok(Some(held)) => {
                let flushed = self.flush_for_all(log, seq, disk.as_ref());
                drop(held);
                flushed
            }
            Ok(None) => {
                let (shared, queued, below) = (Arc::clone(self), Arc::clone(log), Arc::clone(disk));
                let work = move || shared.flush_for_all(&queued, seq, below.as_ref());
                match self.gate.pass_and(PATIENCE, work) {
                    Ok(flushed) => flushed,
                    Err(_) => self.flush_alone(log, disk.as_ref()),
                }
            }
            Err(_) => self.flush_alone(log, disk.as_ref()),
        }
    }

    /// Waits behind the flush that is under way, on this very thread; none when it does without.
    ///
    /// Nothing bounds the wait for another process: somebody must watch over who calls this.
    pub(in crate::sqlite) fn turn(&self) -> Option<GateHeld<'_>> {
        match self.gate.try_pass() {
            Ok(None) => self.gate.pass_here(PATIENCE).ok(),
            passed => passed.ok().flatten(),
        }
    }

    /// Returns when the commit `seq` is on the medium: in turn, or by a flush of its own.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub(in crate::sqlite) fn flush_in_turn(
        &self,
        turn: Option<GateHeld<'_>>,
        log: &Log,
        seq: Option<u64>,
        disk: &dyn Disk,
    ) -> io::Result<()> {
        let flushed = match seq {
            Some(seq) if turn.is_some() => self.flush_for_all(log, seq, disk),
            _ => self.flush_alone(log, disk),
        };
        drop(turn);
        flushed
    }

    fn flush_for_all(&self, log: &Log, seq: u64, disk: &dyn Disk) -> io::Result<()> {
        let (Some(record), Ok(Some(salts))) = (self.record(), log.salts()) else {
            return self.flush_alone(log, disk);
        };
        let in_this_round = |mark: &Mark| mark.salts == salts;
        // Ours was written down behind the gate; a record without it is not to be trusted.
        let Some(written) = read(record, WRITTEN_AT)
            .filter(in_this_round)
            .filter(|written| written.seq >= seq)
        else {
            return self.flush_alone(log, disk);
        };
        let flushed = read(record, FLUSHED_AT).filter(in_this_round);
        if flushed.is_some_and(|flushed| flushed.seq >= seq) {
            return Ok(());
        }
        self.flush_alone(log, disk)?;
        // Who cannot write it down has flushed for itself alone.
        drop(write(record, FLUSHED_AT, written));
        Ok(())
    }

    /// Flushes the log, and leaves word when that fails.
    ///
    /// # Errors
    /// What the system says, and an error of its own when an earlier flush has failed and nobody has mended that.
    pub(in crate::sqlite) fn flush_alone(&self, log: &Log, disk: &dyn Disk) -> io::Result<()> {
        if let Err(error) = log.flush(disk) {
            self.note_doubt(log);
            return Err(error);
        }
        if self.is_in_doubt(log)? {
            return Err(io::Error::other("an earlier flush of the log failed"));
        }
        Ok(())
    }

    /// Leaves word that a flush of the log beside `database` may have failed, where there is one.
    pub(in crate::sqlite) fn doubt(&self, database: &Path) {
        if let Ok(log) = Log::of(database) {
            self.note_doubt(&log);
        }
    }

    fn note_doubt(&self, log: &Log) {
        if let (Some(record), Ok(Some(salts))) = (self.record(), log.salts()) {
            // Who cannot leave word has told its caller at least.
            drop(write(record, DOUBT_AT, Mark { salts, seq: 0 }));
        }
    }

    /// Returns whether the disk may have lost something of the log, so that nothing may build on it.
    ///
    /// # Errors
    /// What the system says where there is word of a doubt, and the log does not tell whether it is meant.
    fn is_in_doubt(&self, log: &Log) -> io::Result<bool> {
        if sabotage::is(Sabotage::DoubtIgnored) {
            return Ok(false);
        }
        match self.record().and_then(|record| read(record, DOUBT_AT)) {
            Some(doubt) => Ok(log.salts()? == Some(doubt.salts)),
            None => Ok(false),
        }
    }

    /// Makes the log whole if a flush of it has failed; the caller holds the writer gate. `known` is a connection that
    /// knows how far the log reaches, where there is one.
    ///
    /// # Errors
    /// What the system says; the log is in doubt as before then, and nothing may be added to it or written back.
    pub(in crate::sqlite) fn settle(
        &self,
        log: &Log,
        disk: &dyn Disk,
        known: Option<&Connection>,
    ) -> io::Result<()> {
        if self.is_in_doubt(log)? {
            self.mend(log, disk, known)?;
        }
        Ok(())
    }

    /// Makes the log beside `database` whole and flushes it, where there is one, before SQLite writes it back; the
    /// caller holds the writer gate.
    ///
    /// # Errors
    /// As [`Self::settle`] and [`Self::flush_alone`].
    pub(in crate::sqlite) fn settle_and_flush(
        &self,
        database: &Path,
        disk: &dyn Disk,
        known: Option<&Connection>,
    ) -> io::Result<()> {
        let log = match Log::of(database) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        self.settle(&log, disk, known)?;
        self.flush_alone(&log, disk)
    }

    fn mend(&self, log: &Log, disk: &dyn Disk, known: Option<&Connection>) -> io::Result<()> {
        // Behind a process that was stopped in the middle of a flush nobody would write for as long as it stays: the
        // writer gate is held here. The turn saves a flush that would not count, and nothing depends on it.
        let turn = self.gate.pass(PATIENCE);
        log.rewrite(disk, known)?;
        let wiped = self
            .record()
            .map_or(Ok(()), |record| wipe(record, DOUBT_AT));
        drop(turn);
        wiped
    }

    fn record(&self) -> Option<&File> {
        if let Some(record) = self.record.get() {
            return Some(record);
        }
        let record = open_private(&self.path).ok()?;
        Some(self.record.get_or_init(|| record))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::files::{read_at, write_at};
    use crate::sqlite::flush::chain;

    /// Counts flushes.
    #[derive(Debug, Default)]
    struct Counting(AtomicU64);

    impl Disk for Counting {
        fn sync_data(&self, _path: &Path, _file: &File) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    struct Bench {
        folder: tempfile::TempDir,
        log: Arc<Log>,
        counting: Arc<Counting>,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let bench = Self {
                log: Arc::new(Log {
                    file: open_private(&path).unwrap(),
                    path,
                }),
                folder,
                counting: Arc::default(),
            };
            bench.start_over(1);
            bench
        }

        fn shared(&self) -> Arc<SharedFlush> {
            Arc::new(SharedFlush::of(self.folder.path()))
        }

        fn start_over(&self, salt: u8) {
            write_at(&self.log.file, &chain::header([salt; 8]), 0).unwrap();
        }

        fn flushes_after(&self, shared: &Arc<SharedFlush>, seq: u64) -> u64 {
            let disk: Arc<dyn Disk> = Arc::<Counting>::clone(&self.counting);
            shared.flush(&self.log, Some(seq), &disk).unwrap();
            self.counting.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn one_flush_is_enough_for_the_commits_before_it() {
        let bench = Bench::new();
        let (one, other) = (bench.shared(), bench.shared());
        for seq in 1..=3 {
            assert!(one.note_written(&bench.log, seq, true));
        }
        assert_eq!(bench.flushes_after(&other, 2), 1);
        assert_eq!(bench.flushes_after(&one, 3), 1);
        assert_eq!(bench.flushes_after(&one, 1), 1);
        assert!(other.note_written(&bench.log, 4, true));
        assert_eq!(bench.flushes_after(&one, 4), 2);
        // What was only found there is flushed already.
        assert!(one.note_written(&bench.log, 4, false));
        assert_eq!(bench.flushes_after(&one, 4), 2);
    }

    /// Fails to flush as often as it is told to.
    #[derive(Debug)]
    struct Failing(AtomicU64);

    impl Disk for Failing {
        fn sync_data(&self, _path: &Path, _file: &File) -> io::Result<()> {
            let left = self.0.load(Ordering::SeqCst);
            self.0.store(left.saturating_sub(1), Ordering::SeqCst);
            if left > 0 {
                return Err(io::Error::other("not flushed"));
            }
            Ok(())
        }
    }

    #[test]
    fn after_a_failed_flush_none_counts_until_the_log_is_written_anew() {
        let bench = Bench::new();
        let (one, other) = (bench.shared(), bench.shared());
        let failing = Arc::new(Failing(AtomicU64::new(1)));
        let disk: Arc<dyn Disk> = Arc::<Failing>::clone(&failing);
        assert!(one.note_written(&bench.log, 1, true));
        one.flush(&bench.log, Some(1), &disk).unwrap_err();
        // The disk is sound again, and another process knows of nothing.
        for seq in [Some(1), None] {
            other.flush(&bench.log, seq, &disk).unwrap_err();
        }
        failing.0.store(1, Ordering::SeqCst);
        other.mend(&bench.log, disk.as_ref(), None).unwrap_err();
        assert!(one.is_in_doubt(&bench.log).unwrap());
        // Whoever was stopped in the middle of a flush is not waited for without end.
        let stopped = bench.shared();
        let held = stopped.gate.pass(PATIENCE).unwrap();
        other.mend(&bench.log, disk.as_ref(), None).unwrap();
        drop(held);
        let mut kept = [0; 32];
        assert!(read_at(&bench.log.file, &mut kept, 0).unwrap());
        assert_eq!(kept, chain::header([1; 8]));
        one.flush(&bench.log, Some(1), &disk).unwrap();
        // What is said of one round of the log is not said of the next.
        one.doubt(&bench.folder.path().join("no-such-database"));
        one.note_doubt(&bench.log);
        bench.start_over(2);
        other.flush(&bench.log, None, &disk).unwrap();
    }

    #[test]
    fn a_log_that_lost_what_others_know_of_stays_in_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
            .unwrap();
        let (shared, log) = (SharedFlush::of(folder.path()), Log::of(&database).unwrap());
        let disk = Counting::default();
        let whole = std::fs::read(&log.path).unwrap();
        // A system that reads the disk again, which has nothing of the last frame.
        write_at(&log.file, &[0; 4_000], whole.len() as u64 - 4_000).unwrap();
        let lost = std::fs::read(&log.path).unwrap();
        shared.note_doubt(&log);
        for _ in 0..2 {
            let error = shared.settle(&log, &disk, Some(&connection)).unwrap_err();
            assert!(error.to_string().contains("lost a part"), "{error}");
            assert!(std::fs::read(&log.path).unwrap() == lost);
            assert!(shared.is_in_doubt(&log).unwrap());
        }
        write_at(&log.file, &whole, 0).unwrap();
        shared.settle(&log, &disk, Some(&connection)).unwrap();
        assert!(!shared.is_in_doubt(&log).unwrap());
    }

    #[test]
    fn a_mark_of_another_round_or_another_store_means_nothing() {
        let bench = Bench::new();
        let shared = bench.shared();
        assert!(shared.note_written(&bench.log, 9, true));
        assert_eq!(bench.flushes_after(&shared, 9), 1);
        bench.start_over(2);
        assert!(shared.note_written(&bench.log, 9, false));
        assert_eq!(bench.flushes_after(&shared, 9), 2);
        // The folder was copied, or power was lost: the store is at 5 again, the mark at 9.
        for (seq, flushes) in [(5, 3), (6, 4), (9, 5), (10, 6)] {
            assert!(shared.note_written(&bench.log, seq, true));
            assert_eq!(bench.flushes_after(&shared, seq), flushes, "{seq}");
        }
    }

    #[test]
    fn a_torn_or_missing_mark_costs_a_flush_and_no_more() {
        let bench = Bench::new();
        let shared = bench.shared();
        assert_eq!(bench.flushes_after(&shared, 1), 1);
        assert!(shared.note_written(&bench.log, 1, true));
        assert_eq!(bench.flushes_after(&shared, 1), 2);
        let record = shared.record().unwrap();
        for byte in 0..64 {
            let mut flipped = [0];
            if !read_at(record, &mut flipped, byte).unwrap() {
                break;
            }
            let before = flipped;
            flipped[0] ^= 4;
            write_at(record, &flipped, byte).unwrap();
            let flushes = bench.counting.0.load(Ordering::SeqCst);
            assert_eq!(bench.flushes_after(&shared, 1), flushes + 1, "{byte}");
            write_at(record, &before, byte).unwrap();
            assert!(shared.note_written(&bench.log, 1, false));
            bench.flushes_after(&shared, 1);
        }
        // Bytes of nothing are no mark.
        write_at(record, &[0; 64], 0).unwrap();
        let flushes = bench.counting.0.load(Ordering::SeqCst);
        assert_eq!(bench.flushes_after(&shared, 1), flushes + 1);
    }
}
