//! The bad day: a folder in which nothing is as it should be. Files without end, without a name,
//! without rights; pipes, loops, bombs. Each has a clear outcome, and the rest goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use steadfast::model::{Chunk, DocumentStatus, Filter};
use steadfast::{IndexOptions, IndexReport, ListRequest, Memory, SearchRequest, Silent};
use steadfast_testkit::NESTED;

struct Place {
    folder: tempfile::TempDir,
    memory: Memory,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tree")).unwrap();
        let memory = Memory::options()
            .create(true)
            .open(folder.path().join("store"))
            .unwrap();
        Self { folder, memory }
    }

    fn tree(&self) -> PathBuf {
        fs::canonicalize(self.folder.path().join("tree")).unwrap()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.tree().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn index(&self) -> IndexReport {
        self.index_with(&IndexOptions::default())
    }

    fn index_with(&self, options: &IndexOptions) -> IndexReport {
        let report = self.memory.index(&[self.tree()], options, &Silent);
        report.unwrap()
    }

    /// Returns the reason for each source that was left out, by its name in the tree.
    fn skipped(&self, report: &IndexReport) -> BTreeMap<String, String> {
        let names = report.skipped.iter();
        names
            .map(|skipped| (self.short(&skipped.source), skipped.reason.clone()))
            .collect()
    }

    fn short(&self, source: &str) -> String {
        let tree = self.tree();
        let rest = source.strip_prefix(tree.to_str().unwrap());
        rest.unwrap_or(source)
            .trim_start_matches(std::path::is_separator)
            .to_owned()
    }

    fn chunks(&self, name: &str) -> Vec<Chunk> {
        let mut request = ListRequest::default();
        request.limit = 10_000;
        let listing = self.memory.list(&request).unwrap();
        assert!(listing.cursor.is_none(), "more chunks than are looked at");
        let chunks = listing.chunks.into_iter();
        chunks
            .filter(|chunk| self.short(&chunk.source) == name)
            .collect()
    }

    fn text(&self, name: &str) -> String {
        let chunks = self.chunks(name);
        chunks.iter().map(|chunk| chunk.text.as_str()).collect()
    }

    fn status(&self, name: &str) -> (DocumentStatus, Option<String>) {
        let sources = self.memory.sources(&Filter::default()).unwrap();
        let mut sources = sources.into_iter();
        let found = sources.find(|document| self.short(&document.source) == name);
        let document = found.unwrap();
        (document.status, document.reason)
    }

    fn warnings(&self, question: &str) -> Vec<String> {
        let answer = self.memory.search(&SearchRequest::new(question)).unwrap();
        assert!(!answer.hits.is_empty());
        answer.coverage.warnings
    }
}

fn reasons(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = expected.iter();
    pairs
        .map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned()))
        .collect()
}

#[test]
fn bytes_of_every_sort_are_indexed_or_have_a_reason() {
    let place = Place::new();
    place.write("plain.md", "plain");
    place.write("empty.md", "");
    place.write("blank.md", " \n\t\r\n");
    place.write("bom.md", b"\xef\xbb\xbfmarked");
    place.write("crlf.md", "one\r\ntwo\r\n");
    place.write("latin.txt", b"caf\xe9 au lait");
    place.write("zero.txt", b"text\0text");
    let mut late = vec![b'a'; 9_000];
    late.push(0);
    place.write("late-zero.txt", &late);
    place.write("noise.txt", [0xc3; 500]);
    place.write("picture.png", b"not even a picture");
    let utf16 = "\u{feff}wide w\u{f6}rds".encode_utf16();
    place.write(
        "utf16.txt",
        utf16.flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    let utf32 = "\u{feff}x".chars().flat_map(|c| u32::from(c).to_le_bytes());
    place.write("utf32.txt", utf32.collect::<Vec<u8>>());

    let report = place.index();
    let expected = [
        ("noise.txt", "binary"),
        ("picture.png", "binary"),
        ("utf32.txt", "binary"),
        ("zero.txt", "binary"),
    ];
    assert_eq!(place.skipped(&report), reasons(&expected));
    assert_eq!((report.files.added, report.files.skipped), (8, 4));
    assert_eq!(place.text("crlf.md"), "one\r\ntwo\r\n");
    assert_eq!(place.text("bom.md"), "marked");
    assert_eq!(place.chunks("bom.md")[0].place.start_byte, 3);
    let latin = &place.chunks("latin.txt")[0];
    assert!(latin.place.fidelity.lossy);
    assert_eq!((latin.place.start_byte, latin.place.end_byte), (0, 12));
    let wide = &place.chunks("utf16.txt")[0];
    assert!(wide.place.fidelity.converted);
    assert_eq!(wide.text, "wide w\u{f6}rds");
    assert_eq!(place.text("late-zero.txt").len(), 9_001);
    assert_eq!(place.status("blank.md").0, DocumentStatus::Indexed);

    // Nothing of this is looked at twice, and nothing of it changes.
    let again = place.index();
    assert!(again.chunks.is_unchanged(), "{:?}", again.chunks);
    assert_eq!(place.skipped(&again), reasons(&expected));
}

#[test]
fn a_file_over_the_limit_is_left_out_without_being_read() {
    let place = Place::new();
    place.write("a.md", "small");
    // One line of a gigabyte; on the disk it is nothing.
    let path = place.tree().join("line.txt");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let report = place.index();
    assert_eq!(
        place.skipped(&report),
        reasons(&[("line.txt", "too_large")])
    );
    assert_eq!(report.files.added, 1);
}

#[test]
fn a_single_long_line_is_cut_and_whole() {
    let place = Place::new();
    let mut line = String::new();
    for number in 0..60_000 {
        line.push_str(&number.to_string());
        line.push(' ');
    }
    place.write("line.txt", &line);
    let mut options = IndexOptions::default();
    options.file_bytes_max = line.len() as u64;
    assert_eq!(place.index_with(&options).files.added, 1);
    assert_eq!(place.text("line.txt"), line);
    let chunks = place.chunks("line.txt");
    assert!(chunks.iter().all(|chunk| chunk.place.start_line == 1));

    // What is over the limit now stays searchable, and is said to be out of date.
    place.write("line.txt", line + "more");
    assert_eq!(
        place.skipped(&place.index_with(&options)),
        reasons(&[("line.txt", "too_large")])
    );
    let stale = (DocumentStatus::Stale, Some("too_large".to_owned()));
    assert_eq!(place.status("line.txt"), stale);
}

#[test]
fn depth_overflows_nothing() {
    let place = Place::new();
    let depth = 100_000;
    let bottom = " the bottom";
    for (name, opened) in NESTED {
        place.write(name, opened.repeat(depth) + bottom);
    }
    let report = place.index();
    let files = u64::try_from(NESTED.len()).unwrap();
    assert_eq!((report.files.added, report.files.skipped), (files, 0));
    for (name, opened) in NESTED {
        let text = place.text(name);
        assert!(text.contains(bottom.trim()), "{name}");
        // What is converted has no marks any more; of all else no byte is lost.
        let bytes = opened.len() * depth + bottom.len();
        assert!(*name == "deep.html" || text.len() == bytes, "{name}");
    }
}

#[test]
fn pages_become_markdown_with_places_in_the_file() {
    let place = Place::new();
    let html = "<html><head><title>Harbour</title><script>var x = 1;</script></head>\n\
        <body><nav>Home</nav>\n<h1>Tides</h1>\n<p>High water is at <b>six</b>.</p></body></html>\n";
    place.write("page.html", html);
    place.index();
    let chunk = &place.chunks("page.html")[0];
    assert_eq!(chunk.text, "Harbour\n\n# Tides\n\nHigh water is at six.\n");
    assert_eq!(chunk.attributes.title.as_deref(), Some("Harbour"));
    assert_eq!(chunk.place.heading_path, ["Tides"]);
    assert!(chunk.place.fidelity.converted);
    assert_eq!((chunk.place.start_line, chunk.place.end_line), (1, 4));
    let end = usize::try_from(chunk.place.end_byte).unwrap();
    // What has no place in the text lies in a chunk all the same.
    assert_eq!((chunk.place.start_byte, end), (0, html.len()));
}

#[test]
fn every_byte_of_a_page_lies_in_a_chunk() {
    let place = Place::new();
    let filler = "<p>High water is at <b>six</b>, and low water at noon.</p>\n".repeat(60);
    let html = format!(
        "<!doctype html>\n<script>var x = 1;</script>\n<h1>Tides</h1>\n{filler}\
         <script>var y = 2;</script>\n<h2>Winds</h2>\n{filler}</body></html>\n<!-- end -->\n"
    );
    place.write("page.html", &html);
    place.index();
    let chunks = place.chunks("page.html");
    assert!(chunks.len() > 3);
    let (mut byte, mut line) = (0, 1);
    for chunk in &chunks {
        assert!(chunk.place.start_byte <= byte, "{:?}", chunk.place);
        assert!(chunk.place.start_line <= line + 1, "{:?}", chunk.place);
        (byte, line) = (chunk.place.end_byte, chunk.place.end_line);
    }
    let lines = u32::try_from(html.lines().count()).unwrap();
    assert_eq!((byte, line), (html.len() as u64, lines));
    // A chunk begins where its own first tag does, not in what was left out before it.
    let winds = chunks
        .iter()
        .find(|chunk| chunk.text.starts_with("## Winds"));
    let start = usize::try_from(winds.unwrap().place.start_byte).unwrap();
    assert!(
        html[start..].starts_with("<h2>Winds"),
        "{}",
        &html[start..start + 20]
    );
}

#[test]
#[cfg(not(feature = "documents"))]
fn documents_name_the_feature_that_reads_them() {
    let place = Place::new();
    for name in ["a.pdf", "b.DOCX", "c.epub"] {
        place.write(name, b"%PDF-1.4");
    }
    place.write("d.doc", b"old");
    let expected = [
        ("a.pdf", "needs_feature_documents"),
        ("b.DOCX", "needs_feature_documents"),
        ("c.epub", "needs_feature_documents"),
        ("d.doc", "binary"),
    ];
    assert_eq!(place.skipped(&place.index()), reasons(&expected));
}

#[test]
fn names_of_every_sort_are_names() {
    let place = Place::new();
    let long = "n".repeat(250) + ".md";
    let deep = ["d".repeat(100).as_str(); 12].join("/") + "/deep.md";
    let twins = ["caf\u{e9}.md", "cafe\u{301}.md", "Case.md", "case.md"];
    let others = [
        "with space.md",
        "#hash.md",
        "a[1]*?.md",
        "-dash.md",
        "quote'\".md",
    ];
    let mut names: Vec<&str> = vec![&long, &deep, "new\nline.md", "\u{202e}dm.md"];
    names.extend(twins);
    names.extend(others);
    for (number, name) in names.iter().enumerate() {
        place.write(name, format!("text number {number}"));
    }
    // On a file system that takes twins for one, the last one is what is there.
    let there: Vec<PathBuf> = names.iter().map(|name| place.tree().join(name)).collect();
    let distinct: std::collections::BTreeSet<_> = there
        .iter()
        .map(|path| fs::canonicalize(path).unwrap())
        .collect();
    let report = place.index();
    assert_eq!(report.files.added, distinct.len() as u64);
    assert_eq!(report.files.skipped, 0);
    for path in distinct {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(place.text(&place.short(path.to_str().unwrap())), text);
    }
    assert_eq!(place.index().files.unchanged, report.files.added);
}

#[test]
fn a_file_that_is_written_to_meanwhile_is_whole_or_left_out() {
    let place = Place::new();
    let path = place.write("busy.md", "0");
    place.write("calm.md", "calm");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let digit = char::from(b'0' + u8::try_from(round % 10).unwrap());
                fs::write(&path, digit.to_string().repeat(50_000)).unwrap();
            }
        });
        for _ in 0..20 {
            let report = place.index();
            assert!(report.files.skipped <= 1, "{:?}", report.skipped);
            let text = place.text("busy.md");
            // An empty file is what the writer leaves between cutting and writing.
            let first = text.chars().next();
            assert!(text.chars().all(|c| Some(c) == first), "the file was torn");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    place.index();
    assert_eq!(place.text("busy.md"), fs::read_to_string(&path).unwrap());
    assert_eq!(place.status("busy.md").0, DocumentStatus::Indexed);
}

#[test]
fn what_was_text_and_is_no_longer_is_stale_and_says_so() {
    let place = Place::new();
    place.write("a.md", "the lighthouse keeper");
    place.write("b.md", "the harbour master");
    place.index();
    assert!(place.warnings("lighthouse").is_empty());
    assert!(place.memory.status().unwrap().problems.is_empty());

    place.write("a.md", b"\0\0\0\0");
    let report = place.index();
    assert_eq!(place.skipped(&report), reasons(&[("a.md", "binary")]));
    let stale = (DocumentStatus::Stale, Some("binary".to_owned()));
    assert_eq!(place.status("a.md"), stale);
    assert_eq!(place.text("a.md"), "the lighthouse keeper");
    let warnings = place.warnings("lighthouse keeper");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("a.md") && warnings[0].contains("binary"));
    let problems = place.memory.status().unwrap().problems;
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code, problem.count))
        .collect();
    assert_eq!(found, [("sources_stale", 1)]);
    // It stays so, and costs no commit.
    let before = place.memory.status().unwrap().generation;
    place.index();
    assert_eq!(place.memory.status().unwrap().generation, before);

    place.write("a.md", "the lighthouse keeper");
    let report = place.index();
    assert!(report.skipped.is_empty());
    assert_eq!(place.status("a.md"), (DocumentStatus::Indexed, None));
    assert!(place.warnings("lighthouse keeper").is_empty());
    assert!(place.memory.status().unwrap().problems.is_empty());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_no_file_is_neither_opened_nor_followed() {
        let place = Place::new();
        place.write("a.md", "text");
        place.write("below/b.md", "text below");
        let made = std::process::Command::new("mkfifo")
            .arg(place.tree().join("pipe.md"))
            .status();
        assert!(made.unwrap().success());
        let socket = std::os::unix::net::UnixListener::bind(place.tree().join("socket.md"));
        let socket = socket.unwrap();
        symlink("..", place.tree().join("below/loop")).unwrap();
        symlink("self", place.tree().join("self")).unwrap();
        symlink("nothing", place.tree().join("broken")).unwrap();
        symlink(place.memory.folder(), place.tree().join("store")).unwrap();
        let report = place.index();
        let expected = [
            ("broken", "symlink_broken"),
            ("pipe.md", "not_a_file"),
            ("self", "symlink_broken"),
            ("socket.md", "not_a_file"),
            ("store", "symlink"),
        ];
        assert_eq!(place.skipped(&report), reasons(&expected));
        assert_eq!(report.files.added, 2);
        drop(socket);
    }

    #[test]
    fn names_that_are_not_utf_8_are_shown_and_kept_apart() {
        let place = Place::new();
        let stray = place
            .tree()
            .join(std::ffi::OsStr::from_bytes(b"caf\xe9.md"));
        if fs::write(&stray, "stray").is_err() {
            // This file system has no such names.
            return;
        }
        assert_eq!(place.index().files.added, 1);
        assert_eq!(place.text("caf%E9.md"), "stray");
        place.write("caf%E9.md", "twin");
        let report = place.index();
        assert_eq!(place.text("caf%E9.md"), "twin");
        assert_eq!(report.files.skipped, 1);
    }

    #[test]
    fn what_lies_in_a_folder_that_is_shut_is_stale_not_gone() {
        let place = Place::new();
        place.write("open.md", "the open sea");
        let inside = place.write("shut/inside.md", "the inner harbour");
        place.index();
        let folder = inside.parent().unwrap();
        set_mode(folder, 0);
        if fs::read_dir(folder).is_ok() {
            // The superuser may look into everything.
            set_mode(folder, 0o755);
            return;
        }
        let report = place.index();
        set_mode(folder, 0o755);
        let expected = [("shut", "unreadable"), ("shut/inside.md", "unreadable")];
        assert_eq!(place.skipped(&report), reasons(&expected));
        let stale = (DocumentStatus::Stale, Some("unreadable".to_owned()));
        assert_eq!(place.status("shut/inside.md"), stale);
        assert!(place.warnings("inner harbour")[0].contains("inside.md"));
        place.index();
        let indexed = (DocumentStatus::Indexed, None);
        assert_eq!(place.status("shut/inside.md"), indexed);
    }
}
