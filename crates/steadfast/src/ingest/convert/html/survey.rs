//! The first pass: what must be known of an element before its content is written.
//!
//! A table is data when its rows have several cells and hold nothing but lines;
//! tables that arrange a page hold headings, code or other tables. A block of
//! code needs a fence longer than any inside, and its language.

use std::ops::Range;

use super::events::{Sink, Tag};

/// The longest name of a language.
const LANGUAGE_BYTES_MAX: usize = 32;

/// What a document holds; tables and blocks of code by the places of their tags, which ascend.
#[derive(Debug, Default)]
pub(super) struct Survey {
    tables: Vec<Table>,
    code: Vec<Code>,
    open_tables: Vec<usize>,
    cells: u32,
    in_code: bool,
    backticks: u32,
}

/// A table.
#[derive(Clone, Copy, Debug)]
struct Table {
    start: usize,
    has_blocks: bool,
    has_columns: bool,
}

/// A block of code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    start: usize,
    /// The longest run of backticks in it.
    pub(super) backticks: u32,
    /// The language, when the document says so.
    pub(super) language: Option<Box<str>>,
}

impl Survey {
    /// Returns whether the table whose tag begins at `start` is data, and not the arrangement of a page.
    pub(super) fn is_data(&self, start: usize) -> bool {
        let found = self
            .tables
            .binary_search_by_key(&start, |table| table.start);
        let table = found.ok().and_then(|index| self.tables.get(index));
        table.is_some_and(|table| table.has_columns && !table.has_blocks)
    }

    /// Returns the block of code whose tag begins at `start`.
    pub(super) fn code(&self, start: usize) -> Option<&Code> {
        let found = self.code.binary_search_by_key(&start, |code| code.start);
        self.code.get(found.ok()?)
    }

    fn mark_blocks(&mut self) {
        if let Some(table) = self.table() {
            table.has_blocks = true;
        }
    }

    fn table(&mut self) -> Option<&mut Table> {
        let open = *self.open_tables.last()?;
        self.tables.get_mut(open)
    }

    fn open_code(&mut self, tag: &Tag<'_>) {
        self.mark_blocks();
        self.in_code = true;
        self.backticks = 0;
        self.code.push(Code {
            start: tag.origin.start,
            backticks: 0,
            language: language(tag),
        });
    }
}

impl Sink for Survey {
    fn open(&mut self, tag: &Tag<'_>) {
        if self.in_code {
            if let Some(code) = self.code.last_mut().filter(|code| code.language.is_none()) {
                code.language = language(tag);
            }
            return;
        }
        match tag.name {
            b"table" => {
                self.mark_blocks();
                self.open_tables.push(self.tables.len());
                self.tables.push(Table {
                    start: tag.origin.start,
                    has_blocks: false,
                    has_columns: false,
                });
                self.cells = 0;
            }
            b"tr" => self.cells = 0,
            b"td" | b"th" => {
                self.cells += 1;
                let has_columns = self.cells > 1;
                if let Some(table) = self.table() {
                    table.has_columns |= has_columns;
                }
            }
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => self.mark_blocks(),
            name if is_code(name) => self.open_code(tag),
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8], _: Range<usize>) {
        if self.in_code {
            self.in_code = !is_code(name);
        } else if name == b"table" {
            self.open_tables.pop();
        }
    }

    fn text(&mut self, text: &str, _: Range<usize>) {
        if !self.in_code {
            return;
        }
        let Some(code) = self.code.last_mut() else {
            return;
        };
        for byte in text.bytes() {
            if byte == b'`' {
                self.backticks += 1;
                code.backticks = code.backticks.max(self.backticks);
            } else {
                self.backticks = 0;
            }
        }
    }
}

/// Returns whether an element holds text that is shown as it stands.
pub(super) fn is_code(name: &[u8]) -> bool {
    matches!(name, b"pre" | b"xmp" | b"listing" | b"plaintext")
}

/// Returns the language that the class of an element names, as highlighters do.
fn language(tag: &Tag<'_>) -> Option<Box<str>> {
    let classes = tag.attribute("class")?;
    classes.split_ascii_whitespace().find_map(|class| {
        let name = ["language-", "lang-", "highlight-source-", "brush:"]
            .into_iter()
            .find_map(|prefix| class.strip_prefix(prefix))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+-#._".contains(c);
        let fits = (1..=LANGUAGE_BYTES_MAX).contains(&name.len()) && name.chars().all(is_name);
        fits.then(|| name.into())
    })
}
