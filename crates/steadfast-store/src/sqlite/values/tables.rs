//! The columns of every table, as the newest schema has them.

use super::{COUNT_MAX, Column, DOCUMENT_MAX, Otherwise, ROW_MAX, Rule};

const ROW: Rule = Rule::Number(1, ROW_MAX);
const DOCUMENT: Rule = Rule::Number(1, DOCUMENT_MAX);
const KEY: Rule = Rule::Number(1, COUNT_MAX);
const COUNT: Rule = Rule::Number(0, COUNT_MAX);
/// What is read as a number of four bytes.
const SMALL: Rule = Rule::Number(0, ROW_MAX);
const ANY: Rule = Rule::Number(i64::MIN, i64::MAX);
/// Keys of vectors begin with the number of their space.
const SPACE: Rule = Rule::Number(1, (1 << 31) - 1);
const VECTOR_KEY: Rule = Rule::Number(1 << 32, i64::MAX);
const HASH: Rule = Rule::Bytes(Some(32));
const BYTES: Rule = Rule::Bytes(None);

/// A column without which a row is none.
const fn must(name: &'static str, rule: Rule) -> Column {
    with(name, rule, Otherwise::LeaveOut)
}

const fn number(name: &'static str, rule: Rule, otherwise: i64) -> Column {
    with(name, rule, Otherwise::Number(otherwise))
}

const fn with(name: &'static str, rule: Rule, otherwise: Otherwise) -> Column {
    Column {
        name,
        rule,
        may_be_null: false,
        otherwise,
    }
}

/// A column that may hold nothing.
const fn may(name: &'static str, rule: Rule) -> Column {
    Column {
        name,
        rule,
        may_be_null: true,
        otherwise: Otherwise::Null,
    }
}

/// The tables of a store.
pub(super) const TABLES: [&str; 20] = [
    "assignments",
    "changes",
    "chunks",
    "collections",
    "commits",
    "documents",
    "facets",
    "forgotten",
    "idempotency",
    "indexes",
    "intervals",
    "jobs",
    "late_vectors",
    "record_ranges",
    "roots",
    "spaces",
    "store",
    "tags",
    "tail",
    "vectors",
];

/// Returns the columns of a table in the order of the schema; none for a table that is not ours.
pub(super) fn columns_of(table: &str) -> &'static [Column] {
    match table {
        "store" => &STORE,
        "documents" => &DOCUMENTS,
        "facets" => &FACETS,
        "tags" => &TAGS,
        "chunks" => &CHUNKS,
        "spaces" => &SPACES,
        "vectors" => &VECTORS,
        "tail" => &TAIL,
        "indexes" => &INDEXES,
        "commits" => &COMMITS,
        "changes" => &CHANGES,
        "forgotten" => &FORGOTTEN,
        "idempotency" => &IDEMPOTENCY,
        "jobs" => &JOBS,
        "collections" => &COLLECTIONS,
        "record_ranges" => &RECORD_RANGES,
        "roots" => &ROOTS,
        "assignments" => &ASSIGNMENTS,
        "late_vectors" => &LATE_VECTORS,
        "intervals" => &INTERVALS,
        _ => &[],
    }
}

static STORE: [Column; 9] = [
    must("one", Rule::Number(1, 1)),
    must("store_id", Rule::Bytes(Some(16))),
    number("created_ms", ANY, 0),
    number("seq", COUNT, 0),
    // One past the last row: a full store has no next one.
    number("next_row", Rule::Number(0, ROW_MAX + 1), 0),
    number("next_document", Rule::Number(0, DOCUMENT_MAX + 1), 0),
    number("next_facet", COUNT, 0),
    number("live_chunks", SMALL, 0),
    number("live_tokens", COUNT, 0),
];

static DOCUMENTS: [Column; 14] = [
    must("document", DOCUMENT),
    with("namespace", Rule::Namespace, Otherwise::Clean),
    must("source", Rule::Text),
    number("status", Rule::Number(0, 4), 0),
    may("reason", Rule::Text),
    may("size", COUNT),
    may("mtime_ns", ANY),
    may("ctime_ns", ANY),
    may("inode", ANY),
    may("file_hash", HASH),
    number("racy", Rule::Number(0, 1), 0),
    number("chunks", SMALL, 0),
    number("seq", COUNT, 0),
    number("indexed_ms", ANY, 0),
];

/// The label of what nobody can say who brought it: the one that is trusted least.
const IMPORT: i64 = 3;

static FACETS: [Column; 12] = [
    must("facet", KEY),
    must("document", DOCUMENT),
    number("live", SMALL, 0),
    number("kind", Rule::Number(0, 5), 0),
    may("title", Rule::Text),
    with("tags", Rule::Texts, Otherwise::Text("[]")),
    with("meta", Rule::Object, Otherwise::Text("{}")),
    may("document_time", ANY),
    may("valid_from", ANY),
    may("valid_to", ANY),
    number("trust", Rule::Number(0, 3), IMPORT),
    may("note_digest", HASH),
];

static TAGS: [Column; 2] = [must("tag", Rule::Text), must("facet", KEY)];

static CHUNKS: [Column; 18] = [
    must("row", ROW),
    must("document", DOCUMENT),
    must("facet", KEY),
    must("content_hash", HASH),
    number("start_line", SMALL, 1),
    number("end_line", SMALL, 1),
    number("start_byte", COUNT, 0),
    number("end_byte", COUNT, 0),
    number("ordinal", SMALL, 0),
    number("position", SMALL, 0),
    may("heading_path", Rule::Text),
    number("fidelity", Rule::Number(0, 255), 0),
    number("tokens", Rule::Number(0, 65_535), 0),
    number("vector_state", Rule::Number(0, 2), 1),
    number("access_count", COUNT, 0),
    number("added_seq", COUNT, 1),
    // What is here was removed, whenever that was.
    Column {
        may_be_null: true,
        ..number("removed_seq", COUNT, 1)
    },
    must("text", BYTES),
];

static SPACES: [Column; 5] = [
    must("space", SPACE),
    must("name", Rule::Text),
    must("revision", Rule::Text),
    number("dimensions", Rule::Number(0, 1 << 20), 0),
    must("hash", Rule::Bytes(Some(16))),
];

static VECTORS: [Column; 3] = [
    must("vector_key", VECTOR_KEY),
    must("vector", BYTES),
    must("hash", Rule::Bytes(Some(16))),
];

static TAIL: [Column; 5] = [
    must("row", ROW),
    number("seq", COUNT, 0),
    number("removed", Rule::Number(0, 1), 0),
    must("analyzer", ANY),
    must("terms", BYTES),
];

static INDEXES: [Column; 4] = [
    must("name", Rule::Text),
    number("generation", COUNT, 0),
    number("watermark_row", SMALL, 0),
    number("watermark_seq", COUNT, 0),
];

static COMMITS: [Column; 9] = [
    must("seq", KEY),
    number("time_ms", ANY, 0),
    must("operation", Rule::Text),
    must("actor", Rule::Text),
    may("namespace", Rule::Text),
    may("source", Rule::Text),
    number("inserted", COUNT, 0),
    number("updated", COUNT, 0),
    number("removed", COUNT, 0),
];

static CHANGES: [Column; 3] = [
    must("seq", KEY),
    must("row", ROW),
    must("before", Rule::Text),
];

static FORGOTTEN: [Column; 2] = [must("document", DOCUMENT), must("content_hash", HASH)];

static IDEMPOTENCY: [Column; 5] = [
    must("namespace", Rule::Text),
    must("key", Rule::Text),
    must("digest", HASH),
    must("document", DOCUMENT),
    must("rows", Rule::Rows),
];

static JOBS: [Column; 9] = [
    must("id", KEY),
    must("kind", Rule::Text),
    must("key", Rule::Text),
    must("payload", Rule::Text),
    number("state", Rule::Number(0, 2), 0),
    number("attempt", SMALL, 0),
    number("due_ms", ANY, 0),
    may("lease_ms", ANY),
    may("error", Rule::Text),
];

static COLLECTIONS: [Column; 6] = [
    must("collection", ROW),
    with("name", Rule::Collection, Otherwise::Clean),
    number("distance", Rule::Number(0, 2), 0),
    with("meta", Rule::Object, Otherwise::Text("{}")),
    may("given", Rule::Number(0, 1)),
    may("space", SPACE),
];

static RECORD_RANGES: [Column; 3] = [
    must("first_row", ROW),
    must("last_row", ROW),
    must("collection", ROW),
];

static ROOTS: [Column; 4] = [
    must("path", Rule::Text),
    must("namespace", Rule::NamespaceOrEmpty),
    number("turn", COUNT, 0),
    with("told", Rule::Text, Otherwise::Text("{}")),
];

static ASSIGNMENTS: [Column; 2] = [
    must("document", DOCUMENT),
    with("told", Rule::Text, Otherwise::Text("{}")),
];

static LATE_VECTORS: [Column; 2] = [must("row", ROW), must("seq", COUNT)];

static INTERVALS: [Column; 3] = [
    must("row", ROW),
    number("added_ms", ANY, 0),
    may("removed_ms", ANY),
];
