use super::super::SqliteStore;
use crate::error::StoreError;

impl SqliteStore {
    /// x
    pub fn scrub(&self) -> Result<bool, StoreError> {
        self.checkpoint()
    }
}
