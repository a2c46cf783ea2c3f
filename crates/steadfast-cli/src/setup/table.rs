//! One table of values in a text of TOML, by lines. Pure.
//!
//! A table is put at the end, under a header of its own, where it cannot belong to
//! another one. Invariants: no other line changes, to its line end; comments
//! behind the last value of the table are not part of it, for people write them
//! above what comes next; whatever the lines seem to say, the text that is
//! returned parses to what it should, or nothing is returned.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::edit::{Direction, Flaw};

/// Returns the text with the table, or without it.
pub(super) fn edited(
    text: &str,
    (table, name): (&str, &str),
    values: &[(&'static str, Value)],
    direction: Direction,
) -> Result<String, Flaw> {
    let mut wanted: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("it is not TOML: {}", error.message()))?;
    let ours: Table = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let servers = wanted
        .entry(table)
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| format!("`{table}` is not a table"))?;
    let old = match direction {
        Direction::Apply => servers.insert(name.to_owned(), Value::Table(ours.clone())),
        Direction::Retract => servers.remove(name),
    };
    let is_done = match direction {
        Direction::Apply => old.as_ref().and_then(Value::as_table) == Some(&ours),
        Direction::Retract => old.is_none(),
    };
    if is_done {
        return Ok(text.to_owned());
    }
    let mut after = without(text, (table, name));
    if direction == Direction::Apply {
        put(&mut after, &format!("{table}.{name}"), values);
    }
    let found = after.parse::<Table>().ok();
    if found.is_some_and(|found| without_empty(found, table) == without_empty(wanted, table)) {
        return Ok(after);
    }
    Err(format!(
        "`{table}` is not written as tables under headers such as `[{table}.{name}]`, as an inline \
         table or with dotted keys; write it so, or add the server by hand"
    ))
}

/// Puts a table at the end, with the line ends that the text has.
fn put(text: &mut String, header: &str, values: &[(&'static str, Value)]) {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(end);
    }
    if !text.trim().is_empty() {
        text.push_str(end);
    }
    let _written = write!(text, "[{header}]{end}");
    for (key, value) in values {
        let _written = write!(text, "{key} = {value}{end}");
    }
}

fn without_empty(mut parsed: Table, name: &str) -> Table {
    let table = parsed.get(name).and_then(Value::as_table);
    if table.is_some_and(Table::is_empty) {
        parsed.remove(name);
    }
    parsed
}

/// Returns the text without the lines of a table and of those inside it.
fn without(text: &str, names: (&str, &str)) -> String {
    let mut kept: Vec<&str> = Vec::new();
    // Lines of the table that are kept when no value comes behind them.
    let mut behind: Vec<&str> = Vec::new();
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if let Some(is_ours) = header(bare, names) {
            kept.append(&mut behind);
            is_inside = is_ours;
            if is_ours && kept.last().is_some_and(|last| last.trim().is_empty()) {
                kept.pop();
            }
        }
        if !is_inside {
            kept.push(line);
        } else if bare.is_empty() || bare.starts_with('#') {
            behind.push(line);
        } else {
            behind.clear();
        }
    }
    kept.append(&mut behind);
    kept.concat()
}

/// Returns whether a line is the header of the table or of one inside it; none when it is no header.
fn header(line: &str, (table, name): (&str, &str)) -> Option<bool> {
    if !line.starts_with('[') {
        return None;
    }
    // However it is spaced and quoted: a header is a whole text of TOML, and a line of a value is not.
    let parsed: Table = line.parse().ok()?;
    let inner = parsed.get(table).and_then(|value| value.get(name));
    Some(inner.is_some())
}
