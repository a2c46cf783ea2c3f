//! Copies of the small palaces, and what may be done to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use steadfast::{Memory, PalaceDiagnosis, PalaceOptions, examine_palace, repair_palace};
use steadfast_testkit::scratch;
use tempfile::TempDir;

/// The palace of Chroma 1.5.9: 37 drawers, most of them in an index, and 3 closets whose index was never written.
pub(crate) const NEW: &str = "chroma-1.5.9";
/// The same from Chroma 0.6.3.
pub(crate) const OLD: &str = "chroma-0.6.3";
pub(crate) const ROWS: u64 = 40;

pub(crate) struct Palace {
    folder: TempDir,
    version: &'static str,
}

impl Palace {
    pub(crate) fn unpack(version: &'static str) -> Self {
        let folder = scratch().unwrap();
        let packed = packed(version);
        unpack(&packed, &folder.path().join("palace"));
        Self { folder, version }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("palace")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("chroma.sqlite3")
    }

    /// Returns the folder of the drawers' index.
    pub(crate) fn index(&self) -> PathBuf {
        fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.join("index_metadata.pickle").exists())
            .unwrap()
    }

    pub(crate) fn options(&self) -> PalaceOptions {
        PalaceOptions::new(self.folder.path().join("scratch"), &Memory::options())
    }

    pub(crate) fn examine(&self) -> PalaceDiagnosis {
        examine_palace(&self.path(), &self.options()).unwrap()
    }

    pub(crate) fn repair(&self) -> PalaceDiagnosis {
        repair_palace(&self.path(), &self.options()).unwrap()
    }

    pub(crate) fn sql(&self, sql: &str) {
        Connection::open(self.database())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        Connection::open(self.database())
            .unwrap()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    /// Returns every byte below the palace.
    pub(crate) fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut bytes = BTreeMap::new();
        let mut waiting = vec![self.path()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    bytes.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        bytes
    }

    /// Returns the beginning of the vector of each drawer, by Chroma's own word.
    pub(crate) fn expected(&self) -> BTreeMap<String, Vec<f32>> {
        let path = packed(self.version).join("expected.json");
        let said: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let vectors = &said["collections"]["mempalace_drawers"]["vectors"];
        serde_json::from_value(vectors.clone()).unwrap()
    }

    /// Replays the queue of the drawers as Chroma would for a new index.
    pub(crate) fn replayed(&self) -> BTreeMap<String, Vec<f32>> {
        replay(&self.database(), "mempalace_drawers")
    }

    /// Asserts that every drawer has the vector that Chroma gave for it before the damage.
    pub(crate) fn assert_whole(&self) {
        let (expected, replayed) = (self.expected(), self.replayed());
        assert_eq!(expected.len(), replayed.len());
        for (id, vector) in &expected {
            let found = &replayed[id];
            let near = vector.iter().zip(found).all(|(a, b)| (a - b).abs() <= 4e-7);
            assert!(near, "{id}: {found:?} instead of {vector:?}");
        }
    }
}

/// Replays the queue of a collection as Chroma would for a new index, independently of the doctor.
pub(crate) fn replay(database: &Path, collection: &str) -> BTreeMap<String, Vec<f32>> {
    let connection = Connection::open(database).unwrap();
    let sql = "SELECT operation, q.id, vector FROM embeddings_queue q JOIN collections c
               ON q.topic = 'persistent://default/default/' || c.id WHERE c.name = ?1 ORDER BY seq_id";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([collection]).unwrap();
    let mut vectors = BTreeMap::new();
    while let Some(row) = rows.next().unwrap() {
        let id: String = row.get(1).unwrap();
        let bytes: Option<Vec<u8>> = row.get(2).unwrap();
        let vector: Option<Vec<f32>> = bytes.map(|bytes| {
            let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
            bytes.chunks_exact(4).map(number).collect()
        });
        match (row.get::<_, i64>(0).unwrap(), vector) {
            (0, Some(vector)) => drop(vectors.entry(id).or_insert(vector)),
            (1, Some(vector)) if vectors.contains_key(&id) => drop(vectors.insert(id, vector)),
            (2, Some(vector)) => drop(vectors.insert(id, vector)),
            (3, _) => drop(vectors.remove(&id)),
            _ => {}
        }
    }
    vectors
}

/// Tears the index of the drawers as a kill in the middle of writing it does: a new header, half of the elements, an
/// old map.
pub(crate) fn tear(palace: &Palace) {
    let index = palace.index();
    let mut header = fs::read(index.join("header.bin")).unwrap();
    let count = u64::from_le_bytes(header[20..28].try_into().unwrap());
    header[20..28].copy_from_slice(&(count + 9).to_le_bytes());
    fs::write(index.join("header.bin"), header).unwrap();
    let elements = index.join("data_level0.bin");
    let whole = fs::read(&elements).unwrap();
    let kept = usize::try_from(count).unwrap() * 172 + 40;
    fs::write(elements, &whole[..kept]).unwrap();
}

/// Returns the folder of a packed palace; tests of the command share it.
fn packed(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../steadfast/tests/palace")
        .join(version)
}

pub(crate) fn codes(diagnosis: &PalaceDiagnosis) -> Vec<&str> {
    let mut codes: Vec<&str> = diagnosis.findings.iter().map(|it| it.code).collect();
    codes.sort_unstable();
    codes
}

fn unpack(packed: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(packed).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_stem().unwrap());
        if path.is_dir() {
            unpack(&path, &to.join(path.file_name().unwrap()));
        } else if path.extension().is_some_and(|end| end == "zst") {
            let bytes = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
            fs::write(target, bytes).unwrap();
        }
    }
}
