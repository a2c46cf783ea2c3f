//! An export: what a filter admits at one moment, as a file or folder that any store takes in.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use steadfast_model::{ChunkId, Clock, Filter, ModelId, Seq, Validity};
use steadfast_store::files::{Disk, SystemDisk};
use steadfast_store::{Backend, Progress, Snapshot, StoreError};

use super::lines::{Head, Lines};
use super::pack::{LEVEL, Written};
use super::vault::Vault;
use super::walk::{Sink, Walk, Walked};
use super::work::in_work;
use crate::error::{Error, Result};
use crate::ingest::model_name;

/// What an export looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExportFormat {
    /// Lines of JSON between a first line that names the version and a last one that proves that nothing is missing.
    #[default]
    Bundle,
    /// One chunk a line and nothing else.
    Jsonl,
    /// A folder of pages in Markdown, one a source, readable as a vault of Obsidian.
    Markdown,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Bundle, Self::Jsonl, Self::Markdown];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ExportFormat {
    type Err = steadfast_model::chunk::UnknownName;

    fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| Self::Err {
                what: "format of an export",
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// What is exported, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportOptions {
    /// Which chunks. Collections come along when it asks for nothing, or names their namespace.
    pub filter: Filter,
    /// What the export looks like.
    pub format: ExportFormat,
    /// Also write the vectors. They can be computed anew, and are larger than most texts.
    pub vectors: bool,
    /// Also write versions that are no longer live, with when they came and left. Only a bundle can hold them.
    pub history: bool,
    /// Replace a file of that name.
    pub overwrite: bool,
}

impl Default for ExportOptions {
    /// Returns options for all there is, also what holds no longer.
    fn default() -> Self {
        Self {
            filter: Filter {
                validity: Validity::Any,
                ..Filter::default()
            },
            format: ExportFormat::default(),
            vectors: false,
            history: false,
            overwrite: false,
        }
    }
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Chunks.
    pub chunks: u64,
    /// Sources they are of.
    pub sources: u64,
    /// Collections.
    pub collections: u64,
    /// Records of those.
    pub records: u64,
    /// Versions that are no longer live.
    pub past: u64,
    /// The size of what was written.
    pub bytes: u64,
    /// The last commit in it.
    pub seq: Seq,
    /// Chunks and records that are left out because they are damaged in the store.
    pub damaged: Vec<ChunkId>,
}

/// What an export works with.
pub(crate) struct Exporting<'e> {
    pub(crate) backend: &'e dyn Backend,
    pub(crate) model: &'e ModelId,
    pub(crate) clock: &'e dyn Clock,
    pub(crate) folder: &'e Path,
}

/// The export before it has its name.
const PART: &str = "export";

/// Writes an export into a file.
pub(crate) fn export(
    with: &Exporting<'_>,
    file: &Path,
    options: &ExportOptions,
    progress: &dyn Progress,
) -> Result<Exported> {
    let file = std::path::absolute(file).map_err(|error| StoreError::from_io(file, &error))?;
    refuse_inside(with.folder, &file)?;
    let disk = with
        .backend
        .upkeep()
        .map_or(&SystemDisk as &dyn Disk, |upkeep| upkeep.disk());
    if options.format == ExportFormat::Markdown {
        let mut vault = Vault::begin(disk, &file)?;
        let snapshot = with.backend.snapshot()?;
        let walked = walk(with, snapshot.as_ref(), &mut vault, options, progress)?;
        let bytes = vault.finish(&walked)?;
        return Ok(exported(walked, bytes, snapshot.generation()));
    }
    let is_packed = file.extension().is_some_and(|end| end == "zst");
    in_work(disk, &file, &[PART], options.overwrite, |work| {
        let part: PathBuf = work.path(PART);
        let at = |error: &io::Error| Error::Store(StoreError::from_io(&file, error));
        let written = Written::create(disk, &part).map_err(|error| at(&error))?;
        let mut out = BufWriter::new(written);
        let mut exported = if is_packed {
            let mut encoder = zstd::Encoder::new(&mut out, LEVEL).map_err(|error| at(&error))?;
            encoder.include_checksum(true).map_err(|error| at(&error))?;
            let exported = export_to(with, &mut encoder, options, progress)?;
            encoder.finish().map_err(|error| at(&error))?;
            exported
        } else {
            export_to(with, &mut out, options, progress)?
        };
        let written = out.into_inner().map_err(|error| at(error.error()))?;
        written.finish().map_err(|error| at(&error))?;
        exported.bytes = std::fs::metadata(&part).map_err(|error| at(&error))?.len();
        Ok((exported, part))
    })
}

/// Writes an export, one object a line.
pub(crate) fn export_to(
    with: &Exporting<'_>,
    out: &mut dyn Write,
    options: &ExportOptions,
    progress: &dyn Progress,
) -> Result<Exported> {
    if options.format == ExportFormat::Markdown {
        return Err(Error::Invalid {
            what: "pages of Markdown need a folder to be written into".to_owned(),
        });
    }
    let snapshot = with.backend.snapshot()?;
    let head = Head {
        created: with.clock.now().to_string(),
        store: with.backend.store_id().to_string(),
        generation: snapshot.generation().0,
        model: model_name(with.model),
        history: options.history,
    };
    let mut lines = Lines::begin(out, head, options.format == ExportFormat::Bundle)?;
    let walked = walk(with, snapshot.as_ref(), &mut lines, options, progress)?;
    let bytes = lines.finish(&walked)?;
    Ok(exported(walked, bytes, snapshot.generation()))
}

fn walk(
    with: &Exporting<'_>,
    snapshot: &dyn Snapshot,
    sink: &mut dyn Sink,
    options: &ExportOptions,
    progress: &dyn Progress,
) -> Result<Walked> {
    if options.history && options.format != ExportFormat::Bundle {
        return Err(Error::Invalid {
            what: "only a bundle can hold history".to_owned(),
        });
    }
    let walk = Walk {
        backend: with.backend,
        snapshot,
        filter: &options.filter,
        vectors: options.vectors,
        history: options.history,
        now: with.clock.now(),
        progress,
    };
    walk.run(sink)
}

fn exported(walked: Walked, bytes: u64, seq: Seq) -> Exported {
    Exported {
        chunks: walked.chunks,
        sources: walked.sources,
        collections: walked.collections,
        records: walked.records,
        past: walked.past,
        bytes,
        seq,
        damaged: walked.damaged,
    }
}

/// No file of the store is ever the place of an export.
fn refuse_inside(store: &Path, file: &Path) -> Result<()> {
    let canonical = |path: &Path| std::fs::canonicalize(path).ok();
    let inside = file
        .parent()
        .and_then(canonical)
        .zip(canonical(store))
        .is_some_and(|(folder, store)| folder.starts_with(store));
    if inside {
        return Err(Error::Invalid {
            what: format!("{} belongs to the store itself", file.display()),
        });
    }
    Ok(())
}
