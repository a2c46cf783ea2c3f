//! mem0 on one machine: a history in SQLite, and the local mode of Qdrant's client.
//!
//! Written after mem0's `memory/storage.py` and qdrant-client's
//! `local/persistence.py`. The table `history` holds each event of each memory,
//! so the last event gives its text; a collection holds the memories with their
//! metadata as pickles, which are read as data and never run. Where both know a
//! memory the collection wins. Each memory is a document; where several
//! collections have an id, that of the first one is called by the id alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use steadfast_model::{Kind, Timestamp};
use steadfast_store::{ForeignDatabase, StoreError};

use super::super::detect::is_sqlite;
use super::super::survey::{Survey, UnitRow, namespace};
use super::super::times::of_value;
use super::super::{ImportKind, Source};
use super::pickle::{self, Refusal};
use super::{moment, plain, said};
use crate::error::{Error, Result};

const KIND: ImportKind = ImportKind::Mem0;
/// Where a collection lies below a folder, in the order in which they are looked for.
const COLLECTIONS: &[&str] = &["collection", "qdrant/collection"];
const POINTS: &str = "storage.sqlite";
/// The collection of a store that names none.
const DEFAULT_COLLECTION: &str = "mem0";
/// What mem0 keeps for itself.
const OWN_COLLECTION: &str = "mem0migrations";

/// The databases of a store.
pub(in super::super) struct Stores {
    history: Option<ForeignDatabase>,
    collections: Vec<(String, ForeignDatabase)>,
    /// Databases in the places of mem0's, without its tables.
    strange: Vec<PathBuf>,
}

impl Stores {
    /// Returns a store of one database; none when it is no database of mem0.
    pub(in super::super) fn of(database: ForeignDatabase) -> Option<Self> {
        let mut stores = Self {
            history: None,
            collections: Vec::new(),
            strange: Vec::new(),
        };
        stores.add(database).then_some(stores)
    }

    /// Returns what a folder holds of a store; none when that is nothing.
    pub(in super::super) fn below(source: &Source<'_>) -> Result<Option<Self>> {
        let mut stores = Self {
            history: None,
            collections: Vec::new(),
            strange: Vec::new(),
        };
        let mut is_one = false;
        if source.path.is_dir() {
            let (sound, damaged): (Vec<_>, Vec<_>) = candidates(source.path)
                .into_iter()
                .partition(|file| is_sqlite(file));
            for file in sound {
                let database = ForeignDatabase::open(&file, source.scratch)?;
                if stores.add(database) {
                    is_one = true;
                } else {
                    stores.strange.push(file);
                }
            }
            // A file of this name may be anybody's; beside the others it is a damaged one of theirs.
            if let Some(path) = damaged.into_iter().next().filter(|_| is_one) {
                let what = "it does not begin as an SQLite file".to_owned();
                return Err(Error::Store(StoreError::Damaged { path, what }));
            }
        }
        Ok(is_one.then_some(stores))
    }

    fn add(&mut self, database: ForeignDatabase) -> bool {
        let is_history = ["memory_id", "event"]
            .iter()
            .all(|column| database.has_column("history", column));
        if is_history {
            self.history = Some(database);
            return true;
        }
        let is_collection =
            database.has_column("points", "id") && database.has_column("points", "point");
        if is_collection {
            let folder = database.source().parent().and_then(Path::file_name);
            let name = folder.unwrap_or_default().to_string_lossy().into_owned();
            self.collections.push((name, database));
        }
        is_collection
    }

    fn databases(&self) -> impl Iterator<Item = &ForeignDatabase> {
        let collections = self.collections.iter().map(|(_, database)| database);
        self.history.iter().chain(collections)
    }
}

fn candidates(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.join("history.db"), folder.join(POINTS)];
    for collections in COLLECTIONS {
        let entries = std::fs::read_dir(folder.join(collections));
        let entries = entries.into_iter().flatten().flatten();
        let mut collections: Vec<PathBuf> =
            entries.map(|entry| entry.path().join(POINTS)).collect();
        collections.sort();
        found.extend(collections);
    }
    found.retain(|file| file.is_file());
    found
}

/// Memories by their id, and by the name of their collection where another one has the id too.
type Memories = BTreeMap<(String, Option<String>), Found>;

/// A memory.
#[derive(Default)]
struct Found {
    text: String,
    is_lossy: bool,
    created: Option<Timestamp>,
    facts: Map<String, Value>,
    collection: Option<String>,
    is_deleted: bool,
}

/// Reads a store.
pub(in super::super) fn survey(source: &Source<'_>, stores: &Stores) -> Result<Survey> {
    let mut survey = Survey::new(KIND);
    let mut memories = Memories::new();
    if let Some(database) = &stores.history {
        history(database, &mut memories, &mut survey)?;
        messages(source, database, &mut survey)?;
    }
    // A collection that comes later must not take the bare ids of the one that mem0 writes to by itself.
    let mut collections: Vec<&(String, ForeignDatabase)> = stores.collections.iter().collect();
    collections.sort_by_key(|(name, _)| name != DEFAULT_COLLECTION);
    for (name, database) in collections {
        if name == OWN_COLLECTION {
            let count = database.count("points");
            survey.left_out.add("point", "bookkeeping", count);
            continue;
        }
        points(name, database, &mut memories, &mut survey)?;
    }
    if stores.collections.is_empty() {
        survey.warnings.push(
            "only the history is here: whose memories they are is in the collection".to_owned(),
        );
    }
    for ((id, collection), found) in memories {
        add(source, &id, collection.as_deref(), found, &mut survey);
    }
    for file in &stores.strange {
        survey.incomplete(format!(
            "{} does not have the tables of mem0: what was in it is not here",
            file.display()
        ));
    }
    for database in stores.databases() {
        super::super::check(database, &mut survey);
    }
    Ok(survey)
}

/// Follows the events of each memory to its last text.
fn history(database: &ForeignDatabase, memories: &mut Memories, survey: &mut Survey) -> Result<()> {
    let columns = &[
        "memory_id",
        "new_memory",
        "new_value",
        "event",
        "created_at",
        "updated_at",
        "timestamp",
        "is_deleted",
        "actor_id",
        "role",
    ];
    if !database.has_column("history", "new_memory") && !database.has_column("history", "new_value")
    {
        survey.incomplete("the table history has no texts".to_owned());
    }
    let mut superseded = 0;
    let read = database.read("history", columns, &mut |row| {
        let Some(id) = said(row, "memory_id") else {
            survey.refuse("event", "unreadable", 1);
            return;
        };
        let is_deleted = row.text("event") == Some("DELETE")
            || row.integer("is_deleted").is_some_and(|flag| flag != 0);
        let column = if said(row, "new_memory").is_some() {
            "new_memory"
        } else {
            "new_value"
        };
        let key = (id.to_owned(), None);
        let before = memories.remove(&key);
        superseded += u64::from(before.is_some());
        let mut found = before.unwrap_or_default();
        found.is_deleted = is_deleted;
        if let Some(text) = said(row, column) {
            text.clone_into(&mut found.text);
            found.is_lossy = row.is_lossy(column);
        }
        found.created = found
            .created
            .or_else(|| moment(row, "created_at"))
            .or_else(|| moment(row, "timestamp"));
        for column in ["updated_at", "actor_id", "role"] {
            let value = plain(row, column);
            if !value.is_null() {
                found.facts.insert(column.to_owned(), value);
            }
        }
        memories.insert(key, found);
    })?;
    survey.note(read);
    survey.left_out.add("event", "superseded", superseded);
    Ok(())
}

/// Reads the last messages that mem0 kept of each session.
fn messages(source: &Source<'_>, database: &ForeignDatabase, survey: &mut Survey) -> Result<()> {
    let columns = &[
        "id",
        "session_scope",
        "role",
        "content",
        "name",
        "created_at",
    ];
    let read = database.read("messages", columns, &mut |row| {
        let scope = row.text("session_scope").unwrap_or_default();
        let number = row.number().to_string();
        let id = said(row, "id").unwrap_or(&number);
        let text = row.text("content").unwrap_or_default();
        let mut message = UnitRow::new(KIND, format!("message:{id}"), text);
        message.place.fidelity.lossy = row.is_lossy("content");
        message.attributes.kind = Kind::Message;
        message.attributes.document_time = moment(row, "created_at");
        message.keep("role", plain(row, "role"));
        message.keep("speaker", plain(row, "name"));
        message.origin("session", scope);
        let namespace = namespace(source.options);
        survey.add(namespace, format!("{KIND}:messages:{scope}"), message);
    })?;
    survey.note(read);
    Ok(())
}

/// Reads the points of a collection.
fn points(
    name: &str,
    database: &ForeignDatabase,
    memories: &mut Memories,
    survey: &mut Survey,
) -> Result<()> {
    let read = database.read("points", &["id", "point"], &mut |row| {
        let point = row.blob("point").ok_or(Refusal::Malformed);
        let tree = match point.and_then(pickle::read) {
            Ok(tree) if tree.class() == Some("PointStruct") => tree,
            Err(Refusal::Foreign(class)) => {
                survey.refuse("point", "foreign_class", 1);
                survey
                    .warnings
                    .push(format!("a point of {name} names {class}, and is refused"));
                return;
            }
            Ok(_) | Err(Refusal::Malformed) => {
                survey.refuse("point", "unreadable", 1);
                return;
            }
        };
        let id = match tree.field("id") {
            Some(Value::String(id)) => id,
            Some(Value::Number(id)) => id.to_string(),
            _ => format!("{name}:{}", row.text("id").unwrap_or_default()),
        };
        let Some(Value::Object(mut payload)) = tree.field("payload") else {
            survey.refuse("point", "no_text", 1);
            return;
        };
        let text = ["data", "memory"]
            .iter()
            .find_map(|key| match payload.remove(*key) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            });
        let Some(text) = text else {
            survey.refuse("point", "no_text", 1);
            return;
        };
        let created = payload.get("created_at").and_then(of_value);
        let found = Found {
            text,
            is_lossy: false,
            created,
            facts: payload,
            collection: Some(name.to_owned()),
            is_deleted: false,
        };
        match key(memories, id, name) {
            Some(key) => {
                memories.insert(key, found);
            }
            None => survey.refuse("point", "same_id", 1),
        }
    })?;
    survey.note(read);
    Ok(())
}

/// Returns the key of a point; none when its collection has another one with its id.
fn key(memories: &Memories, id: String, collection: &str) -> Option<(String, Option<String>)> {
    let bare = (id, None);
    let first = memories
        .get(&bare)
        .and_then(|known| known.collection.as_deref());
    match first {
        None => Some(bare),
        Some(first) if first == collection => None,
        Some(_) => {
            Some((bare.0, Some(collection.to_owned()))).filter(|key| !memories.contains_key(key))
        }
    }
}

fn add(source: &Source<'_>, id: &str, collection: Option<&str>, found: Found, survey: &mut Survey) {
    if found.is_deleted {
        survey.left_out.add("memory", "deleted", 1);
        return;
    }
    let mut memory = UnitRow::new(KIND, id, found.text);
    memory.place.fidelity.lossy = found.is_lossy;
    memory.attributes.kind = Kind::Note;
    memory.attributes.document_time = found.created;
    memory.origin(
        "collection",
        found.collection.map_or(Value::Null, Value::from),
    );
    for (name, value) in found.facts {
        memory.origin(&name, value);
    }
    let namespace = namespace(source.options);
    let document = match collection {
        Some(collection) => format!("{KIND}:{collection}:{id}"),
        None => format!("{KIND}:{id}"),
    };
    survey.add(namespace, document, memory);
}
