//! Bundles that were cut, altered or made to do harm: refused as a whole, or by name and number.

use std::fs;

use serde_json::json;
use steadfast::{
    Error, ExportFormat, ExportOptions, ImportOptions, Memory, Note, Silent, StoreError,
};

use crate::support::{Place, contents, import};

fn filled(place: &Place, name: &str) -> Memory {
    let memory = place.store(name);
    for number in 0..20 {
        memory
            .remember(&Note::new(format!("The kettle number {number} is blue.")))
            .unwrap();
    }
    memory
}

fn refusal(memory: &Memory, file: &std::path::Path) -> Error {
    memory
        .import(file, &ImportOptions::default(), &Silent)
        .unwrap_err()
}

#[test]
fn a_bundle_cut_anywhere_is_refused_whole() {
    let place = Place::new();
    let memory = filled(&place, "store");
    for name in ["a.bundle", "a.zst"] {
        let whole = fs::read(place.export(&memory, name, &ExportOptions::default())).unwrap();
        let other = place.store(&format!("other {name}"));
        let before = contents(&other);
        let cut = place.path(&format!("cut {name}"));
        for part in 1..60 {
            let length = whole.len() * part / 60;
            fs::write(&cut, &whole[..length]).unwrap();
            let error = refusal(&other, &cut);
            assert!(
                matches!(
                    error,
                    Error::BundleDamaged { .. } | Error::UnknownFormat { .. }
                ),
                "{length} of {}: {error}",
                whole.len()
            );
        }
        assert_eq!(contents(&other), before, "nothing of it is there");
    }
}

#[test]
fn a_bundle_with_one_altered_byte_is_refused_whole() {
    let place = Place::new();
    let memory = filled(&place, "store");
    for name in ["a.bundle", "a.zst"] {
        let whole = fs::read(place.export(&memory, name, &ExportOptions::default())).unwrap();
        let other = place.store(&format!("other {name}"));
        let altered = place.path(&format!("altered {name}"));
        let step = (whole.len() / 300).max(1);
        for at in (0..whole.len() - 1).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&altered, &bytes).unwrap();
            match other.import(&altered, &ImportOptions::default(), &Silent) {
                Err(
                    Error::BundleDamaged { .. }
                    | Error::UnknownFormat { .. }
                    | Error::BundleTooNew { .. }
                    | Error::Store(StoreError::Damaged { .. }),
                ) => {}
                // Bits of a frame of zstd that say nothing, such as a reserved one.
                Ok(report) if name.ends_with("zst") => {
                    assert_eq!((report.read, report.complete), (20, true));
                }
                other => panic!("byte {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_stands_behind_the_end_is_refused() {
    let place = Place::new();
    let memory = filled(&place, "store");
    let file = place.export(&memory, "a.bundle", &ExportOptions::default());
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(b"{\"text\": \"smuggled\", \"source\": \"x\"}\n");
    fs::write(&file, bytes).unwrap();
    let other = place.store("other");
    assert!(matches!(
        refusal(&other, &file),
        Error::BundleDamaged { .. }
    ));
    assert_eq!(other.status().unwrap().chunks, 0);
}

#[test]
fn lines_of_a_list_that_cannot_come_in_are_counted_by_name() {
    let place = Place::new();
    let lines = [
        json!({"text": "The kettle is blue.", "source": "kitchen", "id": "a"}).to_string(),
        json!({"text": "No source."}).to_string(),
        json!({"source": "kitchen", "id": "b"}).to_string(),
        json!({"text": "Wrong.", "source": "kitchen", "content_hash": "00"}).to_string(),
        json!({"text": "Smuggled.", "source": "r", "namespace": "collection:drawers"}).to_string(),
        json!({"text": "When?", "source": "kitchen", "valid_from": "soon"}).to_string(),
        json!({"type": "record", "collection": "none", "id": "x", "meta": {}}).to_string(),
        json!({"type": "manifest", "steadfast_bundle": 1}).to_string(),
        json!({"type": "spell"}).to_string(),
        json!({"type": "collection", "name": "c", "distance": "cosine", "meta": {}, "space": "given", "dimensions": 2})
            .to_string(),
        json!({"type": "record", "collection": "c", "id": "x", "meta": {}, "vector": [1.0, 2.0, 3.0]}).to_string(),
        json!({"type": "record", "collection": "c", "id": "y", "meta": {}, "vector": [1e300, 2.0]}).to_string(),
        json!({"type": "record", "collection": "c", "id": "z", "meta": {}, "vector": [1.0, 2.0]}).to_string(),
        "[".repeat(100_000),
        "{\"text\": \"cut".to_owned(),
    ];
    let file = place.path("list.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let other = place.store("other");
    let report = import_list(&other, &file);
    let reasons: Vec<String> = report
        .refusals
        .iter()
        .map(|refusal| format!("{} {} {}", refusal.what, refusal.reason, refusal.count))
        .collect();
    assert_eq!(
        reasons,
        [
            "chunk malformed 1",
            "chunk malformed_namespace 1",
            "chunk no_source 1",
            "chunk no_text 1",
            "chunk wrong_hash 1",
            "line out_of_place 1",
            "line unknown_type 1",
            "line unreadable 2",
            "record malformed 1",
            "record no_collection 1",
            "record other_space 1",
        ]
    );
    assert_eq!((report.imported, report.complete), (2, false));
    assert_eq!(other.status().unwrap().chunks, 2);
}

fn import_list(memory: &Memory, file: &std::path::Path) -> steadfast::ImportReport {
    let report = memory
        .import(file, &ImportOptions::default(), &Silent)
        .unwrap();
    assert!(report.adds_up(), "{report:?}");
    report
}

#[test]
fn an_export_replaces_nothing_and_leaves_nothing_behind() {
    let place = Place::new();
    let memory = filled(&place, "store");
    let file = place.path("a.bundle");
    fs::write(&file, "mine").unwrap();
    let mut options = ExportOptions::default();
    let error = memory.export(&file, &options, &Silent).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    options.overwrite = true;
    memory.export(&file, &options, &Silent).unwrap();
    import(&place.store("other"), &file);
    let inside = memory.folder().join("steadfast.db");
    let before = fs::read(&inside).unwrap();
    let error = memory.export(&inside, &options, &Silent).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
    assert_eq!(fs::read(&inside).unwrap(), before);
    assert!(!place.path("a.bundle.part").exists());
}

#[test]
fn chunks_of_one_source_in_any_order_become_one_document() {
    let place = Place::new();
    let memory = place.store("store");
    let lines: Vec<String> = (0..6)
        .map(|number| {
            json!({"text": format!("line {number}"), "source": format!("s{}", number % 2), "id": number.to_string(),
                "start_line": number, "position": number})
            .to_string()
        })
        .collect();
    let file = place.path("list.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    assert_eq!(import_list(&memory, &file).imported, 6);
    assert_eq!(memory.status().unwrap().sources, 2);
    let mut options = ExportOptions::default();
    options.format = ExportFormat::Jsonl;
    options.overwrite = true;
    place.export(&memory, "list.jsonl", &options);
    let other = place.store("other");
    import(&other, &file);
    assert_eq!(contents(&memory), contents(&other));
}
