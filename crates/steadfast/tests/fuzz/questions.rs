//! Questions, filters and cursors.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steadfast::model::{Expression, Fault as _, Metadata, Validity};
use steadfast::{Asked, Error, ListRequest, Memory, Mode, Note, SearchRequest};
use steadfast_testkit::{Random, scratch};
use tempfile::TempDir;

use crate::hunt::hunt;
use crate::mutate::{mutated, text};

const WORDS: &[&str] = &[
    "harbor",
    "winter",
    "paper",
    "copper",
    "engine",
    "meadow",
    "parseConfig",
    "snake_case",
    "42",
    "3.14",
];

/// A store of notes with all kinds of metadata.
fn notes() -> (TempDir, Memory) {
    let folder = scratch().unwrap();
    let options = Memory::options().create(true);
    let memory = options.open(folder.path().join("store")).unwrap();
    let mut random = Random::new(1);
    for number in 0..40 {
        let mut note = Note::new(format!("{number} {}", text(&mut random, WORDS)));
        note.source = Some(format!("notes/{}/{number}", number % 4));
        let values = [
            json!(number % 5),
            json!(f64::from(number) / 3.0),
            json!("copper"),
            json!(true),
            json!(null),
            json!(""),
        ];
        for (place, name) in ["a", "b", "c.d", "\u{e9}"].into_iter().enumerate() {
            let which = random.below(values.len() + 1);
            if let Some(value) = values.get(which) {
                note.meta
                    .insert(format!("{name}{}", place % 2), value.clone());
            }
        }
        memory.remember(&note).unwrap();
    }
    (folder, memory)
}

/// An error of ours is none that a user can cause.
fn typed(error: &Error) -> Result<(), String> {
    match error.kind() {
        "internal" | "damaged" | "io" => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[test]
fn query() {
    let (_folder, memory) = notes();
    let mut everything = ListRequest::default();
    everything.limit = 1_000;
    let texts: BTreeSet<String> = memory
        .list(&everything)
        .unwrap()
        .chunks
        .into_iter()
        .map(|chunk| chunk.text)
        .collect();
    hunt("query", 300, |random| {
        let question = text(random, WORDS);
        let asked = Asked::read(&question);
        let mut request = SearchRequest::new(asked.words);
        request.phrases = asked.phrases;
        request.left_out = asked.left_out;
        if random.chance(30) {
            request = SearchRequest::new(question.clone());
            request.phrases = (0..random.below(3)).map(|_| text(random, WORDS)).collect();
            request.left_out = (0..random.below(3)).map(|_| text(random, WORDS)).collect();
        }
        request.mode = [Mode::Hybrid, Mode::Text, Mode::Vector][random.below(3)];
        request.limit = random.below(50);
        request.neighbours = u32::try_from(random.below(3)).unwrap();
        let answer = match memory.search(&request) {
            Ok(answer) => answer,
            Err(error) => return typed(&error).map_err(|what| format!("{question:?}: {what}")),
        };
        for hit in &answer.hits {
            if !texts.contains(&hit.chunk.text) {
                return Err(format!(
                    "{question:?} finds what is not there: {:?}",
                    hit.chunk.text
                ));
            }
            let mut highlights = hit.highlights.iter();
            let inside = highlights.all(|(from, to)| hit.snippet.get(*from..*to).is_some());
            if !inside {
                return Err(format!("{question:?}: a highlight is not in the snippet"));
            }
        }
        Ok(())
    });
}

/// Returns a filter that may be one.
fn filter(random: &mut Random, depth: usize) -> Value {
    const OPERATORS: &[&str] = &[
        "$eq",
        "$ne",
        "$in",
        "$nin",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$contains",
        "$and",
        "$or",
        "$not",
        "$",
        "",
    ];
    const FIELDS: &[&str] = &["a0", "b1", "c.d0", "\u{e9}1", "gone", "$and", "$or", ""];
    let value = |random: &mut Random| {
        let values = [
            json!(random.below(5)),
            json!(1.0 / 3.0),
            json!(-1e308),
            json!("copper"),
            json!("op"),
            json!(true),
            json!(null),
            json!([]),
            json!([1, "copper", null]),
            json!({}),
        ];
        values[random.below(values.len())].clone()
    };
    let field = FIELDS[random.below(FIELDS.len())];
    match random.below(4) {
        0 if depth < 6 => {
            let parts: Vec<Value> = (0..random.below(4))
                .map(|_| filter(random, depth + 1))
                .collect();
            json!({ ["$and", "$or"][random.below(2)]: parts })
        }
        1 => json!({ field: value(random) }),
        _ => json!({ field: { OPERATORS[random.below(OPERATORS.len())]: value(random) } }),
    }
}

#[test]
fn filters() {
    let (_folder, memory) = notes();
    let mut everything = ListRequest::default();
    everything.limit = 1_000;
    everything.filter.validity = Validity::Any;
    let all = memory.list(&everything).unwrap().chunks;
    hunt("filter", 300, |random| {
        let mut filter = filter(random, 0);
        if random.chance(20) {
            let text = mutated(random, &filter.to_string());
            filter = serde_json::from_str(&text).unwrap_or(Value::String(text));
        }
        let Ok(expression) = Expression::parse(&filter) else {
            return Ok(());
        };
        let mut request = everything.clone();
        let passes = |meta: &Metadata| expression.matches(meta);
        let wanted: BTreeSet<_> = all
            .iter()
            .filter(|chunk| passes(&chunk.attributes.meta))
            .map(|chunk| chunk.id)
            .collect();
        request.filter.expression = Some(expression.clone());
        let found = match memory.list(&request) {
            Ok(listing) => listing.chunks.into_iter().map(|chunk| chunk.id).collect(),
            Err(error) => return typed(&error).map_err(|what| format!("{filter}: {what}")),
        };
        if wanted == found {
            return Ok(());
        }
        let (wanted, found) = (wanted.len(), found.len());
        Err(format!(
            "{filter}: {found} chunks are listed, {wanted} pass one by one"
        ))
    });
}

#[test]
fn cursors() {
    let (_folder, memory) = notes();
    let mut search = SearchRequest::new("harbor winter paper");
    search.limit = 3;
    let mut list = ListRequest::default();
    list.limit = 3;
    let known = [
        memory.search(&search).unwrap().cursor,
        memory.list(&list).unwrap().cursor,
    ];
    hunt("cursor", 300, |random| {
        let text = match known[random.below(2)].as_deref() {
            Some(cursor) if random.chance(80) => mutated(random, cursor),
            _ => text(random, WORDS),
        };
        search.cursor = Some(text.clone());
        list.cursor = Some(text.clone());
        let results = [
            memory.search(&search).map(drop),
            memory.list(&list).map(drop),
        ];
        for result in results {
            if let Err(error) = result {
                typed(&error).map_err(|what| format!("{text:?}: {what}"))?;
            }
        }
        Ok(())
    });
}
