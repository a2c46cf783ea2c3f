//! A vault: a folder of pages that `export --format markdown` wrote.
//!
//! The file that says how much is in it was written last, so a folder without it
//! is no vault. Pages that people added hold no memories and are left out; a
//! page that is gone, or a chunk that was edited, is counted, and the import is
//! then not complete.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::survey::{Extent, Stream, Survey, Unit};
use super::super::{ImportKind, Source};
use super::pieces::{Piece, Pieces, row};
use super::{namespace, page};
use crate::error::{Error, Result};

/// The largest page that is read, in bytes.
const PAGE_BYTES_MAX: u64 = 1 << 30;
/// How deep below the vault pages are looked for.
const DEPTH_MAX: usize = 8;
/// The largest number of pages.
const PAGES_MAX: usize = 5_000_000;
/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Tells whether a folder is a vault.
pub(in crate::import) fn is_vault(path: &Path) -> bool {
    path.is_dir() && manifest(path).is_some()
}

fn manifest(path: &Path) -> Option<Value> {
    let file = path.join(page::MANIFEST);
    let is_small = fs::symlink_metadata(&file)
        .is_ok_and(|found| found.is_file() && found.len() <= MANIFEST_BYTES_MAX);
    let bytes = is_small.then(|| fs::read(&file).ok())??;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value.get("steadfast_vault")?.as_u64()?;
    Some(value)
}

/// Judges a vault, and gives what is in it out page by page.
pub(in crate::import) fn survey(source: &Source<'_>, path: &Path) -> Result<Survey> {
    let manifest = manifest(path).unwrap_or_default();
    let number = |name: &str| manifest.get(name).and_then(Value::as_u64).unwrap_or(0);
    if number("steadfast_vault") > page::VERSION {
        return Err(Error::BundleTooNew {
            path: path.to_owned(),
            found: number("steadfast_vault"),
            known: page::VERSION,
        });
    }
    let mut survey = Survey::new(ImportKind::Bundle);
    let pages = pages(path);
    let mut chunks = 0;
    for file in &pages {
        let Some(found) = read(file) else {
            survey.left_out.add("page", "without_memories", 1);
            continue;
        };
        for kept in found {
            chunks += 1;
            let reason = match kept {
                Err(reason) => Some(reason),
                Ok(kept) => namespace(source.options.namespace.as_ref(), &kept.namespace)
                    .is_none()
                    .then_some("malformed_namespace"),
            };
            match reason {
                Some(reason) => survey.refuse("chunk", reason, 1),
                None => survey.read += 1,
            }
        }
    }
    if chunks != number("chunks") {
        survey.incomplete(format!(
            "the vault was written with {} chunks, and {chunks} are there",
            number("chunks")
        ));
    }
    let records = path.join(page::RECORDS);
    let mut rest = None;
    if records.is_file() {
        let mut judged = Pieces::open(&records, source.options.namespace.clone())?;
        for piece in &mut judged {
            piece?;
        }
        let judged = judged.judged();
        survey.read += judged.read;
        survey.refusals.extend(judged.refusals);
        if judged.record_lines != number("records") {
            survey.incomplete("records of collections are missing".to_owned());
        }
        let pieces = Pieces::open(&records, source.options.namespace.clone())?;
        rest = Some(pieces.proven(judged.hash));
    } else if number("records") > 0 {
        survey.incomplete("the file with the records of collections is missing".to_owned());
    }
    let wanted = source.options.namespace.clone();
    let units = pages.into_iter().flat_map(move |file| {
        units(&file, wanted.as_ref())
            .into_iter()
            .map(|unit| Ok(Piece::Unit(unit)))
    });
    survey.stream = Some(Stream(Box::new(units.chain(rest.into_iter().flatten()))));
    Ok(survey)
}

/// Returns the documents of a page: one, unless somebody put pages together.
fn units(file: &Path, wanted: Option<&steadfast_model::Namespace>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for kept in read(file).into_iter().flatten().flatten() {
        let Some(namespace) = namespace(wanted, &kept.namespace) else {
            continue;
        };
        match units.last_mut() {
            Some(unit) if unit.namespace == namespace && unit.source == kept.source => {
                unit.rows.push(row(kept));
            }
            _ => units.push(Unit {
                namespace,
                source: kept.source.clone(),
                extent: Extent::Whole,
                rows: vec![row(kept)],
            }),
        }
    }
    units
}

type Chunks = Vec<std::result::Result<super::line::Kept, &'static str>>;

fn read(file: &Path) -> Option<Chunks> {
    let is_small = fs::metadata(file).is_ok_and(|found| found.len() <= PAGE_BYTES_MAX);
    let text = is_small.then(|| fs::read_to_string(file).ok())??;
    page::read(&text)
}

/// Returns the pages below a folder, by name. Links are not followed.
fn pages(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
        if found.len() > PAGES_MAX {
            break;
        }
    }
    found.sort();
    found
}
