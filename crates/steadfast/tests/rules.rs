//! The bad day: what was said once of a folder is forgotten with the next call, and tags, namespaces and choices of
//! files are lost one changed file at a time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use steadfast::model::filter::SourcePattern;
use steadfast::model::{Chunk, Filter, Namespace, Root};
use steadfast::{
    Error, IndexOptions, IndexReport, ListRequest, Memory, Progress, Remember, Rule, Selection,
    Silent,
};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("docs/sub")).unwrap();
        let place = Self { folder };
        place.write("a.md", "Alpha stands here.");
        place.write("sub/b.md", "Beta stands there.");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn docs(&self) -> PathBuf {
        self.path("docs")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("docs").join(name), text).unwrap();
    }

    fn open(&self) -> Memory {
        self.open_with(Vec::new())
    }

    fn open_with(&self, rules: Vec<Rule>) -> Memory {
        let options = Memory::options().create(true).rules(rules);
        options.open(self.folder.path().join("store")).unwrap()
    }
}

fn tagged(tags: &[&str]) -> IndexOptions {
    let mut options = IndexOptions::default();
    options.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    options
}

fn index(memory: &Memory, path: PathBuf) -> IndexReport {
    index_with(memory, path, &IndexOptions::default())
}

fn index_with(memory: &Memory, path: PathBuf, options: &IndexOptions) -> IndexReport {
    memory.index(&[path], options, &Silent).unwrap()
}

fn name(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

/// Returns the live chunks by the name of their file.
fn chunks(memory: &Memory) -> Vec<Chunk> {
    let mut chunks = memory.list(&ListRequest::default()).unwrap().chunks;
    chunks.sort_by(|a, b| {
        a.source
            .rsplit('/')
            .next()
            .cmp(&b.source.rsplit('/').next())
    });
    chunks
}

fn tags(memory: &Memory) -> Vec<Vec<String>> {
    let tags = |chunk: &Chunk| chunk.attributes.tags.iter().cloned().collect();
    chunks(memory).iter().map(tags).collect()
}

fn namespaces(memory: &Memory) -> Vec<String> {
    let chunks = chunks(memory);
    let names = chunks
        .iter()
        .map(|chunk| chunk.namespace.as_str().to_owned());
    names.collect()
}

#[test]
fn tags_survive_a_changed_file_and_a_part_of_the_root() {
    let place = Place::new();
    let memory = place.open();
    index_with(&memory, place.docs(), &tagged(&["team"]));
    place.write("a.md", "Alpha has moved.");
    let report = index(&memory, place.docs());
    assert_eq!((report.files.changed, report.files.unchanged), (1, 1));
    assert_eq!(tags(&memory), [["team"], ["team"]]);
    place.write("sub/b.md", "Beta has moved.");
    place.write("sub/c.md", "Gamma is new.");
    let report = index(&memory, place.path("docs/sub"));
    assert_eq!(tags(&memory), [["team"], ["team"], ["team"]]);
    assert_eq!(report.warnings, [""; 0]);
    let mut root = Root::new(place.docs().to_str().unwrap(), None);
    root.tags.insert("team".to_owned());
    assert_eq!(
        memory.roots().unwrap(),
        [root.clone()],
        "a part is no root of its own"
    );
    assert_eq!(report.roots, [root]);
    // Another process knows them too.
    drop(memory);
    let memory = place.open();
    place.write("a.md", "Alpha has moved again.");
    index(&memory, place.docs());
    assert_eq!(tags(&memory)[0], ["team"]);
}

#[test]
fn tags_given_anew_replace_those_before_and_keep_ids() {
    let place = Place::new();
    let memory = place.open();
    place.write("a.md", "---\ntags: [own]\n---\nAlpha stands here.");
    index_with(&memory, place.docs(), &tagged(&["old", "own"]));
    let before: Vec<_> = chunks(&memory).iter().map(|chunk| chunk.id).collect();
    let report = index_with(&memory, place.docs(), &tagged(&["new"]));
    assert_eq!((report.chunks.inserted, report.chunks.removed), (0, 0));
    assert!(
        report
            .warnings
            .iter()
            .any(|line| line.contains("tags: new (before: old, own)")),
        "{:?}",
        report.warnings
    );
    let after: Vec<_> = chunks(&memory).iter().map(|chunk| chunk.id).collect();
    assert_eq!(before, after);
    let expected = [vec!["new", "own"], vec!["new", "own"], vec!["new"]];
    assert_eq!(tags(&memory), expected);
    // What a nested folder was told goes before.
    index_with(&memory, place.path("docs/sub"), &tagged(&["inner"]));
    index(&memory, place.docs());
    assert_eq!(tags(&memory)[2], ["inner"]);
    let mut reset = IndexOptions::default();
    reset.remember = Remember::OnlySaid;
    index_with(&memory, place.docs(), &reset);
    assert_eq!(tags(&memory), [vec!["own"], vec!["own"], vec!["inner"]]);
}

#[test]
fn namespace_and_globs_are_remembered() {
    let place = Place::new();
    let memory = place.open();
    place.write("sub/c.txt", "Gamma is no Markdown.");
    let mut options = IndexOptions::default();
    options.namespace = Some(name("team"));
    options.walk.include = vec!["sub/*.md".to_owned()];
    index_with(&memory, place.docs(), &options);
    assert_eq!(namespaces(&memory), ["team"]);
    place.write("sub/d.md", "Delta is new.");
    place.write("sub/e.txt", "Epsilon is no Markdown.");
    index(&memory, place.docs());
    assert_eq!(namespaces(&memory), ["team", "team"]);
    // Globs of the root are read from the root.
    place.write("sub/f.md", "Zeta is new.");
    index(&memory, place.path("docs/sub"));
    assert_eq!(namespaces(&memory), ["team"; 3]);
    // Given anew, a namespace is a further one: both are kept up.
    options.namespace = Some(name("other"));
    index_with(&memory, place.docs(), &options);
    assert_eq!(memory.roots().unwrap().len(), 2);
    assert_eq!(chunks(&memory).len(), 6);
    options.walk.include = vec!["[".to_owned()];
    let refused = memory.index(&[place.docs()], &options, &Silent);
    assert!(matches!(refused, Err(Error::Invalid { .. })));
    assert!(
        memory
            .roots()
            .unwrap()
            .iter()
            .all(|root| root.include == ["sub/*.md"])
    );
}

/// Stops after the first file, as a kill would.
struct Stop;

impl Progress for Stop {
    fn step(&self, _stage: &str, _done: u64, _total: u64) -> bool {
        false
    }
}

#[test]
fn a_run_that_ends_early_is_gone_on_with_without_flags() {
    let place = Place::new();
    for number in 0..200 {
        place.write(&format!("sub/{number:03}.md"), &format!("Note {number}."));
    }
    let memory = place.open();
    index(&memory, place.docs());
    memory
        .index(&[place.docs()], &tagged(&["late"]), &Stop)
        .unwrap();
    assert!(tags(&memory).iter().any(Vec::is_empty), "it ended early");
    index(&memory, place.docs());
    assert!(tags(&memory).iter().all(|tags| tags == &["late"]));
    assert_eq!(index(&memory, place.docs()).files.unchanged, 202);
}

#[test]
fn a_changed_rule_is_noticed_though_no_file_changed() {
    let place = Place::new();
    let memory = place.open();
    place.write("sub/b.md", "---\nteam: own\n---\nBeta stands there.");
    index(&memory, place.docs());
    let before: Vec<_> = chunks(&memory).iter().map(|chunk| chunk.id).collect();
    drop(memory);
    let mut rule = Rule::new(place.path("docs/sub").to_str().unwrap());
    rule.namespace = Some(name("private"));
    rule.tags = vec!["sub".to_owned()];
    rule.meta.insert("team".to_owned(), json!("ops"));
    rule.meta.insert("year".to_owned(), json!(2026));
    let mut all = Rule::new("**/docs");
    all.tags = vec!["all".to_owned()];
    all.namespace = Some(name("never"));
    all.meta.insert("year".to_owned(), json!(1999));
    let memory = place.open_with(vec![rule.clone(), all]);
    let report = index(&memory, place.docs());
    assert_eq!((report.chunks.inserted, report.chunks.removed), (0, 0));
    assert_eq!(
        tags(&memory),
        [vec!["all"], vec!["all", "sub"], vec!["all", "sub"]]
    );
    assert_eq!(namespaces(&memory), ["never", "private", "private"]);
    let found = chunks(&memory);
    assert_eq!(
        found.iter().map(|chunk| chunk.id).collect::<Vec<_>>(),
        before
    );
    let meta = &found[2].attributes.meta;
    assert_eq!(
        (&meta["team"], &meta["year"]),
        (&json!("own"), &json!(2026))
    );
    assert_eq!(found[0].attributes.meta["year"], json!(1999));
    assert_eq!(index(&memory, place.docs()).files.unchanged, 2);
    drop(memory);
    // Without rules everything is as if there had never been any.
    let memory = place.open();
    index(&memory, place.docs());
    assert_eq!(tags(&memory), [[""; 0]; 3]);
    assert_eq!(namespaces(&memory), ["default"; 3]);
    let after: Vec<_> = chunks(&memory).iter().map(|chunk| chunk.id).collect();
    assert_eq!(after, before);
}

#[test]
fn what_was_said_goes_before_a_rule_and_what_was_forgotten_stays_out() {
    let place = Place::new();
    let mut rule = Rule::new("**/sub");
    rule.namespace = Some(name("private"));
    let memory = place.open_with(vec![rule]);
    let mut said = IndexOptions::default();
    said.namespace = Some(name("team"));
    index_with(&memory, place.docs(), &said);
    index(&memory, place.docs());
    assert_eq!(namespaces(&memory), ["team", "team"]);

    let place = Place::new();
    let memory = place.open();
    index(&memory, place.docs());
    let mut selection = Selection::default();
    selection.sources = vec![SourcePattern::parse("b.md").unwrap()];
    let plan = memory.plan_forget(&selection).unwrap();
    assert_eq!(plan.roots, [], "the root holds more than this");
    memory.forget(&plan).unwrap();
    drop(memory);
    let mut rule = Rule::new("**/sub");
    rule.namespace = Some(name("private"));
    let memory = place.open_with(vec![rule]);
    let report = index(&memory, place.docs());
    assert_eq!(report.skipped[0].reason, "forgotten");
    assert_eq!(namespaces(&memory), ["default"]);
}

#[test]
fn a_root_is_forgotten_with_its_last_source() {
    let place = Place::new();
    let memory = place.open();
    index_with(&memory, place.docs(), &tagged(&["team"]));
    let mut selection = Selection::default();
    selection.namespaces = vec![name("default")];
    let plan = memory.plan_forget(&selection).unwrap();
    assert_eq!(plan.roots.len(), 1);
    assert!(memory.forget(&plan).unwrap().is_purged);
    assert_eq!(memory.roots().unwrap(), []);
    place.write("new.md", "A new file.");
    index(&memory, place.docs());
    assert_eq!(tags(&memory), [[""; 0]]);
}

#[test]
fn another_name_of_a_tag_lasts() {
    let place = Place::new();
    let memory = place.open();
    index_with(&memory, place.docs(), &tagged(&["todo"]));
    let plan = memory.plan_rename_tag("todo", "to-do").unwrap();
    memory.rename(&plan).unwrap();
    assert_eq!(index(&memory, place.docs()).files.unchanged, 2);
    place.write("a.md", "Alpha has moved.");
    index(&memory, place.docs());
    assert_eq!(tags(&memory), [["to-do"], ["to-do"]]);
}

#[test]
fn documents_of_an_older_store_stay_in_their_namespace() {
    let place = Place::new();
    let memory = place.open();
    let mut said = IndexOptions::default();
    said.namespace = Some(name("team"));
    said.remember = Remember::Nothing;
    // As before roots were remembered.
    index_with(&memory, place.docs(), &said);
    assert_eq!(memory.roots().unwrap(), []);
    place.write("a.md", "Alpha has moved.");
    index(&memory, place.docs());
    assert_eq!(namespaces(&memory), ["team", "team"]);
}

#[test]
fn a_rule_that_cannot_be_used_is_refused_by_its_number() {
    let place = Place::new();
    let good = {
        let mut rule = Rule::new("**/a");
        rule.tags.push("x".to_owned());
        rule
    };
    let with = |change: fn(&mut Rule)| {
        let mut rule = good.clone();
        change(&mut rule);
        let options = Memory::options()
            .create(true)
            .rules(vec![good.clone(), rule]);
        options.open(place.folder.path().join("refused")).err()
    };
    let cases: [fn(&mut Rule); 6] = [
        |rule| rule.folder = "relative".to_owned(),
        |rule| rule.folder = "**/[".to_owned(),
        |rule| rule.tags.clear(),
        |rule| rule.tags.push(String::new()),
        |rule| rule.namespace = Some(name("collection:a")),
        |rule| drop(rule.meta.insert("a".to_owned(), json!([1]))),
    ];
    for case in cases {
        let refused = with(case);
        assert!(
            matches!(&refused, Some(Error::InvalidRule { number: 2, .. })),
            "{refused:?}"
        );
    }
    assert!(
        !place.folder.path().join("refused").exists(),
        "nothing is opened"
    );
    assert!(with(|_| {}).is_none());
}

#[test]
fn a_secret_in_a_tag_or_a_rule_is_taken_out() {
    let place = Place::new();
    let secret = "redis://app:9fK2-vw81Lq@cache:6379/0";
    let mut rule = Rule::new("**/docs");
    rule.meta.insert("cache".to_owned(), json!(secret));
    let memory = place.open_with(vec![rule]);
    index_with(&memory, place.docs(), &tagged(&[secret]));
    let found = &chunks(&memory)[0].attributes;
    assert!(!format!("{found:?}").contains("9fK2-vw81Lq"), "{found:?}");
    assert!(!format!("{:?}", memory.roots().unwrap()).contains("9fK2-vw81Lq"));
    assert_eq!(memory.sources(&Filter::default()).unwrap().len(), 2);
    assert_eq!(index(&memory, place.docs()).files.unchanged, 2);
}
