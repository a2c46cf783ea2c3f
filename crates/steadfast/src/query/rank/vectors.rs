//! The similarity of a candidate's vector, and of the sum of those around it.

use steadfast_model::Row;
use steadfast_model::vector::dot;
use steadfast_store::Snapshot;

use super::VECTOR_WINDOW;
use super::formula::Parts;
use super::surroundings::Surroundings;
use crate::error::Result;
use crate::query::parse::Question;

/// Vectors of some seats, one after the other.
struct Vectors {
    dimensions: usize,
    values: Vec<f32>,
    /// For each seat the place of its vector.
    places: Vec<Option<usize>>,
}

impl Vectors {
    fn of(&self, seat: usize) -> Option<&[f32]> {
        let start = self.places.get(seat).copied().flatten()? * self.dimensions;
        self.values.get(start..start + self.dimensions)
    }
}

fn read(
    snapshot: &dyn Snapshot,
    dimensions: usize,
    surroundings: &Surroundings,
    candidates: &[usize],
) -> Result<Vectors> {
    let mut is_wanted = vec![false; surroundings.len()];
    for seat in candidates {
        if let Some(wanted) = is_wanted.get_mut(surroundings.window(*seat, VECTOR_WINDOW)) {
            wanted.fill(true);
        }
    }
    let wanted: Vec<(Row, usize)> = surroundings
        .by_row()
        .iter()
        .filter(|(_, seat)| is_wanted.get(*seat).copied().unwrap_or(false))
        .copied()
        .collect();
    let rows: Vec<Row> = wanted.iter().map(|(row, _)| *row).collect();
    let mut vectors = Vectors {
        dimensions,
        values: Vec::with_capacity(rows.len() * dimensions),
        places: vec![None; surroundings.len()],
    };
    let mut number = 0;
    snapshot.rounded_vectors(&rows, &mut |row, values| {
        let seat = wanted
            .binary_search_by_key(&row, |(row, _)| *row)
            .ok()
            .and_then(|place| wanted.get(place));
        if let Some(slot) = seat.and_then(|(_, seat)| vectors.places.get_mut(*seat))
            && values.len() == dimensions
        {
            *slot = Some(number);
            number += 1;
            vectors.values.extend_from_slice(values);
        }
    })?;
    Ok(vectors)
}

/// Fills in the parts of vectors.
pub(super) fn vectors(
    snapshot: &dyn Snapshot,
    question: &Question,
    surroundings: &Surroundings,
    candidates: &[usize],
    parts: &mut [Parts],
) -> Result<()> {
    let query = &question.vector.0;
    let vectors = read(snapshot, query.len(), surroundings, candidates)?;
    let mut sum = vec![0.0_f32; query.len()];
    for (seat, parts) in candidates.iter().zip(parts) {
        if let Some(own) = vectors.of(*seat) {
            parts.has_vector = true;
            parts.vector = dot(query, own);
        }
        sum.fill(0.0);
        for neighbour in surroundings.window(*seat, VECTOR_WINDOW) {
            for (sum, value) in sum
                .iter_mut()
                .zip(vectors.of(neighbour).unwrap_or_default())
            {
                *sum += value;
            }
        }
        let length = dot(&sum, &sum).sqrt();
        if length > 0.0 {
            parts.vector_window = dot(query, &sum) / length;
        }
    }
    Ok(())
}
