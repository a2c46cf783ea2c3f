//! basic-memory: notes in files of Markdown, and an SQLite file that knows them.
//!
//! Written after its `models/knowledge.py` and earlier migrations. The text of
//! a note is in the table `note_content`, or, before that was there, in the file
//! alone. Such a file lies wherever its project does; it is read only when it
//! is Markdown and has the SHA-256 that the database gives for it, so that a
//! database can name no file whose text it does not know. A note without its
//! text brings its observations, and the survey is then not complete.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use steadfast_model::{Kind, Timestamp};
use steadfast_store::ForeignDatabase;

use super::super::digest::sha256_hex;
use super::super::notes::{self, NoteFile};
use super::super::survey::{Survey, UnitRow, json_value, text_list};
use super::super::{ImportKind, Source};
use super::{expect, moment, plain, said};
use crate::error::Result;
use crate::ingest::chunk::kind_of;

const KIND: ImportKind = ImportKind::BasicMemory;
/// The longest note that is read, in bytes.
const NOTE_BYTES_MAX: u64 = 16 << 20;

/// Returns whether the database is one of basic-memory.
pub(in super::super) fn is_basic_memory(database: &ForeignDatabase) -> bool {
    database.has_column("entity", "file_path")
        && database.has_column("entity", "permalink")
        && database.has_column("observation", "entity_id")
}

/// A note.
struct Entity {
    id: i64,
    title: Option<String>,
    permalink: Option<String>,
    file_path: String,
    checksum: Option<String>,
    project: i64,
    sort: Value,
    metadata: Value,
    created: Option<Timestamp>,
    lines: Vec<Observation>,
    relations: Vec<Value>,
    text: Option<String>,
}

struct Observation {
    id: i64,
    category: String,
    content: String,
    tags: Vec<String>,
    context: Value,
}

/// Reads all notes.
pub(in super::super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(KIND);
    expect(
        database,
        "observation",
        &["content", "category"],
        &mut survey,
    );
    expect(
        database,
        "relation",
        &["from_id", "relation_type"],
        &mut survey,
    );
    let projects = projects(database, &mut survey)?;
    let mut entities = entities(database, &mut survey)?;
    let places: HashMap<i64, usize> = entities
        .iter()
        .enumerate()
        .map(|(place, entity)| (entity.id, place))
        .collect();
    observations(database, &places, &mut entities, &mut survey)?;
    relations(database, &places, &mut entities, &mut survey)?;
    contents(database, &places, &mut entities, &mut survey)?;
    let folder = database.source().parent().unwrap_or(Path::new("."));
    let mut missing = 0;
    for mut entity in entities {
        let project = projects.get(&entity.project);
        if entity.text.is_none() {
            entity.text = file(&entity, project.map(|(_, path)| path.as_path()), folder);
        }
        missing += u64::from(entity.text.is_none());
        add(
            source,
            &entity,
            project.map(|(name, _)| name.as_str()),
            &mut survey,
        );
    }
    if missing > 0 {
        survey.incomplete(format!(
            "{missing} notes are not where the database has them, or were changed since: only their observations come; \
             index their folder to have the rest"
        ));
    }
    Ok(survey)
}

/// The name and folder of each project.
fn projects(
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<HashMap<i64, (String, PathBuf)>> {
    let mut projects = HashMap::new();
    let read = database.read("project", &["id", "name", "path"], &mut |row| {
        if let (Some(id), Some(name)) = (row.integer("id"), said(row, "name")) {
            let path = PathBuf::from(row.text("path").unwrap_or_default());
            projects.insert(id, (name.to_owned(), path));
        }
    })?;
    survey.note(read);
    Ok(projects)
}

fn entities(database: &ForeignDatabase, survey: &mut Survey) -> Result<Vec<Entity>> {
    let columns = &[
        "id",
        "title",
        "permalink",
        "file_path",
        "checksum",
        "project_id",
        "note_type",
        "entity_type",
        "entity_metadata",
        "created_at",
        "content_type",
    ];
    let mut entities = Vec::new();
    let mut other = 0;
    let read = database.read("entity", columns, &mut |row| {
        let Some(file_path) = said(row, "file_path") else {
            survey.refuse("entity", "unreadable", 1);
            return;
        };
        if row
            .text("content_type")
            .is_some_and(|kind| kind != "text/markdown")
        {
            other += 1;
            return;
        }
        let sort = ["note_type", "entity_type"]
            .iter()
            .find_map(|column| said(row, column));
        entities.push(Entity {
            id: row.integer("id").unwrap_or_else(|| row.number()),
            title: said(row, "title").map(str::to_owned),
            permalink: said(row, "permalink").map(str::to_owned),
            file_path: file_path.to_owned(),
            checksum: said(row, "checksum").map(str::to_owned),
            project: row.integer("project_id").unwrap_or(0),
            sort: sort.map_or(Value::Null, Value::from),
            metadata: json_value(row.text("entity_metadata")),
            created: moment(row, "created_at"),
            lines: Vec::new(),
            relations: Vec::new(),
            text: None,
        });
    })?;
    survey.note(read);
    survey.left_out.add("entity", "no_note", other);
    Ok(entities)
}

fn observations(
    database: &ForeignDatabase,
    places: &HashMap<i64, usize>,
    entities: &mut [Entity],
    survey: &mut Survey,
) -> Result<()> {
    let columns = &["id", "entity_id", "content", "category", "context", "tags"];
    let mut orphans = 0;
    let read = database.read("observation", columns, &mut |row| {
        let place = row.integer("entity_id").and_then(|id| places.get(&id));
        let Some(entity) = place.and_then(|place| entities.get_mut(*place)) else {
            orphans += 1;
            return;
        };
        entity.lines.push(Observation {
            id: row.integer("id").unwrap_or_else(|| row.number()),
            category: row.text("category").unwrap_or("note").to_owned(),
            content: row.text("content").unwrap_or_default().to_owned(),
            tags: text_list(row.text("tags")),
            context: plain(row, "context"),
        });
    })?;
    survey.note(read);
    if orphans > 0 {
        survey.refuse("observation", "no_entity", orphans);
    }
    Ok(())
}

fn relations(
    database: &ForeignDatabase,
    places: &HashMap<i64, usize>,
    entities: &mut [Entity],
    survey: &mut Survey,
) -> Result<()> {
    let columns = &["from_id", "to_id", "to_name", "relation_type", "context"];
    let mut orphans = 0;
    let read = database.read("relation", columns, &mut |row| {
        let to = row.integer("to_id").and_then(|id| places.get(&id));
        let to = to
            .and_then(|place| entities.get(*place))
            .and_then(|entity| entity.permalink.clone())
            .or_else(|| row.text("to_name").map(str::to_owned));
        let from = row.integer("from_id").and_then(|id| places.get(&id));
        let Some(entity) = from.and_then(|place| entities.get_mut(*place)) else {
            orphans += 1;
            return;
        };
        entity.relations.push(serde_json::json!({
            "type": plain(row, "relation_type"), "to": to, "context": plain(row, "context"),
        }));
    })?;
    survey.note(read);
    survey.left_out.add("relation", "no_entity", orphans);
    Ok(())
}

/// Reads the texts that the database itself holds.
fn contents(
    database: &ForeignDatabase,
    places: &HashMap<i64, usize>,
    entities: &mut [Entity],
    survey: &mut Survey,
) -> Result<()> {
    let columns = &["entity_id", "markdown_content"];
    let read = database.read("note_content", columns, &mut |row| {
        let place = row.integer("entity_id").and_then(|id| places.get(&id));
        if let Some(entity) = place.and_then(|place| entities.get_mut(*place)) {
            entity.text = said(row, "markdown_content").map(str::to_owned);
        }
    })?;
    survey.note(read);
    Ok(())
}

/// Reads the file of a note, in the folder of its project or in that of the database, when it is the one that is known.
fn file(entity: &Entity, project: Option<&Path>, folder: &Path) -> Option<String> {
    let checksum = entity.checksum.as_deref()?;
    let relative = Path::new(&entity.file_path);
    let is_inside = relative
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !is_inside || kind_of(&entity.file_path) != Kind::Markdown {
        return None;
    }
    [Some(folder), project]
        .into_iter()
        .flatten()
        .find_map(|folder| {
            let path = folder.join(relative);
            let found = std::fs::symlink_metadata(&path).ok()?;
            if !found.is_file() || found.len() > NOTE_BYTES_MAX {
                return None;
            }
            let bytes = std::fs::read(&path).ok()?;
            (sha256_hex(&bytes) == checksum).then(|| String::from_utf8(bytes).ok())?
        })
}

fn add(source: &Source<'_>, entity: &Entity, project: Option<&str>, survey: &mut Survey) {
    let namespace = survey.namespace(source.options, project);
    let document = format!("{KIND}:{}", entity.file_path);
    let about = |row: &mut UnitRow| {
        if row.attributes.title.is_none() {
            row.attributes.title.clone_from(&entity.title);
        }
        row.attributes.document_time = row.attributes.document_time.or(entity.created);
        row.origin(
            "permalink",
            entity.permalink.clone().map_or(Value::Null, Value::from),
        );
        row.origin("path", entity.file_path.as_str());
        row.origin("type", entity.sort.clone());
        row.origin("metadata", entity.metadata.clone());
        row.origin("relations", entity.relations.clone());
    };
    let Some(text) = &entity.text else {
        for line in &entity.lines {
            let mut row = UnitRow::new(KIND, format!("observation:{}", line.id), &*line.content);
            row.attributes.kind = Kind::Note;
            row.attributes.tags = line.tags.iter().cloned().collect();
            row.origin("category", line.category.as_str());
            row.origin("context", line.context.clone());
            about(&mut row);
            survey.add(namespace.clone(), document.clone(), row);
        }
        survey.refuse("note", "text_missing", 1);
        return;
    };
    // Observations are lines of the note.
    survey.merge(entity.lines.len() as u64);
    let name = format!("entity:{}", entity.id);
    let note = NoteFile {
        kind: KIND,
        id: &name,
        path: &entity.file_path,
        title: entity.title.as_deref(),
        text,
        is_lossy: false,
    };
    for mut row in notes::rows(&note, survey) {
        about(&mut row);
        survey.add(namespace.clone(), document.clone(), row);
    }
}
