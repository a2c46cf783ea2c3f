//! What a reader found in a source: rows by document, refusals, and what was left out.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use steadfast_model::{Attributes, Metadata, Namespace, Place, Trust};
use steadfast_store::TableRead;

use super::bundle::Piece;
use super::digest::sha256_hex;
use super::sessions::mark::Reached;
use super::vectors::ForeignSpace;
use super::{ImportKind, ImportOptions, LeftOut};
use crate::error::Result;
use crate::ingest::{Carried, Line, redact_row};

/// Characters of a name that are shown when it is changed.
const NAME_CHARS_SHOWN: usize = 80;
/// Digits of a hash that tell names apart.
const HASH_DIGITS: usize = 12;

/// What a source too large for the memory gives out piece by piece.
pub(super) struct Stream(pub(super) Box<dyn Iterator<Item = Result<Piece>>>);

/// All that a reader found.
pub(super) struct Survey {
    pub(super) kind: ImportKind,
    /// Memories that were found: rows of units, merged and refused ones.
    pub(super) read: u64,
    /// Rows that were merged into another row of the source.
    pub(super) merged: u64,
    /// Documents, in the order in which they were found.
    pub(super) units: Vec<Unit>,
    /// Further pieces, counted in `read` already.
    pub(super) stream: Option<Stream>,
    pub(super) refusals: Tally,
    pub(super) left_out: Tally,
    pub(super) complete: bool,
    /// What is no Unicode was replaced in what was read so far.
    pub(super) is_mended: bool,
    pub(super) warnings: Vec<String>,
    /// Spaces of the vectors that rows of the units carry.
    pub(super) spaces: Vec<ForeignSpace>,
    /// Why vectors of the source are made anew.
    pub(super) vectors_anew: Vec<String>,
    /// How much of their documents the units are.
    pub(super) extent: Extent,
    /// How far a log was read, when it is one alone.
    pub(super) reached: Option<Reached>,
    places: HashMap<(Namespace, String), usize>,
    /// Names of the source that no namespace can have, and those that they have here.
    renamed: HashMap<String, Namespace>,
}

/// A document of the source.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) namespace: Namespace,
    pub(super) source: String,
    pub(super) extent: Extent,
    pub(super) rows: Vec<UnitRow>,
}

/// How much of a document is at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it, in order.
    #[default]
    Whole,
    /// What comes behind that which is in the store.
    Rest,
}

/// A row of the source: its text comes in as one chunk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UnitRow {
    /// Its id in the source.
    pub(super) id: String,
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) attributes: Attributes,
    /// What belongs to it beside text and attributes.
    pub(super) carried: Carried,
    /// Secrets that were taken out of it.
    pub(super) redactions: u64,
}

/// Counts by what and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<(String, String), u64>);

impl Tally {
    pub(super) fn add(&mut self, what: &str, reason: &str, count: u64) {
        if count > 0 {
            *self
                .0
                .entry((what.to_owned(), reason.to_owned()))
                .or_default() += count;
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        for ((what, reason), count) in other.0 {
            self.add(&what, &reason, count);
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(super) fn into_list(self) -> Vec<LeftOut> {
        self.0
            .into_iter()
            .map(|((what, reason), count)| LeftOut {
                what,
                reason,
                count,
            })
            .collect()
    }
}

impl Survey {
    pub(super) fn new(kind: ImportKind) -> Self {
        Self {
            kind,
            read: 0,
            merged: 0,
            units: Vec::new(),
            stream: None,
            refusals: Tally::default(),
            left_out: Tally::default(),
            complete: true,
            is_mended: false,
            warnings: Vec::new(),
            spaces: Vec::new(),
            vectors_anew: Vec::new(),
            extent: Extent::Whole,
            reached: None,
            places: HashMap::new(),
            renamed: HashMap::new(),
        }
    }

    /// Returns the namespace for a row: that of the options, else one called `name`, else the default. A name that no
    /// namespace can have is changed, and that is told.
    pub(super) fn namespace(&mut self, options: &ImportOptions, name: Option<&str>) -> Namespace {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let (None, Some(name)) = (&options.namespace, name) else {
            return namespace(options);
        };
        if let Some(namespace) = open_namespace(name) {
            return namespace;
        }
        let warnings = &mut self.warnings;
        let renamed = self.renamed.entry(name.to_owned()).or_insert_with(|| {
            let namespace = renamed(name);
            let shown: String = name.chars().take(NAME_CHARS_SHOWN).collect();
            warnings.push(format!(
                "no namespace can be called {shown:?}; what is in it comes into {namespace}"
            ));
            namespace
        });
        renamed.clone()
    }

    /// Adds a row to the end of its document; a row without text is refused.
    pub(super) fn add(&mut self, namespace: Namespace, source: String, mut row: UnitRow) {
        if row.text.trim().is_empty() {
            self.refuse("row", "no_text", 1);
            return;
        }
        self.read += 1;
        row.place.fidelity.lossy |=
            self.is_mended && row.text.contains(char::REPLACEMENT_CHARACTER);
        let (units, extent) = (&mut self.units, self.extent);
        let place =
            *self
                .places
                .entry((namespace, source))
                .or_insert_with_key(|(namespace, source)| {
                    units.push(Unit {
                        namespace: namespace.clone(),
                        source: source.clone(),
                        extent,
                        rows: Vec::new(),
                    });
                    units.len() - 1
                });
        if let Some(unit) = self.units.get_mut(place) {
            unit.rows.push(row);
        }
    }

    /// Counts rows that live on in another row.
    pub(super) fn merge(&mut self, rows: u64) {
        self.read += rows;
        self.merged += rows;
    }

    /// Counts memories that cannot come in.
    pub(super) fn refuse(&mut self, what: &str, reason: &str, count: u64) {
        self.read += count;
        self.refusals.add(what, reason, count);
    }

    /// Says that something of the source is not in what was found.
    pub(super) fn incomplete(&mut self, warning: String) {
        self.complete = false;
        self.warnings.push(warning);
    }

    /// Says why the vectors of a part of the source are not taken over.
    pub(super) fn made_anew(&mut self, of: &str, why: &str) {
        self.vectors_anew
            .push(format!("the vectors of {of} are made anew: {why}"));
    }

    /// Takes note of what became of reading a table.
    pub(super) fn note(&mut self, read: TableRead) {
        if let Some(damage) = read.damage {
            self.incomplete(damage);
        }
    }
}

impl UnitRow {
    /// Returns a row with its origin in the metadata, and the place of a text that stands alone.
    pub(super) fn new(kind: ImportKind, id: impl Into<String>, text: impl Into<String>) -> Self {
        let (id, text) = (id.into(), text.into());
        let mut meta = Metadata::new();
        meta.insert("origin.id".to_owned(), Value::from(id.as_str()));
        meta.insert("origin.kind".to_owned(), Value::from(kind.as_str()));
        let line_feeds = text
            .trim_end()
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count();
        let place = Place {
            start_line: 1,
            end_line: u32::try_from(line_feeds).map_or(u32::MAX, |lines| lines.saturating_add(1)),
            start_byte: 0,
            end_byte: text.len() as u64,
            ..Place::default()
        };
        let attributes = Attributes {
            meta,
            trust: Trust::Import,
            ..Attributes::default()
        };
        Self {
            id,
            text,
            place,
            attributes,
            carried: Carried::default(),
            redactions: 0,
        }
    }

    /// Takes secrets out, but not of the id: that is what makes the row the same again.
    pub(super) fn redact(&mut self, line: &Line<'_>) {
        let id = self.attributes.meta.remove("origin.id");
        self.redactions = redact_row(line, &mut self.text, &mut self.place, &mut self.attributes);
        if self.redactions > 0 {
            // The vector is that of the text as it was.
            self.carried.vector = None;
        }
        if let Some(id) = id {
            self.attributes.meta.insert("origin.id".to_owned(), id);
        }
    }

    /// Keeps a value of the source as metadata `origin.<name>`; nulls and empty values are not kept.
    ///
    /// What stands there already stays, above all the id and the kind that make the row the same again; a value of the
    /// source with such a name is kept as `origin.source.<name>`.
    pub(super) fn origin(&mut self, name: &str, value: impl Into<Value>) {
        let (key, value) = (format!("origin.{name}"), value.into());
        match self.attributes.meta.get(&key) {
            Some(known) if *known == value => {}
            Some(_) => self.keep(&format!("origin.source.{name}"), value),
            None => self.keep(&key, value),
        }
    }

    /// Takes metadata over as it is; what stands under a key of it already stays, as with [`Self::origin`].
    pub(super) fn take_over(&mut self, metadata: &Metadata) {
        let meta = &mut self.attributes.meta;
        for (key, value) in metadata {
            let is_taken = meta.get(key).is_some_and(|known| known != value);
            let other = key
                .strip_prefix("origin.")
                .filter(|_| is_taken)
                .map(|name| format!("origin.source.{name}"));
            meta.entry(other.unwrap_or_else(|| key.clone()))
                .or_insert_with(|| value.clone());
        }
    }

    /// Keeps a value under a name of the source's own.
    pub(super) fn keep(&mut self, name: &str, value: Value) {
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !is_empty {
            self.attributes.meta.insert(name.to_owned(), value);
        }
    }

    /// Sets the lines that the source gives, when it gives any.
    pub(super) fn lines(&mut self, start: Option<i64>, end: Option<i64>) {
        let line = |line: Option<i64>| {
            line.and_then(|line| u32::try_from(line).ok())
                .filter(|line| *line > 0)
        };
        if let Some(start) = line(start) {
            self.place.start_line = start;
            self.place.end_line = line(end).unwrap_or(start).max(start);
        }
    }
}

/// Returns the namespace of the options, else the default.
pub(super) fn namespace(options: &ImportOptions) -> Namespace {
    options.namespace.clone().unwrap_or_default()
}

/// Returns the namespace of a name, when it is one for chunks: those of collections hold records alone.
fn open_namespace(name: &str) -> Option<Namespace> {
    let namespace = Namespace::new(name).ok();
    namespace.filter(|namespace| !namespace.is_collection())
}

/// Returns a namespace that is called as much like a name as can be. One that is too long is told apart by its hash.
fn renamed(name: &str) -> Namespace {
    let mut new: String = name
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if new.len() > Namespace::BYTES_MAX {
        let hash = sha256_hex(name.as_bytes());
        let end = format!("-{}", hash.get(..HASH_DIGITS).unwrap_or(&hash));
        while new.len() + end.len() > Namespace::BYTES_MAX {
            new.pop();
        }
        new.push_str(&end);
    }
    open_namespace(&new)
        .or_else(|| open_namespace(&new.replacen(':', "-", 1)))
        .unwrap_or_default()
}

/// Returns the texts of a JSON list; a text that is no such list stands for itself.
pub(super) fn text_list(json: Option<&str>) -> Vec<String> {
    let Some(json) = json.map(str::trim).filter(|json| !json.is_empty()) else {
        return Vec::new();
    };
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Array(list)) => list
            .into_iter()
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .filter(|text| !text.trim().is_empty())
            .collect(),
        Ok(Value::Null) => Vec::new(),
        _ => vec![json.to_owned()],
    }
}

/// Returns a JSON text as the value it is; what is no JSON stays a text.
pub(super) fn json_value(json: Option<&str>) -> Value {
    json.map_or(Value::Null, |json| {
        serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_no_namespace_can_have_is_changed_and_told_once() {
        let mut survey = Survey::new(ImportKind::Chroma);
        let mut options = ImportOptions::default();
        let long = "n".repeat(300);
        for (name, wanted) in [
            ("home", "home"),
            (" ", "default"),
            ("collection:foo", "collection-foo"),
            ("collection:foo", "collection-foo"),
            ("a\nb", "a b"),
        ] {
            let namespace = survey.namespace(&options, Some(name));
            assert_eq!(namespace.as_str(), wanted);
        }
        let [first, second] =
            ["a", "b"].map(|end| survey.namespace(&options, Some(&format!("{long}{end}"))));
        assert_ne!(first, second);
        assert_eq!(first.as_str().len(), Namespace::BYTES_MAX);
        assert_eq!(survey.warnings.len(), 4, "{:?}", survey.warnings);
        options.namespace = Namespace::new("given").ok();
        let given = survey.namespace(&options, Some("a\nb"));
        assert_eq!(Some(given), options.namespace);
    }

    #[test]
    fn no_fact_of_a_source_takes_the_place_of_the_id() {
        let mut row = UnitRow::new(ImportKind::Mem0, "m1", "Likes tea.");
        row.origin("id", "custom");
        row.origin("kind", "mem0");
        row.origin("user", "ada");
        let Value::Object(metadata) =
            json!({"origin.kind": "preference", "origin.note": "", "room": "kitchen"})
        else {
            unreachable!()
        };
        row.take_over(&metadata.into_iter().collect());
        let expected = json!({"origin.id": "m1", "origin.source.id": "custom", "origin.kind": "mem0",
            "origin.source.kind": "preference", "origin.user": "ada", "origin.note": "", "room": "kitchen"});
        assert_eq!(json!(row.attributes.meta), expected);
    }
}
