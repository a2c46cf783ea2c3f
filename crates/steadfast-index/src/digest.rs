//! The hash over the bytes of index files: XXH3-128.
//!
//! It is to find rot, not forgery: who can write the index can write the store as well. It
//! runs at the speed of memory, and every file is proven whole when it is opened; with
//! blake3 two thirds of the instructions of a cold search were spent on that.

use twox_hash::XxHash3_128;

pub(crate) const DIGEST_BYTES: usize = 16;

/// Returns the hash of `bytes`, other for each seed.
pub(crate) fn digest(bytes: &[u8], seed: u64) -> [u8; DIGEST_BYTES] {
    XxHash3_128::oneshot_with_seed(seed, bytes).to_le_bytes()
}

/// How much a merge reads before it lets go of it.
pub(crate) const STEP_BYTES: usize = 16 << 20;

/// Puts bytes before others without a second copy of those: they are most of a file of an index.
pub(crate) fn prepend(head: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len();
    // Room behind it for hashes, too: one for each MiB, and one for all.
    let hashes = (length + head.len()).div_ceil(1 << 20) + 2;
    bytes.reserve_exact(head.len() + hashes * DIGEST_BYTES);
    bytes.resize(length + head.len(), 0);
    bytes.copy_within(..length, head.len());
    if let Some(start) = bytes.get_mut(..head.len()) {
        start.copy_from_slice(head);
    }
    bytes
}
