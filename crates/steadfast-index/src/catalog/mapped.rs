//! A file mapped into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The bytes of an index file.
#[derive(Debug)]
pub(crate) struct Mapped(Option<Mmap>);

impl Mapped {
    /// Maps a file for reading.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        #[expect(
            unsafe_code,
            reason = "mapping a file is unsafe by nature; the reasons why it is sound are above"
        )]
        // SAFETY: index files lie in a folder that only this user can enter,
        // are written once under a temporary name, renamed, and then never
        // written or cut by anybody of ours; they are only ever unlinked,
        // which leaves a mapping whole.
        let mapped = unsafe { Mmap::map(file)? };
        Ok(Self(Some(mapped)))
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
