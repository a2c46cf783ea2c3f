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

/// File systems whose locks or shared memory cannot be trusted between machines or with a program in between, with the
/// number by which `statfs` names them. Source: `linux/magic.h` up to `9p`; for the others the header that is named.
#[cfg(target_os = "linux")]
const REMOTE: [(&str, u32); 20] = [
    ("nfs", 0x6969),
    ("smb", 0x517b),
    ("smb2", 0xfe53_4d42),
    ("afs", 0x5346_414f),
    ("kafs", 0x6b41_4653),
    ("ceph", 0x00c3_6400),
    ("coda", 0x7375_7245),
    ("ncp", 0x564c),
    // Also virtiofs, sshfs and every other user-space file system.
    ("fuse", 0x6573_5546),
    ("9p", 0x0102_1997),
    // fs/smb/client/cifsglob.h
    ("cifs", 0xff53_4d42),
    // fs/vboxsf/super.c
    ("vboxsf", 0x786f_4256),
    // fs/ocfs2/ocfs2_fs.h
    ("ocfs2", 0x7461_636f),
    // include/uapi/linux/gfs2_ondisk.h
    ("gfs2", 0x0116_1970),
    // fs/orangefs/orangefs-kernel.h
    ("orangefs", 0x2003_0528),
    // These are not in the kernel; their numbers are those that coreutils (src/stat.c) knows.
    ("lustre", 0x0bd0_0bd0),
    ("gpfs", 0x4750_4653),
    ("vmhgfs", 0xbacb_acbc),
    ("prl_fs", 0x7c7c_6673),
    ("panfs", 0xaad7_aaea),
];

/// Returns what sort of file system `path` lies on.
#[cfg(target_os = "linux")]
pub fn filesystem_kind(path: &Path) -> FilesystemKind {
    match rustix::fs::statfs(path) {
        // The width and sign of the field differ between targets; the bits do not.
        Ok(found) => kind_of(low_bits(found.f_type.into())),
        Err(_) => FilesystemKind::Unknown,
    }
}

#[cfg(target_os = "linux")]
fn kind_of(magic: u32) -> FilesystemKind {
    if REMOTE.iter().any(|(_, remote)| *remote == magic) {
        FilesystemKind::Remote
    } else {
        FilesystemKind::Local
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_file_system_is_known_by_its_number_whatever_the_sign_of_the_field() {
        for (name, magic) in REMOTE {
            assert_eq!(kind_of(magic), FilesystemKind::Remote, "{name}");
            let signed = i128::from(i32::from_ne_bytes(magic.to_ne_bytes()));
            assert_eq!(low_bits(signed), magic, "{name}");
            assert_eq!(low_bits(i128::from(magic)), magic, "{name}");
        }
        // ext4, XFS, btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs, exFAT, vfat.
        for magic in [
            0xef53_u32,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x794c_7630,
            0x2fc1_2fc1,
            0xf2f5_2010,
            0xca45_1a4e,
            0x2011_bab0,
            0x4d44,
        ] {
            assert_eq!(kind_of(magic), FilesystemKind::Local, "{magic:x}");
        }
        let names: std::collections::BTreeSet<u32> = REMOTE.iter().map(|(_, it)| *it).collect();
        assert_eq!(names.len(), REMOTE.len());
        assert_eq!(
            filesystem_kind(Path::new("/no/such/path")),
            FilesystemKind::Unknown
        );
    }
}
