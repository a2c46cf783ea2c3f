//! DOCX: its markup becomes HTML, and that Markdown.
//!
//! Kept: headings by the names of their styles, lists, tables, line breaks,
//! footnotes and endnotes. Text that was deleted with changes tracked is left
//! out, as it is in print.

use std::ops::Range;

use steadfast_model::Timestamp;

use super::archive::Archive;
use super::{Converted, Failure, html, one_line};
use crate::ingest::convert::html::events::{Sink, Syntax, Tag, tell};

/// The parts that hold text, in the order in which they are given out.
const PARTS: [&str; 3] = [
    "word/document.xml",
    "word/footnotes.xml",
    "word/endnotes.xml",
];

pub(super) fn text(bytes: &[u8]) -> Result<Converted, Failure> {
    let mut archive = Archive::open(bytes)?;
    let mut page = String::new();
    for (number, part) in PARTS.into_iter().enumerate() {
        match archive.text(part)? {
            Some(xml) => page.push_str(&tell(&xml, Syntax::Xhtml, Body::default()).finish()),
            None if number == 0 => {
                return Err(Failure::malformed(format!("it has no `{part}`")));
            }
            None => {}
        }
    }
    let properties = archive.text("docProps/core.xml")?.unwrap_or_default();
    let properties = tell(&properties, Syntax::Xhtml, Properties::default());
    Ok(Converted {
        text: html::markdown(&page).text,
        title: one_line(&properties.title),
        time: Timestamp::parse(properties.created.trim()).ok(),
    })
}

/// Writes HTML for the body of a document.
#[derive(Default)]
struct Body {
    html: String,
    paragraph: Paragraph,
    in_text: bool,
}

/// What is known of the paragraph that is open; its tag is written with its first text.
#[derive(Default)]
struct Paragraph {
    level: Option<u8>,
    is_item: bool,
    is_open: bool,
}

impl Body {
    fn finish(mut self) -> String {
        self.end_paragraph();
        self.html
    }

    fn begin_paragraph(&mut self) {
        if !self.paragraph.is_open {
            self.paragraph.is_open = true;
            match (self.paragraph.level, self.paragraph.is_item) {
                (Some(level), _) => self.html.extend(["<h", digit(level), ">"]),
                (None, true) => self.html.push_str("<li>"),
                (None, false) => self.html.push_str("<p>"),
            }
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if paragraph.is_open {
            match (paragraph.level, paragraph.is_item) {
                (Some(level), _) => self.html.extend(["</h", digit(level), ">"]),
                (None, true) => self.html.push_str("</li>"),
                (None, false) => self.html.push_str("</p>"),
            }
        }
    }
}

fn digit(level: u8) -> &'static str {
    match level {
        1 => "1",
        2 => "2",
        3 => "3",
        4 => "4",
        5 => "5",
        _ => "6",
    }
}

/// Returns the level of the heading that a style is for.
fn heading_level(style: &str) -> Option<u8> {
    let style = style.to_ascii_lowercase().replace([' ', '-', '_'], "");
    if style == "title" {
        return Some(1);
    }
    let level: u8 = style.strip_prefix("heading")?.parse().ok()?;
    (1..=9).contains(&level).then_some(level.min(6))
}

impl Sink for Body {
    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name {
            b"w:p" => self.end_paragraph(),
            b"w:pstyle" => {
                self.paragraph.level = tag.attribute("w:val").and_then(heading_level);
            }
            b"w:numpr" => self.paragraph.is_item = true,
            b"w:t" => {
                self.begin_paragraph();
                self.in_text = true;
            }
            b"w:tab" => self.html.push(' '),
            b"w:br" | b"w:cr" if self.paragraph.is_open => self.html.push_str("<br>"),
            b"w:tbl" => self.html.push_str("<table>"),
            b"w:tr" => self.html.push_str("<tr>"),
            b"w:tc" => self.html.push_str("<td>"),
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8], _: Range<usize>) {
        match name {
            b"w:p" => self.end_paragraph(),
            b"w:t" => self.in_text = false,
            b"w:tbl" => self.html.push_str("</table>"),
            b"w:tr" => self.html.push_str("</tr>"),
            b"w:tc" => self.html.push_str("</td>"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, _: Range<usize>) {
        if self.in_text {
            for c in text.chars() {
                match c {
                    '<' => self.html.push_str("&lt;"),
                    '&' => self.html.push_str("&amp;"),
                    c => self.html.push(c),
                }
            }
        }
    }
}

/// The title and the date that a document has among its properties.
#[derive(Default)]
struct Properties {
    title: String,
    created: String,
    in_title: bool,
    in_created: bool,
}

impl Sink for Properties {
    fn open(&mut self, tag: &Tag<'_>) {
        self.in_title = tag.name == b"dc:title";
        self.in_created = tag.name == b"dcterms:created";
    }

    fn close(&mut self, _: &[u8], _: Range<usize>) {
        (self.in_title, self.in_created) = (false, false);
    }

    fn text(&mut self, text: &str, _: Range<usize>) {
        if self.in_title {
            self.title.push_str(text);
        } else if self.in_created {
            self.created.push_str(text);
        }
    }
}
