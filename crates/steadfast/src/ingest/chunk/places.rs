//! Where in a line a piece of program text or data may begin.

use std::ops::Range;

/// Where lines begin, for places that are asked for in ascending order.
pub(super) struct Lines<'t> {
    text: &'t str,
    line_bytes_max: usize,
    line: Range<usize>,
    /// Where the white space at the start of the line ends.
    indent_end: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, line_bytes_max: usize) -> Self {
        let mut lines = Self {
            text,
            line_bytes_max,
            line: 0..0,
            indent_end: 0,
        };
        lines.read_line(0);
        lines
    }

    fn read_line(&mut self, start: usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find('\n').map_or(rest.len(), |place| place + 1);
        self.line = start..start + length;
        let line = self.text.get(self.line.clone()).unwrap_or_default();
        self.indent_end = self.line.end - line.trim_ascii_start().len();
    }

    /// Returns where a piece that holds `start` may begin: at its line, when nothing stands before it there,
    /// and anywhere in a line that is too long to be kept whole.
    pub(super) fn place(&mut self, start: usize) -> Option<usize> {
        while start >= self.line.end && self.line.end < self.text.len() {
            self.read_line(self.line.end);
        }
        if start < self.line.start {
            None
        } else if start <= self.indent_end {
            Some(self.line.start)
        } else if self.line.len() > self.line_bytes_max && self.text.is_char_boundary(start) {
            Some(start)
        } else {
            None
        }
    }
}
