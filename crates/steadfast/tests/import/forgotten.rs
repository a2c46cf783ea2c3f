//! What was forgotten stays out of an import, costs nothing, and a plan says so before.

use serde_json::json;
use steadfast::model::filter::SourcePattern;
use steadfast::{ImportReport, Selection, Silent, VectorCounts};

use crate::samples::{lines, write};
use crate::support::Place;

fn log(place: &Place, texts: &[&str]) -> std::path::PathBuf {
    let said: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            json!({"type": "user", "uuid": format!("u{number}"), "sessionId": "s",
                "timestamp": "2026-03-01T10:00:00.000Z", "message": {"role": "user", "content": text}})
        })
        .collect();
    write(place, "logs/s.jsonl", &lines(&said))
}

fn refused(report: &ImportReport) -> Vec<(&str, u64)> {
    let refusals = report.refusals.iter();
    refusals
        .map(|refusal| (refusal.reason.as_str(), refusal.count))
        .collect()
}

fn forget(place: &Place, selection: &Selection) {
    let plan = place.memory.plan_forget(selection).unwrap();
    place.memory.forget(&plan).unwrap();
}

#[test]
fn texts_that_were_forgotten_one_by_one_are_refused_and_not_embedded() {
    let place = Place::new();
    let path = log(&place, &["Alpha.", "Beta.", "Alpha."]);
    assert_eq!(place.import(&path).imported, 3);
    let mut selection = Selection::default();
    selection.ids.push(place.chunks()["u0"].id.to_string());
    forget(&place, &selection);
    // The other copy of the text leaves with the next change; the plan knows all of it.
    let report = place.import(&path);
    assert_eq!((report.imported, report.reused), (0, 2), "{report:?}");
    assert_eq!(refused(&report), [("forgotten", 1)]);
    assert_eq!(report.vectors, VectorCounts::default());
    let path = log(&place, &["Alpha.", "Beta.", "Alpha.", "Gamma."]);
    let report = place.import(&path);
    assert_eq!((report.imported, report.reused), (1, 1), "{report:?}");
    assert_eq!(refused(&report), [("forgotten", 2)]);
    assert_eq!(report.vectors.embedded, 1);
    let left: Vec<String> = place.chunks().into_keys().collect();
    assert_eq!(left, ["u1", "u3"]);
}

#[test]
fn a_source_that_was_forgotten_stays_out_and_a_plan_says_so() {
    let place = Place::new();
    let path = log(
        &place,
        &[
            "Alpha.",
            "Beta.",
            "It is redis://app:9fK2-vw81Lq@cache:6379/0",
        ],
    );
    assert_eq!(place.import(&path).redactions, 1);
    let mut selection = Selection::default();
    selection
        .sources
        .push(SourcePattern::parse("claude-code:*").unwrap());
    forget(&place, &selection);
    let seq = place
        .memory
        .import(&path, &steadfast::ImportOptions::default(), &Silent);
    let report = place.import(&path);
    assert_eq!(seq.unwrap().seq, report.seq, "nothing was written");
    assert_eq!((report.imported, report.redactions), (0, 0), "{report:?}");
    assert_eq!(refused(&report), [("forgotten", 3)]);
    assert_eq!(report.vectors, VectorCounts::default());
}
