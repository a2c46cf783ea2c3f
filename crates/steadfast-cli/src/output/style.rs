//! Emphasis on a terminal, numbers for people, and text that cannot command the terminal.

use std::borrow::Cow;

/// Emphasis, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    is_terminal: bool,
    is_coloured: bool,
}

impl Style {
    /// Returns the style for a terminal that may not be one.
    pub(crate) fn of_terminal(is_terminal: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            is_terminal,
            is_coloured: is_terminal && !is_set("NO_COLOR") && !is_dumb,
        }
    }

    /// Returns whether anything is emphasised.
    pub(crate) fn is_on(self) -> bool {
        self.is_coloured
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap(text, "1")
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap(text, "2")
    }

    fn wrap(self, text: &str, code: &str) -> String {
        let text = self.clean(text);
        if self.is_coloured {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.into_owned()
        }
    }

    /// Returns a text as it may be shown: stored text is data and must not steer the terminal.
    pub(crate) fn clean(self, text: &str) -> Cow<'_, str> {
        clean(text, self.is_terminal)
    }

    /// Returns a text with some byte ranges in bold.
    pub(crate) fn highlighted(self, text: &str, ranges: &[(usize, usize)]) -> String {
        let mut out = String::with_capacity(text.len() + ranges.len() * 8);
        let mut done = 0;
        for &(from, to) in ranges {
            out.push_str(&self.clean(text.get(done..from).unwrap_or_default()));
            out.push_str(&self.bold(text.get(from..to).unwrap_or_default()));
            done = to;
        }
        out.push_str(&self.clean(text.get(done..).unwrap_or_default()));
        out
    }
}

/// Replaces control characters by a visible sign, where the text goes to a terminal.
pub(crate) fn clean(text: &str, is_terminal: bool) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !is_terminal || !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    // A carriage return before a line feed is part of the line end.
    Cow::Owned(text.replace("\r\n", "\n").replace(steers, "\u{fffd}"))
}

/// Returns a number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style {
        is_terminal: false,
        is_coloured: false,
    };
    const COLOURED: Style = Style {
        is_terminal: true,
        is_coloured: true,
    };

    #[test]
    fn thousands_stand_apart() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn highlights_are_bold_on_a_terminal_only() {
        let ranges = [(4, 8)];
        assert_eq!(PLAIN.highlighted("the word is", &ranges), "the word is");
        assert_eq!(
            COLOURED.highlighted("the word is", &ranges),
            "the \x1b[1mword\x1b[0m is"
        );
    }

    #[test]
    fn stored_text_cannot_steer_the_terminal() {
        assert_eq!(COLOURED.clean("a\x1b[2Jb\tc\r\nd"), "a\u{fffd}[2Jb\tc\nd");
        assert_eq!(PLAIN.clean("a\x1b[2Jb"), "a\x1b[2Jb");
    }
}
