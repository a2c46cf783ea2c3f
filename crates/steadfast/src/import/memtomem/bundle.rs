//! Bundles of memtomem, versions 1 and 2: one JSON object with a list of chunks.
//!
//! They hold less than its database: no counters, no validity, no links.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use super::super::digest::sha256_hex;
use super::super::json;
use super::super::sessions::read_whole;
use super::super::survey::{Survey, UnitRow, text_list};
use super::super::times::time;
use super::super::{ImportKind, Source};
use crate::error::{Error, Result};
use crate::ingest::chunk::kind_of;

/// The newest version that is known.
const VERSION: u64 = 2;
/// What is kept as it is, as metadata `origin.<name>`.
const KEPT: &[&str] = &["content_hash", "chunk_type", "language", "created_at"];
/// How much of a file is looked at to tell what it is.
const LOOK_BYTES: u64 = 4_096;

/// Tells whether a file begins as a bundle of memtomem does.
pub(in crate::import) fn is_bundle(path: &Path) -> bool {
    use std::io::Read as _;
    let mut head = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LOOK_BYTES).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let is_object = head
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{');
    let names = |name: &str| head.contains(&format!("\"{name}\""));
    read.is_ok() && is_object && names("exported_at") && names("chunks")
}

/// Reads a bundle of memtomem.
pub(in crate::import) fn survey(source: &Source<'_>, path: &Path) -> Result<Survey> {
    let bytes = read_whole(path)?;
    let damaged = |what: String| Error::BundleDamaged {
        path: path.to_owned(),
        what,
    };
    let mut survey = Survey::new(ImportKind::Memtomem);
    let bundle = json::read(&bytes, "the bundle", &mut survey)
        .map_err(|error| damaged(format!("it is no JSON: {error}")))?;
    let version = bundle.get("version").map_or(Some(1), |version| {
        let text = version.as_str().and_then(|text| text.parse().ok());
        version.as_u64().or(text)
    });
    let version = version.ok_or_else(|| damaged("its version is no number".to_owned()))?;
    if version > VERSION {
        return Err(Error::BundleTooNew {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    let chunks = bundle.get("chunks").and_then(Value::as_array);
    let chunks = chunks.ok_or_else(|| damaged("it has no list of chunks".to_owned()))?;
    let named = bundle.get("total_chunks").and_then(Value::as_u64);
    if named.is_some_and(|named| named != chunks.len() as u64) {
        survey.incomplete(format!(
            "it names {} chunks and holds {}",
            named.unwrap_or(0),
            chunks.len()
        ));
    }
    let mut seen = HashSet::new();
    let mut altered = 0_u64;
    for chunk in chunks {
        let Some((key, source_file, row)) = row(chunk, &mut altered) else {
            survey.refuse("chunk", "no_text", 1);
            continue;
        };
        if !seen.insert(key) {
            survey.merge(1);
            continue;
        }
        let name = chunk.get("namespace").and_then(Value::as_str);
        let namespace = survey.namespace(source.options, name);
        survey.add(namespace, format!("memtomem:{source_file}"), row);
    }
    if altered > 0 {
        survey.incomplete(format!(
            "{altered} chunks do not have the hash that memtomem wrote for them: their text was changed or damaged"
        ));
    }
    Ok(survey)
}

type Key = (String, String, String, i64);

/// Returns a chunk with what makes it the same as another, and its file.
fn row(chunk: &Value, altered: &mut u64) -> Option<(Key, String, UnitRow)> {
    let text = |name: &str| chunk.get(name).and_then(Value::as_str);
    let number = |name: &str| chunk.get(name).and_then(Value::as_i64);
    let content = text("content").filter(|content| !content.trim().is_empty())?;
    let hash = sha256_hex(composed(content).as_bytes());
    if text("content_hash").is_some_and(|named| !named.is_empty() && named != hash) {
        *altered += 1;
    }
    let source_file = text("source_file").unwrap_or("unknown").to_owned();
    let start_line = number("start_line").unwrap_or(0);
    // Version 1 has no ids.
    let id = text("chunk_id")
        .or(text("id"))
        .map_or_else(|| format!("{hash}:{start_line}"), str::to_owned);
    let mut row = UnitRow::new(ImportKind::Memtomem, id, content);
    row.lines(number("start_line"), number("end_line"));
    row.place.heading_path = list(chunk.get("heading_hierarchy"))
        .iter()
        .map(|heading| heading.trim_start_matches('#').trim().to_owned())
        .filter(|heading| !heading.is_empty())
        .collect();
    row.attributes.kind = kind_of(&source_file);
    row.attributes.title = row.place.heading_path.first().cloned();
    row.attributes.tags = list(chunk.get("tags")).into_iter().collect();
    row.attributes.document_time = text("created_at").and_then(time);
    for name in KEPT {
        row.origin(name, chunk.get(*name).cloned().unwrap_or(Value::Null));
    }
    row.origin("source", source_file.as_str());
    row.origin("namespace", text("namespace").unwrap_or_default());
    let key = (
        text("namespace").unwrap_or_default().to_owned(),
        source_file.clone(),
        hash,
        start_line,
    );
    Some((key, source_file, row))
}

/// Returns a list, which is JSON or a text that is JSON.
fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text_list(Some(text)),
        Some(Value::Null) | None => Vec::new(),
        Some(value) => text_list(Some(&value.to_string())),
    }
}

/// memtomem hashes the text in Unicode's composed form.
fn composed(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfc().collect()
}
