//! Trying again when somebody else is at it: a pause that grows and is never the same twice, under a deadline.
//!
//! SQLite itself waits for most locks. What it gives up on at once (`PROTOCOL`,
//! `BUSY_RECOVERY`, `BUSY_SNAPSHOT`) passes within milliseconds; many processes that
//! try again in step would only meet again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// How long an opening tries again: well below the two seconds after which it must have an answer.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The first pause; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_LONGEST: Duration = Duration::from_millis(100);
/// No more attempts than this, however short the pauses turn out.
const ATTEMPTS_MAX: u32 = 40;

/// Attempts at something that others are at.
pub(super) struct Retry {
    deadline: Instant,
    attempts: u32,
    keys: RandomState,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self {
            deadline: Instant::now() + PATIENCE,
            attempts: 0,
            keys: RandomState::new(),
        }
    }

    /// Pauses before the next attempt; false when it is time to give up.
    pub(super) fn pause(&mut self) -> bool {
        let pause = pause_before(self.attempts, self.draw());
        let is_over = self.attempts >= ATTEMPTS_MAX || Instant::now() + pause > self.deadline;
        if !is_over {
            self.attempts += 1;
            std::thread::sleep(pause);
        }
        !is_over
    }

    /// Returns a number that another process does not draw: the keys of a hash table are random.
    fn draw(&self) -> u64 {
        let mut hasher = self.keys.build_hasher();
        hasher.write_u32(self.attempts);
        hasher.finish()
    }
}

/// Returns the pause before an attempt: between a half and the whole of what is due, by a random number.
fn pause_before(attempt: u32, random: u64) -> Duration {
    let due = PAUSE_FIRST * 2_u32.saturating_pow(attempt.min(10));
    let due = due.min(PAUSE_LONGEST);
    let half = due / 2;
    let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
    half + Duration::from_micros(random % (micros + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_differ_and_have_an_end() {
        for attempt in 0..60 {
            let (least, most) = (pause_before(attempt, 0), pause_before(attempt, 999));
            assert!(
                least < most && most <= PAUSE_LONGEST,
                "{attempt}: {least:?} {most:?}"
            );
            assert!(least >= PAUSE_FIRST / 2);
        }
        assert!(pause_before(4, 0) > pause_before(1, u64::MAX - 1));
        let mut over = Retry {
            deadline: Instant::now(),
            ..Retry::new()
        };
        assert!(!over.pause(), "the deadline is past");
        let mut tired = Retry {
            attempts: ATTEMPTS_MAX,
            ..Retry::new()
        };
        assert!(!tired.pause());
    }
}
