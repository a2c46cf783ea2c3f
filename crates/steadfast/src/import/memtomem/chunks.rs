//! Chunks with what belongs to them: duplicates collapse, counters, tags and links are merged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::super::digest::sha256_hex;
use super::super::survey::{Survey, UnitRow, text_list};
use super::super::times::{seconds, time};
use super::super::{ImportKind, Source};
use crate::error::Result;
use crate::ingest::chunk::kind_of;

const COLUMNS: &[&str] = &[
    "id",
    "content",
    "content_hash",
    "source_file",
    "heading_hierarchy",
    "chunk_type",
    "start_line",
    "end_line",
    "language",
    "tags",
    "namespace",
    "created_at",
    "updated_at",
    "access_count",
    "use_count",
    "last_accessed_at",
    "overlap_before",
    "overlap_after",
    "importance_score",
    "valid_from_unix",
    "valid_to_unix",
    "scope",
    "project_root",
];

/// What is kept as it is, as metadata `origin.<column>`.
const KEPT: &[&str] = &[
    "content_hash",
    "chunk_type",
    "language",
    "created_at",
    "updated_at",
    "overlap_before",
    "overlap_after",
    "scope",
    "project_root",
];

/// A chunk of memtomem, with what is compared and merged apart from the rest.
struct Found {
    row: UnitRow,
    namespace: String,
    source_file: String,
    content_hash: String,
    /// The text has its hash, as far as it has one.
    is_intact: bool,
    start_line: i64,
    end_line: i64,
    created_at: String,
    access_count: i64,
    use_count: i64,
    importance: f64,
    last_accessed_at: Option<String>,
    merged_ids: Vec<String>,
}

impl Found {
    /// Returns what duplicates have in common. Rows without a hash are told apart by that of their text.
    fn key(&self) -> (String, String, String, i64) {
        let hash = match self.content_hash.as_str() {
            "" => hash_of(&self.row.text),
            hash => hash.to_owned(),
        };
        (
            self.namespace.clone(),
            self.source_file.clone(),
            hash,
            self.start_line,
        )
    }

    /// Orders duplicates: first the one that stays, by memtomem's own rule, but none that is damaged before one that
    /// is not.
    fn precedence(&self) -> (bool, std::cmp::Reverse<i64>, &str, &str) {
        let used = self.access_count.saturating_add(self.use_count);
        (
            !self.is_intact,
            std::cmp::Reverse(used),
            &self.created_at,
            &self.row.id,
        )
    }

    fn absorb(&mut self, other: Self) {
        self.access_count = self.access_count.saturating_add(other.access_count);
        self.use_count = self.use_count.saturating_add(other.use_count);
        self.importance = self.importance.max(other.importance);
        if other.last_accessed_at > self.last_accessed_at {
            self.last_accessed_at = other.last_accessed_at;
        }
        self.row.attributes.tags.extend(other.row.attributes.tags);
        self.merged_ids.push(other.row.id);
        self.merged_ids.extend(other.merged_ids);
    }
}

/// Reads the chunks.
pub(super) fn read(
    source: &Source<'_>,
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<()> {
    let mut groups: BTreeMap<(String, String, String, i64), Vec<Found>> = BTreeMap::new();
    let mut altered = 0_u64;
    let read = database.read("chunks", COLUMNS, &mut |row| match found(row) {
        Some(found) => {
            altered += u64::from(!found.is_intact);
            groups.entry(found.key()).or_default().push(found);
        }
        None => survey.refuse("chunk", "no_text", 1),
    })?;
    survey.note(read);
    if altered > 0 {
        survey.incomplete(format!(
            "{altered} chunks do not have the hash that memtomem wrote for them: their text was changed or damaged"
        ));
    }
    let mut keepers: HashMap<String, String> = HashMap::new();
    let mut kept: Vec<Found> = Vec::with_capacity(groups.len());
    for mut group in groups.into_values() {
        group.sort_by(|a, b| a.precedence().cmp(&b.precedence()));
        let mut group = group.into_iter();
        let Some(mut keeper) = group.next() else {
            continue;
        };
        for loser in group {
            keepers.insert(loser.row.id.clone(), keeper.row.id.clone());
            keeper.absorb(loser);
            survey.merge(1);
        }
        kept.push(keeper);
    }
    let links = links(database, survey, &keepers)?;
    let entities = entities(database, survey, &keepers)?;
    // In the order of the file, which is the order in which neighbours are shown.
    kept.sort_by(|a, b| {
        (
            &a.namespace,
            &a.source_file,
            a.start_line,
            a.end_line,
            &a.created_at,
        )
            .cmp(&(
                &b.namespace,
                &b.source_file,
                b.start_line,
                b.end_line,
                &b.created_at,
            ))
    });
    for found in kept {
        let links = links.get(&found.row.id);
        let entities = entities.get(&found.row.id);
        add(source, survey, found, links, entities);
    }
    Ok(())
}

fn found(row: &ForeignRow<'_>) -> Option<Found> {
    let text = row.text("content").filter(|text| !text.trim().is_empty())?;
    let id = row
        .text("id")
        .map_or_else(|| format!("row:{}", row.number()), str::to_owned);
    let mut unit = UnitRow::new(ImportKind::Memtomem, id, text);
    unit.place.fidelity.lossy = row.is_lossy("content");
    unit.lines(row.integer("start_line"), row.integer("end_line"));
    unit.place.heading_path = text_list(row.text("heading_hierarchy"))
        .iter()
        .map(|heading| heading.trim_start_matches('#').trim().to_owned())
        .filter(|heading| !heading.is_empty())
        .collect();
    let text_of = |column: &str| row.text(column).unwrap_or_default().to_owned();
    let attributes = &mut unit.attributes;
    attributes.kind = kind_of(&text_of("source_file"));
    attributes.title = unit.place.heading_path.first().cloned();
    attributes.tags = text_list(row.text("tags")).into_iter().collect();
    attributes.document_time = row.text("created_at").and_then(time);
    attributes.valid_from = row.integer("valid_from_unix").map(seconds);
    // memtomem's end is the last second that is still valid.
    attributes.valid_to = row
        .integer("valid_to_unix")
        .map(|end| seconds(end.saturating_add(1)));
    for column in KEPT {
        unit.origin(column, plain(row, column));
    }
    let content_hash = text_of("content_hash");
    Some(Found {
        namespace: text_of("namespace"),
        source_file: text_of("source_file"),
        is_intact: content_hash.is_empty() || hash_of(text) == content_hash,
        content_hash,
        start_line: row.integer("start_line").unwrap_or(0),
        end_line: row.integer("end_line").unwrap_or(0),
        created_at: text_of("created_at"),
        access_count: row.integer("access_count").unwrap_or(0),
        use_count: row.integer("use_count").unwrap_or(0),
        importance: real(row, "importance_score"),
        last_accessed_at: row.text("last_accessed_at").map(str::to_owned),
        merged_ids: Vec::new(),
        row: unit,
    })
}

fn plain(row: &ForeignRow<'_>, column: &str) -> Value {
    match (row.text(column), row.integer(column)) {
        (Some(text), _) => Value::from(text),
        (None, Some(number)) => Value::from(number),
        (None, None) => Value::Null,
    }
}

fn real(row: &ForeignRow<'_>, column: &str) -> f64 {
    if let ForeignValue::Real(number) = row.value(column) {
        *number
    } else {
        0.0
    }
}

/// memtomem hashes the text in Unicode's composed form.
fn hash_of(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let composed: String = text.nfc().collect();
    sha256_hex(composed.as_bytes())
}

fn add(
    source: &Source<'_>,
    survey: &mut Survey,
    found: Found,
    links: Option<&BTreeSet<(String, String)>>,
    entities: Option<&BTreeSet<String>>,
) {
    let mut row = found.row;
    row.origin("source", found.source_file.as_str());
    row.origin("namespace", found.namespace.as_str());
    // What was never counted says nothing.
    for (name, count) in [
        ("access_count", found.access_count),
        ("use_count", found.use_count),
    ] {
        row.origin(
            name,
            if count > 0 {
                Value::from(count)
            } else {
                Value::Null
            },
        );
    }
    if found.importance > 0.0 {
        row.origin("importance_score", found.importance);
    }
    row.origin("last_accessed_at", json!(found.last_accessed_at));
    row.origin("merged_ids", json!(found.merged_ids));
    let links = links.into_iter().flatten();
    let links: Vec<Value> = links
        .map(|(relation, target)| json!({"relation": relation, "id": target}))
        .collect();
    row.origin("links", json!(links));
    row.origin("entities", json!(entities));
    let namespace = survey.namespace(source.options, Some(&found.namespace));
    survey.add(namespace, format!("memtomem:{}", found.source_file), row);
}

/// Returns for each kept chunk those that it is linked with, by kind of link; links of merged rows go with them.
fn links(
    database: &ForeignDatabase,
    survey: &mut Survey,
    keepers: &HashMap<String, String>,
) -> Result<HashMap<String, BTreeSet<(String, String)>>> {
    let mut links: HashMap<String, BTreeSet<(String, String)>> = HashMap::new();
    let kept = |id: &str| keepers.get(id).map_or(id, String::as_str).to_owned();
    for (table, kind) in [
        ("chunk_links", "link_type"),
        ("chunk_relations", "relation_type"),
    ] {
        let read = database.read(table, &["source_id", "target_id", kind], &mut |row| {
            let (Some(from), Some(to)) = (row.text("source_id"), row.text("target_id")) else {
                return;
            };
            let (from, to) = (kept(from), kept(to));
            if from != to {
                let kind = row.text(kind).unwrap_or("related").to_owned();
                links.entry(from).or_default().insert((kind, to));
            }
        })?;
        survey.note(read);
    }
    Ok(links)
}

fn entities(
    database: &ForeignDatabase,
    survey: &mut Survey,
    keepers: &HashMap<String, String>,
) -> Result<HashMap<String, BTreeSet<String>>> {
    let mut entities: HashMap<String, BTreeSet<String>> = HashMap::new();
    let columns = &["chunk_id", "entity_type", "entity_value"];
    let read = database.read("chunk_entities", columns, &mut |row| {
        if let (Some(chunk), Some(value)) = (row.text("chunk_id"), row.text("entity_value")) {
            let kind = row.text("entity_type").unwrap_or("entity");
            let chunk = keepers.get(chunk).map_or(chunk, String::as_str);
            entities
                .entry(chunk.to_owned())
                .or_default()
                .insert(format!("{kind}:{value}"));
        }
    })?;
    survey.note(read);
    Ok(entities)
}
