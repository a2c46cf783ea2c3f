//! The structure of a text as program text and data have it, and how it becomes chunks.
//!
//! A scanner says where the text may be cut, which of these places stand side
//! by side in one parent, and from where to where each symbol (a definition or
//! a key) reaches. Here small neighbours of one parent are put together up to
//! the target, a definition of some size stands alone, and what no place of
//! the scanner cuts short enough is cut as plain text.
//!
//! Invariants: the places ascend, so the pieces between them tile the text
//! whatever a scanner says; time is linear, because a symbol has at most
//! [`SYMBOL_DEPTH_MAX`] above it; memory is bounded by [`SYMBOLS_MAX`] and
//! [`PLACES_MAX`], however many values a text has.
//!
//! Deliberately not here: grammars and formats.

use std::ops::Range;

use super::packer::Packer;
use super::{ChunkLimits, Cut};

/// How deep symbols nest in a path; what lies deeper belongs to the last of them.
pub(super) const SYMBOL_DEPTH_MAX: usize = 16;
/// The longest label in a path, in bytes; what is longer is cut off.
const LABEL_BYTES_MAX: usize = 160;
/// A piece shorter than one part in this many of the target does not stand alone for being alone in its parent,
/// and what stands before the first member of a parent stays with that member up to this length.
pub(super) const TINY_ONE_IN: usize = 4;
/// A chunk has the path of the innermost symbol that holds at least so many parts in [`HELD_OF`] of it ..
const HELD_PARTS: usize = 2;
const HELD_OF: usize = 3;
/// .. unless more than one part in this many of it lies in symbols beside that one.
const FOREIGN_ONE_IN: usize = 8;
/// Symbols that are told apart in one text; what further ones hold belongs to what is around them.
const SYMBOLS_MAX: usize = 1 << 20;
/// Places that are kept as they come, and marks; of further places those a part of the target apart. A text of
/// 32 MiB can have ten million, and they would take twenty times its memory.
pub(super) const PLACES_MAX: usize = 1 << 20;

/// What the text below a parent is, to the putting together of neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It has a name that is worth a path.
    Definition,
    /// Anything else: a statement, an import, a record.
    Other,
}

/// The parent that pieces stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group(u32);

/// A symbol of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SymbolId(u32);

/// What a symbol is called.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// These bytes of the text behind a word of the language, which may be empty.
    Named {
        keyword: &'static str,
        name: Range<usize>,
    },
    /// This.
    Written(String),
}

struct Symbol {
    label: Label,
    parent: Option<SymbolId>,
    depth: usize,
}

/// A place where the text may be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) group: Group,
    pub(super) role: Role,
}

/// How much of a structure there was at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    places: usize,
    symbols: usize,
    marks: usize,
}

/// Where a text may be cut and which symbols it holds; scanners fill it from front to back.
pub(super) struct Structure {
    /// Ascending, the first at 0.
    places: Vec<Place>,
    symbols: Vec<Symbol>,
    /// From each place on the innermost symbol is this one; ascending.
    marks: Vec<(usize, Option<SymbolId>)>,
    groups: u32,
    header_bytes_max: usize,
}

impl Structure {
    /// The parent of what has no other.
    pub(super) const ROOT: Group = Group(0);

    pub(super) fn new(limits: ChunkLimits) -> Self {
        let first = Place {
            start: 0,
            group: Self::ROOT,
            role: Role::Other,
        };
        Self {
            places: vec![first],
            symbols: Vec::new(),
            marks: Vec::new(),
            groups: 0,
            header_bytes_max: limits.bytes_target / TINY_ONE_IN,
        }
    }

    /// Returns a new parent.
    pub(super) fn open_group(&mut self) -> Group {
        self.groups = self.groups.saturating_add(1);
        Group(self.groups)
    }

    /// Says that the piece that begins at the last place is in fact the first of `group`: what stands
    /// before its first member.
    pub(super) fn enter(&mut self, group: Group) {
        if let Some(last) = self.places.last_mut() {
            last.group = group;
            last.role = Role::Other;
        }
    }

    /// Says that the piece at the last place of `extent` is the first of `group`, whose members came behind it.
    pub(super) fn enter_at(&mut self, extent: Extent, group: Group) {
        let index = extent.places.checked_sub(1);
        if let Some(place) = index.and_then(|index| self.places.get_mut(index)) {
            place.group = group;
        }
    }

    /// Returns the role of the last piece.
    pub(super) fn last_role(&self) -> Role {
        self.places.last().map_or(Role::Other, |place| place.role)
    }

    /// Gives the last piece a role.
    pub(super) fn set_last_role(&mut self, role: Role) {
        if let Some(last) = self.places.last_mut() {
            last.role = role;
        }
    }

    /// Allows a cut at `start`; returns whether a piece now begins there.
    ///
    /// The first member of a parent stays with what stands before it in that
    /// parent, unless that is long.
    pub(super) fn allow(&mut self, start: usize, group: Group, role: Role, is_first: bool) -> bool {
        let header_bytes_max = self.header_bytes_max;
        let is_full = self.places.len() >= PLACES_MAX;
        let Some(last) = self.places.last_mut() else {
            return false;
        };
        if start < last.start {
            return false;
        }
        if start == last.start {
            last.role = role;
            return true;
        }
        if is_first && start - last.start < header_bytes_max {
            last.role = role;
            return false;
        }
        if is_full && start - last.start < header_bytes_max {
            return false;
        }
        self.places.push(Place { start, group, role });
        true
    }

    /// Returns where the last piece begins.
    pub(super) fn last_start(&self) -> usize {
        self.places.last().map_or(0, |place| place.start)
    }

    /// Adds a symbol; returns the one above it when it would lie too deep, or there are too many.
    pub(super) fn add_symbol(
        &mut self,
        label: Label,
        parent: Option<SymbolId>,
    ) -> Option<SymbolId> {
        let depth = parent
            .and_then(|parent| self.symbol(parent))
            .map_or(0, |parent| parent.depth + 1);
        if depth >= SYMBOL_DEPTH_MAX || self.symbols.len() >= SYMBOLS_MAX {
            return parent;
        }
        let id = u32::try_from(self.symbols.len()).ok()?;
        self.symbols.push(Symbol {
            label,
            parent,
            depth,
        });
        Some(SymbolId(id))
    }

    /// Says that from `start` on the innermost symbol is this one.
    pub(super) fn mark(&mut self, start: usize, symbol: Option<SymbolId>) {
        if self.marks.len() >= PLACES_MAX && self.innermost() == symbol {
            return;
        }
        let start = self.marks.last().map_or(start, |last| start.max(last.0));
        if let Some(last) = self.marks.last_mut().filter(|last| last.0 == start) {
            last.1 = symbol;
        } else {
            self.marks.push((start, symbol));
        }
    }

    /// Returns the symbol that reaches from the last mark on.
    pub(super) fn innermost(&self) -> Option<SymbolId> {
        self.marks.last().and_then(|(_, symbol)| *symbol)
    }

    /// Returns how much there is now, for [`Self::shrink`].
    pub(super) fn extent(&self) -> Extent {
        Extent {
            places: self.places.len(),
            symbols: self.symbols.len(),
            marks: self.marks.len(),
        }
    }

    /// Takes back what came after `extent`; no symbol of it may be in use.
    pub(super) fn shrink(&mut self, extent: Extent) {
        self.places.truncate(extent.places.max(1));
        self.symbols.truncate(extent.symbols);
        self.marks.truncate(extent.marks);
    }

    /// Returns how many places, symbols and marks are in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.places.len() + self.symbols.len() + self.marks.len()
    }

    fn symbol(&self, id: SymbolId) -> Option<&Symbol> {
        self.symbols.get(usize::try_from(id.0).ok()?)
    }

    /// Returns the labels above and at a symbol, outermost first; those without a letter are left out.
    pub(super) fn path(&self, text: &str, symbol: usize) -> Vec<String> {
        let mut labels = Vec::new();
        let mut next = self.symbols.get(symbol);
        while let Some(symbol) = next {
            let label = match &symbol.label {
                Label::Named { keyword, name } => {
                    let name =
                        name.start..name.end.min(name.start.saturating_add(4 * LABEL_BYTES_MAX));
                    let name = name.start..text.floor_char_boundary(name.end);
                    one_line(keyword, text.get(name).unwrap_or_default())
                }
                Label::Written(label) => one_line("", label),
            };
            if !label.is_empty() {
                labels.push(label);
            }
            next = symbol.parent.and_then(|parent| self.symbol(parent));
        }
        labels.reverse();
        labels
    }

    /// Cuts the text.
    pub(super) fn cuts(&self, text: &str, limits: ChunkLimits) -> Vec<Cut> {
        let mut packer = Packer::new(text, limits);
        let ends = self.places.iter().skip(1).map(|place| place.start);
        for (place, end) in self.places.iter().zip(ends.chain([text.len()])) {
            packer.add(*place, end);
        }
        let mut marks = self.marks.iter().copied().peekable();
        let mut innermost = None;
        let mut start = 0;
        let mut held = Vec::new();
        packer
            .finish()
            .into_iter()
            .map(|end| {
                held.clear();
                while start < end {
                    while let Some((_, symbol)) = marks.next_if(|(place, _)| *place <= start) {
                        innermost = symbol;
                    }
                    let until = marks.peek().map_or(end, |(place, _)| end.min(*place));
                    held.push((innermost, until - start));
                    start = until;
                }
                let heading = self.holder(&held).map(|symbol| symbol.0);
                Cut {
                    end,
                    heading: heading.and_then(|heading| usize::try_from(heading).ok()),
                }
            })
            .collect()
    }

    /// Returns the symbol that a chunk of these parts is about.
    fn holder(&self, held: &[(Option<SymbolId>, usize)]) -> Option<SymbolId> {
        let total: usize = held.iter().map(|(_, bytes)| bytes).sum();
        let mut all: Vec<(SymbolId, usize)> = Vec::with_capacity(held.len());
        for (innermost, bytes) in held {
            all.extend(self.upward(*innermost).map(|id| (id, *bytes)));
        }
        all.sort_unstable();
        let best = all
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|same| {
                let bytes: usize = same.iter().map(|(_, bytes)| bytes).sum();
                (bytes * HELD_OF >= total * HELD_PARTS).then_some(same.first()?.0)
            })
            .max_by_key(|id| self.symbol(*id).map(|symbol| symbol.depth));
        self.upward(best)
            .find(|id| self.foreign(*id, held) * FOREIGN_ONE_IN <= total)
    }

    /// Returns how many bytes lie neither in `id` nor directly in what lies around it.
    fn foreign(&self, id: SymbolId, held: &[(Option<SymbolId>, usize)]) -> usize {
        let is_foreign = |innermost: Option<SymbolId>| {
            let is_inside = self.upward(innermost).any(|above| above == id);
            let is_around = innermost
                .is_none_or(|innermost| self.upward(Some(id)).any(|above| above == innermost));
            !is_inside && !is_around
        };
        held.iter()
            .filter(|(innermost, _)| is_foreign(*innermost))
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// Yields a symbol and those above it.
    fn upward(&self, from: Option<SymbolId>) -> impl Iterator<Item = SymbolId> {
        std::iter::successors(from, |id| self.symbol(*id)?.parent)
    }
}

/// Puts the words of a label on one line of bounded length.
fn one_line(keyword: &str, name: &str) -> String {
    let mut label = String::from(keyword);
    for word in name.split_whitespace() {
        if !label.is_empty() {
            label.push(' ');
        }
        label.push_str(word);
        if label.len() > LABEL_BYTES_MAX {
            label.truncate(label.floor_char_boundary(LABEL_BYTES_MAX));
            break;
        }
    }
    label
}
