//! What nobody writes by hand, each in a folder of its own: the outcome, the time and the peak memory of indexing it.
//!
//! Each case is indexed twice by a process of its own, new and unchanged. The
//! command fails when one of them ends badly, or takes more than the bound.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use steadfast::Memory;
use steadfast_testkit::NESTED;

use crate::corpus::{Draw, word};
use crate::figures::milliseconds;
use crate::process::measured;

/// The most that indexing may take.
const PEAK_MIB_MAX: u64 = 512;
/// Just below the limit of a file.
const LARGE_BYTES: usize = (32 << 20) - 16;
/// How deep a text is nested.
const DEPTH: usize = 100_000;
/// Large files in one folder: more than may be in memory at once.
const LARGE_FILES: usize = 40;

/// The smallest that a format can hold, over and over, up to the limit of a file: before it, and behind it.
const REPEATED: &[(&str, &str, &str, &str)] = &[
    ("headings.md", "", "#\n", ""),
    ("sections.md", "", "## a\n\nb\n\n", ""),
    ("short-sections.md", "", SECTION, ""),
    ("items.md", "", "- a\n", ""),
    ("tags.md", "", "#ab ", ""),
    ("quotes.md", "# a\n", "> tags: [a]\n\n# b\n", ""),
    ("lines.txt", "", "a\n", ""),
    ("words.txt", "", "a ", ""),
    ("letters.txt", "", "a", ""),
    ("wide.txt", "", "\u{6771}\u{4eac}", ""),
    ("headings.rst", "", "a\n-\n\n", ""),
    ("fields.rst", "", ":a: b\n", ""),
    ("headings.org", "", "* a\n", ""),
    ("keywords.org", "", "#+a: b\n", ""),
    ("tags.org", "* a :", "a:", "\n"),
    ("elements.json", "[", "1,", "1]"),
    ("lines.json", "[\n", "1,\n", "1]"),
    ("members.json", "{", "\"\":0,", "\"\":0}"),
    ("objects.jsonl", "", "{\"a\":1}\n", ""),
    ("keys.yaml", "", "a:\n", ""),
    ("items.yaml", "", "-\n", ""),
    ("keys.toml", "", "a=1\n", ""),
    ("tables.toml", "", "[a]\n", ""),
    ("keys.ini", "", "a=1\n", ""),
    ("records.csv", "a,b\n", "1\n", ""),
    ("quotes.csv", "a,b\n", "\"", ""),
    ("statements.js", "", "a;", ""),
    ("statements.sh", "", "a\n\n", ""),
    ("items.html", "<ul>", "<li>&amp;", ""),
    ("cells.html", "<table>", "<tr><td>a<td>b", ""),
    ("breaks.html", "", "a<br>", ""),
    ("scripts.html", "", "<script>", ""),
    ("keys.env", "", "password=x9\n", ""),
    (
        "secrets.txt",
        "",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a ",
        "",
    ),
];

/// Sections that are each just long enough for a chunk.
const SECTION: &str = "## heading number\n\nsome words that make up a section of one line\n\n";

/// Runs every case of this name, or all, and prints a table.
pub(crate) fn run(binary: &Path, files: usize, only: Option<&str>) -> anyhow::Result<()> {
    say("| what | new | peak | unchanged | peak | sources | chunks | left out |");
    say("|---|---|---|---|---|---|---|---|");
    let mut over = Vec::new();
    for (name, make) in cases(files) {
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let peak_mib = case(binary, &name, &*make).with_context(|| name.clone())?;
        if peak_mib > PEAK_MIB_MAX {
            over.push(format!("{name} takes {peak_mib} MiB"));
        }
    }
    anyhow::ensure!(
        over.is_empty(),
        "more than {PEAK_MIB_MAX} MiB: {}",
        over.join(", ")
    );
    Ok(())
}

type Make = Box<dyn Fn(&Path) -> anyhow::Result<()>>;

fn cases(files: usize) -> Vec<(String, Make)> {
    let mut cases: Vec<(String, Make)> = vec![
        (
            "one line of a gigabyte".to_owned(),
            Box::new(|folder| Ok(File::create(folder.join("line.txt"))?.set_len(1 << 30)?)),
        ),
        (
            "one line of a gigabyte of letters".to_owned(),
            Box::new(|folder| repeat(&folder.join("line.txt"), "", "letters ", "", 1 << 30)),
        ),
        (
            format!("{files} files in one folder"),
            Box::new(move |folder| many(folder, files)),
        ),
        (
            format!("{LARGE_FILES} files as long as they may be"),
            Box::new(|folder| {
                for number in 0..LARGE_FILES {
                    let name = folder.join(format!("{number}.txt"));
                    let unit = format!("some words of file {number}\n");
                    repeat(&name, "", &unit, "", LARGE_BYTES)?;
                }
                Ok(())
            }),
        ),
        (
            "2 files as long as they may be, of Chinese characters by chance".to_owned(),
            Box::new(|folder| by_chance(folder, 2, &mut han)),
        ),
        (
            "5 files as long as they may be, of 300,000 words by chance".to_owned(),
            Box::new(|folder| {
                by_chance(folder, 5, &mut |draw| {
                    format!("{} ", word(draw.below(300_000)))
                })
            }),
        ),
        (
            "2 files as long as they may be, of lines of base64".to_owned(),
            Box::new(|folder| by_chance(folder, 2, &mut base64)),
        ),
    ];
    for (name, before, unit, behind) in REPEATED {
        let make =
            move |folder: &Path| repeat(&folder.join(name), before, unit, behind, LARGE_BYTES);
        cases.push((format!("32 MiB, {name}"), Box::new(make)));
    }
    for (name, unit) in NESTED {
        let make = move |folder: &Path| {
            let bytes = unit.len() * DEPTH;
            repeat(&folder.join(name), "", unit, "the bottom", bytes)
        };
        cases.push((format!("{DEPTH} deep, {name}"), Box::new(make)));
    }
    cases
}

/// Indexes what a case makes, twice, and returns the larger peak.
fn case(
    binary: &Path,
    name: &str,
    make: &dyn Fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let place = tempfile::tempdir()?;
    let (tree, store) = (place.path().join("tree"), place.path().join("store"));
    std::fs::create_dir(&tree)?;
    make(&tree)?;
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.context("the folder's name is not UTF-8")
    };
    let (tree, folder) = (text(&tree)?, text(&store)?);
    let index = || measured(binary, &["--store", &folder, "index", &tree]);
    let new = index()?;
    // What was written within two seconds is read once more.
    std::thread::sleep(Duration::from_secs(3));
    index()?;
    let again = index()?;
    let status = Memory::open(&store)?.status()?;
    say(&format!(
        "| {name} | {} | {} MiB | {} | {} MiB | {} | {} | {} |",
        milliseconds(new.wall),
        new.peak_kib / 1024,
        milliseconds(again.wall),
        again.peak_kib / 1024,
        status.sources,
        status.chunks,
        status.skipped,
    ));
    Ok(new.peak_kib.max(again.peak_kib) / 1024)
}

/// Writes a file of one unit over and over, up to a length.
fn repeat(path: &Path, before: &str, unit: &str, behind: &str, bytes: usize) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(before.as_bytes())?;
    let times = bytes.saturating_sub(before.len() + behind.len()) / unit.len().max(1);
    for _ in 0..times {
        file.write_all(unit.as_bytes())?;
    }
    file.write_all(behind.as_bytes())?;
    Ok(file.flush()?)
}

/// Writes files as long as they may be, of pieces that hardly come twice.
fn by_chance(
    folder: &Path,
    files: u64,
    piece: &mut dyn FnMut(&mut Draw) -> String,
) -> anyhow::Result<()> {
    for number in 0..files {
        let mut draw = Draw::new(number + 1);
        let mut file = BufWriter::new(File::create(folder.join(format!("{number}.txt")))?);
        let mut bytes = 0;
        loop {
            let piece = piece(&mut draw);
            bytes += piece.len();
            if bytes > LARGE_BYTES {
                break;
            }
            file.write_all(piece.as_bytes())?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Returns a sentence of Chinese characters.
fn han(draw: &mut Draw) -> String {
    let character = |draw: &mut Draw| {
        let number = u32::try_from(draw.below(20_000)).unwrap_or(0);
        char::from_u32(0x4e00 + number).unwrap_or_default()
    };
    let length = 8 + draw.below(22);
    let mut sentence: String = (0..length).map(|_| character(draw)).collect();
    sentence.push('\u{3002}');
    sentence
}

/// Returns a line of base64, as of a key or a picture.
fn base64(draw: &mut Draw) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |draw: &mut Draw| DIGITS.get(draw.below(64)).copied().map_or('A', char::from);
    let mut line: String = (0..76).map(|_| digit(draw)).collect();
    line.push('\n');
    line
}

/// Writes files of a line each.
fn many(folder: &Path, files: usize) -> anyhow::Result<()> {
    for number in 0..files {
        let path = folder.join(format!("file-{number:07}.md"));
        std::fs::write(path, format!("what is said in file {number}\n"))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn say(line: &str) {
    println!("{line}");
}
