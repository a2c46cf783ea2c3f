//! The folder of one index: loading, writing, sweeping, setting aside.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use steadfast_model::{RowSet, StoreId};
use steadfast_store::files::{Disk, FilesystemKind, filesystem_kind};
use steadfast_store::sqlite::Published;
use steadfast_store::{SqliteStore, StoreError};

use super::kinds::Kind;
use super::manifest::{Manifest, Part, seal};
use super::mapped::Mapped;
use super::{Loaded, State, publications};
use crate::assembly::Pieces;

/// How many damaged indexes are kept for inspection; they hold nothing that the store does not.
const ASIDE_MAX: usize = 4;

/// The name of the manifest of a rebuild that is not done.
const PARTIAL: &str = "PARTIAL";

/// The folder of one index.
#[derive(Clone, Debug)]
pub(crate) struct Folder<K> {
    pub(crate) kind: K,
    root: PathBuf,
    quarantine: PathBuf,
    store: StoreId,
    stamp: [u8; 16],
    disk: Arc<dyn Disk>,
    filesystem: FilesystemKind,
}

impl<K: Kind> Folder<K> {
    /// Returns the folder of an index in the folder of `store`.
    pub(crate) fn new(kind: K, store: &SqliteStore, stamp: [u8; 16]) -> Self {
        Self {
            kind,
            root: store.folder().join("index").join(K::NAME),
            quarantine: store.folder().join("quarantine"),
            store: store.store_id(),
            stamp,
            disk: Arc::clone(store.disk()),
            filesystem: filesystem_kind(store.folder()),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.disk.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn manifest_path(&self, generation: u64) -> PathBuf {
        self.root.join(format!("MANIFEST-{generation:08}"))
    }

    /// Returns the generation whose manifest lies at a path.
    fn generation_of(&self, path: &Path) -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        let generation = name.strip_prefix("MANIFEST-")?.parse().ok()?;
        (self.manifest_path(generation) == path).then_some(generation)
    }

    fn segment_path(&self, file: u64) -> PathBuf {
        self.root.join(format!("{file:08}.seg"))
    }

    /// Returns an index without segments.
    pub(crate) fn empty(&self) -> Loaded<K::Segment> {
        Loaded::empty(Manifest::empty(self.store, self.stamp))
    }

    /// Opens the generation that the store names and proves every byte of it.
    pub(crate) fn load(&self, published: Option<Published>) -> State<K::Segment> {
        let Some(published) = published else {
            return State::Ready(Arc::new(self.empty()));
        };
        match self.try_load(published) {
            Ok(loaded) => State::Ready(Arc::new(loaded)),
            Err(state) => state,
        }
    }

    fn try_load(&self, published: Published) -> Result<Loaded<K::Segment>, State<K::Segment>> {
        let path = self.manifest_path(published.generation);
        let bytes = self.read(&path).map_err(|error| absent(&path, &error))?;
        if Manifest::is_of_another_version(&bytes) {
            return Err(State::Missing("it was made by another version".to_owned()));
        }
        let manifest = Manifest::decode(&bytes)
            .ok_or_else(|| State::Damaged(format!("{} does not have its hash", path.display())))?;
        if manifest.stamp != self.stamp {
            return Err(State::Missing(
                "it was made by another analyser or model".to_owned(),
            ));
        }
        let is_named = manifest.generation == published.generation
            && manifest.row == published.row
            && manifest.seq == published.seq
            && manifest.store == self.store;
        if !is_named {
            return Err(State::Damaged(format!(
                "{} is not what the store has published",
                path.display()
            )));
        }
        let mut rows = RowSet::with_room(manifest.row.0 as usize + 1);
        let mut segments = Vec::with_capacity(manifest.parts.len());
        let mut maps = Vec::with_capacity(manifest.parts.len());
        for part in &manifest.parts {
            let (segment, mapped) = self.open_part(part)?;
            rows.extend(K::rows(&segment));
            rows.subtract(&part.dead);
            mapped.let_go();
            segments.push(segment);
            maps.push(mapped);
        }
        Ok(Loaded {
            manifest,
            segments,
            mapped: maps,
            rows,
        })
    }

    /// Opens and proves a segment; returns what is mapped of it too.
    fn open_part(&self, part: &Part) -> Result<(K::Segment, Mapped), State<K::Segment>> {
        let path = self.segment_path(part.file);
        let content = self
            .disk
            .open(&path)
            .and_then(|file| match self.filesystem {
                FilesystemKind::Remote => Mapped::copy_of(&file),
                FilesystemKind::Local | FilesystemKind::Unknown => Mapped::of(&file),
            })
            .map_err(|error| absent(&path, &error))?;
        let bytes = content.as_ref();
        if bytes.len() as u64 != part.bytes || seal(bytes) != part.seal {
            return Err(State::Damaged(format!(
                "{} is not what was published",
                path.display()
            )));
        }
        match self.kind.open(content.clone(), self.store) {
            Ok(segment) => Ok((segment, content)),
            Err(why) => Err(State::Damaged(format!("{}: {why}", path.display()))),
        }
    }

    /// Writes a segment file and flushes it.
    ///
    /// # Errors
    /// [`StoreError`] when the system refuses; nothing of it then counts.
    pub(crate) fn write_segment(&self, file: u64, content: &Pieces) -> Result<(), StoreError> {
        self.disk.create_private_folder(&self.root)?;
        self.disk
            .replace_file(&self.segment_path(file), &content.slices())
    }

    /// Opens a segment that was just written; returns what is mapped of it too, none of which is in memory.
    ///
    /// # Errors
    /// [`StoreError`] when it does not read back as it was written.
    pub(crate) fn open_written(&self, part: &Part) -> Result<(K::Segment, Mapped), StoreError> {
        let opened = self.open_part(part);
        let (segment, mapped) = opened.map_err(|state| StoreError::Io {
            path: self.root.clone(),
            what: state.trouble().unwrap_or_default().to_owned(),
        })?;
        mapped.let_go();
        Ok((segment, mapped))
    }

    /// Writes the manifest of a generation and flushes it; it counts once the store names it.
    ///
    /// # Errors
    /// [`StoreError`] when the system refuses.
    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        self.disk.create_private_folder(&self.root)?;
        self.disk.replace_file(
            &self.manifest_path(manifest.generation),
            &[&manifest.encode()],
        )
    }

    /// Writes how far a rebuild has got.
    ///
    /// # Errors
    /// [`StoreError`] when the system refuses.
    pub(crate) fn write_partial(&self, manifest: &Manifest) -> Result<(), StoreError> {
        self.disk
            .replace_file(&self.root.join(PARTIAL), &[&manifest.encode()])
    }

    /// Returns how far the rebuild of this generation got before it was killed, when all its segments are sound.
    pub(crate) fn load_partial(&self, generation: u64) -> Option<Manifest> {
        let bytes = self.read(&self.root.join(PARTIAL)).ok()?;
        let manifest = Manifest::decode(&bytes)?;
        let fits = manifest.generation == generation
            && manifest.store == self.store
            && manifest.stamp == self.stamp;
        let is_sound = fits
            && manifest
                .parts
                .iter()
                .all(|part| self.open_part(part).is_ok());
        is_sound.then_some(manifest)
    }

    /// Discards every file that neither `current` nor, with `keep_before`, the generation before it needs.
    ///
    /// That one is normally kept, for readers whose view of the store is that old and who have not opened it yet.
    pub(crate) fn sweep(&self, current: &Manifest, keep_before: bool) {
        let mut kept: Vec<PathBuf> = Vec::new();
        let mut keep = |manifest: &Manifest| {
            let parts = manifest.parts.iter();
            kept.extend(parts.map(|part| self.segment_path(part.file)));
            kept.push(self.manifest_path(manifest.generation));
        };
        keep(current);
        let Ok(entries) = std::fs::read_dir(&self.root) else {
            return;
        };
        let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let is_before = |path: &&PathBuf| {
            self.generation_of(path).is_some_and(|generation| {
                publications(generation) + 1 == publications(current.generation)
            })
        };
        for path in paths.iter().filter(|_| keep_before).filter(is_before) {
            match self.read(path) {
                Ok(bytes) => Manifest::decode(&bytes).iter().for_each(&mut keep),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // What cannot be read now may be sound: the next one who publishes sweeps.
                Err(_) => return,
            }
        }
        for path in paths {
            if !kept.contains(&path) {
                self.disk.discard(&path);
            }
        }
    }

    /// Moves the files of a damaged index out of the way; the store can make them again.
    pub(crate) fn set_aside(&self) {
        let Ok(()) = self.disk.create_private_folder(&self.quarantine) else {
            return;
        };
        let taken = self.aside();
        let next = taken.last().map_or(1, |last| last + 1);
        // Where even renaming fails, the next generation is written beside the
        // damaged one and the sweep discards it.
        drop(self.disk.rename(&self.root, &self.aside_path(next)));
        let surplus = (taken.len() + 1).saturating_sub(ASIDE_MAX);
        self.discard_aside(taken.into_iter().take(surplus));
    }

    /// Discards every index that was set aside: they know words of texts that have to be forgotten.
    ///
    /// Returns whether nothing of them is left.
    pub(crate) fn forget_aside(&self) -> bool {
        self.discard_aside(self.aside().into_iter());
        self.aside().is_empty()
    }

    fn discard_aside(&self, numbers: impl Iterator<Item = u64>) {
        for folder in numbers.map(|number| self.aside_path(number)) {
            for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                self.disk.discard(&file.path());
            }
            drop(std::fs::remove_dir(&folder));
        }
    }

    fn aside_path(&self, number: u64) -> PathBuf {
        self.quarantine
            .join(format!("index-{}-{number:04}", K::NAME))
    }

    /// Returns the numbers of the indexes that were set aside, ascending.
    fn aside(&self) -> Vec<u64> {
        let prefix = format!("index-{}-", K::NAME);
        let entries = std::fs::read_dir(&self.quarantine).into_iter();
        let mut numbers: Vec<u64> = entries
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_prefix(&prefix)?.parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// Returns the bytes of all files in the folder.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        let entries = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten();
        entries
            .filter_map(|entry| Some(entry.metadata().ok()?.len()))
            .sum()
    }
}

/// What cannot be read now may be sound: it is not set aside as damage would be.
fn absent<S>(path: &Path, error: &io::Error) -> State<S> {
    State::Missing(format!("{}: {error}", path.display()))
}
