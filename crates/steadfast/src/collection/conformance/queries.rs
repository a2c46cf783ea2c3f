//! Questions: exact, in the shape in which they were asked.

use serde_json::json;
use steadfast_model::Distance;

use super::bench::{Bench, meta, numbered};
use crate::collection::{Collection, Field, QueryRequest, Records};

/// The outer lists are as long as the questions, on an empty collection, with a filter that leaves nothing, and for
/// no questions at all.
pub fn answers_have_the_shape_of_the_questions(bench: &Bench<'_>) {
    let empty = bench.collection();
    let filled = bench.collection();
    filled.add(&numbered(0, 3)).expect("a commit");
    let questions = |count: usize| QueryRequest::embeddings(vec![vec![1.0, 0.0]; count]);
    let nothing = json!({"number": 99});
    for count in [0, 1, 3] {
        for (collection, request) in [
            (&empty, questions(count)),
            (&empty, QueryRequest::texts(vec!["text"; count])),
            (&filled, questions(count).filter(nothing.clone())),
        ] {
            let with_all = request.clone().include(Field::ALL);
            for request in [request, with_all] {
                let answer = collection.query(&request).expect("an answer");
                assert_eq!(answer.ids, vec![Vec::<String>::new(); count]);
                assert_eq!(answer.documents.len(), count);
                assert_eq!(answer.metadatas.len(), count);
                assert_eq!(answer.distances.len(), count);
                let asked = request.include.contains(&Field::Embeddings);
                assert_eq!(
                    answer.embeddings.map(|all| all.len()),
                    asked.then_some(count)
                );
                assert_eq!((answer.in_scope, answer.damaged), (0, 0));
            }
        }
    }
}

/// A cheap source of numbers that look random, the same at each run.
fn vectors(count: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f32::from(u16::try_from(state >> 20).unwrap_or(0)) / 2048.0 - 1.0
    };
    let mut vector = || (0..dimensions).map(|_| next()).collect();
    (0..count).map(|_| vector()).collect()
}

fn by_hand(distance: Distance, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&x, &y)| (f64::from(x), f64::from(y)));
    let product: f64 = pairs().map(|(x, y)| x * y).sum();
    let norm = |values: &[f32]| {
        let squares = values.iter().map(|&x| f64::from(x) * f64::from(x));
        squares.sum::<f64>().sqrt()
    };
    match distance {
        Distance::Cosine if norm(a) * norm(b) == 0.0 => 1.0,
        Distance::Cosine => 1.0 - product / (norm(a) * norm(b)),
        Distance::L2 => pairs().map(|(x, y)| (x - y) * (x - y)).sum(),
        Distance::Ip => 1.0 - product,
    }
}

/// For each distance, ids and distances are those of a comparison by hand with every record.
pub fn the_nearest_are_those_of_brute_force(bench: &Bench<'_>) {
    let mut all = vectors(120, 17);
    all[40] = vec![0.0; 17];
    let mut questions = vectors(6, 17);
    questions[5] = vec![0.0; 17];
    for distance in Distance::ALL {
        let collection = bench.measured_by(distance);
        assert_eq!(collection.distance(), distance);
        let records = Records::new((0..all.len()).map(|n| n.to_string())).embeddings(all.clone());
        collection.add(&records).expect("a commit");
        let request = QueryRequest::embeddings(questions.clone()).results(25);
        let answer = collection.query(&request).expect("an answer");
        for (place, question) in questions.iter().enumerate() {
            let mut wanted: Vec<(f64, usize)> = all
                .iter()
                .enumerate()
                .map(|(number, vector)| (by_hand(distance, question, vector), number))
                .collect();
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (rank, (wanted, _)) in wanted.iter().take(25).enumerate() {
                let found = answer.distances[place][rank];
                assert!((found - wanted).abs() < 1e-9, "{distance} {found} {wanted}");
                let number: usize = answer.ids[place][rank].parse().expect("a number");
                let real = by_hand(distance, question, &all[number]);
                assert!((found - real).abs() < 1e-9, "{distance} {found} {real}");
            }
        }
    }
}

/// Records that are equally near stand in the order in which they came in, also at the cut.
pub fn equally_near_records_keep_their_order(bench: &Bench<'_>) {
    let collection = bench.collection();
    let names: Vec<String> = (0..40).map(|number| format!("{}", 97 - number)).collect();
    let given = Records::new(names.clone()).embeddings(vec![vec![3.0, 4.0]; 40]);
    collection.add(&given).expect("a commit");
    let request = QueryRequest::embeddings([vec![1.0, 1.0]]).results(7);
    let answer = collection.query(&request).expect("an answer");
    assert_eq!(answer.ids[0], names[..7]);

    let made = bench.collection();
    let texts = Records::new(names.clone()).documents(vec!["the same words"; 40]);
    made.add(&texts).expect("a commit");
    for results in [7, 40] {
        let request = QueryRequest::texts(["the same words", "other words"]).results(results);
        let answer = made.query(&request).expect("an answer");
        assert_eq!(answer.ids[0], names[..results]);
        assert_eq!(answer.ids[1], names[..results]);
    }
}

/// Asking for more records than there are gives all of them.
pub fn a_collection_with_fewer_records_gives_all(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 3)).expect("a commit");
    for results in [3, 4, usize::MAX] {
        let request = QueryRequest::embeddings([vec![0.0, 1.0]]).results(results);
        let answer = collection.query(&request).expect("an answer");
        assert_eq!(answer.ids, [["id 2", "id 1", "id 0"]]);
        assert_eq!(answer.in_scope, 3);
    }
}

fn texts(bench: &Bench<'_>, distance: Distance) -> Collection {
    let collection = bench.measured_by(distance);
    let records = Records::new(["proxy", "tea", "deploy"])
        .documents([
            "The proxy listens on port 8443.",
            "Ada prefers green tea without sugar.",
            "We deploy on Tuesdays after the smoke tests.",
        ])
        .metadatas([json!({"n": 1}), json!({"n": 2}), json!({"n": 3})].map(meta));
    collection.add(&records).expect("a commit");
    collection
}

/// Texts are embedded by the model of the store, and find the documents that mean the same.
pub fn texts_find_what_they_mean(bench: &Bench<'_>) {
    for distance in Distance::ALL {
        let collection = texts(bench, distance);
        let request = QueryRequest::texts(["which port has the proxy?", "green tea"])
            .results(2)
            .include(Field::ALL);
        let answer = collection.query(&request).expect("an answer");
        assert_eq!(answer.ids[0][0], "proxy", "{distance}");
        assert_eq!(answer.ids[1][0], "tea", "{distance}");
        let documents = &answer.documents[0][0];
        assert_eq!(
            documents.as_deref(),
            Some("The proxy listens on port 8443.")
        );
        assert!(answer.distances.iter().all(|inner| inner.is_sorted()));
        // The vectors that come back are those that the distances are of.
        let vectors = answer.embeddings.expect("vectors");
        let by_vector = QueryRequest::embeddings([vectors[0][0].clone()]).results(3);
        let again = collection.query(&by_vector).expect("an answer");
        assert_eq!(again.ids[0][0], "proxy");
        let nearest = match distance {
            Distance::Cosine | Distance::L2 | Distance::Ip => again.distances[0][0],
        };
        assert!(nearest.abs() < 1e-5, "{distance} {nearest}");
    }
}

/// A document without a word that the model knows has the vector zero, and is found like any other.
pub fn documents_without_known_words_are_found_too(bench: &Bench<'_>) {
    for distance in Distance::ALL {
        let collection = texts(bench, distance);
        let records = Records::new(["empty", "blank"]).documents(["", " \n "]);
        collection.add(&records).expect("a commit");
        let request = QueryRequest::texts(["which port has the proxy?", ""]).results(10);
        let answer = collection.query(&request).expect("an answer");
        assert_eq!(answer.ids[0].len(), 5, "{distance}");
        assert_eq!(answer.ids[0][0], "proxy", "{distance}");
        assert_eq!(answer.ids[1].len(), 5, "{distance}");
        let place = answer.ids[0].iter().position(|id| id == "empty");
        let found = answer.distances[0][place.expect("it is found")];
        assert!((found - 1.0).abs() < 1e-5, "{distance} {found}");
    }
}

/// A column that was not asked for is there and empty; the vectors are none.
pub fn columns_are_those_that_were_asked_for(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 2)).expect("a commit");
    let request = QueryRequest::embeddings([vec![1.0, 0.0]]);
    let bare = collection
        .query(&request.clone().include([]))
        .expect("an answer");
    assert_eq!(bare.ids, [["id 0", "id 1"]]);
    assert_eq!(bare.documents, [[]; 1]);
    assert_eq!(bare.metadatas, [[]; 1]);
    assert_eq!(bare.distances, [Vec::<f64>::new()]);
    assert_eq!(bare.embeddings, None);
    let full = collection
        .query(&request.include(Field::ALL))
        .expect("an answer");
    let expected = numbered(0, 2);
    assert_eq!(full.metadatas, [expected.metadatas.expect("metadata")]);
    assert_eq!(
        full.embeddings,
        Some(vec![expected.embeddings.expect("vectors")])
    );
    assert_eq!(full.distances[0].len(), 2);
}
