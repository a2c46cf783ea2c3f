//! Puts the pieces of a structure together.
//!
//! Small neighbours of one parent are joined up to the target, and a
//! definition of some size stands alone. Pieces of different parents are
//! joined only when the first is too short to stand alone.

use super::ChunkLimits;
use super::pack::{Grain, Run, split};
use super::structure::{Group, Place, Role, Structure, TINY_ONE_IN};

/// A definition shorter than one part in this many of the target is not worth a chunk of its own.
const MINUTE_ONE_IN: usize = 16;
/// A definition of at least one part in this many of the target is not put together with others.
const LARGE_ONE_IN: usize = 2;

/// Puts pieces together.
pub(super) struct Packer<'t> {
    text: &'t str,
    limits: ChunkLimits,
    run: Run,
    /// What is known of the run, when it is not empty.
    state: RunState,
    /// The parent of the last chunk, when a run of that parent may still join it.
    last_group: Option<Group>,
    ends: Vec<usize>,
}

#[derive(Clone, Copy)]
struct RunState {
    group: Group,
    has_definition: bool,
    has_large: bool,
}

impl<'t> Packer<'t> {
    pub(super) fn new(text: &'t str, limits: ChunkLimits) -> Self {
        Self {
            text,
            limits,
            run: Run::new(0, limits),
            state: RunState {
                group: Structure::ROOT,
                has_definition: false,
                has_large: false,
            },
            last_group: None,
            ends: Vec::new(),
        }
    }

    /// Takes the piece that begins at `place`, which is where the run ends.
    pub(super) fn add(&mut self, place: Place, end: usize) {
        let length = end - place.start;
        let is_definition = place.role == Role::Definition;
        let piece = RunState {
            group: place.group,
            has_definition: is_definition,
            has_large: is_definition && length >= self.limits.bytes_target / LARGE_ONE_IN,
        };
        if length > self.limits.bytes_max {
            self.add_long(place.start, end);
            return;
        }
        if self.run.length() == 0 {
            self.state = piece;
        } else {
            let is_apart =
                piece.group != self.state.group || piece.has_large || self.state.has_large;
            if is_apart {
                let fits = end - self.run.start() <= self.limits.bytes_max;
                let trails =
                    piece.group == self.state.group && self.is_slight(length, is_definition);
                if fits && trails {
                    self.state.has_large |= piece.has_large;
                    self.state.has_definition |= is_definition;
                } else if self.run_is_slight() && !self.joins_last() && fits {
                    self.state = piece;
                } else {
                    self.close();
                    self.state = piece;
                }
            } else {
                while self.run.is_full_with(end) {
                    let fits = end - self.run.start() <= self.limits.bytes_max;
                    if fits && self.run.length() < self.limits.bytes_target / TINY_ONE_IN {
                        break;
                    }
                    self.run.cut(self.text, end, &mut self.ends);
                    self.last_group = Some(self.state.group);
                }
                self.state.has_definition |= is_definition;
            }
        }
        self.run.pieces.push(end);
    }

    /// Returns where the chunks end.
    pub(super) fn finish(mut self) -> Vec<usize> {
        self.close();
        self.ends
    }

    /// Cuts a piece that is too long as plain text; a short beginning goes with it.
    fn add_long(&mut self, start: usize, end: usize) {
        let start = if self.run.length() == 0 {
            start
        } else if self.run_is_slight() && !self.joins_last() {
            self.run.start()
        } else {
            self.close();
            start
        };
        split(
            self.text,
            start..end,
            Grain::Block,
            self.limits,
            &mut self.ends,
        );
        self.last_group = None;
        self.run = Run::new(end, self.limits);
    }

    fn is_slight(&self, length: usize, has_definition: bool) -> bool {
        let parts = if has_definition {
            MINUTE_ONE_IN
        } else {
            TINY_ONE_IN
        };
        length < self.limits.bytes_target / parts
    }

    fn run_is_slight(&self) -> bool {
        self.is_slight(self.run.length(), self.state.has_definition)
    }

    /// Returns whether the run can become the end of the chunk before it.
    fn joins_last(&self) -> bool {
        let before = self
            .ends
            .len()
            .checked_sub(2)
            .and_then(|index| self.ends.get(index));
        self.last_group == Some(self.state.group)
            && self.run.end() - before.copied().unwrap_or(0) <= self.limits.bytes_max
    }

    /// Ends the run, as a chunk or as the end of the one before it.
    fn close(&mut self) {
        if self.run.length() == 0 {
            return;
        }
        if self.run_is_slight() && self.joins_last() {
            self.ends.pop();
        }
        self.run.close(&mut self.ends);
        self.last_group = Some(self.state.group);
    }
}
