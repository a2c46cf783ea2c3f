//! Bytes that were read and will not be read again soon.
//!
//! An index is proven whole before its first use, and a question reads its
//! vectors whole: what was read would stay in the memory of the process, as
//! large as the index. Whoever reads much in order tells what lies behind, and
//! whoever owns the bytes lets go of them.

/// Is told bytes that were read, each once.
pub type Behind<'a> = &'a (dyn Fn(&[u8]) + Sync);

/// Lets go of nothing.
pub(crate) fn kept(_: &[u8]) {}
