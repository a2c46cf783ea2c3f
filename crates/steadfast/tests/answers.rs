//! Scopes far smaller than k, strange questions, paging, forgetting: through the facade.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use steadfast::model::{Expression, Filter, Kind, Namespace, Timestamp};
use steadfast::{
    Derived, IndexOptions, ListRequest, Memory, Mode, Note, SearchRequest, Selection, Silent,
};

fn open(folder: &Path) -> Memory {
    Memory::options()
        .create(true)
        .open(folder.join("store"))
        .unwrap()
}

/// 600 notes, of which three carry what the filters ask for.
fn crowded(folder: &Path) -> (Memory, BTreeSet<String>) {
    let memory = open(folder);
    let mut rare = BTreeSet::new();
    for number in 0..600 {
        let mut note = Note::new(format!("note {number} about the harbor and the winter"));
        if number % 200 == 7 {
            note.namespace = Namespace::new("rare").unwrap();
            note.tags = vec!["rare".to_owned()];
            note.source = Some(format!("/rare/{number}.txt"));
            note.meta.insert("level".to_owned(), 9.into());
            note.time = Some(Timestamp::parse("2001-02-03").unwrap());
        }
        let id = memory.remember(&note).unwrap().id.to_string();
        if number % 200 == 7 {
            rare.insert(id);
        }
    }
    (memory, rare)
}

fn filters() -> Vec<(&'static str, Filter)> {
    let level = Expression::parse(&serde_json::json!({"level": {"$gte": 9}})).unwrap();
    vec![
        (
            "namespace",
            Filter {
                namespaces: vec![Namespace::new("rare").unwrap()],
                ..Filter::default()
            },
        ),
        (
            "tag",
            Filter {
                tags: vec!["rare".to_owned()],
                ..Filter::default()
            },
        ),
        (
            "source",
            Filter {
                sources: vec![steadfast::model::filter::SourcePattern::parse("/rare/**").unwrap()],
                ..Filter::default()
            },
        ),
        (
            "folder",
            Filter {
                within: vec!["/rare".to_owned()],
                ..Filter::default()
            },
        ),
        (
            "until",
            Filter {
                until: Some(Timestamp::parse("2001-02-04").unwrap()),
                ..Filter::default()
            },
        ),
        (
            "metadata",
            Filter {
                expression: Some(level),
                ..Filter::default()
            },
        ),
    ]
}

#[test]
fn each_filter_finds_all_of_a_scope_far_smaller_than_k() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, rare) = crowded(folder.path());
    for round in ["in the tail", "in the indexes", "without indexes"] {
        for (name, filter) in filters() {
            for mode in [Mode::Hybrid, Mode::Text, Mode::Vector] {
                let mut request = SearchRequest::new("harbor in winter");
                request.filter = filter.clone();
                request.limit = 100;
                request.mode = mode;
                let answer = memory.search(&request).unwrap();
                let found: BTreeSet<String> = answer
                    .hits
                    .iter()
                    .map(|hit| hit.chunk.id.to_string())
                    .collect();
                assert_eq!(found, rare, "{name}, {mode:?}, {round}");
                assert!(
                    answer.coverage.complete,
                    "{name}, {mode:?}, {round}: {:?}",
                    answer.coverage
                );
                assert_eq!(answer.coverage.in_scope, 3);
            }
        }
        if round == "in the tail" {
            memory.rebuild(Derived::All, &Silent).unwrap();
        } else {
            std::fs::rename(memory.folder().join("index"), folder.path().join("gone"))
                .unwrap_or_default();
        }
    }
}

#[test]
fn a_deleted_index_folder_costs_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, _) = crowded(folder.path());
    memory.rebuild(Derived::All, &Silent).unwrap();
    let request = SearchRequest::new("note 123 about the harbor");
    let before = memory.search(&request).unwrap();
    assert!(before.coverage.degraded.is_empty());
    drop(memory);
    std::fs::rename(
        folder.path().join("store/index"),
        folder.path().join("gone"),
    )
    .unwrap();

    let memory = open(folder.path());
    let without = memory.search(&request).unwrap();
    let order = |answer: &steadfast::Answer| {
        answer
            .hits
            .iter()
            .map(|hit| (hit.chunk.id, hit.score.to_bits()))
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&without), order(&before));
    assert!(without.coverage.complete);
    assert_eq!(
        without.coverage.degraded.len(),
        2,
        "{:?}",
        without.coverage.degraded
    );
    memory.maintain().unwrap();
    let after = memory.search(&request).unwrap();
    assert_eq!(order(&after), order(&before));
    assert!(after.coverage.degraded.is_empty());
}

#[test]
fn no_question_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    memory
        .remember(&Note::new(
            "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{30e1}\u{30e2} and an emoji \u{1f600}",
        ))
        .unwrap();
    memory
        .remember(&Note::new("the of and to a in is"))
        .unwrap();
    let huge = "word ".repeat(100_000);
    for question in [
        "",
        " ",
        "\n",
        "\"",
        "'; DROP TABLE chunks; --",
        "NEAR(a b) AND OR NOT *",
        "a*",
        "col:val",
        "(((",
        "\u{1f600}",
        "\u{65e5}\u{672c}\u{8a9e}",
        "the of and",
        "\u{0}",
        "%_%",
        "-x -y",
        huge.as_str(),
    ] {
        for mode in [Mode::Hybrid, Mode::Text, Mode::Vector] {
            let mut request = SearchRequest::new(question);
            request.mode = mode;
            let answer = memory.search(&request).unwrap();
            assert!(answer.coverage.complete, "{question:.20}");
            assert_eq!(answer.coverage.in_scope, 2);
        }
    }
    let mut request = SearchRequest::new("\u{65e5}\u{672c}\u{8a9e}");
    request.mode = Mode::Text;
    assert_eq!(memory.search(&request).unwrap().hits.len(), 1);
    request.query = "the of".to_owned();
    assert_eq!(memory.search(&request).unwrap().hits.len(), 1);
}

#[test]
fn paging_visits_every_chunk_once_and_in_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, _) = crowded(folder.path());
    let mut request = SearchRequest::new("winter note 3");
    request.limit = 7;
    let mut seen = Vec::new();
    loop {
        let answer = memory.search(&request).unwrap();
        seen.extend(answer.hits.iter().map(|hit| hit.chunk.id));
        match answer.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 600);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 600);
    let mut whole = SearchRequest::new("winter note 3");
    whole.limit = 1000;
    let at_once: Vec<_> = memory
        .search(&whole)
        .unwrap()
        .hits
        .iter()
        .map(|hit| hit.chunk.id)
        .collect();
    assert_eq!(at_once, seen);
}

#[test]
fn what_is_forgotten_is_in_no_answer_and_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (memory, _) = crowded(folder.path());
    let mut note = Note::new("the quokkasecret lives in the xylophone drawer");
    note.title = Some("quokkatitle".to_owned());
    note.tags = vec!["quokkatag".to_owned()];
    let id = memory.remember(&note).unwrap().id.to_string();
    memory.rebuild(Derived::All, &Silent).unwrap();

    let mut selection = Selection::default();
    selection.ids = vec![id.clone()];
    let plan = memory.plan_forget(&selection).unwrap();
    assert_eq!(plan.chunks, 1);
    assert_eq!(
        memory
            .search(&SearchRequest::new("quokkasecret"))
            .unwrap()
            .hits[0]
            .chunk
            .id
            .to_string(),
        id
    );
    let forgotten = memory.forget(&plan).unwrap();
    assert_eq!((forgotten.chunks, forgotten.is_purged), (1, true));

    assert!(memory.get(&[id], 0).is_err());
    let answer = memory
        .search(&SearchRequest::new("quokkasecret xylophone"))
        .unwrap();
    assert!(
        answer
            .hits
            .iter()
            .all(|hit| !hit.chunk.text.contains("quokka"))
    );
    drop(memory);
    for file in every_file(folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(6).any(|window| window == b"quokka");
        assert!(!found, "{} still holds it", file.display());
    }
}

fn every_file(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn an_edited_file_keeps_the_ids_of_what_survives_and_a_gone_one_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    let section = |name: &str| {
        format!(
            "## {name}\n\n{}\n\n",
            format!("{name} words to fill a section. ").repeat(30)
        )
    };
    let file = docs.join("a.md");
    std::fs::write(
        &file,
        section("one") + &section("same") + &section("same") + &section("two"),
    )
    .unwrap();
    std::fs::write(docs.join("b.md"), section("other")).unwrap();
    let memory = open(folder.path());
    let index = |memory: &Memory| {
        memory
            .index(
                std::slice::from_ref(&docs),
                &IndexOptions::default(),
                &Silent,
            )
            .unwrap()
    };
    assert_eq!(index(&memory).files.added, 2);
    let ids = |memory: &Memory| {
        let all = memory.list(&ListRequest::default()).unwrap().chunks;
        all.into_iter()
            .map(|chunk| (chunk.text, chunk.id))
            .collect::<Vec<_>>()
    };
    let before = ids(&memory);

    std::fs::write(
        &file,
        section("new") + &section("one") + &section("same") + &section("two"),
    )
    .unwrap();
    let report = index(&memory);
    assert_eq!((report.files.changed, report.files.unchanged), (1, 1));
    let after = ids(&memory);
    for (text, id) in &after {
        let known = before
            .iter()
            .any(|(old, old_id)| old == text && old_id == id);
        assert_eq!(known, !text.contains("new words"), "{text:.20}");
    }
    let same = |list: &[(String, _)]| {
        list.iter()
            .filter(|(text, _)| text.contains("same words"))
            .count()
    };
    assert!(same(&before) > same(&after) && same(&after) > 0);
}

#[test]
fn what_vanishes_leaves_but_a_root_that_is_empty_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    let file = docs.join("a.md");
    std::fs::write(&file, "one words\n").unwrap();
    std::fs::write(docs.join("b.md"), "other words\n").unwrap();
    let memory = open(folder.path());
    let index = |memory: &Memory| {
        memory
            .index(
                std::slice::from_ref(&docs),
                &IndexOptions::default(),
                &Silent,
            )
            .unwrap()
    };
    let texts = |memory: &Memory| {
        let all = memory.list(&ListRequest::default()).unwrap().chunks;
        all.into_iter().map(|chunk| chunk.text).collect::<Vec<_>>()
    };
    assert_eq!(index(&memory).files.added, 2);

    // Racy times: read again, found equal.
    assert_eq!(index(&memory).files.unchanged, 2);
    std::fs::rename(docs.join("b.md"), folder.path().join("away.md")).unwrap();
    let report = index(&memory);
    assert_eq!(report.files.removed, 1);
    assert!(
        !texts(&memory)
            .iter()
            .any(|text| text.contains("other words"))
    );

    // The whole content of a root gone at once is more likely a disk that is not mounted.
    std::fs::rename(&file, folder.path().join("away-too.md")).unwrap();
    let report = index(&memory);
    assert_eq!((report.files.removed, report.warnings.len()), (0, 1));
    assert!(!texts(&memory).is_empty());
    let mut prune = IndexOptions::default();
    prune.prune = true;
    assert_eq!(
        memory
            .index(std::slice::from_ref(&docs), &prune, &Silent)
            .unwrap()
            .files
            .removed,
        1
    );
    assert!(texts(&memory).is_empty());
}

#[test]
fn kinds_and_spans_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    let text = "# Title\r\n\r\nFirst \u{e4} paragraph.\r\n\r\n## Part\r\n\r\nSecond one.\r\n";
    std::fs::write(docs.join("a.md"), text).unwrap();
    std::fs::write(docs.join("b.rs"), "fn main() {}\n").unwrap();
    let memory = open(folder.path());
    memory
        .index(&[docs], &IndexOptions::default(), &Silent)
        .unwrap();
    let mut markdown = Vec::new();
    for chunk in memory.list(&ListRequest::default()).unwrap().chunks {
        if chunk.attributes.kind == Kind::Markdown {
            let at = |place: u64| usize::try_from(place).unwrap();
            let range = at(chunk.place.start_byte)..at(chunk.place.end_byte);
            assert_eq!(chunk.text.as_bytes(), &text.as_bytes()[range]);
            markdown.push(chunk);
        } else {
            assert_eq!(chunk.attributes.kind, Kind::Code);
        }
    }
    let covered: usize = markdown.iter().map(|chunk| chunk.text.len()).sum();
    assert_eq!(covered, text.len());
}
