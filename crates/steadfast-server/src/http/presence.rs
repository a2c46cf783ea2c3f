//! How hooks find the server of a store: a file in the store's folder that says where it listens.
//!
//! The file alone proves nothing, for a server that was killed leaves it behind, and its port may be another
//! program's by now, to which the token must not go. So the server holds a lock beside it, which the system lets
//! go of when its process dies: who can take the lock knows that nobody serves. Of several servers of one store the
//! first is found, and where the file system has no locks none is, which costs hooks a little time and nothing else.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

/// The file that says where the server listens, and the one whose lock says that it lives.
const NAME: &str = "serve.json";
const LOCK: &str = "serve.lock";
/// A longer file says nothing.
const BYTES_MAX: u64 = 4 << 10;
/// How often the lock is tried for: a hook that looks at it holds it for a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A server that can be found, until this is dropped.
#[derive(Debug)]
pub(super) struct Presence {
    file: PathBuf,
    _lock: File,
}

/// A server that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its process.
    pub process: u32,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Presence {
    /// Says in the folder of a store where its server listens; none when another one is found there already, or
    /// nothing can be said there.
    pub(super) fn announce(store: &Path, address: SocketAddr) -> Option<Self> {
        let lock = private(
            &store.join(LOCK),
            OpenOptions::new().create(true).truncate(false),
        )
        .ok()?;
        let file = store.join(NAME);
        // What a killed server left goes first, under a lock that does not say that somebody serves: a hook must not
        // find the new server's lock beside the old one's address.
        if !is_taken(&lock, File::try_lock_shared) {
            return None;
        }
        withdraw(&file);
        lock.unlock().ok()?;
        if !is_taken(&lock, File::try_lock) {
            return None;
        }
        let said = json!({"process": std::process::id(), "address": address.to_string()});
        replace(&file, &said.to_string()).ok()?;
        Some(Self { file, _lock: lock })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        withdraw(&self.file);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file is ours, and says what is untrue or about to be"
)]
fn withdraw(file: &Path) {
    // One that stays is known to be stale by its lock.
    drop(fs::remove_file(file));
}

/// Returns the server of the store in a folder, if there is one.
pub fn running(store: &Path) -> Option<Running> {
    // Before the file is read: one that a server has not written yet is not there while it holds the lock.
    if !is_held(&store.join(LOCK)) {
        return None;
    }
    let file = store.join(NAME);
    let found = fs::symlink_metadata(&file).ok()?;
    if !found.is_file() || found.len() > BYTES_MAX || !is_ours_alone(&found) {
        return None;
    }
    let said: Value = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
    let process = said.get("process")?.as_u64()?;
    let address: SocketAddr = said.get("address")?.as_str()?.parse().ok()?;
    if !address.ip().is_loopback() {
        return None;
    }
    Some(Running {
        process: u32::try_from(process).ok()?,
        address,
    })
}

/// Takes the lock, unless another server has it.
fn is_taken(lock: &File, take: fn(&File) -> Result<(), TryLockError>) -> bool {
    for _ in 0..LOCK_TRIES {
        match take(lock) {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
            Err(TryLockError::Error(_)) => return false,
        }
    }
    false
}

/// Returns whether somebody holds the lock; it is let go of at once when nobody did.
fn is_held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_file_name(format!("{NAME}.{}.tmp", std::process::id()));
    let mut file = private(&temporary, OpenOptions::new().create(true).truncate(true))?;
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(&temporary, path)
}

fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Returns whether nobody else can have written what the file says.
#[cfg(unix)]
fn is_ours_alone(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o022 == 0
}

#[cfg(not(unix))]
fn is_ours_alone(_found: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_server_is_found_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(running(folder.path()), None);
        let presence = Presence::announce(folder.path(), address(7433)).unwrap();
        let found = running(folder.path()).unwrap();
        assert_eq!(
            (found.process, found.address),
            (std::process::id(), address(7433))
        );
        assert!(
            Presence::announce(folder.path(), address(7434)).is_none(),
            "the first one stays"
        );
        assert_eq!(running(folder.path()).unwrap().address, address(7433));
        drop(presence);
        assert_eq!(running(folder.path()), None);
        assert!(!folder.path().join(NAME).exists());
    }

    #[test]
    fn nobody_finds_the_address_of_a_killed_server_while_another_one_starts() {
        for _ in 0..300 {
            let folder = tempfile::tempdir().unwrap();
            let store = folder.path();
            drop(Presence::announce(store, address(1)).unwrap());
            let said = json!({"process": 7, "address": "127.0.0.1:1"}).to_string();
            replace(&store.join(NAME), &said).unwrap();
            std::thread::scope(|scope| {
                let starting = scope.spawn(|| Presence::announce(store, address(2)).unwrap());
                let found = loop {
                    let is_over = starting.is_finished();
                    let found = running(store);
                    if is_over || found.is_some() {
                        break found.unwrap();
                    }
                    sleep(Duration::from_micros(20));
                };
                assert_eq!(found.address, address(2));
                drop(starting.join().unwrap());
            });
        }
    }

    #[test]
    fn what_a_killed_server_left_is_stale_and_garbage_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let said = |address: &str| json!({"process": 7, "address": address}).to_string();
        replace(&file, &said("127.0.0.1:7433")).unwrap();
        assert_eq!(running(folder.path()), None, "no lock at all");
        drop(Presence::announce(folder.path(), address(1)).unwrap());
        replace(&file, &said("127.0.0.1:7433")).unwrap();
        assert_eq!(running(folder.path()), None, "nobody holds the lock");
        let _presence = Presence::announce(folder.path(), address(7433)).unwrap();
        for garbage in ["", "{", "{}", "[1]", &said("192.0.2.1:80"), &said("x")] {
            replace(&file, garbage).unwrap();
            assert_eq!(running(folder.path()), None, "{garbage}");
        }
        replace(&file, &said("127.0.0.1:7433")).unwrap();
        assert!(running(folder.path()).is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
            assert_eq!(running(folder.path()), None, "anybody may have written it");
        }
    }
}
