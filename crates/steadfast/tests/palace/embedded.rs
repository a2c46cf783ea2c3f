//! The bad day: an index is gone for good, and with it vectors that are nowhere else. Rows get them again from a model
//! only where it makes the vectors that the palace has; a palace with vectors of two models answers nothing rightly.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::Arc;

use rusqlite::Connection;
use steadfast::model::{ModelId, Vector};
use steadfast::{Embed, EmbedError, PalaceDiagnosis, examine_palace, repair_palace};

use crate::support::{NEW, OLD, Palace, ROWS, codes, replay};

/// A model that knows the vectors of some texts.
struct Table {
    model: ModelId,
    vectors: HashMap<String, Vec<f32>>,
}

impl Table {
    /// Knows for each text of the drawers what Chroma was given for it.
    fn of(version: &'static str, name: &str) -> Self {
        let palace = Palace::unpack(version);
        // A repair queues what the index holds.
        fs::write(palace.index().join("link_lists.bin"), b"").unwrap();
        palace.repair();
        let mut vectors = HashMap::new();
        for collection in ["mempalace_drawers", "mempalace_closets"] {
            let replayed = replay(&palace.database(), collection);
            for (id, text) in texts(&palace, collection) {
                vectors.insert(text, replayed[&id].clone());
            }
        }
        assert_eq!(vectors.len() as u64, ROWS, "each text is another");
        let model = ModelId {
            name: name.to_owned(),
            revision: "1".to_owned(),
            dimensions: 8,
            hash: [1; 16],
        };
        Self { model, vectors }
    }

    /// Makes of every text what it made of another one.
    fn shuffled(mut self) -> Self {
        let mut vectors: Vec<Vec<f32>> = self.vectors.values().cloned().collect();
        vectors.rotate_right(3);
        for (known, vector) in self.vectors.values_mut().zip(vectors) {
            *known = vector;
        }
        self
    }
}

impl Embed for Table {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        Ok(texts
            .iter()
            .map(|text| Vector(self.vectors[*text].clone()))
            .collect())
    }
}

/// Returns the text of each row of a collection.
fn texts(palace: &Palace, collection: &str) -> BTreeMap<String, String> {
    let sql = "SELECT e.embedding_id, m.string_value FROM embeddings e
               JOIN embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'
               JOIN segments s ON s.id = e.segment_id JOIN collections c ON c.id = s.collection
               WHERE c.name = ?1";
    let connection = Connection::open(palace.database()).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([collection], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn repair_with(palace: &Palace, model: Table) -> PalaceDiagnosis {
    let mut options = palace.options();
    options.embed = Some(Arc::new(model));
    repair_palace(&palace.path(), &options).unwrap()
}

/// Cuts all elements but some from the index of the drawers.
fn cut(palace: &Palace, kept: usize) {
    let elements = palace.index().join("data_level0.bin");
    let whole = fs::read(&elements).unwrap();
    fs::write(&elements, &whole[..kept * 172]).unwrap();
}

#[test]
fn rows_whose_vector_is_nowhere_get_it_again_from_the_model_of_the_palace() {
    for version in [NEW, OLD] {
        let palace = Palace::unpack(version);
        cut(&palace, 4);
        let lost = palace.examine().lost.len();
        assert!(lost > 10, "{version}: {lost}");
        let model = Table::of(version, "minilm");
        let mut options = palace.options();
        options.embed = Some(Arc::new(model));
        let looked = examine_palace(&palace.path(), &options).unwrap();
        assert_eq!(looked.lost.len(), lost, "a look embeds nothing");
        assert_eq!(looked.plan[0].name, "backup");
        let steps: Vec<&str> = looked.plan.iter().map(|step| step.name).collect();
        assert!(steps.contains(&"embed"), "{steps:?}");

        let done = repair_palace(&palace.path(), &options).unwrap();
        assert_eq!(codes(&done), [""; 0], "{version}: {done:?}");
        assert!(done.lost.is_empty());
        assert_eq!(
            (done.rows_before, done.rows_after),
            (Some(ROWS), Some(ROWS))
        );
        let said = format!("embedded {lost} rows of mempalace_drawers");
        assert!(done.applied[0].starts_with(&said), "{:?}", done.applied);
        assert!(done.backup.is_some());
        palace.assert_whole();
        let again = repair_palace(&palace.path(), &options).unwrap();
        assert!(again.applied.is_empty(), "{again:?}");
    }
}

#[test]
fn a_model_of_other_vectors_or_of_another_name_embeds_nothing() {
    let other = Table::of(NEW, "minilm").shuffled();
    for (model, word) in [
        (other, "other vectors"),
        (Table::of(NEW, "letters"), "of letters"),
    ] {
        let palace = Palace::unpack(NEW);
        cut(&palace, 4);
        let lost = palace.examine().lost;
        let done = repair_with(&palace, model);
        assert_eq!(codes(&done), ["palace_vectors_lost"]);
        assert_eq!(done.lost, lost);
        let remedy = &done.findings[0].remedy;
        assert!(remedy.contains(word), "{remedy}");
    }
}

#[test]
fn without_any_vector_the_palace_must_name_the_model() {
    let palace = Palace::unpack(NEW);
    cut(&palace, 0);
    palace.sql("DELETE FROM embeddings_queue");
    let named = Palace::unpack(NEW);
    cut(&named, 0);
    named.sql("DELETE FROM embeddings_queue");
    palace.sql("UPDATE collections SET schema_str = NULL, config_json_str = '{}'");
    let done = repair_with(&palace, Table::of(NEW, "minilm"));
    assert_eq!(done.lost.len() as u64, ROWS, "{done:?}");
    let done = repair_with(&named, Table::of(NEW, "minilm"));
    assert!(done.lost.is_empty(), "{done:?}");
    named.assert_whole();
}
