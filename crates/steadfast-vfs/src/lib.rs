//! A VFS of SQLite, in front of another one, that writes a commit into the write-ahead log in one call.
//!
//! SQLite writes each page of a commit as a frame, in two calls: 24 bytes, and the page. A note of thirteen pages is
//! 26 calls into the system with the writer gate shut. Here the frames are held back until the one that ends the
//! commit, which goes out with all of them; what SQLite is told of that write is what came of the whole.
//!
//! Invariants:
//! - When SQLite has written the last frame of a commit, all its frames are with the system, as without this VFS:
//!   other processes see them, and a flush covers them. Nothing is ever held beyond that.
//! - What is held belongs to a transaction that has not committed and is marked by [`transaction`]. Outside of it
//!   nothing is held, and what a rolled back one has left is dropped, since others write in its place by then.
//! - Every other file, and every other call, is the business of the VFS behind.
//!
//! What is deliberately not here: locks, shared memory, flushes, any file but the log.
//! The layout of frames: <https://sqlite.org/fileformat2.html#walformat>.

mod frames;
mod shim;

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

pub use shim::over;

/// No transaction.
const NONE: u64 = 0;

/// The next transaction gets this number.
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static RUNNING: Cell<u64> = const { Cell::new(NONE) };
}

/// The transaction that this thread runs, until it is dropped.
#[derive(Debug)]
pub struct Transaction(PhantomData<*const ()>);

/// Marks that this thread begins a transaction: its frames may be held back until it commits.
///
/// Keep it until the transaction is committed or rolled back. One at a time for each thread.
#[must_use]
pub fn transaction() -> Transaction {
    RUNNING.set(NEXT.fetch_add(1, Ordering::Relaxed));
    Transaction(PhantomData)
}

impl Drop for Transaction {
    fn drop(&mut self) {
        RUNNING.set(NONE);
    }
}

fn running() -> u64 {
    RUNNING.get()
}
