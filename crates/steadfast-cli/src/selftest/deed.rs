//! What the self-test writes: made from numbers, so that the writer and the one who looks know it alike.

/// A conversation that a writer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) writer: u64,
    pub(super) index: u64,
}

/// How often a conversation is kept, changed each time.
pub(super) const EDITIONS: u64 = 2;

/// Letters without vowels: no word of them is inflected, so each is a term of its own.
const LETTERS: [char; 16] = [
    'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 't', 'v', 'w',
];

const FILLER: [&str; 8] = [
    "harbor", "window", "orange", "paper", "garden", "silver", "market", "ribbon",
];

impl Key {
    /// Returns the source of the conversation.
    pub(super) fn source(self) -> String {
        format!("selftest:{}:{}", self.writer, self.index)
    }

    /// Returns the key of a source.
    pub(super) fn of_source(source: &str) -> Option<Self> {
        let (writer, index) = source.strip_prefix("selftest:")?.split_once(':')?;
        Some(Self {
            writer: writer.parse().ok()?,
            index: index.parse().ok()?,
        })
    }

    /// Returns a word that no other conversation has.
    pub(super) fn word(self) -> String {
        format!("{}x{}", letters(self.writer), letters(self.index))
    }

    /// Returns the messages of an edition; of none, before the first.
    pub(super) fn messages(self, edition: u64) -> Vec<String> {
        if edition == 0 {
            return Vec::new();
        }
        let count = 1 + (self.index + edition) % 4;
        (0..count).map(|part| self.message(edition, part)).collect()
    }

    fn message(self, edition: u64, part: u64) -> String {
        // The first message stays from edition to edition, as that of a talk that grows does.
        let edition = if part == 0 { 1 } else { edition };
        let word = self.word();
        let mut text = format!("{word} told in edition {edition}, part {part}:");
        let words = (self.index * 37 + self.writer * 11 + part * 53) % 120;
        for number in 0..words {
            let index = usize::try_from((number * 5 + part + edition) % 8).unwrap_or(0);
            text.push(' ');
            text.push_str(FILLER.get(index).copied().unwrap_or_default());
        }
        text.push('.');
        text
    }
}

/// Returns the text of a note that several writers write at once.
pub(super) fn shared_note(index: u64) -> String {
    format!(
        "The note {} is written by everybody at once.",
        letters(index)
    )
}

fn letters(number: u64) -> String {
    let mut text = String::from("q");
    let mut left = number;
    loop {
        let index = usize::try_from(left % 16).unwrap_or(0);
        text.extend(LETTERS.get(index));
        left /= 16;
        if left == 0 {
            return text;
        }
    }
}

/// A small generator of pseudo-random numbers (`SplitMix64`, Steele and others, 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Returns a number below `end`; 0 when there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(end).unwrap_or(0)
    }

    /// Returns a place in a list of this length.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sources_are_those_of_one_conversation_only() {
        let mut words = std::collections::BTreeSet::new();
        for writer in 0..40 {
            for index in 0..40 {
                let key = Key { writer, index };
                assert!(words.insert(key.word()), "{key:?}");
                assert_eq!(Key::of_source(&key.source()), Some(key));
                assert_ne!(key.messages(1), key.messages(2));
            }
        }
        assert_eq!(Key::of_source("selftest:1"), None);
    }
}
