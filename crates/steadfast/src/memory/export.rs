//! What a filter admits, out into a file that any store takes in.

use std::io::Write;
use std::path::Path;

use steadfast_store::Progress;

use super::Memory;
use crate::error::Result;
use crate::export::{self, ExportOptions, Exported, Exporting};

impl Memory {
    /// Writes what a filter admits at one moment into a new file, while others write.
    ///
    /// [`Memory::import`] takes it in. It is packed with zstd when the name ends in `.zst`. The memory that this
    /// takes does not grow with the store.
    ///
    /// # Errors
    /// [`crate::Error::Exists`] when there is such a file and [`ExportOptions::overwrite`] is not set;
    /// [`crate::Error::PathNotFound`] when its folder does not exist; [`crate::Error::Store`] when the store cannot be
    /// read or the file not be written. Then what has that name is as it was.
    ///
    /// # Durability
    /// The file is on the disk when this returns, private to the user. A kill leaves no part of it under that name.
    ///
    /// # Examples
    /// ```
    /// use steadfast::{ExportOptions, ImportOptions, Memory, Note, Silent};
    ///
    /// # fn main() -> Result<(), steadfast::Error> {
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let (store, file, place) = (folder.path().join("a"), folder.path().join("a.bundle"), folder.path().join("b"));
    /// let memory = Memory::options().create(true).open(&store)?;
    /// memory.remember(&Note::new("The kettle is blue."))?;
    /// assert_eq!(memory.export(&file, &ExportOptions::default(), &Silent)?.chunks, 1);
    ///
    /// let other = Memory::options().create(true).open(&place)?;
    /// let report = other.import(&file, &ImportOptions::default(), &Silent)?;
    /// assert_eq!((report.imported, report.complete), (1, true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn export(
        &self,
        file: impl AsRef<Path>,
        options: &ExportOptions,
        progress: &dyn Progress,
    ) -> Result<Exported> {
        export::export(&self.exporting(), file.as_ref(), options, progress)
    }

    /// Like [`Self::export`], to wherever it goes, one object a line.
    ///
    /// # Errors
    /// As with [`Self::export`]; what was written until then stays.
    pub fn export_to(
        &self,
        out: &mut dyn Write,
        options: &ExportOptions,
        progress: &dyn Progress,
    ) -> Result<Exported> {
        export::export_to(&self.exporting(), out, options, progress)
    }

    fn exporting(&self) -> Exporting<'_> {
        Exporting {
            backend: self.backend(),
            model: self.inner.embed.model(),
            clock: self.inner.clock.as_ref(),
            folder: self.folder(),
        }
    }
}
