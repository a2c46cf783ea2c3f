//! Lines and words of a page, from where a PDF places its text.
//!
//! A PDF has no lines: it places strings, some of one letter, at points. A
//! string that is placed lower begins a line, much lower a paragraph, and one
//! that begins behind the end of the last a word. The end is reckoned from the
//! widths of the font (ISO 32000-1, 9.2.4), or from a mean width where those
//! are in a form that is not read here.

use std::collections::HashMap;

use lopdf::content::Operation;
use lopdf::{Dictionary, Document, Encoding, Object, ObjectId};

/// The most that the tables of one font may unpack to; the largest real ones are a few hundred kilobytes.
const FONT_BYTES_MAX: usize = 1 << 20;
/// The most fonts of one page, and that are kept at once.
const FONTS_MAX: usize = 100;
/// The width of a letter that has none of its own, in thousandths of the size of the font.
const WIDTH: f32 = 500.0;
/// A gap of more than this part of the size of the font parts words.
const SPACE: f32 = 0.2;
/// Text is on another line when it stands lower or higher by more than this part of the size of the font.
const LINE: f32 = 0.4;
/// Lines that are further apart than this part of the size of the font are paragraphs.
const PARAGRAPH: f32 = 1.8;

/// The fonts of a document, as far as they were needed, and their names on a page.
#[derive(Default)]
pub(super) struct Fonts<'d> {
    all: Vec<Font<'d>>,
    /// By the address of the dictionary, since most pages use the same ones.
    known: HashMap<*const Dictionary, usize>,
    names: HashMap<Vec<u8>, usize>,
}

struct Font<'d> {
    encoding: Option<Encoding<'d>>,
    first: usize,
    widths: Vec<f32>,
}

impl<'d> Fonts<'d> {
    /// Takes the names of a page.
    pub(super) fn turn_to(&mut self, document: &'d Document, page: ObjectId) -> lopdf::Result<()> {
        self.names.clear();
        if self.all.len() > FONTS_MAX {
            self.all.clear();
            self.known.clear();
        }
        for (name, dictionary) in document
            .get_page_fonts(page)
            .unwrap_or_default()
            .into_iter()
            .take(FONTS_MAX)
        {
            let key = std::ptr::from_ref(dictionary);
            let index = if let Some(&index) = self.known.get(&key) {
                index
            } else {
                self.all.push(Font::read(document, dictionary)?);
                self.known.insert(key, self.all.len() - 1);
                self.all.len() - 1
            };
            self.names.insert(name, index);
        }
        Ok(())
    }

    fn get(&self, name: &[u8]) -> Option<usize> {
        self.names.get(name).copied()
    }
}

impl<'d> Font<'d> {
    fn read(document: &'d Document, dictionary: &'d Dictionary) -> lopdf::Result<Self> {
        let encoding = match dictionary.get_font_encoding_with_limit(document, FONT_BYTES_MAX) {
            Ok(encoding) => Some(encoding),
            Err(error @ lopdf::Error::Decompress(_)) => return Err(error),
            Err(_) => None,
        };
        let entry = |name: &[u8]| {
            let object = dictionary.get(name).ok()?;
            document.dereference(object).ok().map(|(_, object)| object)
        };
        let first = entry(b"FirstChar").and_then(|first| first.as_i64().ok());
        let widths = entry(b"Widths").and_then(|widths| widths.as_array().ok());
        let widths = widths.map_or(&[][..], Vec::as_slice).iter();
        Ok(Self {
            encoding,
            first: first
                .and_then(|first| usize::try_from(first).ok())
                .unwrap_or(0),
            widths: widths.map(|width| number(width).unwrap_or(WIDTH)).collect(),
        })
    }

    /// Returns the width of a string, in parts of the size of the font.
    fn width(&self, string: &[u8], letters: usize) -> f32 {
        if self.widths.is_empty() {
            return WIDTH / 1_000.0 * as_f32(letters);
        }
        let widths = string.iter().map(|&byte| {
            let place = usize::from(byte).checked_sub(self.first);
            place
                .and_then(|place| self.widths.get(place))
                .unwrap_or(&WIDTH)
        });
        widths.sum::<f32>() / 1_000.0
    }
}

/// The state of text on a page, and the text so far.
pub(super) struct Lines<'t> {
    text: &'t mut String,
    font: Option<usize>,
    size: f32,
    leading: f32,
    /// The scale and the origin of the text matrix; turned text counts as if it were level.
    scale: (f32, f32),
    line: (f32, f32),
    at: f32,
    /// Where the last string ended.
    last: Option<(f32, f32)>,
    start: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t mut String) -> Self {
        if !text.is_empty() {
            text.push('\n');
        }
        Self {
            start: text.len(),
            text,
            font: None,
            size: 1.0,
            leading: 0.0,
            scale: (1.0, 1.0),
            line: (0.0, 0.0),
            at: 0.0,
            last: None,
        }
    }

    /// Ends the last line of the page.
    pub(super) fn finish(self) {
        if self.text.len() > self.start {
            self.text.push('\n');
        }
    }

    /// Follows one operation of the page.
    pub(super) fn operation(&mut self, fonts: &Fonts<'_>, operation: &Operation) {
        let operands = operation.operands.as_slice();
        let value = |index: usize| operands.get(index).and_then(number).unwrap_or(0.0);
        match operation.operator.as_str() {
            "BT" => {
                self.scale = (1.0, 1.0);
                self.move_to((0.0, 0.0));
            }
            "Tf" => {
                let name = operands.first().and_then(|name| name.as_name().ok());
                self.font = name.and_then(|name| fonts.get(name));
                self.size = value(1).abs();
            }
            "TL" => self.leading = value(0),
            "Td" => self.move_by(value(0), value(1)),
            "TD" => {
                self.leading = -value(1);
                self.move_by(value(0), value(1));
            }
            "T*" => self.move_by(0.0, -self.leading),
            "Tm" => {
                let across = value(0).hypot(value(1));
                let down = value(2).hypot(value(3));
                self.scale = (across.max(f32::EPSILON), down.max(f32::EPSILON));
                self.move_to((value(4), value(5)));
            }
            "Tj" => self.show_all(fonts, operands),
            "TJ" => {
                let pieces = operands.first().and_then(|pieces| pieces.as_array().ok());
                self.show_all(fonts, pieces.map_or(&[][..], Vec::as_slice));
            }
            "'" => {
                self.move_by(0.0, -self.leading);
                self.show_all(fonts, operands);
            }
            "\"" => {
                self.move_by(0.0, -self.leading);
                self.show_all(fonts, operands.get(2..).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn move_to(&mut self, point: (f32, f32)) {
        self.line = point;
        self.at = point.0;
    }

    fn move_by(&mut self, across: f32, down: f32) {
        self.move_to((
            self.line.0 + across * self.scale.0,
            self.line.1 + down * self.scale.1,
        ));
    }

    /// Shows strings; numbers between them move back by thousandths of the size of the font.
    fn show_all(&mut self, fonts: &Fonts<'_>, pieces: &[Object]) {
        for piece in pieces {
            if let Ok(string) = piece.as_str() {
                self.show(fonts, string);
            } else if let Some(back) = number(piece) {
                self.at -= back / 1_000.0 * self.size * self.scale.0;
            }
        }
    }

    fn show(&mut self, fonts: &Fonts<'_>, string: &[u8]) {
        let font = self.font.and_then(|index| fonts.all.get(index));
        let Some((font, encoding)) = font.and_then(|font| Some((font, font.encoding.as_ref()?)))
        else {
            return;
        };
        let Ok(shown) = encoding.bytes_to_string(string) else {
            return;
        };
        self.part(&shown);
        // A NUL is no text, and a line feed in a string is no line.
        self.text
            .extend(shown.chars().map(|c| if c.is_control() { ' ' } else { c }));
        let width = font.width(string, shown.chars().count());
        self.at += width * self.size * self.scale.0;
        self.last = Some((self.at, self.line.1));
    }

    /// Writes what lies between the last string and the one that is shown next.
    fn part(&mut self, shown: &str) {
        let Some((end, height)) = self.last else {
            return;
        };
        let size = (self.size * self.scale.1).max(f32::EPSILON);
        let down = (height - self.line.1).abs() / size;
        let across = (self.at - end) / (self.size * self.scale.0).max(f32::EPSILON);
        if down > PARAGRAPH {
            self.text.push_str("\n\n");
        } else if down > LINE {
            self.text.push('\n');
        } else if across.abs() > SPACE && !shown.starts_with(' ') && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

fn number(object: &Object) -> Option<f32> {
    object.as_float().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a string of 2^24 letters may have a width that is a little off"
)]
fn as_f32(letters: usize) -> f32 {
    letters as f32
}
