//! What was done to the disk, in order.
//!
//! Files are known by number, as inodes are: a name that is deleted and made
//! again is another file, and a rename takes the file along.

use std::collections::BTreeMap;
use std::path::Path;

use crate::image::Image;

/// The number of a file.
pub(crate) type FileNumber = usize;

/// A change of the disk. Names are relative to its root, with `/` between folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A name was given to a new, empty file.
    Create {
        /// The name.
        name: String,
        /// The file.
        file: usize,
    },
    /// A folder was created.
    CreateFolder {
        /// Its name.
        name: String,
    },
    /// Bytes were written.
    Write {
        /// The file.
        file: usize,
        /// Where.
        offset: u64,
        /// What.
        bytes: Box<[u8]>,
    },
    /// A file was cut or extended.
    Truncate {
        /// The file.
        file: usize,
        /// Its length.
        length: u64,
    },
    /// All before is on the medium, as far as it is about this file.
    Sync {
        /// The file.
        file: usize,
    },
    /// A flush failed: what was written before may be lost, and no later flush will bring it there.
    SyncFailed {
        /// The file.
        file: usize,
    },
    /// All before is on the medium, as far as it is about names in this folder.
    SyncFolder {
        /// The folder; empty for the root.
        name: String,
    },
    /// A name was taken away.
    Delete {
        /// The name.
        name: String,
    },
    /// A file got another name as well.
    Link {
        /// The new name.
        name: String,
        /// The file.
        file: usize,
    },
    /// A name was changed, over another where there was one.
    Rename {
        /// From.
        from: String,
        /// To.
        to: String,
    },
}

/// The events of a disk, and which name means which file now.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) events: Vec<Event>,
    names: BTreeMap<String, FileNumber>,
    next: FileNumber,
}

impl Journal {
    /// Returns the file of a name, as a new one when there is none.
    pub(crate) fn file(&mut self, name: &str) -> FileNumber {
        if let Some(file) = self.names.get(name) {
            return *file;
        }
        let file = self.next;
        self.next += 1;
        self.names.insert(name.to_owned(), file);
        self.events.push(Event::Create {
            name: name.to_owned(),
            file,
        });
        file
    }

    /// Writes down an image as flushed.
    pub(crate) fn begin_with(&mut self, image: &Image) {
        for name in &image.folders {
            self.push(Event::CreateFolder { name: name.clone() });
        }
        for (name, content) in &image.files {
            let file = self.file(name);
            self.push(Event::Write {
                file,
                offset: 0,
                bytes: content.as_slice().into(),
            });
            self.push(Event::Sync { file });
        }
        let root = String::new();
        let folders = std::iter::once(&root).chain(&image.folders);
        self.events
            .extend(folders.map(|name| Event::SyncFolder { name: name.clone() }));
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Gives a file another name as well.
    pub(crate) fn link(&mut self, from: &str, to: &str) {
        let file = self.file(from);
        self.names.insert(to.to_owned(), file);
        self.events.push(Event::Link {
            name: to.to_owned(),
            file,
        });
    }

    pub(crate) fn delete(&mut self, name: &str) {
        if self.names.remove(name).is_some() {
            self.events.push(Event::Delete {
                name: name.to_owned(),
            });
        }
    }

    /// Renames a file, or a folder with all that is in it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let inside = format!("{from}/");
        let moved: Vec<(String, FileNumber)> = self
            .names
            .iter()
            .filter(|(name, _)| *name == from || name.starts_with(&inside))
            .map(|(name, file)| (name.clone(), *file))
            .collect();
        for (name, file) in moved {
            self.names.remove(&name);
            let rest = name.get(from.len()..).unwrap_or_default();
            self.names.insert(format!("{to}{rest}"), file);
        }
        self.events.push(Event::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }
}

/// Returns a path below the root of a disk as a name.
pub(crate) fn name_below(root: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(root).ok()?;
    let parts: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    Some(parts.join("/"))
}
