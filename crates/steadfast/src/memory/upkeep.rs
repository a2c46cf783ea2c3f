//! The whole store out into a file, and commits taken back.

use std::path::Path;

use steadfast_model::{Seq, Timestamp};
use steadfast_store::{Effort, PrunePlan, StoreError, UndoPlan, Undone, Upkeep};

use super::Memory;
use crate::error::{Error, Result};
use crate::export::{self, Archive, BackupOptions};

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// That of this many days before now.
    Days(u32),
    /// That since a time, by the clocks of those who made the commits.
    Since(Timestamp),
}

const DAY_MS: i64 = 86_400_000;

impl Memory {
    /// Copies the store as it is at one moment into a new file, while others write, and reads that back with every
    /// hash compared.
    ///
    /// Rows that are damaged in the store come along as they are, and are in [`Archive::findings`].
    ///
    /// # Errors
    /// [`Error::Exists`] when there is such a file, which is never overwritten; [`Error::PathNotFound`] when its
    /// folder does not exist; [`Error::Store`] when the store cannot be read or the file not be written. Then
    /// there is no such file.
    ///
    /// # Durability
    /// The file is on the disk when this returns, private to the user. A kill leaves no file of that name.
    pub fn backup(&self, file: impl AsRef<Path>, options: BackupOptions) -> Result<Archive> {
        export::backup(self.backend(), file.as_ref(), options)
    }

    /// Returns what taking the commit `seq` back would do; changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn plan_undo(&self, seq: Seq) -> Result<UndoPlan> {
        Ok(self.upkeep()?.plan_undo(seq)?)
    }

    /// Takes a commit back in a new commit: what it removed comes back under new ids, what it added leaves.
    ///
    /// # Errors
    /// [`Error::Undo`] when the plan says why it cannot be; [`Error::Store`] when the store has changed since the
    /// plan was made, or cannot be written. Then nothing is changed.
    ///
    /// # Durability
    /// The new commit is on the disk when this returns.
    pub fn undo(&self, plan: &UndoPlan) -> Result<Undone> {
        if let Some(refusal) = &plan.refusal {
            return Err(Error::Undo(refusal.clone()));
        }
        let undone = self.upkeep()?.undo(plan, &self.inner.actor)?;
        // The commit stands whatever becomes of the indexes.
        drop(self.backend().catch_up(Effort::WhenDue));
        Ok(undone)
    }

    /// Returns what letting go of history would take; changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn plan_prune(&self, keep: Keep) -> Result<PrunePlan> {
        let before = match keep {
            Keep::Days(days) => {
                let now = self.inner.clock.now().0;
                Timestamp(now.saturating_sub(i64::from(days).saturating_mul(DAY_MS)))
            }
            Keep::Since(time) => time,
        };
        Ok(self.upkeep()?.plan_prune(before)?)
    }

    /// Lets go of the versions that a plan names, in small commits; returns the commit of the event, none when there
    /// was nothing to let go of.
    ///
    /// What is live stays, and the log keeps its events. Questions about an earlier moment than the first that is
    /// kept, and taking back an earlier commit, then say that the history is gone.
    ///
    /// # Errors
    /// [`Error::Store`]. What is gone by then is gone, as the log says; run again, it takes the rest.
    ///
    /// # Durability
    /// All of it is on the disk when this returns.
    pub fn prune(&self, plan: &PrunePlan) -> Result<Option<Seq>> {
        // An index that has not seen yet that a row is gone is made to before the row leaves.
        drop(self.backend().catch_up(Effort::Wait));
        Ok(self.upkeep()?.prune(plan, &self.inner.actor)?)
    }

    fn upkeep(&self) -> Result<&dyn Upkeep> {
        let unsupported = StoreError::Unsupported("backup and undo");
        Ok(self.backend().upkeep().ok_or(unsupported)?)
    }
}
