//! The traversal: threads share a stack of folders, and each lists one folder at a time.
//!
//! Memory is bounded by the folders that were seen and not yet listed, and by
//! [`HELD_MAX`] names of one folder a thread: a folder's ignore files must be
//! known before its first name is judged, so names are held until the folder
//! has been listed, or, when it is large, until those files were asked for by name.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ignore::Match;
use ignore::overrides::Override;

use super::folder::{self, STORE_FILE};
use super::rules::{Listed, Rules, Word};
use super::{Hidden, IgnoreFiles, Item, Problem, Summary, WalkOptions};
use crate::ingest::identify::{SkipReason, source_name};

/// The most threads a walk uses; more would only wait for the disk.
const THREADS_MAX: usize = 64;

/// How many names of a folder are held while it is not known which ignore files it has.
const HELD_MAX: usize = 4_096;

/// A folder that waits to be listed.
struct Folder {
    path: PathBuf,
    rules: Option<Arc<Rules>>,
}

#[derive(Default)]
struct Queue {
    folders: Vec<Folder>,
    listing: usize,
    stopped: bool,
}

struct Traversal<'a, S> {
    root: &'a Path,
    options: &'a WalkOptions,
    overrides: &'a Override,
    sink: &'a S,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Walks the folder `root`, which is resolved.
pub(super) fn traverse<S>(
    root: &Path,
    options: &WalkOptions,
    overrides: &Override,
    threads: usize,
    sink: &S,
) -> Summary
where
    S: Fn(Item) -> ControlFlow<()> + Sync,
{
    let mut summary = Summary::default();
    let rules = match options.ignore_files {
        IgnoreFiles::Obey => Rules::above(root, &mut summary.warnings),
        IgnoreFiles::Disregard => None,
    };
    let traversal = Traversal {
        root,
        options,
        overrides,
        sink,
        queue: Mutex::new(Queue {
            folders: vec![Folder {
                path: root.to_path_buf(),
                rules,
            }],
            ..Queue::default()
        }),
        changed: Condvar::new(),
    };
    let threads = threads.clamp(1, THREADS_MAX);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads)
            .map(|_| scope.spawn(|| traversal.work()))
            .collect();
        summary.add(traversal.work());
        for worker in workers {
            match worker.join() {
                Ok(part) => summary.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    summary.blind.sort_unstable();
    summary
}

/// Holds the count of folders being listed; given back when dropped, also by
/// a panic in the sink, so that the other threads do not wait forever.
struct Listing<'a, S> {
    traversal: &'a Traversal<'a, S>,
    below: Vec<Folder>,
}

impl<S> Drop for Listing<'_, S> {
    fn drop(&mut self) {
        let mut queue = self.traversal.lock();
        queue.listing -= 1;
        if std::thread::panicking() {
            queue.stopped = true;
        }
        let more = !self.below.is_empty();
        queue.folders.append(&mut self.below);
        if more || queue.listing == 0 || queue.stopped {
            self.traversal.changed.notify_all();
        }
    }
}

impl<S> Traversal<'_, S> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole between any two statements, so a panic elsewhere leaves it usable.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Traversal<'_, S>
where
    S: Fn(Item) -> ControlFlow<()> + Sync,
{
    fn work(&self) -> Summary {
        let mut summary = Summary::default();
        while let Some(folder) = self.next() {
            let mut listing = Listing {
                traversal: self,
                below: Vec::new(),
            };
            if self
                .list(&folder, &mut listing.below, &mut summary)
                .is_break()
            {
                self.lock().stopped = true;
                summary.stopped = true;
            }
        }
        summary
    }

    fn next(&self) -> Option<Folder> {
        let mut queue = self.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(folder) = queue.folders.pop() {
                queue.listing += 1;
                return Some(folder);
            }
            if queue.listing == 0 {
                return None;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn list(
        &self,
        folder: &Folder,
        below: &mut Vec<Folder>,
        summary: &mut Summary,
    ) -> ControlFlow<()> {
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            // It was there when the folder above was listed, and is gone now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.path != self.root => {
                return ControlFlow::Continue(());
            }
            Err(error) => return self.blind(&folder.path, &error, summary),
        };
        summary.folders += 1;
        let mut entries = entries.fuse();
        let mut held: Vec<DirEntry> = Vec::new();
        let mut listed = Listed::default();
        let mut holds_store = false;
        let mut rest_max = usize::MAX;
        for entry in entries.by_ref().take(HELD_MAX) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.blind(&folder.path, &error, summary)?;
                    rest_max = 0;
                    break;
                }
            };
            if let Some(name) = entry.file_name().to_str() {
                listed.note(name);
                holds_store |= name == STORE_FILE;
            }
            held.push(entry);
        }
        if held.len() == HELD_MAX {
            listed = Listed::look_up(&folder.path);
            holds_store = fs::symlink_metadata(folder.path.join(STORE_FILE)).is_ok();
        }
        if holds_store {
            let problem = folder::problem(&folder.path, SkipReason::Store, String::new());
            return self.report(problem, summary);
        }
        let rules = match self.options.ignore_files {
            IgnoreFiles::Obey => Rules::in_folder(
                folder.rules.as_ref(),
                &folder.path,
                listed,
                &mut summary.warnings,
            ),
            IgnoreFiles::Disregard => None,
        };
        for entry in held.into_iter().map(Ok).chain(entries.take(rest_max)) {
            match entry {
                Ok(entry) => self.take(entry.path(), &entry, rules.as_ref(), below, summary)?,
                Err(error) => {
                    self.blind(&folder.path, &error, summary)?;
                    break;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn take(
        &self,
        path: PathBuf,
        entry: &DirEntry,
        rules: Option<&Arc<Rules>>,
        below: &mut Vec<Folder>,
        summary: &mut Summary,
    ) -> ControlFlow<()> {
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return ControlFlow::Continue(());
            }
            Err(error) => return self.blind(&path, &error, summary),
        };
        if self.is_left_out(&path, kind, rules.map(AsRef::as_ref)) {
            summary.left_out += 1;
            return ControlFlow::Continue(());
        }
        if kind.is_dir() {
            below.push(Folder {
                path,
                rules: rules.cloned(),
            });
            return ControlFlow::Continue(());
        }
        if kind.is_symlink() {
            if let Some(problem) = folder::link_problem(self.root, &path) {
                return self.report(problem, summary);
            }
            summary.links_inside += 1;
            return ControlFlow::Continue(());
        }
        match entry.metadata() {
            Ok(metadata) => match folder::item(path, &metadata) {
                Item::Problem(problem) => self.report(problem, summary),
                found @ Item::Found(_) => {
                    summary.files += 1;
                    (self.sink)(found)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => ControlFlow::Continue(()),
            Err(error) => self.blind(&path, &error, summary),
        }
    }

    fn is_left_out(&self, path: &Path, kind: FileType, rules: Option<&Rules>) -> bool {
        let name = path.file_name().unwrap_or_default();
        if folder::is_never_entered(name) {
            return true;
        }
        let word = match self.overrides.matched(path, kind.is_dir()) {
            Match::Ignore(_) => Some(Word::Leave),
            Match::Whitelist(_) if !kind.is_dir() => Some(Word::Take),
            Match::Whitelist(_) | Match::None => {
                rules.and_then(|rules| rules.say(path, kind.is_dir()))
            }
        };
        match word {
            Some(word) => word == Word::Leave,
            None => {
                self.options.hidden == Hidden::Skip && name.as_encoded_bytes().starts_with(b".")
            }
        }
    }

    fn blind(&self, path: &Path, error: &io::Error, summary: &mut Summary) -> ControlFlow<()> {
        summary.blind.push(source_name(path));
        self.report(folder::unreadable(path, error), summary)
    }

    fn report(&self, problem: Problem, summary: &mut Summary) -> ControlFlow<()> {
        summary.problems += 1;
        (self.sink)(Item::Problem(problem))
    }
}
