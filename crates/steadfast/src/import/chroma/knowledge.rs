//! What lies in or beside a palace: the knowledge graph, the tunnels and the identity text.
//!
//! A fact comes in as a sentence of its three parts, with its validity; the
//! hallways, which MemPalace finds anew from its rooms, stay out.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use steadfast_model::Kind;
use steadfast_store::{ForeignDatabase, ForeignValue};

use super::super::survey::{Survey, UnitRow, namespace};
use super::super::times::time;
use super::super::{ImportKind, Source};
use super::tunnels;
use crate::error::Result;

const GRAPH: &str = "knowledge_graph.sqlite3";
const IDENTITY: &str = "identity.txt";
/// Files that are counted and left out.
const DERIVED: &[&str] = &["hallways.json"];
/// The longest identity text that is read, in bytes.
const IDENTITY_BYTES_MAX: u64 = 1 << 20;

/// Reads what lies in the folder of a palace, or else beside it.
pub(super) fn read(source: &Source<'_>, folder: &Path, survey: &mut Survey) -> Result<()> {
    let find = |name: &str| {
        [Some(folder), folder.parent()]
            .into_iter()
            .flatten()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    };
    if let Some(path) = find(GRAPH) {
        match ForeignDatabase::open(&path, source.scratch) {
            Ok(database) => facts(source, &database, survey)?,
            Err(error) => survey.incomplete(format!("the knowledge graph cannot be read: {error}")),
        }
    }
    if let Some(path) = find(tunnels::FILE) {
        tunnels::read(source, &path, survey);
    }
    if let Some(path) = find(IDENTITY) {
        identity(source, &path, survey);
    }
    for name in DERIVED {
        survey
            .left_out
            .add(name, "derived", u64::from(find(name).is_some()));
    }
    Ok(())
}

fn identity(source: &Source<'_>, path: &Path, survey: &mut Survey) {
    let is_small = fs::metadata(path).is_ok_and(|found| found.len() <= IDENTITY_BYTES_MAX);
    let read = if is_small { fs::read(path).ok() } else { None };
    let Some(bytes) = read else {
        survey.incomplete(format!("{} cannot be read", path.display()));
        return;
    };
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() {
        return;
    }
    let mut note = UnitRow::new(ImportKind::MemPalace, "identity", text.as_ref());
    note.place.fidelity.lossy = matches!(text, std::borrow::Cow::Owned(_));
    note.attributes.kind = Kind::Note;
    note.attributes.title = Some("identity".to_owned());
    note.attributes.tags.insert("identity".to_owned());
    let namespace = namespace(source.options);
    survey.add(namespace, "mempalace:identity".to_owned(), note);
}

fn facts(source: &Source<'_>, database: &ForeignDatabase, survey: &mut Survey) -> Result<()> {
    let mut names: HashMap<String, String> = HashMap::new();
    let read = database.read("entities", &["id", "name"], &mut |row| {
        if let (Some(id), Some(name)) = (row.text("id"), row.text("name")) {
            names.insert(id.to_owned(), name.to_owned());
        }
    })?;
    survey.note(read);
    let columns = &[
        "id",
        "subject",
        "predicate",
        "object",
        "valid_from",
        "valid_to",
        "confidence",
        "source_closet",
        "source_file",
        "extracted_at",
    ];
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let read = database.read("triples", columns, &mut |row| {
        let parts = [
            row.text("subject"),
            row.text("predicate"),
            row.text("object"),
        ];
        let [Some(subject), Some(predicate), Some(object)] = parts else {
            survey.refuse("fact", "no_text", 1);
            return;
        };
        let id = row
            .text("id")
            .map_or_else(|| format!("triple:{}", row.number()), str::to_owned);
        let text = format!(
            "{} {} {}",
            name(subject),
            predicate.replace('_', " "),
            name(object)
        );
        let mut fact = UnitRow::new(ImportKind::MemPalace, id, text);
        fact.place.fidelity.converted = true;
        fact.attributes.kind = Kind::Note;
        fact.attributes.tags.insert("fact".to_owned());
        fact.attributes.valid_from = row.text("valid_from").and_then(time);
        fact.attributes.valid_to = row.text("valid_to").and_then(time);
        fact.attributes.document_time = row.text("extracted_at").and_then(time);
        for column in [
            "subject",
            "predicate",
            "object",
            "source_closet",
            "source_file",
        ] {
            fact.origin(column, row.text(column).map_or(Value::Null, Value::from));
        }
        if let ForeignValue::Real(confidence) = row.value("confidence") {
            fact.origin("confidence", *confidence);
        }
        let namespace = namespace(source.options);
        survey.add(namespace, "mempalace:knowledge-graph".to_owned(), fact);
    })?;
    survey.note(read);
    Ok(())
}
