//! Reads a file whole, as text, together with the proof of what was read.
//!
//! Invariants: the fingerprint belongs to exactly the bytes that became the
//! text; a file that changes while it is read is read again or skipped; a pipe
//! or device that took the place of a file is not waited for. Memory is
//! bounded by a few times [`ReadLimits::file_bytes_max`].
//!
//! Deliberately not here: guessing of encodings other than UTF-8 and of UTF-16
//! with a byte order mark; formats such as PDF.

mod charset;
mod decode;
mod offsets;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use steadfast_model::{ContentHash, Fingerprint, Timestamp};

use super::identify::{FileState, SkipReason, io_words, racy};

pub use decode::is_binary_name;
pub use offsets::Offsets;
pub use steadfast_model::chunk::Fidelity;

/// How often a file that changes while it is read is read in all.
const ATTEMPTS_MAX: usize = 3;

/// The bounds of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The largest file that is read, in bytes.
    pub file_bytes_max: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            file_bytes_max: 32 << 20,
        }
    }
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadFile {
    /// The text, without byte order mark.
    pub text: String,
    /// How true the text is to the bytes; `redacted` is for others to set.
    pub fidelity: Fidelity,
    /// What the file was when it was read.
    pub fingerprint: Fingerprint,
    /// Where in the file a place of the text is.
    pub offsets: Offsets,
}

/// A file that was read as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadBytes {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What the file was when it was read.
    pub fingerprint: Fingerprint,
}

/// What is wanted of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Its text, so what is binary is not read to the end.
    Text,
    Bytes,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Skip {
    /// The reason.
    pub reason: SkipReason,
    /// What the system said, or figures; may be empty.
    pub detail: String,
    /// What the file was, when its content was looked at to decide: while it is
    /// unchanged it need not be looked at again. The hash is that of the bytes looked at.
    pub fingerprint: Option<Fingerprint>,
}

impl Skip {
    pub(super) fn new(reason: SkipReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            fingerprint: None,
        }
    }

    fn io(error: &io::Error) -> Self {
        let reason = if error.kind() == io::ErrorKind::NotFound {
            SkipReason::Vanished
        } else {
            SkipReason::Unreadable
        };
        Self::new(reason, io_words(error))
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            write!(f, "{}", self.reason)
        } else {
            write!(f, "{}: {}", self.reason, self.detail)
        }
    }
}

impl std::error::Error for Skip {}

/// Reads the file at `path`, which was found in `state`.
///
/// `now` is the time at which reading begins; a file that was changed shortly
/// before it gets a fingerprint that proves nothing.
///
/// # Errors
/// [`Skip`] when there is no text to be had: the file is binary by its name or
/// content, too large, not a file any more, unreadable, or never at rest.
pub fn read_file(
    path: &Path,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
) -> Result<ReadFile, Skip> {
    read_with(path, state, now, limits, decode::decode)
}

/// Reads a page of HTML as [`read_file`] does, in the encoding that it names itself when it is not UTF-8.
///
/// # Errors
/// As [`read_file`].
pub fn read_page(
    path: &Path,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
) -> Result<ReadFile, Skip> {
    read_with(path, state, now, limits, decode::decode_page)
}

fn read_with(
    path: &Path,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
    decode: fn(Vec<u8>) -> Option<decode::Decoded>,
) -> Result<ReadFile, Skip> {
    if is_binary_name(path) {
        return Err(Skip::new(SkipReason::Binary, "by its name"));
    }
    let ReadBytes { bytes, fingerprint } = at_rest(path, state, now, limits, Want::Text)?;
    let Some((text, fidelity, offsets)) = decode(bytes) else {
        let mut skip = Skip::new(SkipReason::Binary, "by its content");
        skip.fingerprint = Some(fingerprint);
        return Err(skip);
    };
    Ok(ReadFile {
        text,
        fidelity,
        fingerprint,
        offsets,
    })
}

/// Reads the bytes of the file at `path`, which was found in `state`, as [`read_file`] does.
///
/// # Errors
/// [`Skip`] when it is too large, not a file any more, unreadable, or never at rest.
pub fn read_bytes(
    path: &Path,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
) -> Result<ReadBytes, Skip> {
    at_rest(path, state, now, limits, Want::Bytes)
}

/// Reads a file until it did not change meanwhile.
fn at_rest(
    path: &Path,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
    want: Want,
) -> Result<ReadBytes, Skip> {
    let mut expected = *state;
    for _ in 0..ATTEMPTS_MAX {
        if let Some(read) = attempt(path, &expected, now, limits, want)? {
            return Ok(read);
        }
        let metadata = fs::symlink_metadata(path).map_err(|error| Skip::io(&error))?;
        if metadata.is_symlink() {
            return Err(Skip::new(
                SkipReason::Symlink,
                "it took the place of a file",
            ));
        }
        expected = state_of(&metadata)?;
    }
    Err(Skip::new(
        SkipReason::Changing,
        format!("{ATTEMPTS_MAX} times"),
    ))
}

/// Reads once; none when the file is another than expected, or changed meanwhile.
fn attempt(
    path: &Path,
    expected: &FileState,
    now: Timestamp,
    limits: ReadLimits,
    want: Want,
) -> Result<Option<ReadBytes>, Skip> {
    within(expected.size, limits)?;
    let mut file = open(path).map_err(|error| Skip::io(&error))?;
    let state = state_of_open(&file)?;
    if !state.is_same_file(expected) {
        return Ok(None);
    }
    within(state.size, limits)?;
    let fingerprint = |bytes: &[u8]| Fingerprint {
        size: state.size,
        mtime_ns: state.mtime_ns,
        ctime_ns: state.ctime_ns,
        inode: state.inode,
        hash: ContentHash(*blake3::hash(bytes).as_bytes()),
        racy: racy(&state, now),
    };
    let mut bytes = Vec::with_capacity(usize::try_from(state.size).unwrap_or(0).saturating_add(1));
    read_up_to(&mut file, decode::HEAD_BYTES, &mut bytes)?;
    if want == Want::Text && decode::is_binary_head(&bytes) {
        if state_of_open(&file)? != state {
            return Ok(None);
        }
        let mut skip = Skip::new(SkipReason::Binary, "by its content");
        skip.fingerprint = Some(fingerprint(&bytes));
        return Err(skip);
    }
    let rest_bytes_max = limits
        .file_bytes_max
        .saturating_add(1)
        .saturating_sub(decode::HEAD_BYTES);
    read_up_to(&mut file, rest_bytes_max, &mut bytes)?;
    let whole = u64::try_from(bytes.len()).is_ok_and(|read| read == state.size);
    if !whole || state_of_open(&file)? != state {
        return Ok(None);
    }
    let fingerprint = fingerprint(&bytes);
    Ok(Some(ReadBytes { bytes, fingerprint }))
}

fn within(size: u64, limits: ReadLimits) -> Result<(), Skip> {
    let limit = limits.file_bytes_max;
    if size <= limit {
        return Ok(());
    }
    Err(Skip::new(
        SkipReason::TooLarge,
        format!("{size} bytes, the limit is {limit}"),
    ))
}

fn read_up_to(file: &mut File, bytes_max: u64, bytes: &mut Vec<u8>) -> Result<(), Skip> {
    match file.take(bytes_max).read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Skip::io(&error)),
    }
}

fn state_of_open(file: &File) -> Result<FileState, Skip> {
    let metadata = file.metadata().map_err(|error| Skip::io(&error))?;
    state_of(&metadata)
}

fn state_of(metadata: &fs::Metadata) -> Result<FileState, Skip> {
    if metadata.is_file() {
        Ok(FileState::from_metadata(metadata))
    } else {
        Err(Skip::new(SkipReason::NotAFile, ""))
    }
}

/// Opens a file, without waiting for a writer when a pipe took its place.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(NONBLOCK);
    }
    options.open(path)
}

/// `O_NONBLOCK`; on a system where its value is not known here, opening a pipe waits.
#[cfg(unix)]
const NONBLOCK: i32 = if cfg!(all(
    any(target_os = "linux", target_os = "android"),
    not(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "mips32r6",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64"
    ))
)) {
    0o4000
} else if cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)) {
    0x4
} else {
    0
};

#[cfg(test)]
mod tests;
