//! A store that is killed over and over, and beside it one to which nothing happens.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use steadfast::model::filter::SourcePattern;
use steadfast::{
    Derived, IndexOptions, Journal, Memory, Note, RestoreOptions, Selection, Silent, restore,
};
use steadfast_testkit::{Figure, scratch, tell};
use tempfile::TempDir;

use crate::oracle::{Admissible, Contents, check, contents};

/// A command that a user gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A note.
    Remember(String),
    /// The tree, with these files at these editions since the last time.
    Index(Vec<(String, u32)>),
    /// A note goes.
    Forget(String),
    /// All indexes are made anew.
    Rebuild,
    /// A copy to a file.
    Backup,
}

/// The tree of files, the store that is killed, and the one that is not.
pub(crate) struct World {
    folder: TempDir,
    reference: Memory,
    pub(crate) journal: &'static str,
    pub(crate) contents: Contents,
    backups: usize,
}

impl World {
    pub(crate) fn new(journal: &'static str) -> Self {
        let folder = scratch().unwrap();
        std::fs::create_dir(folder.path().join("tree")).unwrap();
        let reference = Memory::options()
            .create(true)
            .open(folder.path().join("reference"))
            .unwrap();
        Self {
            folder,
            reference,
            journal,
            contents: Contents::new(),
            backups: 0,
        }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn tree(&self) -> PathBuf {
        std::fs::canonicalize(self.folder.path().join("tree")).unwrap()
    }

    fn backup_file(&self) -> PathBuf {
        self.path(&format!("backup-{}", self.backups))
    }

    /// Returns the program on a store, with nothing of the caller's settings.
    pub(crate) fn program(&self, store: &Path) -> Command {
        self.wrapped(env!("CARGO_BIN_EXE_steadfast"), store)
    }

    /// Returns another program in the same surroundings.
    pub(crate) fn wrapped(&self, program: &str, store: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("STEADFAST_") || text.starts_with("XDG_") {
                command.env_remove(&name);
            }
        }
        command
            .env("HOME", self.folder.path())
            .env("STEADFAST_STORE", store)
            .env("STEADFAST_JOURNAL", self.journal)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// Returns the arguments of a step.
    pub(crate) fn arguments(&self, step: &Step) -> Vec<String> {
        let tree = self.tree().display().to_string();
        let backup = self.backup_file().display().to_string();
        let source = |name: &str| format!("note-{name}");
        let words: Vec<String> = match step {
            Step::Remember(name) => {
                vec![
                    "remember".into(),
                    passage(name, 1),
                    "--source".into(),
                    source(name),
                ]
            }
            Step::Index(_) => vec!["index".into(), tree],
            Step::Forget(name) => {
                vec![
                    "forget".into(),
                    "--source".into(),
                    source(name),
                    "--yes".into(),
                ]
            }
            Step::Rebuild => vec!["rebuild".into()],
            Step::Backup => vec!["backup".into(), backup],
        };
        std::iter::once("--json".to_owned()).chain(words).collect()
    }

    /// Does what a step asks to the files and to the store that nobody kills; returns what must be there after it.
    pub(crate) fn prepare(&mut self, step: &Step) -> Contents {
        match step {
            Step::Remember(name) => {
                let mut note = Note::new(passage(name, 1));
                note.source = Some(format!("note-{name}"));
                self.reference.remember(&note).unwrap();
            }
            Step::Index(files) => {
                for (name, edition) in files {
                    std::fs::write(self.tree().join(name), file_text(name, *edition)).unwrap();
                }
                let options = IndexOptions::default();
                self.reference
                    .index(&[self.tree()], &options, &Silent)
                    .unwrap();
            }
            Step::Forget(name) => {
                let mut selection = Selection::default();
                let pattern = SourcePattern::parse(&format!("note-{name}")).unwrap();
                selection.sources.push(pattern);
                let plan = self.reference.plan_forget(&selection).unwrap();
                self.reference.forget(&plan).unwrap();
            }
            Step::Rebuild => drop(self.reference.rebuild(Derived::All, &Silent).unwrap()),
            Step::Backup => {}
        }
        contents(&self.reference, &self.tree()).unwrap()
    }

    /// Asks a store after a kill; returns what it holds.
    pub(crate) fn ask(&self, store: &Path, admissible: &Admissible) -> Result<Contents, String> {
        let begun = Instant::now();
        let memory = Memory::options()
            .create(true)
            .journal(self.journal())
            .open(store)
            .map_err(|error| format!("it does not open: {error}"))?;
        tell(
            "open after a kill (dev profile)",
            Figure::Longest(begun.elapsed()),
        );
        check(&memory, &self.tree(), admissible)
    }

    pub(crate) fn journal(&self) -> Journal {
        match self.journal {
            "wal" => Journal::Wal,
            _ => Journal::Truncate,
        }
    }

    /// Asks what a step that was killed left, then runs it again if it must, and asks once more.
    pub(crate) fn settle(
        &self,
        store: &Path,
        step: &Step,
        after: &Contents,
        acknowledged: bool,
    ) -> Result<(), String> {
        let before = if acknowledged { after } else { &self.contents };
        let admissible = Admissible::between(before, after);
        let found = self.ask(store, &admissible)?;
        if let Step::Forget(name) = step {
            if !acknowledged && found == *after {
                self.purge(store, step)?;
            }
            if found == *after {
                gone(store, &word(name, 1))?;
            }
        }
        if *step == Step::Backup {
            self.check_backup(after, acknowledged)?;
        }
        if found == *after {
            return Ok(());
        }
        let again = self.program(store).args(self.arguments(step)).output();
        let again = again.map_err(|error| error.to_string())?;
        if !is_acknowledged(&again.stdout) {
            let said = String::from_utf8_lossy(&again.stdout);
            return Err(format!("it does not run again: {said}"));
        }
        self.ask(store, &Admissible::between(after, after))
            .map_err(|what| format!("after it was run again: {what}"))
            .map(drop)
    }

    /// Runs a command that was killed after its commit once more: it purges what is left, and says so.
    fn purge(&self, store: &Path, step: &Step) -> Result<(), String> {
        let again = self.program(store).args(self.arguments(step)).output();
        let again = again.map_err(|error| error.to_string())?;
        let said: Value = serde_json::from_slice(&again.stdout).unwrap_or_default();
        if said["purged"] == true {
            return Ok(());
        }
        Err(format!("run again, it says: {said}"))
    }

    /// Checks that a copy is whole or absent, and gives the next one a name of its own.
    fn check_backup(&self, wanted: &Contents, acknowledged: bool) -> Result<(), String> {
        let file = self.backup_file();
        if !file.exists() {
            let lost = Err("the backup was acknowledged and is not there".to_owned());
            return if acknowledged { lost } else { Ok(()) };
        }
        let to = scratch().unwrap();
        let store = to.path().join("restored");
        let options = RestoreOptions::default();
        restore(&file, &store, &options, &Memory::options(), &Silent)
            .map_err(|error| format!("the backup is there and not whole: {error}"))?;
        let memory = Memory::open(&store).map_err(|error| error.to_string())?;
        check(&memory, &self.tree(), &Admissible::between(wanted, wanted)).map(drop)
    }

    /// Removes the copy that a step may have made, so that its name is free.
    pub(crate) fn discard_backup(&self) {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test removes what it has made itself"
        )]
        drop(std::fs::remove_file(self.backup_file()));
    }

    /// Goes on from what a step has left.
    pub(crate) fn advance(&mut self, after: Contents) {
        self.contents = after;
        self.backups += 1;
    }
}

/// Returns whether the program said that it has done what it was asked.
pub(crate) fn is_acknowledged(stdout: &[u8]) -> bool {
    serde_json::from_slice::<Value>(stdout).is_ok_and(|said| said.get("error").is_none())
}

/// Checks that no byte of a store holds a word.
fn gone(store: &Path, word: &str) -> Result<(), String> {
    let mut waiting = vec![store.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            if content
                .windows(word.len())
                .any(|bytes| bytes == word.as_bytes())
            {
                return Err(format!("{word} was forgotten and is in {}", path.display()));
            }
        }
    }
    Ok(())
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns a text with a word that is in no other.
pub(crate) fn passage(name: &str, edition: u32) -> String {
    let filler = "the harbor of winter paper and copper engine under a meadow "
        .repeat(usize::try_from(4 + edition % 9).unwrap());
    format!("{name} {} says {filler}and ends.", word(name, edition))
}

fn file_text(name: &str, edition: u32) -> String {
    let name = name.trim_end_matches(".md");
    let part = |part: u32| format!("## Part {part}\n\n{}\n", passage(name, edition * 4 + part));
    let parts: String = (0..2 + edition % 3).map(part).collect();
    format!("# {name}\n\n{parts}")
}

/// Returns a word of letters alone that ends like no other form of a word.
fn word(name: &str, edition: u32) -> String {
    let letter = |number: u32| char::from(b'a' + u8::try_from(number % 26).unwrap());
    let high = letter(edition / 26);
    format!("zq{name}{high}{}k", letter(edition))
}

/// Returns a name of letters for a number.
pub(crate) fn name(prefix: &str, number: u32) -> String {
    let letter = |number: u32| char::from(b'a' + u8::try_from(number % 26).unwrap());
    format!(
        "{prefix}{}{}{}",
        letter(number / 676),
        letter(number / 26),
        letter(number)
    )
}
