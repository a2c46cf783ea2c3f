//! What is done to an input: rot, cuts, pages of another file, numbers that are too large, and values that no program
//! would have written.

use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

/// Damage to one file of an input.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    file: Index,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    /// Bytes are others, and perhaps the end is gone.
    Bytes {
        flips: Vec<(Index, u8)>,
        cut: Option<Index>,
    },
    /// A range is zeros.
    Zeros { at: Index, length: u16 },
    /// A range is what another place of the file holds.
    Paste { from: Index, to: Index, length: u16 },
    /// Two, four or eight bytes are a number as large as can be.
    Huge { at: Index, width: Index },
    /// A value of a row, of a JSON text or of an entry of an archive is one that nobody expects.
    Value { places: [Index; 3], odd: Index },
    /// It is another file of the input.
    Swap(Index),
    /// It is not there.
    Gone,
    /// Side files of SQLite lie beside it, of nobody's.
    Beside(Vec<u8>),
}

/// Files of an input, as they were.
pub(crate) type Healthy = [(PathBuf, Vec<u8>)];

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    let flips = prop::collection::vec((index(), any::<u8>()), 0..12);
    let cut = prop::option::weighted(0.3, index());
    let how = prop_oneof![
        8 => (flips, cut).prop_map(|(flips, cut)| How::Bytes { flips, cut }),
        1 => (index(), any::<u16>()).prop_map(|(at, length)| How::Zeros { at, length }),
        1 => (index(), index(), any::<u16>()).prop_map(|(from, to, length)| How::Paste { from, to, length }),
        2 => (index(), index()).prop_map(|(at, width)| How::Huge { at, width }),
        6 => ([index(), index(), index()], index()).prop_map(|(places, odd)| How::Value { places, odd }),
        1 => index().prop_map(How::Swap),
        1 => Just(How::Gone),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(How::Beside),
    ];
    (index(), how).prop_map(|(file, how)| Damage { file, how })
}

impl Damage {
    /// Returns the file that is damaged.
    pub(crate) fn file<'h>(&self, healthy: &'h Healthy) -> &'h Path {
        &healthy[self.file.index(healthy.len())].0
    }

    /// Returns whether what is left is damaged, and not an input like others that only holds something else.
    pub(crate) fn is_told_by_the_file(&self) -> bool {
        !matches!(self.how, How::Value { .. } | How::Swap(_) | How::Gone)
    }

    /// Damages the input on the disk.
    pub(crate) fn apply(&self, healthy: &Healthy) {
        let (path, bytes) = &healthy[self.file.index(healthy.len())];
        let mut bytes = bytes.clone();
        let length = bytes.len();
        match &self.how {
            How::Bytes { flips, cut } => {
                for (at, byte) in flips.iter().filter(|_| length > 0) {
                    bytes[at.index(length)] ^= byte;
                }
                if let Some(cut) = cut {
                    bytes.truncate(cut.index(length + 1));
                }
            }
            How::Zeros { at, length: zeros } => {
                let at = at.index(length + 1);
                bytes[at..]
                    .iter_mut()
                    .take((*zeros).into())
                    .for_each(|byte| *byte = 0);
            }
            How::Paste {
                from,
                to,
                length: count,
            } => {
                let (from, to) = (from.index(length + 1), to.index(length + 1));
                let count = usize::from(*count).min(length - from.max(to));
                bytes.copy_within(from..from + count, to);
            }
            How::Huge { at, width } => {
                let at = at.index(length + 1);
                let width = [2, 4, 8][width.index(3)];
                bytes[at..]
                    .iter_mut()
                    .take(width)
                    .for_each(|byte| *byte = 0xff);
                // The highest bit comes last in little-endian numbers: without it they are the largest with a sign.
                if let Some(last) = bytes.get_mut(at + width - 1) {
                    *last = 0x7f;
                }
            }
            How::Value { places, odd } => {
                if bytes.starts_with(b"SQLite format 3\0") {
                    cell(path, places, *odd);
                    return;
                }
                bytes = odd_value(&bytes, places, *odd);
            }
            How::Swap(other) => bytes.clone_from(&healthy[other.index(healthy.len())].1),
            How::Gone => {
                discard(path);
                return;
            }
            How::Beside(garbage) => {
                let mut log = b"\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x10\x00".to_vec();
                log.extend(garbage);
                fs::write(beside(path, "-wal"), log).unwrap();
                fs::write(beside(path, "-shm"), garbage).unwrap();
            }
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Makes the input what it was.
pub(crate) fn heal(healthy: &Healthy) {
    for (path, bytes) in healthy {
        fs::write(path, bytes).unwrap();
        for end in ["-wal", "-shm", "-journal"] {
            discard(&beside(path, end));
        }
    }
}

fn discard(path: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test removes what it has made")]
    drop(fs::remove_file(path));
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// Texts that no program would have written.
fn odd_texts() -> Vec<String> {
    vec![
        String::new(),
        " \n\t".to_owned(),
        "\0".to_owned(),
        "../../escaped".to_owned(),
        "\u{202e}\u{feff}\u{1f600}".to_owned(),
        "9999-12-31T23:59:59.999999999Z".to_owned(),
        "-99999999-01-01T00:00:00Z".to_owned(),
        "0001-01-01".to_owned(),
        "18446744073709551616".to_owned(),
        "{\"a\": \"\\ud800\"}".to_owned(),
        "[".repeat(20_000),
        "{\"a\":".repeat(5_000),
        "long ".repeat(20_000),
        "x".repeat(50_000),
    ]
}

/// Bytes that ask a reader of pickles for code, for depth or for room.
fn odd_bytes() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0xff, 0xfe, 0x00],
        vec![0xff; 8],
        vec![0x11, 0x11, b'1', b'2', b'3', b'4', b'5', b'6'],
        b"cos\nsystem\n(S'false'\ntR.".to_vec(),
        b"\x80\x04cbuiltins\neval\n(X\x01\x00\x00\x001tR.".to_vec(),
        vec![b'('; 100_000],
        b"]".repeat(100_000),
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        b"\x80\x04X\xff\xff\xff\x7f".to_vec(),
        b"\x80\x04\x8b\xff\xff\xff\x7f1".to_vec(),
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff}.".to_vec(),
        // A list that holds itself many times over.
        [&b"]q\x00"[..], &b"h\x00a".repeat(10_000), b"."].concat(),
    ]
}

fn odd_cells() -> Vec<Cell> {
    let numbers = [i64::MAX, i64::MIN, -1, 0, 3, 1 << 53, 253_402_300_800_000];
    let reals = [1e308, -1e308, f64::INFINITY, 1e19, 0.5];
    std::iter::once(Cell::Null)
        .chain(numbers.map(Cell::Integer))
        .chain(reals.map(Cell::Real))
        .chain(odd_texts().into_iter().map(Cell::Text))
        .chain(odd_bytes().into_iter().map(Cell::Blob))
        .collect()
}

/// Puts an odd value into a cell of a database; what the database refuses stays as it was.
fn cell(path: &Path, places: &[Index; 3], odd: Index) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA ignore_check_constraints=ON;",
        )
        .unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let tables = list(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    let table = &tables[places[0].index(tables.len())];
    let columns = list(&format!("SELECT name FROM pragma_table_info('{table}')"));
    let column = &columns[places[1].index(columns.len())];
    let rows: i64 = connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap();
    let row = places[2].index(usize::try_from(rows).unwrap() + 1);
    let odd_cells = odd_cells();
    let odd = &odd_cells[odd.index(odd_cells.len())];
    // Bytes that are called a text are none in UTF-8.
    let value = if row.is_multiple_of(2) {
        "?1"
    } else {
        "CAST(?1 AS TEXT)"
    };
    let sql = format!(
        "UPDATE {table} SET {column} = {value} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {})",
        row.saturating_sub(1)
    );
    drop(connection.execute(&sql, [odd]));
}

/// Returns a text or an archive with an odd value in it.
fn odd_value(bytes: &[u8], places: &[Index; 3], odd: Index) -> Vec<u8> {
    if bytes.starts_with(b"PK") {
        return odd_entry(bytes, places, odd);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.to_vec();
    };
    if let Ok(value) = serde_json::from_str(text) {
        return odd_json(value, places[0], odd).into_bytes();
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let number = places[1].index(lines.len());
    let line = &mut lines[number];
    *line = match serde_json::from_str(line) {
        Ok(value) => odd_json(value, places[0], odd),
        Err(_) => odd_texts().swap_remove(odd.index(odd_texts().len())),
    };
    (lines.join("\n") + "\n").into_bytes()
}

fn odd_json(mut value: Value, place: Index, odd: Index) -> String {
    let mut pointers = vec![String::new()];
    let mut at = 0;
    while let Some(pointer) = pointers.get(at).cloned() {
        at += 1;
        let below: Vec<String> = match value.pointer(&pointer) {
            Some(Value::Array(list)) => (0..list.len()).map(|place| place.to_string()).collect(),
            Some(Value::Object(map)) => map
                .keys()
                .map(|key| key.replace('~', "~0").replace('/', "~1"))
                .collect(),
            _ => Vec::new(),
        };
        pointers.extend(below.iter().map(|name| format!("{pointer}/{name}")));
    }
    let mut odd_values = vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e19),
        json!([]),
        json!({}),
        json!([null]),
        json!([{"type": "text"}, {"type": "tool_use"}, 7]),
    ];
    odd_values.extend(odd_texts().into_iter().map(Value::from));
    let pointer = &pointers[place.index(pointers.len())];
    if let Some(node) = value.pointer_mut(pointer) {
        *node = odd_values.swap_remove(odd.index(odd_values.len()));
    }
    value.to_string()
}

/// Names that lead out of an archive, or nowhere.
const ODD_NAMES: &[&str] = &[
    "../../escaped.json",
    "/etc/escaped.md",
    "C:\\escaped.md",
    "a/../../../escaped.jsonl",
    "\\\\server\\escaped.md",
    "a\0b.md",
    "..",
    "",
    "conversations.json",
    ".obsidian/../../escaped.md",
];

/// Returns an archive of which an entry has another name, stands there twice, or holds something odd.
fn odd_entry(bytes: &[u8], places: &[Index; 3], odd: Index) -> Vec<u8> {
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let name = entry.name().unwrap().into_owned();
        entries.push((name, content));
    }
    let chosen = places[2].index(entries.len());
    match odd.index(4) {
        0 => ODD_NAMES[places[0].index(ODD_NAMES.len())].clone_into(&mut entries[chosen].0),
        1 => entries.push((
            ODD_NAMES[places[0].index(ODD_NAMES.len())].to_owned(),
            entries[chosen].1.clone(),
        )),
        // An archive in the archive is gone into once.
        _ => entries[chosen].1 = odd_value(&entries[chosen].1, places, places[1]),
    }
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &entries {
        // What the writer refuses no archive can hold.
        if writer
            .start_file(name.as_str(), SimpleFileOptions::default())
            .is_ok()
        {
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}
