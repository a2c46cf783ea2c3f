//! Documents as rows.

use rusqlite::{Connection, OptionalExtension as _, params};
use steadfast_model::{
    ContentHash, Document, DocumentKey, DocumentStatus, Filter, Fingerprint, Namespace, Seq,
    Timestamp,
};

use super::SqliteSnapshot;
use super::attributes::{by_number, number};
use crate::error::StoreError;

/// A document as the writing half needs it.
pub(in crate::sqlite) struct Stored {
    pub(in crate::sqlite) key: DocumentKey,
    pub(in crate::sqlite) status: DocumentStatus,
    pub(in crate::sqlite) reason: Option<String>,
    pub(in crate::sqlite) fingerprint: Option<Fingerprint>,
    pub(in crate::sqlite) chunks: i64,
}

const COLUMNS: &str =
    "document, namespace, source, status, reason, size, mtime_ns, ctime_ns, inode, file_hash, racy,
    chunks, seq, indexed_ms";

pub(in crate::sqlite) fn status_number(status: DocumentStatus) -> i64 {
    number(&DocumentStatus::ALL, status)
}

/// Returns the document of a source, in whatever status.
pub(in crate::sqlite) fn find(
    connection: &Connection,
    namespace: &Namespace,
    source: &str,
) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM documents WHERE namespace = ?1 AND source = ?2"
        ))?
        .query_row(params![namespace.as_str(), source], |row| {
            Ok(Stored {
                key: DocumentKey(row.get(0)?),
                status: status(row)?,
                reason: row.get(4)?,
                fingerprint: fingerprint(row)?,
                chunks: row.get(11)?,
            })
        })
        .optional()
}

fn status(row: &rusqlite::Row<'_>) -> rusqlite::Result<DocumentStatus> {
    let number: i64 = row.get(3)?;
    by_number(&DocumentStatus::ALL, number)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(3, number))
}

fn fingerprint(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Fingerprint>> {
    let Some(hash) = row.get::<_, Option<[u8; 32]>>(9)? else {
        return Ok(None);
    };
    Ok(Some(Fingerprint {
        size: row.get::<_, i64>(5)?.cast_unsigned(),
        mtime_ns: row.get(6)?,
        ctime_ns: row.get(7)?,
        inode: row.get::<_, i64>(8)?.cast_unsigned(),
        hash: ContentHash(hash),
        racy: row.get(10)?,
    }))
}

fn document(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Document, StoreError>> {
    let namespace = match StoreError::namespace(row.get(1)?) {
        Ok(namespace) => namespace,
        Err(error) => return Ok(Err(error)),
    };
    let mut found = Document::new(
        DocumentKey(row.get(0)?),
        namespace,
        row.get(2)?,
        status(row)?,
    );
    found.reason = row.get(4)?;
    found.fingerprint = fingerprint(row)?;
    found.chunks = u64::try_from(row.get::<_, i64>(11)?).unwrap_or(0);
    found.seq = Seq(u64::try_from(row.get::<_, i64>(12)?).unwrap_or(0));
    found.indexed_at = Timestamp(row.get(13)?);
    Ok(Ok(found))
}

impl SqliteSnapshot<'_> {
    /// Returns the document of a source, in whatever status.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn document(
        &self,
        namespace: &Namespace,
        source: &str,
    ) -> Result<Option<Document>, StoreError> {
        let found = self.sql(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM documents WHERE namespace = ?1 AND source = ?2"
                ))?
                .query_row(params![namespace.as_str(), source], document)
                .optional()
        })?;
        found.transpose()
    }

    /// Returns whether a source is out of date; true also where that cannot be told in a single look.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn may_be_stale(&self) -> Result<bool, StoreError> {
        if !self.knows("documents_stale")? {
            return Ok(true);
        }
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM documents WHERE status = 2)")?
                .query_row([], |row| row.get(0))
        })
    }

    /// Returns the documents that a filter's namespace, source and folder parts admit, by namespace and source.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn documents(&self, filter: &Filter) -> Result<Vec<Document>, StoreError> {
        let mut documents = Vec::new();
        self.documents_after(filter, None, &mut |document| {
            documents.push(document);
            true
        })?;
        Ok(documents)
    }

    /// Hands over those of them that come after a namespace and a source, until `each` says no.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn documents_after(
        &self,
        filter: &Filter,
        after: Option<(&Namespace, &str)>,
        each: &mut dyn FnMut(Document) -> bool,
    ) -> Result<(), StoreError> {
        // No namespace is empty, so this place is before all.
        let (namespace, source) =
            after.map_or(("", ""), |(namespace, source)| (namespace.as_str(), source));
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM documents WHERE (namespace, source) > (?1, ?2) \
                 ORDER BY namespace, source"
            ))?;
            let mut rows = statement.query([namespace, source])?;
            while let Some(row) = rows.next()? {
                match document(row)? {
                    Ok(found) if filter.admits_document(&found.namespace, &found.source) => {
                        if !each(found) {
                            break;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        })?
    }
}
