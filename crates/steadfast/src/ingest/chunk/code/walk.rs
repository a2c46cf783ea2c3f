//! From a tree of nodes to the structure of a text.
//!
//! Only what is too long to stay whole is entered, so most nodes are never
//! looked at. A comment or attribute begins the definition that follows it
//! without a blank line.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::super::ChunkLimits;
use super::super::places::Lines;
use super::super::structure::{Group, Role, Structure, SymbolId};
use super::grammar::{Class, Grammar};
use super::label::{Definition, definition};
use super::languages::Reach;

/// Returns the structure of a text with this tree.
pub(super) fn structure(
    text: &str,
    grammar: &Grammar,
    tree: &Tree,
    limits: ChunkLimits,
) -> Structure {
    let mut walk = Walk {
        text,
        grammar,
        limits,
        lines: Lines::new(text, limits.bytes_max),
        structure: Structure::new(limits),
    };
    let mut cursor = tree.walk();
    let mut frames = Vec::new();
    let mut frame = Frame::root();
    if !cursor.goto_first_child() {
        return walk.structure;
    }
    loop {
        if let Some(inside) = walk.visit(cursor.node(), &mut frame)
            && cursor.goto_first_child()
        {
            frames.push(std::mem::replace(&mut frame, inside));
            continue;
        }
        while !cursor.goto_next_sibling() {
            walk.leave(&mut frame);
            match frames.pop() {
                Some(outside) if cursor.goto_parent() => frame = outside,
                _ => return walk.structure,
            }
        }
    }
}

/// A node that was entered.
struct Frame {
    symbol: Option<SymbolId>,
    group: Group,
    /// It lies in a definition that holds no others worth a symbol.
    is_in_leaf: bool,
    /// A child was offered as the beginning of a piece.
    has_first: bool,
    pending: Option<Pending>,
    /// The id of a child that is the definition this node wraps.
    wrapped: Option<usize>,
    /// Where the symbol ends, and the symbol outside of it.
    end: Option<(usize, Option<SymbolId>)>,
}

impl Frame {
    fn root() -> Self {
        Self {
            symbol: None,
            group: Structure::ROOT,
            is_in_leaf: false,
            has_first: false,
            pending: None,
            wrapped: None,
            end: None,
        }
    }

    /// Returns the frame of a child that goes on with this one.
    fn continued(&self) -> Self {
        Self {
            symbol: self.symbol,
            group: self.group,
            is_in_leaf: self.is_in_leaf,
            ..Self::root()
        }
    }
}

/// Comments and attributes that may belong to what follows.
struct Pending {
    start: usize,
    end: usize,
    /// The last of them is an attribute, which belongs to what follows in any case.
    is_attached: bool,
}

struct Walk<'t> {
    text: &'t str,
    grammar: &'t Grammar,
    limits: ChunkLimits,
    lines: Lines<'t>,
    structure: Structure,
}

impl Walk<'_> {
    /// Takes note of a node; returns the frame to enter it with, if it is to be entered.
    fn visit(&mut self, node: Node<'_>, frame: &mut Frame) -> Option<Frame> {
        let range = node.byte_range();
        if range.is_empty() {
            return None;
        }
        let class = self.grammar.class(node.kind_id());
        match class {
            Class::Comment | Class::Attached => {
                let is_attached = matches!(class, Class::Attached);
                self.pend(range, is_attached, frame);
                None
            }
            _ if frame.wrapped == Some(node.id()) => self.go_on(&range, frame),
            Class::Body => self.go_on(&range, frame),
            Class::Definition(_) | Class::Wrapper | Class::Section | Class::Other => {
                if node.is_named() {
                    self.member(node, range, class, frame)
                } else {
                    None
                }
            }
        }
    }

    /// Enters a node that goes on with the one it stands in.
    fn go_on(&mut self, range: &Range<usize>, frame: &mut Frame) -> Option<Frame> {
        self.flush(frame);
        (range.len() > self.limits.bytes_target).then(|| frame.continued())
    }

    fn member(
        &mut self,
        node: Node<'_>,
        range: Range<usize>,
        class: Class,
        frame: &mut Frame,
    ) -> Option<Frame> {
        let start = self.begin(range.start, frame);
        let found = definition(self.text, self.grammar, node)
            .filter(|found| !(frame.is_in_leaf && found.rule.reach == Reach::Value));
        let is_definition = found.is_some() && node.start_position().row != node.end_position().row;
        let role = if is_definition {
            Role::Definition
        } else {
            Role::Other
        };
        if let Some(start) = start {
            self.structure
                .allow(start, frame.group, role, !frame.has_first);
            frame.has_first = true;
        }
        let symbol = self.symbol(&range, start, found.as_ref(), frame);
        let is_container = class.is_container()
            || found
                .as_ref()
                .is_some_and(|found| found.rule.reach == Reach::Container);
        let is_too_long = match start {
            Some(_) if is_container => range.len() > self.limits.bytes_target,
            Some(_) => range.end - self.structure.last_start() > self.limits.bytes_max,
            None => range.len() > self.limits.bytes_target,
        };
        let end = symbol.map(|_| (range.end, frame.symbol));
        if !is_too_long {
            if let Some((end, outside)) = end {
                self.structure.mark(end, outside);
            }
            return None;
        }
        let group = if start.is_some() {
            let group = self.structure.open_group();
            self.structure.enter(group);
            group
        } else {
            frame.group
        };
        Some(Frame {
            symbol: symbol.or(frame.symbol),
            group,
            is_in_leaf: frame.is_in_leaf
                || found
                    .as_ref()
                    .is_some_and(|found| found.rule.reach != Reach::Container),
            wrapped: found
                .map(|found| found.node.id())
                .filter(|id| *id != node.id()),
            end,
            ..Frame::root()
        })
    }

    /// Adds the symbol of a definition.
    fn symbol(
        &mut self,
        range: &Range<usize>,
        start: Option<usize>,
        found: Option<&Definition<'_>>,
        frame: &Frame,
    ) -> Option<SymbolId> {
        let label = found?.label.clone()?;
        let symbol = self.structure.add_symbol(label, frame.symbol)?;
        self.structure
            .mark(start.unwrap_or(range.start), Some(symbol));
        Some(symbol)
    }

    /// Returns where the piece of a node begins, with its comments; none when it begins inside of a line.
    fn begin(&mut self, start: usize, frame: &mut Frame) -> Option<usize> {
        let place = self.lines.place(start);
        match frame.pending.take() {
            Some(pending) if self.adjoins(&pending, start) => Some(pending.start),
            Some(pending) => {
                frame.pending = Some(pending);
                self.flush(frame);
                place
            }
            None => place,
        }
    }

    fn pend(&mut self, range: Range<usize>, is_attached: bool, frame: &mut Frame) {
        let Some(start) = self.lines.place(range.start) else {
            return;
        };
        let piece = self.text.get(range.clone()).unwrap_or_default();
        let end = range.start + piece.trim_ascii_end().len();
        match frame.pending.take() {
            Some(pending) if self.adjoins(&pending, range.start) => {
                frame.pending = Some(Pending {
                    start: pending.start,
                    end,
                    is_attached,
                });
            }
            before => {
                frame.pending = before;
                self.flush(frame);
                frame.pending = Some(Pending {
                    start,
                    end,
                    is_attached,
                });
            }
        }
    }

    /// Returns whether no blank line lies between comments and what follows.
    fn adjoins(&self, pending: &Pending, start: usize) -> bool {
        let between = self.text.get(pending.end..start).unwrap_or_default();
        pending.is_attached || between.bytes().filter(|byte| *byte == b'\n').count() <= 1
    }

    /// Makes a piece of comments that belong to nothing.
    fn flush(&mut self, frame: &mut Frame) {
        if let Some(pending) = frame.pending.take() {
            self.structure
                .allow(pending.start, frame.group, Role::Other, !frame.has_first);
            frame.has_first = true;
        }
    }

    fn leave(&mut self, frame: &mut Frame) {
        self.flush(frame);
        if let Some((end, outside)) = frame.end {
            self.structure.mark(end, outside);
        }
    }
}
