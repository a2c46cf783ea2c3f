//! Program text: its definitions, with the comments and attributes that belong to them.
//!
//! The text is parsed by the grammar of its language; errors in it cost no
//! more than the structure of the lines they stand in. Every definition is a
//! symbol: its label is the language's word for it and its name, such as
//! `fn open`, `class Reader` or `impl Display for Error`.
//!
//! Invariants: the work of the parser is bounded by the length of the text and
//! not by a clock, so equal text has equal chunks; what nests deeper than
//! people write is not parsed, and the tree is walked with a cursor and a
//! stack on the heap, so no text overflows the stack; a parser is made once a
//! thread.
//!
//! Deliberately not here: what a name refers to, and languages without a
//! grammar, which are cut before lines that are not indented.

mod grammar;
mod label;
mod languages;
mod nesting;
mod walk;

use super::structure::Structure;
use super::{ChunkLimits, Language};

/// The longest text that is parsed: a tree takes some 20 times the memory of its text, of statements of one letter 250
/// times as much, and what is longer was written by a program.
pub(super) const PARSED_BYTES_MAX: usize = 512 << 10;

/// Returns the structure of a program text, or none when it cannot be had at a fair price.
pub(super) fn structure(text: &str, language: Language, limits: ChunkLimits) -> Option<Structure> {
    if text.len() > PARSED_BYTES_MAX || nesting::is_too_deep(text, language) {
        return None;
    }
    let language = if language == Language::C && is_cpp(text) {
        Language::Cpp
    } else {
        language
    };
    grammar::with_tree(text, language, |grammar, tree| {
        walk::structure(text, grammar, tree, limits)
    })
}

/// Returns whether a text that might be C uses words of C++ where C cannot have them.
fn is_cpp(text: &str) -> bool {
    const WORDS: [&str; 6] = [
        "class ",
        "namespace ",
        "template<",
        "template <",
        "using ",
        "public:",
    ];
    text.lines()
        .any(|line| WORDS.iter().any(|word| line.starts_with(word)))
}

#[cfg(test)]
mod tests;
