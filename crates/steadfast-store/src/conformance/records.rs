//! Collections: records by id, beside everything else in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use steadfast_model::record::collection_namespace;
use steadfast_model::{
    Change, CollectionChange, CollectionKey, CollectionSpace, Distance, DocumentKey, Filter,
    FixedClock, Metadata, Namespace, NewRecord, Outcome, RecordsWrite, Refusal, Row, RowSet,
    StoreId, StoredCollection, Vector, WriteMode,
};

use super::bench::{
    Bench, DIMENSIONS, START, commit, everything, fetch, in_every_state, live, model, namespace,
    snapshot,
};
use super::random::Random;
use crate::backend::{Backend, Effort, Snapshot, Ways};
use crate::error::StoreError;
use crate::memory::MemoryBackend;

/// How many numbers the vectors have that the suite gives.
const GIVEN: usize = 3;

fn create(name: &str) -> Change {
    Change::Collection(CollectionChange::Create {
        name: name.to_owned(),
        distance: Distance::L2,
        meta: Metadata::from_iter([("about".to_owned(), json!(name))]),
    })
}

fn write(key: CollectionKey, mode: WriteMode, records: Vec<NewRecord>) -> Change {
    let given = records.iter().find_map(|record| record.given.as_ref());
    Change::Collection(CollectionChange::Write(RecordsWrite {
        collection: key,
        mode,
        space: match given {
            Some(given) => CollectionSpace::Given {
                dimensions: given.len(),
            },
            None if mode == WriteMode::Update => CollectionSpace::Undecided,
            None => CollectionSpace::Model,
        },
        records,
    }))
}

fn remove(key: CollectionKey, ids: &[&str]) -> Change {
    Change::Collection(CollectionChange::Remove {
        collection: key,
        ids: ids.iter().map(|&id| id.to_owned()).collect(),
    })
}

fn record(bench: &Bench<'_>, id: &str, text: &str) -> NewRecord {
    NewRecord {
        id: id.to_owned(),
        chunk: Some(bench.chunk(text, 1)),
        meta: Some(Metadata::from_iter([("text".to_owned(), json!(text))])),
        given: None,
    }
}

fn given(bench: &Bench<'_>, id: &str, text: &str, vector: [f32; GIVEN]) -> NewRecord {
    let mut record = record(bench, id, text);
    if let Some(chunk) = &mut record.chunk {
        chunk.vector = Some(Vector(vec![0.0; DIMENSIONS]));
    }
    record.given = Some(vector.to_vec());
    record
}

/// Returns an oracle that gives out the ids of a backend under test.
fn oracle(id: StoreId) -> MemoryBackend {
    MemoryBackend::new(id, model(), Arc::new(FixedClock::at(START)))
}

fn stored(view: &dyn Snapshot, name: &str) -> StoredCollection {
    view.collection(name)
        .expect("a lookup")
        .expect("a collection")
}

fn named(name: &str) -> Filter {
    Filter {
        namespaces: vec![collection_namespace(name).expect("a name")],
        ..everything()
    }
}

/// A collection is made once, keeps what it was made with, and gets a new key when it is made anew.
pub fn a_collection_is_made_once(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let first = commit(backend, create("drawers"));
    assert_eq!(first.outcome, Outcome::Inserted);
    assert!(first.seq.is_some());
    let again = commit(backend, create("drawers"));
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    commit(backend, create("closets"));
    let view = snapshot(backend);
    let names: Vec<String> = view
        .collections()
        .expect("collections")
        .into_iter()
        .map(|found| found.name)
        .collect();
    assert_eq!(names, ["closets", "drawers"]);
    let made = stored(view.as_ref(), "drawers");
    assert_eq!(made.distance, Distance::L2);
    assert_eq!(made.meta.get("about"), Some(&json!("drawers")));
    assert_eq!(made.space, CollectionSpace::Undecided);
    assert_eq!(view.collection("nothing").expect("a lookup"), None);
    drop(view);

    commit(
        backend,
        write(made.key, WriteMode::Add, vec![record(bench, "a", "alpha")]),
    );
    let gone = Change::Collection(CollectionChange::Delete(made.key));
    let settled = commit(backend, gone.clone());
    assert_eq!(
        (settled.outcome, settled.counts.removed),
        (Outcome::Removed, 1)
    );
    let refused = Outcome::Refused(Refusal::NoCollection);
    assert_eq!(commit(backend, gone).outcome, refused);
    let late = write(made.key, WriteMode::Add, vec![record(bench, "a", "alpha")]);
    assert_eq!(commit(backend, late).outcome, refused);
    assert_eq!(commit(backend, remove(made.key, &["a"])).outcome, refused);
    commit(backend, create("drawers"));
    let view = snapshot(backend);
    let anew = stored(view.as_ref(), "drawers");
    assert_ne!(anew.key, made.key);
    assert!(view.record_scope(anew.key).expect("a scope").is_empty());
    assert!(view.record_scope(made.key).expect("a scope").is_empty());
}

/// Only the collection's own namespace finds its records, and nothing but records enters it.
pub fn collections_are_left_out_unless_named(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    commit(backend, create("drawers"));
    commit(backend, create("closets"));
    let keys = |name| stored(snapshot(backend).as_ref(), name).key;
    let (drawers, closets) = (keys("drawers"), keys("closets"));
    for (round, text) in ["alpha", "beta", "gamma"].iter().enumerate() {
        let id = format!("id {round}");
        for key in [drawers, closets] {
            commit(
                backend,
                write(key, WriteMode::Add, vec![record(bench, &id, text)]),
            );
        }
        commit(
            backend,
            Change::Put(bench.put(&format!("/{text}"), &[text])),
        );
    }
    commit(backend, remove(closets, &["id 1", "nothing"]));
    in_every_state(backend, |view| {
        assert_eq!(live(view).len(), 3);
        let documents = view.documents(&everything()).expect("documents");
        assert_eq!(documents.len(), 3);
        for (name, key, count) in [("drawers", drawers, 3), ("closets", closets, 2)] {
            let scope = view.record_scope(key).expect("a scope");
            assert_eq!(scope.len(), count, "{name}");
            let filtered = view.scope(&named(name), START).expect("a scope").rows;
            assert_eq!(filtered, scope, "{name}");
            let rows: Vec<Row> = scope.iter().collect();
            let texts = fetch(view, &rows).into_iter().map(|chunk| chunk.text);
            let found = stored(view, name);
            let ids: Vec<String> = fetch(view, &rows)
                .into_iter()
                .map(|chunk| chunk.source)
                .collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let by_id = view.record_rows(&found, &ids).expect("rows");
            assert_eq!(by_id, rows.iter().map(|row| Some(*row)).collect::<Vec<_>>());
            assert!(
                texts.eq(["alpha", "beta", "gamma"]
                    .into_iter()
                    .filter(|text| count == 3 || *text != "beta"))
            );
        }
        let missing = view.record_rows(&stored(view, "closets"), &["id 1", "id 9"]);
        assert_eq!(missing.expect("rows"), [None, None]);
    });

    let mut intruder = bench.put("/x", &["x"]);
    intruder.namespace = namespace("collection:drawers");
    let mut note = bench.note("x");
    note.namespace = namespace("collection:drawers");
    let (inside, outside) = (namespace("collection:drawers"), namespace("default"));
    let rename = |from: &Namespace, to: &Namespace| Change::RenameNamespace {
        source: None,
        from: from.clone(),
        to: to.clone(),
    };
    for change in [
        Change::Put(intruder),
        Change::Note(note),
        rename(&inside, &outside),
        rename(&outside, &inside),
    ] {
        let refused = backend.commit(&[change], "suite");
        assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    }
}

/// A batch with one record that cannot be kept leaves nothing, and spaces are never mixed.
pub fn records_of_another_space_are_refused(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    commit(backend, create("given"));
    commit(backend, create("model"));
    let keys = |name| stored(snapshot(backend).as_ref(), name).key;
    let (of_callers, of_model) = (keys("given"), keys("model"));
    let good = given(bench, "a", "alpha", [1.0, -0.0, f32::MIN_POSITIVE]);
    for bad in [
        given(bench, "b", "beta", [1.0, f32::NAN, 0.0]),
        given(bench, "a", "beta", [1.0, 0.0, 0.0]),
        record(bench, "b", "beta"),
        NewRecord {
            chunk: None,
            ..given(bench, "b", "beta", [1.0, 0.0, 0.0])
        },
    ] {
        let batch = write(of_callers, WriteMode::Add, vec![good.clone(), bad]);
        let refused = backend.commit(&[batch], "suite");
        assert!(matches!(refused, Err(StoreError::Invalid { .. })));
        let view = snapshot(backend);
        assert!(view.record_scope(of_callers).expect("a scope").is_empty());
        let space = stored(view.as_ref(), "given").space;
        assert_eq!(space, CollectionSpace::Undecided);
    }
    commit(backend, write(of_callers, WriteMode::Add, vec![good]));
    commit(
        backend,
        write(of_model, WriteMode::Add, vec![record(bench, "a", "alpha")]),
    );
    let dimensions = |dimensions| CollectionSpace::Given { dimensions };
    let mut longer = given(bench, "b", "beta", [1.0; 3]);
    longer.given = Some(vec![1.0; 4]);
    for (key, record, expected, found) in [
        (of_callers, longer, dimensions(3), dimensions(4)),
        (
            of_callers,
            record(bench, "b", "beta"),
            dimensions(3),
            CollectionSpace::Model,
        ),
        (
            of_model,
            given(bench, "b", "beta", [1.0; 3]),
            CollectionSpace::Model,
            dimensions(3),
        ),
    ] {
        let settled = commit(backend, write(key, WriteMode::Upsert, vec![record]));
        let refusal = Refusal::OtherSpace { expected, found };
        assert_eq!(settled.outcome, Outcome::Refused(refusal));
    }
    given_vectors_are_as_given(backend);
}

fn given_vectors_are_as_given(backend: &dyn Backend) {
    in_every_state(backend, |view| {
        let found = stored(view, "given");
        let scope = view.record_scope(found.key).expect("a scope");
        let mut bits = Vec::new();
        let mut each = |_: Row, values: Option<&[f32]>| {
            bits.extend(
                values
                    .unwrap_or_default()
                    .iter()
                    .map(|value| value.to_bits()),
            );
            true
        };
        view.record_vectors(&found, &scope, &mut each)
            .expect("vectors");
        assert_eq!(bits, [1.0, -0.0, f32::MIN_POSITIVE].map(f32::to_bits));
        let ways = Ways {
            text: true,
            vector: true,
        };
        let reach = view.reach(&scope, ways).expect("a reach");
        assert_eq!((reach.text, reach.vector, reach.vector_none), (1, 0, 1));
    });
}

/// Random histories of collections leave what they leave in the oracle, and are settled alike.
pub fn random_records_agree_with_the_oracle(bench: &Bench<'_>) {
    for seed in 0..6 {
        let backend = bench.open();
        let oracle = oracle(backend.store_id());
        let mut random = Random::new(seed);
        for step in 0..48 {
            let changes: Vec<Change> = (0..=random.below(2))
                .map(|_| change(bench, &mut random))
                .collect();
            let said = |error: StoreError| error.to_string();
            let wanted = oracle.commit(&changes, "suite").map_err(said);
            let settled = backend.commit(&changes, "suite").map_err(said);
            assert_eq!(settled, wanted, "seed {seed}, step {step}: {changes:?}");
            if step % 9 == 8 {
                backend.catch_up(Effort::Now).expect("catching up");
            }
            if step % 4 == 3 {
                same(
                    backend.as_ref(),
                    &oracle,
                    &format!("seed {seed}, step {step}"),
                );
            }
        }
        in_every_state(backend.as_ref(), |view| {
            let wanted = contents(snapshot(&oracle).as_ref());
            assert_eq!(contents(view), wanted, "seed {seed}, at the end");
        });
    }
}

fn change(bench: &Bench<'_>, random: &mut Random) -> Change {
    // Few keys, few ids and few texts make conflicts common; some keys do not exist.
    let key = CollectionKey(1 + random.small(4));
    let id = |random: &mut Random| format!("id {}", random.below(6));
    match random.below(100) {
        0..12 => create(random.pick::<&str>(&["drawers", "closets", "media"])),
        12..15 => Change::Collection(CollectionChange::Delete(key)),
        15..27 => {
            let ids = [id(random), id(random)];
            remove(key, &[&ids[0], &ids[1]])
        }
        27..35 => Change::Forget {
            rows: vec![Row(random.small(60))],
            documents: Vec::new(),
        },
        35..38 => Change::Forget {
            rows: Vec::new(),
            documents: vec![DocumentKey(random.small(20))],
        },
        38..45 => Change::Put(bench.put("/a", &[*random.pick(&["alpha", "beta"])])),
        _ => {
            let modes = [WriteMode::Add, WriteMode::Upsert, WriteMode::Update];
            let mode = *random.pick(&modes);
            let is_given = key.0.is_multiple_of(2);
            let mut records = BTreeMap::new();
            for _ in 0..=random.below(3) {
                let id = id(random);
                let text = *random.pick(&["alpha", "beta", "gamma delta"]);
                let mut next = if is_given {
                    let value = f32::from(u8::try_from(random.below(3)).unwrap_or(0));
                    given(bench, &id, text, [value, 1.0, -value])
                } else {
                    record(bench, &id, text)
                };
                if mode == WriteMode::Update {
                    if random.chance(40) {
                        next.chunk = None;
                    }
                    if random.chance(30) {
                        next.given = None;
                    }
                    if random.chance(30) {
                        next.meta = None;
                    }
                }
                if let Some(meta) = &mut next.meta
                    && random.chance(40)
                {
                    meta.insert("text".to_owned(), json!(null));
                    meta.insert("list".to_owned(), json!([1, "two", 3.5]));
                }
                records.insert(id, next);
            }
            write(key, mode, records.into_values().collect())
        }
    }
}

fn same(a: &dyn Backend, b: &MemoryBackend, when: &str) {
    let (a, b) = (snapshot(a), snapshot(b));
    assert_eq!(contents(a.as_ref()), contents(b.as_ref()), "{when}");
    assert_eq!(a.generation(), b.generation(), "{when}");
    assert_eq!(
        a.log(50).expect("a log"),
        b.log(50).expect("a log"),
        "{when}"
    );
    assert_eq!(live(a.as_ref()), live(b.as_ref()), "{when}");
    let namespaces = |view: &dyn Snapshot| view.namespaces().expect("namespaces");
    assert_eq!(namespaces(a.as_ref()), namespaces(b.as_ref()), "{when}");
}

/// Everything that can be told of the collections at one moment, in words.
fn contents(view: &dyn Snapshot) -> Vec<String> {
    let mut told = Vec::new();
    for found in view.collections().expect("collections") {
        told.push(format!("{found:?}"));
        let scope: RowSet = view.record_scope(found.key).expect("a scope");
        let rows: Vec<Row> = scope.iter().collect();
        for chunk in fetch(view, &rows) {
            told.push(format!("{chunk:?}"));
        }
        let mut each = |row: Row, values: Option<&[f32]>| {
            told.push(format!("{row:?} {values:?}"));
            true
        };
        view.record_vectors(&found, &scope, &mut each)
            .expect("vectors");
    }
    told
}
