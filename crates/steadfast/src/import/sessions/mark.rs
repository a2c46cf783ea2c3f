//! How far a log was read, so that one that has grown is read from there.
//!
//! A mark is a small file in the store's folder. It is believed only when all of it is true: the log
//! begins as it did, the store is the one that the messages went into, and the document has
//! as many live chunks as it had then. Else the log is read as a whole, which is always right. So marks may
//! be lost, and a log that was written anew, a store that was restored, or messages that were
//! undone or forgotten cost time and nothing else.
//!
//! Of a log that is long the first and the last MiB before the mark are compared: hosts
//! only append, and whoever writes a log anew changes where its lines end. There are at
//! most 4,096 marks: logs whose names fall together take each other's place.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast_model::{Chunk, Metadata, Namespace, Timestamp};
use steadfast_store::{Backend, StoreError};

use super::super::ImportKind;
use super::message::Talk;
use crate::error::Result;

/// The folder of marks below a store.
pub(in super::super) const FOLDER: &str = "transcripts";
/// How much of both ends of what was read is compared, in bytes.
const EDGE_BYTES: u64 = 1 << 20;
/// A longer file is no mark.
const MARK_BYTES_MAX: u64 = 64 << 10;

/// Where reading a log ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct End {
    /// Bytes up to the end of the last whole line.
    pub(in super::super) offset: u64,
    /// Lines until there.
    pub(in super::super) lines: usize,
    /// A message was taken from a line whose end is not written yet.
    pub(in super::super) is_open: bool,
}

/// What is kept of a reading: numbers and hashes only, for what is forgotten must not stand here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    /// The hash of the log's path.
    log: String,
    store: String,
    namespace: String,
    kind: ImportKind,
    end: End,
    /// What the log begins with, and what stands before the end.
    edges: String,
    messages: usize,
    chunks: usize,
    time: Option<Timestamp>,
}

/// A log that was read before, up to a place.
#[derive(Clone, Debug)]
pub(in super::super) struct Begun {
    end: End,
    talk: Talk,
}

/// A session that was read, and how far.
#[derive(Debug)]
pub(in super::super) struct Reached {
    pub(super) talk: Talk,
    pub(super) end: End,
    /// The log itself, should another one have its name by now.
    pub(super) file: File,
}

impl Begun {
    /// Returns how far a log was read, if that may be believed.
    pub(in super::super) fn find(
        store: &Path,
        backend: &dyn Backend,
        log: &Path,
        namespace: &Namespace,
    ) -> Option<Self> {
        let found = File::open(place(store, log)).ok()?;
        let object: Value = serde_json::from_reader(found.take(MARK_BYTES_MAX)).ok()?;
        let mark = Mark::read(&object)?;
        let is_its_own = mark.log == name(log)
            && mark.store == backend.store_id().to_string()
            && mark.namespace == namespace.as_str();
        if !is_its_own {
            return None;
        }
        let mut file = File::open(log).ok()?;
        let is_as_it_was = file.metadata().ok()?.len() >= mark.end.offset
            && edges(&mut file, mark.end.offset).ok()? == mark.edges;
        if !is_as_it_was {
            return None;
        }
        let mut talk = Talk::new(mark.kind, session(log));
        let (chunks, last) = live(backend, namespace, &talk.document()).ok()?;
        let last = last.filter(|_| chunks == mark.chunks)?;
        talk.before = mark.messages;
        talk.time = mark.time;
        talk.title = last.attributes.title;
        talk.facts = facts(last.attributes.meta);
        Some(Self {
            end: mark.end,
            talk,
        })
    }

    /// Returns what the log is.
    pub(super) fn kind(&self) -> ImportKind {
        self.talk.kind
    }

    /// Returns where the next line begins, and how many are before it.
    pub(super) fn place(&self) -> (u64, usize) {
        (self.end.offset, self.end.lines)
    }

    /// Returns the session as it is known there, without its messages.
    pub(super) fn talk(&self) -> Talk {
        self.talk.clone()
    }
}

impl Reached {
    /// Keeps how far a log was read whose messages are in the store.
    ///
    /// # Errors
    /// What the store or the system says; the next reading is of the whole log then.
    pub(in super::super) fn keep(
        mut self,
        store: &Path,
        backend: &dyn Backend,
        log: &Path,
        namespace: &Namespace,
    ) -> Result<()> {
        let Some(upkeep) = backend.upkeep().filter(|_| !self.end.is_open) else {
            return Ok(());
        };
        let edges = edges(&mut self.file, self.end.offset)
            .map_err(|error| StoreError::from_io(log, &error))?;
        let (chunks, _) = live(backend, namespace, &self.talk.document())?;
        let mark = Mark {
            log: name(log),
            store: backend.store_id().to_string(),
            namespace: namespace.as_str().to_owned(),
            kind: self.talk.kind,
            end: self.end,
            edges,
            messages: self.talk.before + self.talk.messages.len(),
            chunks,
            time: self.talk.time,
        };
        let disk = upkeep.disk();
        disk.create_private_folder(&store.join(FOLDER))?;
        let text = mark.to_json().to_string();
        disk.replace_file(&place(store, log), &[text.as_bytes()])?;
        Ok(())
    }
}

impl Mark {
    fn to_json(&self) -> Value {
        json!({
            "log": self.log,
            "store": self.store,
            "namespace": self.namespace,
            "kind": self.kind.as_str(),
            "offset": self.end.offset,
            "lines": self.end.lines,
            "edges": self.edges,
            "messages": self.messages,
            "chunks": self.chunks,
            "time_ms": self.time.map(|time| time.0),
        })
    }

    fn read(object: &Value) -> Option<Self> {
        let text = |name: &str| object.get(name)?.as_str().map(str::to_owned);
        let number = |name: &str| object.get(name)?.as_u64();
        let count = |name: &str| usize::try_from(number(name)?).ok();
        Some(Self {
            log: text("log")?,
            store: text("store")?,
            namespace: text("namespace")?,
            kind: text("kind")?.parse().ok()?,
            end: End {
                offset: number("offset")?,
                lines: count("lines")?,
                is_open: false,
            },
            edges: text("edges")?,
            messages: count("messages")?,
            chunks: count("chunks")?,
            time: object.get("time_ms")?.as_i64().map(Timestamp),
        })
    }
}

/// The name that Copilot CLI gives each of its logs, in a folder with the name of the session.
const LOG_OF_FOLDER: &str = "events";

/// Returns what a session is called by its log.
pub(super) fn session(log: &Path) -> String {
    let name = log.file_stem().unwrap_or_default();
    let folder = log.parent().and_then(Path::file_name);
    let name = folder.filter(|_| name == LOG_OF_FOLDER).unwrap_or(name);
    name.to_string_lossy().into_owned()
}

/// Returns what stands at both ends of the first `offset` bytes of a file, as a hash.
fn edges(file: &mut File, offset: u64) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    let head_end = offset.min(EDGE_BYTES);
    let tail_start = offset.saturating_sub(EDGE_BYTES).max(head_end);
    for range in [0..head_end, tail_start..offset] {
        file.seek(SeekFrom::Start(range.start))?;
        let wanted = range.end - range.start;
        let read = io::copy(&mut file.by_ref().take(wanted), &mut hasher)?;
        if read < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Returns how many live chunks a document has, and the last of them.
fn live(
    backend: &dyn Backend,
    namespace: &Namespace,
    source: &str,
) -> Result<(usize, Option<Chunk>)> {
    let snapshot = backend.snapshot()?;
    let Some(document) = snapshot.document(namespace, source)? else {
        return Ok((0, None));
    };
    let placed = snapshot.placed(document.key, 0..=u32::MAX)?;
    let last: Vec<_> = placed.last().map(|placed| placed.row).into_iter().collect();
    let last = snapshot.fetch(&last)?.chunks.pop();
    Ok((placed.len(), last))
}

/// Returns what the messages of a session say of the session as a whole.
fn facts(meta: Metadata) -> Metadata {
    meta.into_iter()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("origin.")?;
            let is_of_one = matches!(name, "id" | "kind" | "session");
            (!is_of_one).then(|| (name.to_owned(), value))
        })
        .collect()
}

fn name(log: &Path) -> String {
    let hash = blake3::hash(log.as_os_str().as_encoded_bytes());
    hash.to_hex().to_string()
}

fn place(store: &Path, log: &Path) -> PathBuf {
    let name: String = name(log).chars().take(3).collect();
    store.join(FOLDER).join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_mark_comes_back_as_it_was_kept() {
        let mark = Mark {
            log: "00ff".to_owned(),
            store: "s".to_owned(),
            namespace: "default".to_owned(),
            kind: ImportKind::Codex,
            end: End {
                offset: 77,
                lines: 3,
                is_open: false,
            },
            edges: "ab".to_owned(),
            messages: 2,
            chunks: 4,
            time: Some(Timestamp(-5)),
        };
        assert_eq!(Mark::read(&mark.to_json()), Some(mark));
        for garbage in ["{}", "[]", "{\"log\": 7}"] {
            assert_eq!(Mark::read(&serde_json::from_str(garbage).unwrap()), None);
        }
    }

    #[test]
    fn both_ends_of_what_was_read_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let long = usize::try_from(3 * EDGE_BYTES).unwrap();
        let mut bytes = vec![b'x'; long];
        let of = |bytes: &[u8], offset: u64| {
            fs::write(&path, bytes).unwrap();
            edges(&mut File::open(&path).unwrap(), offset).ok()
        };
        let end = long as u64;
        let first = of(&bytes, end).unwrap();
        assert_ne!(of(&bytes, end - 1).unwrap(), first);
        bytes.push(b'y');
        assert_eq!(
            of(&bytes, end).unwrap(),
            first,
            "what came later is no part of it"
        );
        for place in [0, long - 1] {
            let mut other = bytes.clone();
            other[place] = b'z';
            assert_ne!(of(&other, end).unwrap(), first, "{place}");
        }
        assert_eq!(of(b"short", 6), None);
        assert!(of(b"short", 5).is_some());
    }
}
