//! Texts and bytes that nobody would write, made from some that somebody might.

use steadfast_testkit::Random;

/// What trips programs that read text.
const TOKENS: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{200d}",
    "\u{0301}",
    "\u{10ffff}",
    "\"",
    "'",
    "`",
    "```",
    "~~~",
    "---\n",
    "***",
    "===",
    "# ",
    "###### ",
    "- ",
    "* ",
    "1. ",
    "> ",
    "|",
    "|-|",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    "<!--",
    "-->",
    "&",
    "\\",
    "/",
    "//",
    "/*",
    "*/",
    ":",
    ";",
    ",",
    "=",
    "fn f() {",
    "class A:",
    "def f():\n",
    "impl",
    "struct S {",
    "func",
    "=>",
    "r#\"",
    "\"#",
    "${",
    "`${",
    "%s",
    "*",
    "?",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "^",
    "-",
    "+",
    "~",
    "title:",
    "-title:",
    "since:",
    "$where",
    "null",
    "true",
    "1e309",
    "-0",
    "9223372036854775808",
    "\u{5bb6}",
    "\u{1f600}",
    "\u{1f468}\u{200d}\u{1f469}",
    "straße",
    "\u{0130}",
    "..",
    "../",
    "__proto__",
    "{\"a\":",
    "[[[[",
    ":::",
    ".. note::\n",
    "#+TITLE: ",
    "* TODO ",
];

/// Returns a text made of tokens and words.
pub(crate) fn text(random: &mut Random, words: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..random.below(24) {
        match random.below(4) {
            0 => text.push_str(TOKENS[random.below(TOKENS.len())]),
            1 => text
                .push(char::from_u32(u32::try_from(random.below(0x0800)).unwrap()).unwrap_or(' ')),
            _ => {
                text.push_str(words[random.below(words.len())]);
                text.push(' ');
            }
        }
    }
    text
}

/// Returns a text after changes to it.
pub(crate) fn mutated(random: &mut Random, text: &str) -> String {
    String::from_utf8_lossy(&bytes(random, text.as_bytes())).into_owned()
}

/// Returns bytes after changes to them.
pub(crate) fn bytes(random: &mut Random, from: &[u8]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len());
        let end = (at + random.below(64)).min(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let token = TOKENS[random.below(TOKENS.len())].repeat(1 + random.below(3));
                bytes.splice(at..at, token.bytes());
            }
            3 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            4 => {
                let part = bytes[at..end].repeat(1 + random.below(40));
                bytes.splice(at..at, part);
            }
            5 if !bytes.is_empty() => bytes[at] = random.draw().to_le_bytes()[0],
            6 => bytes[at..end].reverse(),
            _ if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    bytes
}

/// Returns bytes of the same length of which some are others, in runs: what rot and torn writes leave.
pub(crate) fn overwritten(random: &mut Random, from: &[u8]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        let length = [1, 2, 4, 8, 64, 512, 4096][random.below(7)];
        let value = random.draw();
        let how = random.below(4);
        for (place, byte) in bytes.iter_mut().skip(at).take(length).enumerate() {
            *byte = match how {
                0 => 0,
                1 => 0xff,
                2 => *byte ^ value.to_le_bytes()[place % 8],
                _ => value
                    .rotate_left(u32::try_from(place % 61).unwrap())
                    .to_le_bytes()[0],
            };
        }
    }
    bytes
}
