//! Folders that are kept up to date while they change.
//!
//! What the system tells about changes is a hint and nothing more: it says when to
//! look, and the rescan says what there is. So an event that is lost, doubled or
//! late costs time and no truth, and an overflow is one more hint. Invariants: a
//! watch is set before its first scan, so nothing falls between; rescans
//! of a root that take seconds leave pauses between them; a root that is gone keeps its chunks, and is taken
//! up again when it is back; a store that is put in the place of another one gets all roots; an error of the store or of a file ends nothing.
//! Deliberately not here: what a rescan does ([`steadfast::Memory::index`]).

mod hints;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steadfast::model::Fault as _;
use steadfast::{Error, IndexOptions, IndexReport, Memory, Silent};

use crate::store::{Access, Store};
use hints::Hints;

/// How long it must be quiet before a rescan.
const QUIET: Duration = Duration::from_millis(100);
/// How long a rescan waits at most while it is never quiet.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How often roots are looked for that are gone or not watched.
const TICK: Duration = Duration::from_secs(2);
/// The longest pause between two rescans of a root; it is as long as the last one took.
const REST_MAX: Duration = Duration::from_secs(5);
/// The pause after a failure, and the longest one; each is twice the one before.
const RETRY: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// How folders are watched.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The files and folders, each of which is there at the start.
    pub roots: Vec<PathBuf>,
    /// How they are indexed.
    pub index: IndexOptions,
    /// How often everything is rescanned without a hint, for changes that the system did not tell.
    pub rescan: Duration,
}

/// What is told while folders are watched.
#[derive(Debug)]
pub enum Told<'t> {
    /// A root is watched, or, without events, rescanned now and then for this reason.
    Watching(&'t Path, Option<String>),
    /// A root was brought up to date; the first time also when nothing changed.
    Indexed(&'t Path, &'t IndexReport, Duration),
    /// A root is gone; what is known of it stays.
    Gone(&'t Path),
    /// A root could not be brought up to date; it is tried again.
    Failed(&'t Path, &'t Error),
}

/// A folder or file that is watched.
struct Root {
    path: PathBuf,
    /// Which folder it was when the watch was set; another one of its name is another folder.
    identity: Option<Identity>,
    is_dirty: bool,
    is_gone: bool,
    was_indexed: bool,
    scanned: Instant,
    pause: Duration,
    not_before: Instant,
}

/// Keeps folders up to date until `tell` says that nobody listens any more.
///
/// # Errors
/// [`Error::PathNotFound`] when a root is not there at the start, and whatever else no later try can mend.
pub fn watch(
    store: &Store,
    options: &WatchOptions,
    tell: &mut dyn FnMut(Told<'_>) -> bool,
) -> Result<(), Error> {
    let now = Instant::now();
    let mut roots = Vec::with_capacity(options.roots.len());
    for path in &options.roots {
        let path =
            std::fs::canonicalize(path).map_err(|_| Error::PathNotFound { path: path.clone() })?;
        roots.push(Root {
            path,
            identity: None,
            is_dirty: true,
            is_gone: false,
            was_indexed: false,
            scanned: now,
            pause: RETRY,
            not_before: now,
        });
    }
    let mut hints = Hints::new(store.settings().folder.clone());
    for root in &mut roots {
        let flaw = hints.watch(&root.path);
        root.identity = identity(&root.path);
        if !tell(Told::Watching(&root.path, flaw)) {
            return Ok(());
        }
    }
    let mut written = None;
    loop {
        let mut has_written = false;
        for root in &mut roots {
            let (goes_on, wrote) = rescan(store, options, root, &mut written, tell)?;
            has_written |= wrote;
            if !goes_on {
                return Ok(());
            }
        }
        if has_written && let Ok(memory) = store.memory(Access::Read) {
            // Nobody waits: the indexes catch up. Status tells when they cannot.
            drop(memory.maintain());
        }
        wait(&hints, &mut roots);
        for root in &mut roots {
            if !look_after(&mut hints, options, root, tell) {
                return Ok(());
            }
        }
        if is_replaced(written.as_ref()) {
            written = None;
            for root in &mut roots {
                root.is_dirty = true;
            }
        }
    }
}

/// Returns whether another store is in the place of the one that was written: it knows nothing of the roots.
fn is_replaced(written: Option<&Memory>) -> bool {
    let found = written.map(Memory::check_in_place);
    found.is_some_and(|found| found.is_err_and(|error| error.kind() == "store_replaced"))
}

/// Rescans a root when it is due; returns whether to go on, and whether anything was written.
fn rescan(
    store: &Store,
    options: &WatchOptions,
    root: &mut Root,
    written: &mut Option<Memory>,
    tell: &mut dyn FnMut(Told<'_>) -> bool,
) -> Result<(bool, bool), Error> {
    if !root.is_dirty || Instant::now() < root.not_before {
        return Ok((true, false));
    }
    let started = Instant::now();
    let paths = std::slice::from_ref(&root.path);
    let found = store.write(Access::Write, |memory| {
        let report = memory.index(paths, &options.index, &Silent)?;
        Ok::<_, Error>((report, memory.clone()))
    });
    let took = started.elapsed();
    root.scanned = Instant::now();
    match found {
        Ok((report, memory)) => {
            // The first one is kept: whoever wrote to another one after it has roots to give to that.
            written.get_or_insert(memory);
            let files = report.files;
            let wrote = files.added + files.changed + files.removed > 0;
            let is_first = !root.was_indexed;
            (root.is_dirty, root.is_gone, root.was_indexed) = (false, false, true);
            root.pause = RETRY;
            // A big folder that never rests leaves time for others; the first look is no measure.
            let rest = if is_first { Duration::ZERO } else { took };
            root.not_before = Instant::now() + rest.min(REST_MAX);
            let goes_on = !(wrote || is_first) || tell(Told::Indexed(&root.path, &report, took));
            Ok((goes_on, wrote))
        }
        Err(Error::PathNotFound { .. }) => {
            root.is_dirty = false;
            root.identity = None;
            let is_news = !std::mem::replace(&mut root.is_gone, true);
            Ok((!is_news || tell(Told::Gone(&root.path)), false))
        }
        Err(error) => {
            if !root.was_indexed && is_hopeless(&error) {
                return Err(error);
            }
            store.note(&error);
            root.not_before = Instant::now() + root.pause;
            root.pause = (root.pause * 2).min(RETRY_MAX);
            Ok((tell(Told::Failed(&root.path, &error)), false))
        }
    }
}

/// Returns whether no later try can mend what failed.
fn is_hopeless(error: &Error) -> bool {
    matches!(
        error.kind(),
        "schema_too_new" | "invalid_config" | "invalid_filter" | "invalid_input" | "damaged"
    )
}

/// Waits for a hint and for quiet after it, or for the next look at the roots.
fn wait(hints: &Hints, roots: &mut [Root]) {
    let is_waiting = |root: &&Root| root.is_dirty;
    let now = Instant::now();
    let retry = roots
        .iter()
        .filter(is_waiting)
        .map(|root| root.not_before.saturating_duration_since(now))
        .min();
    if !hints.wait_for_hint(retry.unwrap_or(TICK).min(TICK)) {
        return;
    }
    hints.wait_for_quiet(QUIET, WAIT_MAX);
    let hinted = hints.take();
    for root in roots {
        let is_hinted =
            hinted.is_everything || hinted.paths.iter().any(|path| path.starts_with(&root.path));
        root.is_dirty |= is_hinted;
    }
}

/// Sets the watch of a root that is new or back, and makes one due that was not looked at for long.
fn look_after(
    hints: &mut Hints,
    options: &WatchOptions,
    root: &mut Root,
    tell: &mut dyn FnMut(Told<'_>) -> bool,
) -> bool {
    let now_there = identity(&root.path);
    if root.scanned.elapsed() >= options.rescan {
        root.is_dirty = true;
    }
    if now_there == root.identity {
        return true;
    }
    // Gone, back, or another folder in its place: the old watch is of no use.
    root.is_dirty = true;
    root.identity = now_there;
    if root.identity.is_none() {
        return true;
    }
    let flaw = hints.watch(&root.path);
    tell(Told::Watching(&root.path, flaw))
}

/// What tells a folder from another one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    let found = std::fs::metadata(path).ok()?;
    if !found.is_dir() {
        // Many programs save a file by putting another one in its place; its folder is watched.
        return Some(Identity(0, 0));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some(Identity(found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    {
        let created = found.created().ok();
        let since = created.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Some(Identity(1, since.map_or(0, |since| since.as_secs())))
    }
}
