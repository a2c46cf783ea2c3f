//! What is held back of a log, and when it must go out.

use crate::NONE;

/// The header of a log, and that of a frame.
const LOG_HEADER: i64 = 32;
const FRAME_HEADER: usize = 24;

/// What is held at most: beyond that a long transaction goes out in parts.
const HELD_MAX: usize = 1 << 20;

/// The frames of a transaction that are held back.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    transaction: u64,
    /// The place of the first byte that is held.
    at: i64,
    held: Vec<u8>,
    /// Where the furthest byte ends that the transaction has written. What lies before it is written over in place.
    end: i64,
    open: Open,
}

/// Whether a frame has begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    No,
    /// Its header is held, its page is still to come.
    Frame,
    /// The same of the frame that ends the commit.
    Last,
}

/// What is to be done about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// Nothing: it is held.
    Nothing,
    /// Write what is held, which this is a part of.
    Held,
    /// Write what is held, if anything, and then this.
    HeldThenThis,
}

impl Frames {
    /// Takes a write of the running transaction, or says that it is to be done.
    pub(crate) fn take(&mut self, transaction: u64, bytes: &[u8], offset: i64) -> Todo {
        self.belong_to(transaction);
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let is_beyond = offset >= self.end.max(LOG_HEADER);
        self.end = self.end.max(offset.saturating_add(length));
        if transaction == NONE {
            return Todo::HeldThenThis;
        }
        let is_next = self.is_empty() || offset == self.held_end();
        match (self.open, <&[u8; FRAME_HEADER]>::try_from(bytes)) {
            (Open::No, Ok(header)) if is_beyond && is_next => {
                self.open = if ends_commit(header) {
                    Open::Last
                } else {
                    Open::Frame
                };
            }
            (Open::Frame | Open::Last, Err(_)) if is_next => {}
            _ => {
                self.open = Open::No;
                return Todo::HeldThenThis;
            }
        }
        if self.is_empty() {
            self.at = offset;
        }
        self.held.extend_from_slice(bytes);
        if bytes.len() == FRAME_HEADER {
            return Todo::Nothing;
        }
        match std::mem::take(&mut self.open) {
            Open::Last => Todo::Held,
            Open::No | Open::Frame if self.held.len() > HELD_MAX => Todo::Held,
            Open::No | Open::Frame => Todo::Nothing,
        }
    }

    /// Returns what is held of the running transaction, and the place where it belongs.
    pub(crate) fn held(&mut self, transaction: u64) -> Option<(&[u8], i64)> {
        self.belong_to(transaction);
        let at = self.at;
        Some((self.held.as_slice(), at)).filter(|(held, _)| !held.is_empty())
    }

    /// Holds no more what went out, or could not.
    pub(crate) fn let_go(&mut self) {
        self.held.clear();
    }

    fn belong_to(&mut self, transaction: u64) {
        if self.transaction != transaction {
            self.held.clear();
            (self.transaction, self.end, self.open) = (transaction, 0, Open::No);
        }
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn held_end(&self) -> i64 {
        let length = i64::try_from(self.held.len()).unwrap_or(i64::MAX);
        self.at.saturating_add(length)
    }
}

/// Returns whether a frame ends a commit: its header then tells how many pages the database has.
fn ends_commit(header: &[u8; FRAME_HEADER]) -> bool {
    header.get(4..8).is_some_and(|pages| pages != [0; 4])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 64;

    /// A file, with frames held back in front of it.
    #[derive(Default)]
    struct Held {
        frames: Frames,
        file: Vec<u8>,
    }

    fn put(file: &mut Vec<u8>, bytes: &[u8], offset: i64) {
        let at = usize::try_from(offset).unwrap();
        file.resize(file.len().max(at + bytes.len()), 0);
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    impl Held {
        fn let_out(&mut self, transaction: u64) {
            if let Some((held, at)) = self.frames.held(transaction) {
                put(&mut self.file, held, at);
            }
            self.frames.let_go();
        }

        fn write(&mut self, transaction: u64, bytes: &[u8], offset: i64) {
            match self.frames.take(transaction, bytes, offset) {
                Todo::Nothing => {}
                Todo::Held => self.let_out(transaction),
                Todo::HeldThenThis => {
                    self.let_out(transaction);
                    put(&mut self.file, bytes, offset);
                }
            }
        }
    }

    fn header(pages: u8) -> [u8; FRAME_HEADER] {
        let mut header = [7; FRAME_HEADER];
        header[4..8].copy_from_slice(&[0, 0, 0, pages]);
        header
    }

    fn frame(index: i64) -> i64 {
        LOG_HEADER + index * i64::try_from(FRAME_HEADER + PAGE).unwrap()
    }

    #[test]
    fn a_commit_goes_out_at_its_last_page_and_not_before() {
        let mut held = Held::default();
        let page_at = |index| frame(index) + 24;
        for index in 0..2 {
            held.write(1, &header(0), frame(index));
            held.write(1, &[1; PAGE], page_at(index));
        }
        held.write(1, &header(9), frame(2));
        assert!(held.file.is_empty());
        held.write(1, &[2; PAGE], page_at(2));
        assert_eq!(held.file.len(), usize::try_from(frame(3)).unwrap());
        assert!(held.frames.is_empty());
    }

    #[test]
    fn what_a_transaction_leaves_is_not_written_by_the_next_one() {
        for next in [NONE, 2] {
            let mut held = Held::default();
            held.write(1, &header(0), frame(0));
            held.write(1, &[1; PAGE], frame(0) + 24);
            held.let_out(next);
            held.write(next, &[0; 32], 0);
            assert_eq!(held.file, [0; 32], "{next}");
        }
    }

    #[test]
    fn a_header_that_is_written_over_in_place_is_never_held() {
        let mut held = Held::default();
        for (index, pages) in [(0, 0), (1, 4)] {
            held.write(1, &header(pages), frame(index));
            held.write(1, &[1; PAGE], frame(index) + 24);
        }
        // SQLite computes checksums anew after it has written over a page that had gone out before its commit.
        for index in [0, 1] {
            held.let_out(1);
            held.write(1, &header(3), frame(index));
            assert!(held.frames.is_empty());
        }
    }

    proptest! {
        /// Whatever is written in whatever order, the file is in the end what it would have been.
        #[test]
        fn nothing_is_lost_or_moved(writes in prop::collection::vec((0_i64..12, 0_u8..3, any::<bool>()), 0..60)) {
            let (mut held, mut plain) = (Held::default(), Vec::new());
            for (index, pages, is_whole) in writes {
                let at = frame(index);
                let mut write = |bytes: &[u8], at: i64| {
                    held.write(5, bytes, at);
                    put(&mut plain, bytes, at);
                };
                write(&header(pages), at);
                if is_whole {
                    write(&[pages + 1; PAGE], at + 24);
                }
            }
            held.let_out(5);
            prop_assert_eq!(held.file, plain);
        }
    }
}
