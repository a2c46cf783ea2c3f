//! The headings and sections of a marked-up text, and how sections become chunks.
//!
//! Each way of marking up finds headings in its own manner and tells a
//! [`Builder`]; what follows is the same for all of them.
//!
//! Invariants: sections tile the text; a heading without a text of its own
//! belongs to the section below it; a chunk never holds sections that differ in
//! what they say about themselves, such as their tags.

use std::collections::BTreeSet;
use std::ops::Range;

use super::facts::Facts;
use super::pack::{Grain, Run, split};
use super::{ChunkLimits, Cut};

/// The longest title in a path; what is longer is cut off.
const TITLE_BYTES_MAX: usize = 256;
/// The most titles in a path; the outermost of a longer one are left out.
const PATH_TITLES_MAX: usize = 32;
/// Sections are not merged across a heading of this level or above it, so that
/// an edit in one leaves the others as they are.
const LEVEL_APART: usize = 2;
/// But a section shorter than one part in this many of the target is no chunk
/// of its own: it goes with the one behind it.
const MINUTE_ONE_IN: usize = 16;
/// Headings that begin a section; what is behind further ones has no path, because that of the last would be wrong.
const HEADINGS_MAX: usize = 1 << 18;
/// Sections of a document with facts of their own; further ones have those of the section above.
const SECTION_FACTS_MAX: usize = 256;

struct Heading {
    level: usize,
    title: Range<usize>,
    /// The heading above this one.
    parent: Option<usize>,
    /// Place in the list of facts.
    facts: usize,
}

/// A stretch of text below one heading; headings without a text of their own
/// belong to the section below them.
struct Section {
    end: usize,
    /// The last of its headings.
    heading: Option<usize>,
    /// The level of the first of its headings; none above the first heading.
    level: Option<usize>,
}

/// The headings and sections of a text, and what they say about themselves.
pub(super) struct Outline {
    headings: Vec<Heading>,
    sections: Vec<Section>,
    /// Those of the document first.
    pub(super) facts: Vec<Facts>,
    /// How a section is cut that is too long for a chunk.
    grain: Grain,
    /// Where front matter ends that is to be a chunk of its own, so that an
    /// edit of a tag or a date leaves all other chunks what they are.
    pub(super) front_end: usize,
}

impl Outline {
    /// Returns the titles above and at a heading, outermost first; those without words are left out.
    pub(super) fn path(&self, text: &str, heading: usize) -> Vec<String> {
        let mut titles = Vec::new();
        let mut next = self.headings.get(heading);
        while let Some(heading) = next {
            let title = text.get(heading.title.clone()).unwrap_or_default();
            let title = title
                .get(..title.floor_char_boundary(TITLE_BYTES_MAX))
                .unwrap_or_default();
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            if !title.is_empty() {
                titles.push(title);
            }
            if titles.len() >= PATH_TITLES_MAX {
                break;
            }
            next = heading.parent.and_then(|parent| self.headings.get(parent));
        }
        titles.reverse();
        titles
    }

    /// Returns the place of what holds below a heading in the list of facts.
    pub(super) fn facts_of(&self, heading: Option<usize>) -> usize {
        heading
            .and_then(|heading| self.headings.get(heading))
            .map_or(0, |heading| heading.facts)
    }

    /// Cuts the text.
    pub(super) fn cuts(&self, text: &str, limits: ChunkLimits) -> Vec<Cut> {
        let front = 0..self.front_end;
        let mut cuts = Vec::new();
        if !front.is_empty() {
            let mut ends = Vec::new();
            split(text, front.clone(), Grain::Line, limits, &mut ends);
            cuts.extend(ends.into_iter().map(|end| Cut { end, heading: None }));
        }
        let mut ends = Vec::new();
        let mut sections = Run::new(front.end, limits);
        let minute = limits.bytes_target / MINUTE_ONE_IN;
        let mut start = front.end;
        let mut length_before = 0;
        let mut facts_before = None;
        for section in &self.sections {
            let is_apart = section.level.is_some_and(|level| level <= LEVEL_APART);
            let facts = self.facts_of(section.heading);
            let is_unlike = facts_before.is_some_and(|before| before != facts);
            if is_unlike || (is_apart && length_before >= minute) {
                sections.close(&mut ends);
            }
            facts_before = Some(facts);
            length_before = section.end - start;
            if section.end - start > limits.bytes_target {
                sections.close(&mut ends);
                let part = start..section.end;
                split(text, part, self.grain, limits, &mut ends);
                sections = Run::new(section.end, limits);
            } else {
                while sections.is_full_with(section.end) {
                    sections.cut(text, section.end, &mut ends);
                }
                sections.pieces.push(section.end);
            }
            start = section.end;
        }
        sections.close(&mut ends);
        cuts.extend(with_headings(&self.sections, front.end, ends, minute));
        cuts
    }
}

/// Gives each chunk the heading of the section it starts in; next to nothing
/// above the first heading goes under that heading.
fn with_headings(
    sections: &[Section],
    mut start: usize,
    ends: Vec<usize>,
    minute: usize,
) -> impl Iterator<Item = Cut> {
    let mut sections = sections.iter().peekable();
    let minute = start + minute;
    ends.into_iter().map(move |end| {
        let is_passed = |section: &&Section| {
            section.end <= start || (section.heading.is_none() && section.end < end.min(minute))
        };
        while sections.next_if(is_passed).is_some() {}
        start = end;
        let heading = sections.peek().and_then(|section| section.heading);
        Cut { end, heading }
    })
}

/// Tags of a section, on top of those of the one above.
struct Tagged {
    above: usize,
    tags: BTreeSet<String>,
}

/// Puts an outline together, from the start of the text to its end.
pub(super) struct Builder {
    headings: Vec<Heading>,
    sections: Vec<Section>,
    open: Section,
    /// There is text below the headings of the open section.
    pub(super) has_body: bool,
    /// What the document says about itself.
    pub(super) document: Facts,
    tagged: Vec<Tagged>,
    /// There were more headings than are told apart.
    is_full: bool,
}

impl Builder {
    pub(super) fn new(document: Facts) -> Self {
        Self {
            headings: Vec::new(),
            sections: Vec::new(),
            open: Section {
                end: 0,
                heading: None,
                level: None,
            },
            has_body: false,
            document,
            tagged: Vec::new(),
            is_full: false,
        }
    }

    /// Takes note of a heading that stands at `place`.
    pub(super) fn begin(&mut self, place: usize, level: usize, title: Range<usize>) {
        if self.headings.len() >= HEADINGS_MAX {
            self.overflow(place);
            return;
        }
        let headings = &mut self.headings;
        let mut parent = headings.len().checked_sub(1);
        while let Some(above) = parent.and_then(|parent| headings.get(parent)) {
            if above.level < level {
                break;
            }
            parent = above.parent;
        }
        // The heading above has no text of its own and leads to this one.
        let joins = !self.has_body && (self.open.heading.is_none() || parent == self.open.heading);
        let above = parent.and_then(|parent| headings.get(parent));
        let facts = above.map_or(0, |above| above.facts);
        headings.push(Heading {
            level,
            title,
            parent,
            facts,
        });
        let heading = headings.len().checked_sub(1);
        if joins {
            self.open.heading = heading;
            self.open.level = self.open.level.or(Some(level));
        } else {
            self.open.end = place;
            let next = Section {
                end: place,
                heading,
                level: Some(level),
            };
            self.sections.push(std::mem::replace(&mut self.open, next));
        }
        self.has_body = false;
    }

    /// Ends the last section that has a heading: from `place` on there are more headings than are told apart.
    fn overflow(&mut self, place: usize) {
        if !self.is_full {
            self.is_full = true;
            self.open.end = place;
            let rest = Section {
                end: place,
                heading: None,
                level: None,
            };
            self.sections.push(std::mem::replace(&mut self.open, rest));
        }
        self.has_body = true;
    }

    /// Gives tags to the section that is open, and so to those below it; above the first heading to the document.
    pub(super) fn tag(&mut self, tags: Vec<String>) {
        if self.is_full {
            return;
        }
        let heading = self
            .open
            .heading
            .and_then(|open| self.headings.get_mut(open));
        let Some(heading) = heading else {
            self.document.add_tags(tags);
            return;
        };
        let mut own = Facts::default();
        own.add_tags(tags);
        if own.tags.is_empty() {
            return;
        }
        let above = heading.facts;
        let is_known = |known: &Tagged| known.above == above && known.tags == own.tags;
        if let Some(known) = self.tagged.iter().position(is_known) {
            heading.facts = known + 1;
        } else if self.tagged.len() < SECTION_FACTS_MAX {
            let tags = own.tags;
            self.tagged.push(Tagged { above, tags });
            heading.facts = self.tagged.len();
        }
    }

    /// Ends the last section at the end of the text.
    pub(super) fn finish(mut self, end: usize, grain: Grain) -> Outline {
        self.open.end = end;
        self.sections.push(self.open);
        let mut facts = vec![self.document];
        for Tagged { above, tags } in self.tagged {
            let mut own = facts.get(above).cloned().unwrap_or_default();
            own.add_tags(tags);
            facts.push(own);
        }
        Outline {
            headings: self.headings,
            sections: self.sections,
            facts,
            grain,
            front_end: 0,
        }
    }
}
