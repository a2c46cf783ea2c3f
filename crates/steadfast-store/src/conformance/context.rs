//! Surroundings: what ranking hears of a row is what the row's chunk and document say.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use steadfast_model::{DocumentKey, Row, Vector, codes};

use super::bench::{Bench, commit, fetch, in_every_state, live};
use super::random::random_changes;
use crate::backend::{Effort, Snapshot};
use crate::context::{Placed, Standing};

/// Standings, neighbours, attributes, counts of terms and rounded vectors are those of the live chunks.
pub fn surroundings_are_those_of_the_chunks(bench: &Bench<'_>) {
    let backend = bench.open();
    let changes = random_changes(61, 140, bench.analyze());
    for (number, change) in changes.into_iter().enumerate() {
        commit(backend.as_ref(), change);
        if number == 90 {
            backend.catch_up(Effort::Wait).expect("catching up");
        }
    }
    in_every_state(backend.as_ref(), |view| {
        let mut rows: Vec<Row> = live(view).iter().collect();
        let chunks = fetch(view, &rows);
        let standings = view.standings(&rows).expect("standings");
        let mut documents: BTreeMap<DocumentKey, Vec<(u32, Row)>> = BTreeMap::new();
        for (chunk, standing) in chunks.iter().zip(&standings) {
            let expected = Standing {
                document: chunk.document,
                position: chunk.place.position,
            };
            assert_eq!(*standing, Some(expected));
            documents
                .entry(chunk.document)
                .or_default()
                .push((chunk.place.position, chunk.row));
        }
        for (document, mut members) in documents {
            members.sort_unstable();
            for places in [0..=u32::MAX, 1..=2, 7..=7] {
                let placed = placed(view, document, places.clone());
                let found: Vec<(u32, Row)> = placed
                    .iter()
                    .map(|placed| (placed.position, placed.row))
                    .collect();
                let expected: Vec<(u32, Row)> = members
                    .iter()
                    .copied()
                    .filter(|(position, _)| places.contains(position))
                    .collect();
                assert_eq!(found, expected);
                for placed in placed {
                    let known = view.attributes(&[placed.facet]).expect("attributes");
                    let chunk = chunks.iter().find(|chunk| chunk.row == placed.row);
                    assert_eq!(
                        known.first().cloned().flatten().as_deref(),
                        chunk.map(|chunk| &chunk.attributes)
                    );
                }
            }
        }
        terms(bench, view, &rows);
        vectors(view, &rows);
        rows.push(Row(u32::MAX));
        assert_eq!(
            view.standings(&rows).expect("standings").last(),
            Some(&None)
        );
    });
}

fn placed(view: &dyn Snapshot, document: DocumentKey, places: RangeInclusive<u32>) -> Vec<Placed> {
    view.placed(document, places).expect("rows of a document")
}

fn terms(bench: &Bench<'_>, view: &dyn Snapshot, rows: &[Row]) {
    let mut terms = bench.terms("apple river stone nowhere");
    terms.sort_unstable();
    let counts = view.term_counts(&terms, rows).expect("counts");
    let texts = fetch(view, rows);
    let analyzed: Vec<_> = texts
        .iter()
        .map(|chunk| bench.analyze().terms(&chunk.text))
        .collect();
    for (place, text) in analyzed.iter().enumerate() {
        let expected: Vec<u8> = terms.iter().map(|term| text.count(*term)).collect();
        assert_eq!(counts.row(place), expected);
        assert_eq!(counts.lengths.get(place), Some(&text.tokens()));
    }
    for (term, df) in terms.iter().zip(&counts.df) {
        let having = analyzed.iter().filter(|text| text.count(*term) > 0).count();
        assert_eq!(*df, u64::try_from(having).unwrap_or(u64::MAX));
    }
    assert_eq!(counts.rows_live, u64::try_from(rows.len()).unwrap_or(0));
}

fn vectors(view: &dyn Snapshot, rows: &[Row]) {
    // The inner products with the axes are the numbers of the vector itself.
    let mut stored: BTreeMap<Row, Vec<f32>> = BTreeMap::new();
    for axis in 0..super::DIMENSIONS {
        let mut query = Vector(vec![0.0; super::DIMENSIONS]);
        if let Some(value) = query.0.get_mut(axis) {
            *value = 1.0;
        }
        let scores = view.vector_scores(&query, rows).expect("scores");
        for (row, score) in rows.iter().zip(scores) {
            if let Some(score) = score {
                stored.entry(*row).or_default().push(score);
            }
        }
    }
    let mut found: BTreeMap<Row, Vec<f32>> = BTreeMap::new();
    view.rounded_vectors(rows, &mut |row, values| {
        found.insert(row, values.to_vec());
    })
    .expect("vectors");
    let (mut buffer, mut rounded) = (Vec::new(), Vec::new());
    stored.retain(|_, values| codes::round(values, &mut buffer, &mut rounded));
    for (row, values) in &stored {
        assert!(codes::round(values, &mut buffer, &mut rounded));
        assert_eq!(found.get(row), Some(&rounded), "{row:?}");
    }
    assert_eq!(found.len(), stored.len());
}
