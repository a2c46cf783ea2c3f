//! Parts of Markdown in which nothing is Markdown: fences and blocks of HTML.
//!
//! As in `CommonMark` 0.31, sections 4.5 and 4.6, but for tags of one's own
//! making (kind 7): those begin no block here, so that a heading below a line
//! such as `<Card>` is one.

/// An open fence: what lies inside is neither heading nor paragraph.
#[derive(Clone, Copy)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
}

/// What a line is to an open fence or block of HTML.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meets {
    Inside,
    Closing,
    /// It ended before this line.
    Outside,
}

/// Deeper indentation than this makes a line code, except in a list.
pub(super) const INDENT_MAX: usize = 3;

impl Fence {
    /// Returns the fence that `line` opens.
    fn opened_by(line: &str) -> Option<Self> {
        let (indent, rest) = indent(line);
        let mark = *rest.first().filter(|mark| matches!(mark, b'`' | b'~'))?;
        let length = run(rest, mark);
        let info = rest.get(length..)?;
        let opens = length >= 3 && (mark == b'~' || !info.contains(&b'`'));
        opens.then_some(Self {
            mark,
            length,
            indent,
        })
    }

    /// Returns what `line` is to this fence.
    ///
    /// A fence that is indented like code can only be part of a list item; it
    /// ends where the item does, at a line that is indented less.
    fn meets(&self, line: &str) -> Meets {
        let (indent, rest) = indent(line);
        let in_list = self.indent > INDENT_MAX;
        if in_list && indent < self.indent && !rest.trim_ascii().is_empty() {
            return Meets::Outside;
        }
        let length = run(rest, self.mark);
        let closes = length >= self.length
            && (in_list || indent <= INDENT_MAX)
            && rest
                .get(length..)
                .is_none_or(|rest| rest.trim_ascii().is_empty());
        if closes {
            Meets::Closing
        } else {
            Meets::Inside
        }
    }
}

/// A part that is not Markdown, while it is open.
#[derive(Clone, Copy)]
pub(super) enum Raw {
    /// A fence.
    Fence(Fence),
    /// HTML up to the line in which one of these stands.
    Html(&'static [&'static str]),
    /// HTML up to a blank line.
    HtmlBlock,
}

/// What begins HTML that ends at a mark of its own, and those marks.
const MARKED: [(&str, &[&str]); 4] = [
    ("<!--", &["-->"]),
    ("<?", &["?>"]),
    ("<![CDATA[", &["]]>"]),
    ("<!", &[">"]),
];
/// Elements whose content may have blank lines.
const VERBATIM: &str = "pre script style textarea";
const VERBATIM_ENDS: &[&str] = &["</pre>", "</script>", "</style>", "</textarea>"];
/// Elements that begin a block of HTML.
const BLOCKS: &str = "address article aside base basefont blockquote body caption center col \
    colgroup dd details dialog dir div dl dt fieldset figcaption figure footer form frame \
    frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu menuitem nav \
    noframes ol optgroup option p param search section summary table tbody td tfoot th thead \
    title tr track ul";

/// What a line opens that is not Markdown.
pub(super) enum Opens {
    /// It goes on behind the line.
    Raw(Raw),
    /// HTML that ends with the line.
    Line,
}

impl Raw {
    /// Returns what `line` opens, if it is no Markdown.
    pub(super) fn opened_by(line: &str) -> Option<Opens> {
        if let Some(fence) = Fence::opened_by(line) {
            return Some(Opens::Raw(Self::Fence(fence)));
        }
        let (indent, rest) = indent(line);
        if rest.first() != Some(&b'<') || indent > INDENT_MAX {
            return None;
        }
        let html = line.trim_ascii_start();
        let raw = html_opened_by(html)?;
        let has_ended = match raw {
            Self::Html(ends) => {
                // The mark that begins a comment is not the one that ends it.
                let inside = html.get("<!".len()..).unwrap_or_default();
                contains_one_of(inside, ends)
            }
            Self::Fence(_) | Self::HtmlBlock => false,
        };
        Some(if has_ended {
            Opens::Line
        } else {
            Opens::Raw(raw)
        })
    }

    /// Returns what `line` is to this part.
    pub(super) fn meets(&self, line: &str) -> Meets {
        match self {
            Self::Fence(fence) => fence.meets(line),
            Self::Html(ends) if contains_one_of(line, ends) => Meets::Closing,
            Self::HtmlBlock if line.trim_ascii().is_empty() => Meets::Outside,
            Self::Html(_) | Self::HtmlBlock => Meets::Inside,
        }
    }
}

fn html_opened_by(html: &str) -> Option<Raw> {
    let marked = MARKED.iter().find(|(begin, _)| html.starts_with(begin));
    if let Some((begin, ends)) = marked {
        let is_declaration = *begin != "<!"
            || html
                .as_bytes()
                .get(begin.len())
                .is_some_and(u8::is_ascii_alphabetic);
        return is_declaration.then_some(Raw::Html(ends));
    }
    let inner = html.get(1..)?;
    let (is_end, inner) = match inner.strip_prefix('/') {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    let length = inner.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, behind) = inner.split_at_checked(length)?;
    if !behind.is_empty() && !behind.starts_with([' ', '\t', '\r', '\n', '>', '/']) {
        return None;
    }
    let is_one_of = |names: &str| {
        names
            .split_ascii_whitespace()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    if !is_end && is_one_of(VERBATIM) {
        return Some(Raw::Html(VERBATIM_ENDS));
    }
    is_one_of(BLOCKS).then_some(Raw::HtmlBlock)
}

fn contains_one_of(line: &str, marks: &[&str]) -> bool {
    let line = line.as_bytes();
    marks.iter().any(|mark| {
        line.windows(mark.len())
            .any(|window| window.eq_ignore_ascii_case(mark.as_bytes()))
    })
}

/// Returns the width of the indentation, with tabs to every fourth column, and what follows it.
pub(super) fn indent(line: &str) -> (usize, &[u8]) {
    let mut rest = line.as_bytes();
    let mut width = 0;
    while let [first @ (b' ' | b'\t'), behind @ ..] = rest {
        width = if *first == b' ' {
            width + 1
        } else {
            (width / 4 + 1) * 4
        };
        rest = behind;
    }
    (width, rest)
}

/// Returns how often `mark` stands at the start of `bytes`.
pub(super) fn run(bytes: &[u8], mark: u8) -> usize {
    bytes.iter().take_while(|&&byte| byte == mark).count()
}

/// Returns whether a line is a rule: three or more of one mark, with or without space between.
pub(super) fn is_rule(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_end();
    let Some(mark) = rest.first().filter(|mark| b"*-_".contains(mark)) else {
        return false;
    };
    let is_mark_or_space = |byte: &u8| byte == mark || matches!(byte, b' ' | b'\t');
    rest.iter().all(is_mark_or_space) && rest.iter().filter(|byte| *byte == mark).nth(2).is_some()
}

/// Returns whether a line begins a list item.
pub(super) fn begins_item(rest: &[u8]) -> bool {
    let is_marker_end = |behind: Option<&u8>| behind.is_none_or(u8::is_ascii_whitespace);
    match rest.first() {
        Some(b'-' | b'*' | b'+') => is_marker_end(rest.get(1)) && !is_rule(rest),
        Some(b'0'..=b'9') => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits <= 9
                && matches!(rest.get(digits), Some(b'.' | b')'))
                && is_marker_end(rest.get(digits + 1))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of lines that belong to what the first line opens.
    fn lines_of(text: &str) -> usize {
        let mut lines = text.lines();
        let raw = match Raw::opened_by(lines.next().unwrap()) {
            None => return 0,
            Some(Opens::Line) => return 1,
            Some(Opens::Raw(raw)) => raw,
        };
        let mut count = 1;
        for line in lines {
            match raw.meets(line) {
                Meets::Inside => count += 1,
                Meets::Closing => return count + 1,
                Meets::Outside => return count,
            }
        }
        count
    }

    #[test]
    fn html_ends_where_it_does() {
        for (text, lines) in [
            ("<!-- a -->\nb", 1),
            ("<!-->\nb\n-->\nc", 1),
            ("<!-- a\n\n# b\n-->\nc", 4),
            ("<!DOCTYPE html>\na", 1),
            ("<pre>\n\na\n</PRE> b\nc", 4),
            ("<script src=x></script>\na", 1),
            ("<div>\na\n\nb", 2),
            ("</Div>\n\na", 1),
            ("<p align=center>\n# a\n</p>\n", 3),
            ("<Card>\n# a", 0),
            ("<https://example.org>\n# a", 0),
            ("<divide>\na", 0),
            ("    <div>\na", 0),
            ("<!-- never closed\n\n\na", 4),
            ("a < b", 0),
        ] {
            assert_eq!(lines_of(text), lines, "{text:?}");
        }
    }
}
