//! Each kind is known by what it holds, and none is taken for another.

use std::collections::BTreeSet;

use steadfast::{Error, ImportKind, ImportOptions, Silent};

use crate::samples::SAMPLES;
use crate::support::Place;

#[test]
fn each_kind_is_known_by_what_it_holds() {
    for sample in SAMPLES {
        let place = Place::new();
        let report = place.import(&(sample.make)(&place));
        let name = format!("{} ({})", sample.kind, sample.name);
        assert_eq!(report.kind, sample.kind, "{name}");
        assert_eq!(report.read, sample.read, "{name}: {report:?}");
        assert!(report.complete, "{name}: {report:?}");
    }
    let known: BTreeSet<ImportKind> = SAMPLES.iter().map(|sample| sample.kind).collect();
    assert_eq!(
        known,
        BTreeSet::from(ImportKind::ALL),
        "a kind without a sample"
    );
}

#[test]
fn no_input_is_read_as_what_it_is_not() {
    let place = Place::new();
    for sample in SAMPLES {
        let path = (sample.make)(&place);
        for kind in ImportKind::ALL {
            let is_own = kind == sample.kind;
            // A palace is a Chroma database, and any text is a transcript for whoever says so.
            let is_chroma = |kind| matches!(kind, ImportKind::MemPalace | ImportKind::Chroma);
            if is_own || is_chroma(kind) && is_chroma(sample.kind) || kind == ImportKind::Transcript
            {
                continue;
            }
            let mut options = ImportOptions::default();
            options.kind = Some(kind);
            let planned = place.memory.plan_import(&path, &options, &Silent);
            assert!(
                matches!(planned, Err(Error::UnknownFormat { .. })),
                "{} ({}) as {kind}: {planned:?}",
                sample.kind,
                sample.name
            );
        }
    }
}
