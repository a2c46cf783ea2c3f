//! Where rows stand, and who stands beside them: read from one covering index.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::OptionalExtension as _;
use steadfast_model::{Attributes, DocumentKey, Row};

use super::{SqliteSnapshot, attributes, is_malformed, wanted};
use crate::context::{FacetKey, Placed, Standing};
use crate::error::StoreError;

impl SqliteSnapshot<'_> {
    /// Returns where each given live row stands; none for a row that is not live.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn standings(&self, rows: &[Row]) -> Result<Vec<Option<Standing>>, StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT row, document, position
                 FROM rarray(?1) wanted CROSS JOIN chunks ON row = wanted.value WHERE removed_seq IS NULL",
            )?;
            let wanted = wanted(rows.iter().map(|row| i64::from(row.0)));
            let found = statement.query_map([wanted], |columns| {
                let standing = Standing {
                    document: DocumentKey(columns.get(1)?),
                    position: columns.get(2)?,
                };
                Ok((Row(columns.get(0)?), standing))
            })?;
            let found = found.collect::<rusqlite::Result<HashMap<Row, Standing>>>()?;
            Ok(rows.iter().map(|row| found.get(row).copied()).collect())
        })
    }

    /// Returns the live rows of a document whose places lie in `places`, in order of place.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn placed(
        &self,
        document: DocumentKey,
        places: RangeInclusive<u32>,
    ) -> Result<Vec<Placed>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT position, row, facet FROM chunks INDEXED BY chunks_order
                     WHERE document = ?1 AND position BETWEEN ?2 AND ?3 AND removed_seq IS NULL",
                )?
                .query_map(
                    [
                        i64::from(document.0),
                        i64::from(*places.start()),
                        i64::from(*places.end()),
                    ],
                    |columns| {
                        Ok(Placed {
                            position: columns.get(0)?,
                            row: Row(columns.get(1)?),
                            facet: FacetKey(columns.get::<_, i64>(2)?.cast_unsigned()),
                        })
                    },
                )?
                .collect::<rusqlite::Result<Vec<Placed>>>()
        })
        .map(|mut placed| {
            // In order already but for places that several rows share.
            placed.sort_by_key(|placed| (placed.position, placed.row));
            placed
        })
    }

    /// Returns the attributes behind a key; none for a key that is not in use, or when they are damaged.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn facet(&self, key: FacetKey) -> Result<Option<Arc<Attributes>>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT kind, title, tags, meta, document_time, valid_from, valid_to, trust
                     FROM facets WHERE facet = ?1",
                )?
                .query_row([key.0.cast_signed()], |columns| {
                    attributes::decode(columns, 0).map(Arc::new)
                })
                .optional()
                // Who fetches a row with these is told that it is damaged.
                .or_else(|error| {
                    if is_malformed(&error) {
                        Ok(None)
                    } else {
                        Err(error)
                    }
                })
        })
    }
}
