//! Unicode classes of characters and the folding of words beyond ASCII.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// What a character does to the word around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Ends a word.
    Separator,
    /// Belongs to a word of a script written with spaces.
    Word,
    /// Belongs to a run of a script written without spaces, or of Hangul: indexed as bigrams.
    Unspaced,
    /// Continues whatever it follows: marks and joiners.
    Extend,
}

/// Returns the class of a character.
pub(crate) fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() || c == '_' {
            Class::Word
        } else {
            Class::Separator
        };
    }
    if c.is_alphanumeric() {
        return if is_unspaced(c) {
            Class::Unspaced
        } else {
            Class::Word
        };
    }
    if is_ignored(c) || is_combining_mark(c) {
        Class::Extend
    } else {
        Class::Separator
    }
}

/// Characters inside a word that are no part of its spelling: soft hyphen, joiners.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF          // Thai, Lao
        | 0x1000..=0x109F        // Myanmar
        | 0x1100..=0x11FF        // Hangul Jamo
        | 0x1780..=0x17FF        // Khmer
        | 0x2E80..=0x2FDF        // Han radicals
        | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3038..=0x303B
        | 0x3040..=0x31FF        // Hiragana, Katakana, Bopomofo, Hangul compatibility
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF
        | 0xFF66..=0xFFDC        // half-width Katakana and Hangul
        | 0x1B000..=0x1B16F      // Kana supplement
        | 0x20000..=0x3FFFD)
}

/// Returns a word in its one spelling: NFKC, lower case, Latin letters without their accents.
///
/// So `Zo\u{eb}`, `Zoe\u{308}` and `zoe` are one term, and so are full-width and plain Latin letters.
pub(crate) fn fold_word(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.nfkc().flat_map(char::to_lowercase) {
        match c {
            '\u{300}'..='\u{36f}' => {}
            _ if is_ignored(c) => {}
            '\u{3c2}' => out.push('\u{3c3}'),
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => decompose_canonical(c, |part| {
                if !('\u{300}'..='\u{36f}').contains(&part) {
                    out.push(part);
                }
            }),
            _ => out.push(c),
        }
    }
    out
}

/// Returns a run of an unspaced script in its composed form, or nothing when it already is in that form.
pub(crate) fn compose_run(run: &str) -> Option<String> {
    (is_nfkc_quick(run.chars()) != IsNormalized::Yes).then(|| run.nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_meet() {
        for (word, folded) in [
            ("Zo\u{eb}", "zoe"),
            ("Zoe\u{308}", "zoe"),
            ("\u{ff21}\u{ff22}\u{ff23}", "abc"),
            ("\u{fb01}le", "file"),
            ("co\u{ad}operate", "cooperate"),
            (
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
            ),
            (
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
                "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
            ),
            ("\u{130}zmir", "izmir"),
            ("\u{419}\u{43e}\u{434}", "\u{439}\u{43e}\u{434}"),
        ] {
            assert_eq!(fold_word(word), folded);
        }
    }

    #[test]
    fn punctuation_of_every_script_ends_a_word() {
        for c in [
            '\u{3002}',
            '\u{30fb}',
            '\u{ff0c}',
            '\u{2019}',
            '\u{ab}',
            '\u{5be}',
            '\u{1f600}',
            '\u{3000}',
        ] {
            assert_eq!(class(c), Class::Separator, "{c:?}");
        }
        assert_eq!(class('\u{30fc}'), Class::Unspaced);
        assert_eq!(class('\u{94d}'), Class::Extend);
    }
}
