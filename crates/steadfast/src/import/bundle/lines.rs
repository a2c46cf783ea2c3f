//! The lines of a bundle, packed or not, read one at a time and hashed on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// A hash in hexadecimal, and what closes the line behind it.
const HASH_END_BYTES: usize = 64 + "\"}\n".len();
/// The first bytes of a zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A reader of lines.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    bytes: Vec<u8>,
    /// Of all lines before the last that was read.
    before: blake3::Hasher,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| unreadable(path, &error);
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let is_packed = file.fill_buf().map_err(failed)?.starts_with(&ZSTD_MAGIC);
        let reader: Box<dyn BufRead + Send> = if is_packed {
            let decoder = zstd::Decoder::with_buffer(file).map_err(failed)?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(file)
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            bytes: Vec::new(),
            before: blake3::Hasher::new(),
        })
    }

    /// Returns the next line with its end, if it has one; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        self.before.update(&self.bytes);
        self.bytes.clear();
        let read = self
            .reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut self.bytes);
        match read {
            Ok(0) => Ok(None),
            Ok(count) if count as u64 >= LINE_BYTES_MAX => Err(Error::BundleDamaged {
                path: self.path.clone(),
                what: format!("a line is longer than {LINE_BYTES_MAX} bytes"),
            }),
            Ok(_) => Ok(Some(&self.bytes)),
            // A frame of zstd that is cut or altered says so while it is read.
            Err(error) => Err(Error::BundleDamaged {
                path: self.path.clone(),
                what: format!("it cannot be unpacked: {error}"),
            }),
        }
    }

    /// Returns the hash of all lines before the last that was read.
    pub(super) fn hash_before(&self) -> String {
        self.before.finalize().to_hex().to_string()
    }

    /// Returns the hash of all bytes before the one that the last line of a bundle ends with.
    pub(super) fn hash_before_hash(&self) -> String {
        let length = self.bytes.len().saturating_sub(HASH_END_BYTES);
        let mut hasher = self.before.clone();
        hasher.update(self.bytes.get(..length).unwrap_or_default());
        hasher.finalize().to_hex().to_string()
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::PathUnreadable {
        path: path.to_owned(),
        what: error.to_string(),
    }
}
