//! Everything that is printed: data on standard output, talk on standard error.
//!
//! Colours appear on a terminal only, never carry meaning alone, and `NO_COLOR`
//! turns them off. What is deliberately not here: decisions.

pub(crate) mod progress;
mod style;
pub(crate) mod text;

use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde_json::Value;

use crate::error::Failure;

pub(crate) use steadfast_server::wire as json;
pub(crate) use style::{Style, clean, grouped};

/// Where a command prints.
pub(crate) struct Output {
    is_json: bool,
    style: Style,
    talks_to_terminal: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self {
            is_json,
            style: Style::of_terminal(io::stdout().is_terminal()),
            talks_to_terminal: io::stderr().is_terminal(),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints one JSON object as one line.
    pub(crate) fn object(&self, object: &Value) -> Result<(), Failure> {
        self.print(|out, _| writeln!(out, "{object}"))
    }

    /// Prints the object for programs, or the text for people.
    pub(crate) fn show(
        &self,
        object: impl FnOnce() -> Value,
        text: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.is_json {
            self.object(&object())
        } else {
            self.print(text)
        }
    }

    /// Prints text; all of it has left the program when this returns.
    pub(crate) fn print(
        &self,
        text: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        text(&mut out, self.style)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Says something on standard error. That nobody listens is no reason to fail.
    pub(crate) fn talk(&self, lines: &[String]) {
        let mut out = io::stderr().lock();
        for line in lines {
            drop(writeln!(out, "{}", clean(line, self.talks_to_terminal)));
        }
    }

    /// Says on standard error what the user should know.
    pub(crate) fn warn(&self, warnings: &[String]) {
        let lines: Vec<String> = warnings
            .iter()
            .map(|warning| format!("warning: {warning}"))
            .collect();
        self.talk(&lines);
    }
}
