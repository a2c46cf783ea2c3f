//! What a backend must be able to tell of collections, at one moment.
//!
//! A record is a chunk like any other, so everything that works on rows works
//! on records too. What is here is only what chunks do not have: ids of the
//! caller's and vectors of spaces other than the model's.

use std::collections::HashSet;

use steadfast_model::record::{collection_namespace, merge};
use steadfast_model::{
    Attributes, CollectionKey, CollectionSpace, Namespace, NewRecord, RecordsWrite, Row, RowSet,
    StoredCollection, Trust, WriteMode,
};

use crate::error::StoreError;

/// Hears vectors row by row, until it returns false. None stands for one that does not have its hash.
pub type EachVector<'f> = dyn FnMut(Row, Option<&[f32]>) -> bool + 'f;

/// The collections at one moment of a store.
pub trait Records {
    /// Returns all collections, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn collections(&self) -> Result<Vec<StoredCollection>, StoreError>;

    /// Returns the collection of a name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn collection(&self, name: &str) -> Result<Option<StoredCollection>, StoreError>;

    /// Returns the rows of the records of a collection.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn record_scope(&self, collection: CollectionKey) -> Result<RowSet, StoreError>;

    /// Returns the row of each record asked for; none for an id that is not there.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn record_rows(
        &self,
        collection: &StoredCollection,
        ids: &[&str],
    ) -> Result<Vec<Option<Row>>, StoreError>;

    /// Hands over the vectors of these rows in the space of their collection, in order of row. A row without a
    /// vector is passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn record_vectors(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        each: &mut EachVector<'_>,
    ) -> Result<(), StoreError>;
}

/// Refuses what is not a record for the namespace of a collection.
pub(crate) fn check_open(namespace: &Namespace) -> Result<(), StoreError> {
    if namespace.is_collection() {
        return Err(StoreError::Invalid {
            what: format!("`{namespace}` holds a collection, which takes nothing but records"),
        });
    }
    Ok(())
}

/// Returns the attributes of a record after a write, from those before it when they are to be kept.
pub(crate) fn attributes_after(record: &NewRecord, before: Option<&Attributes>) -> Attributes {
    let mut attributes = before.cloned().unwrap_or_else(|| Attributes {
        trust: Trust::Agent,
        ..Attributes::default()
    });
    if let Some(change) = &record.meta {
        merge(&mut attributes.meta, change);
    }
    attributes
}

/// Refuses records that would make later searches fail, before anything of the batch is written.
pub(crate) fn check(write: &RecordsWrite, space: CollectionSpace) -> Result<(), StoreError> {
    let mut seen = HashSet::with_capacity(write.records.len());
    for record in &write.records {
        let is_update = write.mode == WriteMode::Update;
        let fits = match (&record.given, space) {
            (Some(given), CollectionSpace::Given { dimensions }) => {
                given.len() == dimensions && given.iter().all(|value| value.is_finite())
            }
            (None, CollectionSpace::Given { .. }) => is_update,
            (given, CollectionSpace::Model | CollectionSpace::Undecided) => given.is_none(),
        };
        let what = if !seen.insert(record.id.as_str()) {
            "is twice in one batch"
        } else if record.chunk.is_none() && !is_update {
            "has no chunk"
        } else if !fits {
            "does not have a vector of the collection's space"
        } else {
            continue;
        };
        return Err(StoreError::Invalid {
            what: format!("the record `{}` {what}", record.id),
        });
    }
    Ok(())
}

/// Returns the namespace of a collection.
pub(crate) fn namespace_of(name: &str) -> Result<Namespace, StoreError> {
    collection_namespace(name).map_err(|error| StoreError::Invalid {
        what: error.to_string(),
    })
}
