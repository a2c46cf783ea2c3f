//! Takes folders through the real line in, and compares every chunk of the store with the bytes of its file.
//!
//! What the contract promises of spans is checked from outside: the text of a
//! chunk is exactly the bytes that it names, unless the chunk says that this
//! cannot be; its lines are those of the bytes; and every byte of a file that
//! is not white space lies in a chunk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use steadfast::ingest::walk::{Hidden, IgnoreFiles};
use steadfast::model::{Chunk, DocumentStatus, Filter};
use steadfast::{IndexOptions, ListRequest, Memory, Silent};

/// Chunks that are listed at once.
const PAGE: usize = 1_000;
/// Faults that are shown one by one.
const FAULTS_SHOWN_MAX: u64 = 20;

/// What was found in the files with one extension.
#[derive(Default)]
struct Tally {
    files: u64,
    left_out: u64,
    bytes: u64,
    chunks: u64,
    marked: u64,
    uncovered: u64,
    other_texts: u64,
    other_lines: u64,
}

impl Tally {
    fn faults(&self) -> u64 {
        self.uncovered + self.other_texts + self.other_lines
    }
}

/// Indexes folders into a store of their own and prints a row for each extension; fails when a byte is lost.
pub(crate) fn run(folders: &[PathBuf]) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let memory = Memory::options()
        .create(true)
        .open(place.path().join("store"))?;
    let mut options = IndexOptions::default();
    options.walk.hidden = Hidden::Take;
    options.walk.ignore_files = IgnoreFiles::Disregard;
    let report = memory.index(folders, &options, &Silent)?;
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for skipped in &report.skipped {
        *reasons.entry(skipped.reason.clone()).or_default() += 1;
        let tally = tallies.entry(extension(&skipped.source)).or_default();
        tally.left_out += 1;
    }
    for document in memory.sources(&Filter::default())? {
        // A file without a word has no chunk, and so nothing to be lost.
        if document.status == DocumentStatus::Indexed && document.chunks == 0 {
            file(&document.source, &[], &mut tallies);
        }
    }
    let mut request = ListRequest::default();
    request.limit = PAGE;
    let mut open: Vec<Chunk> = Vec::new();
    loop {
        let listing = memory.list(&request)?;
        anyhow::ensure!(listing.damaged == 0, "a text is damaged");
        for chunk in listing.chunks {
            // Chunks came in file by file, and so they are listed.
            if open.last().is_some_and(|last| last.source != chunk.source) {
                whole(&mut open, &mut tallies);
            }
            open.push(chunk);
        }
        match listing.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    whole(&mut open, &mut tallies);
    print(&tallies, &reasons)
}

fn whole(chunks: &mut Vec<Chunk>, tallies: &mut BTreeMap<String, Tally>) {
    if let Some(first) = chunks.first() {
        file(&first.source, chunks, tallies);
    }
    chunks.clear();
}

/// Compares the chunks of one file with its bytes.
#[expect(clippy::print_stderr, reason = "faults are shown as they are found")]
fn file(source: &str, chunks: &[Chunk], tallies: &mut BTreeMap<String, Tally>) {
    // The name of a file that is not UTF-8 is shown otherwise than it is written.
    let Ok(bytes) = std::fs::read(source) else {
        return;
    };
    let shown: u64 = tallies.values().map(Tally::faults).sum();
    let tally = tallies.entry(extension(source)).or_default();
    let before = tally.faults();
    tally.files += 1;
    tally.bytes += bytes.len() as u64;
    tally.chunks += chunks.len() as u64;
    let is_wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let mut covered_to = if bytes.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    for chunk in chunks {
        let [start, end] = [chunk.place.start_byte, chunk.place.end_byte]
            .map(|byte| usize::try_from(byte).unwrap_or(usize::MAX));
        let fidelity = chunk.place.fidelity;
        let is_marked = fidelity.lossy || fidelity.converted || fidelity.redacted;
        tally.marked += u64::from(is_marked);
        let Some(part) = bytes.get(start..end) else {
            tally.other_texts += 1;
            continue;
        };
        tally.other_texts += u64::from(!is_marked && part != chunk.text.as_bytes());
        tally.uncovered += visible(bytes.get(covered_to..start).unwrap_or_default());
        let line = |to: usize| 1 + feeds(bytes.get(..to).unwrap_or_default());
        let lines = (line(start), line(end.saturating_sub(1).max(start)));
        let stated = (chunk.place.start_line, chunk.place.end_line);
        tally.other_lines += u64::from(!is_wide && names_bytes(source) && lines != stated);
        covered_to = covered_to.max(end);
    }
    if !is_wide {
        tally.uncovered += visible(bytes.get(covered_to..).unwrap_or_default());
    }
    if tally.faults() > before && shown < FAULTS_SHOWN_MAX {
        eprintln!("{source}: {} faults", tally.faults() - before);
    }
}

/// Returns whether lines are those of the file: those of a packed document are lines of what was unpacked.
fn names_bytes(source: &str) -> bool {
    !["pdf", "docx", "epub"].contains(&extension(source).as_str())
}

fn feeds(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |count, byte| count + u32::from(*byte == b'\n'))
}

/// Returns how many bytes are no white space; that of Unicode is decoded first.
fn visible(bytes: &[u8]) -> u64 {
    String::from_utf8_lossy(bytes).trim().len() as u64
}

fn extension(source: &str) -> String {
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= 8 => extension.to_lowercase(),
        _ => "(others)".to_owned(),
    }
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print(tallies: &BTreeMap<String, Tally>, reasons: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    println!(
        "| extension | files | left out | MB | chunks | lossy, converted or redacted | uncovered bytes | other texts | other lines |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, tally) in tallies {
        println!(
            "| {name} | {} | {} | {:.1} | {} | {} | {} | {} | {} |",
            tally.files,
            tally.left_out,
            tally.bytes as f64 / 1e6,
            tally.chunks,
            tally.marked,
            tally.uncovered,
            tally.other_texts,
            tally.other_lines,
        );
    }
    for (reason, count) in reasons {
        println!("left out, {reason}: {count}");
    }
    let faults: u64 = tallies.values().map(Tally::faults).sum();
    anyhow::ensure!(faults == 0, "{faults} faults");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_lost_a_word_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("a.md"), "\u{feff}# One\r\n\r\nText.\r\n").unwrap();
        std::fs::write(
            tree.join("b.html"),
            "<html><script>x</script><p>a<p>b</html>\n",
        )
        .unwrap();
        std::fs::write(tree.join("c.txt"), b"caf\xe9 au lait\n").unwrap();
        std::fs::write(tree.join("d.md"), " \n").unwrap();
        run(std::slice::from_ref(&tree)).unwrap();
        let source = tree.join("a.md");
        let source = source.to_str().unwrap();
        let mut tallies = BTreeMap::new();
        file(source, &[], &mut tallies);
        assert_eq!(tallies["md"].uncovered, "# One\r\n\r\nText.".len() as u64);
    }
}
