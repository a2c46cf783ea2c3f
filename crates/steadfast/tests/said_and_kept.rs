//! The bad day: what the user said in one way is taken away by what is said in another: a note by the next look at a
//! file, a namespace by a glob, a name by a folder that is indexed again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use steadfast::model::{Chunk, DocumentStatus, Fault as _, Filter, Namespace};
use steadfast::{IndexOptions, IndexReport, ListRequest, Memory, Note, Silent};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    memory: Memory,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("docs/sub")).unwrap();
        let memory = Memory::options()
            .create(true)
            .open(folder.path().join("store"))
            .unwrap();
        let place = Self { folder, memory };
        place.write("a.md", "Alpha stands here.");
        place.write("sub/b.md", "Beta stands there.");
        place
    }

    fn docs(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join("docs")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.docs().join(name), text).unwrap();
    }

    fn take_away(&self, name: &str) {
        fs::rename(self.docs().join(name), self.folder.path().join("away")).unwrap();
    }

    fn source(&self, name: &str) -> String {
        self.docs().join(name).to_str().unwrap().to_owned()
    }

    fn index(&self) -> IndexReport {
        self.index_with(&IndexOptions::default())
    }

    fn index_with(&self, options: &IndexOptions) -> IndexReport {
        self.memory.index(&[self.docs()], options, &Silent).unwrap()
    }

    fn chunks(&self) -> Vec<Chunk> {
        let mut chunks = self.memory.list(&ListRequest::default()).unwrap().chunks;
        chunks.sort_by(|a, b| a.text.cmp(&b.text));
        chunks
    }

    /// Returns namespace and text of each live chunk.
    fn placed(&self) -> Vec<(String, String)> {
        let chunks = self.chunks().into_iter();
        let placed = chunks.map(|chunk| (chunk.namespace.as_str().to_owned(), chunk.text));
        placed.collect()
    }

    fn texts(&self) -> Vec<String> {
        self.chunks().into_iter().map(|chunk| chunk.text).collect()
    }
}

fn name(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

#[test]
fn a_note_about_a_file_outlives_every_look_at_it() {
    let place = Place::new();
    place.index();
    let mut note = Note::new("Ask Miriam before changing it.");
    note.source = Some(place.source("a.md"));
    place.memory.remember(&note).unwrap();
    let report = place.index();
    assert_eq!((report.files.unchanged, report.files.changed), (2, 0));
    place.write("a.md", "Alpha has moved.");
    assert_eq!(place.index().files.changed, 1);
    let expected = [
        "Alpha has moved.",
        "Ask Miriam before changing it.",
        "Beta stands there.",
    ];
    assert_eq!(place.texts(), expected);
    fs::rename(place.docs().join("a.md"), place.docs().join("c.md")).unwrap();
    place.index();
    assert_eq!(place.texts(), expected);
    assert_eq!(place.chunks()[1].source, place.source("c.md"));
    place.take_away("c.md");
    assert_eq!(place.index().files.removed, 1);
    assert_eq!(place.index().files.removed, 0);
    assert_eq!(place.texts(), expected[1..]);
    // A source that is no file at all lies below the folder as well.
    note.text = "Nothing is here.".to_owned();
    note.source = Some(place.source("none.md"));
    place.memory.remember(&note).unwrap();
    place.index();
    assert_eq!(place.texts().len(), 3);
    assert_eq!(place.memory.verify(&Silent).unwrap().findings, []);
}

#[test]
fn a_text_comes_back_beside_a_note_that_says_the_same() {
    let place = Place::new();
    place.index();
    place.write("a.md", "Alpha has moved.");
    let edited = place.index().seq;
    let mut note = Note::new("Alpha stands here.");
    note.source = Some(place.source("a.md"));
    place.memory.remember(&note).unwrap();
    let plan = place.memory.plan_undo(edited).unwrap();
    place.memory.undo(&plan).unwrap();
    let expected = [
        "Alpha stands here.",
        "Alpha stands here.",
        "Beta stands there.",
    ];
    assert_eq!(place.texts(), expected);
    assert_eq!(place.memory.verify(&Silent).unwrap().findings, []);
}

#[test]
fn documents_stay_where_they_are_when_a_further_root_takes_others() {
    let place = Place::new();
    fs::create_dir(place.docs().join(".hidden")).unwrap();
    place.write(".hidden/c.md", "Gamma hides.");
    let mut hidden = IndexOptions::default();
    hidden.walk.hidden = steadfast::ingest::walk::Hidden::Take;
    place.index_with(&hidden);
    let before = place.placed();
    assert_eq!(before.len(), 3);
    let mut none = IndexOptions::default();
    none.namespace = Some(name("work"));
    none.walk.include = vec!["*.none".to_owned()];
    place.index_with(&none);
    place.index();
    assert_eq!(place.placed(), before);
    let mut further = IndexOptions::default();
    further.namespace = Some(name("second"));
    place.index_with(&further);
    place.index();
    let mut left = place.placed();
    left.retain(|(namespace, _)| namespace == "default");
    assert_eq!(left, before);
    assert_eq!(place.chunks().len(), 5);
}

#[test]
fn a_renamed_namespace_is_that_of_the_folder_too() {
    let place = Place::new();
    place.index();
    let rename = |from: &str, to: &str| {
        let plan = place.memory.plan_rename_namespace(&name(from), &name(to));
        place.memory.rename(&plan.unwrap()).unwrap()
    };
    assert_eq!(rename("default", "new").chunks, 2);
    let before = place.placed();
    let report = place.index();
    assert_eq!((report.files.added, report.files.unchanged), (0, 2));
    assert_eq!(place.placed(), before);
    // What is in both stays, with its root, and then nothing is written.
    let mut other = IndexOptions::default();
    other.namespace = Some(name("other"));
    place.index_with(&other);
    let roots = place.memory.roots().unwrap();
    assert_eq!(roots.len(), 2);
    let renamed = rename("new", "other");
    assert_eq!((renamed.seq, renamed.chunks), (None, 0));
    assert_eq!(place.memory.roots().unwrap(), roots);
}

#[test]
fn what_is_left_out_later_is_removed_and_what_another_root_holds_is_not() {
    let place = Place::new();
    place.write("sub/c.txt", "Gamma stands behind.");
    place.index();
    let mut markdown = IndexOptions::default();
    markdown.walk.include = vec!["*.md".to_owned()];
    let report = place.index_with(&markdown);
    assert_eq!((report.files.unchanged, report.files.removed), (2, 1));
    assert_eq!(place.texts().len(), 2);
    let removed = || {
        let sources = place.memory.sources(&Filter::default()).unwrap();
        let removed = sources.into_iter();
        let removed = removed.filter(|document| document.status == DocumentStatus::Removed);
        removed
            .map(|document| document.reason.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(removed(), ["left_out"]);
    // A folder with a word of its own is not ruled by the globs of the one around it.
    let mut texts = IndexOptions::default();
    texts.walk.include = vec!["*.txt".to_owned()];
    let paths = [place.docs().join("sub")];
    place.memory.index(&paths, &texts, &Silent).unwrap();
    place.index();
    assert!(place.texts().contains(&"Gamma stands behind.".to_owned()));
    // What holds for one call says nothing of what is left out.
    let mut once = IndexOptions::default();
    once.remember = steadfast::Remember::Nothing;
    once.walk.exclude = vec!["a.md".to_owned()];
    assert_eq!(place.index_with(&once).files.removed, 0);
    let mut reset = IndexOptions::default();
    reset.remember = steadfast::Remember::OnlySaid;
    place.index_with(&reset);
    place.write(".ignore", "a.md");
    assert_eq!(place.index().files.removed, 1);
    assert!(removed().iter().all(|reason| reason == "left_out"));
    place.take_away("sub/b.md");
    place.write(".ignore", "");
    place.index();
    assert!(place.texts().contains(&"Alpha stands here.".to_owned()));
    assert_eq!(place.memory.verify(&Silent).unwrap().findings, []);
}

#[test]
fn a_path_within_another_is_counted_once() {
    let place = Place::new();
    fs::create_dir(place.docs().join(".hidden")).unwrap();
    place.write(".hidden/c.md", "Gamma hides.");
    let names = ["sub", "sub", "", "a.md", ".hidden"];
    let paths = names.map(|name| place.docs().join(name));
    let index = |options: &IndexOptions| place.memory.index(&paths, options, &Silent).unwrap();
    let files = index(&IndexOptions::default()).files;
    assert_eq!((files.added, files.unchanged), (3, 0));
    assert_eq!(place.memory.roots().unwrap().len(), 1);
    let files = index(&IndexOptions::default()).files;
    assert_eq!((files.unchanged, files.removed), (3, 0));
    place.take_away("sub/b.md");
    let files = index(&IndexOptions::default()).files;
    assert_eq!((files.unchanged, files.removed), (2, 1));
}

#[test]
fn names_that_nobody_could_ask_for_are_refused() {
    let place = Place::new();
    let long = "x".repeat(129);
    for tag in ["", " ", "a\nb", &long] {
        let mut note = Note::new("We deploy on Tuesdays.");
        note.tags.push(tag.to_owned());
        let refused = place.memory.remember(&note).unwrap_err();
        assert_eq!(refused.kind(), "invalid_input", "{tag:?}");
        let mut options = IndexOptions::default();
        options.tags.push(tag.to_owned());
        assert!(
            place
                .memory
                .index(&[place.docs()], &options, &Silent)
                .is_err()
        );
        assert!(place.memory.plan_rename_tag("any", tag).is_err());
    }
    let mut note = Note::new("We deploy on Tuesdays.");
    note.source = Some(" ".to_owned());
    assert!(place.memory.remember(&note).is_err());
    assert_eq!(place.texts(), [""; 0]);
    note.source = None;
    note.tags.push("ops".to_owned());
    let first = place.memory.remember(&note).unwrap();
    note.title = Some(String::new());
    assert_eq!(place.memory.remember(&note).unwrap().id, first.id);
    let plan = place.memory.plan_rename_tag("ops", "ops").unwrap();
    assert_eq!((plan.chunks, plan.sources), (0, 0));
}
