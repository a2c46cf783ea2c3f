//! Where the originals stay: a folder for each repair, with a manifest that says how far it got.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast_model::Timestamp;
use steadfast_store::StoreError;
use steadfast_store::files::Disk;
use steadfast_store::sqlite::DATABASE;

use crate::error::Result;

const MANIFEST: &str = "manifest.json";

/// The store is as it was; a repair begins anew.
pub(super) const BEGUN: &str = "begun";
/// The new database is proven and about to take the place of the damaged one, or has just done so; the record names
/// the sources to be indexed again.
pub(super) const REPLACING: &str = "replacing";
/// The new database has taken the place of the damaged one; sources may still have to be indexed.
pub(super) const REPLACED: &str = "replaced";
/// Nothing is left to do.
pub(super) const DONE: &str = "done";

/// What belongs to a database; shared memory holds nothing that the others do not.
const PARTS: [&str; 3] = ["", "-wal", "-journal"];

const BLOCK_BYTES: usize = 1 << 20;

/// The record of one repair.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) folder: PathBuf,
    fields: Value,
}

impl Manifest {
    /// Makes a folder for the originals and copies them there.
    pub(super) fn begin(
        disk: &dyn Disk,
        store: &Path,
        now: Timestamp,
        reasons: &[&str],
    ) -> Result<Self> {
        let stamp: String = now
            .to_string()
            .chars()
            .filter(|c| !matches!(c, ':' | '-' | '.'))
            .collect();
        let parent = store.join("quarantine");
        let folder = (1..1_000)
            .map(|number| parent.join(format!("{stamp}-{number}")))
            .find(|path| !path.exists())
            .ok_or_else(|| StoreError::Internal("quarantine is full".to_owned()))?;
        disk.create_private_folder(&folder)?;
        let mut files = Vec::new();
        for part in PARTS {
            let name = format!("{DATABASE}{part}");
            let from = store.join(&name);
            if from.exists() {
                let (bytes, hash) = copy(disk, &from, &folder.join(&name))?;
                files.push(json!({"name": name, "bytes": bytes, "blake3": hash}));
            }
        }
        let fields = json!({
            "made": now.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
            "reasons": reasons,
            "files": files,
            "state": BEGUN,
            "sources": [],
        });
        let manifest = Self { folder, fields };
        manifest.write(disk)?;
        Ok(manifest)
    }

    /// Copies the originals once more, to be worked on; returns the copy of the database.
    pub(super) fn working_copy(&self, disk: &dyn Disk) -> Result<PathBuf> {
        for part in PARTS {
            let from = self.folder.join(format!("{DATABASE}{part}"));
            if from.exists() {
                copy(disk, &from, &self.folder.join(format!("work.db{part}")))?;
            }
        }
        Ok(self.folder.join("work.db"))
    }

    /// Returns where the new database is made.
    pub(super) fn new_database(&self) -> PathBuf {
        self.folder.join("new.db")
    }

    /// Discards what was only needed on the way; the originals stay.
    pub(super) fn clear(&self, disk: &dyn Disk) {
        for name in [
            "work.db",
            "work.db-wal",
            "work.db-shm",
            "work.db-journal",
            "new.db",
        ] {
            disk.discard(&self.folder.join(name));
        }
    }

    /// Records how far the repair got.
    pub(super) fn advance(
        &mut self,
        disk: &dyn Disk,
        state: &str,
        more: &[(&str, Value)],
    ) -> Result<()> {
        if let Value::Object(fields) = &mut self.fields {
            fields.insert("state".to_owned(), json!(state));
            for (name, value) in more {
                fields.insert((*name).to_owned(), value.clone());
            }
        }
        self.write(disk)
    }

    pub(super) fn state(&self) -> &str {
        self.fields
            .get("state")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns namespace and source of what is still to be indexed again.
    pub(super) fn sources(&self) -> Vec<(String, String)> {
        let pair = |value: &Value| {
            let part = |index: usize| value.get(index)?.as_str().map(str::to_owned);
            Some((part(0)?, part(1)?))
        };
        let sources = self.fields.get("sources").and_then(Value::as_array);
        sources.into_iter().flatten().filter_map(pair).collect()
    }

    /// Returns the tables of which rows may be lost without a trace.
    pub(super) fn tables_incomplete(&self) -> Vec<String> {
        let names = self
            .fields
            .get("tables_incomplete")
            .and_then(Value::as_array);
        names
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }

    /// Returns counts by table, of this field of the record.
    pub(super) fn counts(&self, field: &str) -> Vec<(String, u64)> {
        let counts = self.fields.get(field).and_then(Value::as_object);
        counts
            .into_iter()
            .flatten()
            .filter_map(|(table, count)| Some((table.clone(), count.as_u64()?)))
            .collect()
    }

    fn write(&self, disk: &dyn Disk) -> Result<()> {
        let text = format!("{:#}\n", self.fields);
        Ok(disk.replace_file(&self.folder.join(MANIFEST), &[text.as_bytes()])?)
    }

    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join(MANIFEST)).ok()?;
        Some(Self {
            folder: folder.to_owned(),
            fields: serde_json::from_str(&text).ok()?,
        })
    }
}

/// Returns the records of repairs that are not done, the oldest first.
pub(super) fn unfinished(store: &Path) -> Vec<Manifest> {
    let entries = std::fs::read_dir(store.join("quarantine"))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<Manifest> = entries
        .filter_map(|entry| Manifest::read(&entry.path()))
        .filter(|manifest| manifest.state() != DONE)
        .collect();
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    found
}

/// Copies a file, flushes the copy, and reads it back; returns its size and hash.
pub(super) fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(u64, String)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| StoreError::from_io(&path, &error)
    };
    let mut reader = File::open(from).map_err(failed(from))?;
    let mut writer = disk.create(to).map_err(failed(to))?;
    let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
    let mut block = vec![0_u8; BLOCK_BYTES];
    loop {
        let count = reader.read(&mut block).map_err(failed(from))?;
        let Some(filled) = block.get(..count).filter(|filled| !filled.is_empty()) else {
            break;
        };
        hasher.update(filled);
        bytes += count as u64;
        disk.write(to, &mut writer, filled).map_err(failed(to))?;
    }
    writer
        .flush()
        .and_then(|()| disk.sync(to, &writer))
        .map_err(failed(to))?;
    let mut copied = blake3::Hasher::new();
    copied
        .update_reader(File::open(to).map_err(failed(to))?)
        .map_err(failed(to))?;
    if copied.finalize() != hasher.finalize() {
        let what = "the copy does not read back as it was written".to_owned();
        return Err(StoreError::Io {
            path: to.to_owned(),
            what,
        }
        .into());
    }
    Ok((bytes, hasher.finalize().to_hex().to_string()))
}
