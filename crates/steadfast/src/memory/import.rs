//! Moving in from other programs.

use std::path::Path;

use steadfast_store::Progress;

use super::Memory;
use crate::error::Result;
#[cfg(feature = "remote")]
use crate::import::ChromaServer;
use crate::import::{self, ImportOptions, ImportReport, Origin};

impl Memory {
    /// Brings in the store or log of another program.
    ///
    /// The source is read from a private copy and never written. Rows keep their text, order and attributes; their
    /// ids are in the metadata as `origin.id`. Vectors are taken over where they are proven to be those that the model of
    /// the store makes, and made anew otherwise. Run again, it imports nothing; run again after a kill, it goes on.
    ///
    /// # Errors
    /// [`crate::Error::PathNotFound`]; [`crate::Error::UnknownFormat`] when the path is nothing that is known;
    /// [`crate::Error::Store`] when the source is damaged as a whole, changes while it is read, or is being imported
    /// already, or the store cannot be written. What was committed until then stays.
    ///
    /// # Durability
    /// Each document of the source is one commit; all of those in the report are on the disk when this returns.
    pub fn import(
        &self,
        path: &Path,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport> {
        let origin = Origin::Path(path);
        import::import(&self.line(), self.folder(), origin, options, progress)
    }

    /// Says what [`Self::import`] would do, and changes nothing.
    ///
    /// # Errors
    /// As with [`Self::import`].
    pub fn plan_import(
        &self,
        path: &Path,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport> {
        let origin = Origin::Path(path);
        import::plan_into(&self.line(), self.folder(), origin, options, progress)
    }

    /// Brings in the collections of a Chroma server that runs.
    ///
    /// The server is only read. It gives the rows that [`Self::import`] finds in its folder, so either of them
    /// imports nothing that the other one has brought.
    ///
    /// # Errors
    /// [`crate::Error::ServerUnreachable`], [`crate::Error::ServerRefused`] and [`crate::Error::ServerMalformed`] of
    /// the server, before anything is written; [`crate::Error::Invalid`] when its address is none;
    /// [`crate::Error::Store`] as with [`Self::import`].
    ///
    /// # Durability
    /// As with [`Self::import`].
    #[cfg(feature = "remote")]
    pub fn import_server(
        &self,
        server: &ChromaServer,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport> {
        let origin = Origin::Server(server);
        import::import(&self.line(), self.folder(), origin, options, progress)
    }

    /// Says what [`Self::import_server`] would do, and changes nothing.
    ///
    /// # Errors
    /// As with [`Self::import_server`].
    #[cfg(feature = "remote")]
    pub fn plan_import_server(
        &self,
        server: &ChromaServer,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport> {
        let origin = Origin::Server(server);
        import::plan_into(&self.line(), self.folder(), origin, options, progress)
    }
}
