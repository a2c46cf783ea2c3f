//! Writes a palace as Chroma 1.5 lays it out, with an index that a kill tore while it was written.
//!
//! Seven rows of ten are in the index, the others in the queue. The header of
//! the index is newer than its elements, and those are newer than the map of
//! ids. What is deliberately not here: the graph of the index, which a look
//! does not follow and a repair throws away.

use std::path::Path;
use std::time::Duration;

use steadfast_store::{ForeignEdit, ForeignValue};

use crate::corpus::Draw;

const DIMENSIONS: usize = 384;
/// Links of an element: twice M, which is 16.
const LINKS: usize = 32;
/// The links with their count and flags.
const DATA: usize = LINKS * 4 + 4;
const LABEL: usize = DATA + DIMENSIONS * 4;
const ELEMENT: usize = LABEL + 8;
/// Elements that the header counts and nobody wrote.
const UNWRITTEN: usize = 500;
/// Elements that were written and are in no map.
const UNNAMED: usize = 100;
/// Rows of one file.
const FILE_ROWS: usize = 20;
const COLLECTION: &str = "11111111-1111-4111-8111-111111111111";
const VECTORS: &str = "22222222-2222-4222-8222-222222222222";
const ROWS: &str = "33333333-3333-4333-8333-333333333333";

const SCHEMA: &[&str] = &[
    "CREATE TABLE migrations (dir TEXT, version INTEGER, filename TEXT, sql TEXT, hash TEXT)",
    "INSERT INTO migrations (dir, version) VALUES ('metadb', 6), ('sysdb', 10), ('embeddings_queue', 2)",
    "CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER, database_id TEXT,
       config_json_str TEXT, schema_str TEXT)",
    "CREATE TABLE collection_metadata (collection_id TEXT, key TEXT, str_value TEXT, int_value INTEGER,
       float_value REAL, bool_value INTEGER, PRIMARY KEY (collection_id, key))",
    "CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, collection TEXT NOT NULL)",
    "CREATE TABLE segment_metadata (segment_id TEXT, key TEXT, str_value TEXT, int_value INTEGER, float_value REAL,
       bool_value INTEGER, PRIMARY KEY (segment_id, key))",
    "CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL,
       seq_id BLOB NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (segment_id, embedding_id))",
    "CREATE TABLE embedding_metadata (id INTEGER, key TEXT NOT NULL, string_value TEXT, int_value INTEGER,
       float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key))",
    "CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP NOT NULL DEFAULT
       CURRENT_TIMESTAMP, operation INTEGER NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB,
       encoding TEXT, metadata TEXT)",
    "CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL)",
];

/// Makes the palace in a new folder.
pub(super) fn make(folder: &Path, rows: usize) -> anyhow::Result<()> {
    let indexed = rows * 7 / 10;
    let mut draw = Draw::new(11);
    let vectors: Vec<Vec<f32>> = (0..rows + UNNAMED).map(|_| vector(&mut draw)).collect();
    std::fs::create_dir_all(folder)?;
    database(&folder.join("chroma.sqlite3"), &vectors, rows, indexed)?;
    let index = folder.join(VECTORS);
    std::fs::create_dir(&index)?;
    let element = |(label, vector): (usize, &Vec<f32>)| element(label, vector);
    let elements: Vec<u8> = vectors
        .iter()
        .take(indexed + UNNAMED)
        .enumerate()
        .flat_map(element)
        .collect();
    std::fs::write(index.join("header.bin"), header(indexed + UNWRITTEN))?;
    std::fs::write(index.join("data_level0.bin"), elements)?;
    std::fs::write(
        index.join("length.bin"),
        1_f32.to_le_bytes().repeat(indexed),
    )?;
    std::fs::write(index.join("link_lists.bin"), vec![0_u8; indexed * 4])?;
    std::fs::write(index.join("index_metadata.pickle"), map(indexed))?;
    Ok(())
}

fn name(row: usize) -> String {
    format!("drawer_wing_room_{row:08x}")
}

/// Draws a vector of length 1.
fn vector(draw: &mut Draw) -> Vec<f32> {
    let numbers: Vec<f64> = (0..DIMENSIONS)
        .map(|_| f64::from(u32::try_from(draw.below(2_001)).unwrap_or(0)) - 1_000.0)
        .collect();
    let length = numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "vectors of Chroma have 32 bits"
    )]
    numbers.iter().map(|x| (x / length) as f32).collect()
}

fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn element(label: usize, vector: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; DATA];
    bytes.extend(bytes_of(vector));
    bytes.extend((label as u64).to_le_bytes());
    bytes
}

fn header(count: usize) -> Vec<u8> {
    let mut bytes = 1_i32.to_le_bytes().to_vec();
    for number in [0, count, count, ELEMENT, LABEL, DATA] {
        bytes.extend((number as u64).to_le_bytes());
    }
    bytes.extend([0; 8]);
    for number in [LINKS / 2, LINKS, LINKS / 2] {
        bytes.extend((number as u64).to_le_bytes());
    }
    bytes.extend(0.36_f64.to_le_bytes());
    bytes.extend(100_u64.to_le_bytes());
    bytes
}

/// Writes the map of ids and labels, as a pickle of protocol 3.
fn map(indexed: usize) -> Vec<u8> {
    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.push(b'X');
        bytes.extend(u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    fn number(bytes: &mut Vec<u8>, number: usize) {
        bytes.push(b'J');
        bytes.extend(u32::try_from(number).unwrap_or(0).to_le_bytes());
    }
    let mut bytes = b"\x80\x03}(".to_vec();
    text(&mut bytes, "id_to_label");
    bytes.extend(b"}(");
    for row in 0..indexed {
        text(&mut bytes, &name(row));
        number(&mut bytes, row);
    }
    bytes.push(b'u');
    text(&mut bytes, "label_to_id");
    bytes.extend(b"}(");
    for row in 0..indexed {
        number(&mut bytes, row);
        text(&mut bytes, &name(row));
    }
    bytes.extend(b"uu.");
    bytes
}

fn text(text: &str) -> ForeignValue {
    ForeignValue::Text(text.to_owned(), false)
}

fn integer(number: usize) -> ForeignValue {
    ForeignValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn database(path: &Path, vectors: &[Vec<f32>], rows: usize, indexed: usize) -> anyhow::Result<()> {
    std::fs::write(path, "")?;
    let edit = ForeignEdit::begin(path, Duration::from_secs(1))?;
    for sql in SCHEMA {
        edit.change(sql, &[])?;
    }
    let sql = "INSERT INTO collections (id, name, dimension, config_json_str) VALUES (?1, 'mempalace_drawers', 384, '{}')";
    edit.change(sql, &[text(COLLECTION)])?;
    let sql = "INSERT INTO collection_metadata (collection_id, key, str_value) VALUES (?1, 'hnsw:space', 'cosine')";
    edit.change(sql, &[text(COLLECTION)])?;
    let sql = "INSERT INTO segments VALUES (?1, 'urn:chroma:segment/vector/hnsw-local-persisted', 'VECTOR', ?3),
                 (?2, 'urn:chroma:segment/metadata/sqlite', 'METADATA', ?3)";
    edit.change(sql, &[text(VECTORS), text(ROWS), text(COLLECTION)])?;
    let sql = "INSERT INTO max_seq_id VALUES (?1, ?2), (?3, ?4)";
    edit.change(
        sql,
        &[text(VECTORS), integer(indexed), text(ROWS), integer(rows)],
    )?;
    for (row, vector) in vectors.iter().take(rows).enumerate() {
        drawer(&edit, row)?;
        if row >= indexed {
            let sql = "INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata)
                       VALUES (?1, 2, ?2, ?3, ?4, 'FLOAT32', '{}')";
            let topic = format!("persistent://default/default/{COLLECTION}");
            let vector = ForeignValue::Blob(bytes_of(vector));
            edit.change(
                sql,
                &[integer(row + 1), text(&topic), text(&name(row)), vector],
            )?;
        }
    }
    Ok(edit.commit()?)
}

fn drawer(edit: &ForeignEdit, row: usize) -> anyhow::Result<()> {
    let sql =
        "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?1, ?2, ?3, ?1)";
    edit.change(sql, &[integer(row + 1), text(ROWS), text(&name(row))])?;
    let sentence = format!(
        "Drawer {row} says that the kettle of room {} is blue. ",
        row % 97
    );
    let metadata = [
        ("chroma:document", sentence.repeat(12)),
        ("wing", format!("wing_{}", row % 5)),
        ("room", format!("room_{}", row % 97)),
        ("source_file", format!("/n/{}.md", row / FILE_ROWS)),
        ("added_by", "mempalace".to_owned()),
        ("filed_at", "2026-01-01T10:00:00".to_owned()),
    ];
    for (key, value) in metadata {
        let sql = "INSERT INTO embedding_metadata (id, key, string_value) VALUES (?1, ?2, ?3)";
        edit.change(sql, &[integer(row + 1), text(key), text(&value)])?;
    }
    let sql = "INSERT INTO embedding_metadata (id, key, int_value) VALUES (?1, 'chunk_index', ?2)";
    edit.change(sql, &[integer(row + 1), integer(row % FILE_ROWS)])?;
    Ok(())
}
