//! Changing one thing in a text of JSON or TOML while the rest, comments too, stays as it is. Pure.
//!
//! Invariants: applying twice is applying once; what is retracted after it was
//! applied leaves what was there before; what is ours is told by its name and,
//! among hooks, by the command that it runs. Members that others wrote under our
//! name are replaced, which the plan shows.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::line::runs_us;
use super::table;

/// What is to stand in a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// A member of the object at a path.
    JsonMember {
        path: Vec<&'static str>,
        key: &'static str,
        value: Value,
    },
    /// A member of the outermost object, unless there is one of this name; it stays when the others are retracted.
    JsonDefault { key: &'static str, value: Value },
    /// An element of the list at a path; it replaces those that run us.
    JsonEntry {
        path: Vec<&'static str>,
        value: Value,
    },
    /// A table of values inside another table.
    TomlTable {
        table: &'static str,
        name: &'static str,
        values: Vec<(&'static str, toml::Value)>,
    },
}

/// What is wrong with a text, in words.
pub(super) type Flaw = String;

/// Returns the text with all that is to stand in it.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> Result<String, Flaw> {
    edited(text, edits, Direction::Apply)
}

/// Returns the text without what is ours.
pub(crate) fn retract(text: &str, edits: &[Edit]) -> Result<String, Flaw> {
    edited(text, edits, Direction::Retract)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Apply,
    Retract,
}

/// Which objects and lists go when they are empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prune {
    /// Those that something of ours was taken out of.
    Emptied,
    /// All along the path, so that two texts can be compared whoever made their containers.
    All,
}

fn edited(text: &str, edits: &[Edit], direction: Direction) -> Result<String, Flaw> {
    if let [
        Edit::TomlTable {
            table,
            name,
            values,
        },
    ] = edits
    {
        return table::edited(text, (table, name), values, direction);
    }
    if direction == Direction::Retract && text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let source = if text.trim().is_empty() { "{}\n" } else { text };
    let root = CstRootNode::parse(source, &ParseOptions::default())
        .map_err(|error| format!("it is not JSON: {error}"))?;
    let object = root.object_value().ok_or("it is JSON, but not an object")?;
    for edit in edits {
        match direction {
            Direction::Apply => put(&object, edit)?,
            Direction::Retract => take(&object, edit, Prune::Emptied),
        }
    }
    let after = root.to_string();
    // The parser is lenient; what a host could not read before is not to be touched.
    let kept = |text: &str| {
        let root = CstRootNode::parse(text, &ParseOptions::default()).ok()?;
        let object = root.object_value()?;
        for edit in edits {
            take(&object, edit, Prune::All);
            if let Edit::JsonDefault { key, .. } = edit
                && let Some(member) = object.get(key)
            {
                member.remove();
            }
        }
        object.to_serde_value()
    };
    if kept(source) != kept(&after) {
        return Err("it is written in a way that cannot be edited".to_owned());
    }
    Ok(after)
}

fn put(object: &CstObject, edit: &Edit) -> Result<(), Flaw> {
    match edit {
        Edit::JsonMember { path, key, value } => {
            let object = descend(object, path)?;
            match object.get(key) {
                Some(member) if member.to_serde_value().as_ref() == Some(value) => {}
                Some(member) => member.set_value(input(value)),
                None => drop(object.append(key, input(value))),
            }
        }
        Edit::JsonDefault { key, value } => {
            if object.get(key).is_none() {
                object.append(key, input(value));
            }
        }
        Edit::JsonEntry { path, value } => {
            let (last, parents) = path.split_last().ok_or("an entry needs a path")?;
            let entries = descend(object, parents)?
                .array_value_or_create(last)
                .ok_or_else(|| format!("`{last}` is not a list"))?;
            let is_there = |element: &CstNode| element.to_serde_value().as_ref() == Some(value);
            if !entries.elements().iter().any(is_there) {
                remove_ours(&entries, value);
                entries.append(input(value));
            }
        }
        Edit::TomlTable { .. } => return Err("a table of TOML stands in no JSON".to_owned()),
    }
    Ok(())
}

/// Takes what is ours out, and what is empty then.
fn take(object: &CstObject, edit: &Edit, which: Prune) {
    match edit {
        Edit::JsonMember { path, key, .. } => {
            let Some(inner) = found(object, path) else {
                return;
            };
            let member = inner.get(key);
            let is_taken = member.is_some();
            if let Some(member) = member {
                member.remove();
            }
            if is_taken || which == Prune::All {
                prune(object, path);
            }
        }
        Edit::JsonEntry { path, value } => {
            let list = path
                .split_last()
                .and_then(|(last, parents)| found(object, parents)?.get(last)?.array_value());
            if let Some(list) = list {
                let is_taken = remove_ours(&list, value);
                if is_taken || which == Prune::All {
                    prune(object, path);
                }
            }
        }
        Edit::JsonDefault { .. } | Edit::TomlTable { .. } => {}
    }
}

fn descend(object: &CstObject, path: &[&'static str]) -> Result<CstObject, Flaw> {
    path.iter().try_fold(object.clone(), |object, name| {
        object
            .object_value_or_create(name)
            .ok_or_else(|| format!("`{name}` is not an object"))
    })
}

fn found(object: &CstObject, path: &[&'static str]) -> Option<CstObject> {
    path.iter()
        .try_fold(object.clone(), |object, name| object.object_value(name))
}

/// Takes empty objects and lists along a path out, innermost first.
fn prune(object: &CstObject, path: &[&'static str]) {
    for depth in (1..=path.len()).rev() {
        let Some((last, parents)) = path.get(..depth).and_then(<[_]>::split_last) else {
            return;
        };
        let Some(member) = found(object, parents).and_then(|parent| parent.get(last)) else {
            return;
        };
        let value = member.value().and_then(|value| value.to_serde_value());
        let is_empty = match value {
            Some(Value::Object(fields)) => fields.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        if !is_empty {
            return;
        }
        member.remove();
    }
}

/// Takes the hooks that run us out of a list: entries, or the commands inside of entries of groups. Returns whether
/// there was one.
fn remove_ours(list: &CstArray, own: &Value) -> bool {
    let own = command(own).or_else(|| command(own.get("hooks")?.get(0)?));
    let is_ours = |hook: &Value| command(hook).is_some_and(|hook| runs_us(hook, own));
    let mut is_taken = false;
    for element in list.elements() {
        let Some(value) = element.to_serde_value() else {
            continue;
        };
        if is_ours(&value) {
            element.remove();
            is_taken = true;
            continue;
        }
        let Some(inner) = element
            .as_object()
            .and_then(|group| group.get("hooks")?.array_value())
        else {
            continue;
        };
        let ours: Vec<CstNode> = inner
            .elements()
            .into_iter()
            .filter(|hook| hook.to_serde_value().is_some_and(|hook| is_ours(&hook)))
            .collect();
        if ours.is_empty() {
            continue;
        }
        is_taken = true;
        let is_all = ours.len() == inner.elements().len();
        if is_all {
            element.remove();
        } else {
            ours.into_iter().for_each(CstNode::remove);
        }
    }
    is_taken
}

fn command(hook: &Value) -> Option<&str> {
    hook.get("command")?.as_str()
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => CstInputValue::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), input(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
