//! Rows whose vector is nowhere, embedded again with a model that makes the vectors that the palace has.
//!
//! That it does is proven by those that are still there; where none is, the
//! palace must name the model itself. Rows without a text stay as they are.

use std::collections::{BTreeMap, HashMap};

use steadfast_embed::{Embed, embed_proven};
use steadfast_store::ForeignDatabase;

use super::PalaceOptions;
use super::analysis::Analysis;
use super::ground::Operation;
use super::look::Palace;
use crate::error::Result;
use crate::import::chroma::{settings, texts};
use crate::import::vectors::{Said, Verdict, compare, spread};

/// The stable name of the step.
pub(super) const STEP: &str = "embed";
/// Texts that are embedded at once.
const BATCH: usize = 64;

/// Vectors that were made, by the ids of the collection and of the row.
pub(super) type Made = HashMap<String, HashMap<String, Vec<f32>>>;

/// Rows of a collection that can be embedded again.
#[derive(Debug)]
pub(super) struct Rows {
    /// The id of the collection.
    id: String,
    name: String,
    model: String,
    /// Ids and texts.
    texts: Vec<(String, String)>,
}

impl Rows {
    pub(super) fn step(&self) -> String {
        let Self { name, model, .. } = self;
        let count = self.texts.len();
        format!(
            "embed {count} rows of {name} whose vector is nowhere with {model}, queue them with all others, and give \
             Chroma an empty index to fill"
        )
    }

    pub(super) fn done(&self) -> String {
        let Self { name, model, .. } = self;
        let count = self.texts.len();
        format!("embedded {count} rows of {name} whose vector was nowhere with {model}")
    }
}

/// Finds for each collection with such rows those that can be embedded; or says why the model does not fit.
pub(super) fn find(
    database: &ForeignDatabase,
    palace: &Palace,
    analyses: &[Analysis<'_>],
    options: &PalaceOptions,
) -> Result<BTreeMap<String, Result<Rows, String>>> {
    let mut found = BTreeMap::new();
    let lacking = analyses.iter().filter(|it| !it.lost.is_empty());
    let lacking: Vec<&Analysis<'_>> = lacking.collect();
    let Some(embed) = options.embed.as_deref().filter(|_| !lacking.is_empty()) else {
        return Ok(found);
    };
    let texts = texts(database)?;
    let marked = settings::marked(&palace.folder);
    for analysis in lacking {
        let collection = analysis.collection;
        let said = marked.get(&collection.name).unwrap_or(&collection.said);
        let fits = fits(analysis, said, &texts, embed)?;
        let rows = fits.and_then(|()| {
            let rows = analysis.lost.iter().filter_map(|id| {
                let text = texts.get(&(collection.id.clone(), id.clone()))?;
                (!text.trim().is_empty()).then(|| (id.clone(), text.clone()))
            });
            let rows: Vec<(String, String)> = rows.collect();
            if rows.is_empty() {
                return Err("the rows have no text".to_owned());
            }
            Ok(Rows {
                id: collection.id.clone(),
                name: collection.name.clone(),
                model: embed.model().name.clone(),
                texts: rows,
            })
        });
        found.insert(collection.id.clone(), rows);
    }
    Ok(found)
}

/// Embeds rows.
pub(super) fn make(embeds: &[Rows], embed: &dyn Embed) -> Result<Made> {
    let mut made = Made::new();
    for Rows { id, texts, .. } in embeds {
        let of_collection = made.entry(id.clone()).or_default();
        for batch in texts.chunks(BATCH) {
            let texts: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embed_proven(embed, &texts)?.into_iter();
            let ids = batch.iter().map(|(id, _)| id.clone());
            of_collection.extend(ids.zip(vectors.map(|vector| vector.0)));
        }
    }
    Ok(made)
}

/// Proves that the model makes the vectors of a collection; says why not, where it does not.
fn fits(
    analysis: &Analysis<'_>,
    said: &Said,
    texts: &BTreeMap<(String, String), String>,
    embed: &dyn Embed,
) -> Result<Result<(), String>> {
    let collection = analysis.collection;
    let model = embed.model();
    let dimension = collection.dimension.unwrap_or(model.dimensions as u64);
    if let Err(why) = said.may_be(model, dimension) {
        return Ok(Err(why));
    }
    let vectors = vectors(analysis);
    let ids: Vec<&String> = analysis.live.iter().collect();
    let known: Vec<(&str, &[f32])> = ids
        .iter()
        .filter_map(|id| {
            let text = texts.get(&(collection.id.clone(), (*id).clone()))?;
            Some((text.as_str(), vectors.get(id.as_str())?.as_slice()))
        })
        .collect();
    let samples: Vec<(&str, &[f32])> = spread(known.len())
        .filter_map(|place| known.get(place).copied())
        .collect();
    Ok(match compare(embed, &samples)? {
        Verdict::Same => Ok(()),
        Verdict::Unproven if *said == Said::MiniLm => Ok(()),
        Verdict::Unproven => Err("there is no vector to compare it with".to_owned()),
        Verdict::Differ(cosine) => Err(format!(
            "it makes other vectors than those that are there (cosine {cosine:.4})"
        )),
    })
}

/// Returns the vectors that are there: the last one that an operation gave, else that of the index.
fn vectors<'a>(analysis: &'a Analysis<'_>) -> HashMap<&'a str, Vec<f32>> {
    let indexed = analysis.segment.vectors.iter();
    let mut vectors: HashMap<&str, Vec<f32>> = indexed
        .map(|(id, vector)| (id.as_str(), vector.clone()))
        .collect();
    for Operation { id, vector, .. } in &analysis.collection.queue {
        if let Some(bytes) = vector {
            let numbers = bytes.chunks_exact(4);
            let numbers = numbers.filter_map(|it| it.try_into().ok().map(f32::from_le_bytes));
            vectors.insert(id, numbers.collect());
        }
    }
    vectors
}
