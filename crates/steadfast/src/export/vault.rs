//! Memories as a folder of pages, which Obsidian or any editor opens: one page a source, and an index of links.
//!
//! The pages are written where they belong, and the file that says how many
//! there are comes last: a folder without it is not whole, and no import takes
//! it. The folder must be new or empty.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use steadfast_model::{Chunk, Kind, StoredCollection};
use steadfast_store::StoreError;
use steadfast_store::files::Disk;

use super::names::{Names, clean};
use super::walk::{Found, Sink, Walked};
use crate::error::{Error, Result};
use crate::import::bundle::{line, page};

/// The page that links to all others.
const INDEX: &str = "Index";

/// A vault on its way out.
pub(super) struct Vault<'d> {
    disk: &'d dyn Disk,
    folder: PathBuf,
    names: Names,
    index: File,
    records: Option<File>,
    /// The folder of the pages that come now, and the namespace it is for.
    namespace: Option<(String, String)>,
    page: Option<Page>,
    bytes: u64,
}

/// A page that is being put together.
#[derive(Default)]
struct Page {
    body: String,
    chunks: Vec<Value>,
    first: Option<Chunk>,
    tags: std::collections::BTreeSet<String>,
}

impl<'d> Vault<'d> {
    pub(super) fn begin(disk: &'d dyn Disk, folder: &Path) -> Result<Self> {
        let at = |error: &io::Error| Error::Store(StoreError::from_io(folder, error));
        let is_free = match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Error::Exists {
                    path: folder.to_owned(),
                });
            }
            Err(error) => return Err(at(&error)),
        };
        if !is_free {
            return Err(Error::NotEmpty {
                path: folder.to_owned(),
            });
        }
        disk.create_private_folder(folder)?;
        let index = disk
            .create(&folder.join(format!("{INDEX}.md")))
            .map_err(|error| at(&error))?;
        let mut names = Names::default();
        names.give("", INDEX, "");
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            names,
            index,
            records: None,
            namespace: None,
            page: None,
            bytes: 0,
        })
    }

    /// Says how much is in the vault, which makes it one; returns how many bytes it has.
    pub(super) fn finish(mut self, walked: &Walked) -> Result<u64> {
        let manifest = json!({
            "steadfast_vault": page::VERSION,
            "version": env!("CARGO_PKG_VERSION"),
            "chunks": walked.chunks,
            "pages": walked.sources,
            "collections": walked.collections,
            "records": walked.records,
            "damaged": walked.damaged.len(),
        });
        let mut text = manifest.to_string();
        text.push('\n');
        self.bytes += text.len() as u64;
        let file = self.folder.join(page::MANIFEST);
        self.disk.replace_file(&file, &[text.as_bytes()])?;
        Ok(self.bytes)
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::Store(StoreError::from_io(&self.folder, error))
    }

    fn link(&mut self, text: &str) -> Result<()> {
        self.bytes += text.len() as u64;
        let written = self.index.write_all(text.as_bytes());
        written.map_err(|error| self.failed(&error))
    }

    fn keep(&mut self, object: &Value) -> Result<()> {
        let path = self.folder.join(page::RECORDS);
        let mut file = match self.records.take() {
            Some(file) => file,
            None => self
                .disk
                .create(&path)
                .map_err(|error| self.failed(&error))?,
        };
        let text = format!("{object}\n");
        self.bytes += text.len() as u64;
        let written = file.write_all(text.as_bytes());
        self.records = Some(file);
        written.map_err(|error| self.failed(&error))
    }

    /// Returns the folder of a namespace, made and named in the index when it is new.
    fn folder_of(&mut self, namespace: &str) -> Result<String> {
        if let Some((known, folder)) = &self.namespace
            && known == namespace
        {
            return Ok(folder.clone());
        }
        let folder = self.names.give("", namespace, namespace);
        self.disk
            .create_private_folder(&self.folder.join(&folder))?;
        self.namespace = Some((namespace.to_owned(), folder.clone()));
        self.link(&format!("\n## {}\n\n", in_one_line(namespace)))?;
        Ok(folder)
    }
}

impl Sink for Vault<'_> {
    fn chunk(&mut self, found: &Found<'_>) -> Result<()> {
        self.page.get_or_insert_default().add(found);
        Ok(())
    }

    fn document_done(&mut self) -> Result<()> {
        let Some(page) = self.page.take() else {
            return Ok(());
        };
        let Some(first) = page.first.clone() else {
            return Ok(());
        };
        let folder = self.folder_of(first.namespace.as_str())?;
        let name = self.names.give(&folder, &name_of(&first), &first.source);
        let title = first.attributes.title.as_deref().unwrap_or(&name);
        let link = clean(&in_one_line(title));
        self.link(&format!("- [[{folder}/{name}|{link}]]\n"))?;
        let text = page.finish(&first, title);
        self.bytes += text.len() as u64;
        let path = self.folder.join(folder).join(format!("{name}.md"));
        let written = self
            .disk
            .create(&path)
            .and_then(|mut file| self.disk.write(&path, &mut file, text.as_bytes()));
        written.map_err(|error| self.failed(&error))
    }

    fn collection(&mut self, collection: &StoredCollection) -> Result<()> {
        self.keep(&line::collection(collection))
    }

    fn record(
        &mut self,
        collection: &StoredCollection,
        chunk: &Chunk,
        vector: Option<&[f32]>,
    ) -> Result<()> {
        self.keep(&line::record(&collection.name, chunk, vector))
    }
}

impl Page {
    /// Adds a text, and notes which bytes it is; offsets are those of the body until the page is finished.
    fn add(&mut self, found: &Found<'_>) {
        let chunk = found.chunk;
        self.tags.extend(chunk.attributes.tags.iter().cloned());
        self.first.get_or_insert_with(|| chunk.clone());
        if !self.body.is_empty() && !self.body.ends_with("\n\n") {
            self.body.push('\n');
        }
        let role = chunk.attributes.meta.get("role").and_then(Value::as_str);
        if let Some(role) = role.filter(|_| chunk.attributes.kind == Kind::Message) {
            self.put(&["**", &in_one_line(role), "**\n\n"]);
        }
        let is_fenced = matches!(chunk.attributes.kind, Kind::Code | Kind::Data);
        let fence = "`".repeat(longest_run(&chunk.text).max(2) + 1);
        if is_fenced {
            self.put(&[&fence, "\n"]);
        }
        let mut about = line::about(chunk, found.note);
        if let Value::Object(fields) = &mut about {
            fields.insert("at".to_owned(), Value::from(self.body.len()));
            fields.insert("bytes".to_owned(), Value::from(chunk.text.len()));
            // It is in the text, and read from there.
            fields.remove("links");
        }
        self.chunks.push(about);
        self.body.push_str(&chunk.text);
        if !chunk.text.ends_with('\n') {
            self.body.push('\n');
        }
        if is_fenced {
            self.put(&[&fence, "\n"]);
        }
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.body.push_str(part);
        }
    }

    fn finish(self, first: &Chunk, title: &str) -> String {
        // A text in JSON is one in YAML too.
        let quoted = |text: &str| Value::from(text).to_string();
        let tags = self.tags.iter().map(|tag| quoted(&as_tag(tag)));
        let tags: Vec<String> = tags.collect();
        let mut head = format!(
            "---\ntitle: {}\nsource: {}\nnamespace: {}\ntags: [{}]\n",
            quoted(title),
            quoted(&first.source),
            quoted(first.namespace.as_str()),
            tags.join(", ")
        );
        if let Some(time) = first.attributes.document_time {
            head = format!("{head}date: {time}\n");
        }
        head.push_str("---\n\n");
        let mut chunks = self.chunks;
        for chunk in &mut chunks {
            if let Some(at) = chunk.get_mut("at") {
                *at = Value::from(at.as_u64().unwrap_or(0) + head.len() as u64);
            }
        }
        head + &self.body + &page::comment(&chunks)
    }
}

/// Returns the name for a page: of a file its own, so that links to it are found; else the title.
fn name_of(first: &Chunk) -> String {
    let last = first.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let is_file = first.source.contains(['/', '\\']) && !stem.is_empty();
    let title = first.attributes.title.as_deref();
    match title.filter(|title| !is_file && !title.trim().is_empty()) {
        Some(title) => title.to_owned(),
        None if is_file => stem.to_owned(),
        None => first.source.clone(),
    }
}

/// Returns a tag as Obsidian takes it; the tag itself is in the comment.
fn as_tag(tag: &str) -> String {
    tag.chars()
        .map(|character| match character {
            '/' | '-' | '_' => character,
            character if character.is_alphanumeric() => character,
            _ => '-',
        })
        .collect()
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}
