//! x
/// x
pub struct MemoryBackend;
