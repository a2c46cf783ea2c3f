//! What the user said of roots, and what documents were given from outside.
//!
//! Roots are settings and no memories: a change of them is no commit of the log.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use steadfast_model::root::{Renamed, rename_namespace, rename_tag};
use steadfast_model::{Assignment, DocumentKey, DocumentStatus, Namespace, Outcome, Root, Settled};

use super::put::untouched;
use super::{Transaction, Written};
use crate::records;
use crate::sqlite::read::documents::status_number;
use crate::sqlite::read::roots;

impl Transaction<'_> {
    pub(super) fn remember_root(&mut self, root: &Root) -> Written<Settled> {
        if let Some(namespace) = &root.namespace {
            records::check_open(namespace)?;
        }
        let namespace = root.namespace.as_ref().map_or("", Namespace::as_str);
        let before: Option<String> = self
            .connection
            .prepare_cached("SELECT told FROM roots WHERE path = ?1 AND namespace = ?2")?
            .query_row([&root.path, namespace], |row| row.get(0))
            .optional()?;
        let told = root.told();
        if before.as_ref() == Some(&told) {
            return Ok(untouched(Outcome::Reused, None));
        }
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO roots (path, namespace, turn, told)
                 VALUES (?1, ?2, (SELECT coalesce(max(turn), 0) + 1 FROM roots), ?3)",
            )?
            .execute(params![root.path, namespace, told])?;
        let outcome = if before.is_some() {
            Outcome::Updated
        } else {
            Outcome::Inserted
        };
        Ok(untouched(outcome, None))
    }

    pub(super) fn drop_root(
        &mut self,
        path: &str,
        namespace: Option<&Namespace>,
    ) -> Written<Settled> {
        let dropped = self
            .connection
            .prepare_cached("DELETE FROM roots WHERE path = ?1 AND namespace = ?2")?
            .execute([path, namespace.map_or("", Namespace::as_str)])?;
        if dropped == 0 {
            return Ok(untouched(Outcome::Reused, None));
        }
        Ok(untouched(Outcome::Removed, None))
    }

    /// Keeps what a document was given from outside.
    pub(super) fn assign(&self, document: DocumentKey, assigned: &Assignment) -> Written<()> {
        match assigned.told() {
            Some(told) => self
                .connection
                .prepare_cached(
                    "INSERT INTO assignments (document, told) VALUES (?1, ?2)
                     ON CONFLICT (document) DO UPDATE SET told = ?2 WHERE told <> ?2",
                )?
                .execute(params![document.0, told])?,
            None => self
                .connection
                .prepare_cached("DELETE FROM assignments WHERE document = ?1")?
                .execute([document.0])?,
        };
        Ok(())
    }

    /// Gives a tag another name wherever it was assigned, so that the old one does not come back.
    pub(super) fn rename_assigned_tag(&self, from: &str, to: &str) -> Written<()> {
        for mut root in roots::all(self.connection)? {
            if rename_tag(&mut root.tags, from, to) {
                let namespace = root.namespace.as_ref().map_or("", Namespace::as_str);
                self.connection
                    .prepare_cached(
                        "UPDATE roots SET told = ?3 WHERE path = ?1 AND namespace = ?2",
                    )?
                    .execute(params![root.path, namespace, root.told()])?;
            }
        }
        for (document, mut assigned) in roots::assignments(self.connection)? {
            // Only one that has the tag is copied: the others share what they were given.
            if assigned.tags.contains(from)
                && rename_tag(&mut Arc::make_mut(&mut assigned).tags, from, to)
            {
                self.assign(document, &assigned)?;
            }
        }
        Ok(())
    }

    /// Lets roots go with the documents of a namespace, before these move.
    pub(super) fn rename_roots(&self, from: &Namespace, to: &Namespace) -> Written<()> {
        let before = roots::all(self.connection)?;
        if before.is_empty() {
            return Ok(());
        }
        let assignments = roots::assignments(self.connection)?;
        let documents = self
            .connection
            .prepare_cached(
                "SELECT document, source, EXISTS (SELECT 1 FROM documents o WHERE o.namespace = ?2
                 AND o.source = d.source) FROM documents d WHERE namespace = ?1 AND status <> ?3",
            )?
            .query_map(
                params![
                    from.as_str(),
                    to.as_str(),
                    status_number(DocumentStatus::Removed)
                ],
                |row| {
                    let assigned = assignments.get(&DocumentKey(row.get(0)?));
                    Ok(Renamed {
                        source: row.get(1)?,
                        stays: row.get(2)?,
                        is_placed: assigned.is_some_and(|assigned| assigned.is_placed),
                    })
                },
            )?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let after = rename_namespace(&before, (from, to), &documents);
        if after == before {
            return Ok(());
        }
        self.connection.execute("DELETE FROM roots", [])?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO roots (path, namespace, turn, told) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (root, turn) in after.iter().zip(1_i64..) {
            let namespace = root.namespace.as_ref().map_or("", Namespace::as_str);
            statement.execute(params![root.path, namespace, turn, root.told()])?;
        }
        Ok(())
    }
}
