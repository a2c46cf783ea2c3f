//! The flush of the write-ahead log, after the writer gate is open again.
//!
//! A commit writes its frames behind the gate and is acknowledged when the log
//! is on the disk. The flush between the two needs no gate: while one writer
//! waits for the disk the next ones write their frames, and one flush is enough
//! for all of them (`shared`).
//!
//! What keeps this as safe as `synchronous=FULL`:
//! - Nothing is acknowledged before its flush, also not what was found there
//!   already: it may be the commit of somebody who has not flushed yet.
//! - Frames lie in the log in the order of their commits, and a flush covers the
//!   whole file. So no commit reaches the disk without those it builds on.
//! - SQLite itself flushes the header of the log when it starts over, in this mode too.
//! - When a flush fails, others see frames that the disk may have lost, and the next flush says nothing of that: the
//!   system tells of a lost page once. A later commit would be acknowledged behind a hole, and a checkpoint would
//!   write pages that the log, cut short at the hole, reverts by half. So whoever sees a flush fail leaves word in
//!   `flush.mark`. While it stands no flush counts, and nothing is written back. Whoever writes next writes the same
//!   bytes into the log once more, which are then new to the system, and flushes them. The handle whose flush failed
//!   is poisoned, and its caller hears of an error.
//! - What the system shows of a page that it failed to write is the system's choice: ext4 keeps what was written, others
//!   read the disk again. So the log is proven before it is written anew: its chain of checksums must reach as far as
//!   those who have the database open know it to. Where it does not, nobody writes until all of them have closed it,
//!   and the next one to open it takes what can be read for the whole.
//! - SQLite hides from us when its own flush before a checkpoint fails. So we flush before, behind the gate: it finds
//!   nothing left that it could lose. Checkpoints are ours alone for that reason, also when a connection closes.
//!
//! The log holds no locks of SQLite, so opening and closing it drops none, and
//! it stays the same file for as long as our connection is open.

mod chain;
mod record;
mod shared;

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;

use crate::files::{Disk, read_at};
pub(super) use shared::{PATIENCE, SharedFlush};

/// The connection that writes, and the log that it writes to.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// It was opened for a log, and not for a rollback journal.
    pub(super) is_wal: bool,
    /// Opened after the connection has read for the first time: from then on it stays the same file.
    log: Option<Arc<Log>>,
    /// How many frames the log had after the last commit.
    frames: Arc<AtomicU32>,
    due: Due,
}

/// What is to be done about a log that has grown long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteBack {
    /// Write back what readers allow, without a wait for them.
    Passive,
    /// Wait for the readers, so that the log starts over.
    StartOver,
}

/// How long the log may grow until something is to be done.
#[derive(Clone, Copy, Debug)]
struct Due {
    last: u32,
    write_back: u32,
    start_over: u32,
}

impl Due {
    const AT_FIRST: Self = Self {
        last: 0,
        write_back: FRAMES_TO_WRITE_BACK,
        start_over: FRAMES_TO_START_OVER,
    };

    fn after(&mut self, frames: u32) -> Option<WriteBack> {
        if frames < self.last {
            *self = Self::AT_FIRST;
        }
        self.last = frames;
        let what = if frames >= self.start_over {
            self.start_over = frames.saturating_add(frames / 2);
            WriteBack::StartOver
        } else if frames >= self.write_back {
            WriteBack::Passive
        } else {
            return None;
        };
        self.write_back = frames.saturating_add(FRAMES_TO_TRY_AGAIN);
        Some(what)
    }
}

/// The two salts in the header of a log (<https://sqlite.org/fileformat2.html#walformat>).
type Salts = [u8; 8];

const SALTS_AT: u64 = 16;

/// The log is written back when it has so many frames, 16 MiB, and every so many more that readers keep in use.
const FRAMES_TO_WRITE_BACK: u32 = 4_000;
const FRAMES_TO_TRY_AGAIN: u32 = 1_000;

/// Readers that follow on each other would keep it in use for ever, and what opens the store after a crash reads all of
/// it: 90,000 notes beside 32 readers left a log that took 14.6 s. So from 64 MiB on, and whenever it is half as long
/// again, the writer waits until all of them have begun anew.
const FRAMES_TO_START_OVER: u32 = 16_000;

/// The write-ahead log as a file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

/// How much of the log is written anew at once.
const BLOCK_BYTES: usize = 1 << 20;

const LOST: &str = "a flush of the log failed, and the disk has lost a part of it: nothing is written until every program \
                    has closed the store; whoever opens it then goes on with what can be read";

impl Log {
    /// Opens the log beside a database.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        // Some systems flush only what was opened for writing.
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self {
            path: path.into(),
            file,
        })
    }

    /// Brings to the medium whatever was written to the log before.
    ///
    /// # Errors
    /// What the system says; the fate of the frames is open then.
    fn flush(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync_data(&self.path, &self.file)
    }

    /// Writes what the log holds once more, the same bytes in the same places, and flushes it.
    ///
    /// Nobody sees a difference but the system, which has given up a page that it failed to write. Nobody may write
    /// to the log meanwhile. `known` is a connection by which to know how far it must reach, where there is one.
    ///
    /// # Errors
    /// What the system says, and an error of its own when the log does not read back as it was written.
    fn rewrite(&self, disk: &dyn Disk, known: Option<&Connection>) -> io::Result<()> {
        let wanted = known.map_or(Ok(0), chain::known);
        let wanted = wanted.map_err(io::Error::other)?;
        let open = || OpenOptions::new().read(true).write(true).open(&self.path);
        let (from, mut to) = (open()?, open()?);
        let chain = chain::read(&from)?;
        if chain.frames < wanted {
            return Err(io::Error::other(LOST));
        }
        let mut from = from.take(chain.bytes);
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let length = from.read(&mut block)?;
            let Some(read) = block.get(..length).filter(|read| !read.is_empty()) else {
                return disk.sync_data(&self.path, &to);
            };
            disk.write(&self.path, &mut to, read)?;
        }
    }

    /// Returns what tells this round of the log from those before: SQLite draws new salts when it starts over. None in
    /// a log without a header.
    ///
    /// # Errors
    /// What the system says.
    fn salts(&self) -> io::Result<Option<Salts>> {
        let mut salts = Salts::default();
        let found = read_at(&self.file, &mut salts, SALTS_AT)?;
        Ok(found.then_some(salts))
    }
}

impl Writer {
    /// Returns a writer on a connection that does no checkpoint by itself.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn new(connection: Connection, is_wal: bool) -> rusqlite::Result<Self> {
        let frames = Arc::new(AtomicU32::new(0));
        let mut writer = Self {
            connection,
            is_wal,
            log: None,
            frames: Arc::clone(&frames),
            due: Due::AT_FIRST,
        };
        writer
            .connection
            .wal_hook(Some(move |_: &mut Wal, pages: c_int| {
                frames.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))?;
        Ok(writer)
    }

    /// Returns the log of the database, to be flushed after the gate.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn log(&mut self, database: &Path) -> io::Result<Arc<Log>> {
        if let Some(log) = &self.log {
            return Ok(Arc::clone(log));
        }
        let log = Arc::new(Log::of(database)?);
        self.log = Some(Arc::clone(&log));
        Ok(log)
    }

    /// Returns what the commit that was just made leaves to be done about the length of the log.
    pub(super) fn write_back_due(&mut self) -> Option<WriteBack> {
        self.due.after(self.frames.load(Ordering::Relaxed))
    }

    /// Lets SQLite write the log back and remove it, should this be the last connection that closes.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn write_back_on_close(&self) -> rusqlite::Result<()> {
        let off = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection.set_db_config(off, false).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_written_back_now_and_then_and_made_to_start_over_as_it_grows() {
        let mut due = Due::AT_FIRST;
        let mut told: Vec<(u32, WriteBack)> = Vec::new();
        for frames in (0..70_000).step_by(10) {
            told.extend(due.after(frames).map(|what| (frames, what)));
        }
        let start_over: Vec<u32> = told
            .iter()
            .filter(|(_, what)| *what == WriteBack::StartOver)
            .map(|(frames, _)| *frames)
            .collect();
        assert_eq!(start_over, [16_000, 24_000, 36_000, 54_000]);
        assert_eq!(told.first(), Some(&(4_000, WriteBack::Passive)));
        assert!(told.len() <= 67, "{}", told.len());
        // It has started over.
        assert_eq!(due.after(10), None);
        assert_eq!(due.after(4_000), Some(WriteBack::Passive));
        assert_eq!(due.after(16_000), Some(WriteBack::StartOver));
    }
}
