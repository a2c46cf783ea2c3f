//! Front matter: the keys above a text, as YAML, TOML or JSON.
//!
//! It stands at the very start, between lines of `---` or `+++`, or is one JSON
//! object. What is not read to its end is no front matter but text; so a rule
//! at the start of a document costs nothing. A value that cannot be read costs
//! its key alone, unless there is no other key.
//!
//! Of YAML only what front matter is made of is read: keys with a single value,
//! a list, or a text of several lines. A map below a key is passed over.

use std::iter::Peekable;
use std::str::Lines;

use serde_json::Value;

use super::facts::{Facts, Given, KEY_BYTES_MAX, tags_of};
use super::pieces::line_ends;

/// Where the end of front matter is looked for.
const FRONT_MATTER_BYTES_MAX: usize = 64 << 10;

/// Lines that a list in brackets may go on over without being indented.
const LIST_LINES_MAX: usize = 256;

/// What was read.
pub(super) struct FrontMatter {
    /// The first byte behind it.
    pub(super) end: usize,
    /// What it says.
    pub(super) facts: Facts,
}

type Entries = Vec<(String, Given)>;

/// Reads the front matter of a text, if it has one.
pub(super) fn front_matter(text: &str) -> Option<FrontMatter> {
    let head = text.get(..text.floor_char_boundary(FRONT_MATTER_BYTES_MAX))?;
    if head.starts_with('{') {
        return json(text, head);
    }
    let first = head.lines().next()?.trim_ascii_end();
    let read = match first {
        "---" => yaml,
        "+++" => toml,
        _ => return None,
    };
    let mut start = 0;
    let mut body_start = 0;
    for (index, end) in line_ends(head, 0..head.len()).enumerate() {
        let line = head.get(start..end)?.trim_ascii_end();
        match index {
            0 => body_start = end,
            1 if line.is_empty() => return None,
            _ if line == first || (line == "..." && first == "---") => {
                let given = read(head.get(body_start..start)?)?;
                return Some(FrontMatter {
                    end,
                    facts: Facts::of(given),
                });
            }
            _ => {}
        }
        start = end;
    }
    None
}

fn json(text: &str, head: &str) -> Option<FrontMatter> {
    let mut values = serde_json::Deserializer::from_str(head).into_iter::<Value>();
    let Some(Ok(Value::Object(object))) = values.next() else {
        return None;
    };
    let end = values.byte_offset();
    let behind = text.get(end..)?;
    let line_end = behind.find('\n')? + 1;
    let (line, rest) = behind.split_at_checked(line_end)?;
    // A text that is one JSON object has no front matter: the object is the text.
    if !line.trim_ascii().is_empty() || rest.trim_ascii().is_empty() {
        return None;
    }
    let given = object.into_iter().filter_map(|(key, value)| {
        let given = match value {
            Value::Array(items) => Given::List(items.iter().filter_map(json_text).collect()),
            Value::Null | Value::Object(_) => return None,
            single @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                Given::Single(single)
            }
        };
        Some((key, given))
    });
    Some(FrontMatter {
        end: end + line_end,
        facts: Facts::of(given.collect()),
    })
}

fn json_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn toml(body: &str) -> Option<Entries> {
    let table: toml::Table = body.parse().ok()?;
    let mut given = Entries::new();
    for (key, value) in table {
        if let ("taxonomies", toml::Value::Table(below)) = (key.as_str(), &value) {
            // Where Zola keeps the tags.
            let tags = below.get("tags").cloned().and_then(toml_value);
            given.extend(tags.map(|tags| ("tags".to_owned(), tags)));
        } else {
            given.extend(toml_value(value).map(|value| (key, value)));
        }
    }
    Some(given)
}

fn toml_value(value: toml::Value) -> Option<Given> {
    let single = match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => {
            let texts = items
                .into_iter()
                .filter_map(|item| match toml_value(item)? {
                    Given::Single(value) => json_text(&value),
                    Given::List(_) => None,
                });
            return Some(Given::List(texts.collect()));
        }
        toml::Value::Table(_) => return None,
    };
    Some(Given::Single(single))
}

fn yaml(body: &str) -> Option<Entries> {
    let mut lines = body.lines().peekable();
    let mut given = Entries::new();
    let mut keys = 0;
    while let Some(line) = lines.next() {
        let line = line.trim_ascii_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match entry(line, &mut lines)? {
            (key, Read::Given(value)) => given.push((key, value)),
            (_, Read::Nothing) => {}
            (_, Read::Unreadable) => continue,
        }
        keys += 1;
    }
    // Comments alone are headings between rules. Nothing at all is empty front matter.
    (keys > 0 || body.is_empty()).then_some(given)
}

/// What stands behind a key.
enum Read {
    Given(Given),
    /// No value, or one that is passed over.
    Nothing,
    Unreadable,
}

impl Read {
    fn given(value: Option<Given>) -> Self {
        value.map_or(Self::Nothing, Self::Given)
    }

    fn readable(value: Option<Given>) -> Self {
        value.map_or(Self::Unreadable, Self::Given)
    }
}

/// Reads a key with all the lines of its value; none when the line has no key.
fn entry(line: &str, lines: &mut Peekable<Lines<'_>>) -> Option<(String, Read)> {
    if line.starts_with([' ', '\t', '-', '[', '{', '|', '>']) {
        return None;
    }
    let (key, value) = match line.split_once(": ").or_else(|| line.split_once(":\t")) {
        Some(parts) => parts,
        None => (line.strip_suffix(':')?, ""),
    };
    let key = unquoted(key.trim()).unwrap_or_else(|| key.trim().to_owned());
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return None;
    }
    let value = uncommented(value.trim());
    let mut below: Vec<&str> = Vec::new();
    let belongs = |line: &&str| {
        line.is_empty()
            || line.starts_with([' ', '\t'])
            || (value.is_empty() && (line.starts_with("- ") || *line == "-"))
    };
    while let Some(line) = lines.next_if(belongs) {
        below.push(line);
    }
    let starts_list = |line: &&str| line.trim_start().starts_with('[');
    let is_list_below = || {
        below
            .iter()
            .find(|line| !line.trim().is_empty())
            .is_some_and(starts_list)
    };
    let read = match value.as_bytes().first() {
        None if is_list_below() => Read::readable(flow_list(value, &below, lines)),
        None => Read::given(items(&below)),
        Some(b'[') => Read::readable(flow_list(value, &below, lines)),
        Some(b'{') => Read::Nothing,
        Some(b'|' | b'>') => Read::Given(Given::Single(folded(&below).into())),
        Some(b'"' | b'\'') => {
            let text = unquoted(value).or_else(|| unquoted(uncommented(&joined(value, &below))));
            Read::readable(text.map(|text| Given::Single(text.into())))
        }
        Some(_) if below.iter().all(|line| line.trim().is_empty()) => {
            Read::given(Given::plain(value))
        }
        Some(_) => Read::Given(Given::Single(joined(value, &below).into())),
    };
    Some((key, read))
}

/// Reads a list whose items stand below their key, each behind a dash.
fn items(below: &[&str]) -> Option<Given> {
    let items: Vec<String> = below
        .iter()
        .filter_map(|line| line.trim().strip_prefix('-'))
        .map(|item| {
            let item = uncommented(item.trim());
            unquoted(item).unwrap_or_else(|| item.to_owned())
        })
        .collect();
    (!items.is_empty()).then_some(Given::List(items))
}

/// Reads a list in brackets, which may go on over further lines; those of one without an end are left for other keys.
fn flow_list(value: &str, below: &[&str], lines: &mut Peekable<Lines<'_>>) -> Option<Given> {
    let mut whole = joined(value, below);
    let mut further = lines.clone().take(LIST_LINES_MAX);
    let mut taken = 0;
    while !whole.trim_end().ends_with(']') {
        whole.push(' ');
        whole.push_str(uncommented(further.next()?.trim()));
        taken += 1;
    }
    lines.by_ref().take(taken).for_each(drop);
    let inner = whole.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut items = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (place, c) in inner.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') if inner.get(start..place)?.trim().is_empty() => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ',') => {
                items.push(inner.get(start..place)?);
                start = place + 1;
            }
            _ => {}
        }
    }
    items.push(inner.get(start..)?);
    let items = items.into_iter().map(|item| {
        let item = item.trim();
        unquoted(item).unwrap_or_else(|| item.trim_matches(['[', ']']).to_owned())
    });
    Some(Given::List(items.filter(|item| !item.is_empty()).collect()))
}

/// Returns a value and the lines below it as one line.
fn joined(value: &str, below: &[&str]) -> String {
    let mut whole = value.to_owned();
    for line in below.iter().map(|line| uncommented(line.trim())) {
        if !line.is_empty() {
            whole.push(' ');
            whole.push_str(line);
        }
    }
    whole
}

fn folded(below: &[&str]) -> String {
    let lines: Vec<&str> = below.iter().map(|line| line.trim()).collect();
    lines.join("\n").trim().to_owned()
}

/// Returns what quotes enclose, or none when the text is not one quoted value.
fn unquoted(text: &str) -> Option<String> {
    if let Some(inner) = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return Some(inner.replace("''", "'"));
    }
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let read = serde_json::from_str::<String>(text).ok();
    Some(read.unwrap_or_else(|| inner.to_owned()))
}

/// Returns a value without the comment behind it.
fn uncommented(value: &str) -> &str {
    if value.starts_with('#') {
        return "";
    }
    // A tag in a list may begin with the sign.
    if value.starts_with('[') && value.ends_with(']') {
        return value;
    }
    if value.starts_with(['[', '"', '\'']) {
        return value
            .get(..outside_quotes(value))
            .unwrap_or(value)
            .trim_end();
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value.trim_end())
}

/// Returns where a comment begins in what starts with a quote or a bracket, or where the text ends.
fn outside_quotes(value: &str) -> usize {
    let mut quote = None;
    let mut last = ' ';
    let mut chars = value.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '#') if at > 0 && last.is_whitespace() => return at,
            (None, '"' | '\'') if " \t[,".contains(last) => quote = Some(c),
            (Some('"'), '\\') => drop(chars.next()),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        last = c;
    }
    value.len()
}

/// Lines of a quotation that are looked at for tags.
const QUOTED_LINES_MAX: usize = 32;

/// Returns the tags of the quotation that a text begins with, `> tags: [..]`.
pub(super) fn quoted_tags(text: &str) -> Vec<String> {
    let mut quoted = String::new();
    for line in text.lines().take(QUOTED_LINES_MAX) {
        let Some(line) = line.trim_ascii_start().strip_prefix('>') else {
            break;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        quoted.push_str(
            line.get(..line.floor_char_boundary(KEY_BYTES_MAX * QUOTED_LINES_MAX))
                .unwrap_or_default(),
        );
        quoted.push('\n');
    }
    let mut lines = quoted.lines().peekable();
    while let Some(line) = lines.next() {
        let is_key = line
            .get(.."tags:".len())
            .is_some_and(|key| key.eq_ignore_ascii_case("tags:"));
        if is_key && let Some((_, Read::Given(given))) = entry(line.trim_ascii_end(), &mut lines) {
            return tags_of(&given);
        }
    }
    Vec::new()
}
