//! The labelled cases: read from their file, with the random parts filled in.
//!
//! The same seed gives the same cases. No secret stands in the repository, so
//! no scanner stops it on its way.

/// A text with secrets in it, and where they are.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

/// Numbers that look random: splitmix64 (Steele, Lea, Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one_of<'s>(&mut self, set: &'s str) -> &'s str {
        let length = u64::try_from(set.len()).unwrap_or(1);
        let at = usize::try_from(self.next() % length).unwrap_or(0);
        set.get(at..=at).unwrap_or_default()
    }

    fn text(&mut self, set: &str, length: usize) -> String {
        (0..length).map(|_| self.one_of(set)).collect()
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const USERS: &[&str] = &["alice", "app", "deploy", "svc-mail", "bob"];

/// Returns the cases of the file, filled in by a seed.
pub(crate) fn labelled(seed: u64) -> Vec<Case> {
    let mut random = Random(seed);
    let lines = include_str!("labelled.txt").lines();
    lines
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split_once('|'))
        .map(|(kind, template)| case(kind, template, &mut random))
        .collect()
}

/// Returns the texts that stay as they are.
pub(crate) fn made_up() -> Vec<String> {
    let lines = include_str!("made_up.txt").lines();
    lines
        .filter(|line| !line.starts_with("# ") && !line.is_empty())
        .map(|line| line.replace("\\n", "\n"))
        .collect()
}

fn case(kind: &str, template: &str, random: &mut Random) -> Case {
    let filled = fill(&unescape(template), random);
    let (mut text, mut secrets) = (String::new(), Vec::new());
    let mut rest = filled.as_str();
    while let Some((before, behind)) = rest.split_once("<<") {
        let (secret, behind) = behind.split_once(">>").unwrap_or((behind, ""));
        text.push_str(before);
        text.push_str(secret);
        secrets.push(secret.to_owned());
        rest = behind;
    }
    text.push_str(rest);
    Case {
        kind: kind.to_owned(),
        text,
        secrets,
    }
}

fn unescape(template: &str) -> String {
    template
        .replace("\\\\", "\u{1}")
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\t", "\t")
        .replace('\u{1}', "\\")
}

fn fill(template: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let made = from
            .find('}')
            .and_then(|close| Some((made(from.get(1..close)?, random)?, from.get(close + 1..)?)));
        if let Some((made, behind)) = made {
            out.push_str(&made);
            rest = behind;
        } else {
            out.push('{');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn made(name: &str, random: &mut Random) -> Option<String> {
    if name == "user" {
        let at = usize::try_from(random.next() % 5).ok()?;
        return USERS.get(at).map(|user| (*user).to_owned());
    }
    let (set, length) = name.split_once(':')?;
    let length: usize = length.parse().ok()?;
    let letters = [LOWER, UPPER].concat();
    let b62 = [LOWER, UPPER, DIGITS].concat();
    Some(match set {
        "b62" => random.text(&b62, length),
        "url" => random.text(&(b62 + "-_"), length),
        "std" => random.text(&(b62 + "+/"), length),
        "hex" => random.text("0123456789abcdef", length),
        "low" => random.text(&[LOWER, DIGITS].concat(), length),
        "up" => random.text(&[UPPER, DIGITS].concat(), length),
        "dig" => random.text(DIGITS, length),
        "let" => random.text(&letters, length),
        // What a person or a generator of passwords makes.
        "pw" => {
            random.text(&letters, length - 4)
                + &random.text(DIGITS, 2)
                + &random.text("!#*+-_?=", 2)
        }
        // The base64 of letters and digits: each three of them become four characters.
        "b64pw" => (0..length / 3)
            .map(|_| base64_of(&random.text(&b62, 3)))
            .collect(),
        _ => return None,
    })
}

fn base64_of(three: &str) -> String {
    let alphabet = [UPPER, LOWER, DIGITS, "+/"].concat();
    let bits = three
        .bytes()
        .fold(0_usize, |bits, byte| (bits << 8) | usize::from(byte));
    [18, 12, 6, 0]
        .iter()
        .filter_map(|shift| alphabet.get((bits >> shift) & 63..=(bits >> shift) & 63))
        .collect()
}
