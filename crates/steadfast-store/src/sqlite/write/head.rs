//! The counters of the store, which every transaction reads first and writes last.

use rusqlite::{Connection, params};
use steadfast_model::{DocumentKey, Row};

use crate::error::StoreError;

/// The counters of the store; read at the start of a transaction and written at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) next_row: i64,
    pub(super) next_document: i64,
    pub(super) next_facet: i64,
    pub(super) live_chunks: i64,
    pub(super) live_tokens: i64,
}

impl Head {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT seq, next_row, next_document, next_facet, live_chunks, live_tokens FROM store WHERE one = 1",
            )?
            .query_row([], |row| {
                Ok(Self {
                    seq: row.get(0)?,
                    next_row: row.get(1)?,
                    next_document: row.get(2)?,
                    next_facet: row.get(3)?,
                    live_chunks: row.get(4)?,
                    live_tokens: row.get(5)?,
                })
            })
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "UPDATE store SET seq = ?1, next_row = ?2, next_document = ?3, next_facet = ?4, live_chunks = ?5,
                 live_tokens = ?6 WHERE one = 1",
            )?
            .execute(params![
                self.seq,
                self.next_row,
                self.next_document,
                self.next_facet,
                self.live_chunks,
                self.live_tokens
            ])
            .map(drop)
    }

    pub(super) fn take_row(&mut self) -> Result<Row, StoreError> {
        let row = u32::try_from(self.next_row).map_err(|_| StoreError::Full)?;
        self.next_row += 1;
        Ok(Row(row))
    }

    pub(super) fn take_document(&mut self) -> Result<DocumentKey, StoreError> {
        let document = u32::try_from(self.next_document).map_err(|_| StoreError::Full)?;
        self.next_document += 1;
        Ok(DocumentKey(document))
    }

    pub(super) fn take_facet(&mut self) -> i64 {
        let facet = self.next_facet;
        self.next_facet += 1;
        facet
    }
}
