//! The parts that objects are made of: one function each, written out field by field.

use serde_json::{Value, json};
use steadfast::Event;
use steadfast::model::{
    Chunk, Coverage, Document, Finding, Hit, ModelId, Namespace, Root, Timestamp,
};

/// Returns a CHUNK.
pub fn chunk(chunk: &Chunk) -> Value {
    let (attributes, place) = (&chunk.attributes, &chunk.place);
    json!({
        "id": chunk.id.to_string(),
        "namespace": chunk.namespace.as_str(),
        "source": chunk.source,
        "kind": attributes.kind.as_str(),
        "title": attributes.title,
        "heading_path": place.heading_path,
        "text": chunk.text,
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
        "caution": steadfast::query::caution(&chunk.text).map(steadfast::query::Caution::as_str),
        "links": steadfast::links(&chunk.text, attributes.kind),
    })
}

/// Returns the CHUNKs around another, with `offset`.
pub fn neighbours(neighbours: &[(i64, Chunk)]) -> Value {
    let with_offset = |(offset, neighbour): &(i64, Chunk)| {
        let mut object = chunk(neighbour);
        set(&mut object, "offset", json!(offset));
        object
    };
    neighbours.iter().map(with_offset).collect()
}

/// Returns a HIT.
pub fn hit(hit: &Hit) -> Value {
    let mut object = chunk(&hit.chunk);
    let also_in = |also: &steadfast::model::AlsoIn| {
        json!({
            "id": also.id.to_string(),
            "source": also.source,
            "start_line": also.start_line,
        })
    };
    let fields = [
        ("score", number(hit.score)),
        (
            "matched_via",
            hit.matched_via.iter().map(|way| way.as_str()).collect(),
        ),
        ("snippet", json!(hit.snippet)),
        (
            "highlights",
            hit.highlights
                .iter()
                .map(|&(from, to)| json!([from, to]))
                .collect(),
        ),
        ("also_in", hit.also_in.iter().map(also_in).collect()),
        ("neighbours", neighbours(&hit.neighbours)),
    ];
    for (name, value) in fields {
        set(&mut object, name, value);
    }
    object
}

/// Returns a COVERAGE.
pub fn coverage(coverage: &Coverage) -> Value {
    let not_searched = |left: &steadfast::model::NotSearched| {
        json!({
            "reason": left.reason,
            "count": left.count,
        })
    };
    json!({
        "complete": coverage.complete,
        "generation": coverage.generation.0,
        "in_scope": coverage.in_scope,
        "text": coverage.text,
        "vector": coverage.vector,
        "tail": coverage.tail,
        "not_searched": coverage.not_searched.iter().map(not_searched).collect::<Value>(),
        "degraded": coverage.degraded,
        "warnings": coverage.warnings,
    })
}

/// Returns a FINDING.
pub fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.code,
        "severity": finding.severity.as_str(),
        "what": finding.what,
        "where": finding.place,
        "count": finding.count,
        "remedy": finding.remedy,
        "ids": finding.ids.iter().map(ToString::to_string).collect::<Value>(),
    })
}

/// Returns an element of `sources`.
pub fn source(document: &Document) -> Value {
    json!({
        "source": document.source,
        "namespace": document.namespace.as_str(),
        "chunks": document.chunks,
        "indexed_at": document.indexed_at.to_string(),
        "status": document.status.as_str(),
        "reason": document.reason,
        "seq": document.seq.0,
    })
}

/// Returns an element of `roots`.
pub fn root(root: &Root) -> Value {
    json!({
        "path": root.path,
        "namespace": root.namespace.as_ref().map(Namespace::as_str),
        "tags": root.tags,
        "include": root.include,
        "exclude": root.exclude,
        "hidden": root.takes_hidden,
        "no_ignore": root.takes_ignored,
    })
}

/// Returns a line of `log`.
pub fn event(event: &Event) -> Value {
    json!({
        "seq": event.seq.0,
        "time": event.time.to_string(),
        "op": event.operation,
        "namespace": event.namespace,
        "source": event.source,
        "chunks": event.chunks,
        "actor": event.actor,
    })
}

pub(super) fn model(model: &ModelId) -> Value {
    let hash = model
        .hash
        .iter()
        .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    json!({
        "name": model.name,
        "revision": model.revision,
        "dimensions": model.dimensions,
        "hash": hash,
    })
}

/// Returns the elements of `tags` and `namespaces`.
pub fn names(names: &[(String, u64)]) -> Value {
    names
        .iter()
        .map(|(name, chunks)| json!({"name": name, "chunks": chunks}))
        .collect()
}

/// Returns an f32 with the digits that it has, not those that it gets as an f64.
pub fn number(value: f32) -> Value {
    value
        .to_string()
        .parse::<f64>()
        .map_or(Value::Null, |value| json!(value))
}

/// Sets a field of an object.
pub fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_keeps_its_digits() {
        assert_eq!(number(0.1).to_string(), "0.1");
        assert_eq!(number(1.0).to_string(), "1.0");
        assert_eq!(number(f32::NAN), Value::Null);
    }
}
