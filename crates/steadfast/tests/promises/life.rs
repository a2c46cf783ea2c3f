//! A life of a store, deed by deed: what a user does to it between the first day and the last.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use steadfast::model::filter::SourcePattern;
use steadfast::{
    Conversation, Derived, IndexOptions, Journal, Memory, Message, Note, Result, Selection, Silent,
};
use steadfast_testkit::{FaultDisk, scratch};
use tempfile::TempDir;

use crate::oracle::{Contents, contents};

/// A store on a disk of its own, the files that it indexes, and the handle in use.
pub(crate) struct Life {
    /// Keeps both folders.
    _scratch: TempDir,
    pub(crate) disk: FaultDisk,
    pub(crate) files: PathBuf,
    journal: Journal,
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
        let (root, files) = (scratch.path().join("disk"), scratch.path().join("files"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&files).unwrap();
        Self {
            disk: FaultDisk::new(&root).unwrap(),
            files: std::fs::canonicalize(files).unwrap(),
            _scratch: scratch,
            journal,
            memory: None,
        }
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
        Memory::options()
            .create(true)
            .journal(self.journal)
            .patience(Duration::from_secs(20))
            .disk(Arc::new(self.disk.clone()))
            .open(self.store())
    }

    pub(crate) fn close(&mut self) {
        self.memory = None;
    }

    fn remember(&mut self, name: &str) -> Result<()> {
        self.open()?.remember(&note(name)).map(drop)
    }

    fn forget(&mut self, name: &str) -> Result<()> {
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
                text += &format!("\n## Part {part}\n\n{}\n", passage(name, *edition, part));
            }
        }
        std::fs::write(self.files.join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        #[expect(
            clippy::disallowed_methods,
            reason = "the user removes a file of his own"
        )]
        std::fs::remove_file(self.files.join(name)).unwrap();
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

/// What a life without a bad day leaves after each deed.
pub(crate) struct Golden {
    pub(crate) life: Life,
    /// The contents after each deed.
    pub(crate) after: Vec<Contents>,
    /// The moment on the disk at which each deed was acknowledged.
    pub(crate) acknowledged: Vec<usize>,
}

/// Lives a life without a bad day.
pub(crate) fn golden(journal: Journal) -> Golden {
    let mut life = Life::new(journal);
    let (mut after, mut acknowledged) = (Vec::new(), Vec::new());
    for deed in DEEDS {
        (deed.act)(&mut life).unwrap_or_else(|error| panic!("{}: {error}", deed.name));
        acknowledged.push(life.disk.now());
        let contents = match &life.memory {
            Some(memory) => contents(memory, &life.files).unwrap(),
            None => after.last().cloned().unwrap_or_else(BTreeMap::new),
        };
        after.push(contents);
    }
    Golden {
        life,
        after,
        acknowledged,
    }
}
