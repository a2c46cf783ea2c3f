//! Transcripts that wait to be filed: one small file each, below `hooks` in the store's folder.
//!
//! A request is named by the hash of the transcript's path, so noting it again
//! changes nothing. Whoever files it renames it first; a request that is noted
//! meanwhile is a new one and is not lost. A request whose process was killed is
//! taken up by the next one, which the lock lets in when the other is gone. What
//! was filed in part leaves a note until all of it is.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use steadfast::model::{Finding, Severity};

/// The folder of requests.
const FOLDER: &str = "hooks";
/// The ending of a request, and of one that somebody is at.
const WAITING: &str = "json";
const TAKEN: &str = "taken";
/// The ending of a note about a transcript that is filed in part.
const PARTIAL: &str = "partial";
/// The file that lets one process in at a time.
const LOCK: &str = "lock";
/// The most requests that are looked at; more are left for the next time.
const REQUESTS_MAX: usize = 1_000;
/// A longer file is no request.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// Nobody is at one transcript for as long as this: something holds it up.
const TAKEN_MAX: Duration = Duration::from_mins(10);

/// Tells the temporary files of the threads of this process apart.
static TEMPORARIES: AtomicU64 = AtomicU64::new(0);

/// Which requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that were not tried in vain.
    News,
}

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
        let request = Request {
            transcript: transcript.to_owned(),
            attempts: 0,
            error: None,
            name: hash.chars().take(16).collect(),
        };
        self.write(&request, WAITING)
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

    /// Like [`Self::lock`], and none when another process has it: that one files what waits, too.
    ///
    /// # Errors
    /// As with [`Self::lock`].
    pub fn try_lock(&self) -> io::Result<Option<Option<File>>> {
        private_folder(&self.folder)?;
        let file = private_file(&self.folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Some(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(_)) => Ok(Some(None)),
        }
    }

    /// Returns whether something waits that was not tried in vain yet.
    pub fn has_news(&self) -> bool {
        let waiting = self.waiting();
        waiting.iter().any(|request| request.error.is_none())
    }

    /// Makes requests that a killed process was at wait again. To be called under the lock.
    pub fn take_up(&self) {
        self.make_wait(TAKEN);
    }

    /// Returns whether something is filed in part.
    pub fn has_partial(&self) -> bool {
        !self.names(PARTIAL).is_empty()
    }

    /// Makes what is filed in part wait again. To be called under the lock.
    pub fn retry_partial(&self) {
        self.make_wait(PARTIAL);
    }

    fn make_wait(&self, ending: &str) {
        for name in self.names(ending) {
            let waiting = self.path(&name, WAITING);
            if waiting.exists() {
                remove(&self.path(&name, ending));
            } else {
                // One that cannot be renamed waits for the next process.
                drop(fs::rename(self.path(&name, ending), waiting));
            }
        }
    }

    /// Takes every request that waits; without those that failed when only news are wanted. To be called under the lock.
    pub fn take(&self, which: Which) -> Vec<Request> {
        let mut taken = Vec::new();
        for name in self.names(WAITING) {
            let known = read(&self.path(&name, WAITING), &name);
            if which == Which::News && known.is_some_and(|request| request.error.is_some()) {
                continue;
            }
            let path = self.path(&name, TAKEN);
            if fs::rename(self.path(&name, WAITING), &path).is_err() {
                continue;
            }
            // A blank behind the object changes the time of the file: from now on somebody is at it. Where that
            // cannot be noted, nothing else depends on it.
            let appended = fs::OpenOptions::new().append(true).open(&path);
            drop(appended.and_then(|mut file| file.write_all(b" ")));
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
        remove(&self.path(&request.name, PARTIAL));
        remove(&self.path(&request.name, TAKEN));
    }

    /// Lets go of a request of which a part could not be filed, and keeps a note of what that was.
    pub fn partly(&self, request: &Request, lost: &str) {
        let note = Request {
            error: Some(lost.to_owned()),
            ..request.clone()
        };
        if self.write(&note, PARTIAL).is_ok() {
            remove(&self.path(&request.name, TAKEN));
        }
    }

    /// Puts a request back with what was wrong, unless it was noted anew meanwhile.
    pub fn failed(&self, request: &Request, error: &str) {
        let again = Request {
            attempts: request.attempts + 1,
            error: Some(error.to_owned()),
            ..request.clone()
        };
        let is_noted = self.path(&request.name, WAITING).exists();
        if is_noted || self.write(&again, WAITING).is_ok() {
            remove(&self.path(&request.name, TAKEN));
        }
    }

    /// Returns what `status` is to say about requests that failed, that were done in part, or that take too long.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_beyond(TAKEN_MAX)
    }

    fn findings_beyond(&self, taken_max: Duration) -> Vec<Finding> {
        let mut failed = self.waiting();
        failed.retain(|request| request.error.is_some());
        let is_stuck = |request: &Request| {
            let found = fs::metadata(self.path(&request.name, TAKEN)).and_then(|it| it.modified());
            let since = found.ok().and_then(|taken| taken.elapsed().ok());
            since.is_some_and(|since| since >= taken_max)
        };
        let mut stuck = self.requests(TAKEN);
        stuck.retain(is_stuck);
        let failed = finding(
            "hook_failed",
            "transcripts of sessions could not be filed",
            &failed,
            "mend the cause; the next session tries again, or run `steadfast hook file`",
        );
        let stuck = finding(
            "hook_stuck",
            "transcripts have been at work for longer than filing takes",
            &stuck,
            "see what holds `steadfast hook file` up, and end it; the next session tries again",
        );
        let partial = finding(
            "hook_partial",
            "transcripts of sessions are filed in part",
            &self.requests(PARTIAL),
            "`steadfast import` of the transcript says what stays out, and takes what differs with \
             `--on-conflict update`; `steadfast hook file` looks again",
        );
        failed.into_iter().chain(stuck).chain(partial).collect()
    }

    fn waiting(&self) -> Vec<Request> {
        self.requests(WAITING)
    }

    fn requests(&self, ending: &str) -> Vec<Request> {
        let names = self.names(ending).into_iter();
        names
            .filter_map(|name| read(&self.path(&name, ending), &name))
            .collect()
    }

    fn write(&self, request: &Request, ending: &str) -> io::Result<()> {
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
        let path = self.path(&request.name, ending);
        let number = TEMPORARIES.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
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

fn finding(code: &'static str, what: &str, requests: &[Request], remedy: &str) -> Option<Finding> {
    let first = requests.first()?;
    let error = first.error.as_ref();
    Some(Finding {
        code,
        severity: Severity::Warning,
        what: error.map_or_else(|| what.to_owned(), |error| format!("{what}: {error}")),
        place: first.transcript.display().to_string(),
        count: requests.len() as u64,
        remedy: remedy.to_owned(),
        ids: Vec::new(),
    })
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
        let taken = spool.take(Which::All);
        assert_eq!(taken.len(), 1);
        // Noted while it is being filed: a request of its own.
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.done(&taken[0]);
        assert_eq!(spool.take(Which::All).len(), 1);
    }

    #[test]
    fn what_failed_waits_with_its_error_and_what_was_killed_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        let taken = spool.take(Which::All);
        assert!(spool.take(Which::All).is_empty());
        assert!(spool.has_requests(), "the one that is taken");
        spool.take_up();
        assert_eq!(spool.take(Which::All), taken);
        spool.failed(&taken[0], "no room");
        let findings = spool.findings();
        assert_eq!((findings.len(), findings[0].code), (1, "hook_failed"));
        assert!(findings[0].what.contains("no room"));
        let again = spool.take(Which::All);
        assert_eq!(again[0].attempts, 1);
        // Noted anew meanwhile: the new request stands.
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.failed(&again[0], "no room");
        assert!(spool.findings().is_empty());
        assert_eq!(spool.take(Which::All).len(), 1);
    }

    #[test]
    fn garbage_is_no_request() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        fs::write(folder.path().join("hooks/0.json"), "{\"transc").unwrap();
        assert_eq!(spool.take(Which::All).len(), 1);
        assert!(spool.findings().is_empty());
    }

    #[test]
    fn threads_that_note_one_transcript_at_once_do_not_mix_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope
                    .spawn(|| (0..50).for_each(|_| spool.put(Path::new("/logs/a.jsonl")).unwrap()));
            }
        });
        assert_eq!(spool.take(Which::All).len(), 1);
        assert_eq!(
            fs::read_dir(folder.path().join("hooks")).unwrap().count(),
            1
        );
    }

    #[test]
    fn what_is_filed_in_part_or_takes_too_long_is_told_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        let codes = |taken_max: Duration| -> Vec<&str> {
            let findings = spool.findings_beyond(taken_max);
            findings.iter().map(|finding| finding.code).collect()
        };
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        let taken = spool.take(Which::All);
        assert!(codes(TAKEN_MAX).is_empty());
        assert_eq!(codes(Duration::ZERO), ["hook_stuck"]);
        spool.partly(&taken[0], "2 messages");
        assert!(!spool.has_requests());
        assert_eq!(codes(TAKEN_MAX), ["hook_partial"]);
        assert!(spool.findings()[0].what.contains("2 messages"));
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        assert!(spool.has_news());
        spool.done(&spool.take(Which::News)[0]);
        assert!(codes(TAKEN_MAX).is_empty());
    }

    #[test]
    fn what_failed_is_no_news() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        spool.put(Path::new("/logs/a.jsonl")).unwrap();
        spool.failed(&spool.take(Which::News)[0], "no room");
        assert!(!spool.has_news() && spool.take(Which::News).is_empty());
        assert_eq!(spool.take(Which::All).len(), 1);
    }

    #[test]
    fn who_finds_the_lock_held_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of_store(folder.path());
        let held = spool.lock().unwrap();
        assert!(held.is_none() || spool.try_lock().unwrap().is_none());
        drop(held);
        assert!(spool.try_lock().unwrap().is_some());
    }
}
