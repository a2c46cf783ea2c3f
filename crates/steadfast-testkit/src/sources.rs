//! Clocks and models that fail, behind the traits by which the store is given them.

use std::sync::atomic::{AtomicU64, Ordering};

use steadfast_embed::{Embed, EmbedError, StaticModel};
use steadfast_model::{Clock, ModelId, Timestamp, Vector};

use crate::random::Random;

/// A clock that jumps back and forth by up to 400 days with every look at it.
#[derive(Debug)]
pub struct JumpingClock {
    seed: u64,
    looks: AtomicU64,
}

impl JumpingClock {
    /// Returns the clock of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            looks: AtomicU64::new(0),
        }
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        const MIDDLE_MS: i64 = 1_700_000_000_000;
        const DAYS: u32 = 400;
        const DAY_MS: i64 = 86_400_000;
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let days = Random::new(self.seed ^ look.rotate_left(32)).below(2 * DAYS as usize + 1);
        let days = i64::try_from(days).unwrap_or(0) - i64::from(DAYS);
        Timestamp(MIDDLE_MS + days * DAY_MS)
    }
}

/// How a model fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Unreachable,
    Refused,
    TooFew,
    WrongDimensions,
    NotANumber,
}

/// The built-in model, which fails every `every`-th time, each time in another way.
#[derive(Debug)]
pub struct FailingEmbed {
    every: u64,
    calls: AtomicU64,
}

impl FailingEmbed {
    /// Returns the model; 1 means that it never works.
    pub fn new(every: u64) -> Self {
        Self {
            every: every.max(1),
            calls: AtomicU64::new(0),
        }
    }

    fn failure(&self) -> Option<Failure> {
        const FAILURES: [Failure; 5] = [
            Failure::Unreachable,
            Failure::Refused,
            Failure::TooFew,
            Failure::WrongDimensions,
            Failure::NotANumber,
        ];
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if !call.is_multiple_of(self.every) {
            return None;
        }
        let which = usize::try_from(call / self.every).unwrap_or(0);
        FAILURES.get(which % FAILURES.len()).copied()
    }
}

impl Embed for FailingEmbed {
    fn model(&self) -> &ModelId {
        StaticModel::built_in().model()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let model = self.model().name.clone();
        let mut vectors = StaticModel::built_in().embed(texts)?;
        match self.failure() {
            None => {}
            Some(Failure::Unreachable) => {
                return Err(EmbedError::Unreachable {
                    model,
                    reason: "the test says so".to_owned(),
                });
            }
            Some(Failure::Refused) => {
                return Err(EmbedError::Refused {
                    model,
                    reason: "the test says so".to_owned(),
                });
            }
            Some(Failure::TooFew) => drop(vectors.pop()),
            Some(Failure::WrongDimensions) => {
                for vector in &mut vectors {
                    vector.0.truncate(7);
                }
            }
            Some(Failure::NotANumber) => {
                for vector in &mut vectors {
                    vector.0.fill(f32::NAN);
                }
            }
        }
        Ok(vectors)
    }
}
