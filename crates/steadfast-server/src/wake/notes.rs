//! Notes for a wake-up: those that are pinned, and the best of the newest.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use steadfast::Error;
use steadfast::model::{Chunk, Filter, Kind};

use super::{Candidate, EXCERPT_BYTES, Gathering, Part, day, quoted};

/// The tag of notes that always come.
const PINNED: &str = "pinned";
/// The tag of notes that matter more than others.
const IMPORTANT: &str = "important";
/// How many pinned notes are looked at.
const PINNED_MAX: usize = 50;
/// How many of the newest notes are looked at.
const NEWEST: usize = 400;
/// After how many newer notes a note is worth half of what a new one is.
const HALF_RANK: f64 = 20.0;
/// How many notes of one source may come that are not pinned.
const OF_SOURCE_MAX: usize = 3;

/// Gathers the notes that may come, best first.
pub(super) fn gather(gathering: &mut Gathering<'_>) -> Result<Vec<Candidate>, Error> {
    let pinned = Filter {
        kinds: vec![Kind::Note],
        tags: vec![PINNED.to_owned()],
        ..Filter::default()
    };
    let newest = Filter {
        kinds: vec![Kind::Note],
        ..Filter::default()
    };
    let mut found = Vec::new();
    for chunk in gathering.newest(pinned, PINNED_MAX)? {
        if is_first(&chunk) && gathering.admits(&chunk) {
            found.push(candidate(Part::Pinned, &chunk));
        }
    }
    let project = gathering.request.project.clone();
    let mut ranked: Vec<(f64, Chunk)> = gathering
        .newest(newest, NEWEST)?
        .into_iter()
        .filter(is_first)
        .enumerate()
        .map(|(rank, chunk)| (worth(&chunk, rank, project.as_deref()), chunk))
        .collect();
    // Stable: of two notes of the same worth the newer one comes first.
    ranked.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut of_source: HashMap<String, usize> = HashMap::new();
    for (_, chunk) in ranked {
        let count = of_source.entry(chunk.source.clone()).or_default();
        if *count < OF_SOURCE_MAX && gathering.admits(&chunk) {
            *count += 1;
            found.push(candidate(Part::Notes, &chunk));
        }
    }
    Ok(found)
}

/// Of a long note only the beginning comes: several notes may have one source, but each begins at its own first byte.
fn is_first(chunk: &Chunk) -> bool {
    chunk.place.position == 0 || chunk.place.start_byte == 0
}

/// Returns what a note is worth: newness, importance, its project, and how often it was read.
#[expect(
    clippy::cast_precision_loss,
    reason = "ranks and counts are small, and only compared"
)]
fn worth(chunk: &Chunk, rank: usize, project: Option<&Path>) -> f64 {
    let newness = 2.0 / (1.0 + rank as f64 / HALF_RANK);
    let said = chunk
        .attributes
        .meta
        .get("importance")
        .and_then(Value::as_f64)
        .unwrap_or(0.0)
        .clamp(0.0, 10.0);
    let important = if chunk.attributes.tags.contains(IMPORTANT) {
        2.0
    } else {
        said / 5.0
    };
    let here = if project.is_some_and(|project| is_about(chunk, project)) {
        2.0
    } else {
        0.0
    };
    let read = (0.5 * (1.0 + chunk.access_count as f64).ln()).min(1.5);
    newness + important + here + read
}

/// Returns whether a note is about a project: by its source, its metadata, or a tag with the name of the folder.
fn is_about(chunk: &Chunk, project: &Path) -> bool {
    let name = project.file_name().map(|name| name.to_string_lossy());
    let of_meta = |key: &str| chunk.attributes.meta.get(key).and_then(Value::as_str);
    let said = of_meta("project").or_else(|| of_meta("cwd"));
    Path::new(&chunk.source).starts_with(project)
        || said.is_some_and(|said| Path::new(said) == project || name.as_deref() == Some(said))
        || name.is_some_and(|name| chunk.attributes.tags.contains(name.as_ref()))
}

fn candidate(part: Part, chunk: &Chunk) -> Candidate {
    let day = day(chunk).map_or(String::new(), |day| format!(", {day}"));
    let title = chunk.attributes.title.as_deref();
    let title = title.map_or(String::new(), |title| format!(" {}", quoted(title, 80)));
    Candidate {
        part,
        ids: vec![chunk.id.to_string()],
        line: format!(
            "- {} ({}{day}){title}: {}",
            chunk.id,
            chunk.attributes.trust.as_str(),
            quoted(&chunk.text, EXCERPT_BYTES)
        ),
    }
}
