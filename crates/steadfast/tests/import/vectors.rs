//! The bad day: ten thousand memories come from a palace whose model the store has too, and each is embedded again for
//! an hour; or vectors of another model are taken for those of the store, and no search finds anything by them.
//!
//! The real palaces are read where `STEADFAST_SHARED` names the folder that holds them and `STEADFAST_MINILM` one with
//! all-MiniLM-L6-v2; else that test says in one line that it is skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use steadfast::model::{ModelId, Vector};
use steadfast::{
    Embed, EmbedError, ExportFormat, ExportOptions, ImportOptions, ImportReport, Memory, Mode,
    SearchRequest, Silent,
};

use crate::support::Place;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
pub(crate) const DIMENSIONS: usize = LETTERS.len();

/// A model that counts the letters of a text, and the texts that it was given.
pub(crate) struct Counter {
    model: ModelId,
    texts: AtomicUsize,
    is_out: bool,
}

impl Counter {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Self::make(name, false)
    }

    fn make(name: &str, is_out: bool) -> Arc<Self> {
        Arc::new(Self {
            model: ModelId {
                name: name.to_owned(),
                revision: "1".to_owned(),
                dimensions: DIMENSIONS,
                hash: [7; 16],
            },
            texts: AtomicUsize::new(0),
            is_out,
        })
    }
}

impl Embed for Counter {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        if self.is_out {
            let (model, reason) = (self.model.name.clone(), "it is out".to_owned());
            return Err(EmbedError::Unreachable { model, reason });
        }
        Ok(texts.iter().map(|text| Vector(counted(text))).collect())
    }
}

fn counted(text: &str) -> Vec<f32> {
    let mut counts = vec![0.0_f32; DIMENSIONS];
    for byte in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
        if let Some(place) = LETTERS.iter().position(|known| *known == byte) {
            counts[place] += 1.0;
        }
    }
    let length = counts.iter().map(|n| n * n).sum::<f32>().sqrt().max(1.0);
    counts.into_iter().map(|count| count / length).collect()
}

/// What another runtime makes of a text: the same but for the last digits.
pub(crate) fn rounded(text: &str) -> Vec<f32> {
    let off = |x: f32| if x > 0.0 { x + 3e-7 } else { x };
    counted(text).into_iter().map(off).collect()
}

/// What a model makes of a text that is no relation of the counter.
fn foreign(text: &str) -> Vec<f32> {
    let mut vector = counted(text);
    vector.rotate_right(5);
    vector
}

const SCHEMA: &str = "
CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER, config_json_str TEXT,
  schema_str TEXT);
CREATE TABLE collection_metadata (collection_id TEXT, key TEXT, str_value TEXT, int_value INTEGER);
CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT, scope TEXT NOT NULL, collection TEXT NOT NULL);
CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL,
  seq_id BLOB NOT NULL, created_at TIMESTAMP DEFAULT '2026-01-01 10:00:00', UNIQUE (segment_id, embedding_id));
CREATE TABLE embedding_metadata (id INTEGER, key TEXT NOT NULL, string_value TEXT, int_value INTEGER,
  float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key));
CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP DEFAULT '2026-01-02 10:00:00',
  operation INTEGER NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, vector BLOB, encoding TEXT, metadata TEXT);
CREATE TABLE max_seq_id (segment_id TEXT PRIMARY KEY, seq_id BLOB NOT NULL);
INSERT INTO segments VALUES ('v1', 'hnsw', 'VECTOR', 'c1'), ('m1', 'sqlite', 'METADATA', 'c1');
INSERT INTO collection_metadata VALUES ('c1', 'hnsw:space', 'cosine', NULL);
";

/// A palace with one collection.
struct Palace {
    folder: PathBuf,
    database: Connection,
    rows: i64,
}

impl Palace {
    /// Makes one whose configuration names a function.
    fn new(place: &Place, function: &Value) -> Self {
        let folder = place
            .path("palace-of-vectors/x")
            .parent()
            .unwrap()
            .to_owned();
        let database = Connection::open(folder.join("chroma.sqlite3")).unwrap();
        database.execute_batch(SCHEMA).unwrap();
        let sql = "INSERT INTO collections VALUES ('c1', 'mempalace_drawers', ?1, ?2, NULL)";
        let config = json!({"hnsw": {"space": "l2"}, "embedding_function": function}).to_string();
        let dimension = i64::try_from(DIMENSIONS).unwrap();
        database.execute(sql, params![dimension, config]).unwrap();
        Self {
            folder,
            database,
            rows: 0,
        }
    }

    /// Adds a row without a vector.
    fn row(&mut self, id: &str, text: &str) {
        self.rows += 1;
        let sql = "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?1, 'm1', ?2, ?1)";
        self.database.execute(sql, params![self.rows, id]).unwrap();
        let sql = "INSERT INTO embedding_metadata (id, key, string_value) VALUES (?1, 'chroma:document', ?2)";
        self.database
            .execute(sql, params![self.rows, text])
            .unwrap();
    }

    /// Queues an operation.
    fn queue(&self, seq: i64, operation: u8, id: &str, vector: Option<&[f32]>, metadata: &Value) {
        let bytes = vector
            .map(|vector| -> Vec<u8> { vector.iter().flat_map(|x| x.to_le_bytes()).collect() });
        let sql = "INSERT INTO embeddings_queue (seq_id, operation, topic, id, vector, encoding, metadata)
                   VALUES (?1, ?2, 'persistent://default/default/c1', ?3, ?4, 'FLOAT32', ?5)";
        let values = params![seq, operation, id, bytes, metadata.to_string()];
        self.database.execute(sql, values).unwrap();
    }

    /// Writes an index of these vectors, as Chroma's hnswlib does.
    fn index(&self, vectors: &[(&str, Vec<f32>)]) {
        let folder = self.folder.join("v1");
        fs::create_dir(&folder).unwrap();
        let (data, label) = (132_u64, 132 + 4 * DIMENSIONS as u64);
        let count = vectors.len() as u64;
        let mut header = 1_i32.to_le_bytes().to_vec();
        for number in [0, count, count, label + 8, label, data] {
            header.extend(number.to_le_bytes());
        }
        header.extend([0; 8]);
        for number in [16_u64, 32, 16] {
            header.extend(number.to_le_bytes());
        }
        header.extend([0; 16]);
        fs::write(folder.join("header.bin"), header).unwrap();
        let (mut elements, mut lengths) = (Vec::new(), Vec::new());
        for (number, (_, vector)) in vectors.iter().enumerate() {
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            elements.extend([0; 132]);
            elements.extend(vector.iter().flat_map(|x| (x / length).to_le_bytes()));
            elements.extend((number as u64 + 1).to_le_bytes());
            lengths.extend(length.to_le_bytes());
        }
        fs::write(folder.join("data_level0.bin"), elements).unwrap();
        fs::write(folder.join("length.bin"), lengths).unwrap();
        fs::write(folder.join("link_lists.bin"), vec![0; vectors.len() * 4]).unwrap();
        fs::write(folder.join("index_metadata.pickle"), map(vectors)).unwrap();
    }
}

/// Writes the map of ids as a pickle of protocol 3.
fn map(vectors: &[(&str, Vec<f32>)]) -> Vec<u8> {
    let text = |text: &str| -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        [b"X", &length[..], text.as_bytes()].concat()
    };
    let mut labels = text("id_to_label");
    let mut ids = text("label_to_id");
    labels.extend(b"}(");
    ids.extend(b"}(");
    for (number, (id, _)) in vectors.iter().enumerate() {
        let number = [b'K', u8::try_from(number + 1).unwrap()];
        labels.extend([&text(id)[..], &number].concat());
        ids.extend([&number[..], &text(id)].concat());
    }
    [b"\x80\x03}(", &labels[..], b"u", &ids, b"uu."].concat()
}

/// Returns the vector of each chunk by the id of its origin.
fn vectors(memory: &Memory, place: &Place) -> BTreeMap<String, Vec<f32>> {
    let file = place.path("out.jsonl");
    let mut options = ExportOptions::default();
    options.format = ExportFormat::Jsonl;
    options.vectors = true;
    memory.export(&file, &options, &Silent).unwrap();
    let lines = fs::read_to_string(&file).unwrap();
    let of = |line: &str| {
        let chunk: Value = serde_json::from_str(line).unwrap();
        let id = chunk["meta"]["origin.id"].as_str()?.to_owned();
        let vector = serde_json::from_value(chunk["vector"].clone()).ok()?;
        Some((id, vector))
    };
    lines.lines().filter_map(of).collect()
}

fn counts(report: &ImportReport) -> (u64, u64, u64) {
    let vectors = report.vectors;
    (vectors.taken_over, vectors.embedded, vectors.pending)
}

/// Asserts that a search by vector finds the row that a text is of, and has seen all.
fn assert_found(place: &Place, text: &str, id: &str) {
    let mut request = SearchRequest::new(text);
    request.mode = Mode::Vector;
    let answer = place.memory.search(&request).unwrap();
    assert!(answer.coverage.complete);
    assert_eq!(answer.hits[0].chunk.attributes.meta["origin.id"], id);
    let report = place.memory.verify(&Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

const TEXTS: [(&str, &str); 12] = [
    ("d1", "The kettle is blue."),
    ("d2", "Backups go to the harbour server at night."),
    ("d3", "Quick zebras jump over lazy foxes."),
    ("d4", "The deploy key lives in the vault."),
    ("d5", "Nobody paints the fence in winter."),
    ("d6", "Coffee first, then the standup."),
    ("d7", "Our invoice numbers begin with the year."),
    ("d8", "Ann prefers tabs, Bob prefers spaces."),
    ("d9", "The cellar is dry again."),
    ("d10", "Six boxes of jam were quickly liquidated."),
    ("d11", "A pump in the garden hums at noon."),
    ("d12", "We pack my box with five dozen jugs."),
];

fn function(name: &str) -> Value {
    json!({"type": "known", "name": name, "config": {}})
}

/// A palace whose first eight rows are in the index and whose others wait in the queue, as `made` makes the vectors.
fn usual(place: &Place, said: &Value, made: fn(&str) -> Vec<f32>) -> Palace {
    let mut source = Palace::new(place, said);
    for (id, text) in TEXTS {
        source.row(id, text);
    }
    let (indexed, queued) = TEXTS.split_at(8);
    let vectors: Vec<_> = indexed.iter().map(|(id, text)| (*id, made(text))).collect();
    source.index(&vectors);
    for (seq, (id, text)) in (50..).zip(queued) {
        let vector = made(text);
        source.queue(seq, 0, id, Some(&vector), &json!({"chroma:document": text}));
    }
    source
}

/// Makes a palace whose vectors are those of the counter, most of them in an index.
pub(crate) fn with_index(place: &Place) -> PathBuf {
    usual(place, &function("default"), rounded).folder
}

#[test]
fn vectors_of_the_same_model_come_along_to_the_bit() {
    let model = Counter::new("minilm");
    let place = Place::with(Memory::options().embed(model.clone()));
    let source = usual(&place, &function("default"), rounded);
    let report = place.import(&source.folder);
    assert_eq!(report.imported, 12, "{report:?}");
    assert_eq!(counts(&report), (12, 0, 0), "{report:?}");
    assert!(report.vectors_anew.is_empty() && report.warnings.is_empty());
    let found = vectors(&place.memory, &place);
    for (id, text) in TEXTS {
        let expected = rounded(text);
        assert_ne!(expected, counted(text), "the two can be told apart");
        let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-7;
        assert!(found[id].iter().zip(&expected).all(is_near), "{id}");
        let off: f32 = found[id]
            .iter()
            .zip(counted(text))
            .map(|(a, b)| a - b)
            .sum();
        assert!(off > 1e-6, "{id} was embedded anew");
    }
    // What waits in the queue was never divided by its length, and is there to the bit.
    assert_eq!(found["d10"], rounded(TEXTS[9].1));
    assert_found(&place, "quickly liquidated boxes of jam", "d10");
    assert_found(&place, "blue kettle", "d1");
}

#[test]
fn a_row_whose_text_is_not_what_was_embedded_is_embedded() {
    let model = Counter::new("minilm");
    let place = Place::with(Memory::options().embed(model.clone()));
    let mut source = usual(&place, &function("onnx_mini_lm_l6_v2"), rounded);
    let secret = "The key is AKIAIOSFODNN7EXAMPLQ, keep it.";
    source.row("secret", secret);
    source.queue(60, 0, "secret", Some(&rounded(secret)), &json!({}));
    source.row("bare", "Nobody embedded this one.");
    // Another text without another vector; another text with one; a vector that was taken away and given again.
    let said = |text: &str| json!({"chroma:document": text});
    source.queue(61, 1, "d1", None, &said("The kettle is red now."));
    let louder = "Backups go to the quarry.";
    source.queue(62, 2, "d2", Some(&rounded(louder)), &said(louder));
    source.queue(63, 3, "d3", None, &Value::Null);
    source.queue(
        64,
        0,
        "d3",
        Some(&rounded("Slow bears.")),
        &said("Slow bears."),
    );
    // Of metadata alone, which leaves the vector what it is; of another length than any vector here; without a row.
    source.queue(65, 1, "d4", None, &json!({"room": "den"}));
    source.queue(
        66,
        1,
        "d5",
        Some(&[0.6, 0.8]),
        &said("The fence is painted."),
    );
    source.queue(
        67,
        1,
        "none",
        Some(&rounded("x")),
        &said("An update of nothing."),
    );
    // Not of length 1: nothing that the model makes.
    source.queue(68, 1, "d6", Some(&[0.1; DIMENSIONS]), &json!({}));
    let report = place.import(&source.folder);
    assert_eq!((report.imported, report.redactions), (14, 1), "{report:?}");
    assert_eq!(counts(&report), (9, 5, 0), "{report:?}");
    let found = vectors(&place.memory, &place);
    for (id, text) in [
        ("d1", "The kettle is red now."),
        ("d5", "The fence is painted."),
        ("d6", TEXTS[5].1),
        ("bare", "Nobody embedded this one."),
    ] {
        assert_eq!(found[id], counted(text), "{id}");
    }
    assert_eq!(found["d2"], rounded(louder));
    assert_eq!(found["d3"], rounded("Slow bears."));
    assert_ne!(found["secret"], rounded(secret));
    assert_found(&place, "slow bears", "d3");
}

#[test]
fn vectors_that_the_model_does_not_make_are_made_anew_and_that_is_said() {
    let model = Counter::new("minilm");
    let place = Place::with(Memory::options().embed(model.clone()));
    let source = usual(&place, &function("default"), foreign);
    let report = place.import(&source.folder);
    assert_eq!(counts(&report), (0, 12, 0), "{report:?}");
    let [why] = &report.vectors_anew[..] else {
        panic!("{report:?}")
    };
    assert!(
        why.contains("cosine") && why.contains("mempalace_drawers"),
        "{why}"
    );
    assert_eq!(vectors(&place.memory, &place)["d9"], counted(TEXTS[8].1));
    assert_found(&place, "blue kettle", "d1");
}

#[test]
fn what_the_source_says_of_its_model_can_speak_against_it_and_never_for_it_alone() {
    let sentence = |model: &str| json!({"type": "known", "name": "sentence_transformer", "config": {"model_name": model}});
    let own = "sentence-transformers/all-MiniLM-L6-v2";
    for (said, name, taken_over) in [
        (json!({"type": "legacy"}), "minilm", 12),
        (Value::Null, "minilm", 12),
        // A source that says nothing can be of any model.
        (Value::Null, "letters", 12),
        (function("default"), "letters", 0),
        (function("openai"), "minilm", 0),
        (sentence("all-mpnet-base-v2"), "minilm", 0),
        (sentence(own), "minilm", 12),
    ] {
        let model = Counter::new(name);
        let place = Place::with(Memory::options().embed(model.clone()));
        let source = usual(&place, &said, rounded);
        let report = place
            .memory
            .import(&source.folder, &ImportOptions::default(), &Silent);
        let report = report.unwrap();
        assert_eq!(
            counts(&report),
            (taken_over, 12 - taken_over, 0),
            "{said} {name}"
        );
        assert_eq!(report.vectors_anew.is_empty(), taken_over > 0, "{report:?}");
        if taken_over == 0 {
            let texts = model.texts.load(Ordering::Relaxed);
            assert_eq!(texts, 12, "no row is asked twice where a word is enough");
        }
    }
}

#[test]
fn the_word_of_the_palace_is_above_that_of_its_collections() {
    let model = Counter::new("minilm");
    let place = Place::with(Memory::options().embed(model.clone()));
    let source = usual(&place, &function("default"), rounded);
    let said = json!({"mempalace_drawers": {"model_name": "embeddinggemma", "dimension": 26}});
    let marker = source.folder.join("mempalace_embedder.json");
    fs::write(marker, said.to_string()).unwrap();
    let report = place.import(&source.folder);
    assert_eq!(counts(&report), (0, 12, 0), "{report:?}");
    assert!(
        report.vectors_anew[0].contains("embeddinggemma"),
        "{report:?}"
    );
}

#[test]
fn a_torn_index_gives_what_is_whole_of_it_and_costs_no_row() {
    let model = Counter::new("minilm");
    let place = Place::with(Memory::options().embed(model.clone()));
    let source = usual(&place, &function("default"), rounded);
    let elements = source.folder.join("v1/data_level0.bin");
    let whole = fs::read(&elements).unwrap();
    // Three elements, and a half.
    let element = whole.len() / 8;
    fs::write(&elements, &whole[..element * 7 / 2]).unwrap();
    let report = place.import(&source.folder);
    assert_eq!(counts(&report), (3 + 4, 5, 0), "{report:?}");
    fs::write(&elements, &whole).unwrap();
    for name in ["header.bin", "index_metadata.pickle"] {
        fs::write(
            source.folder.join("v1").join(name),
            b"\x80\x03cos\nsystem\n.",
        )
        .unwrap();
    }
    let other = Place::with(Memory::options().embed(model.clone()));
    let report = other.import(&source.folder);
    assert_eq!(
        (report.imported, counts(&report)),
        (12, (4, 8, 0)),
        "{report:?}"
    );
    assert_found(&other, "blue kettle", "d1");
}

#[test]
fn a_model_that_cannot_be_reached_proves_nothing_and_keeps_no_text_out() {
    let model = Counter::make("minilm", true);
    let place = Place::with(Memory::options().embed(model.clone()));
    let source = usual(&place, &function("default"), rounded);
    let report = place
        .memory
        .import(&source.folder, &ImportOptions::default(), &Silent);
    let report = report.unwrap();
    assert_eq!(
        (report.imported, counts(&report)),
        (12, (0, 0, 12)),
        "{report:?}"
    );
    assert!(
        report.vectors_anew[0].contains("not compared"),
        "{report:?}"
    );
}

#[test]
fn a_store_with_its_own_model_says_why_it_embeds() {
    let place = Place::new();
    let source = usual(&place, &function("default"), rounded);
    let report = place.import(&source.folder);
    assert_eq!(counts(&report), (0, 12, 0));
    assert!(
        report.vectors_anew[0].contains("26 dimensions"),
        "{report:?}"
    );
    assert!(report.warnings.is_empty() && report.complete);
}

#[cfg(feature = "minilm")]
#[test]
fn real_palaces_keep_their_vectors() {
    let Some(folder) = std::env::var_os("STEADFAST_MINILM") else {
        eprintln!("skipped without STEADFAST_MINILM: a folder with all-MiniLM-L6-v2");
        return;
    };
    let model = Arc::new(steadfast::MiniLm::open(folder.as_ref()).unwrap());
    for (archive, name, rows) in [
        ("mempalace-healthy.tar.xz", "healthy", 3838),
        ("mempalace-blob-seq-id.tar.xz", "blobseq", 357),
    ] {
        let place = Place::with(Memory::options().embed(model.clone()));
        let Some(folder) = crate::fixtures::unpack(&place, archive) else {
            return;
        };
        let options = ImportOptions::default();
        let source = folder.join(name);
        // A plan shows it before an hour has gone.
        let plan = place
            .memory
            .plan_import(&source, &options, &Silent)
            .unwrap();
        assert_eq!(counts(&plan), (rows, 0, 0), "{plan:?}");
        let report = place.memory.import(&source, &options, &Silent).unwrap();
        assert_eq!((report.imported, report.complete), (rows, true));
        assert_eq!(counts(&report), (rows, 0, 0), "{report:?}");
        let expected = crate::fixtures::json(&folder.join(format!("{name}.expected.json")));
        let found = vectors(&place.memory, &place);
        // The list has six digits.
        let mut compared = 0;
        for collection in expected.as_object().unwrap().values() {
            for row in collection["rows"].as_array().unwrap() {
                let beginning: Vec<f32> =
                    serde_json::from_value(row["embedding_first4"].clone()).unwrap();
                let vector = &found[row["id"].as_str().unwrap()];
                let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 7e-7;
                compared += u64::from(beginning.iter().zip(vector).all(is_near));
            }
        }
        assert_eq!(compared, rows, "{name}");
    }
    // Six hundred of its drawers have vectors that no model made of their texts, so that none of them is believed.
    let place = Place::with(Memory::options().embed(model));
    let archive = "mempalace-torn-by-kill.tar.xz";
    let folder = crate::fixtures::unpack(&place, archive).unwrap();
    let options = ImportOptions::default();
    let source = folder.join("drifted_kill9");
    let plan = place.memory.plan_import(&source, &options, &Silent);
    let plan = plan.unwrap();
    assert_eq!(counts(&plan), (219, 4_219, 0), "{plan:?}");
    assert!(plan.vectors_anew[0].contains("mempalace_drawers are made anew"));
}
