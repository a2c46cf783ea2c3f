//! The tokenizer's half: bytes of HTML become tags and text, each with its place.
//!
//! Invariants: places ascend; text whose length is that of its place is those
//! bytes; nothing is kept of a tag but its name and the attributes that are
//! asked for, so memory is bounded by the longest tag.
//!
//! Deliberately not here: which tags mean what, and tree construction.

use std::convert::Infallible;
use std::ops::Range;

use html5gum::{Emitter, Error, State, Tokenizer};

/// A value longer than this is not kept: it is data, not a link or a title.
const VALUE_BYTES_MAX: usize = 2 << 10;

/// The attributes that are kept: those of pages, and those of the parts of documents.
const WANTED: [&[u8]; 12] = [
    b"alt",
    b"class",
    b"content",
    b"full-path",
    b"href",
    b"id",
    b"idref",
    b"name",
    b"property",
    b"src",
    b"start",
    b"w:val",
];

/// The start of an element.
pub(in crate::ingest::convert) struct Tag<'t> {
    pub(in crate::ingest::convert) name: &'t [u8],
    pub(in crate::ingest::convert) origin: Range<usize>,
    attributes: &'t [(Vec<u8>, String)],
}

impl Tag<'_> {
    /// Returns an attribute's value; an attribute that is absent or overlong has none.
    pub(in crate::ingest::convert) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name.as_bytes())
            .map(|(_, value)| value.as_str())
    }
}

/// Hears what is in a document, in order.
pub(in crate::ingest::convert) trait Sink {
    /// Hears of the start of an element.
    fn open(&mut self, tag: &Tag<'_>);
    /// Hears of the end of an element.
    fn close(&mut self, name: &[u8], origin: Range<usize>);
    /// Hears text, without entities; what is not as it stands in the file comes by itself.
    fn text(&mut self, text: &str, origin: Range<usize>);
}

/// Whether `<p/>` ends an element: in XHTML it does, in HTML it does not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest::convert) enum Syntax {
    Html,
    Xhtml,
}

/// Tells `sink` what is in `source`, and returns it.
pub(in crate::ingest::convert) fn tell<S: Sink>(source: &str, syntax: Syntax, sink: S) -> S {
    let mut events = Events {
        source,
        syntax,
        sink,
        position: 0,
        told: 0,
        run: 0..0,
        tag: Open::default(),
        last_start: Vec::new(),
    };
    let tokenizer = Tokenizer::new_with_emitter(source, &mut events);
    // A string is read without errors, so there is nothing to hear of.
    tokenizer.finish().unwrap_or_else(|never| match never {});
    events.flush();
    events.sink
}

/// The tag that is being read.
#[derive(Default)]
struct Open {
    start: usize,
    name: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    attributes: Vec<(Vec<u8>, String)>,
    attribute: Vec<u8>,
    value: Vec<u8>,
}

impl Open {
    fn begin(&mut self, is_end: bool) {
        self.name.clear();
        self.attributes.clear();
        self.attribute.clear();
        self.value.clear();
        self.is_end = is_end;
        self.self_closing = false;
    }

    fn end_attribute(&mut self) {
        let is_new = !self
            .attributes
            .iter()
            .any(|(known, _)| *known == self.attribute);
        if WANTED.contains(&self.attribute.as_slice())
            && is_new
            && self.value.len() <= VALUE_BYTES_MAX
        {
            let value = String::from_utf8_lossy(&self.value).into_owned();
            self.attributes.push((self.attribute.clone(), value));
        }
        self.attribute.clear();
        self.value.clear();
    }
}

struct Events<'s, S> {
    source: &'s str,
    syntax: Syntax,
    sink: S,
    position: usize,
    /// All before this place has been told of, or is in the run.
    told: usize,
    /// Text that stands in the source as it is, not yet told of.
    run: Range<usize>,
    tag: Open,
    last_start: Vec<u8>,
}

impl<S: Sink> Events<'_, S> {
    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        if let Some(text) = self.source.get(run.clone()).filter(|text| !text.is_empty()) {
            self.sink.text(text, run);
        }
    }

    /// Returns the range of a tag that was just read.
    fn tag_origin(&mut self) -> Range<usize> {
        let end = self.position.min(self.source.len()).max(self.told);
        let start = self.tag.start.clamp(self.told.min(end), end);
        self.told = end;
        start..end
    }
}

/// Returns the tokenizer's state behind a start tag, for what is not markup inside.
///
/// `noscript` is not among them: here nothing is scripted, so its content counts.
fn state_behind(name: &[u8]) -> Option<State> {
    match name {
        b"textarea" | b"title" => Some(State::RcData),
        b"plaintext" => Some(State::PlainText),
        b"script" => Some(State::ScriptData),
        b"style" | b"iframe" | b"xmp" | b"noembed" | b"noframes" => Some(State::RawText),
        _ => None,
    }
}

impl<S: Sink> Emitter for &mut Events<'_, S> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, last_start_tag: Option<&[u8]>) {
        self.last_start = last_start_tag.unwrap_or_default().to_vec();
    }

    fn emit_eof(&mut self) {
        self.flush();
    }

    fn emit_error(&mut self, _: Error) {}

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        let end = self.position.min(self.source.len()).max(self.told);
        let start = end.saturating_sub(text.len());
        let stands_there =
            start >= self.told && self.source.as_bytes().get(start..end) == Some(text);
        if stands_there {
            if self.run.end != start || self.run.is_empty() {
                self.flush();
                self.run = start..start;
            }
            // The tokenizer may part the bytes of a character; a run is told of at its end only.
            self.run.end = end;
        } else {
            self.flush();
            self.sink
                .text(&String::from_utf8_lossy(text), self.told..end);
        }
        self.told = end;
    }

    fn init_start_tag(&mut self) {
        self.tag.begin(false);
    }

    fn init_end_tag(&mut self) {
        self.tag.begin(true);
    }

    fn init_comment(&mut self) {}

    fn emit_current_tag(&mut self) -> Option<State> {
        self.flush();
        self.tag.end_attribute();
        let origin = self.tag_origin();
        let tag = std::mem::take(&mut self.tag);
        let mut state = None;
        if tag.is_end {
            self.last_start.clear();
            self.sink.close(&tag.name, origin);
        } else {
            self.sink.open(&Tag {
                name: &tag.name,
                origin: origin.clone(),
                attributes: &tag.attributes,
            });
            self.last_start.clone_from(&tag.name);
            if tag.self_closing && self.syntax == Syntax::Xhtml {
                self.sink.close(&tag.name, origin.end..origin.end);
            } else {
                state = state_behind(&tag.name);
            }
        }
        // Its buffers are used again.
        self.tag = tag;
        state
    }

    fn emit_current_comment(&mut self) {}

    fn emit_current_doctype(&mut self) {}

    fn set_self_closing(&mut self) {
        self.tag.self_closing = true;
    }

    fn set_force_quirks(&mut self) {}

    fn push_tag_name(&mut self, name: &[u8]) {
        self.tag.name.extend_from_slice(name);
    }

    fn push_comment(&mut self, _: &[u8]) {}

    fn push_doctype_name(&mut self, _: &[u8]) {}

    fn init_doctype(&mut self) {}

    fn init_attribute(&mut self) {
        self.tag.end_attribute();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        self.tag.attribute.extend_from_slice(name);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        if self.tag.value.len() <= VALUE_BYTES_MAX {
            self.tag.value.extend_from_slice(value);
        }
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn start_open_tag(&mut self) {
        self.tag.start = self.position.saturating_sub(1);
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && !self.last_start.is_empty() && self.last_start == self.tag.name
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.syntax == Syntax::Xhtml
    }

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }
}
