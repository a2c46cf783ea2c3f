//! From places in a converted text back to the text it was converted from.
//!
//! The map is a list of pieces, each a stretch of the new text and the stretch
//! of the old one it stands for, in the order of both. It is kept encoded,
//! about three bytes a piece, because a text can consist of pieces of one
//! character each.
//!
//! Invariants: pieces cover the new text without gaps and ascend in the old
//! one; the way back of a range holds all that any byte of it stands for, so
//! its start is rounded down and its end up.

use std::ops::Range;

/// How many pieces lie between two places that are looked up directly.
const STRIDE: usize = 64;

/// A stretch of the new text and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    text: Range<usize>,
    origin: Range<usize>,
    /// Both have one length, so each byte has a place of its own.
    linear: bool,
}

/// Collects the pieces of a map, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct MapBuilder {
    bytes: Vec<u8>,
    end: End,
}

/// Where a map that is being built ends; it can be cut back to here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    bytes: usize,
    text: usize,
    origin: usize,
    open: Option<Linear>,
}

/// The last piece, while it may still grow and so is not among the bytes.
#[derive(Clone, Copy, Debug)]
struct Linear {
    skipped: usize,
    length: usize,
}

impl MapBuilder {
    /// Adds a stretch of `text_bytes`; it is taken for its origin byte by byte when both have one length.
    ///
    /// An origin that begins before the last one ended is taken to begin there.
    pub(super) fn push(&mut self, text_bytes: usize, origin: Range<usize>) {
        if text_bytes == 0 {
            return;
        }
        let start = origin.start.max(self.end.origin);
        let end = origin.end.max(start);
        let skipped = start - self.end.origin;
        let linear = end - start == text_bytes;
        match &mut self.end.open {
            Some(open) if linear && skipped == 0 => open.length += text_bytes,
            _ => {
                self.close();
                if linear {
                    self.end.open = Some(Linear {
                        skipped,
                        length: text_bytes,
                    });
                } else {
                    push_number(&mut self.bytes, text_bytes * 2);
                    push_number(&mut self.bytes, skipped);
                    push_number(&mut self.bytes, end - start);
                }
            }
        }
        self.end.bytes = self.bytes.len();
        self.end.text += text_bytes;
        self.end.origin = end;
    }

    /// Returns where the map ends now.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// Takes back what was added since `end`.
    pub(super) fn cut(&mut self, end: End) {
        self.bytes.truncate(end.bytes);
        self.end = end;
    }

    /// Returns where the origin of the last piece ends.
    pub(super) fn origin_end(&self) -> usize {
        self.end.origin
    }

    /// Returns the map.
    pub(super) fn finish(mut self) -> Map {
        self.close();
        let mut stops = Vec::new();
        let mut decoder = Decoder::at(&self.bytes, Stop::default());
        let mut count = 0_usize;
        loop {
            let stop = decoder.stop;
            if decoder.next().is_none() {
                break;
            }
            if count.is_multiple_of(STRIDE) {
                stops.push(stop);
            }
            count += 1;
        }
        self.bytes.shrink_to_fit();
        Map {
            bytes: self.bytes,
            stops,
            origin_end: self.end.origin,
        }
    }

    fn close(&mut self) {
        if let Some(Linear { skipped, length }) = self.end.open.take() {
            push_number(&mut self.bytes, length * 2 + 1);
            push_number(&mut self.bytes, skipped);
        }
    }
}

/// The way back from a converted text.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    bytes: Vec<u8>,
    stops: Vec<Stop>,
    origin_end: usize,
}

impl Map {
    /// Returns what a range of the new text stands for in the old one.
    pub(super) fn origin_of(&self, range: &Range<usize>) -> Range<usize> {
        let start = match self.piece_at(range.start) {
            Some(piece) if piece.linear => piece.origin.start + (range.start - piece.text.start),
            Some(piece) => piece.origin.start,
            None => self.origin_end,
        };
        let last = range.end.saturating_sub(1).max(range.start);
        let end = match self.piece_at(last) {
            _ if range.is_empty() => start,
            Some(piece) if piece.linear => piece.origin.start + (last - piece.text.start) + 1,
            Some(piece) => piece.origin.end,
            None => self.origin_end,
        };
        start..end.max(start)
    }

    /// Returns this map with a new first piece, for text that was put before the rest.
    pub(super) fn behind(&self, text_bytes: usize, origin: Range<usize>) -> Self {
        let mut builder = MapBuilder::default();
        builder.push(text_bytes, origin);
        for piece in Decoder::at(&self.bytes, Stop::default()) {
            builder.push(piece.text.len(), piece.origin);
        }
        builder.finish()
    }

    fn piece_at(&self, place: usize) -> Option<Piece> {
        let index = self.stops.partition_point(|stop| stop.text <= place);
        let stop = self.stops.get(index.checked_sub(1)?)?;
        Decoder::at(&self.bytes, *stop).find(|piece| piece.text.end > place)
    }
}

/// A place between two pieces.
#[derive(Clone, Copy, Debug, Default)]
struct Stop {
    byte: usize,
    text: usize,
    origin: usize,
}

struct Decoder<'m> {
    bytes: &'m [u8],
    stop: Stop,
}

impl<'m> Decoder<'m> {
    fn at(bytes: &'m [u8], stop: Stop) -> Self {
        Self { bytes, stop }
    }

    fn number(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        let mut shift = 0_u32;
        loop {
            let byte = *self.bytes.get(self.stop.byte)?;
            self.stop.byte += 1;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
            shift += 7;
        }
    }
}

impl Iterator for Decoder<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let head = self.number()?;
        let (length, linear) = (head / 2, head % 2 == 1);
        let start = self.stop.origin + self.number()?;
        let end = start + if linear { length } else { self.number()? };
        let text = self.stop.text..self.stop.text + length;
        self.stop.text = text.end;
        self.stop.origin = end;
        Some(Piece {
            text,
            origin: start..end,
            linear,
        })
    }
}

/// Seven bits a byte, the lowest first; all but the last byte have the high bit.
fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_leads_back_to_all_that_it_stands_for() {
        // "# " for "<h1>", "A&B" for "A&amp;B", a line feed for nothing.
        let mut builder = MapBuilder::default();
        builder.push(2, 0..4);
        builder.push(1, 4..5);
        builder.push(1, 5..10);
        builder.push(1, 10..11);
        builder.push(1, 11..11);
        let map = builder.finish();
        assert_eq!(map.origin_of(&(0..2)), 0..4);
        assert_eq!(map.origin_of(&(1..3)), 0..5);
        assert_eq!(map.origin_of(&(3..4)), 5..10);
        assert_eq!(map.origin_of(&(2..6)), 4..11);
        assert_eq!(map.origin_of(&(6..6)), 11..11);
        assert_eq!(Map::default().origin_of(&(0..0)), 0..0);
    }

    #[test]
    fn what_was_taken_back_leaves_no_trace() {
        let mut builder = MapBuilder::default();
        builder.push(3, 0..3);
        let end = builder.end();
        builder.push(2, 3..5);
        builder.push(4, 9..30);
        builder.cut(end);
        builder.push(2, 40..42);
        let map = builder.finish();
        assert_eq!(map.origin_of(&(0..3)), 0..3);
        assert_eq!(map.origin_of(&(2..4)), 2..41);
    }

    fn pieces() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
        prop::collection::vec((0..300_usize, 0..300_usize, 0..300_usize), 0..400)
    }

    proptest! {
        #[test]
        fn every_range_is_found_as_by_going_through_all_pieces(
            pieces in pieces(),
            places in prop::collection::vec((0..60_000_usize, 0..2_000_usize), 1..20),
            title in 1..9_usize,
        ) {
            let mut builder = MapBuilder::default();
            let mut origins: Vec<Range<usize>> = Vec::new();
            let mut at = 10;
            for (text, skip, origin) in pieces {
                let range = at + skip..at + skip + origin;
                builder.push(text, range.clone());
                for place in 0..text {
                    let same = text == origin;
                    let one = range.start + place..range.start + place + 1;
                    origins.push(if same { one } else { range.clone() });
                }
                if text > 0 {
                    at = range.end;
                }
            }
            let map = builder.finish();
            let behind = map.behind(title, 0..7);
            for (start, length) in places {
                let start = start.min(origins.len());
                let end = (start + length).min(origins.len());
                if start == end {
                    continue;
                }
                let expected = origins[start].start..origins[end - 1].end;
                prop_assert_eq!(&map.origin_of(&(start..end)), &expected);
                prop_assert_eq!(behind.origin_of(&(start + title..end + title)), expected);
            }
            prop_assert_eq!(behind.origin_of(&(0..1)).start, 0);
        }
    }
}
