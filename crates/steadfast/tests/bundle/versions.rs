//! Bundles of every version that ever was are read for ever; one of a version that is still to come is told as such.

use std::fs;
use std::path::PathBuf;

use steadfast::model::{Fault as _, Validity};
use steadfast::{Error, ImportOptions, ListRequest, Silent};

use crate::support::{Place, import};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bundle/fixtures")
        .join(name)
}

#[test]
fn version_1_is_read() {
    let place = Place::new();
    let memory = place.store("store");
    let report = import(&memory, &fixture("version-1.bundle"));
    assert!(report.complete, "{report:?}");
    assert_eq!((report.read, report.imported), (6, 6));
    let mut request = ListRequest::default();
    request.filter.validity = Validity::Any;
    let chunks = memory.list(&request).unwrap().chunks;
    let kettle = chunks
        .iter()
        .find(|chunk| chunk.text == "The kettle is blue.")
        .unwrap();
    assert_eq!(kettle.access_count, 2);
    assert_eq!(kettle.attributes.tags.iter().collect::<Vec<_>>(), ["home"]);
    assert_eq!(kettle.attributes.meta["origin.kind"], "bundle");
    assert!(kettle.attributes.valid_from < kettle.attributes.valid_to);
    let drawers = memory.collections().get_collection("drawers").unwrap();
    assert_eq!(drawers.count().unwrap(), 2);
}

#[test]
fn a_newer_version_is_told_and_nothing_of_it_is_taken() {
    let place = Place::new();
    let memory = place.store("store");
    let text = fs::read_to_string(fixture("version-1.bundle")).unwrap();
    let file = place.path("newer.bundle");
    fs::write(
        &file,
        text.replacen("\"steadfast_bundle\":1", "\"steadfast_bundle\":2", 1),
    )
    .unwrap();
    let error = memory
        .import(&file, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::BundleTooNew {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), "bundle_too_new");
    assert_eq!(memory.status().unwrap().chunks, 0);
}
