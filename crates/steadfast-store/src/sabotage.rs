//! Planted mistakes: the test of the tests.
//!
//! With the feature `sabotage` a test may plant one mistake, and a named promise
//! test must then fail. Without it nothing of this is in the program: [`is`] is
//! a constant. Each mistake is one that a peer has made, or that a change of
//! ours could make.

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sabotage {
    /// The rollback journal is not flushed before the file is written.
    SynchronousOff = 1,
    /// A write is acknowledged before the log is on the disk.
    AcknowledgedUnflushed,
    /// Nothing keeps a chunk from being there twice.
    NoUniqueKey,
    /// Rows that the index has not seen are not searched.
    TailNotSearched,
    /// The best rows are chosen first, and filtered then.
    FilterAfterCut,
    /// An index claims to have seen more than it has.
    WatermarkAhead,
    /// A text is returned without a look at its hash.
    HashNotChecked,
    /// The log is deleted when the store is opened, as if it were a leftover.
    SideFileDeleted,
    /// An index is set aside without proof that it is damaged.
    QuarantineUnproven,
    /// The version is not read again inside the migration.
    MigrationNotRechecked,
    /// A handle goes on after a flush has failed.
    PoisonedReused,
    /// A flush counts although an earlier one has failed.
    DoubtIgnored,
    /// A job whose holder was killed is never given to another.
    LeaseNotSwept,
    /// The entry of a new folder is not flushed.
    FolderNotFlushed,
    /// An index file is renamed into place before it is flushed.
    FileNotFlushed,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::SynchronousOff,
        Self::AcknowledgedUnflushed,
        Self::NoUniqueKey,
        Self::TailNotSearched,
        Self::FilterAfterCut,
        Self::WatermarkAhead,
        Self::HashNotChecked,
        Self::SideFileDeleted,
        Self::QuarantineUnproven,
        Self::MigrationNotRechecked,
        Self::PoisonedReused,
        Self::DoubtIgnored,
        Self::LeaseNotSwept,
        Self::FolderNotFlushed,
        Self::FileNotFlushed,
    ];
}

#[cfg(feature = "sabotage")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a mistake, for the rest of the process.
#[cfg(feature = "sabotage")]
pub fn plant(sabotage: Sabotage) {
    PLANTED.store(sabotage as u8, std::sync::atomic::Ordering::Relaxed);
}

/// Returns whether a mistake is planted.
#[cfg(feature = "sabotage")]
pub fn is(sabotage: Sabotage) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::Relaxed) == sabotage as u8
}

/// Returns whether a mistake is planted: never, without the feature.
#[cfg(not(feature = "sabotage"))]
pub const fn is(_sabotage: Sabotage) -> bool {
    false
}
