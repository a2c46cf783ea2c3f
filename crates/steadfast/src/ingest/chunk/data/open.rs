//! Containers that were opened and are not yet closed.
//!
//! Whether a container is long enough to be taken apart is known when it
//! closes: until then its members are kept, and then they are dropped if it
//! was short.

use super::super::ChunkLimits;
use super::super::structure::{Extent, Group, Label, Role, Structure, SymbolId};

/// How deep containers are followed; what nests deeper belongs to the last of them.
const DEPTH_MAX: usize = 128;

/// A container.
struct Open {
    /// Where its piece begins, with its key.
    start: usize,
    symbol: Option<SymbolId>,
    group: Group,
    /// How much there was before its first member.
    before: Extent,
    has_first: bool,
    /// The role of its piece.
    role: Role,
}

/// The containers around the place a scanner has reached, and the structure they make.
pub(super) struct Nest {
    pub(super) structure: Structure,
    bytes_target: usize,
    opened: Vec<Open>,
    /// Containers that lie too deep to be followed.
    deeper: usize,
    has_first: bool,
}

impl Nest {
    pub(super) fn new(limits: ChunkLimits) -> Self {
        Self {
            structure: Structure::new(limits),
            bytes_target: limits.bytes_target,
            opened: Vec::new(),
            deeper: 0,
            has_first: false,
        }
    }

    /// Returns how many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.opened.len() + self.deeper
    }

    /// Returns whether members of the innermost container are taken note of.
    pub(super) fn is_followed(&self) -> bool {
        self.deeper == 0
    }

    /// Takes note of a member of the innermost container that begins at `start`.
    ///
    /// `piece` is where a piece may begin for it, if one may. A symbol that is
    /// added here ends where the next member begins.
    pub(super) fn member(
        &mut self,
        start: usize,
        piece: Option<usize>,
        label: Option<Label>,
        role: Role,
    ) {
        if self.deeper > 0 {
            return;
        }
        let (group, symbol) = self
            .opened
            .last()
            .map_or((Structure::ROOT, None), |open| (open.group, open.symbol));
        let has_first = match self.opened.last_mut() {
            Some(open) => &mut open.has_first,
            None => &mut self.has_first,
        };
        if let Some(piece) = piece {
            let is_first = !std::mem::replace(has_first, true);
            self.structure.allow(piece, group, role, is_first);
        }
        let own = label.and_then(|label| self.structure.add_symbol(label, symbol));
        self.structure.mark(piece.unwrap_or(start), own.or(symbol));
    }

    /// Opens a container that is the value of the member noted last.
    ///
    /// `start` is where that member's piece begins.
    pub(super) fn open(&mut self, start: usize) {
        if self.deeper > 0 || self.opened.len() >= DEPTH_MAX {
            self.deeper += 1;
            return;
        }
        let symbol = self.structure.innermost();
        let group = self.structure.open_group();
        self.opened.push(Open {
            start,
            symbol,
            group,
            before: self.structure.extent(),
            has_first: false,
            role: self.structure.last_role(),
        });
    }

    /// Closes the innermost container, which ends at `end`.
    pub(super) fn close(&mut self, end: usize) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        let Some(open) = self.opened.pop() else {
            return;
        };
        if end.saturating_sub(open.start) <= self.bytes_target {
            self.structure.shrink(open.before);
            self.structure.set_last_role(open.role);
        } else {
            self.structure.enter_at(open.before, open.group);
        }
        let outside = self.opened.last().and_then(|open| open.symbol);
        self.structure.mark(end, outside);
    }
}
