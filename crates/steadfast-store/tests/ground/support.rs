//! What the tests of this folder share: short ways to open, write, read, and to be a second process.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use steadfast_model::{
    Analyze, AnalyzerId, Assignment, Attributes, Change, ContentHash, FixedClock, HashedTerms,
    ModelId, Namespace, NewChunk, Place, PutDocument, Row, Settled, Timestamp, Vector,
};
use steadfast_store::{Connections, Journal, OpenOptions, SqliteStore, StoreError};

pub(crate) const DIMENSIONS: usize = 8;
pub(crate) const BOTH_JOURNALS: [Journal; 2] = [Journal::Wal, Journal::Truncate];

struct Words;

impl Analyze for Words {
    fn id(&self) -> AnalyzerId {
        AnalyzerId(1)
    }

    fn terms(&self, text: &str) -> HashedTerms {
        let hash = |word: &str| {
            let bytes = ContentHash::of(word).0;
            u64::from_le_bytes(*bytes.first_chunk().unwrap())
        };
        HashedTerms::from_tokens(text.split_whitespace().map(hash).collect())
    }
}

pub(crate) fn options(journal: Journal) -> OpenOptions {
    OpenOptions {
        create: true,
        journal,
        analyze: Arc::new(Words),
        model: ModelId {
            name: "test".to_owned(),
            revision: "1".to_owned(),
            dimensions: DIMENSIONS,
            hash: [1; 16],
        },
        clock: Arc::new(FixedClock::at(Timestamp(1))),
        patience: Duration::from_mins(1),
        disk: Arc::new(steadfast_store::files::SystemDisk),
        connections: Connections::Own,
    }
}

pub(crate) fn open(folder: &Path, journal: Journal) -> SqliteStore {
    SqliteStore::open(folder, options(journal)).unwrap()
}

/// Opens what must not open.
pub(crate) fn refused(folder: &Path) -> StoreError {
    match SqliteStore::open(folder, options(Journal::Auto)) {
        Ok(store) => panic!(
            "opened, {:?}, {} bytes",
            store.rungs(),
            store.bytes_on_disk()
        ),
        Err(error) => error,
    }
}

pub(crate) fn chunk(text: &str, line: u32) -> NewChunk {
    NewChunk {
        text: text.to_owned(),
        content_hash: ContentHash::of(text),
        place: Place {
            start_line: line,
            end_line: line,
            ..Place::default()
        },
        attributes: 0,
        terms: Words.terms(text),
        vector: Some(vector_of(text)),
    }
}

/// Returns some numbers that hardly any other text has.
pub(crate) fn vector_of(text: &str) -> Vector {
    let bytes = ContentHash::of(text).0;
    Vector(
        bytes
            .iter()
            .take(DIMENSIONS)
            .map(|&byte| f32::from(byte) / 256.0 + 0.001)
            .collect(),
    )
}

pub(crate) fn put(source: &str, texts: &[&str]) -> PutDocument {
    PutDocument {
        namespace: Namespace::default(),
        source: source.to_owned(),
        fingerprint: None,
        attributes: vec![Attributes::default()],
        chunks: texts
            .iter()
            .zip(1..)
            .map(|(text, line)| chunk(text, line))
            .collect(),
        revive: false,
        assigned: Assignment::default(),
    }
}

pub(crate) fn commit(store: &SqliteStore, change: Change) -> Settled {
    store.commit(&[change], "test").unwrap().remove(0)
}

/// Returns the live texts by row.
pub(crate) fn texts(store: &SqliteStore) -> BTreeMap<Row, String> {
    let view = store.snapshot().unwrap();
    let rows: Vec<Row> = view.live_rows().unwrap().iter().collect();
    let fetched = view.fetch(&rows).unwrap();
    assert_eq!(fetched.damaged, []);
    fetched
        .chunks
        .into_iter()
        .map(|chunk| (chunk.row, chunk.text))
        .collect()
}

/// Checks that the file is sound and that the counts of the store agree with its rows.
pub(crate) fn assert_sound(store: &SqliteStore) {
    let view = store.snapshot().unwrap();
    assert_eq!(view.integrity_check(5).unwrap(), [""; 0]);
    for (what, counted, kept) in view.ledger().unwrap() {
        assert_eq!(counted, kept, "{what}");
    }
}

/// Returns the bytes of every file of a store that nobody has open.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

const FOLDER: &str = "STEADFAST_TEST_FOLDER";
const ROLE: &str = "STEADFAST_TEST_ROLE";

/// Returns a command that runs one test of this binary, which is a role to play in a second process.
pub(crate) fn second_process(test: &str, folder: &Path, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROLE, role);
    command
}

/// Returns folder and role when this process is a second one.
pub(crate) fn as_second_process() -> Option<(PathBuf, String)> {
    let folder = std::env::var_os(FOLDER)?;
    Some((PathBuf::from(folder), std::env::var(ROLE).unwrap()))
}

/// Tells the first process something, at once.
pub(crate) fn tell(what: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\ntell {what}")
        .and_then(|()| stdout.flush())
        .unwrap();
}

/// Returns what a line of a second process tells, if it is not the test harness that speaks.
pub(crate) fn told(line: &str) -> Option<&str> {
    line.strip_prefix("tell ")
}

/// A small generator of pseudo-random numbers (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
