//! The bad days: an unreadable folder whose files are taken for deleted, an
//! indexer that swallows its own store or hangs on a pipe, and notes that are
//! silently ignored because of a rule three folders up.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use super::*;

struct Tree {
    /// Removes the tree when dropped.
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Tree {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let tree = Self {
            _folder: folder,
            root,
        };
        for file in files {
            tree.write(file, "x");
        }
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn walk(&self, root: &str, options: &WalkOptions) -> Seen {
        let seen = Mutex::new(Seen::default());
        let summary = walk(&self.path(root), options, 3, |item| {
            let mut seen = seen.lock().unwrap();
            match item {
                Item::Found(found) => {
                    assert_eq!(found.state.size, fs::metadata(&found.path).unwrap().len());
                    seen.files.push(self.short(&found.source));
                }
                Item::Problem(problem) => {
                    let source = self.short(&problem.source);
                    seen.problems.insert(source, problem.reason);
                }
            }
            ControlFlow::Continue(())
        });
        let mut seen = seen.into_inner().unwrap();
        seen.summary = summary.unwrap();
        seen.files.sort();
        assert_eq!(seen.summary.files, seen.files.len() as u64);
        assert_eq!(seen.summary.problems, seen.problems.len() as u64);
        seen
    }

    fn short(&self, source: &str) -> String {
        let root = source_name(&self.root);
        let rest = source.strip_prefix(root.as_str()).unwrap();
        rest.trim_start_matches(std::path::is_separator)
            .replace('\\', "/")
    }

    fn files(&self, options: &WalkOptions) -> String {
        self.walk("", options).files.join(" ")
    }
}

#[derive(Default)]
struct Seen {
    files: Vec<String>,
    problems: BTreeMap<String, SkipReason>,
    summary: Summary,
}

fn globs(include: &[&str], exclude: &[&str]) -> WalkOptions {
    let owned = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect();
    WalkOptions {
        include: owned(include),
        exclude: owned(exclude),
        ..WalkOptions::default()
    }
}

#[test]
fn every_plain_file_is_found_once() {
    let names: Vec<String> = (0..300)
        .map(|n| format!("{}/{}/{n}.md", n % 7, n % 3))
        .collect();
    let mut expected = names.clone();
    expected.sort();
    let tree = Tree::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let seen = tree.walk("", &WalkOptions::default());
    assert_eq!(seen.files, expected);
    assert_eq!(seen.summary.folders, 1 + 7 + 21);
    assert_eq!(seen.summary.root, source_name(&tree.root));
}

#[test]
fn rules_hold_outside_a_repository_too() {
    let tree = Tree::new(&[
        "a.md",
        "a.log",
        "b.tmp",
        "c.bak",
        "below/a.log",
        "below/keep.log",
        "out/a.md",
    ]);
    tree.write(".gitignore", "*.log\n/out/\n");
    tree.write("below/.gitignore", "!keep.log\n");
    tree.write(".ignore", "*.tmp\n");
    tree.write(".steadfastignore", "*.bak\n");
    let seen = tree.walk("", &WalkOptions::default());
    assert_eq!(seen.files, ["a.md", "below/keep.log"]);
    // Four files, one folder, three hidden ignore files and the one below.
    assert_eq!(seen.summary.left_out, 4 + 1 + 4);
    let disregard = WalkOptions {
        ignore_files: IgnoreFiles::Disregard,
        ..WalkOptions::default()
    };
    assert_eq!(tree.walk("", &disregard).files.len(), 7);
}

#[test]
fn our_own_ignore_file_has_the_last_word() {
    let tree = Tree::new(&["a.log", "b.log"]);
    tree.write(".gitignore", "*.log\n");
    tree.write(".ignore", "!b.log\n");
    tree.write(".steadfastignore", "b.log\n!a.log\n");
    assert_eq!(tree.files(&WalkOptions::default()), "a.log");
}

#[test]
fn rules_of_an_outer_repository_end_at_the_inner_one() {
    let tree = Tree::new(&[
        ".git/HEAD",
        "note.md",
        "inner/.git/HEAD",
        "inner/note.md",
        "plain/note.md",
    ]);
    tree.write(".gitignore", "*.md\n");
    assert_eq!(tree.files(&WalkOptions::default()), "inner/note.md");
    assert_eq!(
        tree.walk("inner", &WalkOptions::default()).files,
        ["inner/note.md"]
    );
    assert_eq!(tree.walk("plain", &WalkOptions::default()).files, [""; 0]);
}

#[test]
fn above_the_root_a_gitignore_counts_only_within_a_repository() {
    let tree = Tree::new(&["notes/a.md", "notes/b.md"]);
    tree.write(".gitignore", "*\n");
    assert_eq!(tree.walk("notes", &WalkOptions::default()).files.len(), 2);
    tree.write(".steadfastignore", "b.md\n");
    assert_eq!(
        tree.walk("notes", &WalkOptions::default()).files,
        ["notes/a.md"]
    );
}

#[test]
fn the_exclude_file_of_a_repository_holds() {
    let tree = Tree::new(&[".git/info/exclude", "a.md", "b.md", "below/b.md"]);
    tree.write(".git/info/exclude", "b.md\n");
    assert_eq!(tree.files(&WalkOptions::default()), "a.md");
}

#[test]
fn hidden_files_are_taken_only_when_asked_for() {
    let tree = Tree::new(&[
        "a.md",
        ".b.md",
        ".c/d.md",
        ".git/HEAD",
        ".steadfast/steadfast.db",
        "e/.git",
    ]);
    assert_eq!(tree.files(&WalkOptions::default()), "a.md");
    let hidden = WalkOptions {
        hidden: Hidden::Take,
        ..WalkOptions::default()
    };
    assert_eq!(tree.files(&hidden), ".b.md .c/d.md a.md");
    tree.write(".ignore", "!.b.md\n");
    assert_eq!(tree.files(&WalkOptions::default()), ".b.md a.md");
    assert_eq!(tree.walk(".c", &WalkOptions::default()).files, [".c/d.md"]);
    assert_eq!(tree.walk(".b.md", &WalkOptions::default()).files, [".b.md"]);
}

#[test]
fn globs_choose_files_and_exclusion_wins() {
    let tree = Tree::new(&[
        "a.md", "b.txt", "c/a.md", "c/d.txt", ".h.md", "i.md", "#x", "!y", "out/z.md",
    ]);
    tree.write(".gitignore", "i.md\nout/\n");
    assert_eq!(tree.files(&globs(&["*.md"], &[])), ".h.md a.md c/a.md i.md");
    assert_eq!(tree.files(&globs(&["*.md"], &["c"])), ".h.md a.md i.md");
    assert_eq!(tree.files(&globs(&["/c/**"], &["*.md"])), "c/d.txt");
    assert_eq!(
        tree.files(&globs(&[], &["*.md", "#x", "!y"])),
        "b.txt c/d.txt"
    );
    assert_eq!(tree.files(&globs(&["#x", "!y"], &[])), "!y #x");
    for glob in ["", " ", "a{b", "[z-a]"] {
        let options = globs(&[glob], &[]);
        let refused = walk(&tree.root, &options, 1, |_| ControlFlow::Continue(()));
        assert!(matches!(refused, Err(WalkError::Glob { .. })), "{glob}");
    }
}

#[test]
fn a_store_is_never_looked_into() {
    let tree = Tree::new(&[
        "a.md",
        "store/steadfast.db",
        "store/index/x.md",
        "store/mine/b.md",
        "p/.steadfast/config.toml",
    ]);
    let seen = tree.walk("", &WalkOptions::default());
    assert_eq!(seen.files, ["a.md"]);
    assert_eq!(
        seen.problems,
        BTreeMap::from([("store".to_owned(), SkipReason::Store)])
    );
    for root in [
        "store",
        "store/steadfast.db",
        "store/index",
        "p/.steadfast",
        "p/.steadfast/config.toml",
    ] {
        let seen = tree.walk(root, &WalkOptions::default());
        assert_eq!(
            seen.problems,
            BTreeMap::from([(root.to_owned(), SkipReason::Store)])
        );
    }
    assert_eq!(
        tree.walk("store/mine", &WalkOptions::default()).files,
        ["store/mine/b.md"]
    );
}

#[test]
fn what_is_not_there_is_an_error_of_its_own() {
    let tree = Tree::new(&[]);
    let missing = walk(&tree.path("gone"), &WalkOptions::default(), 1, |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(missing, Err(WalkError::Missing { .. })));
}

#[test]
fn a_walk_that_is_stopped_proves_nothing() {
    let tree = Tree::new(&["a.md", "b/c.md", "d/e.md"]);
    for threads in [0, 1, 4, 1000] {
        let summary = walk(&tree.root, &WalkOptions::default(), threads, |_| {
            ControlFlow::Break(())
        })
        .unwrap();
        assert!(summary.stopped);
        assert!(summary.is_blind_to("/anything"));
    }
}

#[test]
fn a_receiver_that_panics_does_not_leave_threads_waiting() {
    let tree = Tree::new(&["a/b.md", "c/d.md", "e/f.md"]);
    for threads in [1, 4] {
        let panicked = std::panic::catch_unwind(|| {
            walk(&tree.root, &WalkOptions::default(), threads, |_| {
                panic!("receiver")
            })
        });
        assert!(panicked.is_err());
    }
}

#[test]
fn rules_that_cannot_be_read_are_warned_of() {
    let tree = Tree::new(&["a.md", "b.md"]);
    tree.write(".ignore", "[z-a]\nb.md\n");
    let seen = tree.walk("", &WalkOptions::default());
    assert_eq!(seen.files, ["a.md"]);
    assert_eq!(seen.summary.warnings.len(), 1);
    tree.write(".ignore", &"b.md\n".repeat(300_000));
    let seen = tree.walk("", &WalkOptions::default());
    assert_eq!(seen.files, ["a.md", "b.md"]);
    assert!(seen.summary.warnings[0].contains("larger"));
}

#[test]
fn blindness_covers_the_folder_and_what_lies_below() {
    let summary = Summary {
        blind: vec!["/a/b".to_owned()],
        ..Summary::default()
    };
    assert!(summary.is_blind_to("/a/b"));
    assert!(summary.is_blind_to("/a/b/c/d"));
    assert!(!summary.is_blind_to("/a/bc"));
    assert!(!summary.is_blind_to("/a"));
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_are_not_followed_and_only_those_that_lead_away_are_reported() {
        let tree = Tree::new(&["in/a.md", "in/b/c.md", "out/d.md"]);
        symlink("a.md", tree.path("in/same")).unwrap();
        symlink("..", tree.path("in/b/loop")).unwrap();
        symlink("../out/d.md", tree.path("in/away")).unwrap();
        symlink("../out", tree.path("in/folder-away")).unwrap();
        symlink("nothing", tree.path("in/broken")).unwrap();
        symlink("self", tree.path("in/self")).unwrap();
        let seen = tree.walk("in", &WalkOptions::default());
        assert_eq!(seen.files, ["in/a.md", "in/b/c.md"]);
        assert_eq!(seen.summary.links_inside, 2);
        let expected = [
            ("in/away", SkipReason::Symlink),
            ("in/broken", SkipReason::SymlinkBroken),
            ("in/folder-away", SkipReason::Symlink),
            ("in/self", SkipReason::SymlinkBroken),
        ];
        assert_eq!(
            seen.problems,
            BTreeMap::from(expected.map(|(name, why)| (name.to_owned(), why)))
        );
    }

    #[test]
    fn a_root_may_be_a_link() {
        let tree = Tree::new(&["real/a.md"]);
        symlink("real", tree.path("link")).unwrap();
        symlink("real/a.md", tree.path("file")).unwrap();
        assert_eq!(
            tree.walk("link", &WalkOptions::default()).files,
            ["real/a.md"]
        );
        assert_eq!(
            tree.walk("file", &WalkOptions::default()).files,
            ["real/a.md"]
        );
    }

    #[test]
    fn pipes_and_sockets_are_problems_and_are_not_opened() {
        let tree = Tree::new(&["a.md"]);
        for name in ["pipe", ".gitignore"] {
            let made = std::process::Command::new("mkfifo")
                .arg(tree.path(name))
                .status();
            assert!(made.unwrap().success());
        }
        let _socket = std::os::unix::net::UnixListener::bind(tree.path("socket")).unwrap();
        let seen = tree.walk("", &WalkOptions::default());
        assert_eq!(seen.files, ["a.md"]);
        let expected = ["pipe", "socket"].map(|name| (name.to_owned(), SkipReason::NotAFile));
        assert_eq!(seen.problems, BTreeMap::from(expected));
        assert_eq!(tree.walk("pipe", &WalkOptions::default()).problems.len(), 1);
    }

    #[test]
    fn an_unreadable_folder_is_blind_not_empty() {
        let tree = Tree::new(&["a.md", "shut/b.md", "unlisted/c.md"]);
        let shut = |name: &str, mode| {
            fs::set_permissions(tree.path(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        shut("shut", 0);
        // Can be listed, but nothing in it can be looked at.
        shut("unlisted", 0o400);
        let is_superuser = fs::read_dir(tree.path("shut")).is_ok();
        let seen = tree.walk("", &WalkOptions::default());
        shut("shut", 0o700);
        shut("unlisted", 0o700);
        if is_superuser {
            return;
        }
        assert_eq!(seen.files, ["a.md"]);
        let expected =
            ["shut", "unlisted/c.md"].map(|name| (name.to_owned(), SkipReason::Unreadable));
        assert_eq!(seen.problems, BTreeMap::from(expected));
        for name in ["shut", "shut/b.md", "unlisted/c.md"] {
            assert!(
                seen.summary.is_blind_to(&source_name(&tree.path(name))),
                "{name}"
            );
        }
        assert!(!seen.summary.is_blind_to(&source_name(&tree.path("a.md"))));
    }

    #[test]
    fn a_name_that_is_too_deep_to_reach_is_blind() {
        let tree = Tree::new(&["a.md"]);
        let mut path = tree.root.clone();
        let long = "x".repeat(200);
        while path.as_os_str().len() + long.len() < 4_000 {
            path.push(&long);
        }
        fs::create_dir_all(&path).unwrap();
        // Two more levels, made from within because their whole path is too long for one call.
        let made = std::process::Command::new("sh")
            .current_dir(&path)
            .args(["-c", "mkdir -p \"$0/$0\" && echo x > \"$0/$0/b.md\"", &long])
            .status();
        assert!(made.unwrap().success());
        let seen = tree.walk("", &WalkOptions::default());
        assert_eq!(seen.files, ["a.md"]);
        assert_eq!(seen.summary.blind.len(), 1);
    }

    #[test]
    fn names_that_are_not_utf_8_are_shown_and_never_taken_for_another() {
        let tree = Tree::new(&["plain.md"]);
        let stray = |bytes: &[u8]| tree.root.join(OsStr::from_bytes(bytes));
        if fs::write(stray(b"caf\xe9.md"), "x").is_err() {
            return;
        }
        fs::write(stray(b"tea\xff.md"), "x").unwrap();
        fs::write(tree.path("tea%FF.md"), "x").unwrap();
        let seen = tree.walk("", &WalkOptions::default());
        assert_eq!(seen.files, ["caf%E9.md", "plain.md", "tea%FF.md"]);
        let expected = [("tea%FF.md".to_owned(), SkipReason::Name)];
        assert_eq!(seen.problems, BTreeMap::from(expected));
    }
}
