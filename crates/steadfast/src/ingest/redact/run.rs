//! Where a token ends that is longer than what is looked at of it.

use std::ops::Range;

/// The run of bytes of a token that was looked at last.
///
/// Literals come in the order of the text, so many that stand in one run ask
/// for its end one after the other. It is looked for once.
#[derive(Debug, Default)]
pub(super) struct Run(Range<usize>);

impl Run {
    /// Returns where the run ends in which a place stands.
    pub(super) fn end(&mut self, text: &str, at: usize) -> usize {
        if !(self.0.start..=self.0.end).contains(&at) || self.0.is_empty() {
            let behind = text.as_bytes().get(at..).unwrap_or_default();
            let bytes = behind.iter().take_while(|byte| is_token(**byte)).count();
            looked(bytes);
            self.0 = at..at + bytes;
        }
        self.0.end
    }
}

/// Returns whether a token can go on with a byte.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/=".contains(&byte)
}

/// Counts bytes that were looked at beyond the one pass over the text.
#[cfg(not(test))]
pub(super) fn looked(_: usize) {}

#[cfg(test)]
pub(super) use counted::looked;

#[cfg(test)]
pub(super) mod counted {
    //! How much work a text makes, so that a test need not look at a clock.

    use std::cell::Cell;

    thread_local! {
        static LOOKED: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn looked(bytes: usize) {
        LOOKED.with(|all| all.set(all.get() + bytes));
    }

    /// Returns how many bytes were looked at in this thread, and begins anew.
    pub(in super::super) fn take() -> usize {
        LOOKED.with(|all| all.replace(0))
    }
}
