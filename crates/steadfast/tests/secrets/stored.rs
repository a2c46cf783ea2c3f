//! No byte of a secret is in any file of the store, while it is open and after.

use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use steadfast::model::{Filter, Namespace};
use steadfast::{
    Conversation, Derived, IndexOptions, ListRequest, Memory, Message, Note, SearchRequest, Silent,
};

use crate::cases::labelled;

/// Looks for texts in every file below a folder.
pub(crate) fn survivors(folder: &Path, needles: &AhoCorasick) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(survivors(&path, needles));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let hits = needles.find_iter(&bytes);
        found.extend(hits.map(|hit| format!("{hit:?} in {}", path.display())));
    }
    found
}

/// What is looked for: each secret, line by line, as keys are stored line by line if at all.
pub(crate) fn needles() -> Vec<String> {
    let cases = labelled(11);
    let lines = cases
        .iter()
        .flat_map(|case| case.secrets.iter())
        .flat_map(|secret| secret.lines())
        .map(|line| line.trim_matches(['/', ' ']).to_owned())
        .filter(|line| line.len() >= 8 && !line.starts_with("--") && !line.contains(": "));
    lines.collect()
}

#[test]
fn no_byte_of_a_secret_reaches_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, store) = (folder.path().join("tree"), folder.path().join("store"));
    fs::create_dir(&tree).unwrap();
    let cases = labelled(11);
    for (number, case) in cases.iter().enumerate() {
        let text = format!("# Notes {number}\n\nbefore\n\n{}\n\nafter\n", case.text);
        fs::write(tree.join(format!("{number}.md")), text).unwrap();
    }
    let memory = Memory::options().create(true).open(&store).unwrap();
    let report = memory
        .index(
            std::slice::from_ref(&tree),
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    assert!(
        report.redactions >= cases.len() as u64,
        "{}",
        report.redactions
    );
    let mut again = IndexOptions::default();
    again.force = true;
    let report = memory
        .index(std::slice::from_ref(&tree), &again, &Silent)
        .unwrap();
    assert_eq!(
        (report.files.unchanged, report.chunks.inserted),
        (cases.len() as u64, 0)
    );
    let mut talk = Conversation::new("chat:1");
    talk.namespace = Namespace::new("talk").unwrap();
    for case in &cases {
        let mut note = Note::new(case.text.clone());
        note.title = Some(case.text.clone());
        // What is longer, or has lines, is no tag and is refused.
        let is_tag = case.text.len() <= 128 && !case.text.contains(char::is_control);
        note.tags = is_tag.then(|| case.text.clone()).into_iter().collect();
        note.meta
            .insert("context".to_owned(), case.text.clone().into());
        let least = 3 + u64::from(is_tag);
        assert!(
            memory.remember(&note).unwrap().redactions >= least,
            "{case:?}"
        );
        talk.messages.push(Message::new(case.text.clone()));
    }
    assert!(memory.keep_conversation(&talk).unwrap().redactions >= cases.len() as u64);
    memory.rebuild(Derived::All, &Silent).unwrap();
    let needles = AhoCorasick::new(needles()).unwrap();
    assert!(needles.patterns_len() > 100 && survivors(&tree, &needles).len() > 100);
    let found = survivors(&store, &needles);
    assert!(found.is_empty(), "while open: {found:#?}");
    drop(memory);
    let found = survivors(&store, &needles);
    assert!(found.is_empty(), "after: {found:#?}");
}

#[test]
fn only_the_chunk_with_the_secret_is_marked_and_spans_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ops.md");
    let secret = format!("glpat-{}", "x7Kq2Zr9Lw4Tb8Vn1Mc5");
    let filler = "The harbor was quiet that winter, and nobody came.\n".repeat(40);
    let text = format!(
        "# One\n\n{filler}\n# Two\n\nkey {secret} here\n\n{filler}\n# Three\n\nlast words\n"
    );
    // With a mark at its start every place of the file lies three bytes further on.
    fs::write(&file, format!("\u{feff}{text}")).unwrap();
    let memory = Memory::options()
        .create(true)
        .open(folder.path().join("store"))
        .unwrap();
    let report = memory
        .index(
            std::slice::from_ref(&file),
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    assert_eq!(report.redactions, 1);
    let bytes = fs::read(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut request = ListRequest::default();
    request.limit = 100;
    let chunks = memory.list(&request).unwrap().chunks;
    assert!(chunks.len() > 3);
    let marked = chunks
        .iter()
        .filter(|chunk| chunk.place.fidelity.redacted)
        .count();
    assert_eq!(marked, 1);
    for chunk in &chunks {
        let [start, end] = [chunk.place.start_byte, chunk.place.end_byte]
            .map(|byte| usize::try_from(byte).unwrap());
        let original = std::str::from_utf8(&bytes[start..end]).unwrap();
        assert_eq!(
            chunk.text.replace("[redacted:gitlab_token]", &secret),
            original
        );
        let first = lines[chunk.place.start_line as usize - 1];
        assert!(
            first.starts_with(original.lines().next().unwrap()),
            "{first}"
        );
    }
    let answer = memory
        .search(&SearchRequest::new("x7Kq2Zr9Lw4Tb8Vn1Mc5"))
        .unwrap();
    assert!(answer.hits.iter().all(|hit| hit.text_score == 0.0));
    assert_eq!(memory.sources(&Filter::default()).unwrap().len(), 1);
}

#[test]
fn a_chunk_that_ends_with_a_secret_of_several_lines_ends_on_its_last_line() {
    let folder = tempfile::tempdir().unwrap();
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let block = format!(
        "-----BEGIN {0}-----\n{key}\n{key}\n-----END {0}-----",
        "PRIVATE KEY"
    );
    for (name, end) in [
        ("none.md", ""),
        ("one.md", "\n"),
        ("more.md", "\nlast words"),
    ] {
        fs::write(folder.path().join(name), format!("# Keys\n\n{block}{end}")).unwrap();
    }
    let memory = Memory::options()
        .create(true)
        .open(folder.path().join("store"))
        .unwrap();
    let report = memory
        .index(
            &[folder.path().to_owned()],
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    assert_eq!(report.redactions, 3);
    memory
        .remember(&Note::new(format!("key\n\n{block}")))
        .unwrap();
    let mut ends: Vec<u32> = memory
        .list(&ListRequest::default())
        .unwrap()
        .chunks
        .iter()
        .map(|chunk| chunk.place.end_line)
        .collect();
    ends.sort_unstable();
    assert_eq!(ends, [6, 6, 6, 7]);
}
