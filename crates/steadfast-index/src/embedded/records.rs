//! Collections and their records, as the ground state has them.

use steadfast_model::{CollectionKey, Row, RowSet, StoredCollection};
use steadfast_store::{EachVector, Records, StoreError};

use super::snapshot::EmbeddedSnapshot;

impl Records for EmbeddedSnapshot<'_> {
    fn collections(&self) -> Result<Vec<StoredCollection>, StoreError> {
        self.ground().collections()
    }

    fn collection(&self, name: &str) -> Result<Option<StoredCollection>, StoreError> {
        self.ground().collection(name)
    }

    fn record_scope(&self, collection: CollectionKey) -> Result<RowSet, StoreError> {
        let mut rows = self.ground().rows_in_ranges(Some(collection))?;
        rows.intersect(self.live()?);
        Ok(rows)
    }

    fn record_rows(
        &self,
        collection: &StoredCollection,
        ids: &[&str],
    ) -> Result<Vec<Option<Row>>, StoreError> {
        self.ground().record_rows(collection, ids)
    }

    fn record_vectors(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        each: &mut EachVector<'_>,
    ) -> Result<(), StoreError> {
        self.ground().record_vectors(collection, rows, each)
    }
}
