#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking; inputs are written where they are used"
)]
//! Files below `/memories`, as an agent keeps them with the memory tool.
//!
//! Bad days: a path climbs out of `/memories`; two agents edit one file at once
//! and one edit is lost; a file comes back otherwise than it was written; what
//! the user had forgotten comes back with an edit that was on its way.

use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;
use serde_json::json;
use steadfast::model::{Filter, Namespace, Trust};
use steadfast::{
    FileCommand, FileError, FileReply, ListRequest, Memory, MemoryFiles, Moment, SearchRequest,
    Selection,
};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    memory: Memory,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let memory = open(&folder);
        Self { folder, memory }
    }

    fn files(&self) -> MemoryFiles {
        self.memory.files(Namespace::default())
    }

    fn ok(&self, input: serde_json::Value) -> String {
        run(&self.files(), &input).unwrap().text
    }

    fn refused(&self, input: serde_json::Value) -> String {
        match run(&self.files(), &input) {
            Err(FileError::Refused(refusal)) => refusal.to_string(),
            other => panic!("{input}: {other:?}"),
        }
    }

    fn create(&self, path: &str, text: &str) {
        self.ok(json!({"command": "create", "path": path, "file_text": text}));
    }

    fn view(&self, path: &str) -> String {
        self.ok(json!({"command": "view", "path": path}))
    }
}

fn open(folder: &TempDir) -> Memory {
    Memory::options()
        .create(true)
        .open(folder.path().join("store"))
        .unwrap()
}

fn run(files: &MemoryFiles, input: &serde_json::Value) -> Result<FileReply, FileError> {
    files.run(&FileCommand::read(input.as_object().unwrap())?)
}

#[test]
fn a_file_lives_as_the_documentation_says() {
    let world = World::new();
    assert!(world.view("/memories").ends_with(":\n0B\t/memories"));
    assert_eq!(
        world.ok(json!({
            "command": "create", "path": "/memories/notes.txt",
            "file_text": "Meeting notes:\n- Discussed project timeline\n- Next steps defined\n",
        })),
        "File created successfully at: /memories/notes.txt"
    );
    assert_eq!(
        world.view("/memories/notes.txt"),
        "Here's the content of /memories/notes.txt with line numbers:\n     1\tMeeting notes:\n     \
         2\t- Discussed project timeline\n     3\t- Next steps defined"
    );
    let edited = world.ok(json!({
        "command": "str_replace", "path": "/memories/notes.txt", "old_str": "Next", "new_str": "Last",
    }));
    assert!(
        edited.starts_with("The memory file has been edited."),
        "{edited}"
    );
    assert!(edited.ends_with("     3\t- Last steps defined"), "{edited}");
    assert_eq!(
        world.ok(json!({
            "command": "insert", "path": "/memories/notes.txt", "insert_line": 1, "insert_text": "- New\n",
        })),
        "The file /memories/notes.txt has been edited."
    );
    assert_eq!(
        world.ok(json!({
            "command": "rename", "old_path": "/memories/notes.txt", "new_path": "/memories/a/b.txt",
        })),
        "Successfully renamed /memories/notes.txt to /memories/a/b.txt"
    );
    assert!(
        world
            .view("/memories")
            .ends_with("71B\t/memories\n71B\t/memories/a/\n71B\t/memories/a/b.txt")
    );
    assert!(
        world
            .view("/memories/a/b.txt")
            .contains("     2\t- New\n     3\t- Disc")
    );
    assert_eq!(
        world.ok(json!({"command": "delete", "path": "/memories/a"})),
        "Successfully deleted /memories/a"
    );
    assert_eq!(
        world.refused(json!({"command": "view", "path": "/memories/a/b.txt"})),
        "The path /memories/a/b.txt does not exist. Please provide a valid path."
    );
}

#[test]
fn what_cannot_be_done_is_told_in_the_documented_words() {
    let world = World::new();
    world.create("/memories/n", "one\n");
    world.create("/memories/folder/m", "two\n");
    let refused = |input: serde_json::Value| world.refused(input);
    for (path, what) in [("/memories/n", "n"), ("/memories/folder", "a folder")] {
        let said = refused(json!({"command": "create", "path": path, "file_text": ""}));
        assert_eq!(said, format!("Error: File {path} already exists"), "{what}");
    }
    let missing = "Error: The path /memories/folder does not exist";
    let folder = "/memories/folder";
    assert_eq!(
        refused(json!({"command": "str_replace", "path": folder, "old_str": "a", "new_str": "b"})),
        format!("{missing}. Please provide a valid path.")
    );
    assert_eq!(
        refused(json!({"command": "insert", "path": folder, "insert_line": 0, "insert_text": "b"})),
        missing
    );
    let gone = "Error: The path /memories/gone does not exist";
    assert_eq!(
        refused(json!({"command": "delete", "path": "/memories/gone"})),
        gone
    );
    assert_eq!(
        refused(
            json!({"command": "rename", "old_path": "/memories/gone", "new_path": "/memories/x"})
        ),
        gone
    );
    assert_eq!(
        refused(json!({"command": "rename", "old_path": "/memories/n", "new_path": folder})),
        "Error: The destination /memories/folder already exists"
    );
    for input in [
        json!({"command": "delete", "path": "/memories"}),
        json!({"command": "rename", "old_path": "/memories", "new_path": "/memories/x"}),
        json!({"command": "rename", "old_path": folder, "new_path": "/memories/folder/in"}),
        json!({"command": "create", "path": "/memories/n/below", "file_text": "x"}),
        json!({"command": "rename", "old_path": folder, "new_path": "/memories/n/below"}),
        json!({"command": "create", "path": "/memories/big", "file_text": "x".repeat((1 << 20) + 1)}),
    ] {
        assert!(refused(input).starts_with("Error: "));
    }
    assert_eq!(
        world.memory.status().unwrap().chunks,
        2,
        "nothing was written"
    );
}

#[test]
fn no_path_leads_out_and_nothing_is_written_beside_the_store() {
    let world = World::new();
    for path in [
        "/memories/../outside",
        "/memories/%2e%2e/outside",
        "/memories/..%2foutside",
        "/memories/%252e%252e%252foutside",
        "/memories/..\\outside",
        "/etc/outside",
        "outside",
        "/memories/\0outside",
        "/memories/./outside",
        "/memories//outside",
    ] {
        for command in ["view", "create", "delete", "str_replace", "insert"] {
            let mut input = json!({"command": command, "path": path});
            let further = match command {
                "create" => json!({"file_text": "x"}),
                "str_replace" => json!({"old_str": "x"}),
                "insert" => json!({"insert_line": 0, "insert_text": "x"}),
                _ => json!({}),
            };
            input
                .as_object_mut()
                .unwrap()
                .extend(further.as_object().unwrap().clone());
            assert!(
                world.refused(input).starts_with("Error: Invalid path"),
                "{command} {path}"
            );
        }
        world.refused(json!({"command": "rename", "old_path": "/memories/a", "new_path": path}));
    }
    assert_eq!(world.memory.status().unwrap().sources, 0);
    let beside: Vec<_> = std::fs::read_dir(world.folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "the store and nothing else");
}

#[test]
fn a_file_is_searched_and_its_versions_are_history() {
    let world = World::new();
    world.create(
        "/memories/infra.md",
        "# Proxy\n\nThe proxy listens on 8443.\n",
    );
    let before = world.memory.status().unwrap().generation;
    world.ok(json!({
        "command": "str_replace", "path": "/memories/infra.md", "old_str": "8443", "new_str": "9443",
    }));
    let answer = world
        .memory
        .search(&SearchRequest::new("which port has the proxy"))
        .unwrap();
    let chunk = &answer.hits[0].chunk;
    assert!(chunk.text.contains("9443"));
    assert_eq!(chunk.source, "memory:/memories/infra.md");
    assert_eq!(chunk.attributes.trust, Trust::Agent);
    let mut then = SearchRequest::new("proxy");
    then.as_of = Some(Moment::Seq(before));
    let answer = world.memory.search(&then).unwrap();
    assert!(answer.hits[0].chunk.text.contains("8443"));
    world.ok(json!({"command": "delete", "path": "/memories/infra.md"}));
    assert!(
        world
            .memory
            .search(&SearchRequest::new("proxy"))
            .unwrap()
            .hits
            .is_empty()
    );
    assert!(!world.memory.search(&then).unwrap().hits.is_empty());
}

#[test]
fn a_renamed_file_keeps_its_ids_and_a_used_name_is_free_again() {
    let world = World::new();
    world.create("/memories/a/one.md", "The first file.\n");
    world.create("/memories/a/empty", "");
    let ids = || {
        let chunks = world.memory.list(&ListRequest::default()).unwrap().chunks;
        chunks
            .into_iter()
            .map(|chunk| (chunk.id.to_string(), chunk.source))
            .collect::<Vec<_>>()
    };
    let before = ids();
    world.ok(json!({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/b"}));
    let after = ids();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_eq!(before[0].0, after[0].0);
    assert_eq!(after[0].1, "memory:/memories/b/one.md");
    assert!(
        world
            .view("/memories")
            .ends_with("0B\t/memories/b/empty\n16B\t/memories/b/one.md")
    );
    world.create("/memories/a/one.md", "Another file.\n");
    world.ok(json!({"command": "delete", "path": "/memories/b/one.md"}));
    world.ok(
        json!({"command": "rename", "old_path": "/memories/a", "new_path": "/memories/b/one.md"}),
    );
    assert!(
        world
            .view("/memories/b/one.md/one.md")
            .ends_with("     1\tAnother file.")
    );
}

#[test]
fn what_was_forgotten_stays_forgotten_until_it_is_written_anew() {
    let world = World::new();
    world.create(
        "/memories/plan.md",
        "The surprise party is in the garden.\n",
    );
    let mut selection = Selection::default();
    selection.ids = world
        .memory
        .list(&ListRequest::default())
        .unwrap()
        .chunks
        .iter()
        .map(|chunk| chunk.id.to_string())
        .collect();
    let plan = world.memory.plan_forget(&selection).unwrap();
    world.memory.forget(&plan).unwrap();
    assert!(world.view("/memories").ends_with(":\n0B\t/memories"));
    world.refused(json!({
        "command": "str_replace", "path": "/memories/plan.md", "old_str": "garden", "new_str": "cellar",
    }));
    world.create("/memories/plan.md", "The surprise party is off.\n");
    assert!(
        world
            .view("/memories/plan.md")
            .ends_with("     1\tThe surprise party is off.")
    );
}

#[test]
fn a_part_that_was_forgotten_is_not_written_back_by_an_edit_which_says_so() {
    let world = World::new();
    let party = format!("# Party\n\n{}\n", "It is in the garden. ".repeat(50));
    let other = format!("# Other\n\n{}\n", "Nothing is planned. ".repeat(50));
    world.create("/memories/plan.md", &format!("{other}{party}"));
    let mut selection = Selection::default();
    let chunks = world.memory.list(&ListRequest::default()).unwrap().chunks;
    let of_party = chunks.iter().filter(|chunk| chunk.text.contains("garden"));
    selection.ids = of_party.map(|chunk| chunk.id.to_string()).collect();
    assert_eq!((chunks.len(), selection.ids.len()), (2, 1));
    let plan = world.memory.plan_forget(&selection).unwrap();
    world.memory.forget(&plan).unwrap();
    let insert = |text: &str| {
        let input = json!({
            "command": "insert", "path": "/memories/plan.md", "insert_line": 3, "insert_text": text,
        });
        run(&world.files(), &input).unwrap().withheld
    };
    assert_eq!(insert(&party), 1);
    assert!(!world.view("/memories/plan.md").contains("garden"));
    assert_eq!(insert("# Cellar\n\nIt is in the cellar.\n"), 0);
    assert!(world.view("/memories/plan.md").contains("cellar"));
}

#[test]
fn secrets_are_taken_out_and_counted() {
    let world = World::new();
    let input = json!({
        "command": "create", "path": "/memories/s.md",
        "file_text": "see redis://app:9fK2-vw81Lq@cache:6379/0\n",
    });
    let reply = run(&world.files(), &input).unwrap();
    assert_eq!(reply.redactions, 1);
    let shown = world.view("/memories/s.md");
    assert!(
        shown.contains("[redacted:url_password]") && !shown.contains("9fK2"),
        "{shown}"
    );
}

#[test]
fn namespaces_do_not_see_each_others_files() {
    let world = World::new();
    world.create("/memories/n", "one\n");
    let other = world.memory.files(Namespace::new("other").unwrap());
    let input = json!({"command": "create", "path": "/memories/n", "file_text": "two\n"});
    run(&other, &input).unwrap();
    assert!(world.view("/memories/n").ends_with("1\tone"));
    let page = world
        .memory
        .sources_after(&Filter::default(), None, 1)
        .unwrap();
    assert!(page.has_more);
}

#[test]
fn of_edits_at_once_none_is_lost() {
    const WRITERS: usize = 4;
    const LINES: usize = 12;
    let world = World::new();
    world.create("/memories/log.md", "begin\n");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            // Each with a handle of its own, as processes have.
            let memory = open(&world.folder);
            scope.spawn(move || {
                let files = memory.files(Namespace::default());
                for line in 0..LINES {
                    let input = json!({
                        "command": "insert", "path": "/memories/log.md", "insert_line": 1,
                        "insert_text": format!("writer {writer} line {line}\n"),
                    });
                    run(&files, &input).unwrap();
                }
            });
        }
    });
    let shown = world.view("/memories/log.md");
    for writer in 0..WRITERS {
        for line in 0..LINES {
            let wanted = format!("\twriter {writer} line {line}");
            assert!(
                shown.lines().any(|shown| shown.ends_with(&wanted)),
                "{wanted}"
            );
        }
    }
    let made = thread::scope(|scope| {
        let makers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let memory = open(&world.folder);
                scope.spawn(move || {
                    let input =
                        json!({"command": "create", "path": "/memories/one", "file_text": "x"});
                    run(&memory.files(Namespace::default()), &input).is_ok()
                })
            })
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .filter(|made| *made)
            .count()
    });
    assert_eq!(made, 1, "a file is made once");
}

/// Returns the text of a view without its heading and numbers.
fn content(shown: &str) -> String {
    let lines: Vec<&str> = shown
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').unwrap().1)
        .collect();
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn files_are_what_a_map_of_texts_would_be(
        steps in prop::collection::vec((0_u8..5, 0_u8..4, 0_u8..4, "[ab\n#]{0,12}"), 1..14),
    ) {
        let world = World::new();
        let mut model: BTreeMap<String, String> = BTreeMap::new();
        let path = |number: u8| format!("/memories/{}", ["a", "b", "c/d", "c/e"][usize::from(number)]);
        for (command, one, other, text) in steps {
            let (one, other) = (path(one), path(other));
            let input = match command {
                0 | 1 => json!({"command": "create", "path": one, "file_text": text}),
                2 => json!({"command": "insert", "path": one, "insert_line": 0, "insert_text": format!("{text}x\n")}),
                3 => json!({"command": "delete", "path": one}),
                _ => json!({"command": "rename", "old_path": one, "new_path": other}),
            };
            let is_done = run(&world.files(), &input).is_ok();
            let expected = match command {
                0 | 1 if !model.contains_key(&one) => { model.insert(one, text); true }
                2 => match model.get_mut(&one) {
                    Some(held) => {
                        let new = format!("{text}x\n");
                        *held = format!("{new}{held}");
                        true
                    }
                    None => false,
                },
                3 => model.remove(&one).is_some(),
                4 if one != other && !model.contains_key(&other) => match model.remove(&one) {
                    Some(held) => { model.insert(other, held); true }
                    None => false,
                },
                _ => false,
            };
            prop_assert_eq!(is_done, expected, "{}", input);
        }
        for (path, text) in &model {
            let shown = content(&world.view(path));
            prop_assert_eq!(&shown, text.strip_suffix('\n').unwrap_or(text));
        }
        let listed = world.view("/memories");
        let files = listed.lines().skip(2).filter(|line| !line.ends_with('/')).count();
        prop_assert_eq!(files, model.len());
    }
}
