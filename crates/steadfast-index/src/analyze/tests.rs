//! What counts as a term, shown by examples, and what must hold for any text.

use super::*;
use proptest::prelude::*;

/// The source words of a text, as highlighting would show them.
fn cut(text: &str) -> Vec<&str> {
    Analyzer
        .spans(text)
        .map(|(_, range)| &text[range])
        .collect()
}

fn meets(query: &str, text: &str) -> bool {
    let terms = Analyzer.terms(text);
    let query = Analyzer.query_terms(query);
    !query.is_empty() && query.terms().iter().all(|term| terms.count(term.hash) > 0)
}

#[test]
fn identifiers_are_kept_whole_and_cut_in_parts() {
    for (text, expected) in [
        ("getUserName", "getUserName get User Name"),
        ("HTTPServer", "HTTPServer HTTP Server"),
        ("snake_case_name", "snake_case_name snake case name"),
        ("__init__", "init"),
        ("SHA256Sum", "SHA256Sum SHA 256 Sum"),
        ("python3 v2 3rd x86", "python3 python 3 v2 3rd x86"),
        ("ABC abc Abc", "ABC abc Abc"),
        ("___ _", ""),
        ("a.b-c/d", "a b c d"),
    ] {
        assert_eq!(
            cut(text),
            expected.split_whitespace().collect::<Vec<_>>(),
            "{text}"
        );
    }
}

#[test]
fn scripts_without_spaces_are_pairs_and_characters_and_other_scripts_are_words() {
    assert_eq!(
        cut("\u{6771}\u{4eac}\u{90fd}"),
        [
            "\u{6771}\u{4eac}",
            "\u{6771}",
            "\u{4eac}\u{90fd}",
            "\u{4eac}",
            "\u{90fd}"
        ]
    );
    assert_eq!(cut("\u{732b}"), ["\u{732b}"]);
    assert_eq!(
        cut("Rust\u{3067}\u{66f8}"),
        ["Rust", "\u{3067}\u{66f8}", "\u{3067}", "\u{66f8}"]
    );
    assert_eq!(
        cut("\u{ae30}\u{c5b5} \u{b825}"),
        ["\u{ae30}\u{c5b5}", "\u{ae30}", "\u{c5b5}", "\u{b825}"]
    );
    // A question of several characters is about their pairs alone.
    assert_eq!(
        Analyzer
            .query_terms("\u{6771}\u{4eac}\u{90fd}")
            .terms()
            .len(),
        2
    );
    assert_eq!(Analyzer.query_terms("\u{4eac}").terms().len(), 1);
    assert_eq!(
        cut("\u{43f}\u{430}\u{43c}\u{44f}\u{442}\u{44c}"),
        ["\u{43f}\u{430}\u{43c}\u{44f}\u{442}\u{44c}"]
    );
    // Devanagari marks stay inside their word.
    assert_eq!(cut("\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}").len(), 1);
}

#[test]
fn the_word_of_a_question_finds_the_word_of_the_answer() {
    for (query, text) in [
        ("caroline", "Caroline's dog"),
        (
            "Where is Caroline\u{2019}s necklace?",
            "the necklace of caroline",
        ),
        ("user name", "fn get_user_name()"),
        ("getUserName", "see getUserName"),
        ("painting", "she paints"),
        ("\u{4eac}", "\u{65b0}\u{6771}\u{4eac}\u{90fd}"),
        ("Zoe", "Zo\u{eb} came"),
        ("cafe", "caf\u{e9}"),
        ("python 3", "Python3"),
        ("\u{ff37}\u{ff29}\u{ff26}\u{ff29}", "wifi"),
        (
            "\u{ac00}\u{ac01}",
            "\u{1100}\u{1161}\u{1100}\u{1161}\u{11a8}",
        ),
        ("what is it", "it is what it is"),
    ] {
        assert!(meets(query, text), "{query} / {text}");
    }
    assert!(!meets("melanie", "caroline"));
}

#[test]
fn stop_words_leave_a_query_unless_it_has_nothing_else() {
    let terms = |text| Analyzer.query_terms(text).terms().len();
    assert_eq!(terms("What did Melanie paint, and how many?"), 2);
    assert_eq!(terms("how many"), 2);
    assert_eq!(terms(""), 0);
    assert_eq!(terms("?! ..."), 0);
    let twice = Analyzer.query_terms("paint painting");
    assert_eq!(
        (twice.terms()[0].weight, twice.terms()[0].occurrences),
        (1.0, 2)
    );
}

#[test]
fn a_query_of_more_terms_than_the_limit_says_so() {
    let long: Vec<String> = (0..300).map(|number| format!("{number}")).collect();
    let query = Analyzer.query_terms(&long.join(" "));
    assert_eq!(query.terms().len(), QueryTerms::TERMS_MAX);
    assert_eq!(query.left_out(), 44);
    assert!(query.terms().is_sorted_by(|a, b| a.hash < b.hash));
}

#[test]
fn blobs_stay_small() {
    let blob = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z".repeat(1000);
    assert_eq!(cut(&blob).len(), 1);
    // Base64 in lines of 32: each piece is whole or in a bounded number of parts.
    let lines = blob
        .as_bytes()
        .chunks(32)
        .map(|line| String::from_utf8_lossy(line) + "\n")
        .collect::<String>();
    assert!(cut(&lines).len() <= (blob.len() / 32 + 1) * (words::PARTS_MAX + 1));
    let odd = "\u{e9}".repeat(5000);
    assert_eq!(cut(&odd).len(), 1);
}

#[test]
fn a_term_is_the_same_with_and_without_the_cache() {
    let text =
        "The the THE Connected connections get_user getUser caf\u{e9} \u{6771}\u{4eac} __x__ x"
            .repeat(3);
    let plain = HashedTerms::from_tokens(Analyzer.spans(&text).map(|(hash, _)| hash).collect());
    assert_eq!(Analyzer.terms(&text), plain);
    assert_eq!(Analyzer.terms(&text), plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_analysed_the_same_with_ranges_inside_it(
        text in prop_oneof![
            any::<String>(),
            "[a-zA-Z0-9_ '\u{e9}\u{301}\u{4e00}-\u{4e10}\u{ac00}\u{1100}\u{1161}\u{ff76}\u{ff9e}\u{2019}]{0,80}",
        ],
    ) {
        let spans: Vec<_> = Analyzer.spans(&text).collect();
        for (_, range) in &spans {
            prop_assert!(!range.is_empty());
            prop_assert!(text.get(range.clone()).is_some());
        }
        let plain = HashedTerms::from_tokens(spans.iter().map(|(hash, _)| *hash).collect());
        prop_assert_eq!(&Analyzer.terms(&text), &plain);
        let query = Analyzer.query_terms(&text);
        prop_assert_eq!(query.is_empty(), spans.is_empty());
        for term in query.terms() {
            prop_assert!(plain.count(term.hash) > 0);
        }
    }

    #[test]
    fn case_does_not_matter_to_plain_words(words in prop::collection::vec("[a-z]{1,20}", 1..10)) {
        let text = words.join(" ");
        prop_assert_eq!(Analyzer.terms(&text), Analyzer.terms(&text.to_uppercase()));
    }
}
