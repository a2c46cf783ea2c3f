//! A filter becomes a set of rows, before any candidate is chosen.

use std::collections::HashSet;

use rusqlite::{Statement, params_from_iter};
use steadfast_model::{Attributes, Filter, Row, RowSet, Seq, Timestamp, Validity};

use super::{SqliteSnapshot, attributes, is_malformed};
use crate::error::StoreError;

/// The live rows that a filter leaves.
#[derive(Clone, Debug)]
pub enum RowScope {
    /// All live rows but these. Who knows the live rows need not read them.
    AllBut {
        /// Rows that the filter leaves out, and without a namespace those of collections.
        left_out: RowSet,
        /// Rows left out by their validity.
        invalid: RowSet,
    },
    /// These live rows.
    Only {
        /// The rows.
        rows: RowSet,
        /// How many more would be in scope but for their validity.
        left_out_by_validity: u64,
    },
}

/// A facet that may matter for a filter.
struct Candidate {
    facet: i64,
    document: i64,
    live: i64,
    admitted: bool,
    valid: bool,
}

/// What leaves the fewest facets to judge.
struct Narrowed {
    condition: String,
    parameters: Vec<String>,
}

impl Narrowed {
    /// Returns whether nothing could be left out beforehand.
    fn is_everything(&self) -> bool {
        self.condition == EVERYTHING
    }
}

/// The condition that every facet fulfils.
const EVERYTHING: &str = "1";

impl SqliteSnapshot<'_> {
    /// Returns which live rows pass the filter.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn scope(&self, filter: &Filter, now: Timestamp) -> Result<RowScope, StoreError> {
        let restricted = !Filter {
            validity: Validity::Any,
            ..filter.clone()
        }
        .is_unrestricted();
        if restricted {
            return self.restricted(filter, now);
        }
        let mut invalid = RowSet::new();
        if filter.validity != Validity::Any {
            let narrowed = Narrowed {
                condition: "live > 0 AND (valid_from IS NOT NULL OR valid_to IS NOT NULL)"
                    .to_owned(),
                parameters: Vec::new(),
            };
            let candidates = self.candidates(&narrowed, filter, now)?;
            let lapsed: Vec<Candidate> = candidates
                .into_iter()
                .filter(|candidate| !candidate.valid)
                .collect();
            self.collect_rows(&lapsed, &mut invalid)?;
        }
        Ok(RowScope::AllBut {
            left_out: self.rows_in_ranges(None)?,
            invalid,
        })
    }

    fn restricted(&self, filter: &Filter, now: Timestamp) -> Result<RowScope, StoreError> {
        let validity_matters = filter.validity != Validity::Any && self.has_validity()?;
        if !filter.asks_attributes() && !validity_matters {
            return self.by_document(filter);
        }
        let narrowed = narrowest(filter);
        let candidates = self.candidates(&narrowed, filter, now)?;
        let (admitted, others): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|candidate| candidate.admitted);
        let (valid, lapsed): (Vec<_>, Vec<_>) =
            admitted.into_iter().partition(|candidate| candidate.valid);
        if narrowed.is_everything() && others.len() + lapsed.len() < valid.len() {
            let (mut left_out, mut invalid) = (RowSet::new(), RowSet::new());
            self.collect_rows(&others, &mut left_out)?;
            self.collect_rows(&lapsed, &mut invalid)?;
            return Ok(RowScope::AllBut { left_out, invalid });
        }
        let mut rows = RowSet::with_room(self.head.last_row.0 as usize + 1);
        self.collect_rows(&valid, &mut rows)?;
        let left_out_by_validity = lapsed
            .iter()
            .map(|candidate| u64::try_from(candidate.live).unwrap_or(0))
            .sum();
        Ok(RowScope::Only {
            rows,
            left_out_by_validity,
        })
    }

    /// Returns whether any facet has a time from or to which it is valid; most stores have none.
    fn has_validity(&self) -> Result<bool, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM facets INDEXED BY facets_validity
                     WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL)",
                )?
                .query_row([], |row| row.get(0))
        })
    }

    /// Returns the rows of the documents that a filter admits, when nothing but the document matters.
    fn by_document(&self, filter: &Filter) -> Result<RowScope, StoreError> {
        let Narrowed {
            condition,
            parameters,
        } = narrowest(filter);
        // Both are read from their indexes alone. A join would hand over the names of a
        // document with each of its rows, which took three times the instructions.
        let sql =
            format!("SELECT d.document, d.namespace, d.source FROM documents d WHERE {condition}");
        let mut rows = RowSet::with_room(self.head.last_row.0 as usize + 1);
        self.sql(|connection| {
            let mut documents = connection.prepare_cached(&sql)?;
            let mut chunks = connection.prepare_cached(
                "SELECT row FROM chunks INDEXED BY chunks_order WHERE document = ?1 AND removed_seq IS NULL",
            )?;
            let mut found = documents.query(params_from_iter(&parameters))?;
            while let Some(document) = found.next()? {
                let namespace = steadfast_model::Namespace::new(document.get_ref(1)?.as_str()?);
                let source = document.get_ref(2)?.as_str()?;
                if namespace.is_ok_and(|namespace| filter.admits_document(&namespace, source)) {
                    let mut found = chunks.query([document.get::<_, i64>(0)?])?;
                    while let Some(row) = found.next()? {
                        rows.insert(Row(row.get(0)?));
                    }
                }
            }
            Ok(())
        })?;
        Ok(RowScope::Only {
            rows,
            left_out_by_validity: 0,
        })
    }

    /// Returns the facets that fulfil an SQL condition, each judged by the filter itself.
    ///
    /// The SQL only narrows; the decision is the one every backend takes.
    fn candidates(
        &self,
        narrowed: &Narrowed,
        filter: &Filter,
        now: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError> {
        let asks_attributes = filter.asks_attributes();
        // What the filter does not ask about is not read, and of most facets nothing has to be decoded.
        let if_asked = |asked: bool, column: &'static str, none: &'static str| {
            if asked { column } else { none }
        };
        let tags = if_asked(!filter.tags.is_empty(), "f.tags", "'[]'");
        let meta = if_asked(filter.expression.is_some(), "f.meta", "'{}'");
        let sql = format!(
            "SELECT f.facet, f.document, f.live, d.namespace, d.source,
                    f.kind, NULL, {tags}, {meta}, f.document_time, f.valid_from, f.valid_to, 0
             FROM facets f JOIN documents d ON d.document = f.document WHERE f.live > 0 AND {}",
            narrowed.condition
        );
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&narrowed.parameters))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let namespace = steadfast_model::Namespace::new(row.get_ref(3)?.as_str()?);
                let source = row.get_ref(4)?.as_str()?;
                // Nobody knows what damaged ones were: they stay in scope, so that whoever fetches their rows is told.
                let judged = match attributes::decode(row, 5) {
                    Ok(judged) => Some(judged),
                    Err(error) if is_malformed(&error) => None,
                    Err(error) => return Err(error),
                };
                let is_admitted = |judged: &Attributes| filter.admits_attributes(judged);
                let admitted = namespace
                    .is_ok_and(|namespace| filter.admits_document(&namespace, source))
                    && (!asks_attributes || judged.as_ref().is_none_or(is_admitted));
                found.push(Candidate {
                    facet: row.get(0)?,
                    document: row.get(1)?,
                    live: row.get(2)?,
                    admitted,
                    valid: judged
                        .as_ref()
                        .is_none_or(|judged| filter.admits_validity(judged, now)),
                });
            }
            Ok(found)
        })
    }

    fn collect_rows(&self, facets: &[Candidate], into: &mut RowSet) -> Result<(), StoreError> {
        let wanted: HashSet<i64> = facets.iter().map(|candidate| candidate.facet).collect();
        let mut documents: Vec<i64> = facets.iter().map(|candidate| candidate.document).collect();
        documents.sort_unstable();
        documents.dedup();
        self.sql(|connection| {
            let mut facets_of = connection
                .prepare_cached("SELECT facet FROM facets WHERE document = ?1 AND live > 0")?;
            let mut rows_of = connection.prepare_cached(
                "SELECT row FROM chunks WHERE document = ?1 AND removed_seq IS NULL",
            )?;
            let mut rows_and_facets_of = connection.prepare_cached(
                "SELECT row, facet FROM chunks WHERE document = ?1 AND removed_seq IS NULL",
            )?;
            for document in documents {
                // When all live facets of the document are wanted, the unique index alone has the rows.
                if are_all_wanted(&mut facets_of, document, &wanted)? {
                    let mut rows = rows_of.query([document])?;
                    while let Some(row) = rows.next()? {
                        into.insert(Row(row.get(0)?));
                    }
                } else {
                    let mut rows = rows_and_facets_of.query([document])?;
                    while let Some(row) = rows.next()? {
                        if wanted.contains(&row.get(1)?) {
                            into.insert(Row(row.get(0)?));
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// Returns all live rows, read from the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn live_rows(&self) -> Result<RowSet, StoreError> {
        self.sql(|connection| {
            let mut live = RowSet::with_room(self.head.last_row.0 as usize + 1);
            // The unique index covers this query; the chunks themselves are not touched.
            let mut statement = connection.prepare_cached(
                "SELECT row FROM chunks INDEXED BY chunks_unique WHERE removed_seq IS NULL",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                live.insert(Row(row.get(0)?));
            }
            Ok(live)
        })
    }

    /// Returns the live rows above `after` up to `last`, read from the chunks themselves.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn live_between(&self, after: Row, last: Row) -> Result<RowSet, StoreError> {
        self.sql(|connection| {
            let mut live = RowSet::with_room(last.0 as usize + 1);
            let mut statement = connection.prepare_cached(
                "SELECT row FROM chunks NOT INDEXED
                 WHERE row > ?1 AND row <= ?2 AND removed_seq IS NULL",
            )?;
            let mut rows = statement.query([after.0, last.0])?;
            while let Some(row) = rows.next()? {
                live.insert(Row(row.get(0)?));
            }
            Ok(live)
        })
    }

    /// Returns the rows that were removed after the commit `seq` and are at most `last`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn removed_since(&self, seq: Seq, last: Row) -> Result<Vec<Row>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT row FROM chunks WHERE removed_seq > ?1 AND removed_seq IS NOT NULL AND row <= ?2",
                )?
                .query_map([seq.0.cast_signed(), i64::from(last.0)], |row| Ok(Row(row.get(0)?)))?
                .collect()
        })
    }
}

fn are_all_wanted(
    facets_of: &mut Statement<'_>,
    document: i64,
    wanted: &HashSet<i64>,
) -> rusqlite::Result<bool> {
    let mut facets = facets_of.query([document])?;
    while let Some(facet) = facets.next()? {
        if !wanted.contains(&facet.get(0)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Lets a range of sources be found through the index by namespace and source, one range in each
/// namespace: an index by source alone would cost every write of a document a page more.
const ANY_NAMESPACE: &str = "d.namespace IN (WITH RECURSIVE names (name) AS (
        SELECT min(namespace) FROM documents
        UNION ALL SELECT (SELECT min(namespace) FROM documents WHERE namespace > names.name)
        FROM names WHERE names.name IS NOT NULL)
    SELECT name FROM names WHERE name IS NOT NULL)";

/// Returns what SQL can leave out of a filter's facets, cheaply and never too much.
fn narrowest(filter: &Filter) -> Narrowed {
    if let [tag, ..] = filter.tags.as_slice() {
        return Narrowed {
            condition: "f.facet IN (SELECT facet FROM tags WHERE tag = ?1)".to_owned(),
            parameters: vec![tag.clone()],
        };
    }
    let mut parameters = Vec::new();
    let mut conditions = Vec::new();
    if !filter.namespaces.is_empty() {
        let places: Vec<String> = filter
            .namespaces
            .iter()
            .map(|namespace| {
                parameters.push(namespace.as_str().to_owned());
                format!("?{}", parameters.len())
            })
            .collect();
        conditions.push(format!("d.namespace IN ({})", places.join(", ")));
    }
    let mut prefixes = |texts: Vec<&str>| {
        if texts.is_empty() || texts.iter().any(|text| text.is_empty()) {
            return;
        }
        let parts: Vec<String> = texts
            .iter()
            .map(|text| {
                parameters.push((*text).to_owned());
                parameters.push(format!("{text}\u{10ffff}"));
                format!(
                    "(d.source >= ?{} AND d.source <= ?{})",
                    parameters.len() - 1,
                    parameters.len()
                )
            })
            .collect();
        conditions.push(format!("({})", parts.join(" OR ")));
    };
    prefixes(
        filter
            .sources
            .iter()
            .map(steadfast_model::filter::SourcePattern::literal_prefix)
            .collect(),
    );
    prefixes(
        filter
            .within
            .iter()
            .map(|folder| folder.trim_end_matches(['/', '\\']))
            .collect(),
    );
    if filter.namespaces.is_empty() && !conditions.is_empty() {
        conditions.push(ANY_NAMESPACE.to_owned());
    }
    if filter.asks_attributes() {
        conditions.extend(of_columns(filter));
    }
    if conditions.is_empty() {
        conditions.push(EVERYTHING.to_owned());
    }
    Narrowed {
        condition: conditions.join(" AND "),
        parameters,
    }
}

/// Returns the conditions that columns of facets can be asked for: those are not handed over that fail them.
fn of_columns(filter: &Filter) -> Vec<String> {
    let mut conditions = Vec::new();
    if !filter.kinds.is_empty() {
        let kinds = filter
            .kinds
            .iter()
            .map(|kind| attributes::kind_number(*kind).to_string());
        let kinds: Vec<String> = kinds.collect();
        conditions.push(format!("f.kind IN ({})", kinds.join(", ")));
    }
    conditions.extend(
        filter
            .since
            .map(|since| format!("f.document_time >= {}", since.0)),
    );
    conditions.extend(
        filter
            .until
            .map(|until| format!("f.document_time < {}", until.0)),
    );
    conditions
}
