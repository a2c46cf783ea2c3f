//! The tunnels of a palace: links between two rooms that an agent made, which nothing else of the palace says.
//!
//! `tunnels.json` is a list of `{id, source, target, label, kind, created_at}`;
//! an end has a wing, a room, and perhaps a drawer. A tunnel comes in as a
//! sentence with the whole record in its metadata. What is deliberately not
//! here: tunnels of the kind `topic`, which MemPalace finds anew by itself.

use std::fs;
use std::path::Path;

use serde_json::Value;
use steadfast_model::Kind;

use super::super::json;
use super::super::survey::{Survey, UnitRow, namespace};
use super::super::times::time;
use super::super::{ImportKind, Source};

/// The file of the tunnels, in or beside a palace.
pub(super) const FILE: &str = "tunnels.json";
/// The largest file that is read, in bytes.
const BYTES_MAX: u64 = 64 << 20;
/// The kind of those that MemPalace finds anew.
const DERIVED: &str = "topic";

/// Reads the tunnels; a file that is no list of them is not complete.
pub(super) fn read(source: &Source<'_>, path: &Path, survey: &mut Survey) {
    let is_small = fs::metadata(path).is_ok_and(|found| found.len() <= BYTES_MAX);
    let bytes = if is_small { fs::read(path).ok() } else { None };
    let parsed = bytes.and_then(|bytes| json::read(&bytes, FILE, survey).ok());
    let Some(Value::Array(tunnels)) = parsed else {
        survey.incomplete(format!("the tunnels in {} cannot be read", path.display()));
        return;
    };
    for (number, tunnel) in tunnels.iter().enumerate() {
        if text_of(tunnel, "kind") == Some(DERIVED) {
            survey.left_out.add(FILE, "derived", 1);
            continue;
        }
        match row(tunnel, number) {
            Some(row) => {
                let namespace = namespace(source.options);
                survey.add(namespace, "mempalace:tunnels".to_owned(), row);
            }
            None => survey.refuse("tunnel", "malformed", 1),
        }
    }
}

fn row(tunnel: &Value, number: usize) -> Option<UnitRow> {
    let (from, to) = (end(tunnel, "source")?, end(tunnel, "target")?);
    let text = match text_of(tunnel, "label") {
        Some(label) => format!("{from} and {to}: {label}"),
        None => format!("{from} and {to} belong together"),
    };
    let id = text_of(tunnel, "id").map_or_else(|| format!("tunnel:{number}"), str::to_owned);
    let mut row = UnitRow::new(ImportKind::MemPalace, id, text);
    row.place.fidelity.converted = true;
    row.attributes.kind = Kind::Note;
    row.attributes.tags.insert("tunnel".to_owned());
    row.attributes.document_time = text_of(tunnel, "created_at").and_then(time);
    row.origin("tunnel", tunnel.clone());
    Some(row)
}

/// Returns an end of a tunnel as `wing/room`.
fn end(tunnel: &Value, name: &str) -> Option<String> {
    let end = tunnel.get(name)?;
    Some(format!(
        "{}/{}",
        text_of(end, "wing")?,
        text_of(end, "room")?
    ))
}

fn text_of<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    let text = value.get(name)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}
