//! Bundles: what `export` writes, back into a store.
//!
//! A bundle is read twice, one line at a time. The first time nothing is
//! written: its version, its counts and the hash over all its bytes are proven,
//! and every line is judged. So a bundle that was cut or altered is refused as a
//! whole, and what is refused of one that is whole is known by name and number
//! before anything of the rest is written. A list of chunks in JSON without
//! manifest and end reads as well; only that nothing is missing from it cannot
//! be proven then.
//!
//! | File | Question it answers |
//! |---|---|
//! | `line` | What is in a line? |
//! | `lines` | Which lines are there? |
//! | `pieces` | Which documents and batches of records are they? |
//! | `page` | What is in a page of a vault? |
//! | `vault` | Which pages are there? |

pub(crate) mod line;
mod lines;
pub(crate) mod page;
mod pieces;
pub(super) mod vault;

use std::path::Path;

use steadfast_model::Namespace;

use super::survey::{Stream, Survey};
use super::{ImportKind, Source};
use crate::error::{Error, Result};
use line::{End, Line, Manifest};
use lines::Lines;
use pieces::{Judged, Pieces};
pub(super) use pieces::{PastIn, Piece, RecordsIn};

/// Tells whether a file is a bundle or a list of chunks, by its first line.
pub(super) fn is_bundle(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let first = Lines::open(path).and_then(|mut lines| Ok(lines.next()?.map(line::read)));
    matches!(
        first,
        Ok(Some(
            Line::Manifest(_) | Line::Chunk(_) | Line::Record(_) | Line::Collection(_)
        ))
    )
}

/// Judges a bundle, and gives what is in it out piece by piece.
pub(super) fn survey(source: &Source<'_>, path: &Path) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::Bundle);
    let judged = judge(source, path)?;
    survey.read = judged.read;
    survey.refusals = judged.refusals.clone();
    match &judged.end {
        Some(end) if end.damaged > 0 => survey.incomplete(format!(
            "{} chunks were damaged in the store that the bundle is of, and are not in it",
            end.damaged
        )),
        Some(_) => {}
        None => survey.warnings.push(
            "this is a list without an end: that nothing is missing cannot be proven".to_owned(),
        ),
    }
    if judged.is_unfinished {
        survey.incomplete("the last line is cut".to_owned());
    }
    let proven = judged.hash.clone();
    let pieces = Pieces::open(path, source.options.namespace.clone())?;
    survey.stream = Some(Stream(Box::new(pieces.proven(proven))));
    Ok(survey)
}

/// Reads a bundle to its end without keeping anything of it.
fn judge(source: &Source<'_>, path: &Path) -> Result<Judged> {
    let mut pieces = Pieces::open(path, source.options.namespace.clone())?;
    for piece in &mut pieces {
        piece?;
    }
    let judged = pieces.judged();
    let damaged = |what: String| Error::BundleDamaged {
        path: path.to_owned(),
        what,
    };
    if judged.manifest.is_none() {
        return Ok(judged);
    }
    let Some(end) = &judged.end else {
        return Err(damaged("its end is missing: it was cut".to_owned()));
    };
    if end.blake3 != judged.hash {
        return Err(damaged(
            "its bytes do not have the hash that its end names".to_owned(),
        ));
    }
    if (end.chunks, end.records) != (judged.chunk_lines, judged.record_lines) {
        return Err(damaged(format!(
            "it names {} chunks and {} records and holds {} and {}",
            end.chunks, end.records, judged.chunk_lines, judged.record_lines
        )));
    }
    if end.past != judged.past_lines {
        return Err(damaged(format!(
            "it names {} past versions and holds {}",
            end.past, judged.past_lines
        )));
    }
    Ok(judged)
}

/// Refuses what a newer version wrote.
fn check_version(path: &Path, manifest: &Manifest) -> Result<()> {
    if manifest.version <= line::VERSION {
        return Ok(());
    }
    Err(Error::BundleTooNew {
        path: path.to_owned(),
        found: manifest.version,
        known: line::VERSION,
    })
}

/// Returns the namespace of a chunk: that of the options, else its own; none for one that chunks cannot be in.
fn namespace(options: Option<&Namespace>, name: &str) -> Option<Namespace> {
    if let Some(namespace) = options {
        return Some(namespace.clone());
    }
    if name.is_empty() {
        return Some(Namespace::default());
    }
    Namespace::new(name)
        .ok()
        .filter(|namespace| !namespace.is_collection())
}

/// Whether the end of a bundle was seen, and what it says.
type Ended = Option<End>;
