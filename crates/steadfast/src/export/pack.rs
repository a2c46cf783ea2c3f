//! Bytes on their way from file to file: copied, packed with zstd, hashed with SHA-256.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use steadfast_store::StoreError;
use steadfast_store::files::Disk;

use crate::error::{Error, Result};

/// zstd's own default: half the size at some 300 MB/s; higher levels gain little on text beside vectors.
pub(super) const LEVEL: i32 = 3;

/// How many bytes are moved at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// The first bytes of a zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The first bytes of every SQLite file.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// A database as it is.
    Plain,
    /// A zstd frame.
    Zstd,
    /// Neither.
    Unknown,
}

/// Returns what a file is, by its first bytes.
pub(super) fn packing_of(path: &Path) -> Result<Packing> {
    let mut start = Vec::with_capacity(SQLITE_MAGIC.len());
    open(path)?
        .take(SQLITE_MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map_err(|error| StoreError::from_io(path, &error))?;
    Ok(if start == SQLITE_MAGIC {
        Packing::Plain
    } else if start.starts_with(&ZSTD_MAGIC) {
        Packing::Zstd
    } else {
        Packing::Unknown
    })
}

/// Size and SHA-256 of a file that was read or written to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Returns size and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> Result<Digest> {
    let mut reader = Hashing::new(open(path)?);
    io::copy(&mut reader, &mut io::sink()).map_err(|error| StoreError::from_io(path, &error))?;
    Ok(reader.finish())
}

/// Packs a file into another, flushes it, and proves that it unpacks to the same bytes.
pub(super) fn pack(disk: &dyn Disk, from: &Path, to: &Path) -> Result<()> {
    let failed = |error: &io::Error| StoreError::from_io(to, error);
    let mut reader = Hashing::new(open(from)?);
    let written = Written::create(disk, to).map_err(|error| failed(&error))?;
    let mut encoder = zstd::Encoder::new(written, LEVEL).map_err(|error| failed(&error))?;
    encoder
        .include_checksum(true)
        .and_then(|()| copy(&mut reader, &mut encoder))
        .and_then(|()| encoder.finish()?.finish())
        .map_err(|error| failed(&error))?;
    let mut unpacked = Hashing::new(zstd::Decoder::new(open(to)?).map_err(|error| failed(&error))?);
    io::copy(&mut unpacked, &mut io::sink()).map_err(|error| failed(&error))?;
    if unpacked.finish() == reader.finish() {
        return Ok(());
    }
    Err(StoreError::Io {
        path: to.to_owned(),
        what: "it does not unpack to what was packed".to_owned(),
    }
    .into())
}

/// Copies or unpacks a file into another and flushes that; returns size and SHA-256 of the file that was read.
pub(super) fn unpack(disk: &dyn Disk, from: &Path, packing: Packing, to: &Path) -> Result<Digest> {
    let damaged = |error: &io::Error| StoreError::Damaged {
        path: from.to_owned(),
        what: error.to_string(),
    };
    let failed = |error: &io::Error| StoreError::from_io(to, error);
    let mut reader = Hashing::new(BufReader::new(open(from)?));
    let mut written = Written::create(disk, to).map_err(|error| failed(&error))?;
    let mut decoder;
    let source: &mut dyn Read = match packing {
        Packing::Zstd => {
            decoder = zstd::Decoder::with_buffer(BufReader::new(&mut reader))
                .map_err(|error| damaged(&error))?;
            &mut decoder
        }
        Packing::Plain | Packing::Unknown => &mut reader,
    };
    let mut block = vec![0_u8; BLOCK_BYTES];
    loop {
        // What goes wrong while reading is the archive's fault, while writing the disk's.
        let count = source.read(&mut block).map_err(|error| damaged(&error))?;
        let Some(filled) = block.get(..count).filter(|filled| !filled.is_empty()) else {
            break;
        };
        written.write_all(filled).map_err(|error| failed(&error))?;
    }
    written.finish().map_err(|error| failed(&error))?;
    // Bytes behind the end of the frame count as well.
    io::copy(&mut reader, &mut io::sink()).map_err(|error| damaged(&error))?;
    Ok(reader.finish())
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Error::PathNotFound {
                path: path.to_owned(),
            }
        } else {
            StoreError::from_io(path, &error).into()
        }
    })
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<()> {
    let mut block = vec![0_u8; BLOCK_BYTES];
    loop {
        let count = from.read(&mut block)?;
        match block.get(..count) {
            Some(filled) if !filled.is_empty() => to.write_all(filled)?,
            _ => return Ok(()),
        }
    }
}

/// A file on the disk that is being written.
pub(super) struct Written<'d> {
    disk: &'d dyn Disk,
    path: &'d Path,
    file: File,
}

impl<'d> Written<'d> {
    pub(super) fn create(disk: &'d dyn Disk, path: &'d Path) -> io::Result<Self> {
        let file = disk.create(path)?;
        Ok(Self { disk, path, file })
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.disk.sync(self.path, &self.file)
    }
}

impl Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(self.path, &mut self.file, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that hashes what passes.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            bytes: 0,
        }
    }

    fn finish(self) -> Digest {
        let sha256 = self
            .hasher
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |hex, byte| {
                hex + &format!("{byte:02x}")
            });
        Digest {
            bytes: self.bytes,
            sha256,
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }
}
