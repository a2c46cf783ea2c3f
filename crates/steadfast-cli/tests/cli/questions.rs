//! No question is an error, whatever is in it.

use crate::support::Place;

#[test]
fn odd_questions_are_answered() {
    let place = Place::new();
    place.json(&[
        "remember",
        "A plain note about databases, \u{6771}\u{4eac}, and \u{1f600}.",
    ]);
    let long = "database ".repeat(100 * 1024 / 9);
    for question in [
        "",
        " ",
        "\t\n",
        "the of and",
        "\u{1f600}\u{1f600}",
        "\u{6771}\u{4eac}",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}",
        "\"unclosed",
        "a AND (b OR",
        "NEAR(a b, 3) *",
        "col:value ^boost~2",
        "'; DROP TABLE chunk; --",
        "-- a comment",
        "%_\\",
        "\u{202e}backwards",
        "a\u{300}\u{301}\u{302}",
        &long,
    ] {
        for mode in ["hybrid", "text", "vector"] {
            let run = place.run_json(&["search", question, "--mode", mode]);
            let shown: String = question.chars().take(40).collect();
            let answer = run.object();
            let is_empty = answer["hits"].as_array().unwrap_or(&Vec::new()).is_empty();
            assert_eq!(
                run.code,
                i32::from(is_empty),
                "{shown:?} {mode}: {}",
                run.stderr
            );
            assert_eq!(answer["coverage"]["in_scope"], 1, "{shown:?} {mode}");
        }
    }
    assert_eq!(
        place
            .run(&["search", "\u{6771}\u{4eac}", "--mode", "text"])
            .code,
        0
    );
}

#[test]
fn a_question_that_looks_like_a_flag_goes_behind_the_double_dash() {
    let place = Place::new();
    place.json(&["remember", "what --verbose does"]);
    place
        .run_json(&["search", "--verbose"])
        .assert_failed(2, "usage");
    assert_eq!(place.run_json(&["search", "--", "--verbose"]).code, 0);
}

#[test]
fn a_question_comes_from_standard_input_too() {
    let place = Place::new();
    place.json(&["remember", "lamps and candles"]);
    let run = place.run_with_input(&["--json", "search", "-"], b"candles\n");
    assert_eq!(run.object()["hits"].as_array().unwrap().len(), 1);
    // It means what it means as an argument.
    let left_out = b"lamps -candles";
    let run = place.run_with_input(&["search", "-"], left_out);
    assert_eq!(run.code, 1);
    let run = place.run_with_input(&["search", "--literal", "-"], left_out);
    assert_eq!(run.code, 0);
    let bytes = [&b"candles \xff\xfe "[..], &b"x ".repeat(100_000)].concat();
    assert_eq!(
        place
            .run_with_input(&["--json", "search", "-"], &bytes)
            .code,
        0
    );
}
