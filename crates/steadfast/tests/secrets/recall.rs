//! Each sort of secret is found in each context, and what only looks like one stays.

use std::collections::BTreeMap;

use steadfast::ingest::redact::{Redactor, kinds};

use crate::cases::{labelled, made_up};

/// How often the cases are made, each time with other random parts.
const ROUNDS: u64 = 20;

/// Secrets that may be missed: random ones that look made up, or like a word, by chance.
const MISSED_ONE_IN: usize = 200;

#[test]
fn secrets_of_every_kind_are_taken_out() {
    let redactor = Redactor::default();
    let (mut all, mut missed) = (0, Vec::new());
    for seed in 0..ROUNDS {
        for case in labelled(seed) {
            let redacted = redactor.redact(&case.text);
            all += case.secrets.len();
            let survives = case
                .secrets
                .iter()
                .any(|secret| redacted.text.contains(secret));
            let named = redacted
                .removals
                .all()
                .iter()
                .any(|removed| removed.kind == case.kind);
            let lines = |text: &str| text.matches('\n').count();
            assert_eq!(
                lines(&redacted.text),
                lines(&case.text),
                "lines move: {case:?}"
            );
            if survives || !named {
                missed.push(format!(
                    "{} in {} became {}",
                    case.kind, case.text, redacted.text
                ));
            }
        }
    }
    assert!(
        missed.len() * MISSED_ONE_IN <= all,
        "{} of {all}:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[test]
fn nothing_around_a_secret_is_taken_out() {
    let redactor = Redactor::default();
    let mut wide: BTreeMap<String, String> = BTreeMap::new();
    for case in labelled(7) {
        let mut rest = case.text.clone();
        for secret in &case.secrets {
            rest = rest.replace(secret.as_str(), "");
        }
        let redacted = redactor.redact(&case.text);
        let mut kept = redacted.text.to_string();
        for removed in redacted.removals.all().iter().rev() {
            kept.replace_range(removed.after.clone(), "");
        }
        if kept != rest {
            wide.insert(case.text.clone(), kept);
        }
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    let redactor = Redactor::default();
    let taken: Vec<String> = made_up()
        .into_iter()
        .filter_map(|text| {
            let redacted = redactor.redact(&text);
            (redacted.removals.count() > 0).then(|| format!("{text}\n    {}", redacted.text))
        })
        .collect();
    assert!(taken.is_empty(), "{}", taken.join("\n"));
}

#[test]
fn each_kind_has_a_labelled_case() {
    let cases = labelled(0);
    for kind in kinds() {
        assert!(cases.iter().any(|case| case.kind == kind), "{kind}");
    }
}

#[test]
fn a_redacted_text_is_redacted() {
    let redactor = Redactor::default();
    for case in labelled(3) {
        let once = redactor.redact(&case.text).text.into_owned();
        assert_eq!(redactor.redact(&once).text, once);
    }
}
