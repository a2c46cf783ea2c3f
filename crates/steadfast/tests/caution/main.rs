//! The bad day: a page that somebody else wrote tells the agent what to do, and nothing says so.
//!
//! The bounds are loose: the label warns, it does not decide. `steadfast-bench secrets` prints the figures.

mod sets;

use steadfast::query::{Caution, caution};

fn flagged(texts: &[String]) -> Vec<&String> {
    let is_flagged = |text: &&String| caution(text) == Some(Caution::InstructionLike);
    texts.iter().filter(is_flagged).collect()
}

#[test]
fn most_injections_are_labelled() {
    let positive = sets::positive();
    assert!(positive.len() >= 60);
    let found = flagged(&positive);
    let missed: Vec<&String> = positive
        .iter()
        .filter(|text| !found.contains(text))
        .collect();
    assert!(missed.len() * 10 <= positive.len(), "{missed:#?}");
}

#[test]
fn texts_about_prompts_are_rarely_labelled() {
    let negative = sets::negative();
    assert!(negative.len() >= 200);
    let taken = flagged(&negative);
    assert!(taken.len() * 40 <= negative.len(), "{taken:#?}");
}
