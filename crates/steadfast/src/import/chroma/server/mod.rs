//! A Chroma server that runs: its collections over the API of Chroma 0.6 and later (`/api/v2`).
//!
//! What it gives is placed as the rows of a Chroma database are, so an import
//! over the wire and one from the folder find each other's rows. A collection
//! is read page by page, and its ids once more behind that: while others write
//! a page can move, and then the collection is read again. Embeddings are asked
//! for only where they may be of the store's model. Deliberately not here: what
//! lies beside the database of a palace, which no server hands out.

mod http;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use steadfast_model::{Metadata, Vector};
use steadfast_store::Progress;

use super::super::bundle::line::floats;
use super::super::survey::Survey;
use super::super::vectors::{ForeignSpace, Said};
use super::super::{ImportKind, Source};
use super::rows::{Record, Records};
use super::settings::model_in;
use super::{PALACE_PREFIX, place, vectors};
use crate::error::{Error, Result};
use http::{Answer, Client, escaped};

/// Collections that are asked for at once.
const COLLECTIONS_PAGE: usize = 100;
/// Collections of one database that are read.
const COLLECTIONS_MAX: usize = 100_000;
/// Records that are asked for at once, when their texts are not too long for it.
const RECORDS_PAGE: usize = 500;
/// Ids that are asked for at once.
const IDS_PAGE: usize = 5_000;
/// Records of one collection that are read.
const RECORDS_MAX: usize = 20_000_000;
/// How often a collection is read that changes meanwhile.
const PASSES_MAX: usize = 3;
/// What Chroma marks a value with that is no plain one.
const TYPE_KEY: &str = "#type";

/// A Chroma server that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChromaServer {
    /// Its address, such as `http://127.0.0.1:8000`.
    pub url: String,
    /// The tenant.
    pub tenant: String,
    /// The database of the tenant.
    pub database: String,
}

impl ChromaServer {
    /// Returns the server at an address, with the tenant and the database that Chroma makes itself.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            tenant: "default_tenant".to_owned(),
            database: "default_database".to_owned(),
        }
    }

    /// Asks whether there is a server that speaks this API at the address, and has the database.
    ///
    /// # Errors
    /// As with [`crate::Memory::import_server`].
    pub fn check(&self) -> Result<()> {
        Database::new(self)?.check()
    }
}

/// A collection as the server names it.
struct Named {
    id: String,
    name: String,
    said: Said,
    dimension: Option<u64>,
}

/// What is asked for of a collection.
struct Wanted<'w> {
    collection: &'w Named,
    /// Also the embeddings.
    vectors: bool,
}

/// Where collections are.
struct Database {
    client: Client,
    /// Its path.
    home: String,
    /// The path of its collections.
    path: String,
}

/// Reads all collections of a database.
pub(in crate::import) fn survey(
    source: &Source<'_>,
    server: &ChromaServer,
    progress: &dyn Progress,
) -> Result<Survey> {
    let known = match source.options.kind {
        None => None,
        Some(kind @ (ImportKind::Chroma | ImportKind::MemPalace)) => Some(kind),
        Some(kind) => {
            return Err(Error::Invalid {
                what: format!("a server is asked for chroma or mempalace, not for {kind}"),
            });
        }
    };
    let database = Database::new(server)?;
    database.check()?;
    let collections = database.collections()?;
    let is_palace = collections
        .iter()
        .any(|collection| collection.name.starts_with(PALACE_PREFIX));
    let kind = known.unwrap_or(if is_palace {
        ImportKind::MemPalace
    } else {
        ImportKind::Chroma
    });
    let mut survey = Survey::new(kind);
    let mut records = Records::default();
    for collection in collections {
        progress.item(&collection.name);
        let Named {
            name,
            said,
            dimension,
            ..
        } = &collection;
        let dimension = vectors::may_be_ours(source, name, said, *dimension, &mut survey);
        let wanted = Wanted {
            collection: &collection,
            vectors: dimension.is_some(),
        };
        database.read(&wanted, &mut records, &mut survey, progress)?;
        if dimension.is_some() {
            survey.spaces.push(ForeignSpace {
                label: vectors::label(&collection.id),
                of: collection.name.clone(),
            });
        }
        records.collections.insert(collection.id, collection.name);
    }
    place::add(source, kind, records, &mut survey);
    if kind == ImportKind::MemPalace {
        survey.warnings.push(
            "a server does not hand out the knowledge graph and the identity of a palace: import its folder for them"
                .to_owned(),
        );
    }
    Ok(survey)
}

/// The records of one pass, and the ids of all that there were.
#[derive(Default)]
struct Pass {
    records: HashMap<String, Record>,
    ids: Vec<String>,
    too_large: u64,
    sparse_vectors: u64,
}

impl Database {
    fn new(server: &ChromaServer) -> Result<Self> {
        let home = format!(
            "/api/v2/tenants/{}/databases/{}",
            escaped(&server.tenant),
            escaped(&server.database)
        );
        Ok(Self {
            client: Client::new(&server.url)?,
            path: format!("{home}/collections"),
            home,
        })
    }

    /// Proves that there is such a database: Chroma says of one that is not there that it has no collections.
    fn check(&self) -> Result<()> {
        let said = self.whole(self.client.get(&self.home)?)?;
        if said.get("name").is_some() {
            return Ok(());
        }
        Err(self.client.malformed("no database"))
    }

    fn collections(&self) -> Result<Vec<Named>> {
        let mut collections: Vec<Named> = Vec::new();
        let mut known: HashSet<String> = HashSet::new();
        while collections.len() < COLLECTIONS_MAX {
            let offset = collections.len();
            let path = format!("{}?limit={COLLECTIONS_PAGE}&offset={offset}", self.path);
            let page = self.whole(self.client.get(&path)?)?;
            let Value::Array(page) = page else {
                return Err(self.client.malformed("no list of collections"));
            };
            let before = collections.len();
            for collection in &page {
                let text = |name: &str| collection.get(name).and_then(Value::as_str);
                let (Some(id), Some(name)) = (text("id"), text("name")) else {
                    return Err(self.client.malformed("a collection without id and name"));
                };
                if known.insert(id.to_owned()) {
                    let part = |name| collection.get(name).unwrap_or(&Value::Null);
                    collections.push(Named {
                        id: id.to_owned(),
                        name: name.to_owned(),
                        said: model_in(part("configuration_json"), part("schema")),
                        dimension: part("dimension").as_u64(),
                    });
                }
            }
            // A server that knows no pages gives all of them each time.
            if collections.len() == before {
                return Ok(collections);
            }
        }
        Err(self.client.malformed("collections without an end"))
    }

    /// Reads a collection, until nothing of it moved meanwhile.
    fn read(
        &self,
        wanted: &Wanted<'_>,
        records: &mut Records,
        survey: &mut Survey,
        progress: &dyn Progress,
    ) -> Result<()> {
        let collection = wanted.collection;
        let mut pass = Pass::default();
        let mut is_still = false;
        for _ in 0..PASSES_MAX {
            pass = self.pages(wanted, progress)?;
            is_still = self.ids(collection, pass.ids.len())? == pass.ids;
            if is_still {
                break;
            }
        }
        if !is_still {
            survey.incomplete(format!(
                "the collection {} changed each of {PASSES_MAX} times that it was read: import again when nothing writes into it",
                collection.name
            ));
        }
        survey.refuse("record", "too_large", pass.too_large);
        let left_out = &mut survey.left_out;
        left_out.add("sparse vector", "vector", pass.sparse_vectors);
        let read = pass.records.into_iter();
        let read = read.map(|(id, record)| ((collection.id.clone(), id), record));
        records.rows.extend(read);
        Ok(())
    }

    /// Reads all records once.
    fn pages(&self, wanted: &Wanted<'_>, progress: &dyn Progress) -> Result<Pass> {
        let collection = wanted.collection;
        let total = self.count(collection)?;
        let mut pass = Pass::default();
        let (mut offset, mut limit) = (0, RECORDS_PAGE);
        while offset < RECORDS_MAX {
            let what = if wanted.vectors {
                json!(["documents", "metadatas", "embeddings"])
            } else {
                json!(["documents", "metadatas"])
            };
            let page = match self.page(collection, offset, limit, &what)? {
                Some(page) => page,
                None if limit > 1 => {
                    limit = limit.div_ceil(8);
                    continue;
                }
                None => {
                    // One record is longer than any answer may be: only its id is had.
                    let page = self.page(collection, offset, 1, &json!([]))?;
                    let ids = self.ids_of(page.as_ref().unwrap_or(&Value::Null))?;
                    pass.too_large += 1;
                    offset += 1;
                    limit = RECORDS_PAGE;
                    pass.ids.extend(ids);
                    continue;
                }
            };
            let count = self.take(&page, offset, &collection.id, &mut pass)?;
            if count == 0 {
                return Ok(pass);
            }
            offset += count;
            if !progress.step("records", offset as u64, total.max(offset as u64)) {
                return Err(Error::Invalid {
                    what: "the import was stopped before anything was written".to_owned(),
                });
            }
        }
        Err(self.client.malformed("records without an end"))
    }

    /// Takes the records of a page in; returns how many it has.
    fn take(
        &self,
        page: &Value,
        offset: usize,
        collection: &str,
        pass: &mut Pass,
    ) -> Result<usize> {
        let ids = self.ids_of(page)?;
        let documents = self.column(page, "documents", ids.len())?;
        let metadatas = self.column(page, "metadatas", ids.len())?;
        let embeddings = self.column(page, "embeddings", ids.len())?;
        let count = ids.len();
        let known = pass.records.len();
        for (number, id) in ids.into_iter().enumerate() {
            let value =
                |column: Option<&Vec<Value>>| column.and_then(|column| column.get(number)).cloned();
            let document = match value(documents) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            let mut metadata = match value(metadatas) {
                Some(Value::Object(metadata)) => metadata,
                _ => Metadata::new(),
            };
            let before = metadata.len();
            metadata.retain(|_, value| value.get(TYPE_KEY).is_none());
            pass.sparse_vectors += (before - metadata.len()) as u64;
            metadata.retain(|_, value| !value.is_null());
            let vector = value(embeddings).as_ref().and_then(floats);
            let record = Record {
                vector: vector.map(|vector| (Vector(vector), vectors::label(collection))),
                document,
                metadata,
                order: i64::try_from(offset + number).unwrap_or(i64::MAX),
                ..Record::default()
            };
            pass.records.insert(id.clone(), record);
            pass.ids.push(id);
        }
        if count > 0 && pass.records.len() == known {
            return Err(self
                .client
                .malformed("it gives the same records again and again"));
        }
        Ok(count)
    }

    /// Returns all ids in the order in which records are given out; some too many when there are more than expected.
    fn ids(&self, collection: &Named, expected: usize) -> Result<Vec<String>> {
        let mut all = Vec::new();
        while all.len() <= expected {
            let page = self.page(collection, all.len(), IDS_PAGE, &json!([]))?;
            let page = page.ok_or_else(|| self.client.malformed("ids that are too long"))?;
            let ids = self.ids_of(&page)?;
            if ids.is_empty() {
                return Ok(all);
            }
            all.extend(ids);
        }
        Ok(all)
    }

    fn count(&self, collection: &Named) -> Result<u64> {
        let path = format!("{}/{}/count", self.path, escaped(&collection.id));
        let count = self.whole(self.client.get(&path)?)?;
        count
            .as_u64()
            .ok_or_else(|| self.client.malformed("a count that is no number"))
    }

    /// Asks for a page; none when it is too long to be read.
    fn page(
        &self,
        collection: &Named,
        offset: usize,
        limit: usize,
        include: &Value,
    ) -> Result<Option<Value>> {
        let path = format!("{}/{}/get", self.path, escaped(&collection.id));
        let asked = json!({ "limit": limit, "offset": offset, "include": include });
        Ok(match self.client.post(&path, &asked)? {
            Answer::Json(page) => Some(page),
            Answer::TooLong => None,
        })
    }

    fn ids_of(&self, page: &Value) -> Result<Vec<String>> {
        let ids = page.get("ids").and_then(Value::as_array);
        let ids = ids.and_then(|ids| {
            let texts = ids.iter().map(|id| id.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        ids.ok_or_else(|| self.client.malformed("a page without ids"))
    }

    /// Returns a column of a page, which is as long as its ids are or is not there.
    fn column<'p>(
        &self,
        page: &'p Value,
        name: &str,
        rows: usize,
    ) -> Result<Option<&'p Vec<Value>>> {
        match page.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(column)) if column.len() == rows => Ok(Some(column)),
            Some(_) => {
                let what = format!("a page with {rows} ids and another number of {name}");
                Err(self.client.malformed(what))
            }
        }
    }

    fn whole(&self, answer: Answer) -> Result<Value> {
        match answer {
            Answer::Json(value) => Ok(value),
            Answer::TooLong => Err(self
                .client
                .malformed(format!("more than {} bytes at once", http::BODY_BYTES_MAX))),
        }
    }
}
