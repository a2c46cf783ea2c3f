//! One line of a bundle as a JSON object, and back.
//!
//! Fields of a chunk have the names that every answer of the program has, so a
//! list of chunks in JSON reads as well. Unknown fields are passed over: a later
//! version may add some without becoming another format.

use serde_json::{Map, Value, json};
use steadfast_model::chunk::Fidelity;
use steadfast_model::{
    Attributes, Chunk, CollectionSpace, ContentHash, Distance, Kind, Metadata, Place,
    StoredCollection, Timestamp, Trust,
};

/// The format that this version writes, and the newest that it reads.
pub(crate) const VERSION: u64 = 1;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) version: u64,
    /// The model that made the vectors, where there are any.
    pub(crate) model: Option<String>,
}

/// What the last line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) chunks: u64,
    pub(crate) records: u64,
    /// Versions that were no longer live.
    pub(crate) past: u64,
    /// Chunks whose text was damaged in the store, and which are not in the bundle.
    pub(crate) damaged: u64,
    /// The hash of all bytes before it.
    pub(crate) blake3: String,
}

/// A chunk as it was kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) source: String,
    pub(crate) text: String,
    pub(crate) place: Place,
    pub(crate) attributes: Attributes,
    pub(crate) access_count: u64,
    pub(crate) note: Option<ContentHash>,
    pub(crate) vector: Option<(Vec<f32>, String)>,
    /// When it came into the store that the bundle is of.
    pub(crate) added: Option<Timestamp>,
}

/// A collection without its records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CollectionHead {
    pub(crate) name: String,
    pub(crate) distance: Distance,
    pub(crate) meta: Metadata,
    pub(crate) space: CollectionSpace,
}

/// A record of a collection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeptRecord {
    pub(crate) collection: String,
    pub(crate) id: String,
    pub(crate) document: Option<String>,
    pub(crate) meta: Metadata,
    pub(crate) vector: Option<Vec<f32>>,
}

/// What a line holds.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Manifest(Manifest),
    Chunk(Box<Kept>),
    /// A version that was no longer live, with when it left.
    Past(Box<Kept>, Timestamp),
    Collection(CollectionHead),
    Record(KeptRecord),
    End(End),
    /// A kind of line that this version does not know, or one that is malformed.
    Refused {
        what: &'static str,
        reason: &'static str,
    },
}

/// Returns a chunk as an object.
pub(crate) fn chunk(
    chunk: &Chunk,
    note: Option<&ContentHash>,
    vector: Option<(&[f32], &str)>,
) -> Value {
    let mut object = about(chunk, note);
    if let Value::Object(fields) = &mut object {
        fields.insert("text".to_owned(), Value::from(chunk.text.as_str()));
        if let Some((vector, model)) = vector {
            fields.insert("vector".to_owned(), json!(vector));
            fields.insert("vector_model".to_owned(), Value::from(model));
        }
    }
    object
}

/// Adds when a chunk came, and, of a version, when it left.
pub(crate) fn add_times(object: &mut Value, added: Timestamp, removed: Option<Timestamp>) {
    if let Value::Object(fields) = object {
        fields.insert("added_at".to_owned(), Value::from(added.to_string()));
        if let Some(removed) = removed {
            fields.insert("type".to_owned(), Value::from("past"));
            fields.insert("removed_at".to_owned(), Value::from(removed.to_string()));
        }
    }
}

/// Returns all of a chunk but its text.
pub(crate) fn about(chunk: &Chunk, note: Option<&ContentHash>) -> Value {
    let (attributes, place) = (&chunk.attributes, &chunk.place);
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let mut object = json!({
        "id": chunk.id.to_string(),
        "namespace": chunk.namespace.as_str(),
        "source": chunk.source,
        "kind": attributes.kind.as_str(),
        "title": attributes.title,
        "heading_path": place.heading_path,
        "start_line": place.start_line,
        "end_line": place.end_line,
        "start_byte": place.start_byte,
        "end_byte": place.end_byte,
        "ordinal": place.ordinal,
        "position": place.position,
        "lossy": place.fidelity.lossy,
        "converted": place.fidelity.converted,
        "redacted": place.fidelity.redacted,
        "content_hash": chunk.content_hash.to_string(),
        "tags": attributes.tags,
        "meta": attributes.meta,
        "document_time": time(attributes.document_time),
        "valid_from": time(attributes.valid_from),
        "valid_to": time(attributes.valid_to),
        "added_seq": chunk.added_seq.0,
        "removed_seq": chunk.removed_seq.map(|seq| seq.0),
        "access_count": chunk.access_count,
        "trust": attributes.trust.as_str(),
        "links": crate::ingest::chunk::links(&chunk.text, attributes.kind),
    });
    if let (Some(note), Value::Object(fields)) = (note, &mut object) {
        fields.insert("note".to_owned(), Value::from(note.to_string()));
    }
    object
}

/// Returns a collection as an object.
pub(crate) fn collection(collection: &StoredCollection) -> Value {
    let (space, dimensions) = match collection.space {
        CollectionSpace::Undecided => ("undecided", None),
        CollectionSpace::Model => ("model", None),
        CollectionSpace::Given { dimensions } => ("given", Some(dimensions)),
    };
    json!({
        "type": "collection",
        "name": collection.name,
        "distance": collection.distance.as_str(),
        "meta": collection.meta,
        "space": space,
        "dimensions": dimensions,
    })
}

/// Returns a record as an object.
pub(crate) fn record(collection: &str, chunk: &Chunk, vector: Option<&[f32]>) -> Value {
    // The chunk of a record without a document starts at no line.
    let document = (chunk.place.start_line > 0).then_some(chunk.text.as_str());
    json!({
        "type": "record",
        "collection": collection,
        "id": chunk.source,
        "document": document,
        "meta": chunk.attributes.meta,
        "vector": vector,
        "access_count": chunk.access_count,
    })
}

/// Reads a line.
pub(crate) fn read(bytes: &[u8]) -> Line {
    let refused = |what, reason| Line::Refused { what, reason };
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(bytes) else {
        return refused("line", "unreadable");
    };
    let kind = fields.get("type").and_then(Value::as_str);
    match kind {
        Some("manifest") => manifest(&fields).map_or(refused("line", "malformed"), Line::Manifest),
        Some("end") => Line::End(end(&fields)),
        Some("collection") => {
            read_collection(&mut fields).map_or(refused("line", "malformed"), Line::Collection)
        }
        Some("record") => {
            read_record(&mut fields).map_or(refused("record", "malformed"), Line::Record)
        }
        Some("past") => past(&mut fields).unwrap_or_else(|reason| refused("version", reason)),
        None | Some("chunk") => match kept(&mut fields) {
            Ok(kept) => Line::Chunk(Box::new(kept)),
            Err(reason) => refused("chunk", reason),
        },
        Some(_) => refused("line", "unknown_type"),
    }
}

fn manifest(fields: &Map<String, Value>) -> Option<Manifest> {
    Some(Manifest {
        version: fields.get("steadfast_bundle")?.as_u64()?,
        model: fields
            .get("vector_model")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

fn end(fields: &Map<String, Value>) -> End {
    let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or(0);
    End {
        chunks: number("chunks"),
        records: number("records"),
        past: number("past"),
        damaged: number("damaged"),
        blake3: text(fields, "blake3").unwrap_or_default(),
    }
}

fn read_collection(fields: &mut Map<String, Value>) -> Option<CollectionHead> {
    let dimensions = fields.get("dimensions").and_then(Value::as_u64);
    Some(CollectionHead {
        name: text(fields, "name")?,
        distance: fields.get("distance")?.as_str()?.parse().ok()?,
        meta: object(fields, "meta"),
        space: match (fields.get("space")?.as_str()?, dimensions) {
            ("undecided", _) => CollectionSpace::Undecided,
            ("model", _) => CollectionSpace::Model,
            ("given", Some(dimensions)) => CollectionSpace::Given {
                dimensions: usize::try_from(dimensions).ok()?,
            },
            _ => return None,
        },
    })
}

fn read_record(fields: &mut Map<String, Value>) -> Option<KeptRecord> {
    let vector = match fields.get("vector") {
        None | Some(Value::Null) => None,
        Some(numbers) => Some(floats(numbers)?),
    };
    Some(KeptRecord {
        collection: text(fields, "collection")?,
        id: text(fields, "id").filter(|id| !id.is_empty())?,
        document: take_text(fields, "document"),
        meta: object(fields, "meta"),
        vector,
    })
}

/// Reads a version that was no longer live.
fn past(fields: &mut Map<String, Value>) -> Result<Line, &'static str> {
    let removed = time(fields, "removed_at")?.ok_or("malformed")?;
    let kept = kept(fields)?;
    if kept.added.is_none() {
        return Err("malformed");
    }
    Ok(Line::Past(Box::new(kept), removed))
}

/// Reads a chunk; what is left out has the value that a text which stands alone has.
pub(crate) fn kept(fields: &mut Map<String, Value>) -> Result<Kept, &'static str> {
    let text_of_chunk = take_text(fields, "text").ok_or("no_text")?;
    let source = text(fields, "source").ok_or("no_source")?;
    if source.is_empty() || source.contains('\0') {
        return Err("no_source");
    }
    if let Some(hash) = text(fields, "content_hash")
        && hash != ContentHash::of(&text_of_chunk).to_string()
    {
        return Err("wrong_hash");
    }
    let attributes = attributes(fields)?;
    let place = place(fields, &text_of_chunk);
    let vector = fields.get("vector").and_then(floats);
    let added = time(fields, "added_at")?;
    Ok(Kept {
        added,
        id: text(fields, "id").unwrap_or_default(),
        namespace: text(fields, "namespace").unwrap_or_default(),
        source,
        place,
        attributes,
        access_count: number(fields, "access_count").unwrap_or(0),
        note: text(fields, "note").and_then(|note| hash(&note)),
        vector: vector.zip(text(fields, "vector_model")),
        text: text_of_chunk,
    })
}

fn attributes(fields: &mut Map<String, Value>) -> Result<Attributes, &'static str> {
    let named = |name: &str| fields.get(name).and_then(Value::as_str);
    let kind =
        named("kind").map_or(Ok(Kind::Text), |name| name.parse().map_err(|_| "malformed"))?;
    let trust = named("trust").map_or(Ok(Trust::Import), |name| {
        name.parse().map_err(|_| "malformed")
    })?;
    Ok(Attributes {
        kind,
        title: text(fields, "title"),
        tags: texts(fields, "tags").into_iter().collect(),
        document_time: time(fields, "document_time")?,
        valid_from: time(fields, "valid_from")?,
        valid_to: time(fields, "valid_to")?,
        trust,
        meta: object(fields, "meta"),
    })
}

fn place(fields: &Map<String, Value>, text: &str) -> Place {
    let line = |name: &str| number(fields, name).and_then(|line| u32::try_from(line).ok());
    let flag = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or(false);
    let feeds = text
        .trim_end()
        .bytes()
        .filter(|byte| *byte == b'\n')
        .count();
    let start_line = line("start_line").unwrap_or(1);
    let feeds = u32::try_from(feeds).unwrap_or(u32::MAX);
    Place {
        start_line,
        end_line: line("end_line").unwrap_or(start_line.saturating_add(feeds)),
        start_byte: number(fields, "start_byte").unwrap_or(0),
        end_byte: number(fields, "end_byte").unwrap_or(text.len() as u64),
        ordinal: line("ordinal").unwrap_or(0),
        position: line("position").unwrap_or(0),
        heading_path: texts(fields, "heading_path"),
        fidelity: Fidelity {
            lossy: flag("lossy"),
            converted: flag("converted"),
            redacted: flag("redacted"),
        },
    }
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<u64> {
    fields.get(name).and_then(Value::as_u64)
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn texts(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = fields.get(name).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn object(fields: &mut Map<String, Value>, name: &str) -> Metadata {
    match fields.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Metadata::new(),
    }
}

/// Reads a time as it was written, also one that no calendar has.
fn time(fields: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, &'static str> {
    let Some(text) = fields.get(name).and_then(Value::as_str) else {
        return Ok(None);
    };
    let outside = text.strip_suffix("ms").and_then(|text| text.parse().ok());
    outside
        .map(Timestamp)
        .or_else(|| Timestamp::parse(text).ok())
        .map(Some)
        .ok_or("malformed")
}

fn hash(hex: &str) -> Option<ContentHash> {
    blake3::Hash::from_hex(hex)
        .ok()
        .map(|hash| ContentHash(*hash.as_bytes()))
}

/// Reads the numbers of a vector; none when one of them is no number that a vector can hold.
pub(crate) fn floats(value: &Value) -> Option<Vec<f32>> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what was written is the value of an f32"
    )]
    let float = |number: &Value| Some(number.as_f64()? as f32).filter(|value| value.is_finite());
    value.as_array()?.iter().map(float).collect()
}
