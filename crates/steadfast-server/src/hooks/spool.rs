//! Transcripts that wait to be filed: one small file each, below `hooks` in the store's folder.
//!
//! A request is named by the hash of the transcript's path, so noting it again
//! changes nothing. Whoever files it renames it first; a request that is noted
//! meanwhile is a new one and is not lost. A request whose process was killed is
//! taken up by the next one, which the lock lets in when the other is gone.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast::model::{Finding, Severity};

/// The folder of requests.
const FOLDER: &str = "hooks";
/// The ending of a request, and of one that somebody is at.
const WAITING: &str = "json";
const TAKEN: &str = "taken";
/// The file that lets one process in at a time.
const LOCK: &str = "lock";
/// The most requests that are looked at; more are left for the next time.
const REQUESTS_MAX: usize = 1_000;
/// A longer file is no request.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// The transcripts of one store that wait.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// A transcript that somebody is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The file with the transcript.
    pub transcript: PathBuf,
    /// How often it was tried in vain.
    pub attempts: u64,
    /// What was wrong the last time.
    pub error: Option<String>,
    name: String,
}

impl Spool {
    /// Returns the spool of the store in a folder, which need not exist.
    pub fn of_store(store: &Path) -> Self {
        Self {
            folder: store.join(FOLDER),
        }
    }

    /// Notes that a transcript is to be filed.
    ///
    /// # Errors
    /// What the system says; nothing is noted then.
    pub fn put(&self, transcript: &Path) -> io::Result<()> {
        let hash = blake3::hash(transcript.as_os_str().as_encoded_bytes()).to_hex();
        self.write(&Request {
            transcript: transcript.to_owned(),
            attempts: 0,
            error: None,
            name: hash.chars().take(16).collect(),
        })
    }

    /// Returns whether anything waits, or was left behind by a process that was killed.
    pub fn has_requests(&self) -> bool {
        !self.names(WAITING).is_empty() || !self.names(TAKEN).is_empty()
    }

    /// Lets one process in, until what is returned is dropped. None where the file system has no locks.
    ///
    /// # Errors
    /// What the system says when there is no place for requests.
    pub fn lock(&self) -> io::Result<Option<File>> {
        private_folder(&self.folder)?;
        let file = private_file(&self.folder.join(LOCK))?;
        Ok(file.lock().is_ok().then_some(file))
    }

    /// Makes requests that a killed process was at wait again. To be called under the lock.
    pub fn take_up(&self) {
        for name in self.names(TAKEN) {
            let waiting = self.path(&name, WAITING);
            if waiting.exists() {
                remove(&self.path(&name, TAKEN));
            } else {
                // One that cannot be renamed waits for the next process.
                drop(fs::rename(self.path(&name, TAKEN), waiting));
            }
        }
    }

    /// Takes every request that waits. To be called under the lock.
    pub fn take(&self) -> Vec<Request> {
        let mut taken = Vec::new();
        for name in self.names(WAITING) {
            let path = self.path(&name, TAKEN);
            if fs::rename(self.path(&name, WAITING), &path).is_err() {
                continue;
            }
            match read(&path, &name) {
                Some(request) => taken.push(request),
                // Cut short by a full disk: the next event of the session notes it again.
                None => remove(&path),
            }
        }
        taken
    }

    /// Lets go of a request that was done, or that nothing can be done about.
    pub fn done(&self, request: &Request) {
        remove(&self.path(&request.name, TAKEN));
    }

    /// Puts a request back with what was wrong, unless it was noted anew meanwhile.
    pub fn failed(&self, request: &Request, error: &str) {
        let again = Request {
            attempts: request.attempts + 1,
            error: Some(error.to_owned()),
            ..request.clone()
        };
        let is_noted = self.path(&request.name, WAITING).exists();
        if is_noted || self.write(&again).is_ok() {
            self.done(request);
        }
    }

    /// Returns what `status` is to say about requests that failed.
    pub fn findings(&self) -> Vec<Finding> {
        let failed: Vec<Request> = self
            .names(WAITING)
            .into_iter()
            .filter_map(|name| read(&self.path(&name, WAITING), &name))
            .filter(|request| request.error.is_some())
            .collect();
        let Some(first) = failed.first() else {
            return Vec::new();
        };
        vec![Finding {
            code: "hook_failed",
            severity: Severity::Warning,
            what: format!(
                "transcripts of sessions could not be filed: {}",
                first.error.as_deref().unwrap_or_default()
            ),
            place: first.transcript.display().to_string(),
            count: failed.len() as u64,
            remedy: "mend the cause; the next session tries again, or run `steadfast hook file`"
                .to_owned(),
            ids: Vec::new(),
        }]
    }

    fn write(&self, request: &Request) -> io::Result<()> {
        if let Some(store) = self.folder.parent() {
            private_folder(store)?;
        }
        private_folder(&self.folder)?;
        let Some(transcript) = request.transcript.to_str() else {
            let what = "the path of the transcript is not UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        };
        let object = json!({
            "transcript": transcript,
            "attempts": request.attempts,
            "error": request.error,
        });
        let path = self.path(&request.name, WAITING);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = private_file(&temporary)?;
        file.set_len(0)?;
        file.write_all(object.to_string().as_bytes())?;
        drop(file);
        fs::rename(&temporary, &path)
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }

    fn names(&self, ending: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .take(REQUESTS_MAX)
            .collect();
        names.sort();
        names
    }
}

fn read(path: &Path, name: &str) -> Option<Request> {
    if fs::metadata(path).ok()?.len() > REQUEST_BYTES_MAX {
        return None;
    }
    let object: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some(Request {
        transcript: PathBuf::from(object.get("transcript")?.as_str()?),
        attempts: object.get("attempts").and_then(Value::as_u64).unwrap_or(0),
        error: object
            .get("error")
            .and_then(Value::as_str)
            .map(str::to_owned),
        name: name.to_owned(),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a request is ours, and what it asked for is done"
)]
fn remove(path: &Path) {
    // One that stays is filed again, which changes nothing.
    drop(fs::remove_file(path));
}

fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_noted_twice_is_one_and_is_done_once() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(&folder.path().join("store"));
        assert!(!spool.has_requests());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        let taken = spool.take();
        assert_eq!(taken.len(), 1);
        // Noted while it is being filed: a request of its own.
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.done(&taken[0]);
        assert_eq!(spool.take().len(), 1);
    }

    #[test]
    fn what_failed_waits_with_its_error_and_what_was_killed_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        let taken = spool.take();
        assert!(spool.take().is_empty());
        assert!(spool.has_requests(), "the one that is taken");
        spool.take_up();
        assert_eq!(spool.take(), taken);
        spool.failed(&taken[0], "no room");
        let findings = spool.findings();
        assert_eq!((findings.len(), findings[0].code), (1, "hook_failed"));
        assert!(findings[0].what.contains("no room"));
        let again = spool.take();
        assert_eq!(again[0].attempts, 1);
        // Noted anew meanwhile: the new request stands.
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.failed(&again[0], "no room");
        assert!(spool.findings().is_empty());
        assert_eq!(spool.take().len(), 1);
    }

    #[test]
    fn garbage_is_no_request() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        fs::write(folder.path().join("hooks/0.json"), "{\"transc").unwrap();
        assert_eq!(spool.take().len(), 1);
        assert!(spool.findings().is_empty());
    }
}
