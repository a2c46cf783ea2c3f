//! Chores of the workspace, run as `cargo xtask <chore>`.
//!
//! `tidy` checks the rules of the house that the compiler cannot know. It reads the
//! checkout and changes nothing: mending is left to whoever reads the findings.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::tidy::Tree;

mod tidy;

const USAGE: &str = "usage: cargo xtask <chore>

chores:
  tidy   check the direction of crates and rooms, file lengths, dead files, links and words
";

/// Folders at the root that hold no source of ours.
const SKIPPED_FOLDERS: &[&str] = &[".git", ".steadfast", ".venv", "node_modules", "target"];

/// Deeper folders than this are a link loop or somebody else's tree.
const DEPTH_MAX: usize = 16;

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("tidy"), None) => tidy(),
        (Some("help" | "--help" | "-h"), None) => {
            io::stdout().write_all(USAGE.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            io::stderr().write_all(USAGE.as_bytes())?;
            Ok(ExitCode::from(2))
        }
    }
}

fn tidy() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in a folder of the workspace")?;
    let tree = load(root)?;
    let findings = tidy::check(&tree);
    let mut stdout = io::stdout().lock();
    for finding in &findings {
        writeln!(stdout, "{finding}")?;
    }
    let mut stderr = io::stderr().lock();
    if findings.is_empty() {
        writeln!(stderr, "tidy: {} files, nothing to mend", tree.len())?;
        Ok(ExitCode::SUCCESS)
    } else {
        writeln!(
            stderr,
            "tidy: {} files, {} findings",
            tree.len(),
            findings.len()
        )?;
        Ok(ExitCode::FAILURE)
    }
}

/// Reads the checkout: the text of sources, manifests and pages, the names of all else.
fn load(root: &Path) -> Result<Tree> {
    let mut files = Vec::new();
    let mut folders: Vec<(PathBuf, usize)> = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        ensure!(
            depth <= DEPTH_MAX,
            "{} is more than {DEPTH_MAX} folders deep",
            folder.display()
        );
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            let name = entry.file_name();
            let path = entry.path();
            let kind = entry
                .file_type()
                .with_context(|| format!("look at {}", path.display()))?;
            if kind.is_dir() {
                let is_skipped = depth == 0 && SKIPPED_FOLDERS.iter().any(|skip| name == **skip);
                if !is_skipped {
                    folders.push((path, depth + 1));
                }
            } else {
                let text = if kind.is_file() && is_read(&path) {
                    let bytes =
                        fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                    // Data for tests may be broken on purpose; broken sources do not compile.
                    String::from_utf8_lossy(&bytes).into_owned()
                } else {
                    String::new()
                };
                files.push((relative(root, &path)?, text));
            }
        }
    }
    ensure!(!files.is_empty(), "{} holds no files", root.display());
    Ok(Tree::new(files))
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let parts: Vec<_> = path
        .strip_prefix(root)?
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(parts.join("/"))
}

/// Sources, manifests and pages are read; of all else the name is enough.
fn is_read(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "rs" || extension == "toml" || extension == "md")
}
