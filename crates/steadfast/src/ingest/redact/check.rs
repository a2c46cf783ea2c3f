//! Whether what has the form of a secret is one, or an example, a name, a template.
//!
//! Entropy is Shannon's over the bytes, in bits a byte. The floors lie more than
//! five standard deviations below the mean of random strings of the shortest
//! length in question, so a random secret does not fail them, while words,
//! repetitions and counting do.

/// Entropy that the random part of a token has at least: 32 random hex digits have 3.7 in the mean.
const ENTROPY_RANDOM_LEAST: f64 = 3.0;

/// Entropy that a value known only by its name has at least.
const ENTROPY_OPAQUE_LEAST: f64 = 3.1;

/// Words that only made-up secrets hold; long enough not to turn up in random ones.
const MADE_UP: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "dummy",
    "redacted",
    "sample",
    "replace",
    "insert",
    "yourtoken",
    "yourapi",
    "yourkey",
    "yoursecret",
    "yourpassword",
    "notreal",
    "not-real",
    "not_real",
    "foobar",
    "lorem",
];

/// Short words that count only between separators.
const MADE_UP_WORDS: &[&str] = &["your", "fake", "test", "todo", "mock", "here", "xxx"];

/// What passwords in documentation are called, without digits and punctuation.
const STEMS: &[&str] = &[
    "admin",
    "administrator",
    "authtoken",
    "bar",
    "baz",
    "dbpass",
    "default",
    "foo",
    "foobar",
    "guest",
    "hello",
    "helloworld",
    "key",
    "login",
    "mykey",
    "mypass",
    "mypassword",
    "mysecret",
    "mysecretpassword",
    "mysql",
    "mytoken",
    "newpass",
    "newpassword",
    "null",
    "oldpassword",
    "pass",
    "passphrase",
    "passw",
    "passwd",
    "password",
    "passwort",
    "pgpass",
    "postgres",
    "pwd",
    "qwerty",
    "redis",
    "root",
    "secret",
    "secretpassword",
    "string",
    "supersecret",
    "test",
    "testing",
    "testpass",
    "testpassword",
    "token",
    "topsecret",
    "user",
    "username",
    "userpass",
    "value",
    "verysecret",
    "xyz",
];

/// Takes everything: the search itself has looked closely.
pub(super) fn anything(_: &str) -> bool {
    true
}

/// Returns whether a token of a known form is a random one.
pub(super) fn random(secret: &str) -> bool {
    entropy(secret) >= ENTROPY_RANDOM_LEAST && !is_made_up(secret)
}

/// Returns whether a value is random by itself: it was not told by its form, only by what stands before it.
pub(super) fn opaque(secret: &str) -> bool {
    if secret.len() < 16 || entropy(secret) < ENTROPY_OPAQUE_LEAST || is_made_up(secret) {
        return false;
    }
    let changes = changes(secret);
    let length = secret.len();
    // Words change between letters and digits rarely, and between cases once a word.
    changes.digits >= 3 || (changes.digits >= 1 && length >= 20 && changes.cases * 3 >= length)
}

/// Returns whether a value that is called a password is one that somebody uses.
pub(super) fn password(secret: &str) -> bool {
    if !chosen_password(secret) || secret.len() < 6 {
        return false;
    }
    let has = |which: fn(&u8) -> bool| secret.as_bytes().iter().any(which);
    let has_symbol = has(|byte| byte.is_ascii_punctuation() && !b"_-./:,".contains(byte));
    let has_letter = has(u8::is_ascii_alphabetic) || !secret.is_ascii();
    let has_mixed = secret.len() >= 12 && is_mixed(secret);
    if !has_letter || !(has(u8::is_ascii_digit) || has_symbol || has_mixed) {
        return false;
    }
    let stem = stem(secret);
    // `db_password_1` is what a password is called, not one.
    let is_name = ["password", "passwd", "secret", "token", "pass", "key"]
        .iter()
        .any(|end| stem.ends_with(end));
    has_symbol || !is_name
}

/// Returns whether the password of an address or a credentials file is one that somebody uses.
pub(super) fn chosen_password(secret: &str) -> bool {
    const BYTES: std::ops::RangeInclusive<usize> = 4..=512;
    let is_plain = secret
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control());
    is_plain
        && BYTES.contains(&secret.len())
        && !is_made_up(secret)
        && !STEMS.contains(&stem(secret).as_str())
}

/// Returns whether a value is a signed token, and not the one that every page on the format shows.
pub(super) fn jwt(secret: &str) -> bool {
    let mut parts = secret.split('.').map(base64);
    let (Some(Some(header)), Some(Some(payload))) = (parts.next(), parts.next()) else {
        return false;
    };
    let (header, payload) = (
        String::from_utf8_lossy(&header),
        String::from_utf8_lossy(&payload),
    );
    let is_shown = ["John Doe", "\"1234567890\"", "example.com", "joe\""];
    header.contains("\"alg\"") && !is_shown.iter().any(|shown| payload.contains(shown))
}

/// Returns whether a value is a user and a password in base64.
pub(super) fn basic_auth(secret: &str) -> bool {
    let Some(decoded) = base64(secret) else {
        return false;
    };
    let Ok(decoded) = std::str::from_utf8(&decoded) else {
        return false;
    };
    let is_text = decoded.chars().all(|c| !c.is_control());
    // The RFC shows Aladdin's.
    decoded.split_once(':').is_some_and(|(user, password)| {
        is_text && !user.is_empty() && user != "Aladdin" && chosen_password(password)
    })
}

/// Returns whether a value is a template, a name for a secret, or an example of one.
pub(super) fn is_made_up(secret: &str) -> bool {
    const TEMPLATES: &[&str] = &[
        "${", "$(", "{{", "{%", "#{", "%(", "%{", "***", "...", "\u{2026}",
    ];
    if TEMPLATES.iter().any(|mark| secret.contains(mark)) {
        return true;
    }
    let is_wrapped = |open: char, close: char| secret.starts_with(open) && secret.ends_with(close);
    let is_variable = |mark: char| {
        secret.strip_prefix(mark).is_some_and(|name| {
            let name = name.strip_suffix(mark).unwrap_or(name);
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        })
    };
    if is_wrapped('<', '>') || is_wrapped('{', '}') || is_wrapped('[', ']') || is_wrapped('(', ')')
    {
        return true;
    }
    if is_variable('$') || is_variable('%') || is_variable('@') {
        return true;
    }
    let lower = secret.to_ascii_lowercase();
    MADE_UP.iter().any(|word| lower.contains(word))
        || lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| MADE_UP_WORDS.contains(&word))
        || counted_bytes(secret) * 2 >= secret.len()
        || is_periodic(secret)
}

/// Returns how many bytes stand in runs of one character or of counting, such as `0000` or `abcdef`.
fn counted_bytes(text: &str) -> usize {
    const RUN_LEAST: usize = 4;
    let mut counted = 0;
    let mut run = 1_usize;
    let mut last_step = None;
    let mut finish = |run: usize| counted += if run >= RUN_LEAST { run } else { 0 };
    for (left, right) in text.bytes().zip(text.bytes().skip(1)) {
        let step = match i16::from(right) - i16::from(left) {
            step @ -1..=1 => Some(step),
            // 9 is followed by 0 where one counts on a keyboard.
            -9 if left == b'9' => Some(1),
            _ => None,
        };
        if step.is_some() && (run == 1 || step == last_step) {
            run += 1;
        } else {
            finish(run);
            run = if step.is_some() { 2 } else { 1 };
        }
        last_step = step;
    }
    finish(run);
    counted
}

/// Returns whether a text is one short piece over and over.
fn is_periodic(text: &str) -> bool {
    const PERIOD_MOST: usize = 16;
    let bytes = text.as_bytes();
    (1..=PERIOD_MOST.min(bytes.len() / 2)).any(|period| {
        bytes
            .iter()
            .zip(bytes.iter().skip(period))
            .all(|(a, b)| a == b)
    })
}

/// Returns the letters of a text, in lower case.
fn stem(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How often the sort of character changes from one to the next.
#[derive(Default)]
struct Changes {
    /// Between letters and digits.
    digits: usize,
    /// Between any two of lower case, upper case and digit.
    cases: usize,
}

fn changes(text: &str) -> Changes {
    let mut changes = Changes::default();
    for (left, right) in text.bytes().zip(text.bytes().skip(1)) {
        if !left.is_ascii_alphanumeric() || !right.is_ascii_alphanumeric() {
            continue;
        }
        let digit = left.is_ascii_digit() != right.is_ascii_digit();
        let case = left.is_ascii_uppercase() != right.is_ascii_uppercase();
        changes.digits += usize::from(digit);
        changes.cases += usize::from(digit || case);
    }
    changes
}

/// Returns how many times the letters and digits of a text change place.
pub(super) fn digit_changes(text: &str) -> usize {
    changes(text).digits
}

/// Returns whether sorts of characters change oftener than in names, which change their case at most once in three.
pub(super) fn is_mixed(text: &str) -> bool {
    changes(text).cases * 5 >= text.len() * 2
}

/// Returns the entropy of the bytes of a text, in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Returns the bytes of base64 in either alphabet, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or_default());
        }
    }
    Some(out)
}
