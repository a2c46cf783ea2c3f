//! The second pass: elements become lines of Markdown.
//!
//! What is mere noise (navigation, scripts, drawings) is written as plain text
//! and taken back at its end, so an element that never ends hides nothing.
//! Lists, quotations and tables are on a stack of our own; all else needs no
//! more than is known of the line, so nothing is recursive.

use std::ops::Range;

use steadfast_model::Timestamp;

use super::elements::{Element, element};
use super::events::{Sink, Tag};
use super::survey::Survey;
use super::tables::Tables;
use super::writer::{Gap, Mark, Shape, Suspended, Writer};

/// A longer title is cut off.
const TITLE_BYTES_MAX: usize = 1 << 10;

/// Names of the metadata that say when a page was written.
const DATES: [&str; 6] = [
    "article:published_time",
    "date",
    "dc.date",
    "dcterms.created",
    "dcterms.date",
    "pubdate",
];

/// Something open that changes what its content looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    /// A list; an ordered one with its next number.
    List(Option<u64>),
    Quote,
    Table,
}

/// An element whose content is to be taken back.
struct Noise {
    name: Vec<u8>,
    depth: usize,
    start: Mark,
    before: Suspended,
}

/// What the document says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) title: String,
    pub(super) title_origin: Range<usize>,
    /// The first heading of the first level.
    pub(super) heading: Option<String>,
    pub(super) time: Option<Timestamp>,
    /// Navigation was left out.
    pub(super) has_navigation: bool,
}

/// Turns events into Markdown.
pub(super) struct Builder {
    survey: Survey,
    keeps_navigation: bool,
    writer: Writer,
    front: Front,
    stack: Vec<Container>,
    tables: Tables,
    noise: Option<Noise>,
    heading: Option<(u8, Mark)>,
    /// The fence of the block of code that is open.
    fence: Option<String>,
    /// Nothing of the block of code has come yet.
    code_begins: bool,
    code_span: Option<Mark>,
    in_title: bool,
}

impl Builder {
    pub(super) fn new(survey: Survey, keeps_navigation: bool) -> Self {
        Self {
            survey,
            keeps_navigation,
            writer: Writer::default(),
            front: Front::default(),
            stack: Vec::new(),
            tables: Tables::default(),
            noise: None,
            heading: None,
            fence: None,
            code_begins: false,
            code_span: None,
            in_title: false,
        }
    }

    /// Ends what is still open, and returns what was written and what the document says of itself.
    pub(super) fn finish(mut self) -> (Writer, Front) {
        self.end_code(0..0);
        self.end_heading();
        while !self.stack.is_empty() {
            self.pop();
        }
        (self.writer, self.front)
    }

    fn element(&self, name: &[u8]) -> Element {
        let element = element(name);
        if element == Element::Navigation && self.keeps_navigation {
            Element::Block
        } else {
            element
        }
    }

    fn open_element(&mut self, element: Element, tag: &Tag<'_>) {
        let origin = tag.origin.clone();
        match element {
            Element::Inline | Element::Title | Element::Meta => {}
            Element::Line | Element::Break => self.writer.gap(Gap::Line),
            Element::Block => self.writer.gap(Gap::Block),
            Element::Heading(level) => self.open_heading(level, origin),
            Element::List { ordered } => {
                let next = tag.attribute("start").and_then(|start| start.parse().ok());
                let list = Container::List(ordered.then(|| next.unwrap_or(1)));
                self.push(list);
            }
            Element::Item => self.open_item(origin),
            Element::Definition => {
                self.end_heading();
                self.writer.gap(Gap::Line);
                self.writer.lead(": ", origin);
            }
            Element::Quote => self.push(Container::Quote),
            Element::Code => self.open_code(tag),
            Element::CodeSpan => {
                if self.code_span.is_none() {
                    self.code_span = Some(self.writer.here());
                    self.writer.mark("`", origin);
                }
            }
            Element::Table => {
                self.push(Container::Table);
                self.tables.open(self.survey.is_data(origin.start));
            }
            Element::Row => self.tables.row(&mut self.writer),
            Element::Cell => self.tables.cell(&mut self.writer, origin),
            Element::Link => {
                let target = tag.attribute("href").unwrap_or_default();
                self.writer.link(target, origin);
            }
            Element::Image => self.image(tag),
            Element::Noise | Element::Navigation => self.open_noise(element, tag.name),
        }
    }

    fn close_element(&mut self, element: Element, origin: Range<usize>) {
        match element {
            Element::Inline
            | Element::Image
            | Element::Meta
            | Element::Title
            | Element::Noise
            | Element::Navigation
            | Element::Code => {}
            Element::Line | Element::Break | Element::Item | Element::Definition => {
                self.writer.gap(Gap::Line);
                self.writer.drop_lead();
            }
            Element::Block => self.writer.gap(Gap::Block),
            Element::Heading(_) => self.end_heading(),
            Element::List { .. } => self.pop_to(|open| matches!(open, Container::List(_))),
            Element::Quote => self.pop_to(|open| open == Container::Quote),
            Element::CodeSpan => self.end_code_span(origin),
            Element::Table => self.pop_to(|open| open == Container::Table),
            Element::Row => self.tables.end_row(&mut self.writer),
            Element::Cell => self.tables.end_cell(&mut self.writer),
            Element::Link => self.writer.end_link(origin),
        }
    }

    fn push(&mut self, container: Container) {
        self.end_heading();
        self.end_code_span(0..0);
        let is_nested = self.writer.depth.lists > 0 && matches!(container, Container::List(_));
        self.writer
            .gap(if is_nested { Gap::Line } else { Gap::Block });
        self.stack.push(container);
        match container {
            Container::List(_) => self.writer.depth.lists += 1,
            Container::Quote => self.writer.depth.quotes += 1,
            Container::Table => {}
        }
    }

    fn pop(&mut self) {
        self.end_heading();
        self.writer.drop_lead();
        match self.stack.pop() {
            Some(Container::List(_)) => self.writer.depth.lists -= 1,
            Some(Container::Quote) => self.writer.depth.quotes -= 1,
            Some(Container::Table) => self.tables.close(&mut self.writer),
            None => return,
        }
        let is_nested = self.writer.depth.lists > 0;
        self.writer
            .gap(if is_nested { Gap::Line } else { Gap::Block });
    }

    /// Ends the innermost container of a sort, with those inside it; none when there is none.
    fn pop_to(&mut self, is_wanted: impl Fn(Container) -> bool) {
        // The numbers of open containers are known, so an end without a start costs nothing.
        let is_open = [
            (Container::List(None), self.writer.depth.lists),
            (Container::Quote, self.writer.depth.quotes),
            (Container::Table, self.tables.depth()),
        ]
        .into_iter()
        .any(|(container, open)| open > 0 && is_wanted(container));
        if !is_open {
            return;
        }
        while let Some(&open) = self.stack.last() {
            self.pop();
            if is_wanted(open) {
                return;
            }
        }
    }

    fn open_item(&mut self, origin: Range<usize>) {
        self.end_heading();
        self.writer.drop_lead();
        self.writer.gap(Gap::Line);
        let lead = match self.stack.last_mut() {
            Some(Container::List(Some(next))) => {
                let lead = format!("{next}. ");
                *next = next.saturating_add(1);
                lead
            }
            _ => "- ".to_owned(),
        };
        self.writer.lead(lead, origin);
    }

    fn open_heading(&mut self, level: u8, origin: Range<usize>) {
        self.end_heading();
        self.end_code_span(0..0);
        if self.writer.shape == Shape::Cell {
            return;
        }
        self.writer.drop_lead();
        self.writer.gap(Gap::Block);
        self.writer.shape = Shape::Heading;
        let hashes = "#".repeat(usize::from(level));
        self.writer.lead(format!("{hashes} "), origin);
        self.heading = Some((level, self.writer.here()));
    }

    fn end_heading(&mut self) {
        let Some((level, start)) = self.heading.take() else {
            return;
        };
        self.end_code_span(0..0);
        self.writer.end_link(0..0);
        self.writer.drop_lead();
        self.writer.shape = Shape::Flow;
        let text = self.writer.since(&start).trim();
        let text = text.trim_start_matches('#').trim_start();
        if level == 1 && self.front.heading.is_none() && !text.is_empty() {
            self.front.heading = Some(text.to_owned());
        }
        self.writer.gap(Gap::Block);
    }

    fn open_code(&mut self, tag: &Tag<'_>) {
        self.end_heading();
        self.end_code_span(0..0);
        self.writer.gap(Gap::Block);
        // A block of code does not stand in a link.
        drop(self.writer.suspend());
        let code = self.survey.code(tag.origin.start);
        let backticks = code.map_or(0, |code| code.backticks);
        let backticks = usize::try_from(backticks).unwrap_or(usize::MAX);
        let language = code.and_then(|code| code.language.as_deref());
        let fence = "`".repeat(backticks.saturating_add(1).max(3));
        let first = format!("{fence}{}\n", language.unwrap_or_default());
        self.writer.mark(&first, tag.origin.clone());
        self.fence = Some(fence);
        self.code_begins = true;
    }

    fn end_code(&mut self, origin: Range<usize>) {
        if let Some(fence) = self.fence.take() {
            self.writer.gap(Gap::Line);
            self.writer.mark(&fence, origin);
            self.writer.gap(Gap::Block);
        }
    }

    fn end_code_span(&mut self, origin: Range<usize>) {
        if let Some(start) = self.code_span.take() {
            if self.writer.since(&start).trim_start() == "`" {
                self.writer.cut(&start);
            } else {
                self.writer.push("`", origin);
            }
        }
    }

    fn image(&mut self, tag: &Tag<'_>) {
        let words = tag.attribute("alt").unwrap_or_default();
        let words: Vec<&str> = words.split_whitespace().collect();
        if words.is_empty() {
            return;
        }
        let alt = words.join(" ").replace('|', "\\|");
        let target = tag.attribute("src").unwrap_or_default().trim();
        let is_plain = !target.is_empty()
            && !target.starts_with("data:")
            && !target.contains(|c: char| c.is_whitespace() || "()<>|".contains(c));
        let image = if is_plain {
            format!("![{alt}]({target})")
        } else {
            alt
        };
        self.writer.mark(&image, tag.origin.clone());
    }

    fn open_noise(&mut self, element: Element, name: &[u8]) {
        self.front.has_navigation |= element == Element::Navigation;
        let before = self.writer.suspend();
        self.noise = Some(Noise {
            name: name.to_vec(),
            depth: 1,
            start: self.writer.here(),
            before,
        });
    }

    /// Hears of a tag inside noise.
    fn in_noise(&mut self, name: &[u8], is_end: bool) {
        let Some(noise) = &mut self.noise else {
            return;
        };
        if noise.name != name {
            if !matches!(element(name), Element::Inline | Element::Link) {
                self.writer.gap(Gap::Line);
            }
            return;
        }
        if !is_end {
            noise.depth += 1;
            return;
        }
        noise.depth -= 1;
        if noise.depth == 0
            && let Some(noise) = self.noise.take()
        {
            self.writer.cut(&noise.start);
            self.writer.resume(noise.before);
        }
    }

    fn title(&mut self, text: &str, origin: Range<usize>) {
        let title = &mut self.front.title;
        if title.is_empty() {
            self.front.title_origin = origin.clone();
        }
        self.front.title_origin.end = origin.end;
        let left = TITLE_BYTES_MAX.saturating_sub(title.len());
        title.push_str(
            text.get(..text.floor_char_boundary(left))
                .unwrap_or_default(),
        );
    }

    fn meta(&mut self, tag: &Tag<'_>) {
        let name = tag.attribute("name").or_else(|| tag.attribute("property"));
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if self.front.time.is_none() && DATES.contains(&name.as_str()) {
            let content = tag.attribute("content").unwrap_or_default();
            self.front.time = Timestamp::parse(content.trim()).ok();
        }
    }
}

impl Sink for Builder {
    fn open(&mut self, tag: &Tag<'_>) {
        if self.noise.is_some() {
            self.in_noise(tag.name, false);
            return;
        }
        let element = self.element(tag.name);
        if self.fence.is_some() {
            if element == Element::Break {
                self.writer.push("\n", tag.origin.clone());
            }
            return;
        }
        if element == Element::Title {
            self.in_title = self.writer.is_empty() && self.front.title.is_empty();
        } else if element == Element::Meta {
            self.meta(tag);
        }
        self.open_element(element, tag);
    }

    fn close(&mut self, name: &[u8], origin: Range<usize>) {
        if self.noise.is_some() {
            self.in_noise(name, true);
            return;
        }
        let element = self.element(name);
        if self.fence.is_some() {
            if element == Element::Code {
                self.end_code(origin);
            }
            return;
        }
        if element == Element::Title {
            self.in_title = false;
        }
        self.close_element(element, origin);
    }

    fn text(&mut self, text: &str, origin: Range<usize>) {
        if self.in_title {
            self.title(text, origin);
        } else if self.fence.is_some() && self.noise.is_none() {
            // A line feed right behind the tag is not part of the code.
            if std::mem::take(&mut self.code_begins)
                && let Some(rest) = text.strip_prefix('\n')
            {
                let start = (origin.start + 1).min(origin.end);
                self.writer.verbatim(rest, &(start..origin.end));
            } else {
                self.writer.verbatim(text, &origin);
            }
        } else {
            self.writer.words(text, origin);
        }
    }
}
