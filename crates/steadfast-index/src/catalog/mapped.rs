//! A file mapped into memory.
//!
//! Pages that were read stay in the memory of the process as long as the file
//! is mapped, though the system has them in its cache all the same. Who proves
//! a file lets go of them on the way: else whoever asks one question, or only
//! writes, would take as much memory as there is index.
//!
//! Where another machine may remove or cut the file, it is read as a whole
//! instead: a page of a mapping that is gone ends the process.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::Mmap;

/// How much is let go of at once: each time, the processors that run the other threads are interrupted.
///
/// Also the most that one read can bring in: Linux maps all of the large folio that a page belongs to, and those
/// lie at multiples of their size in the file.
const STEP_BYTES: usize = 2 << 20;

/// The bytes of an index file; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Mapped(Option<Arc<Held>>);

#[derive(Debug)]
enum Held {
    Map(Mmap),
    Copy(Vec<u8>),
}

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
        // which leaves a mapping whole where the file system is local.
        let mapped = unsafe { Mmap::map(file)? };
        Ok(Self(Some(Arc::new(Held::Map(mapped)))))
    }

    /// Reads a file that lies where it cannot be relied on to stay.
    pub(crate) fn copy_of(mut file: &File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self(Some(Arc::new(Held::Copy(bytes)))))
    }

    /// Takes the pages that were read out of the memory of the process.
    pub(crate) fn let_go(&self) {
        self.advise(0..self.as_ref().len());
    }

    /// Returns what lets go of bytes of this file that it is told of, nearly in order; of bytes that lie elsewhere it
    /// does not.
    pub(crate) fn letting_go(&self) -> impl Fn(&[u8]) + Sync {
        let told = Mutex::new(0..0);
        move |part: &[u8]| {
            let Some(place) = self.place_of(part) else {
                return;
            };
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            *told = if told.is_empty() {
                place
            } else {
                // What lies between may be in use by another thread, which reads it again then.
                told.start.min(place.start)..told.end.max(place.end)
            };
            if told.len() >= STEP_BYTES {
                let passed = std::mem::take(&mut *told);
                self.advise(passed.start / STEP_BYTES * STEP_BYTES..passed.end);
            }
        }
    }

    /// Returns where bytes lie in this file, when they do.
    fn place_of(&self, part: &[u8]) -> Option<Range<usize>> {
        let all = self.as_ref();
        let from = part.as_ptr().addr().checked_sub(all.as_ptr().addr())?;
        let to = from.checked_add(part.len())?;
        (to <= all.len()).then_some(from..to)
    }

    /// Where the system knows no such thing, nothing is done.
    #[cfg_attr(
        not(unix),
        expect(
            unused_variables,
            clippy::unused_self,
            reason = "Windows knows no such thing"
        )
    )]
    fn advise(&self, part: Range<usize>) {
        #[cfg(unix)]
        if let Some(Held::Map(map)) = self.0.as_deref() {
            #[expect(
                unsafe_code,
                reason = "the advice can change what is mapped; the reasons why it does not are above"
            )]
            // SAFETY: the mapping is of a file, for reading only, and shared: none of its pages is ours alone, so
            // what is read again comes from the same file, which nobody writes to. Its bytes never change, also
            // not for whoever has borrowed them.
            let advised = unsafe {
                map.unchecked_advise_range(
                    memmap2::UncheckedAdvice::DontNeed,
                    part.start,
                    part.len(),
                )
            };
            // It is advice: where it is not taken, the pages stay.
            drop(advised);
        }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        match self.0.as_deref() {
            None => &[],
            Some(Held::Map(map)) => map,
            Some(Held::Copy(bytes)) => bytes,
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::*;

    /// Returns how much of what this process maps of a file is in its memory.
    fn resident_kib(path: &Path) -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let of_file = maps
            .split_inclusive("VmFlags")
            .filter(|entry| entry.contains(path.to_str().unwrap()));
        of_file
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"))
            .map(|kib| kib.trim().parse::<u64>().unwrap())
            .sum()
    }

    #[test]
    fn a_copy_outlives_its_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[7; 9_000]).unwrap();
        let copy = Mapped::copy_of(&File::open(file.path()).unwrap()).unwrap();
        file.as_file().set_len(0).unwrap();
        copy.let_go();
        assert_eq!(copy.as_ref(), [7; 9_000]);
    }

    #[test]
    fn pages_that_are_let_go_leave_memory_and_come_back_as_they_were() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..8_u32 << 20).map(|byte| byte.to_le_bytes()[1]).collect();
        file.write_all(&content).unwrap();
        let mapped = Mapped::of(file.as_file()).unwrap();
        for _ in 0..2 {
            assert!(mapped.as_ref() == content);
            assert!(resident_kib(file.path()) >= 8 << 10);
            mapped.clone().let_go();
            assert_eq!(resident_kib(file.path()), 0);
        }
        assert!(mapped.as_ref() == content);
        let behind = mapped.letting_go();
        behind(&content);
        behind(&mapped.as_ref()[4 << 20..(4 << 20) + STEP_BYTES / 2]);
        assert!(resident_kib(file.path()) >= 8 << 10);
        behind(&mapped.as_ref()[(4 << 20) + STEP_BYTES / 2..]);
        // Pages of 2 MiB leave as one, also when only a part of them is meant.
        let left = resident_kib(file.path());
        assert!((2 << 10..=4 << 10).contains(&left), "{left} KiB");
    }
}
