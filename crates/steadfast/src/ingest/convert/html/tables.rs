//! Tables: those that are data become rows with bars, others lose their grid.

use std::ops::Range;

use super::writer::{Gap, Shape, Writer};

/// The tables that are open, outermost first.
#[derive(Debug, Default)]
pub(super) struct Tables(Vec<Table>);

/// Where a table is being written.
#[derive(Debug)]
struct Table {
    is_data: bool,
    /// The cells of the row that is open.
    cells: Option<usize>,
    has_head: bool,
}

impl Tables {
    /// Returns how many tables are open.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn open(&mut self, is_data: bool) {
        self.0.push(Table {
            is_data,
            cells: None,
            has_head: false,
        });
    }

    pub(super) fn close(&mut self, writer: &mut Writer) {
        self.end_row(writer);
        self.0.pop();
    }

    /// Begins a row, which ends the one before; its bars come with its first cell.
    pub(super) fn row(&mut self, writer: &mut Writer) {
        self.end_row(writer);
        writer.gap(Gap::Line);
    }

    pub(super) fn cell(&mut self, writer: &mut Writer, origin: Range<usize>) {
        let Some(table) = self.0.last_mut().filter(|table| table.is_data) else {
            writer.gap(Gap::Block);
            return;
        };
        end_cell(writer);
        if let Some(cells) = &mut table.cells {
            *cells += 1;
        } else {
            // Lines before a table are not part of it.
            writer.gap(if table.has_head {
                Gap::Line
            } else {
                Gap::Block
            });
            writer.mark("|", origin.clone());
            table.cells = Some(1);
        }
        writer.shape = Shape::Cell;
        writer.gap(Gap::Space);
    }

    pub(super) fn end_cell(&mut self, writer: &mut Writer) {
        if self.0.last().is_some_and(|table| table.is_data) {
            end_cell(writer);
        } else {
            writer.gap(Gap::Block);
        }
    }

    /// Ends the row that is open, if one is; behind the first comes the line that makes it the head.
    pub(super) fn end_row(&mut self, writer: &mut Writer) {
        let Some(table) = self.0.last_mut() else {
            return;
        };
        end_cell(writer);
        if let Some(cells) = table.cells.take() {
            writer.gap(Gap::Line);
            if !table.has_head {
                table.has_head = true;
                let line = format!("|{}", " --- |".repeat(cells));
                writer.mark(&line, 0..0);
                writer.gap(Gap::Line);
            }
        }
    }
}

fn end_cell(writer: &mut Writer) {
    if writer.shape == Shape::Cell {
        writer.end_link(0..0);
        writer.gap(Gap::Space);
        writer.mark("|", 0..0);
        writer.shape = Shape::Flow;
    }
}
