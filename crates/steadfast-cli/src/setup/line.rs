//! Whether a line for the shell, as it stands among the hooks of a host, runs us. Pure.
//!
//! It is told by the program that the line starts, not by what the line mentions:
//! a hook of the user's own may well name our folder.

use steadfast_server::hooks::event::Event;

/// The name of our program, whatever folder it is in.
const PROGRAM: &str = "steadfast";

/// Returns whether a line starts us for an event; `own` is the line that we write now, for a program of another name.
pub(super) fn runs_us(line: &str, own: Option<&str>) -> bool {
    let found = words(line);
    let Some(program) = found.first().map(|word| file_name(word)) else {
        return false;
    };
    let own = own.and_then(|own| words(own).into_iter().next());
    let is_ours = program == PROGRAM || own.is_some_and(|own| file_name(&own) == program);
    let is_hook = found.windows(2).any(|pair| match pair {
        [command, event] => command == "hook" && Event::named(event).is_some(),
        _ => false,
    });
    is_ours && is_hook
}

/// Returns the last part of a path of any system, without the ending of programs.
fn file_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".exe").unwrap_or(name)
}

/// Returns the words of a line, without the quotes around them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            // A path of Windows has such signs in it.
            None if c == '\\' && !cfg!(windows) => word.get_or_insert_default().extend(rest.next()),
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_ours_by_the_program_that_it_starts() {
        for (line, is) in [
            ("steadfast hook stop", true),
            (
                "'/opt/my tools/steadfast' --store '/it s' hook session-start",
                true,
            ),
            ("C:/tools/steadfast.exe hook prompt", true),
            ("\"/a b/steadfast\" hook stop", true),
            ("/home/me/sf hook stop", true),
            ("python3 /home/me/steadfast-notes/run.py hook stop", false),
            ("cd /src/steadfast && lefthook run hook stop", false),
            ("~/src/steadfast/scripts/notify.sh hook stop", false),
            ("steadfast search hook", false),
            ("/usr/bin/other hook stop", false),
            ("", false),
        ] {
            assert_eq!(runs_us(line, Some("/bin/sf hook stop")), is, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn words_are_those_of_a_shell() {
        let line = "'/it'\\''s here' a\\ b  \"c d\"";
        assert_eq!(words(line), ["/it's here", "a b", "c d"]);
    }
}
