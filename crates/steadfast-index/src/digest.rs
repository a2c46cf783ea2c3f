//! The hash over the bytes of index files: XXH3-128.
//!
//! It is to find rot, not forgery: who can write the index can write the store as well. It
//! runs at the speed of memory, and every file is proven whole when it is opened; with
//! blake3 two thirds of the instructions of a cold search were spent on that.

use twox_hash::XxHash3_128;

pub(crate) const DIGEST_BYTES: usize = 16;

/// The hash, with seed 0, of bytes that come one after another.
pub(crate) struct Digester(XxHash3_128);

impl Digester {
    pub(crate) fn new() -> Self {
        Self(XxHash3_128::new())
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(crate) fn digest(&self) -> [u8; DIGEST_BYTES] {
        self.0.finish_128().to_le_bytes()
    }
}

/// Returns the hash of `bytes`, other for each seed.
pub(crate) fn digest(bytes: &[u8], seed: u64) -> [u8; DIGEST_BYTES] {
    XxHash3_128::oneshot_with_seed(seed, bytes).to_le_bytes()
}
