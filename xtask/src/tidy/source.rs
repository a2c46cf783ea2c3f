//! A Rust file seen as code, as comments, and as the lines of its test modules.
//!
//! The views let a textual check tell a word in code from the same word in a comment or a
//! string. Each view has the lines of the file: what belongs elsewhere is blanked.
//! Text of string and character literals is in neither view.

use std::ops::RangeInclusive;

/// A Rust file with its views.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    /// The file without comments and literals.
    pub(super) code: String,
    /// The file's comments, including the documentation.
    pub(super) comments: String,
    /// Lines of inline `#[cfg(test)]` modules, counted from 1.
    pub(super) tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let tests = test_modules(&code);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            comments,
            tests,
        }
    }

    /// Whether the line lies in an inline test module or the whole file is for tests.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// Whether the file holds tests or benchmarks only.
    pub(super) fn is_test_file(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
    }
}

/// Yields the lines on which `word` stands alone, counted from 1.
pub(super) fn lines_with_word<'a>(
    view: &'a str,
    word: &'a str,
) -> impl Iterator<Item = usize> + 'a {
    numbered(view)
        .filter(move |(_, line)| has_word(line, word))
        .map(|(number, _)| number)
}

/// Yields lines with their numbers, counted from 1.
pub(super) fn numbered(view: &str) -> impl Iterator<Item = (usize, &str)> {
    view.lines().enumerate().map(|(at, line)| (at + 1, line))
}

/// Whether the character may be part of an identifier.
pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, found)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + found.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_word_character) && !after.is_some_and(is_word_character)
    })
}

/// Finds inline test modules at the margin: rustfmt puts their closing brace there too.
fn test_modules(code: &str) -> Vec<RangeInclusive<usize>> {
    let mut modules = Vec::new();
    let mut attribute = None;
    let mut start = None;
    for (number, line) in numbered(code) {
        if let Some(first) = start {
            if line.trim_end() == "}" {
                modules.push(first..=number);
                start = None;
            }
        } else if line.starts_with("#[cfg(test)]") {
            attribute = Some(number);
        } else if line.starts_with("mod ") && line.trim_end().ends_with('{') {
            start = attribute.take();
        } else if !line.starts_with("#[") {
            attribute = None;
        }
    }
    modules
}

#[derive(Clone, Copy)]
enum Part {
    Code,
    Comment,
    Literal,
}

struct Splitter {
    rest: std::vec::IntoIter<char>,
    code: String,
    comments: String,
}

/// Splits a file into its code and its comments.
fn split(text: &str) -> (String, String) {
    let mut splitter = Splitter {
        rest: text.chars().collect::<Vec<_>>().into_iter(),
        code: String::with_capacity(text.len()),
        comments: String::new(),
    };
    while let Some(next) = splitter.peek(0) {
        match (next, splitter.peek(1)) {
            ('/', Some('/')) => splitter.line_comment(),
            ('/', Some('*')) => splitter.block_comment(),
            ('"', _) => splitter.quoted('"'),
            ('\'', after) if after == Some('\\') || splitter.peek(2) == Some('\'') => {
                splitter.quoted('\'');
            }
            _ if is_word_character(next) => splitter.word(),
            _ => splitter.take(Part::Code),
        }
    }
    (splitter.code, splitter.comments)
}

impl Splitter {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.as_slice().get(ahead).copied()
    }

    fn take(&mut self, part: Part) {
        let Some(next) = self.rest.next() else { return };
        let blank = if next == '\n' { '\n' } else { ' ' };
        let (code, comment) = match part {
            Part::Code => (next, blank),
            Part::Comment => (blank, next),
            Part::Literal => (blank, blank),
        };
        self.code.push(code);
        self.comments.push(comment);
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|next| next != '\n') {
            self.take(Part::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (Some(_), _) => {
                    self.take(Part::Comment);
                    continue;
                }
                (None, _) => return,
            }
            self.take(Part::Comment);
            self.take(Part::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        self.take(Part::Literal);
        while let Some(next) = self.peek(0) {
            self.take(Part::Literal);
            if next == '\\' {
                self.take(Part::Literal);
            } else if next == quote {
                return;
            }
        }
    }

    /// Takes an identifier; when it is the prefix of a raw string, the string as well.
    fn word(&mut self) {
        let mut word = String::new();
        while let Some(next) = self.peek(0).filter(|next| is_word_character(*next)) {
            word.push(next);
            self.take(Part::Code);
        }
        if !matches!(word.as_str(), "r" | "br" | "cr") {
            return;
        }
        let hashes = self
            .rest
            .as_slice()
            .iter()
            .take_while(|next| **next == '#')
            .count();
        if self.peek(hashes) != Some('"') {
            return;
        }
        for _ in 0..=hashes {
            self.take(Part::Literal);
        }
        while let Some(next) = self.peek(0) {
            let closes = next == '"' && (1..=hashes).all(|at| self.peek(at) == Some('#'));
            self.take(Part::Literal);
            if closes {
                for _ in 0..hashes {
                    self.take(Part::Literal);
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of blanks count as one: how many there are is no matter.
    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let views = split(text);
        let squeeze = |view: &str| view.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&views.0), code);
        assert_eq!(squeeze(&views.1), comments);
        assert_eq!(views.0.lines().count(), text.lines().count());
        assert_eq!(views.1.lines().count(), text.lines().count());
    }

    #[test]
    fn comments_leave_the_code() {
        check("a(); // b \"c\nd();", "a(); d();", "// b \"c");
        check("a /* b /* c */ d\n*/ e", "a e", "/* b /* c */ d */");
        check("a /* open", "a", "/* open");
    }

    #[test]
    fn literals_are_in_neither_view() {
        check(r#"f("a // \" b") + g"#, "f( ) + g", "");
        let raw = r###"f(r#"a " b"#, r"\", br##"x"# y"##) + g"###;
        check(raw, "f(r , r , br ) + g", "");
        check(r#"f('"', '\'', b'"') + g"#, "f( , , b ) + g", "");
        check("f(\"two\nlines\") + g", "f( ) + g", "");
        check("f(\"open", "f(", "");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        check("fn f<'a>(r#type: &'a str)", "fn f<'a>(r#type: &'a str)", "");
    }

    #[test]
    fn words_stand_alone() {
        assert!(has_word("let x = unsafe { y };", "unsafe"));
        assert!(has_word("#[unsafe(no_mangle)]", "unsafe"));
        assert!(!has_word("#![deny(unsafe_code)]", "unsafe"));
        assert!(!has_word("notunsafe", "unsafe"));
    }

    #[test]
    fn test_modules_end_at_their_own_brace() {
        let text = "fn a() {\n}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {\n}\n";
        let source = Source::new("crates/a/src/lib.rs", text);
        assert_eq!(source.tests, [3..=8]);
        assert!(source.is_test_line(5));
        assert!(!source.is_test_line(9));
        assert_eq!(test_modules("#[cfg(test)]\nmod tests;\nmod a {\n}\n"), []);
        assert_eq!(test_modules("#[cfg(test)]\nuse a;\nmod b {\n}\n"), []);
    }
}
