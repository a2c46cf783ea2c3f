//! From places in a text back to bytes of its file.
//!
//! A text that was decoded with loss or from UTF-16 keeps the bytes it came
//! from, and places are found by going through them again: a table of all
//! differences could be many times larger than the file.

use encoding_rs::Encoding;

use super::charset::units;

/// The order of the two bytes of a UTF-16 unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// Yields each character with its length in bytes, without the byte order mark.
    ///
    /// A stray surrogate or a last odd byte yields none.
    pub(super) fn decode(self, bytes: &[u8]) -> impl Iterator<Item = (Option<char>, usize)> {
        let body = bytes.get(MARK_BYTES..).unwrap_or_default();
        let (pairs, odd) = body.as_chunks::<2>();
        let units = pairs.iter().map(move |&pair| match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        });
        char::decode_utf16(units)
            .map(|unit| match unit {
                Ok(c) => (Some(c), 2 * c.len_utf16()),
                Err(_) => (None, 2),
            })
            .chain((!odd.is_empty()).then_some((None, odd.len())))
    }
}

/// Length of the byte order mark of UTF-16.
const MARK_BYTES: usize = 2;

/// Where in its file each place of a text is.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets(Origin);

#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// The text is the bytes of the file from here on.
    Shifted(u64),
    /// The bytes from `shift` on, of which those that are not UTF-8 were replaced.
    Lossy { bytes: Vec<u8>, shift: u64 },
    /// The bytes of the file.
    Utf16 { bytes: Vec<u8>, order: ByteOrder },
    /// The bytes of the file, in an encoding that it names.
    Encoded {
        bytes: Vec<u8>,
        encoding: &'static Encoding,
    },
}

impl Offsets {
    /// Returns the offsets of a text that is the bytes of its file from `shift` on.
    pub fn shifted(shift: u64) -> Self {
        Self(Origin::Shifted(shift))
    }

    pub(super) fn lossy(bytes: Vec<u8>, shift: u64) -> Self {
        Self(Origin::Lossy { bytes, shift })
    }

    pub(super) fn utf16(bytes: Vec<u8>, order: ByteOrder) -> Self {
        Self(Origin::Utf16 { bytes, order })
    }

    pub(super) fn encoded(bytes: Vec<u8>, encoding: &'static Encoding) -> Self {
        Self(Origin::Encoded { bytes, encoding })
    }

    /// Returns the byte of the file for each place of the text; places must ascend.
    ///
    /// A place inside a character means the start of that character; a place
    /// past the end of the text means the end of the file. Takes time in
    /// proportion to the file when its text is not simply its bytes.
    pub fn in_file(&self, places: impl IntoIterator<Item = usize>) -> Vec<u64> {
        let places = places.into_iter();
        match &self.0 {
            Origin::Shifted(shift) => places.map(|place| wide(place) + shift).collect(),
            Origin::Lossy { bytes, shift } => {
                let pieces = bytes.utf8_chunks().flat_map(|part| {
                    let valid = Piece {
                        text: part.valid().len(),
                        file: part.valid().len(),
                        linear: true,
                    };
                    let replaced = Piece {
                        text: char::REPLACEMENT_CHARACTER.len_utf8(),
                        file: part.invalid().len(),
                        linear: false,
                    };
                    [Some(valid), (replaced.file > 0).then_some(replaced)]
                });
                locate(places, pieces.flatten(), *shift)
            }
            Origin::Utf16 { bytes, order } => {
                let pieces = order.decode(bytes).map(|(c, file)| Piece {
                    text: c.unwrap_or(char::REPLACEMENT_CHARACTER).len_utf8(),
                    file,
                    linear: false,
                });
                locate(places, pieces, wide(MARK_BYTES))
            }
            Origin::Encoded { bytes, encoding } => {
                let pieces = units(bytes, encoding).map(|unit| Piece {
                    text: unit.text.len(),
                    file: unit.bytes,
                    linear: false,
                });
                locate(places, pieces, 0)
            }
        }
    }
}

/// A stretch of text and the stretch of the file it came from.
struct Piece {
    text: usize,
    file: usize,
    /// Both are the same bytes.
    linear: bool,
}

fn locate(
    places: impl Iterator<Item = usize>,
    mut pieces: impl Iterator<Item = Piece>,
    shift: u64,
) -> Vec<u64> {
    let mut out = Vec::new();
    let (mut text, mut file) = (0_usize, 0_usize);
    let mut piece = pieces.next();
    for place in places {
        while let Some(current) = piece.as_ref().filter(|piece| text + piece.text <= place) {
            text += current.text;
            file += current.file;
            piece = pieces.next();
        }
        let inside = match &piece {
            Some(piece) if piece.linear => place.saturating_sub(text),
            _ => 0,
        };
        out.push(wide(file + inside) + shift);
    }
    out
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
