//! The stemmer of M. F. Porter, "An algorithm for suffix stripping" (Program 14(3), 1980), as published.
//!
//! Works in place on lower-case ASCII letters of at most [`WORD_BYTES_MAX`]
//! bytes, so that the consonants of a word fit one 64-bit mask. The later
//! departures of the author's own programs (`logi`, `bli`) are not applied.

/// The longest word that is stemmed; longer ones are names or blobs.
pub(crate) const WORD_BYTES_MAX: usize = 64;

/// A word while it is stripped: `letters[..length]` is what is left.
struct Word<'a> {
    letters: &'a mut [u8],
    length: usize,
    /// Bit `i` is set when letter `i` is a consonant.
    consonants: u64,
}

/// Stems a word in place and returns how many of its bytes are left.
///
/// The word must be lower-case ASCII letters, at most [`WORD_BYTES_MAX`] of them; others come back untouched.
pub(crate) fn stem(letters: &mut [u8]) -> usize {
    let length = letters.len();
    if length <= 2 || length > WORD_BYTES_MAX || !letters.iter().all(u8::is_ascii_lowercase) {
        return length;
    }
    let mut word = Word {
        consonants: 0,
        letters,
        length,
    };
    word.classify();
    word.plurals();
    word.past_and_gerund();
    word.final_y();
    word.double_suffixes();
    word.single_suffixes();
    word.bare_suffixes();
    word.final_e_and_l();
    word.length
}

/// A suffix and what takes its place.
type Rule = (&'static [u8], &'static [u8]);

/// Step 2, by the last letter but one: applied when the stem before has a measure above 0.
///
/// Of two suffixes that fit, the longer stands first.
fn double_rules(letter: u8) -> &'static [Rule] {
    match letter {
        b'a' => &[(b"ational", b"ate"), (b"tional", b"tion")],
        b'c' => &[(b"enci", b"ence"), (b"anci", b"ance")],
        b'e' => &[(b"izer", b"ize")],
        b'l' => &[
            (b"abli", b"able"),
            (b"alli", b"al"),
            (b"entli", b"ent"),
            (b"eli", b"e"),
            (b"ousli", b"ous"),
        ],
        b'o' => &[(b"ization", b"ize"), (b"ation", b"ate"), (b"ator", b"ate")],
        b's' => &[
            (b"alism", b"al"),
            (b"iveness", b"ive"),
            (b"fulness", b"ful"),
            (b"ousness", b"ous"),
        ],
        b't' => &[(b"aliti", b"al"), (b"iviti", b"ive"), (b"biliti", b"ble")],
        _ => &[],
    }
}

/// Step 3, by the last letter: as step 2.
fn single_rules(letter: u8) -> &'static [Rule] {
    match letter {
        b'e' => &[(b"icate", b"ic"), (b"ative", b""), (b"alize", b"al")],
        b'i' => &[(b"iciti", b"ic")],
        b'l' => &[(b"ical", b"ic"), (b"ful", b"")],
        b's' => &[(b"ness", b"")],
        _ => &[],
    }
}

/// Step 4, by the last letter but one: removed when the stem before has a measure above 1.
fn bare_rules(letter: u8) -> &'static [&'static [u8]] {
    match letter {
        b'a' => &[b"al"],
        b'c' => &[b"ance", b"ence"],
        b'e' => &[b"er"],
        b'i' => &[b"ic"],
        b'l' => &[b"able", b"ible"],
        b'n' => &[b"ant", b"ement", b"ment", b"ent"],
        b'o' => &[b"ion", b"ou"],
        b's' => &[b"ism"],
        b't' => &[b"ate", b"iti"],
        b'u' => &[b"ous"],
        b'v' => &[b"ive"],
        b'z' => &[b"ize"],
        _ => &[],
    }
}

impl Word<'_> {
    fn classify(&mut self) {
        let mut mask = 0_u64;
        let mut before_is_consonant = false;
        for (index, letter) in self.letters.iter().take(self.length).enumerate() {
            let consonant = match letter {
                b'a' | b'e' | b'i' | b'o' | b'u' => false,
                b'y' => index == 0 || !before_is_consonant,
                _ => true,
            };
            mask |= u64::from(consonant) << index;
            before_is_consonant = consonant;
        }
        self.consonants = mask;
    }

    fn text(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }

    fn letter(&self, index: usize) -> u8 {
        self.letters.get(index).copied().unwrap_or(0)
    }

    /// Returns the length of the stem before `suffix` when the word ends in it.
    fn before(&self, suffix: &[u8]) -> Option<usize> {
        self.text().strip_suffix(suffix).map(<[u8]>::len)
    }

    /// Returns a letter counted from the end, 0 before the start.
    fn letter_from_end(&self, distance: usize) -> u8 {
        self.length
            .checked_sub(distance)
            .map_or(0, |index| self.letter(index))
    }

    /// The measure m of the first `length` letters: how often a vowel is followed by a consonant.
    fn measure(&self, length: usize) -> u32 {
        let inside = low_bits(length.saturating_sub(1));
        (!self.consonants & (self.consonants >> 1) & inside).count_ones()
    }

    fn has_vowel(&self, length: usize) -> bool {
        !self.consonants & low_bits(length) != 0
    }

    fn is_consonant(&self, index: usize) -> bool {
        self.consonants >> index & 1 == 1
    }

    fn ends_in_double_consonant(&self, length: usize) -> bool {
        length >= 2
            && self.letter(length - 1) == self.letter(length - 2)
            && self.is_consonant(length - 1)
    }

    /// The condition *o: consonant, vowel, consonant other than w, x, y.
    fn ends_in_short_syllable(&self, length: usize) -> bool {
        length >= 3
            && self.is_consonant(length - 3)
            && !self.is_consonant(length - 2)
            && self.is_consonant(length - 1)
            && !matches!(self.letter(length - 1), b'w' | b'x' | b'y')
    }

    fn set(&mut self, stem: usize, ending: &[u8]) {
        let length = stem + ending.len();
        if let Some(place) = self.letters.get_mut(stem..length) {
            place.copy_from_slice(ending);
            self.length = length;
            self.classify();
        }
    }

    fn plurals(&mut self) {
        if self.before(b"sses").is_some() || self.before(b"ies").is_some() {
            self.length -= 2;
        } else if self.before(b"ss").is_none() && self.before(b"s").is_some() {
            self.length -= 1;
        }
    }

    fn past_and_gerund(&mut self) {
        if let Some(stem) = self.before(b"eed") {
            if self.measure(stem) > 0 {
                self.length -= 1;
            }
            return;
        }
        let Some(stem) = self.before(b"ed").or_else(|| self.before(b"ing")) else {
            return;
        };
        if !self.has_vowel(stem) {
            return;
        }
        self.length = stem;
        if matches!(
            self.text(),
            [.., b'a', b't'] | [.., b'b', b'l'] | [.., b'i', b'z']
        ) {
            self.set(stem, b"e");
        } else if self.ends_in_double_consonant(stem)
            && !matches!(self.letter(stem - 1), b'l' | b's' | b'z')
        {
            self.length -= 1;
        } else if self.measure(stem) == 1 && self.ends_in_short_syllable(stem) {
            self.set(stem, b"e");
        }
    }

    fn final_y(&mut self) {
        if let Some(stem) = self.before(b"y")
            && self.has_vowel(stem)
        {
            self.set(stem, b"i");
        }
    }

    /// Replaces the first suffix of `rules` that fits, if the stem before it has a measure above 0.
    fn replace(&mut self, rules: &[Rule]) {
        let found = rules
            .iter()
            .find_map(|(suffix, ending)| Some((self.before(suffix)?, ending)));
        if let Some((stem, ending)) = found
            && self.measure(stem) > 0
        {
            self.set(stem, ending);
        }
    }

    fn double_suffixes(&mut self) {
        self.replace(double_rules(self.letter_from_end(2)));
    }

    fn single_suffixes(&mut self) {
        self.replace(single_rules(self.letter_from_end(1)));
    }

    fn bare_suffixes(&mut self) {
        let mut rules = bare_rules(self.letter_from_end(2)).iter();
        let Some(stem) = rules.find_map(|suffix| self.before(suffix)) else {
            return;
        };
        if self.measure(stem) <= 1 {
            return;
        }
        let is_ion = self.before(b"ion") == Some(stem);
        if !is_ion || (stem > 0 && matches!(self.letter(stem - 1), b's' | b't')) {
            self.length = stem;
        }
    }

    fn final_e_and_l(&mut self) {
        if let Some(stem) = self.before(b"e") {
            let measure = self.measure(stem);
            if measure > 1 || (measure == 1 && !self.ends_in_short_syllable(stem)) {
                self.length = stem;
            }
        }
        let length = self.length;
        if self.measure(length) > 1
            && self.ends_in_double_consonant(length)
            && self.letter(length - 1) == b'l'
        {
            self.length -= 1;
        }
    }
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of the paper, in its order, carried through all steps where it shows only one.
    const PAPER: &str = "caresses caress ponies poni ties ti caress caress cats cat feed feed agreed agre \
        plastered plaster bled bled motoring motor sing sing conflated conflat troubled troubl sized size \
        hopping hop tanned tan falling fall hissing hiss fizzed fizz failing fail filing file happy happi \
        sky sky relational relat conditional condit rational ration valenci valenc hesitanci hesit \
        digitizer digit conformabli conform radicalli radic differentli differ vileli vile \
        analogousli analog vietnamization vietnam predication predic operator oper feudalism feudal \
        decisiveness decis hopefulness hope callousness callous formaliti formal sensitiviti sensit \
        sensibiliti sensibl triplicate triplic formative form formalize formal electriciti electr \
        electrical electr hopeful hope goodness good revival reviv allowance allow inference infer \
        airliner airlin gyroscopic gyroscop adjustable adjust defensible defens irritant irrit \
        replacement replac adjustment adjust dependent depend adoption adopt homologou homolog \
        communism commun activate activ angulariti angular homologous homolog effective effect \
        bowdlerize bowdler probate probat rate rate cease ceas controll control roll roll \
        generalizations gener oscillators oscil";

    fn stemmed(word: &str) -> String {
        let mut letters = word.as_bytes().to_vec();
        let length = stem(&mut letters);
        letters.truncate(length);
        String::from_utf8(letters).unwrap()
    }

    #[test]
    fn the_examples_of_the_paper_come_out_as_printed() {
        let words: Vec<&str> = PAPER.split_whitespace().collect();
        for pair in words.chunks(2) {
            assert_eq!(stemmed(pair[0]), pair[1], "{}", pair[0]);
        }
    }

    #[test]
    fn forms_of_one_word_meet() {
        for forms in [
            "connect connected connecting connection connections",
            "painting painted paints paint",
        ] {
            let stems: Vec<String> = forms.split(' ').map(stemmed).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
    }

    proptest! {
        #[test]
        fn a_stem_is_never_longer_and_never_empty(word in "[a-z]{1,70}") {
            let stem = stemmed(&word);
            prop_assert!(!stem.is_empty() && stem.len() <= word.len());
        }

        #[test]
        fn what_is_not_lower_case_letters_is_left_alone(mut bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            prop_assume!(!bytes.iter().all(u8::is_ascii_lowercase));
            let before = bytes.clone();
            prop_assert_eq!(stem(&mut bytes), before.len());
            prop_assert_eq!(bytes, before);
        }
    }
}
