//! What sort of file system a path lies on, as far as it matters for locks and shared memory.

use std::path::Path;

/// What a file system can be trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilesystemKind {
    /// A local disk: locks and shared memory work.
    Local,
    /// A network or user-space file system: shared memory does not work across machines, so no WAL.
    Remote,
    /// The system does not tell; treated as local, and proven by the probe at creation.
    Unknown,
}

/// Returns what sort of file system `path` lies on.
#[cfg(target_os = "linux")]
pub fn filesystem_kind(path: &Path) -> FilesystemKind {
    // From linux/magic.h and the sources of the file systems: NFS, SMB, CIFS, SMB2, FUSE, 9p, AFS, Ceph, Coda, NCP.
    const REMOTE: [u32; 10] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414f,
        0x00c3_6400,
        0x7375_7245,
        0x564c,
    ];
    match rustix::fs::statfs(path) {
        Ok(found) => {
            // The width and sign of the field differ between targets; the bits do not.
            let magic = low_bits(found.f_type.into());
            if REMOTE.contains(&magic) {
                FilesystemKind::Remote
            } else {
                FilesystemKind::Local
            }
        }
        Err(_) => FilesystemKind::Unknown,
    }
}

/// Returns the low 32 bits, which is where the magic numbers are.
#[cfg(target_os = "linux")]
fn low_bits(field: i128) -> u32 {
    u32::try_from(field & 0xffff_ffff).unwrap_or(0)
}

/// Returns what sort of file system `path` lies on.
#[cfg(not(target_os = "linux"))]
pub fn filesystem_kind(path: &Path) -> FilesystemKind {
    let text = path.as_os_str().to_string_lossy();
    // A UNC path names another machine.
    if text.starts_with(r"\\") && !text.starts_with(r"\\?\") {
        return FilesystemKind::Remote;
    }
    FilesystemKind::Unknown
}
