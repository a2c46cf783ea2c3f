//! Exports of Notion: Markdown and CSV, in a folder or a zip archive with others in it.
//!
//! A page is the file `<title> <32 hex digits>.md`; the digits are its id, and
//! pages of one title differ by them. A database is `<title> <id>.csv`, and,
//! when it has a view that hides rows, `<title> <id>_all.csv` too, which is then
//! the one that is read; each of its rows is a chunk of `column: value` lines.
//! Large exports are cut into archives within the archive.

use serde_json::Value;
use steadfast_model::Kind;

use super::super::files::Files;
use super::super::survey::{Survey, UnitRow, namespace};
use super::super::{ImportKind, Source};
use super::{Calls, NoteFile, add, csv, is_note, or_null, refuse, text};

/// Digits of an id.
const ID_DIGITS: usize = 32;

/// Returns whether files are such an export.
pub(in super::super) fn is_notion(files: &Files) -> bool {
    files.names().any(|name| {
        let is_text = is_note(name) || is_table(name);
        is_text && page(name).1.is_some() || files.is_packed() && is_part(name)
    })
}

/// Returns whether a file is a database by its name.
fn is_table(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "csv")
}

/// Returns whether a name is that of a part of a large export.
fn is_part(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".zip")
        .is_some_and(|file| file.starts_with("Export") && file.contains("-Part-"))
        || file.starts_with("ExportBlock-")
            && file.rsplit_once('.').is_some_and(|(_, end)| end == "zip")
}

/// Reads an export.
pub(in super::super) fn survey(source: &Source<'_>, files: &mut Files) -> Survey {
    let mut survey = Survey::new(ImportKind::Notion);
    let parts: Vec<String> = files
        .names()
        .filter(|name| is_part(name))
        .map(str::to_owned)
        .collect();
    read(source, files, &mut survey);
    for part in parts {
        match files.inner(&part) {
            Ok(mut inner) => read(source, &mut inner, &mut survey),
            Err(unread) => refuse(unread, &mut survey),
        }
    }
    survey
}

fn read(source: &Source<'_>, files: &mut Files, survey: &mut Survey) {
    let names: Vec<String> = files.names().map(str::to_owned).collect();
    for name in names {
        if is_note(&name) {
            if let Some((text, is_lossy)) = text(files, &name, survey) {
                let (title, id) = page(&name);
                let note = NoteFile {
                    kind: ImportKind::Notion,
                    id: id.unwrap_or(&name),
                    path: &name,
                    title: Some(title),
                    text: &text,
                    is_lossy,
                };
                add(source, &note, survey);
            }
        } else if is_table(&name) {
            let whole = name
                .strip_suffix(".csv")
                .map(|stem| format!("{stem}_all.csv"));
            if whole.is_some_and(|whole| files.has(&whole)) {
                survey.left_out.add("view", "part_of_database", 1);
            } else if let Some((text, is_lossy)) = text(files, &name, survey) {
                database(source, &name, &text, is_lossy, survey);
            }
        } else if !is_part(&name) {
            survey.left_out.add("attachment", "no_note", 1);
        }
    }
    files.report(survey);
}

/// Adds the rows of a database.
fn database(source: &Source<'_>, name: &str, text: &str, is_lossy: bool, survey: &mut Survey) {
    let (title, id) = page(name);
    let id = id.unwrap_or(name);
    let mut records = csv::records(text).into_iter();
    let columns = records.next().map(|record| record.fields);
    let columns = columns.unwrap_or_default();
    let mut calls = Calls::default();
    for record in records {
        let lines: Vec<String> = columns
            .iter()
            .zip(&record.fields)
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(column, value)| format!("{}: {value}", column.trim()))
            .collect();
        if record.fields.len() > columns.len() || !record.is_ended {
            survey.refuse("row", "unreadable", 1);
            continue;
        }
        if lines.is_empty() {
            survey.left_out.add("row", "no_text", 1);
            continue;
        }
        let text = lines.join("\n");
        let mut row = UnitRow::new(ImportKind::Notion, calls.name(id, &text), text);
        let line = i64::try_from(record.line).ok();
        row.lines(line, line);
        row.place.fidelity.converted = true;
        row.place.fidelity.lossy = is_lossy;
        row.attributes.kind = Kind::Data;
        row.attributes.title = Some(title.to_owned());
        row.origin("path", name);
        row.origin("page", or_null(record.fields.first().map(String::as_str)));
        row.origin("database", Value::from(true));
        let document = format!("{}:{id}", ImportKind::Notion);
        survey.add(namespace(source.options), document, row);
    }
}

/// Returns the title and the id that the name of a file holds.
fn page(name: &str) -> (&str, Option<&str>) {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let stem = stem.strip_suffix("_all").unwrap_or(stem);
    let cut = stem.len().checked_sub(ID_DIGITS);
    let parts = cut.and_then(|cut| Some((stem.get(..cut)?, stem.get(cut..)?)));
    match parts {
        Some((title, id)) if is_id(id) && (title.is_empty() || title.ends_with(' ')) => {
            (title.trim_end(), Some(id))
        }
        _ => (stem, None),
    }
}

fn is_id(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_id_of_a_page_is_in_its_name() {
        let id = "0123456789abcdef0123456789abcdef";
        let name = format!("Home/Plans {id}.md");
        assert_eq!(super::page(&name), ("Plans", Some(id)));
        let name = format!("Tasks {id}_all.csv");
        assert_eq!(super::page(&name), ("Tasks", Some(id)));
        assert_eq!(super::page("Plans.md"), ("Plans", None));
        assert_eq!(super::page(&format!("x{id}.md")).1, None);
        assert!(super::is_part("a/Export-1-Part-2.zip"));
        assert!(!super::is_part("a.zip"));
    }
}
