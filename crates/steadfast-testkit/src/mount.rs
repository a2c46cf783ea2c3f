//! Real file systems in a file: small, so that they get full, and cut off as by a loss of power.
//!
//! Needs Linux, the right to mount, and `mkfs.ext4`; who lacks them is told by a none. The cut is
//! the shutdown of the file system itself (`EXT4_IOC_SHUTDOWN` without a flush of its journal, by
//! which the tests of file systems simulate it): what was not flushed is gone, and everything
//! fails until it is mounted anew.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// How often unmounting is tried; who was just killed may still be on its way out.
const UNMOUNT_TRIES: usize = 10_000;

/// An ext4 file system in a file, mounted until the value goes away.
#[derive(Debug)]
pub struct Mount {
    folder: TempDir,
}

impl Mount {
    /// Makes a file system of some MiB; none where that is not permitted.
    pub fn new(megabytes: u64) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let folder = tempfile::tempdir().ok()?;
        std::fs::create_dir(folder.path().join("root")).ok()?;
        let mount = Self { folder };
        let image = File::create(mount.image()).ok()?;
        image.set_len(megabytes << 20).ok()?;
        let made = run(Command::new("mkfs.ext4").arg("-q").arg(mount.image()));
        (made && mount.mount()).then_some(mount)
    }

    /// Returns the folder in which the file system is seen.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&self) -> bool {
        let mut command = Command::new("mount");
        run(command
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(self.root()))
    }

    fn unmount(&self) -> bool {
        (0..UNMOUNT_TRIES).any(|_| {
            std::thread::yield_now();
            run(Command::new("umount").arg(self.root()))
        })
    }

    /// Cuts the power: what was not flushed is gone.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(target_os = "linux")]
    pub fn cut(&self) -> io::Result<()> {
        /// `_IOR('X', 125, __u32)` of `fs/ext4/ext4.h`, the same for XFS.
        const SHUTDOWN: rustix::ioctl::Opcode = rustix::ioctl::opcode::read::<u32>(b'X', 125);
        /// Neither content nor the journal is flushed.
        const NO_LOG_FLUSH: u32 = 2;
        let root = File::open(self.root())?;
        // SAFETY: the kernel reads one u32 for this opcode, and the setter holds one.
        unsafe {
            let shutdown = rustix::ioctl::Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH);
            rustix::ioctl::ioctl(&root, shutdown)?;
        }
        Ok(())
    }

    /// Fails: there is no such thing on this system.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn cut(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Mounts anew after a cut, which replays the journal of the file system.
    ///
    /// # Errors
    /// That it could not be unmounted or mounted.
    pub fn recover(&self) -> io::Result<()> {
        if self.unmount() && self.mount() {
            Ok(())
        } else {
            Err(io::Error::other("the file system cannot be mounted anew"))
        }
    }

    /// Fills the file system to the last byte, with a file of that name.
    ///
    /// # Errors
    /// What the system says, but that it is full.
    pub fn fill(&self, name: &Path) -> io::Result<()> {
        use std::io::Write as _;
        let mut file = File::create(self.root().join(name))?;
        for block in [1 << 20, 4096, 512, 1] {
            let bytes = vec![1; block];
            loop {
                match file.write_all(&bytes).and_then(|()| file.sync_data()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn run(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
