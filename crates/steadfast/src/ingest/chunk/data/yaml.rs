//! YAML, by the indentation of its lines.
//!
//! The text of block scalars is left alone. Collections in brackets and
//! strings over many lines are read as the lines they stand on.

use super::super::ChunkLimits;
use super::super::pieces::line_ends;
use super::super::structure::{Label, Role, Structure};
use super::open::Nest;

/// Items of lists that may begin on one line.
const ITEMS_MAX: usize = 16;

/// Returns the structure of a YAML text.
pub(super) fn structure(text: &str, limits: ChunkLimits) -> Structure {
    let mut scan = Scan {
        nest: Nest::new(limits),
        levels: Vec::new(),
        scalar_indent: None,
        comment: None,
    };
    let mut start = 0;
    for end in line_ends(text, 0..text.len()) {
        let line = text.get(start..end).unwrap_or_default();
        scan.line(start, line);
        start = end;
    }
    scan.close_from(0, text.len());
    scan.nest.structure
}

struct Scan {
    nest: Nest,
    /// How far what is open is indented: twice the column, and one more for the item of a list.
    levels: Vec<usize>,
    /// Lines that are indented deeper are text of a block scalar.
    scalar_indent: Option<usize>,
    /// Where comments before the next line begin.
    comment: Option<usize>,
}

impl Scan {
    fn line(&mut self, start: usize, line: &str) {
        let content = line.trim_ascii();
        let indent = line.len() - line.trim_ascii_start().len();
        if content.is_empty() {
            self.comment = None;
            return;
        }
        if self.scalar_indent.is_some_and(|scalar| indent > scalar) {
            return;
        }
        self.scalar_indent = None;
        if content.starts_with('#') {
            self.comment.get_or_insert(start);
            return;
        }
        let piece = self.comment.take().unwrap_or(start);
        if indent == 0 && matches!(content.get(..3), Some("---" | "...")) {
            self.close_from(0, piece);
            self.nest.member(start, Some(piece), None, Role::Other);
            return;
        }
        self.entries(start + indent, indent, content, piece);
    }

    /// Takes the items and the key of a line.
    fn entries(&mut self, start: usize, indent: usize, content: &str, piece: usize) {
        let mut rest = content;
        let mut piece = Some(piece);
        for _ in 0..ITEMS_MAX {
            let column = content.len() - rest.len();
            let Some(behind) = rest.strip_prefix('-').filter(|behind| {
                behind.is_empty() || behind.starts_with(' ') || behind.starts_with('\t')
            }) else {
                break;
            };
            self.enter(
                start + column,
                2 * (indent + column) + 1,
                piece.take(),
                None,
                Role::Other,
            );
            rest = behind.trim_ascii_start();
        }
        let column = content.len() - rest.len();
        if let Some(key) = key(rest) {
            let from = start + column;
            let label = Label::Named {
                keyword: "",
                name: from + key.start..from + key.end,
            };
            let value = rest.get(key.end..).unwrap_or_default();
            let value = value.trim_start_matches(['"', '\'', ':', ' ', '\t']);
            let role = if value.is_empty() || value.starts_with('#') {
                Role::Definition
            } else {
                Role::Other
            };
            self.enter(from, 2 * (indent + column), piece.take(), Some(label), role);
        } else if let Some(piece) = piece {
            self.close_from(2 * indent + 1, piece);
            self.nest.member(start, Some(piece), None, Role::Other);
        }
        if begins_scalar(rest) {
            self.scalar_indent = Some(
                indent
                    + if rest.len() < content.len() && key(rest).is_some() {
                        column
                    } else {
                        0
                    },
            );
        }
    }

    fn enter(
        &mut self,
        start: usize,
        level: usize,
        piece: Option<usize>,
        label: Option<Label>,
        role: Role,
    ) {
        let place = piece.unwrap_or(start);
        self.close_from(level, place);
        self.nest.member(start, piece, label, role);
        self.nest.open(place);
        self.levels.push(level);
    }

    /// Closes what is indented as far as `level`, or further.
    fn close_from(&mut self, level: usize, end: usize) {
        while self.levels.pop_if(|open| *open >= level).is_some() {
            self.nest.close(end);
        }
    }
}

/// Returns where the key of a line stands in it, without its quotes.
fn key(line: &str) -> Option<std::ops::Range<usize>> {
    let first = line.bytes().next()?;
    if matches!(first, b'"' | b'\'') {
        let length = line.get(1..)?.find(char::from(first))?;
        let behind = line.get(length + 2..)?;
        return behind
            .trim_ascii_start()
            .starts_with(':')
            .then_some(1..1 + length);
    }
    if matches!(first, b'{' | b'[' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`') {
        return None;
    }
    let end = line
        .match_indices(':')
        .map(|(place, _)| place)
        .find(|place| {
            line.as_bytes()
                .get(place + 1)
                .is_none_or(u8::is_ascii_whitespace)
        })?;
    let key = line.get(..end)?.trim_ascii_end();
    (!key.is_empty() && !key.contains(" #")).then_some(0..key.len())
}

/// Returns whether a line ends with the mark of a block scalar.
fn begins_scalar(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or_default().trim_ascii_end();
    let mark = line.rsplit([' ', '\t']).next().unwrap_or_default();
    let Some(rest) = mark.strip_prefix(['|', '>']) else {
        return false;
    };
    rest.len() <= 2
        && rest
            .bytes()
            .all(|byte| matches!(byte, b'-' | b'+' | b'1'..=b'9'))
}
