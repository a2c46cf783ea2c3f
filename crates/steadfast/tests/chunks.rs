//! The bad days: a tag is changed and filters never hear of it, two equal
//! sections of which one is deleted and both stay, a paragraph that moves and
//! loses its id and its count, a folder that is renamed and forgets everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use steadfast::model::{Chunk, Counts, Filter, Timestamp, Validity};
use steadfast::{IndexOptions, IndexReport, ListRequest, Memory, Note, Silent};

struct Shelf {
    folder: tempfile::TempDir,
    memory: Memory,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        let memory = Memory::options()
            .create(true)
            .open(folder.path().join("store"))
            .unwrap();
        Self { folder, memory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("docs").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a user removes a file of his own"
    )]
    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    fn index(&self) -> IndexReport {
        let docs = self.folder.path().join("docs");
        self.memory
            .index(&[docs], &IndexOptions::default(), &Silent)
            .unwrap()
    }

    fn edit(&self, name: &str, text: &str) -> Counts {
        self.write(name, text);
        self.index().chunks
    }

    fn list(&self, filter: Filter) -> Vec<Chunk> {
        let mut request = ListRequest::default();
        request.filter = filter;
        request.limit = 1_000;
        let mut chunks = self.memory.list(&request).unwrap().chunks;
        chunks.sort_by_key(|chunk| (chunk.source.clone(), chunk.place.position));
        chunks
    }

    fn all(&self) -> Vec<Chunk> {
        self.list(Filter {
            validity: Validity::Any,
            ..Filter::default()
        })
    }

    fn tagged(&self, tag: &str) -> Vec<Chunk> {
        self.list(Filter {
            tags: vec![tag.to_owned()],
            validity: Validity::Any,
            ..Filter::default()
        })
    }

    /// The chunk that holds a text, of which there must be one.
    fn holding(&self, text: &str) -> Chunk {
        let mut found = self.all();
        found.retain(|chunk| chunk.text.contains(text));
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0)
    }
}

fn ids(chunks: &[Chunk]) -> Vec<String> {
    chunks.iter().map(|chunk| chunk.id.to_string()).collect()
}

fn counts(inserted: u64, reused: u64, updated: u64, removed: u64) -> Counts {
    Counts {
        inserted,
        reused,
        updated,
        removed,
    }
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok()
}

#[test]
fn a_tag_that_changes_alone_is_noticed_and_ids_stay() {
    let shelf = Shelf::new();
    let body = "# A\n\nOne section, long enough to stand on its own two feet, and so it does here.\n\n## B\n\nAnother section, long enough to stand on its own two feet here.\n";
    shelf.edit("a.md", &format!("---\ntags: [old]\n---\n{body}"));
    assert_eq!(shelf.tagged("old").len(), 3);
    let before = shelf.all();
    let edit = shelf.edit("a.md", &format!("---\ntags: [new]\n---\n{body}"));
    assert_eq!(
        edit,
        counts(1, 0, 2, 1),
        "the front matter itself is new text"
    );
    assert_eq!(ids(&shelf.all())[1..], ids(&before)[1..]);
    assert_eq!(
        (shelf.tagged("old").len(), shelf.tagged("new").len()),
        (0, 3)
    );
    // In a section of its own.
    shelf.edit("b.md", "# A\n\n> tags: [x]\n\na\n\n# Beta\n\nb\n");
    assert_eq!(shelf.tagged("x").len(), 1);
    let b = shelf.holding("# Beta").id;
    shelf.edit("b.md", "# A\n\n> tags: [y]\n\na\n\n# Beta\n\nb\n");
    assert_eq!((shelf.tagged("x").len(), shelf.tagged("y").len()), (0, 1));
    assert_eq!(shelf.holding("# Beta").id, b);
}

#[test]
fn validity_title_and_date_that_change_alone_are_noticed_and_ids_stay() {
    let shelf = Shelf::new();
    let text = |front: &str| format!("---\nname: x\n{front}---\nThe text itself.\n");
    shelf.edit("a.md", &text(""));
    let before = shelf.holding("The text itself.");
    assert_eq!(before.attributes.valid_to, None);
    for (front, check) in [
        ("valid_from: 2026-01-01\n", "valid from"),
        ("valid_from: 2026-01-01\nvalid_to: 2026-Q1\n", "valid to"),
        ("valid_to: 2026-03-31\n", "valid to"),
        ("title: Other\n", "title"),
        ("date: 2001-02-03\n", "date"),
        ("rank: 7\n", "meta"),
    ] {
        let edit = shelf.edit("a.md", &text(front));
        assert_eq!(edit, counts(1, 0, 1, 1), "{front}");
        let after = shelf.holding("The text itself.");
        assert_eq!(after.id, before.id, "{front}");
        let attributes = &after.attributes;
        match check {
            "valid from" => assert_eq!(attributes.valid_from, time("2026-01-01")),
            "valid to" => assert_eq!(attributes.valid_to, time("2026-04-01")),
            "title" => assert_eq!(attributes.title.as_deref(), Some("Other")),
            "date" => assert_eq!(attributes.document_time, time("2001-02-03")),
            _ => assert_eq!(attributes.meta["rank"], 7),
        }
    }
}

#[test]
fn validity_of_front_matter_is_asked_for_a_moment() {
    let shelf = Shelf::new();
    shelf.edit(
        "a.md",
        "---\nvalid_from: 2026-01-01\nvalid_to: 2026-01-31\n---\nJanuary alone.\n",
    );
    let at = |moment: &str| {
        let filter = Filter {
            validity: Validity::At(time(moment).unwrap()),
            ..Filter::default()
        };
        shelf.list(filter).len()
    };
    assert_eq!(at("2025-12-31T23:59:59Z"), 0);
    assert_eq!(at("2026-01-01"), 2);
    assert_eq!(at("2026-01-31T23:59:59Z"), 2, "the last day is included");
    assert_eq!(at("2026-02-01"), 0);
}

#[test]
fn a_heading_that_is_renamed_is_told_by_the_sections_below_it() {
    let shelf = Shelf::new();
    let text = |title: &str| {
        format!(
            "# {title}\n\nSome words to begin with, of which there are enough to be alone.\n\n## B\n\nThe body of B, which nobody touches at all, is this text.\n"
        )
    };
    shelf.edit("a.md", &text("A"));
    let before = shelf.holding("nobody touches");
    assert_eq!(before.place.heading_path, ["A", "B"]);
    let edit = shelf.edit("a.md", &text("Z"));
    assert_eq!(edit, counts(1, 0, 1, 1));
    let after = shelf.holding("nobody touches");
    assert_eq!(
        (after.id, after.place.heading_path),
        (before.id, vec!["Z".to_owned(), "B".to_owned()])
    );
    assert_eq!(after.attributes.title.as_deref(), Some("Z"));
}

#[test]
fn of_two_equal_sections_one_deleted_one_is_left() {
    let shelf = Shelf::new();
    let same = "## Same\n\nThe very same words in the very same order, twice in one document.\n\n";
    let other =
        "## Other\n\nSomething else stands between them, so that they are two and not one.\n\n";
    shelf.edit("a.md", &format!("{same}{other}{same}"));
    let before = shelf.all();
    assert_eq!(before.len(), 3);
    let edit = shelf.edit("a.md", &format!("{same}{other}"));
    assert_eq!(edit, counts(0, 0, 2, 1), "the time of the file is another");
    assert_eq!(ids(&shelf.all()), ids(&before)[..2]);
    // The first one goes: the one that is left says where it stands now.
    shelf.edit("a.md", &format!("{same}{other}{same}"));
    let before = shelf.all();
    let edit = shelf.edit("a.md", &format!("{other}{same}"));
    assert_eq!((edit.inserted, edit.removed), (0, 1));
    let after = shelf.all();
    assert_eq!(after.len(), 2);
    assert_eq!(after[0].id, before[1].id);
    assert_eq!(after[1].place.start_line, 5);
}

#[test]
fn a_section_that_moves_keeps_its_id_and_its_count() {
    let shelf = Shelf::new();
    let section = |n: usize| {
        format!(
            "## Section {n}\n\nWords of section {n}, enough of them to make a chunk of its own.\n\n"
        )
    };
    shelf.edit(
        "a.md",
        &format!("{}{}{}", section(1), section(2), section(3)),
    );
    let moved = shelf.holding("## Section 1");
    for _ in 0..3 {
        shelf.memory.get(&[moved.id.to_string()], 0).unwrap();
    }
    let counted = shelf.holding("## Section 1").access_count;
    assert_eq!(counted, 3);
    let edit = shelf.edit(
        "a.md",
        &format!("{}{}{}", section(2), section(3), section(1)),
    );
    assert_eq!(edit, counts(0, 0, 3, 0));
    let after = shelf.holding("## Section 1");
    assert_eq!((after.id, after.access_count), (moved.id, counted));
    assert_eq!(after.place.start_line, 9);
}

#[test]
fn tags_of_the_call_are_on_every_section() {
    let shelf = Shelf::new();
    shelf.write(
        "a.md",
        "---\ntags: [doc]\n---\n# A\n> tags: [own]\n\na\n\n# B\nb\n",
    );
    let mut options = IndexOptions::default();
    options.tags = vec!["call".to_owned()];
    let docs = shelf.folder.path().join("docs");
    shelf.memory.index(&[docs], &options, &Silent).unwrap();
    assert_eq!(shelf.tagged("call").len(), 3);
    assert_eq!(
        (shelf.tagged("doc").len(), shelf.tagged("own").len()),
        (3, 1)
    );
}

#[test]
fn what_is_said_of_a_note_goes_before_what_it_says() {
    let shelf = Shelf::new();
    let text = "---\ntitle: Inside\ndate: 2001-01-01\ntags: [inside]\nvalid_to: 2001-12-31\nrank: 1\nfar: 2\n---\nSome words.\n";
    let mut note = Note::new(text);
    note.title = Some("Outside".to_owned());
    note.tags = vec!["outside".to_owned()];
    note.meta.insert("rank".to_owned(), 9.into());
    shelf.memory.remember(&note).unwrap();
    let attributes = shelf.holding("Some words.").attributes;
    assert_eq!(attributes.title.as_deref(), Some("Outside"));
    assert_eq!(
        attributes.tags,
        ["inside", "outside"].map(str::to_owned).into()
    );
    assert_eq!(attributes.document_time, time("2001-01-01"));
    assert_eq!(attributes.valid_to, time("2002-01-01"));
    assert_eq!(attributes.meta["rank"], 9);
    assert_eq!(attributes.meta["far"], 2);
}

const LONG: &str = "The very long text of a document that is called something else by now.\n";

fn files(added: u64, changed: u64, unchanged: u64, removed: u64) -> (u64, u64, u64, u64) {
    (added, changed, unchanged, removed)
}

fn files_of(report: &IndexReport) -> (u64, u64, u64, u64) {
    let files = report.files;
    (files.added, files.changed, files.unchanged, files.removed)
}

/// Chunks inserted, updated and removed; a file that was just written may be read again or not.
fn changed(report: &IndexReport) -> (u64, u64, u64) {
    let chunks = report.chunks;
    (chunks.inserted, chunks.updated, chunks.removed)
}

#[test]
fn a_file_that_is_renamed_keeps_its_ids_and_counts() {
    let shelf = Shelf::new();
    shelf.write("old/a.md", &format!("# A\n\n{LONG}"));
    shelf.write("stays.md", "Other words.\n");
    shelf.index();
    let before = shelf.holding("The very long");
    shelf.memory.get(&[before.id.to_string()], 0).unwrap();
    std::fs::rename(shelf.path("old"), shelf.path("new")).unwrap();
    let report = shelf.index();
    assert_eq!(files_of(&report), files(0, 1, 1, 0));
    assert_eq!(changed(&report), (0, 0, 0));
    let after = shelf.holding("The very long");
    assert_eq!((&after.id, after.access_count), (&before.id, 1));
    assert!(
        after.source.ends_with("a.md") && after.source.contains("new"),
        "{}",
        after.source
    );
    assert_eq!(files_of(&shelf.index()), files(0, 0, 2, 0));
    // A name that is the title changes with the file, and back again where it once was.
    for (from, to) in [("stays.md", "other.md"), ("other.md", "stays.md")] {
        let before = shelf.holding("Other words.");
        std::fs::rename(shelf.path(from), shelf.path(to)).unwrap();
        let report = shelf.index();
        assert_eq!(
            (files_of(&report), changed(&report)),
            (files(0, 1, 1, 0), (0, 1, 0))
        );
        let after = shelf.holding("Other words.");
        assert_eq!(
            (after.id, after.attributes.title.as_deref()),
            (before.id, Some(to))
        );
    }
}

#[test]
fn a_file_takes_the_place_of_another_that_is_gone() {
    let shelf = Shelf::new();
    shelf.write("a.md", LONG);
    shelf.write("b.md", "Something that goes.\n");
    shelf.index();
    let before = shelf.holding("The very long");
    shelf.remove("b.md");
    assert_eq!(files_of(&shelf.index()), files(0, 0, 1, 1));
    std::fs::rename(shelf.path("a.md"), shelf.path("b.md")).unwrap();
    assert_eq!(files_of(&shelf.index()), files(0, 1, 0, 0));
    assert_eq!(shelf.holding("The very long").id, before.id);
    assert_eq!(shelf.all().len(), 1);
    // A text that takes over a name that is in use is an edit of what is called so.
    shelf.write("c.md", "Third.\n");
    shelf.index();
    std::fs::rename(shelf.path("b.md"), shelf.path("c.md")).unwrap();
    let report = shelf.index();
    assert_eq!(
        (files_of(&report), shelf.all().len()),
        (files(0, 1, 0, 1), 1)
    );
}

#[test]
fn a_copy_is_no_rename_and_an_edit_neither() {
    let shelf = Shelf::new();
    shelf.write("a.md", LONG);
    shelf.index();
    let before = shelf.holding("The very long");
    shelf.write("copy.md", LONG);
    let report = shelf.index();
    assert_eq!(
        (files_of(&report), report.chunks.inserted),
        (files(1, 0, 1, 0), 1)
    );
    assert_eq!(shelf.all()[0].id, before.id);
    shelf.remove("a.md");
    shelf.remove("copy.md");
    shelf.write("c.md", &LONG.replace("long", "short"));
    let report = shelf.index();
    assert_eq!(
        (files_of(&report), report.chunks),
        (files(1, 0, 0, 2), counts(1, 0, 0, 2))
    );
}

#[test]
fn equal_files_meet_by_name_and_then_in_order() {
    for _ in 0..4 {
        let shelf = Shelf::new();
        for name in ["1/a.md", "1/b.md", "1/c.md"] {
            shelf.write(name, LONG);
        }
        shelf.index();
        let before = shelf.all();
        for (from, to) in [
            ("1/a.md", "2/z.md"),
            ("1/b.md", "3/b.md"),
            ("1/c.md", "2/y.md"),
        ] {
            std::fs::create_dir_all(shelf.path(to).parent().unwrap()).unwrap();
            std::fs::rename(shelf.path(from), shelf.path(to)).unwrap();
        }
        assert_eq!(files_of(&shelf.index()), files(0, 3, 0, 0));
        let after: Vec<(String, String)> = shelf
            .all()
            .into_iter()
            .map(|chunk| {
                (
                    chunk.source[chunk.source.len() - 6..].to_owned(),
                    chunk.id.to_string(),
                )
            })
            .collect();
        let expected = [("2/y.md", 0), ("2/z.md", 2), ("3/b.md", 1)];
        let expected =
            expected.map(|(name, place)| (name.to_owned(), before[place].id.to_string()));
        assert_eq!(after, expected);
    }
}

#[test]
fn a_file_that_moves_between_two_roots_of_one_call_is_renamed() {
    for forward in [true, false] {
        let shelf = Shelf::new();
        shelf.write("1/a.md", LONG);
        shelf.write("1/stays.md", "One.\n");
        shelf.write("2/stays.md", "Two.\n");
        let mut roots = vec![shelf.path("1"), shelf.path("2")];
        if !forward {
            roots.reverse();
        }
        let index = || {
            shelf
                .memory
                .index(&roots, &IndexOptions::default(), &Silent)
                .unwrap()
        };
        index();
        let before = shelf.holding("The very long");
        std::fs::rename(shelf.path("1/a.md"), shelf.path("2/a.md")).unwrap();
        let report = index();
        assert_eq!(files_of(&report), files(0, 1, 2, 0));
        assert_eq!(shelf.holding("The very long").id, before.id);
    }
}

#[test]
fn another_kind_of_file_with_the_same_content_is_cut_anew() {
    let shelf = Shelf::new();
    let text = format!("{LONG}\n\nTitle\n=====\n\n{LONG}");
    shelf.write("a.txt", &text);
    shelf.index();
    let before = shelf.all();
    std::fs::rename(shelf.path("a.txt"), shelf.path("a.rst")).unwrap();
    let report = shelf.index();
    assert_eq!(files_of(&report), files(0, 1, 0, 0));
    let after = shelf.all();
    assert_eq!(before.len(), 1);
    assert_eq!(after.len(), 2);
    assert_eq!(after[1].place.heading_path, ["Title"]);
}

#[test]
fn what_was_forgotten_stays_out_of_a_renamed_file() {
    let shelf = Shelf::new();
    shelf.write("a.md", &format!("{LONG}\n## B\n\nA secret.\n"));
    shelf.index();
    let secret = shelf.holding("A secret.").id;
    let mut selection = steadfast::Selection::default();
    selection.ids = vec![secret.to_string()];
    let plan = shelf.memory.plan_forget(&selection).unwrap();
    shelf.memory.forget(&plan).unwrap();
    std::fs::rename(shelf.path("a.md"), shelf.path("b.md")).unwrap();
    let report = shelf.index();
    assert_eq!(report.chunks.inserted, 0, "{report:?}");
    assert_eq!(shelf.all().len(), 1);
}
