//! Damage to a file that nobody has open: rot, cuts, foreign bytes.

use crate::random::Random;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit is another.
    Flip,
    /// 64 bytes in a row are others.
    Scribble,
    /// A page of 4096 bytes is zeros.
    ZeroPage,
    /// The file ends early.
    Cut,
    /// The file is empty.
    Empty,
    /// The file is something else altogether.
    Foreign,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Flip,
        Self::Scribble,
        Self::ZeroPage,
        Self::Cut,
        Self::Empty,
        Self::Foreign,
    ];
}

/// Returns the content of a file after damage to it.
pub fn damage(content: &[u8], damage: Damage, random: &mut Random) -> Vec<u8> {
    let mut content = content.to_vec();
    let at = random.below(content.len());
    match damage {
        Damage::Flip => {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        Damage::Scribble => {
            for byte in content.iter_mut().skip(at).take(64) {
                *byte = random.draw().to_le_bytes()[0];
            }
        }
        Damage::ZeroPage => {
            for byte in content.iter_mut().skip(at / 4096 * 4096).take(4096) {
                *byte = 0;
            }
        }
        Damage::Cut => content.truncate(at),
        Damage::Empty => content.clear(),
        Damage::Foreign => {
            content = b"this is not the file that you are looking for\n".repeat(200);
        }
    }
    content
}
