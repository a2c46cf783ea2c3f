//! The schema, as numbered migrations. A migration, once released, is never edited.

use rusqlite::Connection;

/// Marks a database file as a store of ours ("Stdf").
pub(super) const APPLICATION_ID: i64 = 0x5374_6466;

/// The schema after all migrations.
pub const SCHEMA: i64 = 4;

/// Returns the schema of an open database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("PRAGMA user_version")?
        .query_row([], |row| row.get(0))
}

/// The key of a live chunk, as the first migration makes it.
pub(super) const UNIQUE_KEY: &str =
    "CREATE UNIQUE INDEX chunks_unique ON chunks (document, content_hash, start_line, ordinal)
    WHERE removed_seq IS NULL;";

/// Each migration brings the schema from its index to the next number.
///
/// All of them run in one `BEGIN IMMEDIATE` in which the version is read
/// again, so two processes that start at once both end well.
pub(super) const MIGRATIONS: [&str; 4] = [MIGRATION_1, MIGRATION_2, MIGRATION_3, MIGRATION_4];

// Rows, documents and facets are numbered by us inside the transaction, never
// reused, so ids and indexes may speak of them for ever.
//
// - chunks_unique is promise I3: (namespace, source) is one document, so this
//   is the key (namespace, source, content_hash, start_line, ordinal).
// - chunks_order says who stands beside whom, without touching the texts.
// - facets are what filters ask about, shared by chunks of a document.
// - vectors.vector_key = space << 32 | row keeps each space together.
// - tail holds the hashed terms of rows that the text index has not seen
//   (removed = 0) and of rows in it that have been removed since (removed = 1).
// - changes keeps what a chunk was before it moved; additions and removals are
//   the intervals added_seq..removed_seq.
// - jobs_key lets a job wait beside a leased one of its key: what came up while
//   that is at work may be too late for it.
const MIGRATION_1: &str = "
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store_id BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    next_row INTEGER NOT NULL,
    next_document INTEGER NOT NULL,
    next_facet INTEGER NOT NULL,
    live_chunks INTEGER NOT NULL,
    live_tokens INTEGER NOT NULL
) STRICT;

CREATE TABLE documents (
    document INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    source TEXT NOT NULL,
    status INTEGER NOT NULL,
    reason TEXT,
    size INTEGER,
    mtime_ns INTEGER,
    ctime_ns INTEGER,
    inode INTEGER,
    file_hash BLOB,
    racy INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL,
    indexed_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_source ON documents (namespace, source);

CREATE TABLE facets (
    facet INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    live INTEGER NOT NULL DEFAULT 0,
    kind INTEGER NOT NULL,
    title TEXT,
    tags TEXT NOT NULL,
    meta TEXT NOT NULL,
    document_time INTEGER,
    valid_from INTEGER,
    valid_to INTEGER,
    trust INTEGER NOT NULL,
    note_digest BLOB
) STRICT;
CREATE INDEX facets_document ON facets (document);
CREATE INDEX facets_validity ON facets (facet) WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL;
CREATE INDEX facets_note ON facets (note_digest) WHERE note_digest IS NOT NULL;

CREATE TABLE tags (
    tag TEXT NOT NULL,
    facet INTEGER NOT NULL,
    PRIMARY KEY (tag, facet)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    row INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    facet INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    start_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    position INTEGER NOT NULL,
    heading_path TEXT,
    fidelity INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    vector_state INTEGER NOT NULL,
    access_count INTEGER NOT NULL DEFAULT 0,
    added_seq INTEGER NOT NULL,
    removed_seq INTEGER,
    text BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_unique ON chunks (document, content_hash, start_line, ordinal)
    WHERE removed_seq IS NULL;
CREATE INDEX chunks_order ON chunks (document, position, facet) WHERE removed_seq IS NULL;
CREATE INDEX chunks_removed ON chunks (removed_seq) WHERE removed_seq IS NOT NULL;
CREATE INDEX chunks_history ON chunks (document) WHERE removed_seq IS NOT NULL;
CREATE INDEX chunks_pending ON chunks (row) WHERE vector_state = 2 AND removed_seq IS NULL;

CREATE TABLE spaces (
    space INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE vectors (
    vector_key INTEGER PRIMARY KEY,
    vector BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE tail (
    row INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    analyzer INTEGER NOT NULL,
    terms BLOB NOT NULL
) STRICT;
CREATE INDEX tail_removed ON tail (seq) WHERE removed = 1;
CREATE TABLE indexes (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    watermark_row INTEGER NOT NULL,
    watermark_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE commits (
    seq INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    operation TEXT NOT NULL,
    actor TEXT NOT NULL,
    namespace TEXT,
    source TEXT,
    inserted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    removed INTEGER NOT NULL
) STRICT;
CREATE TABLE changes (
    seq INTEGER NOT NULL,
    row INTEGER NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (seq, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE forgotten (
    document INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    PRIMARY KEY (document, content_hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    document INTEGER NOT NULL,
    rows TEXT NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL,
    lease_ms INTEGER,
    error TEXT
) STRICT;
CREATE UNIQUE INDEX jobs_key ON jobs (kind, key) WHERE state = 0;
CREATE INDEX jobs_due ON jobs (kind, state, due_ms);
";

// Collections. A record is a chunk: its collection is the namespace of its
// document, its id the source.
//
// - collections.given is null until the first write, then whether the caller
//   gives the vectors; space says in which space they are.
// - record_ranges holds every row that a collection was ever given. Rows are
//   given out in commit order, so a batch is one range, and ten thousand
//   records cost an ordinary search one row to leave out.
const MIGRATION_2: &str = "
CREATE TABLE collections (
    collection INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    distance INTEGER NOT NULL,
    meta TEXT NOT NULL,
    given INTEGER,
    space INTEGER
) STRICT;
CREATE TABLE record_ranges (
    first_row INTEGER PRIMARY KEY,
    last_row INTEGER NOT NULL,
    collection INTEGER NOT NULL
) STRICT;
CREATE INDEX record_ranges_collection ON record_ranges (collection, first_row, last_row);
";

// What the user said of roots, and vectors that come after their chunks.
//
// - roots.namespace is empty when none was given; the last turn is that of the root
//   that was told last.
// - assignments has a row only for documents that were given something.
// - late_vectors has the rows whose vector the vector index may have passed:
//   seq is the commit that brought it, and a publication that has seen that
//   commit takes the row out.
const MIGRATION_3: &str = "
CREATE TABLE roots (
    path TEXT NOT NULL,
    namespace TEXT NOT NULL,
    turn INTEGER NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (path, namespace)
) STRICT, WITHOUT ROWID;
CREATE TABLE assignments (
    document INTEGER PRIMARY KEY,
    told TEXT NOT NULL
) STRICT;
CREATE TABLE late_vectors (
    row INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
CREATE INDEX late_vectors_seq ON late_vectors (seq);
";

// - intervals says when rows that an import brought were live in the store that
//   they are from, by the clocks there. A row that left there came and left here
//   in one commit, so that no moment of this store has it; one that was live
//   there has no end.
// - documents_stale is empty in most stores, and then says so to each search in
//   one look. The third schema had it for a while.
const MIGRATION_4: &str = "
CREATE TABLE intervals (
    row INTEGER PRIMARY KEY,
    added_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS documents_stale ON documents (document) WHERE status = 2;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_is_made_again_is_that_of_the_first_migration() {
        assert!(MIGRATION_1.contains(UNIQUE_KEY));
    }
}
