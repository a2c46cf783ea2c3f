//! The labelled texts. `\n` and `\u{..}` mean the character.

/// Returns texts that are meant as instructions to a model.
pub(crate) fn positive() -> Vec<String> {
    read(include_str!("positive.txt"))
}

/// Returns texts that are not, many of them about prompts; the last four quote an injection.
pub(crate) fn negative() -> Vec<String> {
    read(include_str!("negative.txt"))
}

fn read(lines: &str) -> Vec<String> {
    lines.lines().map(unescape).collect()
}

fn unescape(line: &str) -> String {
    let line = line.replace("\\n", "\n");
    let mut parts = line.split("\\u{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap_or_default();
        let code = u32::from_str_radix(code, 16).unwrap_or_default();
        out.extend(char::from_u32(code));
        out.push_str(rest);
    }
    out
}
