//! Rot: SQLite notices hardly any flipped bit of a text or a vector; a text is never given out without its hash.

use std::path::Path;

use steadfast_model::{Change, Row};
use steadfast_store::Journal;
use steadfast_store::sqlite::DATABASE;

use super::support::{Random, commit, files, open, put, texts, vector_of};

/// Flips one bit of the only place in the file that holds `bytes`, `offset` bytes after its beginning.
fn flip(folder: &Path, bytes: &[u8], offset: usize, bit: u32) {
    let mut file = files(folder)[DATABASE].clone();
    let places: Vec<usize> = (0..file.len() - bytes.len())
        .filter(|&place| file[place] == bytes[0] && file[place..].starts_with(bytes))
        .collect();
    assert_eq!(places.len(), 1, "the bytes are there once");
    file[places[0] + offset] ^= 1 << bit;
    std::fs::write(folder.join(DATABASE), file).unwrap();
}

fn store_with(folder: &Path, texts: &[String]) {
    let store = open(folder, Journal::Auto);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    commit(&store, Change::Put(put("/a", &texts)));
}

fn some_texts() -> Vec<String> {
    // Short, over several pages, and empty beside them.
    [20, 300, 9_000, 40]
        .iter()
        .enumerate()
        .map(|(index, length)| {
            format!(
                "{index}{index}{index} begins {}",
                "abcdefghi ".repeat(length / 10)
            )
        })
        .collect()
}

#[test]
fn a_flipped_bit_of_a_text_is_reported_and_the_text_is_not_given_out() {
    let mut random = Random(1);
    let wanted = some_texts();
    for row in 1..=4_u32 {
        for _ in 0..6 {
            let folder = tempfile::tempdir().unwrap();
            store_with(folder.path(), &wanted);
            let text = wanted[row as usize - 1].as_bytes();
            // The beginning of a text lies in one piece, wherever the rest is.
            let offset = usize::try_from(random.below(12)).unwrap();
            let bit = u32::try_from(random.below(8)).unwrap();
            flip(folder.path(), &text[..12], offset, bit);
            let store = open(folder.path(), Journal::Auto);
            let view = store.snapshot().unwrap();
            let rows: Vec<Row> = (1..=4).map(Row).collect();
            let fetched = view.fetch(&rows).unwrap();
            assert_eq!(fetched.damaged, [Row(row)], "byte {offset}, bit {bit}");
            let others: Vec<&str> = fetched
                .chunks
                .iter()
                .map(|chunk| chunk.text.as_str())
                .collect();
            let mut whole = wanted.clone();
            whole.remove(row as usize - 1);
            assert_eq!(others, whole, "the others are given out");
            let mut none = Vec::new();
            let mut hear = |row, text: Option<&str>| {
                none.extend(text.is_none().then_some(row));
                true
            };
            view.each_live_text(Row(0), &mut hear).unwrap();
            assert_eq!(none, [Row(row)]);
        }
    }
}

#[test]
fn a_flipped_bit_of_a_vector_is_reported_and_the_vector_is_not_given_out() {
    let mut random = Random(2);
    let wanted = some_texts();
    for row in 1..=4_u32 {
        for _ in 0..6 {
            let folder = tempfile::tempdir().unwrap();
            store_with(folder.path(), &wanted);
            let vector = vector_of(&wanted[row as usize - 1]).encode();
            let offset =
                usize::try_from(random.below(u64::try_from(vector.len()).unwrap())).unwrap();
            let bit = u32::try_from(random.below(8)).unwrap();
            flip(folder.path(), &vector, offset, bit);
            let store = open(folder.path(), Journal::Auto);
            let view = store.snapshot().unwrap();
            let (mut heard, mut damaged) = (0, Vec::new());
            view.each_vector(Row(0), &mut |row, vector| {
                heard += 1;
                damaged.extend(vector.is_none().then_some(row));
                true
            })
            .unwrap();
            assert_eq!(
                (heard, &damaged),
                (4, &vec![Row(row)]),
                "byte {offset}, bit {bit}"
            );
            let mut found = true;
            view.vectors(&[Row(row)], &mut |_, vector| {
                found = vector.is_some();
                true
            })
            .unwrap();
            assert!(!found);
            assert_eq!(texts(&store).len(), 4, "texts are as they were");
        }
    }
}
