//! Rows read from the pages of a file, without the tree that leads to them.
//!
//! The last resort when the pages above a leaf are damaged: every leaf of a
//! table is read for itself; a table without row numbers is kept like an index,
//! whose upper pages hold rows too. Only what the cell pointers of a well-formed
//! page name is taken, so the remains of deleted cells in its gaps are not. Freed
//! pages hold zeros in a store (`secure_delete`), so nothing that was deleted
//! comes back. Nothing here is believed: a page does not say whose it is, so who
//! takes a row checks its hash or its shape, and passes over pages that another
//! tree leads to. Pages are read one by one; what grows with the file is the
//! numbers of such pages.
//! Source of the layout: the SQLite file format, sections 1.3, 1.6 and 2.1.

use std::collections::HashSet;
use std::fs::File;

use rusqlite::types::Value;

use crate::files::read_at;

/// The type byte of a leaf of a table.
const TABLE_LEAF: u8 = 13;
/// The type byte of a page that leads to leaves of a table.
const TABLE_INNER: u8 = 5;
/// The type byte of a leaf of an index.
const INDEX_LEAF: u8 = 10;
/// The type byte of a page of an index that leads to others.
const INDEX_INNER: u8 = 2;
/// The most columns of a record that is taken for one.
const COLUMNS_MAX: usize = 64;
/// The longest record that is put together from overflow pages.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// The header of the file stands before that of the first page.
const FILE_HEADER_BYTES: usize = 100;

/// Hands every row of every readable table leaf to `each`: its number and its columns. Pages of others are passed over.
pub(super) fn each_row(file: &File, others: &HashSet<u64>, each: &mut dyn FnMut(i64, &[Value])) {
    let pages = Pages::of(file);
    for index in (0..pages.count()).filter(|index| !others.contains(index)) {
        pages.leaf(index, each);
    }
}

/// Hands every row that stands on a readable page of an index to `each`, of whatever index it is. Pages of others are
/// passed over.
pub(super) fn each_entry(file: &File, others: &HashSet<u64>, each: &mut dyn FnMut(&[Value])) {
    let pages = Pages::of(file);
    for index in (0..pages.count()).filter(|index| !others.contains(index)) {
        pages.entries(index, each);
    }
}

/// Adds the pages that a tree leads to, from its root on; the numbers are those of [`each_row`], from 0.
pub(super) fn add_tree(file: &File, root: u64, found: &mut HashSet<u64>) {
    let pages = Pages::of(file);
    let mut waiting = vec![root];
    while let Some(index) = waiting.pop() {
        let is_sound = index < pages.count() && !found.contains(&index);
        let Some(page) = is_sound.then(|| pages.page(index)).flatten() else {
            continue;
        };
        match page.first() {
            Some(&(TABLE_LEAF | INDEX_LEAF)) => drop(found.insert(index)),
            Some(&(TABLE_INNER | INDEX_INNER)) => {
                found.insert(index);
                let child = |at: usize| page.get(at..at + 4).map_or(0, number);
                let cells = page.get(3..5).map_or(0, number);
                let starts = (0..cells).filter_map(|cell| page.get(12 + cell * 2..14 + cell * 2));
                let children = starts.map(|start| child(number(start))).chain([child(8)]);
                waiting.extend(children.filter_map(|page| (page as u64).checked_sub(1)));
            }
            _ => {}
        }
    }
}

struct Pages<'f> {
    file: &'f File,
    page_bytes: usize,
}

impl<'f> Pages<'f> {
    fn of(file: &'f File) -> Self {
        let mut size = [0; 2];
        let page_bytes = match read_at(file, &mut size, 16) {
            Ok(true) if size == [0, 1] => 65_536,
            Ok(true) => usize::from(u16::from_be_bytes(size)),
            Ok(false) | Err(_) => 0,
        };
        // A damaged header must not keep the rest from being read; stores have pages of 4 KiB.
        let page_bytes = if page_bytes.is_power_of_two() && page_bytes >= 512 {
            page_bytes
        } else {
            4_096
        };
        Self { file, page_bytes }
    }

    fn count(&self) -> u64 {
        self.file.metadata().map_or(0, |found| found.len()) / self.page_bytes as u64
    }

    /// Returns a page; none where the disk does not give it.
    fn page(&self, index: u64) -> Option<Vec<u8>> {
        let start = index.checked_mul(self.page_bytes as u64)?;
        let mut page = vec![0; self.page_bytes];
        read_at(self.file, &mut page, start).ok()?.then_some(page)
    }

    fn leaf(&self, index: u64, each: &mut dyn FnMut(i64, &[Value])) {
        let header = if index == 0 { FILE_HEADER_BYTES } else { 0 };
        let Some(page) = self.page(index) else {
            return;
        };
        if page.get(header) != Some(&TABLE_LEAF) {
            return;
        }
        let cells = page.get(header + 3..header + 5).map_or(0, number);
        let first = header + 8;
        for cell in 0..cells {
            let at = first + cell * 2;
            let start = page.get(at..at + 2).map_or(0, number);
            if start < first + cells * 2 {
                continue;
            }
            if let Some((row, record)) = self.cell(&page, start)
                && let Some(columns) = columns(&record)
            {
                each(row, &columns);
            }
        }
    }

    fn entries(&self, index: u64, each: &mut dyn FnMut(&[Value])) {
        let Some(page) = self.page(index) else {
            return;
        };
        // A cell of an upper page begins with the number of the page below it.
        let (first, before) = match page.first() {
            Some(&INDEX_LEAF) => (8, 0),
            Some(&INDEX_INNER) => (12, 4),
            _ => return,
        };
        let cells = page.get(3..5).map_or(0, number);
        for cell in 0..cells {
            let at = first + cell * 2;
            let start = page.get(at..at + 2).map_or(0, number);
            if start >= first + cells * 2
                && let Some(record) = self.entry(&page, start + before)
                && let Some(columns) = columns(&record)
            {
                each(&columns);
            }
        }
    }

    fn entry(&self, page: &[u8], start: usize) -> Option<Vec<u8>> {
        let cell = page.get(start..)?;
        let (length, used) = varint(cell)?;
        // How much of a record stays in a page of an index: section 1.6, "local payload".
        let most = (self.page_bytes - 12) * 64 / 255 - 23;
        self.record(cell.get(used..)?, length, most)
    }

    /// Returns the row number and the whole record of a cell.
    fn cell(&self, page: &[u8], start: usize) -> Option<(i64, Vec<u8>)> {
        let cell = page.get(start..)?;
        let (length, used) = varint(cell)?;
        let (row, more) = varint(cell.get(used..)?)?;
        let payload = cell.get(used + more..)?;
        Some((row, self.record(payload, length, self.page_bytes - 35)?))
    }

    /// Returns a whole record, of which at most so many bytes are in its page.
    fn record(&self, payload: &[u8], length: i64, most: usize) -> Option<Vec<u8>> {
        let length = usize::try_from(length).ok()?;
        if length > RECORD_BYTES_MAX {
            return None;
        }
        if length <= most {
            return Some(payload.get(..length)?.to_vec());
        }
        let usable = self.page_bytes;
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        let local = if fitting <= most { fitting } else { least };
        let mut record = payload.get(..local)?.to_vec();
        let mut next = payload.get(local..local + 4).map_or(0, number);
        while record.len() < length {
            let overflow = self.page(next.checked_sub(1)? as u64)?;
            next = overflow.get(..4).map_or(0, number);
            let wanted = (length - record.len()).min(usable - 4);
            record.extend_from_slice(overflow.get(4..4 + wanted)?);
        }
        Some(record)
    }
}

/// Returns the columns of a record, or none when its header does not fit it.
fn columns(record: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(record)?;
    let header = usize::try_from(header).ok()?;
    let mut body = record.get(header..)?;
    let mut columns = Vec::new();
    while at < header {
        let (kind, used) = varint(record.get(at..header)?)?;
        at += used;
        if columns.len() == COLUMNS_MAX {
            return None;
        }
        let bytes = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let (value, rest) = body.split_at_checked(bytes)?;
        body = rest;
        columns.push(match kind {
            0 => Value::Null,
            7 => Value::Real(f64::from_be_bytes(value.try_into().ok()?)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(signed(value)),
            _ if kind % 2 == 0 => Value::Blob(value.to_vec()),
            _ => Value::Text(String::from_utf8(value.to_vec()).ok()?),
        });
    }
    body.is_empty().then_some(columns)
}

/// Reads a big-endian number of a few bytes.
fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    bytes
        .iter()
        .fold(start, |sum, byte| sum << 8 | i64::from(*byte))
}

/// Reads a number of variable length, and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut sum = 0_i64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some((sum << 8 | i64::from(*byte), 9));
        }
        sum = sum << 7 | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((sum, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn every_row_is_found_without_the_tree_also_long_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, r REAL, s TEXT, b BLOB)",
            )
            .unwrap();
        let mut expected = Vec::new();
        for id in 1..300_i64 {
            let n = (id - 150) * 1_000_003_i64.pow(u32::try_from(id % 3).unwrap());
            let text = "x".repeat(usize::try_from(id * id % 20_000).unwrap());
            let blob = vec![7_u8; usize::try_from(id % 90).unwrap()];
            connection
                .execute(
                    "INSERT INTO t VALUES (?1, ?2, 1.5, ?3, ?4)",
                    (id, n, &text, &blob),
                )
                .unwrap();
            expected.push((
                id,
                vec![Value::Null, n.into(), 1.5.into(), text.into(), blob.into()],
            ));
        }
        drop(connection);
        let mut file = std::fs::read(&path).unwrap();
        let damaged = folder.path().join("damaged.db");
        // No page leads to any other now.
        let root = file[4096];
        assert_eq!(root, 5);
        file[4096..8192].fill(0);
        std::fs::write(&damaged, &file).unwrap();
        let mut found = Vec::new();
        each_row(
            &File::open(&damaged).unwrap(),
            &HashSet::new(),
            &mut |row, columns| {
                found.push((row, columns.to_vec()));
            },
        );
        found.retain(|(_, columns)| columns.len() == 5 && columns[0] == Value::Null);
        found.sort_by_key(|(row, _)| *row);
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_of_a_table_without_numbers_are_found_without_its_root() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (a INTEGER, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
                 CREATE TABLE other (a INTEGER, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
                 INSERT INTO other VALUES (7, 'not of t');",
            )
            .unwrap();
        let mut expected = Vec::new();
        for a in 0..2_000_i64 {
            let b = "x".repeat(usize::try_from(a * a % 3_000).unwrap());
            connection
                .execute("INSERT INTO t VALUES (?1, ?2)", (a, &b))
                .unwrap();
            expected.push(vec![Value::Integer(a), Value::Text(b)]);
        }
        drop(connection);
        let file = File::open(&path).unwrap();
        let (mut others, mut found) = (HashSet::new(), Vec::new());
        add_tree(&file, 2, &mut others);
        assert_eq!(others, HashSet::from([2]));
        each_entry(&file, &others, &mut |columns| found.push(columns.to_vec()));
        found.sort_by_key(|columns| {
            let Value::Integer(a) = columns[0] else {
                return -1;
            };
            a
        });
        assert_eq!(found, expected);
        let mut tree = HashSet::new();
        add_tree(&file, 1, &mut tree);
        let mut left = 0;
        each_entry(&file, &tree, &mut |_| left += 1);
        assert_eq!(left, 1, "all but the other table are pages of this tree");
    }

    fn read_all(file: &File) {
        each_row(file, &HashSet::new(), &mut |_, _| {});
        each_entry(file, &HashSet::new(), &mut |_| {});
        add_tree(file, 1, &mut HashSet::new());
    }

    #[test]
    fn garbage_is_read_without_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("garbage");
        let mut state = 1_u64;
        for _ in 0..200 {
            let mut file = vec![0_u8; 8192];
            for byte in &mut file {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = (state >> 56).to_le_bytes()[0];
            }
            (file[0], file[4096], file[16], file[17]) = (13, 13, 16, 0);
            file[100] = 13;
            std::fs::write(&path, &file).unwrap();
            read_all(&File::open(&path).unwrap());
        }
        std::fs::write(&path, "").unwrap();
        read_all(&File::open(&path).unwrap());
    }
}
