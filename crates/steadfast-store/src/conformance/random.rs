//! Random changes, the same for the same seed.

use std::collections::BTreeSet;

use serde_json::json;
use steadfast_model::{
    Analyze, Assignment, Attributes, Change, ContentHash, DocumentKey, DocumentStatus, Kind,
    LateVector, Namespace, NewChunk, NoteWrite, PutDocument, Root, Row, Said, Timestamp, Trust,
    Vector,
};

use super::bench::{START, chunk, fingerprint, namespace};
use super::words::vector_of;

/// A small generator of pseudo-random numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns a generator that is determined by its seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`, 0 when that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// Returns whether something happens that does so `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns one of the items.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        let end = u64::try_from(items.len()).unwrap_or(1);
        &items[usize::try_from(self.below(end)).unwrap_or(0)]
    }

    pub(super) fn small(&mut self, end: u32) -> u32 {
        u32::try_from(self.below(u64::from(end))).unwrap_or(0)
    }
}

const WORDS: [&str; 24] = [
    "apple", "river", "stone", "cloud", "engine", "paper", "garden", "signal", "window", "copper",
    "winter", "market", "bridge", "shadow", "silver", "forest", "candle", "harbor", "meadow",
    "thunder", "the", "of", "and", "to",
];
const TAGS: [&str; 4] = ["blue", "green", "red", "work/today"];
const SOURCES: [&str; 7] = [
    "/docs/a.md",
    "/docs/b.md",
    "/docs/deep/c.md",
    "/src/main.rs",
    "/src/lib.rs",
    "chat",
    "/docs2/d.md",
];
const NAMESPACES: [&str; 3] = ["default", "team", "home"];

/// Returns `n` random changes: documents that are edited over and over, notes, marks, forgetting, accesses.
///
/// Few sources and few words make equal texts, moves and conflicts common.
/// Rows and documents are guessed from what came before, so some do not exist.
pub fn random_changes(seed: u64, n: usize, analyze: &dyn Analyze) -> Vec<Change> {
    let mut generator = Generator {
        random: Random::new(seed),
        analyze,
        rows: 0,
        documents: 0,
    };
    (0..n).map(|_| generator.change()).collect()
}

struct Generator<'a> {
    random: Random,
    analyze: &'a dyn Analyze,
    /// At most this many rows and documents were given out so far.
    rows: u32,
    documents: u32,
}

impl Generator<'_> {
    fn change(&mut self) -> Change {
        match self.random.below(100) {
            0..50 => self.put(),
            50..55 => self.vectors(),
            55..75 => self.note(),
            75..83 => self.mark(),
            83..89 => Change::Forget {
                rows: self.some_rows(),
                documents: Vec::new(),
            },
            89..91 => Change::Forget {
                rows: Vec::new(),
                documents: vec![DocumentKey(self.random.small(self.documents + 2))],
            },
            91..93 => Change::RenameTag {
                from: (*self.random.pick(&TAGS)).to_owned(),
                to: (*self.random.pick(&TAGS)).to_owned(),
            },
            93..95 => Change::RenameNamespace {
                from: self.namespace(),
                to: self.namespace(),
                source: self
                    .random
                    .chance(50)
                    .then(|| (*self.random.pick(&SOURCES)).to_owned()),
            },
            95..98 => Change::Rename {
                namespace: self.namespace(),
                from: (*self.random.pick(&SOURCES)).to_owned(),
                to: (*self.random.pick(&SOURCES)).to_owned(),
                fingerprint: fingerprint(self.random.below(4)),
            },
            98 => self.root(),
            _ => Change::Access(self.some_rows()),
        }
    }

    fn put(&mut self) -> Change {
        let count = self.random.below(7);
        let attributes: Vec<Attributes> = (0..=self.random.below(2))
            .map(|_| self.attributes())
            .collect();
        let mut line = 1;
        let chunks = (0..count)
            .map(|_| {
                // Some chunks share a line, as in minified data.
                line += 3 * self.random.small(3);
                let mut chunk = self.chunk(line);
                chunk.attributes =
                    usize::try_from(self.random.below(2)).unwrap_or(0) % attributes.len();
                chunk
            })
            .collect();
        self.given(count);
        Change::Put(PutDocument {
            namespace: self.namespace(),
            source: (*self.random.pick(&SOURCES)).to_owned(),
            fingerprint: self
                .random
                .chance(70)
                .then(|| fingerprint(self.random.below(4))),
            attributes,
            chunks,
            revive: self.random.chance(10),
            assigned: self.assignment(),
        })
    }

    fn note(&mut self) -> Change {
        let count = 1 + self.random.below(2);
        let chunks = (1..).take(usize::try_from(count).unwrap_or(1));
        let chunks = chunks.map(|line| self.chunk(line)).collect();
        self.given(count);
        let key = format!("key {}", self.random.below(12));
        let mut said = Said::default();
        let attributes = self.attributes();
        if self.random.chance(50) {
            said.meta.clone_from(&attributes.meta);
            said.document_time = attributes.document_time;
            said.valid_from = attributes.valid_from;
            said.valid_to = attributes.valid_to;
        }
        Change::Note(NoteWrite {
            said,
            namespace: self.namespace(),
            source: self
                .random
                .chance(40)
                .then(|| (*self.random.pick(&SOURCES)).to_owned()),
            attributes,
            chunks,
            idempotency_key: self.random.chance(30).then_some(key),
        })
    }

    fn mark(&mut self) -> Change {
        const STATUSES: [DocumentStatus; 3] = [
            DocumentStatus::Skipped,
            DocumentStatus::Stale,
            DocumentStatus::Removed,
        ];
        self.documents += 1;
        Change::Mark {
            namespace: self.namespace(),
            source: (*self.random.pick(&SOURCES)).to_owned(),
            status: *self.random.pick(&STATUSES),
            reason: self.random.chance(50).then(|| "too large".to_owned()),
            fingerprint: self
                .random
                .chance(50)
                .then(|| fingerprint(self.random.below(4))),
        }
    }

    /// Vectors for guessed rows, in case that one waits and its text is a single word.
    fn vectors(&mut self) -> Change {
        let is_nowhere = self.random.chance(20);
        let rows = self.some_rows();
        let guesses = rows.iter().flat_map(|row| WORDS.map(|word| (*row, word)));
        let late = guesses.map(|(row, word)| LateVector {
            row,
            content_hash: ContentHash::of(word),
            vector: if is_nowhere {
                Vector(vec![0.0; vector_of("").0.len()])
            } else {
                vector_of(word)
            },
        });
        Change::Vectors(late.collect())
    }

    fn root(&mut self) -> Change {
        let path = (*self.random.pick(&["/docs", "/docs/deep", "/src"])).to_owned();
        let namespace = self.random.chance(50).then(|| self.namespace());
        if self.random.chance(30) {
            return Change::DropRoot { path, namespace };
        }
        let mut root = Root::new(path, namespace);
        root.tags = self.assignment().tags;
        root.takes_hidden = self.random.chance(50);
        Change::Root(root)
    }

    fn assignment(&mut self) -> Assignment {
        let mut assignment = Assignment::default();
        if self.random.chance(30) {
            assignment
                .tags
                .insert((*self.random.pick(&TAGS)).to_owned());
            assignment.is_placed = self.random.chance(50);
        }
        assignment
    }

    fn given(&mut self, rows: u64) {
        self.rows += u32::try_from(rows).unwrap_or(0);
        self.documents += 1;
    }

    fn namespace(&mut self) -> Namespace {
        // Most changes meet in one namespace.
        let names = if self.random.chance(60) {
            &NAMESPACES[..1]
        } else {
            &NAMESPACES[..]
        };
        namespace(self.random.pick::<&str>(names))
    }

    fn some_rows(&mut self) -> Vec<Row> {
        let count = 1 + self.random.below(3);
        (0..count)
            .map(|_| Row(self.random.small(self.rows + 2)))
            .collect()
    }

    fn chunk(&mut self, line: u32) -> NewChunk {
        let words = if self.random.chance(40) {
            1
        } else {
            2 + self.random.below(6)
        };
        let words: Vec<&str> = (0..words).map(|_| *self.random.pick(&WORDS)).collect();
        let mut chunk = chunk(self.analyze, &words.join(" "), line);
        chunk.vector = match self.random.below(10) {
            0 => None,
            1 => Some(Vector(vec![0.0; vector_of("").0.len()])),
            _ => chunk.vector,
        };
        chunk
    }

    fn attributes(&mut self) -> Attributes {
        let random = &mut self.random;
        let mut time = |percent| {
            let days = i64::try_from(random.below(10)).unwrap_or(0) - 5;
            random
                .chance(percent)
                .then(|| Timestamp(START.0 + days * 86_400_000))
        };
        let (document_time, valid_from, valid_to) = (time(60), time(15), time(15));
        let mut meta = serde_json::Map::new();
        if random.chance(50) {
            meta.insert("year".to_owned(), json!(2020 + random.below(5)));
        }
        if random.chance(30) {
            meta.insert(
                "who".to_owned(),
                json!(*random.pick(&["Ada", "Bob", "Zoe"])),
            );
        }
        let tags: BTreeSet<String> = (0..random.below(3))
            .map(|_| (*random.pick(&TAGS)).to_owned())
            .collect();
        Attributes {
            kind: *random.pick(&Kind::ALL),
            title: random.chance(30).then(|| "A title".to_owned()),
            tags,
            meta,
            document_time,
            valid_from,
            valid_to,
            trust: *random.pick(&Trust::ALL),
        }
    }
}
