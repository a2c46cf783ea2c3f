//! A tree of Markdown files with the statistics of real documentation: about 770 bytes
//! and 110 words a chunk, words by Zipf's law over 50,000.

use std::fmt::Write as _;
use std::path::Path;

/// Sections of one file; each becomes one chunk.
const SECTIONS: usize = 10;
/// Files of one folder.
const FILES: usize = 100;
const VOCABULARY: usize = 50_000;
const WORDS_MIN: usize = 80;
const WORDS_MORE: usize = 60;

/// Numbers that depend on a seed alone (xorshift).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % end.max(1)
    }

    /// A rank by Zipf's law: the logarithm of the rank is uniform.
    fn rank(&mut self) -> usize {
        let bits = self.below(1 << 16);
        #[expect(clippy::cast_precision_loss, reason = "16 bits")]
        let part = bits as f64 / 65_536.0;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank below the vocabulary"
        )]
        let rank = ((VOCABULARY as f64).powf(part)) as usize;
        rank - 1
    }

    pub(crate) fn word(&mut self) -> String {
        let rank = self.rank();
        word(rank)
    }
}

/// The word of a rank: pronounceable, short for frequent ones.
pub(crate) fn word(rank: usize) -> String {
    const ONSETS: [&str; 16] = [
        "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr", "pl",
    ];
    const VOWELS: [&str; 6] = ["a", "e", "i", "o", "u", "ea"];
    let mut left = rank + 17;
    let mut text = String::new();
    while left > 0 {
        text.push_str(ONSETS.get(left % 16).copied().unwrap_or_default());
        left /= 16;
        text.push_str(VOWELS.get(left % 6).copied().unwrap_or_default());
        left /= 6;
    }
    text
}

/// Writes the tree.
pub(crate) fn generate(folder: &Path, chunks: usize, seed: u64) -> anyhow::Result<()> {
    let mut draw = Draw::new(seed);
    for file in 0..chunks.div_ceil(SECTIONS) {
        let home = folder.join(format!("{:04}", file / FILES));
        std::fs::create_dir_all(&home)?;
        let mut text = String::new();
        for section in 0..SECTIONS.min(chunks - file * SECTIONS) {
            writeln!(
                text,
                "## {} {} {file}.{section}\n",
                draw.word(),
                draw.word()
            )?;
            for place in 1..=WORDS_MIN + draw.below(WORDS_MORE) {
                text.push_str(&draw.word());
                text.push(if place % 14 == 0 { '\n' } else { ' ' });
            }
            text.push_str("\n\n");
        }
        std::fs::write(home.join(format!("{file:06}.md")), text)?;
    }
    Ok(())
}
