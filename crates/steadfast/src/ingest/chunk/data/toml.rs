//! TOML and its forerunners: tables and keys.

use super::super::ChunkLimits;
use super::super::pieces::line_ends;
use super::super::structure::{Label, Role, Structure};
use super::open::Nest;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A value may go over many lines, in brackets or three quotes.
    Toml,
    /// A value ends with its line, or goes on in lines that are indented.
    Ini,
}

/// Returns the structure of a TOML text.
pub(super) fn structure(text: &str, dialect: Dialect, limits: ChunkLimits) -> Structure {
    let mut scan = Scan {
        dialect,
        nest: Nest::new(limits),
        tables: Vec::new(),
        value: Value::default(),
        comment: None,
    };
    let mut start = 0;
    for end in line_ends(text, 0..text.len()) {
        scan.line(start, text.get(start..end).unwrap_or_default());
        start = end;
    }
    scan.close_to(0, text.len());
    scan.nest.structure
}

struct Scan<'t> {
    dialect: Dialect,
    nest: Nest,
    /// The names of the tables that are open, outermost first.
    tables: Vec<&'t str>,
    value: Value,
    /// Where comments before the next line begin.
    comment: Option<usize>,
}

impl<'t> Scan<'t> {
    fn line(&mut self, start: usize, line: &'t str) {
        if self.value.is_open() {
            self.value.read(line);
            return;
        }
        let content = line.trim_ascii();
        let indent = line.len() - line.trim_ascii_start().len();
        if content.is_empty() {
            self.comment = None;
            return;
        }
        if content.starts_with(['#', ';']) {
            self.comment.get_or_insert(start);
            return;
        }
        if self.dialect == Dialect::Ini && indent > 0 {
            return;
        }
        let piece = self.comment.take().unwrap_or(start);
        if let Some(name) = table_name(content) {
            self.table(start + indent, name, line, piece);
            return;
        }
        let length = key_length(content);
        let label = length.map(|length| Label::Named {
            keyword: "",
            name: start + indent..start + indent + length,
        });
        self.nest
            .member(start + indent, Some(piece), label, Role::Other);
        if self.dialect == Dialect::Toml {
            self.value
                .read(content.get(length.unwrap_or(0)..).unwrap_or_default());
        }
    }

    /// Opens a table within those that its name begins with.
    fn table(&mut self, start: usize, name: &'t str, line: &'t str, piece: usize) {
        let parts: Vec<&str> = match self.dialect {
            Dialect::Toml => parts(name).collect(),
            Dialect::Ini => vec![name],
        };
        let common = self
            .tables
            .iter()
            .zip(&parts)
            .take(parts.len().saturating_sub(1))
            .take_while(|(open, part)| open == part)
            .count();
        self.close_to(common, piece);
        let mut piece = Some(piece);
        for part in parts.into_iter().skip(common) {
            let label = Label::Written(part.trim_matches(['"', '\'']).to_owned());
            let place = piece.unwrap_or(start + line.len());
            self.nest
                .member(place, piece.take(), Some(label), Role::Definition);
            self.nest.open(place);
            self.tables.push(part);
        }
    }

    fn close_to(&mut self, depth: usize, end: usize) {
        while self.tables.len() > depth {
            self.tables.pop();
            self.nest.close(end);
        }
    }
}

/// Returns the name in the header of a table.
fn table_name(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    let is_array = inside.starts_with('[');
    let inside = inside.trim_start_matches('[');
    let end = inside.find(if is_array { "]]" } else { "]" })?;
    let behind = inside
        .get(end..)?
        .trim_start_matches(']')
        .trim_ascii_start();
    let is_header = behind.is_empty() || behind.starts_with(['#', ';']);
    let name = inside.get(..end)?.trim_ascii();
    (is_header && !name.is_empty()).then_some(name)
}

/// Yields the parts of a dotted name; dots in quotes do not part it.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    name.split(move |c| {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        c == '.' && quote.is_none()
    })
    .map(str::trim_ascii)
}

/// Returns the length of the key that a line begins with.
fn key_length(line: &str) -> Option<usize> {
    let end = line.find(['=', ':'])?;
    let key = line.get(..end)?.trim_ascii_end();
    (!key.is_empty()).then_some(key.len())
}

/// A value that may go over many lines.
#[derive(Default)]
struct Value {
    depth: usize,
    /// The three quotes that close the string it is in.
    quotes: Option<&'static str>,
}

impl Value {
    fn is_open(&self) -> bool {
        self.depth > 0 || self.quotes.is_some()
    }

    /// Takes one more line, or the end of one.
    fn read(&mut self, line: &str) {
        let mut rest = line;
        loop {
            if let Some(quotes) = self.quotes {
                let Some((_, behind)) = rest.split_once(quotes) else {
                    return;
                };
                self.quotes = None;
                rest = behind;
            }
            let Some(place) = rest.find(['"', '\'', '[', ']', '{', '}', '#']) else {
                return;
            };
            let (_, at) = rest.split_at(place);
            let mut behind = at.get(1..).unwrap_or_default();
            match at.as_bytes().first() {
                Some(b'#') => return,
                Some(b'[' | b'{') => self.depth += 1,
                Some(b']' | b'}') => self.depth = self.depth.saturating_sub(1),
                Some(b'"') if at.starts_with("\"\"\"") => {
                    self.quotes = Some("\"\"\"");
                    behind = at.get(3..).unwrap_or_default();
                }
                Some(b'\'') if at.starts_with("'''") => {
                    self.quotes = Some("'''");
                    behind = at.get(3..).unwrap_or_default();
                }
                Some(b'\'') => behind = behind.split_once('\'').map_or("", |(_, behind)| behind),
                _ => behind = behind_string(behind),
            }
            rest = behind;
        }
    }
}

/// Returns what follows a string whose first quote was read.
fn behind_string(text: &str) -> &str {
    let mut is_escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return text.get(place + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}
