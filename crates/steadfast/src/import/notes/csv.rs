//! Comma-separated values, as RFC 4180 has them: quotes, doubled quotes, line ends within quotes.

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) fields: Vec<String>,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// Whether a field in quotes had its last quote.
    pub(super) is_ended: bool,
}

/// Reads all records; a mark of the byte order before the first is taken off.
pub(super) fn records(text: &str) -> Vec<Record> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Vec::new();
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut is_quoted, mut line, mut begin) = (false, 1, 1);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() => is_quoted = true,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(Record {
                    fields: std::mem::take(&mut fields),
                    line: begin,
                    is_ended: true,
                });
                begin = line;
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !fields.is_empty() || is_quoted {
        fields.push(field);
        records.push(Record {
            fields,
            line: begin,
            is_ended: !is_quoted,
        });
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        let records = records(text).into_iter();
        records.map(|record| record.fields).collect()
    }

    #[test]
    fn quotes_hold_commas_and_line_ends() {
        assert_eq!(
            fields("\u{feff}Name,Note\r\nTea,\"green, \"\"hot\"\"\nand good\"\r\n"),
            [["Name", "Note"], ["Tea", "green, \"hot\"\nand good"]]
        );
        assert_eq!(fields("a,,\n"), [["a", "", ""]]);
        assert_eq!(fields(""), Vec::<Vec<String>>::new());
        let cut = records("a\n\"b");
        assert!(!cut[1].is_ended);
        assert_eq!(cut[1].line, 2);
    }
}
