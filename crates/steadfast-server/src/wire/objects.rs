//! The objects of whole commands, which the tools of the same names answer with too.

use serde_json::{Map, Value, json};
use steadfast::model::{Fault, Finding, Retry};
use steadfast::{
    Answer, ChunkWithNeighbours, ForgetPlan, Forgotten, Health, ImportReport, IndexReport, LeftOut,
    Listing, Remembered, Scrubbed, Verification,
};

use super::parts::{chunk, coverage, finding, hit, model, neighbours, set};

/// How many sources a plan to forget names.
const SOURCES_SHOWN: usize = 100;

/// Returns the object of `search`; `indexed` says what was brought up to date for it.
pub fn answer(answer: &Answer, indexed: Option<&Value>, elapsed_ms: f64) -> Value {
    json!({
        "hits": answer.hits.iter().map(hit).collect::<Value>(),
        "coverage": coverage(&answer.coverage),
        "cursor": answer.cursor,
        "elapsed_ms": elapsed_ms,
        "indexed": indexed,
    })
}

/// Returns the object of `get`.
pub fn found(found: &[ChunkWithNeighbours]) -> Value {
    let object = |found: &ChunkWithNeighbours| {
        let mut object = chunk(&found.chunk);
        set(&mut object, "neighbours", neighbours(&found.neighbours));
        object
    };
    json!({"chunks": found.iter().map(object).collect::<Value>()})
}

/// Returns the object of `list`, and of the tool `recent`.
pub fn listing(listing: &Listing) -> Value {
    json!({
        "chunks": listing.chunks.iter().map(chunk).collect::<Value>(),
        "cursor": listing.cursor,
        "total": listing.total,
        "damaged": listing.damaged,
    })
}

/// Returns the object of `remember`.
pub fn remembered(remembered: &Remembered) -> Value {
    json!({
        "id": remembered.id.to_string(),
        "ids": remembered.ids.iter().map(ToString::to_string).collect::<Value>(),
        "seq": remembered.seq.0,
        "outcome": remembered.outcome.as_str(),
        "redactions": remembered.redactions,
    })
}

/// Returns the object of `forget`: the plan, and what was done of it if anything.
pub fn forgotten(plan: &ForgetPlan, forgotten: Option<&Forgotten>) -> Value {
    json!({
        "plan": {
            "chunks": plan.chunks,
            "sources": plan.sources.len(),
            "source_names": plan.sources.iter().take(SOURCES_SHOWN).collect::<Vec<_>>(),
            "roots": plan.roots.iter().map(super::root).collect::<Value>(),
        },
        "seq": forgotten.and_then(|forgotten| forgotten.seq).map(|seq| seq.0),
        "forgotten": forgotten.map_or(0, |forgotten| forgotten.chunks),
        "purged": forgotten.map(|forgotten| forgotten.is_purged),
    })
}

/// Returns the object of an error.
pub fn error(
    kind: &str,
    message: &str,
    place: Option<&str>,
    retry: Retry,
    hint: Option<&str>,
) -> Value {
    json!({"error": {
        "kind": kind,
        "message": message,
        "where": place,
        "retry": retry.as_str(),
        "hint": hint,
    }})
}

/// Returns the object of an error of the library, its causes in the message.
pub fn library_error(failure: &steadfast::Error) -> Value {
    let message = std::iter::once(failure.to_string())
        .chain(causes(failure))
        .collect::<Vec<_>>()
        .join(": ");
    error(
        failure.kind(),
        &message,
        failure.place().as_deref(),
        failure.retry(),
        failure.hint().as_deref(),
    )
}

/// Returns the causes that say more than the error itself.
pub fn causes(error: &steadfast::Error) -> impl Iterator<Item = String> {
    let said = error.to_string();
    let first = std::error::Error::source(error);
    std::iter::successors(first, |error| error.source())
        .map(ToString::to_string)
        .filter(move |cause| !said.contains(cause.as_str()))
}

/// Returns the object of `index`, which is also part of that of `search --in`.
pub fn index_report(report: &IndexReport, elapsed_ms: f64) -> Value {
    let skipped = |skipped: &steadfast::SkippedSource| {
        json!({
            "source": skipped.source,
            "reason": skipped.reason,
        })
    };
    json!({
        "seq": report.seq.0,
        "files": {
            "added": report.files.added,
            "changed": report.files.changed,
            "unchanged": report.files.unchanged,
            "removed": report.files.removed,
            "skipped": report.files.skipped,
        },
        "chunks": {
            "inserted": report.chunks.inserted,
            "reused": report.chunks.reused,
            "updated": report.chunks.updated,
            "removed": report.chunks.removed,
        },
        "redactions": report.redactions,
        "elapsed_ms": elapsed_ms,
        "skipped": report.skipped.iter().map(skipped).collect::<Value>(),
        "vectors_filled": report.vectors_filled,
        "roots": report.roots.iter().map(super::root).collect::<Value>(),
        "warnings": report.warnings,
    })
}

/// Returns the object of `import`, done or planned.
pub fn import_report(report: &ImportReport, elapsed_ms: f64) -> Value {
    let left_out = |left: &LeftOut| {
        json!({
            "what": left.what,
            "reason": left.reason,
            "count": left.count,
        })
    };
    json!({
        "kind": report.kind.as_str(),
        "read": report.read,
        "imported": report.imported,
        "reused": report.reused,
        "updated": report.updated,
        "refused": report.refused,
        "refusals": report.refusals.iter().map(left_out).collect::<Value>(),
        "left_out": report.left_out.iter().map(left_out).collect::<Value>(),
        "verified": report.verified,
        "redactions": report.redactions,
        "vectors": {
            "taken_over": report.vectors.taken_over,
            "embedded": report.vectors.embedded,
            "pending": report.vectors.pending,
        },
        "vectors_anew": report.vectors_anew,
        "complete": report.complete,
        "warnings": report.warnings,
        "seq": report.seq.0,
        "elapsed_ms": elapsed_ms,
    })
}

/// Returns the object of `verify`: of everything, or of what a slice has compared.
pub fn verification(report: &Verification, slice: Option<&Scrubbed>) -> Value {
    json!({
        "ok": report.findings.iter().all(Finding::only_informs),
        "checked": {
            "chunks": report.chunks,
            "vectors": report.vectors,
            "text": report.text_bytes,
            "index_rows": report.index_rows,
        },
        "findings": report.findings.iter().map(finding).collect::<Value>(),
        "slice": slice.map(|slice| json!({
            "passes": slice.pass,
            "row": slice.row.0,
            "last_row": slice.last_row.0,
            "finished": slice.finished,
        })),
    })
}

/// Returns the object of `status`.
pub fn status(store: &str, health: &Health) -> Value {
    let index = |index: &steadfast::IndexHealth| {
        json!({
            "name": index.name,
            "watermark": index.watermark.0,
            "rows": index.rows,
            "tail": index.tail,
            "state": index.state,
        })
    };
    let jobs: Map<String, Value> = health
        .jobs
        .iter()
        .map(|(state, count)| (state.clone(), json!(count)))
        .collect();
    json!({
        "store": store,
        "schema": health.schema,
        "generation": health.generation.0,
        "journal": health.journal,
        "chunks": health.chunks,
        "sources": health.sources,
        "namespaces": health.namespaces,
        "models": health.models.iter().map(model).collect::<Value>(),
        "indexes": health.indexes.iter().map(index).collect::<Value>(),
        "jobs": jobs,
        "skipped": health.skipped,
        "problems": health.problems.iter().map(finding).collect::<Value>(),
        "bytes": health.bytes,
    })
}
