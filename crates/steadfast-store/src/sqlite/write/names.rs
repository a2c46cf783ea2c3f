//! Tags and namespaces get other names.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, params};
use steadfast_model::{Counts, DocumentKey, Namespace, Outcome, Place, Row, Seq, Settled};

use super::put::untouched;
use super::{Transaction, Written};
use crate::records;
use crate::sqlite::read::{history, roots};

impl Transaction<'_> {
    pub(super) fn rename_tag(&mut self, from: &str, to: &str) -> Written<Settled> {
        let tagged = self.tagged(from)?;
        if from == to {
            return Ok(untouched(Outcome::Reused, None));
        }
        self.rename_assigned_tag(from, to)?;
        if tagged.is_empty() {
            return Ok(untouched(Outcome::Reused, None));
        }
        let seq = self.next_seq();
        let mut counts = Counts::default();
        for (document, old) in tagged {
            let standing = self.live_rows(document)?;
            let mut facets = self.facets(document)?;
            for facet in old {
                let Some((mut attributes, digest)) = facets
                    .iter()
                    .find(|known| known.key == facet)
                    .map(|known| (known.attributes.clone(), known.note_digest))
                else {
                    continue;
                };
                attributes.tags.remove(from);
                attributes.tags.insert(to.to_owned());
                let renamed = self.facet(document, &mut facets, &attributes, digest.as_ref())?;
                let mut moved = 0;
                for standing in standing.iter().filter(|standing| standing.facet == facet) {
                    self.move_row(standing, renamed, &standing.place, seq)?;
                    moved += 1;
                }
                self.facet_live(facet, -moved)?;
                self.facet_live(renamed, moved)?;
                counts.updated += moved.unsigned_abs();
            }
        }
        let seq = self.log("rename_tag", None, None, counts)?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Updated, Some(seq))
        })
    }

    /// Returns the facets with live chunks that carry a tag, by document.
    fn tagged(&self, tag: &str) -> Written<BTreeMap<DocumentKey, Vec<i64>>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT f.document, f.facet FROM tags t JOIN facets f ON f.facet = t.facet
             WHERE t.tag = ?1 AND f.live > 0 ORDER BY f.document, f.facet",
        )?;
        let mut rows = statement.query([tag])?;
        let mut tagged: BTreeMap<DocumentKey, Vec<i64>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let facets = tagged.entry(DocumentKey(row.get(0)?)).or_default();
            facets.push(row.get(1)?);
        }
        Ok(tagged)
    }

    pub(super) fn rename_namespace(
        &mut self,
        from: &Namespace,
        to: &Namespace,
        source: Option<&str>,
    ) -> Written<Settled> {
        records::check_open(from)?;
        records::check_open(to)?;
        let names = params![from.as_str(), to.as_str(), source];
        let (documents, chunks): (u64, u64) = self
            .connection
            .prepare_cached(
                "SELECT count(*), coalesce(sum(chunks), 0) FROM documents d WHERE namespace = ?1
                 AND (?3 IS NULL OR source = ?3) AND NOT EXISTS (SELECT 1 FROM documents o WHERE o.namespace = ?2 AND o.source = d.source)",
            )?
            .query_row(names, |row| {
                let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
                Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)))
            })?;
        if from == to || documents == 0 {
            return Ok(untouched(Outcome::Reused, None));
        }
        if source.is_none() {
            self.rename_roots(from, to)?;
        }
        let counts = Counts {
            updated: chunks,
            ..Counts::default()
        };
        let seq = self.log("rename_namespace", Some(to), source, counts)?;
        // A key that is taken in the other namespace belongs to what is there. Before the
        // documents move, while the keys of those that stay can be told apart.
        self.connection.execute(
            "UPDATE OR IGNORE idempotency SET namespace = ?2 WHERE namespace = ?1 AND document IN (
                 SELECT document FROM documents d WHERE namespace = ?1
                 AND (?3 IS NULL OR source = ?3) AND NOT EXISTS (SELECT 1 FROM documents o WHERE o.namespace = ?2 AND o.source = d.source))",
            names,
        )?;
        self.connection.execute(
            "UPDATE OR IGNORE documents SET namespace = ?2, seq = ?3 WHERE namespace = ?1
             AND (?4 IS NULL OR source = ?4)",
            params![from.as_str(), to.as_str(), seq.0.cast_signed(), source],
        )?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Updated, Some(seq))
        })
    }
}

/// Returns whether a root or a document has been given the tag that a commit gave these rows instead of another.
///
/// Then the next look at a file would bring it back, and which of them had the other one is not kept.
pub(super) fn is_assigned_anew(
    connection: &Connection,
    seq: Seq,
    rows: &[Row],
) -> rusqlite::Result<bool> {
    let mut given = BTreeSet::new();
    for root in roots::all(connection)? {
        given.extend(root.tags);
    }
    for assigned in roots::assignments(connection)?.values() {
        given.extend(assigned.tags.iter().cloned());
    }
    if given.is_empty() {
        return Ok(false);
    }
    let mut changes = connection.prepare_cached(
        "SELECT g.before, c.facet FROM changes g JOIN chunks c ON c.row = g.row WHERE g.seq = ?1 AND g.row = ?2",
    )?;
    let mut facets = BTreeSet::new();
    for row in rows {
        let found: Option<(String, i64)> = changes
            .query_row([seq.0.cast_signed(), i64::from(row.0)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        facets.extend(found.and_then(|(before, now)| {
            let (before, _) = history::before_parts(&before, &Place::default())?;
            Some((before, now))
        }));
    }
    let mut tags = connection.prepare_cached("SELECT tags FROM facets WHERE facet = ?1")?;
    let mut tags_of = |facet: i64| -> rusqlite::Result<BTreeSet<String>> {
        let text: Option<String> = tags.query_row([facet], |row| row.get(0)).optional()?;
        let tags = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(tags.unwrap_or_default())
    };
    for (before, now) in facets {
        let (before, now) = (tags_of(before)?, tags_of(now)?);
        let came: BTreeSet<String> = now.difference(&before).cloned().collect();
        // A row that had both names does not tell which of them came.
        let candidates = if came.is_empty() { now } else { came };
        if !candidates.is_disjoint(&given) {
            return Ok(true);
        }
    }
    Ok(false)
}
