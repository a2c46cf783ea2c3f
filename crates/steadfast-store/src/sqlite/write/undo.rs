//! Taking a commit back: a new commit that brings back what it removed and removes what it added.
//!
//! Rows are never used again, so a text that comes back gets a new row and a new
//! id. What later commits built on a commit is not touched: the plan refuses.
//! A file stays as the undo leaves it until it is indexed again: the store says
//! what the disk says whenever it is asked to.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use steadfast_model::{ContentHash, Counts, DocumentKey, DocumentStatus, Namespace, Row, Seq};

use super::names::is_assigned_anew;
use super::rows::{Standing, VECTOR_PENDING, VECTOR_PRESENT, vector_hash};
use super::{Reached, Transaction, Written};
use crate::error::StoreError;
use crate::sqlite::SqliteStore;
use crate::sqlite::read::{documents, history};
use crate::upkeep::{Skipped, UndoPlan, UndoRefusal, Undone};

impl SqliteStore {
    /// Takes a commit back in a new commit.
    pub(in crate::sqlite) fn undo_commit(
        &self,
        plan: &UndoPlan,
        actor: &str,
    ) -> Result<Undone, StoreError> {
        self.check_writable()?;
        let held = self.core.owner.gate.pass(self.core.options.patience)?;
        let written = self.behind_gate(|connection| {
            let space = self.space(connection)?;
            let mut transaction = self.transaction(connection, space, actor)?;
            let undone = transaction.undo(plan)?;
            transaction.head.write(connection)?;
            let reached = Reached {
                seq: undone.seq.0,
                is_new: true,
            };
            Ok((undone, Some(reached)))
        });
        drop(held);
        self.acknowledge(written)
    }
}

/// What a commit did, as the store still knows it.
struct Traces {
    documents: BTreeSet<DocumentKey>,
    restores: Vec<Row>,
    removes: Vec<Row>,
    moves: Vec<Row>,
    skipped: BTreeMap<&'static str, u64>,
}

/// What the log says of a commit.
struct Logged {
    operation: String,
    namespace: Option<String>,
    source: Option<String>,
    inserted: u64,
    updated: u64,
    removed: u64,
}

/// Returns what taking back a commit would do.
pub(in crate::sqlite) fn plan(connection: &Connection, seq: Seq) -> rusqlite::Result<UndoPlan> {
    let mut plan = UndoPlan {
        seq,
        operation: String::new(),
        namespace: None,
        source: None,
        restores: Vec::new(),
        removes: Vec::new(),
        moves: Vec::new(),
        skipped: Vec::new(),
        refusal: None,
    };
    let Some(logged) = logged(connection, seq)? else {
        plan.refusal = Some(UndoRefusal::NoSuchCommit(seq));
        return Ok(plan);
    };
    plan.operation.clone_from(&logged.operation);
    plan.namespace = logged
        .namespace
        .clone()
        .and_then(|name| Namespace::new(name).ok());
    plan.source.clone_from(&logged.source);
    plan.refusal = match logged.operation.as_str() {
        "forget" => Some(UndoRefusal::Forgot(seq)),
        "rename" | "rename_namespace" => Some(UndoRefusal::Renamed(seq)),
        "collection" | "records" => Some(UndoRefusal::OfCollection(seq)),
        "vectors" | "history" => Some(UndoRefusal::NothingToUndo(seq)),
        "prune" => Some(UndoRefusal::Pruned(seq)),
        _ if seq <= history::kept_from(connection)? => Some(UndoRefusal::Pruned(seq)),
        _ => None,
    };
    if plan.refusal.is_some() {
        return Ok(plan);
    }
    let traces = traces(connection, seq, &logged)?;
    plan.skipped = traces
        .skipped
        .iter()
        .filter(|&(_, &chunks)| chunks > 0)
        .map(|(&reason, &chunks)| Skipped { chunks, reason })
        .collect();
    if is_of_collection(connection, &traces)? {
        plan.refusal = Some(UndoRefusal::OfCollection(seq));
        return Ok(plan);
    }
    if logged.operation == "rename_tag" && is_assigned_anew(connection, seq, &traces.moves)? {
        plan.refusal = Some(UndoRefusal::RenamedOfRoots(seq));
        return Ok(plan);
    }
    let later = later(connection, seq, &traces)?;
    if !later.is_empty() {
        plan.refusal = Some(UndoRefusal::ChangedSince(later));
    } else if traces.restores.is_empty() && traces.removes.is_empty() && traces.moves.is_empty() {
        plan.refusal = Some(UndoRefusal::NothingToUndo(seq));
    }
    (plan.restores, plan.removes, plan.moves) = (traces.restores, traces.removes, traces.moves);
    Ok(plan)
}

fn logged(connection: &Connection, seq: Seq) -> rusqlite::Result<Option<Logged>> {
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    connection
        .prepare_cached(
            "SELECT operation, namespace, source, inserted, updated, removed FROM commits WHERE seq = ?1",
        )?
        .query_row([seq.0.cast_signed()], |row| {
            Ok(Logged {
                operation: row.get(0)?,
                namespace: row.get(1)?,
                source: row.get(2)?,
                inserted: count(row.get(3)?),
                updated: count(row.get(4)?),
                removed: count(row.get(5)?),
            })
        })
        .optional()
}

fn traces(connection: &Connection, seq: Seq, logged: &Logged) -> rusqlite::Result<Traces> {
    let number = seq.0.cast_signed();
    let mut found = Traces {
        documents: BTreeSet::new(),
        restores: Vec::new(),
        removes: Vec::new(),
        moves: Vec::new(),
        skipped: BTreeMap::new(),
    };
    let (mut added, mut taken, mut moved) = (0_u64, 0_u64, 0_u64);
    let mut statement = connection.prepare_cached(
        "SELECT row, document, added_seq, removed_seq IS NULL FROM chunks WHERE row >= ?1 ORDER BY row",
    )?;
    let mut rows = statement.query([history::first_row_of(connection, seq)?.0])?;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(2)? != number {
            break;
        }
        added += 1;
        found.documents.insert(DocumentKey(row.get(1)?));
        if row.get(3)? {
            found.removes.push(Row(row.get(0)?));
        } else {
            *found.skipped.entry("removed_since").or_default() += 1;
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT c.row, c.document, c.content_hash, c.text, EXISTS (SELECT 1 FROM forgotten f
         WHERE f.document = c.document AND f.content_hash = c.content_hash),
         EXISTS (SELECT 1 FROM facets o JOIN documents p ON p.document = o.document
             JOIN facets f ON f.note_digest = o.note_digest JOIN documents d ON d.document = f.document
             WHERE o.facet = c.facet AND o.note_digest IS NOT NULL AND f.live > 0 AND d.namespace = p.namespace
             AND (d.document = p.document OR p.source LIKE 'note:%'))
         FROM chunks c WHERE c.removed_seq = ?1 AND c.removed_seq IS NOT NULL ORDER BY c.position, c.row",
    )?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        taken += 1;
        found.documents.insert(DocumentKey(row.get(1)?));
        let hash = ContentHash(row.get(2)?);
        let text = std::str::from_utf8(row.get_ref(3)?.as_bytes()?).ok();
        if row.get(4)? {
            *found.skipped.entry("forgotten").or_default() += 1;
        } else if row.get(5)? {
            // The note was told again since, and a note is there once.
            *found.skipped.entry("there_already").or_default() += 1;
        } else if text.map(ContentHash::of) == Some(hash) {
            found.restores.push(Row(row.get(0)?));
        } else {
            *found.skipped.entry("damaged").or_default() += 1;
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT g.row, c.document, c.removed_seq IS NULL FROM changes g JOIN chunks c ON c.row = g.row WHERE g.seq = ?1",
    )?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        moved += 1;
        found.documents.insert(DocumentKey(row.get(1)?));
        if row.get(2)? {
            found.moves.push(Row(row.get(0)?));
        } else {
            *found.skipped.entry("removed_since").or_default() += 1;
        }
    }
    // What the log counts and the store no longer has was purged.
    let purged = logged.inserted.saturating_sub(added)
        + logged.removed.saturating_sub(taken)
        + logged.updated.saturating_sub(moved);
    *found.skipped.entry("forgotten").or_default() += purged;
    Ok(found)
}

/// Returns whether a commit wrote records: those are changed through their collection, under ids of the caller's.
fn is_of_collection(connection: &Connection, traces: &Traces) -> rusqlite::Result<bool> {
    let rows = traces
        .restores
        .iter()
        .chain(&traces.removes)
        .chain(&traces.moves);
    let mut statement = connection.prepare_cached(
        "SELECT last_row FROM record_ranges WHERE first_row <= ?1 ORDER BY first_row DESC LIMIT 1",
    )?;
    for row in rows {
        let last: Option<i64> = statement
            .query_row([row.0], |found| found.get(0))
            .optional()?;
        if last.is_some_and(|last| i64::from(row.0) <= last) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the later commits that built on what a commit did, told by the rows of its documents.
fn later(connection: &Connection, seq: Seq, traces: &Traces) -> rusqlite::Result<Vec<Seq>> {
    // Notes stand beside each other in a source; everything else says what the whole source is.
    let mut by_rows = connection.prepare_cached(
        "SELECT s.seq FROM (SELECT added_seq AS seq FROM chunks
             WHERE document = ?1 AND added_seq > ?2 AND removed_seq IS NULL
             UNION SELECT added_seq FROM chunks WHERE document = ?1 AND added_seq > ?2 AND removed_seq IS NOT NULL
             UNION SELECT removed_seq FROM chunks WHERE document = ?1 AND removed_seq > ?2 AND removed_seq IS NOT NULL) s
         LEFT JOIN commits c ON c.seq = s.seq WHERE c.operation IS NOT 'note'
             AND c.operation IS NOT 'history'",
    )?;
    let mut later = BTreeSet::new();
    for document in &traces.documents {
        let mut rows = by_rows.query(params![document.0, seq.0.cast_signed()])?;
        while let Some(row) = rows.next()? {
            later.insert(row.get::<_, i64>(0)?);
        }
    }
    let concerned: BTreeSet<Row> = traces
        .removes
        .iter()
        .chain(&traces.moves)
        .copied()
        .collect();
    let mut statement = connection.prepare_cached("SELECT seq, row FROM changes WHERE seq > ?1")?;
    let mut rows = statement.query([seq.0.cast_signed()])?;
    while let Some(row) = rows.next()? {
        if concerned.contains(&Row(row.get(1)?)) {
            later.insert(row.get(0)?);
        }
    }
    Ok(later
        .into_iter()
        .map(|seq| Seq(u64::try_from(seq).unwrap_or(0)))
        .collect())
}

impl Transaction<'_> {
    fn undo(&mut self, agreed: &UndoPlan) -> Written<Undone> {
        let plan = plan(self.connection, agreed.seq)?;
        let refused = |what: String| Err(StoreError::Invalid { what }.into());
        if let Some(refusal) = &plan.refusal {
            return refused(refusal.to_string());
        }
        if plan != *agreed {
            return refused("the store has changed since the plan was made".to_owned());
        }
        let seq = self.next_seq();
        let mut counts = Counts::default();
        let documents = self.documents_of(&plan)?;
        let removes: BTreeSet<Row> = plan.removes.iter().copied().collect();
        let moves: BTreeSet<Row> = plan.moves.iter().copied().collect();
        for document in &documents {
            let live = self.live_rows(*document)?;
            for standing in &live {
                if removes.contains(&standing.row) {
                    self.remove_row(standing.row, standing.facet, seq)?;
                    counts.removed += 1;
                } else if moves.contains(&standing.row) {
                    self.move_back(standing, plan.seq, seq)?;
                    counts.updated += 1;
                }
            }
        }
        let mut restored = Vec::with_capacity(plan.restores.len());
        for row in &plan.restores {
            restored.push(self.restore_row(*row, seq)?);
            counts.inserted += 1;
        }
        for document in documents {
            self.settle_document(document)?;
        }
        let seq = self.log(
            "undo",
            plan.namespace.as_ref(),
            plan.source.as_deref(),
            counts,
        )?;
        Ok(Undone {
            seq,
            counts,
            ids: self.ids(restored.into_iter()),
        })
    }

    fn documents_of(&self, plan: &UndoPlan) -> Written<BTreeSet<DocumentKey>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT document FROM chunks WHERE row = ?1")?;
        let rows = plan.restores.iter().chain(&plan.removes).chain(&plan.moves);
        let mut documents = BTreeSet::new();
        for row in rows {
            documents.insert(DocumentKey(statement.query_row([row.0], |row| row.get(0))?));
        }
        Ok(documents)
    }

    /// Gives a live row back what it was before the commit `undone`.
    fn move_back(&self, standing: &Standing, undone: Seq, seq: i64) -> Written<()> {
        let before: String = self
            .connection
            .prepare_cached("SELECT before FROM changes WHERE seq = ?1 AND row = ?2")?
            .query_row(params![undone.0.cast_signed(), standing.row.0], |row| {
                row.get(0)
            })?;
        let Some((facet, place)) = history::before_parts(&before, &standing.place) else {
            return Err(StoreError::Internal(format!(
                "the history of row {} is malformed",
                standing.row.0
            ))
            .into());
        };
        self.move_row(standing, facet, &place, seq)?;
        self.facet_live(standing.facet, -1)?;
        self.facet_live(facet, 1)
    }

    /// Adds a copy of a row of the history as a new live row; beside a note that says the same, as a further one.
    fn restore_row(&mut self, old: Row, seq: i64) -> Written<Row> {
        let row = self.head.take_row()?;
        let (facet, tokens, text): (i64, i64, Vec<u8>) = self
            .connection
            .prepare_cached(
                "INSERT INTO chunks (row, document, facet, content_hash, start_line, end_line, start_byte, end_byte,
                 ordinal, position, heading_path, fidelity, tokens, vector_state, access_count, added_seq, text)
                 SELECT ?2, document, facet, content_hash, start_line, end_line, start_byte, end_byte,
                 (SELECT CASE WHEN count(*) FILTER (WHERE l.ordinal = c.ordinal) > 0 THEN max(l.ordinal) + 1
                      ELSE c.ordinal END FROM chunks l WHERE l.document = c.document
                      AND l.content_hash = c.content_hash AND l.start_line = c.start_line AND l.removed_seq IS NULL),
                 position, heading_path, fidelity, tokens, vector_state, access_count, ?3, text
                 FROM chunks c WHERE row = ?1 RETURNING facet, tokens, text",
            )?
            .query_row(params![old.0, row.0, seq], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        self.copy_vectors(old, row)?;
        let terms = self.analyze.terms(&String::from_utf8_lossy(&text));
        self.connection
            .prepare_cached(
                "INSERT INTO tail (row, seq, removed, analyzer, terms) VALUES (?1, ?2, 0, ?3, ?4)",
            )?
            .execute(params![row.0, seq, self.analyze.id().0, terms.encode()])?;
        self.facet_live(facet, 1)?;
        self.head.live_chunks += 1;
        self.head.live_tokens += tokens;
        Ok(row)
    }

    /// Copies the vectors of a row in every space; a damaged one is to be made anew.
    fn copy_vectors(&self, old: Row, row: Row) -> Written<()> {
        let found: Vec<(i64, Vec<u8>, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT s.space, v.vector, v.hash FROM spaces s JOIN vectors v ON v.vector_key = s.space << 32 | ?1",
            )?
            .query_map([old.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut is_whole = true;
        for (space, vector, hash) in found {
            if vector_hash(old, &vector)[..] != hash[..] {
                is_whole = is_whole && space != self.space;
                continue;
            }
            self.connection
                .prepare_cached(
                    "INSERT INTO vectors (vector_key, vector, hash) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    space << 32 | i64::from(row.0),
                    vector,
                    &vector_hash(row, &vector)[..]
                ])?;
        }
        if !is_whole {
            self.connection
                .prepare_cached(
                    "UPDATE chunks SET vector_state = ?2 WHERE row = ?1 AND vector_state = ?3",
                )?
                .execute(params![row.0, VECTOR_PENDING, VECTOR_PRESENT])?;
        }
        Ok(())
    }

    /// Counts a document's live rows anew; without any it is no longer there, and one that was forgotten stays so. Its fingerprint goes: what
    /// is on the disk is not what is in the store.
    fn settle_document(&self, document: DocumentKey) -> Written<()> {
        let number = documents::status_number;
        self.connection
            .prepare_cached(
                "UPDATE documents SET chunks = live, reason = CASE WHEN status = ?6 THEN reason END, seq = ?2, indexed_ms = ?3, size = NULL,
                 mtime_ns = NULL, ctime_ns = NULL, inode = NULL, file_hash = NULL, racy = 0,
                 status = CASE WHEN status = ?6 THEN status WHEN live > 0 THEN ?4 ELSE ?5 END
                 FROM (SELECT count(*) AS live FROM chunks WHERE document = ?1 AND removed_seq IS NULL)
                 WHERE document = ?1",
            )?
            .execute(params![
                document.0,
                self.next_seq(),
                self.now.0,
                number(DocumentStatus::Indexed),
                number(DocumentStatus::Removed),
                number(DocumentStatus::Forgotten)
            ])?;
        Ok(())
    }
}
