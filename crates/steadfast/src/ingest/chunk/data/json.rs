//! JSON, also with comments, keys without quotes, or one value a line.

use super::super::ChunkLimits;
use super::super::places::Lines;
use super::super::structure::{Label, Role, Structure};
use super::open::Nest;

/// How values follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As people like it.
    Document,
    /// Every line begins anew, so that a broken one does no harm to the others.
    Lines,
}

/// Returns the structure of a JSON text.
pub(super) fn structure(text: &str, dialect: Dialect, limits: ChunkLimits) -> Structure {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        dialect,
        lines: Lines::new(text, limits.bytes_max),
        nest: Nest::new(limits),
        starts: Vec::new(),
        is_expecting: true,
        piece_start: 0,
        comment: None,
    };
    let mut place = 0;
    while let Some(byte) = scan.bytes.get(place) {
        place = scan.step(place, *byte).max(place + 1);
    }
    while scan.nest.depth() > 0 {
        scan.nest.close(text.len());
    }
    scan.nest.structure
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Members,
    Elements,
}

struct Scan<'t> {
    bytes: &'t [u8],
    dialect: Dialect,
    lines: Lines<'t>,
    nest: Nest,
    /// What the containers hold that are followed.
    starts: Vec<Holds>,
    /// The next token begins a member or an element.
    is_expecting: bool,
    /// Where the piece of the last member begins.
    piece_start: usize,
    /// Where comments before the next member begin.
    comment: Option<usize>,
}

impl Scan<'_> {
    /// Takes the token at `place`; returns where it ends.
    fn step(&mut self, place: usize, byte: u8) -> usize {
        match byte {
            b'\n' if self.dialect == Dialect::Lines => {
                while self.nest.depth() > 0 {
                    self.nest.close(place);
                }
                self.starts.clear();
                self.is_expecting = true;
                place + 1
            }
            b' ' | b'\t' | b'\r' | b'\n' | b':' => place + 1,
            b',' => {
                self.is_expecting = true;
                place + 1
            }
            b'{' | b'[' => self.open(place, byte),
            b'}' | b']' => {
                self.close(place + 1);
                place + 1
            }
            b'"' | b'\'' => {
                let end = self.string_end(place, byte);
                self.token(place, place + 1..end.saturating_sub(1));
                end
            }
            b'/' if matches!(self.bytes.get(place + 1), Some(b'/' | b'*')) => {
                self.skip_comment(place)
            }
            _ => {
                let end = self.word_end(place);
                self.token(place, place..end);
                end
            }
        }
    }

    /// Takes a string or word, which is a key, an element, or the value of a key.
    fn token(&mut self, place: usize, inside: std::ops::Range<usize>) {
        if !self.is_expecting {
            return;
        }
        if self.holds() == Holds::Elements {
            self.member(place, None, Role::Other);
            return;
        }
        let behind = inside.end + usize::from(inside.start > place);
        let value = self
            .bytes
            .get(behind..)
            .unwrap_or_default()
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b':'));
        let role = if matches!(value, Some(b'{' | b'[')) {
            Role::Definition
        } else {
            Role::Other
        };
        let label = Label::Named {
            keyword: "",
            name: inside,
        };
        self.member(place, Some(label), role);
    }

    fn member(&mut self, place: usize, label: Option<Label>, role: Role) {
        self.is_expecting = self.starts.is_empty() && self.nest.depth() == 0;
        let piece = self.lines.place(place);
        let piece = self.comment.take().or(piece);
        self.piece_start = piece.unwrap_or(place);
        self.nest.member(place, piece, label, role);
    }

    fn open(&mut self, place: usize, byte: u8) -> usize {
        if self.is_expecting {
            self.member(place, None, Role::Other);
        }
        self.nest.open(self.piece_start);
        if self.nest.is_followed() {
            self.starts.push(if byte == b'{' {
                Holds::Members
            } else {
                Holds::Elements
            });
        }
        self.is_expecting = true;
        self.comment = None;
        place + 1
    }

    fn close(&mut self, end: usize) {
        if self.nest.is_followed() {
            self.starts.pop();
        }
        self.nest.close(end);
        self.comment = None;
        self.is_expecting = self.nest.depth() == 0;
    }

    fn holds(&self) -> Holds {
        self.starts.last().copied().unwrap_or(Holds::Elements)
    }

    /// Returns where the string that begins at `place` ends; at the latest where its line does.
    fn string_end(&self, place: usize, quote: u8) -> usize {
        let mut is_escaped = false;
        for (offset, byte) in self.rest(place + 1).iter().enumerate() {
            let end = place + 1 + offset;
            match byte {
                b'\n' => return end,
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                _ if *byte == quote => return end + 1,
                _ => {}
            }
        }
        self.bytes.len()
    }

    fn word_end(&self, place: usize) -> usize {
        let is_mark = |byte: &u8| {
            matches!(
                byte,
                b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"'
            )
        };
        let rest = self.rest(place);
        place + rest.iter().position(is_mark).unwrap_or(rest.len())
    }

    fn skip_comment(&mut self, place: usize) -> usize {
        if self.is_expecting && self.comment.is_none() {
            self.comment = self.lines.place(place);
        }
        let rest = self.rest(place + 2);
        if self.bytes.get(place + 1) == Some(&b'/') {
            let length = rest.iter().position(|byte| *byte == b'\n');
            return place + 2 + length.unwrap_or(rest.len());
        }
        let length = rest.windows(2).position(|pair| pair == b"*/");
        place + 2 + length.map_or(rest.len(), |length| length + 2)
    }

    fn rest(&self, place: usize) -> &[u8] {
        self.bytes.get(place..).unwrap_or_default()
    }
}
