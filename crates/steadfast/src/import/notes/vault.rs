//! Vaults of Obsidian: folders of Markdown with a folder `.obsidian`.
//!
//! Notes keep their text with links as `[[..]]`, which are followed wherever
//! links are. Settings are not looked at; canvases, pictures and other
//! attachments are counted.

use std::path::Path;

use super::super::files::Files;
use super::super::survey::Survey;
use super::super::{ImportKind, Source};
use super::{NoteFile, add, is_note, text};

/// The folder of settings by which a vault is known.
const SETTINGS: &str = ".obsidian/";

/// Returns whether files are a vault.
pub(in super::super) fn is_vault(path: &Path, files: &Files) -> bool {
    // A new vault has no settings in its folder of settings yet.
    path.join(SETTINGS).is_dir() || files.names().any(|name| name.starts_with(SETTINGS))
}

/// Reads a vault.
pub(in super::super) fn survey(source: &Source<'_>, files: &mut Files) -> Survey {
    let mut survey = Survey::new(ImportKind::Obsidian);
    let names: Vec<String> = files.names().map(str::to_owned).collect();
    for name in names {
        if name.starts_with(SETTINGS) || name.starts_with(".trash/") {
            continue;
        }
        if !is_note(&name) {
            let what = if name.ends_with(".canvas") {
                "canvas"
            } else {
                "attachment"
            };
            survey.left_out.add(what, "no_note", 1);
            continue;
        }
        let Some((text, is_lossy)) = text(files, &name, &mut survey) else {
            continue;
        };
        // A note is called by the name of its file, as in Obsidian.
        let title = name
            .rsplit('/')
            .next()
            .and_then(|file| file.strip_suffix(".md"));
        let note = NoteFile {
            kind: ImportKind::Obsidian,
            id: &name,
            path: &name,
            title,
            text: &text,
            is_lossy,
        };
        add(source, &note, &mut survey);
    }
    files.report(&mut survey);
    survey
}
