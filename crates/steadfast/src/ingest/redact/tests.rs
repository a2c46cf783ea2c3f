//! Places in a redacted text and in the text before, rules of the user, bounds.

use proptest::prelude::*;

use super::*;
use crate::config::RedactionRule;
use crate::error::Error;

#[path = "../../../tests/secrets/cases.rs"]
#[expect(dead_code, reason = "the tests of the crate use all of it")]
mod cases;

fn with(rules: &[(&str, &str)], allow: &[&str]) -> Result<Redactor> {
    let mut redaction = Redaction::default();
    redaction.rules.extend(
        rules
            .iter()
            .map(|(kind, pattern)| RedactionRule::new(*kind, *pattern)),
    );
    redaction
        .allow
        .extend(allow.iter().map(|pattern| (*pattern).to_owned()));
    Redactor::new(&redaction)
}

#[test]
fn rules_of_the_table_are_sound() {
    for (number, rule) in RULES.iter().enumerate() {
        assert!(
            rule.literals.iter().all(|literal| literal.len() >= 2),
            "{}",
            rule.kind
        );
        if let Find::Pattern(pattern) = rule.find {
            assert!(pattern.starts_with('^'), "{pattern}");
            assert!(expression(number, pattern).is_some(), "{pattern}");
        }
    }
    assert!(engine().rules_of.iter().all(|rules| !rules.is_empty()));
}

#[test]
fn a_clean_text_is_not_copied() {
    let redactor = Redactor::default();
    let text = "Nothing here, only the word password and a token or two.";
    assert!(matches!(redactor.redact(text).text, Cow::Borrowed(_)));
}

#[test]
fn switched_off_nothing_is_taken_out() {
    let redaction = Redaction {
        enabled: false,
        ..Redaction::default()
    };
    let redactor = Redactor::new(&redaction).unwrap();
    let text = "redis://app:9fK2-vw81Lq@cache";
    assert_eq!(redactor.redact(text).text, text);
    let mut metadata = Metadata::new();
    metadata.insert("password".to_owned(), "9fK2-vw81Lq".into());
    assert_eq!(redactor.redact_metadata(&mut metadata), 0);
}

#[test]
fn rules_of_the_user_come_first_and_exceptions_last() {
    let redactor = with(&[("badge", r"BADGE-([0-9]{4})")], &[]).unwrap();
    let redacted = redactor.redact("BADGE-1234 and redis://a:9fK2-vw81Lq@b");
    assert_eq!(
        redacted.text,
        "BADGE-[redacted:badge] and redis://a:[redacted:url_password]@b"
    );
    let redactor = with(&[("badge", "BADGE-[0-9]{4}")], &["^BADGE-0", "^9fK2"]).unwrap();
    let text = "BADGE-0234 and redis://a:9fK2-vw81Lq@b";
    assert_eq!(redactor.redact(text).text, text);
}

#[test]
fn rules_that_cannot_be_used_are_refused() {
    for (kind, pattern) in [
        ("badge", "("),
        ("badge", "x*"),
        ("badge", r"(?=look)"),
        ("badge", r"[a-z]{1000}{1000}"),
        ("Not A Kind", "x"),
        ("", "x"),
    ] {
        let refused = with(&[(kind, pattern)], &[]);
        assert!(
            matches!(refused, Err(Error::InvalidRedaction { .. })),
            "{kind} {pattern}"
        );
    }
    assert!(
        matches!(with(&[], &["("]), Err(Error::InvalidRedaction { rule, .. }) if rule == "allow")
    );
}

#[test]
fn names_in_metadata_tell_secrets() {
    let redactor = Redactor::default();
    let mut metadata: Metadata = serde_json::from_str(
        r#"{"db": {"password": "hunter2x", "port": 5432}, "token_count": "12345678901234567a9b8c",
            "urls": ["redis://a:9fK2-vw81Lq@b"], "title": "the password manager"}"#,
    )
    .unwrap();
    assert_eq!(redactor.redact_metadata(&mut metadata), 2);
    let text = serde_json::Value::Object(metadata).to_string();
    assert!(
        !text.contains("hunter2x") && !text.contains("9fK2"),
        "{text}"
    );
    assert!(
        text.contains("12345678901234567a9b8c") && text.contains("password manager"),
        "{text}"
    );
}

#[test]
fn metadata_and_text_share_one_table_of_names() {
    let redactor = Redactor::default();
    for name in [
        "signing_key",
        "encryption_key",
        "auth_key",
        "master_key",
        "accountKey",
        "DB_PASS",
        "authorization",
        "db.password",
        "client.secret",
        "api.key",
        "api key",
        "SECRET_KEY_BASE",
    ] {
        let mut value = serde_json::json!([{ "x": { name: "K7bQ2xT9mW4rZ8cV!p3" } }]);
        assert_eq!(redactor.redact_named("servers", &mut value), 1, "{name}");
        assert!(!value.to_string().contains("K7bQ2"), "{name}");
    }
    for name in ["password_hash", "token.count", "primary_key", "next_token"] {
        let mut value = "K7bQ2xT9mW4rZ8cV!p3".into();
        assert_eq!(redactor.redact_named(name, &mut value), 0, "{name}");
    }
}

#[test]
fn every_rule_has_a_labelled_case_that_it_finds() {
    let redactor = Redactor::default();
    let mut fired = [false; RULES.len()];
    for case in cases::labelled(1) {
        let mut found = Vec::new();
        redactor.find_built_in(&case.text, &mut found);
        for secret in found {
            fired[secret.rule] = true;
        }
    }
    for (rule, fired) in RULES.iter().zip(fired) {
        assert!(fired, "{} {:?}", rule.kind, rule.literals);
    }
}

#[test]
fn deep_metadata_is_neither_a_stack_overflow_nor_a_way_around() {
    let mut value: serde_json::Value = "redis://a:9fK2-vw81Lq@b".into();
    for _ in 0..100 {
        value = serde_json::json!([value]);
    }
    let mut metadata = Metadata::new();
    metadata.insert("deep".to_owned(), value);
    assert_eq!(Redactor::default().redact_metadata(&mut metadata), 1);
    assert!(
        !serde_json::Value::Object(metadata)
            .to_string()
            .contains("9fK2")
    );
}

#[test]
fn a_token_longer_than_the_reach_is_taken_out_whole() {
    let long = format!(
        "Bearer {}",
        "aB3dE5fG7h".repeat(20) + &"x9Yz8Wq7Vt6U".repeat(1_000)
    );
    let redacted = Redactor::default().redact(&long);
    assert_eq!(redacted.text, "Bearer [redacted:bearer_token]");
}

#[test]
fn work_is_linear_however_often_literals_stand_in_one_token() {
    /// What is looked at for each byte of a text of nothing but literals.
    const LOOKED_MOST: usize = 200;
    let redactor = Redactor::default();
    let looked = |unit: &str, bytes: usize| {
        let text = unit.repeat(bytes / unit.len());
        run::counted::take();
        redactor.redact(&text);
        run::counted::take()
    };
    for unit in [
        "access_token=abc/user=x/session=N/",
        "token=abc.",
        "access_token=aB3dE5fG7hJ9kL/",
        "password=",
        "-sk-",
        "-sk-aB3dE5fG7hJ9kLmN2pQ4",
        "Private-Lines: 1\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "Private-Lines: 1\n\n\n\n\n",
        "password=\"\\\"",
        "- name: DB_PASSWORD\n",
        "define('DB_PASSWORD', ",
        "token:\n ",
        "<password ",
        "mysql -p",
        "redis-cli ",
        "postgres://u:",
        "key key.key",
    ] {
        let (once, twice) = (looked(unit, 20_000), looked(unit, 40_000));
        assert!(twice <= once * 9 / 4, "{unit:?}: {once} and {twice}");
        assert!(twice <= 40_000 * LOOKED_MOST, "{unit:?}: {twice}");
    }
}

/// Pieces of which texts are made: secrets, things like them, and characters of all lengths.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        "redis://a:[a-z][A-Z][0-9][a-z]{2}[0-9]{2}[A-Z]{3}@b ",
        "glpat-[A-Za-z0-9]{20} ",
        "password = '[a-z]{4}[0-9]{3}[A-Z]{2}'\n",
        "-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/]{64}\n){2}-----END PRIVATE KEY-----\n",
        "\\PC{0,12}",
        "[ \n]{1,3}",
    ];
    prop::collection::vec(piece, 0..12)
}

proptest! {
    #[test]
    fn places_lead_back(pieces in pieces()) {
        let text = pieces.concat();
        let redacted = Redactor::default().redact(&text);
        prop_assert_eq!(redacted.text.matches('\n').count(), text.matches('\n').count());
        let mut starts: Vec<usize> = (0..=redacted.text.len()).filter(|at| redacted.text.is_char_boundary(*at)).collect();
        starts.push(redacted.text.len());
        let mut last = 0..0;
        for pair in starts.windows(2) {
            let range = pair[0]..pair[1];
            let before = redacted.removals.range_before(&range);
            prop_assert!(text.get(before.clone()).is_some(), "{:?}", before);
            prop_assert!(last.start <= before.start && last.end <= before.end);
            prop_assert!(before.start <= last.end, "a gap before {:?}", before);
            if !redacted.removals.touch(&range) {
                prop_assert_eq!(&text[before.clone()], &redacted.text[range]);
            }
            last = before;
        }
        prop_assert_eq!(last.end, text.len());
    }

    #[test]
    fn what_is_left_is_as_it_was(pieces in pieces()) {
        let text = pieces.concat();
        let redacted = Redactor::default().redact(&text);
        let mut whole = redacted.text.to_string();
        for removed in redacted.removals.all().iter().rev() {
            whole.replace_range(removed.after.clone(), &text[removed.before.clone()]);
        }
        prop_assert_eq!(whole, text);
    }
}
