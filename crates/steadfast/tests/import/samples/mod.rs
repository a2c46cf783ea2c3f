//! A small healthy input of each kind, as its program would have made it.

mod conversations;
mod notes;
mod stores;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use steadfast::ImportKind;
use zip::write::SimpleFileOptions;

pub(crate) use self::conversations::{gemini_session, gpt_chats, slack_files};
pub(crate) use self::notes::notion_files;
pub(crate) use self::stores::{point, point_with};
use crate::support::Place;
use crate::vectors::with_index;

/// An input and what it is.
pub(crate) struct Sample {
    pub(crate) kind: ImportKind,
    /// What sets it apart from others of its kind.
    pub(crate) name: &'static str,
    /// Makes it, and returns what is imported.
    pub(crate) make: fn(&Place) -> PathBuf,
    /// Memories that it holds.
    pub(crate) read: u64,
}

const fn sample(
    kind: ImportKind,
    name: &'static str,
    make: fn(&Place) -> PathBuf,
    read: u64,
) -> Sample {
    Sample {
        kind,
        name,
        make,
        read,
    }
}

pub(crate) const SAMPLES: &[Sample] = &[
    sample(ImportKind::MemPalace, "folder", stores::palace, 4),
    sample(ImportKind::MemPalace, "vectors", with_index, 12),
    sample(ImportKind::Chroma, "database", stores::chroma, 2),
    sample(ImportKind::Memtomem, "database", stores::memtomem, 2),
    sample(ImportKind::Memtomem, "bundle", stores::memtomem_bundle, 2),
    sample(ImportKind::OpenHuman, "database", stores::openhuman, 2),
    sample(ImportKind::Bundle, "file", stores::bundle, 3),
    sample(ImportKind::Bundle, "packed", stores::bundle_packed, 3),
    sample(
        ImportKind::ClaudeCode,
        "folder",
        conversations::claude_code,
        2,
    ),
    sample(ImportKind::Codex, "folder", conversations::codex, 2),
    sample(ImportKind::ChatGpt, "file", conversations::chat_gpt, 2),
    sample(
        ImportKind::ChatGpt,
        "archive",
        conversations::chat_gpt_zip,
        4,
    ),
    sample(ImportKind::ClaudeAi, "file", conversations::claude_ai, 2),
    sample(
        ImportKind::ClaudeAi,
        "archive",
        conversations::claude_ai_zip,
        2,
    ),
    sample(ImportKind::Gemini, "folder", conversations::gemini, 6),
    sample(ImportKind::Gemini, "lines", conversations::gemini_lines, 3),
    sample(ImportKind::Cursor, "database", conversations::cursor, 5),
    sample(
        ImportKind::CursorAgent,
        "folder",
        conversations::cursor_agent,
        3,
    ),
    sample(ImportKind::Copilot, "vscode", conversations::copilot, 3),
    sample(ImportKind::Copilot, "cli", conversations::copilot_cli, 3),
    sample(ImportKind::Slack, "folder", conversations::slack, 4),
    sample(ImportKind::Slack, "archive", conversations::slack_zip, 4),
    sample(ImportKind::Obsidian, "folder", notes::obsidian, 3),
    sample(ImportKind::Obsidian, "archive", notes::obsidian_zip, 3),
    sample(ImportKind::Notion, "folder", notes::notion, 4),
    sample(ImportKind::Notion, "archive", notes::notion_zip, 4),
    sample(ImportKind::BasicMemory, "database", stores::basic_memory, 5),
    sample(ImportKind::ClaudeMem, "database", stores::claude_mem, 4),
    sample(ImportKind::Mem0, "folder", stores::mem0, 3),
    sample(ImportKind::Mem0, "history", stores::mem0_history, 2),
    sample(ImportKind::McpMemoryService, "database", stores::mcp, 2),
    sample(ImportKind::Transcript, "file", conversations::transcript, 4),
];

pub(crate) fn lines(values: &[Value]) -> String {
    let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
    lines.concat()
}

pub(crate) fn write(place: &Place, name: &str, text: &str) -> PathBuf {
    let path = place.path(name);
    fs::write(&path, text).unwrap();
    path
}

/// Packs files into an archive.
pub(crate) fn pack(path: &Path, files: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

fn lay(place: &Place, folder: &str, files: &[(&str, String)]) -> PathBuf {
    for (name, text) in files {
        write(place, &format!("{folder}/{name}"), text);
    }
    place
        .path(&format!("{folder}/x"))
        .parent()
        .unwrap()
        .to_owned()
}

fn zipped(place: &Place, name: &str, files: &[(&str, String)]) -> PathBuf {
    let path = place.path(name);
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    pack(&path, &files);
    path
}
