//! Vectors of another program, taken over where they are what the model of the store makes.
//!
//! That they are is proven, not believed: what the source says of its model must
//! not speak against it, the dimensions must be the same, and of some rows the
//! model makes the vector again, which must be the one that is there. Invariants:
//! what was not proven is embedded anew; a row whose text is not what was
//! embedded there, because a secret was taken out or bytes could not be read,
//! gives its vector up; vectors are taken over as they are, to the bit.
//!
//! What is deliberately not here: vectors of a model that the store does not
//! have, and a second way in: a row carries its vector as a row of a bundle does.

use std::collections::BTreeMap;

use steadfast_embed::{Embed, EmbedError, MINILM, embed_proven};
use steadfast_model::{ModelId, Vector};

use super::survey::{Survey, UnitRow};
use crate::error::Result;
use crate::ingest::{Line, model_name};

/// Rows whose vector is made again to be compared.
const SAMPLES: usize = 8;
/// The smallest cosine of two vectors of one text that are from one model. Runtimes differ in the sixth digit;
/// a model in whole numbers of eight bits, or with other limits of a text, differs in the third.
const COSINE_MIN: f64 = 0.9999;
/// How far from 1 the length of a vector may be.
const LENGTH_SLACK: f64 = 1e-3;

/// What a source says of the model of its vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing, or nothing that is known.
    #[default]
    Nothing,
    /// all-MiniLM-L6-v2.
    MiniLm,
    /// Another model, by name.
    Other(String),
}

/// Vectors of one space in a source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ForeignSpace {
    /// The name of the space, which rows carry with their vector.
    pub(super) label: String,
    /// What holds them, for people.
    pub(super) of: String,
}

/// What a comparison of vectors says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// They are of the same model.
    Same,
    /// They are not; the smallest cosine that was found.
    Differ(f64),
    /// There was nothing that could be compared.
    Unproven,
}

impl Said {
    /// Returns whether the vectors may be those of a model; where they cannot be, why.
    pub(crate) fn may_be(&self, model: &ModelId, dimensions: u64) -> Result<(), String> {
        let name = match self {
            Self::Nothing => None,
            Self::MiniLm => Some(MINILM),
            Self::Other(name) => Some(name.as_str()),
        };
        let of = match name {
            Some(name) if name != model.name => name,
            _ if dimensions == model.dimensions as u64 => return Ok(()),
            name => name.unwrap_or("another model"),
        };
        Err(format!(
            "they are of {of} with {dimensions} dimensions, the store's are of {} with {}",
            model.name, model.dimensions
        ))
    }
}

/// Compares vectors with those that a model makes of the same texts.
pub(crate) fn compare(
    embed: &dyn Embed,
    samples: &[(&str, &[f32])],
) -> Result<Verdict, EmbedError> {
    let texts: Vec<&str> = samples.iter().map(|(text, _)| *text).collect();
    if texts.is_empty() {
        return Ok(Verdict::Unproven);
    }
    let made = embed_proven(embed, &texts)?;
    let mut smallest: Option<f64> = None;
    for (Vector(made), (_, given)) in made.iter().zip(samples) {
        // A text that says nothing to the model proves nothing.
        if made.iter().all(|x| *x == 0.0) {
            continue;
        }
        let found = cosine(made, given);
        smallest = Some(smallest.map_or(found, |smallest| smallest.min(found)));
    }
    Ok(match smallest {
        None => Verdict::Unproven,
        Some(found) if found >= COSINE_MIN => Verdict::Same,
        Some(found) => Verdict::Differ(found),
    })
}

/// Chooses what is compared: from everywhere among `count` things, and not more than [`SAMPLES`] less one.
pub(crate) fn spread(count: usize) -> impl Iterator<Item = usize> {
    let step = count.div_ceil(SAMPLES - 1).max(1);
    (0..count).step_by(step)
}

/// Decides for each space of a survey whether its vectors are the store's, and takes the others from their rows.
pub(super) fn adopt(survey: &mut Survey, line: &Line<'_>) -> Result<()> {
    let spaces = std::mem::take(&mut survey.spaces);
    let name = model_name(line.embed.model());
    let mut labels: BTreeMap<String, bool> = BTreeMap::new();
    for space in spaces {
        let verdict = prove(survey, line, &space.label);
        let why = match verdict {
            Ok(Verdict::Same) => None,
            Ok(Verdict::Differ(cosine)) => Some(format!(
                "they are not those that {} makes of the same texts (cosine {cosine:.4})",
                line.embed.model().name
            )),
            Ok(Verdict::Unproven) => Some("none of them could be compared".to_owned()),
            Err(error) if error.is_transient() => Some(format!("they were not compared: {error}")),
            Err(error) => return Err(error.into()),
        };
        labels.insert(space.label, why.is_none());
        if let Some(why) = why {
            survey.made_anew(&space.of, &why);
        }
    }
    let rows = survey.units.iter_mut().flat_map(|unit| &mut unit.rows);
    for row in rows {
        row.carried.vector = row.carried.vector.take().and_then(|(vector, label)| {
            let is_ours = labels.get(&label).copied()?;
            (is_ours && is_unit(&vector)).then(|| (vector, name.clone()))
        });
    }
    Ok(())
}

fn prove(survey: &Survey, line: &Line<'_>, label: &str) -> Result<Verdict, EmbedError> {
    let of_space = |row: &&UnitRow| {
        let vector = row.carried.vector.as_ref();
        vector.is_some_and(|(vector, of)| of == label && is_unit(vector))
    };
    let rows: Vec<&UnitRow> = survey
        .units
        .iter()
        .flat_map(|unit| &unit.rows)
        .filter(of_space)
        .collect();
    // What is read of a long text shows in the longest one.
    let longest = rows.iter().max_by_key(|row| row.text.len());
    let chosen = spread(rows.len()).filter_map(|place| rows.get(place));
    let samples: Vec<(&str, &[f32])> = chosen
        .chain(longest)
        .filter(|row| has_no_secret(row, line))
        .filter_map(|row| {
            let (vector, _) = row.carried.vector.as_ref()?;
            Some((row.text.as_str(), vector.0.as_slice()))
        })
        .collect();
    compare(line.embed, &samples)
}

/// A model may be a service: no secret goes there.
fn has_no_secret(row: &UnitRow, line: &Line<'_>) -> bool {
    let mut row = row.clone();
    row.redact(line);
    row.redactions == 0
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return -1.0;
    }
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 {
        dot(a, b) / lengths
    } else {
        -1.0
    }
}

/// Vectors of a space have length 1.
fn is_unit(Vector(values): &Vector) -> bool {
    let length: f64 = values.iter().map(|x| f64::from(*x).powi(2)).sum();
    (length.sqrt() - 1.0).abs() < LENGTH_SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, dimensions: usize) -> ModelId {
        ModelId {
            name: name.to_owned(),
            revision: "1".to_owned(),
            dimensions,
            hash: [0; 16],
        }
    }

    #[test]
    fn a_name_or_a_number_that_differs_speaks_against_it() {
        let minilm = model(MINILM, 384);
        assert_eq!(Said::MiniLm.may_be(&minilm, 384), Ok(()));
        assert_eq!(Said::Nothing.may_be(&minilm, 384), Ok(()));
        let other = Said::Other("openai".to_owned());
        for (said, dimensions) in [(Said::MiniLm, 768), (Said::Nothing, 256), (other, 384)] {
            assert!(said.may_be(&minilm, dimensions).is_err(), "{said:?}");
        }
        assert!(Said::MiniLm.may_be(&model("table", 384), 384).is_err());
    }

    #[test]
    fn samples_are_from_everywhere_and_few() {
        assert_eq!(spread(0).count(), 0);
        assert_eq!(spread(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        for count in [8, 9, 100, 12_345] {
            let chosen: Vec<usize> = spread(count).collect();
            assert!((3..SAMPLES).contains(&chosen.len()), "{chosen:?}");
            assert!(chosen.last().is_some_and(|last| *last >= count * 2 / 3));
        }
    }

    #[test]
    fn only_vectors_of_one_direction_and_of_length_one_are_the_same() {
        assert!(cosine(&[1.0, 0.0], &[2.0, 0.0]) >= COSINE_MIN);
        assert!(cosine(&[1.0, 0.0], &[1.0, 0.02]) < COSINE_MIN);
        assert!(cosine(&[1.0, 0.0], &[0.0, 0.0]) < COSINE_MIN);
        assert!(cosine(&[1.0, 0.0], &[1.0]) < COSINE_MIN);
        assert!(is_unit(&Vector(vec![0.6, 0.8])));
        assert!(!is_unit(&Vector(vec![0.6, 0.9])));
        assert!(!is_unit(&Vector(vec![f32::NAN, 0.9])));
    }
}
