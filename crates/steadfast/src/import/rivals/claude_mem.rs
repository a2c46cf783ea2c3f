//! claude-mem: what it noted of sessions of Claude Code, in one SQLite file.
//!
//! Written after its `schema.sql` and earlier migrations: observations,
//! summaries of sessions, and prompts. A session is a document. An observation
//! or summary is one chunk, its fields written out under their names; a prompt
//! is the message it was. Sessions were called by other columns before, which
//! are read too; tables from before version 4 are not, and are told.

use std::collections::HashMap;

use steadfast_model::Kind;
use steadfast_store::{ForeignDatabase, ForeignRow};

use super::super::survey::{Survey, UnitRow, text_list};
use super::super::{ImportKind, Source};
use super::{expect, moment, plain, said};
use crate::error::Result;

const KIND: ImportKind = ImportKind::ClaudeMem;
/// The columns that have named a session, the newest first.
const SESSIONS: &[&str] = &["memory_session_id", "sdk_session_id"];
const SESSIONS_OF_HOST: &[&str] = &["content_session_id", "claude_session_id"];
/// Fields of a summary, in the order in which they are written out.
const SUMMARY: &[&str] = &[
    "request",
    "investigated",
    "learned",
    "completed",
    "next_steps",
    "notes",
];
/// Tables of versions before 4.
const OLD: &[&str] = &["memories", "overviews", "diagnostics", "transcript_events"];
/// Tables that hold no memory.
const LEFT_OUT: &[(&str, &str)] = &[
    ("pending_messages", "queue"),
    ("observation_queue", "queue"),
    ("observation_feedback", "log"),
];

/// Returns whether the database is one of claude-mem.
pub(in super::super) fn is_claude_mem(database: &ForeignDatabase) -> bool {
    database.has_table("sdk_sessions")
        && (database.has_column("observations", "type")
            || database.has_column("session_summaries", "next_steps"))
}

/// Reads a database.
pub(in super::super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(KIND);
    expect(
        database,
        "observations",
        &["title", "narrative", "facts", "project"],
        &mut survey,
    );
    expect(database, "session_summaries", SUMMARY, &mut survey);
    let sessions = sessions(database, &mut survey)?;
    observations(source, database, &mut survey)?;
    summaries(source, database, &mut survey)?;
    prompts(source, database, &sessions, &mut survey)?;
    directives(source, database, &mut survey)?;
    for (table, reason) in LEFT_OUT {
        survey.left_out.add(table, reason, database.count(table));
    }
    for table in OLD {
        let rows = database.count(table);
        if rows > 0 {
            survey.left_out.add(table, "older_version", rows);
            survey.incomplete(format!(
                "{rows} rows of the table {table} are from claude-mem before version 4, and are not read"
            ));
        }
    }
    Ok(survey)
}

/// The session and project that a session of the host is known by.
type Sessions = HashMap<String, (String, String)>;

fn sessions(database: &ForeignDatabase, survey: &mut Survey) -> Result<Sessions> {
    let columns: Vec<&str> = ["project"]
        .iter()
        .chain(SESSIONS)
        .chain(SESSIONS_OF_HOST)
        .copied()
        .collect();
    let mut sessions = Sessions::new();
    let read = database.read("sdk_sessions", &columns, &mut |row| {
        if let Some(host) = first(row, SESSIONS_OF_HOST) {
            let session = first(row, SESSIONS).unwrap_or(host).to_owned();
            let project = row.text("project").unwrap_or_default().to_owned();
            sessions.insert(host.to_owned(), (session, project));
        }
    })?;
    survey.note(read);
    Ok(sessions)
}

fn first<'r>(row: &'r ForeignRow<'_>, columns: &[&str]) -> Option<&'r str> {
    columns.iter().find_map(|column| said(row, column))
}

fn observations(
    source: &Source<'_>,
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<()> {
    let columns: Vec<&str> = [
        "id",
        "project",
        "text",
        "type",
        "title",
        "subtitle",
        "facts",
        "narrative",
        "concepts",
        "files_read",
        "files_modified",
        "prompt_number",
        "created_at",
        "created_at_epoch",
    ]
    .iter()
    .chain(SESSIONS)
    .copied()
    .collect();
    let read = database.read("observations", &columns, &mut |row| {
        let mut parts: Vec<String> = ["title", "subtitle", "narrative", "text"]
            .iter()
            .filter_map(|column| said(row, column))
            .map(str::to_owned)
            .collect();
        let facts: Vec<String> = text_list(row.text("facts"))
            .iter()
            .map(|fact| format!("- {fact}"))
            .collect();
        parts.extend((!facts.is_empty()).then(|| facts.join("\n")));
        let mut note = note(row, "observation", &parts.join("\n\n"));
        note.attributes.title = said(row, "title").map(str::to_owned);
        note.attributes.tags = text_list(row.text("concepts")).into_iter().collect();
        for column in ["type", "prompt_number"] {
            note.origin(column, plain(row, column));
        }
        for column in ["files_read", "files_modified"] {
            note.origin(column, text_list(row.text(column)));
        }
        add(source, row, note, survey);
    })?;
    survey.note(read);
    Ok(())
}

fn summaries(source: &Source<'_>, database: &ForeignDatabase, survey: &mut Survey) -> Result<()> {
    let columns: Vec<&str> = [
        "id",
        "project",
        "files_read",
        "files_edited",
        "prompt_number",
        "created_at",
        "created_at_epoch",
    ]
    .iter()
    .chain(SUMMARY)
    .chain(SESSIONS)
    .copied()
    .collect();
    let read = database.read("session_summaries", &columns, &mut |row| {
        let parts: Vec<String> = SUMMARY
            .iter()
            .filter_map(|column| {
                let name = column.replace('_', " ");
                said(row, column).map(|text| format!("{name}: {text}"))
            })
            .collect();
        let mut note = note(row, "summary", &parts.join("\n\n"));
        note.attributes.title = said(row, "request").map(str::to_owned);
        note.origin("prompt_number", plain(row, "prompt_number"));
        for column in ["files_read", "files_edited"] {
            note.origin(column, text_list(row.text(column)));
        }
        add(source, row, note, survey);
    })?;
    survey.note(read);
    Ok(())
}

fn prompts(
    source: &Source<'_>,
    database: &ForeignDatabase,
    sessions: &Sessions,
    survey: &mut Survey,
) -> Result<()> {
    // Versions before 4.2 kept no prompts.
    let columns: Vec<&str> = [
        "id",
        "prompt_number",
        "prompt_text",
        "created_at",
        "created_at_epoch",
    ]
    .iter()
    .chain(SESSIONS_OF_HOST)
    .copied()
    .collect();
    if !database.has_column("user_prompts", "prompt_text") {
        survey
            .warnings
            .push("there are no prompts in this version".to_owned());
    }
    let read = database.read("user_prompts", &columns, &mut |row| {
        let host = first(row, SESSIONS_OF_HOST).unwrap_or_default();
        let known = sessions.get(host);
        let text = row.text("prompt_text").unwrap_or_default();
        let id = row.integer("id").unwrap_or_else(|| row.number());
        let mut message = UnitRow::new(KIND, format!("prompt:{id}"), text);
        message.place.fidelity.lossy = row.is_lossy("prompt_text");
        message.attributes.kind = Kind::Message;
        message.attributes.document_time = at(row);
        message.keep("role", "user".into());
        message.origin("prompt_number", plain(row, "prompt_number"));
        message.origin("session", host);
        let session = known.map_or(host, |(session, _)| session);
        let project = known.map(|(_, project)| project.as_str());
        let namespace = survey.namespace(source.options, project);
        survey.add(namespace, format!("{KIND}:{session}"), message);
    })?;
    survey.note(read);
    Ok(())
}

/// Rules of the user, kept since 2026.
fn directives(source: &Source<'_>, database: &ForeignDatabase, survey: &mut Survey) -> Result<()> {
    let columns = &["id", "project", "content", "status", "scope", "created_at"];
    let read = database.read("directives", columns, &mut |row| {
        let text = row.text("content").unwrap_or_default();
        let mut rule = note(row, "directive", text);
        rule.place.fidelity.converted = false;
        for column in ["status", "scope"] {
            rule.origin(column, plain(row, column));
        }
        let namespace = survey.namespace(source.options, said(row, "project"));
        survey.add(namespace, format!("{KIND}:directives"), rule);
    })?;
    survey.note(read);
    Ok(())
}

fn note(row: &ForeignRow<'_>, what: &str, text: &str) -> UnitRow {
    let id = row.integer("id").unwrap_or_else(|| row.number());
    let mut note = UnitRow::new(KIND, format!("{what}:{id}"), text);
    note.place.fidelity.converted = true;
    note.attributes.kind = Kind::Note;
    note.attributes.document_time = at(row);
    note
}

fn at(row: &ForeignRow<'_>) -> Option<steadfast_model::Timestamp> {
    moment(row, "created_at_epoch").or_else(|| moment(row, "created_at"))
}

fn add(source: &Source<'_>, row: &ForeignRow<'_>, mut note: UnitRow, survey: &mut Survey) {
    let session = first(row, SESSIONS).unwrap_or("none");
    note.origin("session", session);
    note.origin("project", plain(row, "project"));
    let namespace = survey.namespace(source.options, said(row, "project"));
    survey.add(namespace, format!("{KIND}:{session}"), note);
}
