//! Plain transcripts: what the user said stands behind `>`, the answer below it.

use std::path::Path;

use super::super::ImportKind;
use super::message::{Said, Talk};
use crate::ingest::identify::source_name;

/// Questions that a text must have to be taken for a transcript without being called one.
const QUESTIONS_MIN: usize = 2;

/// Returns whether a text reads as a transcript: it begins with a question, and has an answer behind more than one.
pub(in super::super) fn is_transcript(text: &str) -> bool {
    let said = turns(text);
    let begins = said.first().is_some_and(|(is_question, _)| *is_question);
    let answered = said
        .windows(2)
        .filter(|pair| matches!(pair, [(true, _), (false, _)]))
        .count();
    begins && answered >= QUESTIONS_MIN
}

/// Reads a transcript; messages are called by their number.
pub(super) fn read(path: &Path, text: &str) -> Talk {
    let mut talk = Talk::new(ImportKind::Transcript, source_name(path));
    talk.title = path
        .file_stem()
        .map(|name| name.to_string_lossy().into_owned());
    for (number, (is_question, text)) in turns(text).into_iter().enumerate() {
        let role = if is_question { "user" } else { "assistant" };
        talk.messages.push(Said {
            id: format!("{}#{}", talk.session, number + 1),
            text,
            role: Some(role.to_owned()),
            is_converted: is_question,
            ..Said::default()
        });
    }
    talk
}

/// Cuts a text into questions and answers. Of a question the marks are taken off; an answer stays as it is.
fn turns(text: &str) -> Vec<(bool, String)> {
    let mut turns: Vec<(bool, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let question = line
            .strip_prefix("> ")
            .or_else(|| line.strip_prefix('>').filter(|rest| rest.trim().is_empty()));
        let (is_question, said) = question.map_or((false, line), |said| (true, said));
        match turns.last_mut() {
            Some((last, text)) if *last == is_question => text.push_str(said),
            // Blank lines between belong to what stands before them.
            Some((_, text)) if said.trim().is_empty() => text.push_str(said),
            _ => turns.push((is_question, said.to_owned())),
        }
    }
    turns.retain(|(_, text)| !text.trim().is_empty());
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_stand_behind_their_mark() {
        let text = "> Which port?\n> For the proxy.\n\n8443.\n\nAlways.\n> Thanks\nWelcome.\n";
        assert!(is_transcript(text));
        assert_eq!(
            turns(text),
            [
                (true, "Which port?\nFor the proxy.\n\n".to_owned()),
                (false, "8443.\n\nAlways.\n".to_owned()),
                (true, "Thanks\n".to_owned()),
                (false, "Welcome.\n".to_owned()),
            ]
        );
        assert!(!is_transcript("A letter.\n\n> with a quote\n\nand more.\n"));
        assert!(!is_transcript(""));
    }
}
