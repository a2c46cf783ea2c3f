//! Changing one setting in a file while the rest, comments too, stays as it is.
//!
//! Lines are edited, and the result is read back before it is written: when it
//! does not say what was meant, or another setting changed, nothing is written.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::file;
use super::keys::Key;
use crate::error::Failure;

/// Sets a setting in a file, which is created when it is missing.
pub(crate) fn set(path: &Path, key: &Key, value: &str) -> Result<(), Failure> {
    key.check(value)?;
    change(path, key, Some(value)).map(drop)
}

/// Takes a setting out of a file; returns whether it was there.
pub(crate) fn unset(path: &Path, key: &Key) -> Result<bool, Failure> {
    change(path, key, None)
}

fn change(path: &Path, key: &Key, value: Option<&str>) -> Result<bool, Failure> {
    let at_path = |failure: Failure| failure.at(path.display().to_string());
    let before = file::text(path)?;
    let mut wanted = file::parse(&before).map_err(at_path)?;
    let was_set = match value {
        Some(value) => wanted
            .insert(key.name.to_owned(), file::plain(key.sort.value(value)))
            .is_some(),
        None => wanted.remove(key.name).is_some(),
    };
    if value.is_none() && !was_set {
        return Ok(false);
    }
    let after = edited(&before, key, value);
    if file::parse(&after).ok().as_ref() != Some(&wanted) {
        return Err(at_path(
            Failure::new(
                "invalid_config",
                format!("{} is written in a way that cannot be edited", key.name),
            )
            .hint("change it by hand"),
        ));
    }
    write(path, &after).map_err(|error| {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let kind = [
            (PermissionDenied, "permission"),
            (ReadOnlyFilesystem, "read_only"),
            (StorageFull, "disk_full"),
            (QuotaExceeded, "disk_full"),
        ];
        let kind = kind
            .iter()
            .find(|(kind, _)| *kind == error.kind())
            .map_or("io", |(_, name)| name);
        at_path(Failure::new(
            kind,
            format!("the file cannot be written: {error}"),
        ))
    })?;
    Ok(was_set)
}

/// Returns the text with a setting changed, or without it.
fn edited(text: &str, key: &Key, value: Option<&str>) -> String {
    // A name without a table stands before the first one.
    let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
    let line = value.map(|value| format!("{name} = {}", key.sort.value(value)));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut current = String::new();
    let (mut table_at, mut found_at) = (None, None);
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            header
                .split(']')
                .next()
                .unwrap_or_default()
                .trim()
                .clone_into(&mut current);
            if current == table {
                table_at = Some(index);
            }
        } else if let Some((left, _)) = line.split_once('=') {
            let left = left.trim();
            if (current == table && left == name) || (current.is_empty() && left == key.name) {
                found_at = Some((index, left.to_owned()));
            }
        }
    }
    match (found_at, table_at, line) {
        (Some((index, left)), _, Some(line)) => {
            let value = line.split_once('=').map_or("", |(_, value)| value);
            let comment = lines
                .get(index)
                .and_then(|old| old.split_once(" #"))
                .map(|(_, comment)| format!(" #{comment}"));
            let new = format!("{left} ={value}{}", comment.unwrap_or_default());
            lines.splice(index..=index, [new]);
        }
        (Some((index, _)), _, None) => drop(lines.remove(index)),
        (None, Some(index), Some(line)) => lines.insert(index + 1, line),
        (None, None, Some(line)) if table.is_empty() => lines.insert(0, line),
        (None, None, Some(line)) => {
            if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                lines.push(String::new());
            }
            lines.extend([format!("[{table}]"), line]);
        }
        (None, _, None) => {}
    }
    let mut out = lines.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Writes a file whole or not at all, private to the user.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_private_folder(folder)?;
    }
    let temporary = path.with_extension(format!("toml.{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::find;

    fn check(before: &str, key: &str, value: Option<&str>, after: &str) {
        assert_eq!(edited(before, find(key).unwrap(), value), after);
    }

    #[test]
    fn comments_and_other_settings_stay() {
        check("", "search.limit", Some("5"), "[search]\nlimit = 5\n");
        check(
            "# mine\n[search]\nmode = \"text\" # fast\n",
            "search.limit",
            Some("5"),
            "# mine\n[search]\nlimit = 5\nmode = \"text\" # fast\n",
        );
        check(
            "[search]\nlimit = 7 # enough\n",
            "search.limit",
            Some("5"),
            "[search]\nlimit = 5 # enough\n",
        );
        check(
            "search.limit = 7\n",
            "search.limit",
            Some("5"),
            "search.limit = 5\n",
        );
        check("[search]\nlimit = 7\n", "search.limit", None, "[search]\n");
        check(
            "[search]\nlimit = 7\n",
            "store.journal",
            Some("truncate"),
            "[search]\nlimit = 7\n\n[store]\njournal = \"truncate\"\n",
        );
    }

    #[test]
    fn what_cannot_be_edited_is_refused_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "search = { limit = 7 }\n").unwrap();
        assert!(set(&path, find("search.limit").unwrap(), "5").is_err());
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "search = { limit = 7 }\n"
        );
        fs::write(&path, "not toml").unwrap();
        assert!(set(&path, find("search.limit").unwrap(), "5").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "not toml");
    }

    #[test]
    fn switches_and_lists_are_written_as_such() {
        check(
            "",
            "redact.enabled",
            Some("false"),
            "[redact]\nenabled = false\n",
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let key = find("redact.rules").unwrap();
        let value = r#"[{kind="badge",pattern='BADGE-\d+ "x"'}]"#;
        set(&path, key, value).unwrap();
        let table: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        assert_eq!(
            table["redact"]["rules"][0]["pattern"].as_str().unwrap(),
            "BADGE-\\d+ \"x\""
        );
        // Tables below a header of their own are for people to change.
        fs::write(&path, "[[redact.rules]]\nkind = \"a\"\npattern = \"b\"\n").unwrap();
        assert!(
            file::File::read(&path)
                .unwrap()
                .value(key.name)
                .unwrap()
                .contains("pattern")
        );
        assert!(set(&path, key, "[]").is_err());
    }

    #[test]
    fn a_value_with_quotes_survives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        let key = find("namespace.default").unwrap();
        set(&path, key, "a \"b\" \\ c # d").unwrap();
        assert_eq!(
            file::File::read(&path).unwrap().value(key.name).unwrap(),
            "a \"b\" \\ c # d"
        );
        assert!(unset(&path, key).unwrap());
        assert!(!unset(&path, key).unwrap());
    }
}
