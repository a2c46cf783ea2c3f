//! Notes of other programs, as files of Markdown: vaults of Obsidian and exports of Notion.
//!
//! A note is a document, cut as Markdown is when it is indexed, with its title,
//! tags and dates. A chunk is called by its note and the hash of its text, so a
//! note that was edited gives what is new, and nothing is taken for changed
//! because a paragraph before it grew; what is gone from it stays in the store,
//! as with every import. Whoever keeps the notes where they are indexes the
//! folder instead, which follows edits.

mod csv;
mod notion;
mod vault;

use std::collections::HashMap;

use serde_json::Value;
use steadfast_model::Kind;

use super::digest::sha256_hex;
use super::files::{Files, Unread};
use super::survey::{Survey, UnitRow, namespace};
use super::{ImportKind, Source};
use crate::ingest::chunk::{ChunkLimits, Facts, chunk_source, kind_of};

pub(super) use notion::{is_notion, survey as survey_notion};
pub(super) use vault::{is_vault, survey as survey_vault};

/// Digits of a hash in an id: as many as keep two texts of one note apart.
const HASH_DIGITS: usize = 16;

/// A note, read.
pub(super) struct NoteFile<'n> {
    pub(super) kind: ImportKind,
    /// What makes it the same note, whatever it is called.
    pub(super) id: &'n str,
    /// Its path in the export.
    pub(super) path: &'n str,
    pub(super) title: Option<&'n str>,
    pub(super) text: &'n str,
    pub(super) is_lossy: bool,
}

/// Adds a note to the survey.
fn add(source: &Source<'_>, note: &NoteFile<'_>, survey: &mut Survey) {
    for row in rows(note, survey) {
        let document = format!("{}:{}", note.kind, note.id);
        survey.add(namespace(source.options), document, row);
    }
}

/// Cuts a note into rows.
pub(super) fn rows(note: &NoteFile<'_>, survey: &mut Survey) -> Vec<UnitRow> {
    let kind = kind_of(note.path);
    let cut = chunk_source(note.text, kind, note.path, &ChunkLimits::default());
    if cut.spans.is_empty() {
        survey.left_out.add("note", "no_text", 1);
    }
    let mut calls = Calls::default();
    let mut rows = Vec::with_capacity(cut.spans.len());
    for span in cut.spans {
        let text = note.text.get(span.range.clone()).unwrap_or_default();
        let id = calls.name(note.id, text);
        let mut row = UnitRow::new(note.kind, id, text);
        row.lines(Some(span.start_line.into()), Some(span.end_line.into()));
        row.place.start_byte = span.range.start as u64;
        row.place.end_byte = span.range.end as u64;
        row.place.heading_path = span.heading_path;
        row.place.fidelity.lossy = note.is_lossy;
        row.attributes.kind = kind;
        row.attributes.title = note.title.map(str::to_owned);
        if let Some(facts) = cut.facts.get(span.facts) {
            take_over(facts, &mut row);
        }
        row.origin("path", note.path);
        rows.push(row);
    }
    rows
}

/// Takes over what a note says about itself.
fn take_over(facts: &Facts, row: &mut UnitRow) {
    let attributes = &mut row.attributes;
    if let Some(title) = &facts.title {
        attributes.title = Some(title.clone());
    }
    attributes.tags.clone_from(&facts.tags);
    attributes.document_time = facts.document_time;
    attributes.valid_from = facts.valid_from;
    attributes.valid_to = facts.valid_to;
    row.take_over(&facts.meta);
}

/// Names the chunks of one note.
#[derive(Default)]
struct Calls(HashMap<String, usize>);

impl Calls {
    /// Returns the id of a chunk: its note, the hash of its text, and a number when the note says it again.
    fn name(&mut self, note: &str, text: &str) -> String {
        let hash = sha256_hex(text.as_bytes());
        let hash = hash.get(..HASH_DIGITS).unwrap_or(&hash).to_owned();
        let count = self.0.entry(hash.clone()).or_default();
        *count += 1;
        match *count {
            1 => format!("{note}#{hash}"),
            again => format!("{note}#{hash}-{again}"),
        }
    }
}

/// Reads a text file of an export.
fn text(files: &mut Files, name: &str, survey: &mut Survey) -> Option<(String, bool)> {
    match files.text(name) {
        Ok(read) => Some(read),
        Err(unread) => {
            refuse(unread, survey);
            None
        }
    }
}

fn refuse(unread: Unread, survey: &mut Survey) {
    super::files::refuse(vec![unread], survey);
}

/// Returns a JSON value for what may be missing.
fn or_null(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// Returns whether a file is a note by its name.
fn is_note(name: &str) -> bool {
    kind_of(name) == Kind::Markdown
}
