//! The whole store out into a file, and commits taken back.

use std::path::Path;

use steadfast_model::Seq;
use steadfast_store::{Effort, StoreError, UndoPlan, Undone, Upkeep};

use super::Memory;
use crate::error::{Error, Result};
use crate::export::{self, Archive, BackupOptions};

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

    fn upkeep(&self) -> Result<&dyn Upkeep> {
        let unsupported = StoreError::Unsupported("backup and undo");
        Ok(self.backend().upkeep().ok_or(unsupported)?)
    }
}
