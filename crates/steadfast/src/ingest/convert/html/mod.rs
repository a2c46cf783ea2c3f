//! HTML to Markdown, with the place of each piece of text.
//!
//! Headings, lists, quotations, tables, blocks of code, links, and images with
//! a description keep their form; emphasis is dropped. What is not for readers
//! is left out: scripts, styles, templates, drawings, and navigation unless a
//! page consists of it.
//!
//! Invariants: time and memory are linear in the document, whatever is in it;
//! depth costs no stack; the text is never more than a few times as long.
//!
//! The document is tokenized as browsers do it (the `html5gum` crate, which
//! knows where each token stands) twice: once to learn what its tables are,
//! once to write. Deliberately not here: tree construction, style sheets,
//! encodings, what a script would add to the page.

mod build;
mod elements;
pub(super) mod events;
mod survey;
mod tables;
mod writer;

use steadfast_model::Timestamp;

use super::map::Map;
use build::{Builder, Front};
use events::{Syntax, tell};
use survey::Survey;

/// HTML as Markdown.
#[derive(Clone, Debug)]
pub(super) struct Markdown {
    pub(super) text: String,
    /// From the text back to the HTML.
    pub(super) map: Map,
    pub(super) title: Option<String>,
    pub(super) time: Option<Timestamp>,
}

/// Converts a document, or a part of one.
pub(super) fn markdown(source: &str) -> Markdown {
    let head = source.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let syntax = if head.starts_with("<?xml") {
        Syntax::Xhtml
    } else {
        Syntax::Html
    };
    let (text, map, front) = written(source, syntax, false);
    if text.trim().is_empty() && front.has_navigation {
        let (text, map, front) = written(source, syntax, true);
        return with_title(text, map, front);
    }
    with_title(text, map, front)
}

fn written(source: &str, syntax: Syntax, keeps_navigation: bool) -> (String, Map, Front) {
    let survey = tell(source, syntax, Survey::default());
    let builder = tell(source, syntax, Builder::new(survey, keeps_navigation));
    let (writer, front) = builder.finish();
    let (text, map) = writer.finish();
    (text, map, front)
}

/// Puts the title in front, so that its words are found too, unless it is the first heading.
///
/// On a page with a heading of the first level it is a line above that heading,
/// which is so the name of what follows; on others it is their heading.
fn with_title(text: String, map: Map, front: Front) -> Markdown {
    let title = front.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let time = front.time;
    if title.is_empty() || front.heading.as_deref() == Some(title.as_str()) {
        return Markdown {
            text,
            map,
            title: front.heading,
            time,
        };
    }
    let mark = if front.heading.is_some() { "" } else { "# " };
    let gap = if text.is_empty() { "\n" } else { "\n\n" };
    let line = format!("{mark}{title}{gap}");
    let origin = front.title_origin;
    // A piece as long as its origin would be taken for it byte by byte, which this line is not.
    let map = if line.len() == origin.len() {
        let end = origin.end..origin.end;
        map.behind(gap.len(), end)
            .behind(line.len() - gap.len(), origin)
    } else {
        map.behind(line.len(), origin)
    };
    Markdown {
        map,
        text: line + &text,
        title: Some(title),
        time,
    }
}

#[cfg(test)]
mod tests;
