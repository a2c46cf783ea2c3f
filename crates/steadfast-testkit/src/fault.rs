//! Which operation fails, when, and how.

/// An operation of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// SQLite opens a file.
    Open,
    /// SQLite reads.
    Read,
    /// SQLite writes.
    Write,
    /// SQLite cuts a file.
    Truncate,
    /// SQLite flushes a file, or the store flushes SQLite's log.
    Sync,
    /// SQLite asks for the size of a file.
    Size,
    /// SQLite takes a lock on the database file.
    Lock,
    /// SQLite maps shared memory.
    SharedMap,
    /// SQLite takes a lock in shared memory.
    SharedLock,
    /// SQLite deletes a file.
    Delete,
    /// The store opens or creates a sibling file.
    SideOpen,
    /// The store writes to a sibling file.
    SideWrite,
    /// The store flushes a sibling file or a folder.
    SideSync,
    /// The store renames.
    SideRename,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Truncate,
        Self::Sync,
        Self::Size,
        Self::Lock,
        Self::SharedMap,
        Self::SharedLock,
        Self::Delete,
        Self::SideOpen,
        Self::SideWrite,
        Self::SideSync,
        Self::SideRename,
    ];

    /// Returns the extended result codes with which this operation fails in the field.
    ///
    /// For the store's own files 13 stands for a full disk and everything else for a failing one.
    pub fn codes(self) -> &'static [i32] {
        match self {
            // CANTOPEN, CANTOPEN_ISDIR.
            Self::Open => &[14, 526],
            // IOERR_READ, IOERR_CORRUPTFS, IOERR_IN_PAGE, NOMEM of a driver.
            Self::Read => &[266, 8458, 8714],
            // IOERR_WRITE, FULL.
            Self::Write => &[778, 13],
            // IOERR_TRUNCATE.
            Self::Truncate => &[1546],
            // IOERR_FSYNC, IOERR_DIR_FSYNC.
            Self::Sync => &[1034, 1290],
            // IOERR_FSTAT.
            Self::Size => &[1802],
            // IOERR_LOCK, IOERR_RDLOCK.
            Self::Lock => &[3850, 2314],
            // IOERR_SHMOPEN, IOERR_SHMSIZE, IOERR_SHMMAP, READONLY_CANTINIT, CANTOPEN.
            Self::SharedMap => &[4618, 4874, 5386, 1288, 14],
            // IOERR_SHMLOCK.
            Self::SharedLock => &[5130],
            // IOERR_DELETE.
            Self::Delete => &[2570],
            Self::SideOpen | Self::SideWrite | Self::SideSync | Self::SideRename => &[10, 13],
        }
    }
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once; the next operation works again.
    Once,
    /// From then on always.
    Always,
    /// So often in a row; the next operation works again.
    InARow(u64),
}

/// A fault that waits for its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The operation that fails.
    pub operation: Operation,
    /// How many operations of this kind work before, counted from when the fault is set.
    pub after: u64,
    /// How often it strikes.
    pub times: Times,
    /// The extended result code with which it fails.
    pub code: i32,
}

/// The faults that are set, and how far each operation has counted.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    fault: Option<Fault>,
    counts: [u64; Operation::ALL.len()],
    /// How often the fault struck.
    pub(crate) struck: u64,
}

impl Plan {
    /// Sets a fault, or none, and counts anew.
    pub(crate) fn set(&mut self, fault: Option<Fault>) {
        *self = Self {
            fault,
            ..Self::default()
        };
    }

    /// Returns how many operations of a kind there were since the last fault was set.
    pub(crate) fn count(&self, operation: Operation) -> u64 {
        self.counts[operation as usize]
    }

    /// Counts an operation and returns the code with which it fails, if it does.
    pub(crate) fn strike(&mut self, operation: Operation) -> Option<i32> {
        let count = &mut self.counts[operation as usize];
        let before = *count;
        *count += 1;
        let fault = self.fault.filter(|fault| fault.operation == operation)?;
        let strikes = match fault.times {
            Times::Once => before == fault.after,
            Times::Always => before >= fault.after,
            Times::InARow(times) => (fault.after..fault.after + times).contains(&before),
        };
        strikes.then(|| {
            self.struck += 1;
            fault.code
        })
    }
}
