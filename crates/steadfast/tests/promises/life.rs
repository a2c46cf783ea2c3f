//! A life of a store, deed by deed: what a user does to it between the first day and the last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use steadfast::model::filter::SourcePattern;
use steadfast::model::{Clock, FixedClock, Timestamp};
use steadfast::{
    Connections, Conversation, Derived, Embed, IndexOptions, Journal, Memory, Message, Note,
    Result, Selection, Silent,
};
use steadfast_testkit::{FaultDisk, Image, Metadata, Replay, scratch};
use tempfile::TempDir;

use crate::oracle::{Contents, contents};
use crate::sabotage;

/// A store on a disk of its own, the files that it indexes, and the handle in use.
pub(crate) struct Life {
    /// Keeps both folders.
    _scratch: TempDir,
    pub(crate) disk: FaultDisk,
    pub(crate) files: PathBuf,
    journal: Journal,
    clock: Option<Arc<dyn Clock>>,
    embed: Option<Arc<dyn Embed>>,
    memory: Option<Memory>,
}

/// One thing that a user does; it is acknowledged when it returns without an error.
pub(crate) struct Deed {
    pub(crate) name: &'static str,
    pub(crate) act: fn(&mut Life) -> Result<()>,
}

/// The deeds of a life, in order.
pub(crate) const DEEDS: &[Deed] = &[
    deed("create the store", |life| life.open().map(drop)),
    deed("remember a note", |life| life.remember("first")),
    deed("index a file", |life| {
        life.write("guide.md", &[("guide", 1, 3)]);
        life.index()
    }),
    deed("remember another note", |life| life.remember("second")),
    deed("index the file after a change", |life| {
        life.write("guide.md", &[("guide", 1, 2), ("guide", 2, 2)]);
        life.index()
    }),
    deed("index a folder", |life| {
        for name in ["one", "two", "three", "four"] {
            life.write(&format!("{name}.md"), &[(name, 1, 2)]);
        }
        life.index()
    }),
    deed("keep a conversation", |life| life.keep(3)),
    deed("forget a note", |life| life.forget("first")),
    deed("rebuild the indexes", |life| {
        life.open()?.rebuild(Derived::All, &Silent).map(drop)
    }),
    deed("remember the same note again", |life| {
        life.remember("second")
    }),
    deed("index the folder without a file", |life| {
        life.write("two.md", &[("two", 2, 3)]);
        life.remove("three.md");
        life.index()
    }),
    deed("keep the conversation after it has grown", |life| {
        life.keep(5)
    }),
    deed("close and open again", |life| {
        life.close();
        life.open().map(drop)
    }),
    deed("remember a last note", |life| life.remember("last")),
    deed("close", |life| {
        life.close();
        Ok(())
    }),
];

const fn deed(name: &'static str, act: fn(&mut Life) -> Result<()>) -> Deed {
    Deed { name, act }
}

impl Life {
    pub(crate) fn new(journal: Journal) -> Self {
        let scratch = scratch().unwrap();
        std::fs::create_dir(scratch.path().join("disk")).unwrap();
        let root = scratch.path().join("disk");
        Self::at(scratch, &root, journal)
    }

    /// Takes over a disk that is there.
    pub(crate) fn on(disk: TempDir, journal: Journal) -> Self {
        let root = disk.path().to_owned();
        Self::at(disk, &root, journal)
    }

    /// Takes up a life in the morning of some day: on a disk of its own, with the user's files of the other one.
    pub(crate) fn taken_up(morning: &Morning, files: &Path, journal: Journal) -> Self {
        let life = Self {
            files: files.to_owned(),
            ..Self::new(journal)
        };
        life.disk.begin_with(&morning.disk).unwrap();
        for name in files_in(files).keys() {
            if !morning.files.contains_key(name) {
                life.remove(name);
            }
        }
        for (name, content) in &morning.files {
            std::fs::write(files.join(name), content).unwrap();
        }
        life
    }

    fn at(scratch: TempDir, root: &Path, journal: Journal) -> Self {
        sabotage::plant_as_told();
        let files = scratch.path().join("files");
        std::fs::create_dir_all(&files).unwrap();
        Self {
            disk: FaultDisk::new(root).unwrap(),
            files: std::fs::canonicalize(files).unwrap(),
            _scratch: scratch,
            journal,
            clock: None,
            embed: None,
            memory: None,
        }
    }

    /// Gives the handles that are opened from now on another clock.
    pub(crate) fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Gives the handles that are opened from now on another model.
    pub(crate) fn with_embed(mut self, embed: impl Embed + 'static) -> Self {
        self.embed = Some(Arc::new(embed));
        self
    }

    /// Returns the folder of the store: not the root of the disk, so that it has a name that can be lost.
    pub(crate) fn store(&self) -> PathBuf {
        self.disk.root().join("store")
    }

    /// Returns the handle in use, opening the store when there is none.
    pub(crate) fn open(&mut self) -> Result<Memory> {
        if self.memory.is_none() {
            self.memory = Some(self.another()?);
        }
        Ok(self.memory.clone().unwrap())
    }

    /// Returns a handle of its own, as another process would have one.
    pub(crate) fn another(&self) -> Result<Memory> {
        let mut options = Memory::options()
            .create(true)
            .journal(self.journal)
            .connections(Connections::Own)
            .patience(Duration::from_secs(20))
            .disk(Arc::new(self.disk.clone()));
        if let Some(clock) = &self.clock {
            options = options.clock(Arc::clone(clock));
        }
        if let Some(embed) = &self.embed {
            options = options.embed(Arc::clone(embed));
        }
        options.open(self.store())
    }

    /// Returns a handle with the built-in model.
    pub(crate) fn another_with_sound_model(&mut self) -> Result<Memory> {
        self.embed = None;
        self.another()
    }

    pub(crate) fn close(&mut self) {
        self.memory = None;
    }

    /// Returns the handle in use.
    pub(crate) fn handle(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Returns the contents as the handle in use sees them; none when there is none.
    pub(crate) fn contents(&self) -> Option<std::result::Result<Contents, String>> {
        let memory = self.memory.as_ref()?;
        Some(contents(memory, &self.files))
    }

    fn remember(&mut self, name: &str) -> Result<()> {
        self.open()?.remember(&note(name)).map(drop)
    }

    pub(crate) fn forget(&mut self, name: &str) -> Result<()> {
        let memory = self.open()?;
        let mut selection = Selection::default();
        selection
            .sources
            .push(SourcePattern::parse(&format!("note-{name}")).unwrap());
        memory
            .plan_forget(&selection)
            .and_then(|plan| memory.forget(&plan))
            .map(drop)
    }

    fn keep(&mut self, messages: u32) -> Result<()> {
        let mut talk = Conversation::new("chat:monday");
        talk.messages
            .extend((0..messages).map(|number| Message::new(passage("chat", 1, number))));
        self.open()?.keep_conversation(&talk).map(drop)
    }

    fn index(&mut self) -> Result<()> {
        let files = self.files.clone();
        self.open()?
            .index(&[files], &IndexOptions::default(), &Silent)
            .map(drop)
    }

    /// Writes a file of passages, given as name, edition and how many.
    fn write(&self, name: &str, passages: &[(&str, u32, u32)]) {
        let mut text = format!("# {name}\n");
        for (name, edition, count) in passages {
            for part in 0..*count {
                text.extend([
                    format!("\n## Part {part}\n\n"),
                    passage(name, *edition, part),
                ]);
                text.push('\n');
            }
        }
        std::fs::write(self.files.join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        #[expect(
            clippy::disallowed_methods,
            reason = "the user removes a file of his own"
        )]
        let removed = std::fs::remove_file(self.files.join(name));
        // A deed that is done again finds it gone.
        assert!(removed.is_ok() || !self.files.join(name).exists());
    }
}

/// A clock that moves when it is told to.
#[derive(Clone, Debug)]
pub(crate) struct SteppedClock(Arc<FixedClock>);

impl SteppedClock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(FixedClock::at(time)))
    }

    pub(crate) fn step(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.set(Timestamp(self.0.now().0 + by));
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Returns a note whose source is known beforehand.
pub(crate) fn note(name: &str) -> Note {
    let mut note = Note::new(passage(name, 1, 0));
    note.source = Some(format!("note-{name}"));
    note.tags = vec!["kept".to_owned()];
    note
}

/// Returns a text of some hundred bytes with a word that is in no other.
pub(crate) fn passage(name: &str, edition: u32, part: u32) -> String {
    let word = word(name, edition, part);
    let filler = "the harbor of winter paper and copper engine under a meadow "
        .repeat(usize::try_from(6 + (edition * 5 + part * 3) % 9).unwrap());
    format!("{name} {word} says {filler}and ends.")
}

/// Returns a word of letters alone that ends like no other form of a word.
pub(crate) fn word(name: &str, edition: u32, part: u32) -> String {
    let letter = |number: u32| char::from(b'a' + u8::try_from(number % 26).unwrap());
    format!(
        "zq{name}{}{}{}k",
        letter(edition),
        letter(part / 26),
        letter(part)
    )
}

/// What a day begins with: the disk as a kill leaves it, and the user's files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Morning {
    pub(crate) disk: Image,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read(path).unwrap())
    };
    entries.map(read).collect()
}

/// What a life without a bad day leaves after each deed.
pub(crate) struct Golden {
    pub(crate) life: Life,
    /// The files of the user after each deed.
    files: Vec<BTreeMap<String, Vec<u8>>>,
    /// The contents after each deed.
    pub(crate) after: Vec<Contents>,
    /// The moment on the disk at which each deed was acknowledged.
    pub(crate) acknowledged: Vec<usize>,
}

/// Lives a life without a bad day.
pub(crate) fn golden(journal: Journal) -> Golden {
    live(Life::new(journal))
}

/// Lives a whole life; no deed may fail.
pub(crate) fn live(mut life: Life) -> Golden {
    let (mut after, mut acknowledged, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for deed in DEEDS {
        (deed.act)(&mut life).unwrap_or_else(|error| panic!("{}: {error}", deed.name));
        acknowledged.push(life.disk.now());
        files.push(files_in(&life.files));
        let contents = life.contents().map(std::result::Result::unwrap);
        after.push(contents.unwrap_or_else(|| after.last().cloned().unwrap_or_default()));
    }
    Golden {
        life,
        files,
        after,
        acknowledged,
    }
}

impl Golden {
    /// Returns what each deed begins with.
    pub(crate) fn mornings(&self) -> Vec<Morning> {
        let events = self.life.disk.events();
        let mut replay = Replay::new(&events, Metadata::Ordered);
        let mut mornings = vec![Morning::default()];
        for (event, files) in self.acknowledged.iter().zip(&self.files) {
            replay.advance(*event);
            mornings.push(Morning {
                disk: replay.kept(),
                files: files.clone(),
            });
        }
        mornings
    }

    /// Returns what is there before a deed.
    pub(crate) fn before(&self, deed: usize) -> Contents {
        let last = deed.checked_sub(1);
        last.map(|last| self.after[last].clone())
            .unwrap_or_default()
    }
}
