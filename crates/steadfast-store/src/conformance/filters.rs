//! Filters: each equals the filter by hand, and acts before any candidate is chosen.

use serde_json::{Value, json};
use steadfast_model::filter::SourcePattern;
use steadfast_model::{Change, Expression, Filter, Kind, Row, RowSet, Timestamp, Validity, Vector};

use super::bench::{
    Bench, START, commit, everything, fetch, in_every_state, live, namespace, snapshot,
};
use super::random::{Random, random_changes};
use super::words::vector_of;
use crate::backend::{Bm25, Snapshot};

fn pattern(text: &str) -> SourcePattern {
    SourcePattern::parse(text).expect("a glob")
}

fn where_meta(filter: &Value) -> Filter {
    Filter {
        expression: Some(Expression::parse(filter).expect("an expression")),
        ..everything()
    }
}

/// Filters of every kind, each with every part of its syntax.
fn filters() -> Vec<Filter> {
    let mut all = vec![everything(), Filter::default()];
    for names in [&["default"][..], &["team", "home"], &["nobody"]] {
        all.push(Filter {
            namespaces: names.iter().map(|name| namespace(name)).collect(),
            ..everything()
        });
    }
    for globs in [
        &["*.md"][..],
        &["/docs/*.md"],
        &["/docs/**"],
        &["/docs/**/c.md", "*.rs"],
        &["/{docs,src}/[a-c]?*"],
        &["note:*"],
        &["cha?"],
        &["/docs/a.md"],
        &["/nothing/*"],
    ] {
        all.push(Filter {
            sources: globs.iter().map(|glob| pattern(glob)).collect(),
            ..everything()
        });
    }
    for folders in [
        &["/docs"][..],
        &["/docs/", "/src"],
        &["/"],
        &["/docs/a.md"],
        &["/d"],
    ] {
        all.push(Filter {
            within: folders.iter().map(|&folder| folder.to_owned()).collect(),
            ..everything()
        });
    }
    for tags in [
        &["blue"][..],
        &["blue", "green"],
        &["work/today"],
        &["none"],
    ] {
        all.push(Filter {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            ..everything()
        });
    }
    for kinds in [&[Kind::Text][..], &[Kind::Code, Kind::Note]] {
        all.push(Filter {
            kinds: kinds.to_vec(),
            ..everything()
        });
    }
    for (since, until) in [
        (Some(-1), None),
        (None, Some(1)),
        (Some(-2), Some(2)),
        (Some(2), Some(-2)),
    ] {
        let day = |days: i64| Timestamp(START.0 + days * 86_400_000);
        all.push(Filter {
            since: since.map(day),
            until: until.map(day),
            ..everything()
        });
    }
    all.extend(
        [
            json!({"year": 2022}),
            json!({"year": {"$ne": 2022}}),
            json!({"year": {"$in": [2021, 2023]}}),
            json!({"year": {"$nin": [2021, 2023]}}),
            json!({"year": {"$gt": 2021, "$lte": 2023}}),
            json!({"year": {"$gte": 2022}}),
            json!({"year": {"$lt": 2022.5}}),
            json!({"who": {"$contains": "o"}}),
            json!({"$or": [{"who": "Ada"}, {"year": 2020}]}),
            json!({"$and": [{"who": {"$ne": "Ada"}}, {"year": {"$gt": 2020}}]}),
        ]
        .iter()
        .map(where_meta),
    );
    all.push(Filter {
        namespaces: vec![namespace("default")],
        sources: vec![pattern("*.md")],
        within: vec!["/docs".to_owned()],
        tags: vec!["blue".to_owned()],
        ..where_meta(&json!({"year": {"$gte": 2020}}))
    });
    all
}

/// Returns the rows that a filter leaves and how many its validity leaves out, judged chunk by chunk.
fn by_hand(view: &dyn Snapshot, filter: &Filter, now: Timestamp) -> (RowSet, u64) {
    let rows: Vec<Row> = live(view).iter().collect();
    let mut admitted = fetch(view, &rows);
    admitted.retain(|chunk| {
        filter.admits_document(&chunk.namespace, &chunk.source)
            && filter.admits_attributes(&chunk.attributes)
    });
    let before = admitted.len();
    admitted.retain(|chunk| filter.admits_validity(&chunk.attributes, now));
    let left_out = u64::try_from(before - admitted.len()).unwrap_or(0);
    (admitted.iter().map(|chunk| chunk.row).collect(), left_out)
}

/// Every filter leaves the rows that judging each chunk by hand leaves, at every moment.
pub fn every_filter_equals_the_filter_by_hand(bench: &Bench<'_>) {
    let backend = bench.open();
    let changes = random_changes(11, 150, bench.analyze());
    backend.commit(&changes, "suite").expect("a batch");
    in_every_state(backend.as_ref(), |view| {
        assert!(live(view).len() > 40, "enough to filter");
        let mut narrowed = 0;
        for filter in filters() {
            for validity in [
                Validity::Any,
                Validity::Now,
                Validity::At(Timestamp(START.0 - 1)),
            ] {
                let filter = Filter {
                    validity,
                    ..filter.clone()
                };
                for now in [START, Timestamp(START.0 + 3 * 86_400_000)] {
                    let scope = view.scope(&filter, now).expect("a scope");
                    let found = (scope.rows, scope.left_out_by_validity);
                    assert_eq!(found, by_hand(view, &filter, now), "{filter:?} at {now}");
                    narrowed += usize::from(!found.0.is_empty());
                }
            }
            let documents = view.documents(&filter).expect("documents");
            let sources = view.documents(&everything()).expect("documents");
            let wanted: Vec<_> = sources
                .into_iter()
                .filter(|found| filter.admits_document(&found.namespace, &found.source))
                .collect();
            assert_eq!(documents, wanted, "{filter:?}");
        }
        assert!(narrowed > 100, "most filters leave something: {narrowed}");
    });
}

/// Validity is half open and is judged for the moment asked for.
pub fn validity_is_asked_for_a_moment(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut put = bench.put("/a", &["always", "once"]);
    put.attributes.push(put.attributes[0].clone());
    put.attributes[1].valid_from = Some(Timestamp(10));
    put.attributes[1].valid_to = Some(Timestamp(20));
    put.chunks[1].attributes = 1;
    commit(backend, Change::Put(put));
    let view = snapshot(backend);
    for (validity, now, rows, left_out) in [
        (Validity::Now, 9, 1, 1),
        (Validity::Now, 10, 2, 0),
        (Validity::Now, 20, 1, 1),
        (Validity::At(Timestamp(15)), 99, 2, 0),
        (Validity::Any, 99, 2, 0),
    ] {
        for namespaces in [Vec::new(), vec![namespace("default")]] {
            let filter = Filter {
                validity,
                namespaces,
                ..Filter::default()
            };
            let scope = view.scope(&filter, Timestamp(now)).expect("a scope");
            assert_eq!(
                (scope.rows.len(), scope.left_out_by_validity),
                (rows, left_out),
                "{filter:?}"
            );
        }
    }
}

/// In a scope far smaller than what matches, everything of the scope is found: filters act before the cut.
pub fn narrow_scopes_lose_nothing(bench: &Bench<'_>) {
    let backend = bench.open();
    let mut random = Random::new(5);
    let mut changes = Vec::new();
    for document in 0..60 {
        let texts: Vec<String> = (0..5)
            .map(|_| format!("common word{} word{}", random.below(9), random.below(9)))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut put = bench.put(&format!("/{document}.md"), &texts);
        if document == 37 {
            put.attributes[0].tags.insert("rare".to_owned());
        }
        changes.push(Change::Put(put));
    }
    backend.commit(&changes, "suite").expect("a batch");
    let rare = Filter {
        tags: vec!["rare".to_owned()],
        ..Filter::default()
    };
    let terms = bench.terms("common");
    let far = Vector(vector_of("common").0.iter().map(|value| -value).collect());
    in_every_state(backend.as_ref(), |view| {
        let scope = view.scope(&rare, START).expect("a scope").rows;
        assert_eq!(scope.len(), 5);
        let texts = view
            .text_top(&terms, 100, Bm25::default(), &scope)
            .expect("hits");
        assert_eq!(texts.iter().map(|(row, _)| *row).collect::<RowSet>(), scope);
        let vectors = view.vector_top(&far, 100, &scope).expect("hits");
        assert_eq!(
            vectors.iter().map(|(row, _)| *row).collect::<RowSet>(),
            scope
        );
    });
}
