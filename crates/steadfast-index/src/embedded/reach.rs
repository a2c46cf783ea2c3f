//! What a search of a scope reaches: the truth that becomes the coverage of an answer.

use steadfast_model::{Filter, Row, RowSet, Timestamp};
use steadfast_store::sqlite::RowScope;
use steadfast_store::{Reach, Scope, StoreError};

use super::snapshot::EmbeddedSnapshot;
use crate::analyze::QueryTerms;
use crate::catalog::State;
use crate::text::{self, Scratch};

impl EmbeddedSnapshot<'_> {
    pub(super) fn live_scope(&self, filter: &Filter, now: Timestamp) -> Result<Scope, StoreError> {
        Ok(match self.ground().scope(filter, now)? {
            RowScope::AllBut { left_out, invalid } => {
                let mut rows = self.live()?.clone();
                rows.subtract(&left_out);
                let left_out_by_validity = rows.count_common(&invalid) as u64;
                if left_out_by_validity > 0 {
                    rows.subtract(&invalid);
                }
                Scope {
                    rows,
                    left_out_by_validity,
                }
            }
            RowScope::Only {
                rows,
                left_out_by_validity,
            } => Scope {
                rows,
                left_out_by_validity,
            },
        })
    }

    /// Chooses the best of all rows and filters them then, which is wrong: a planted mistake.
    pub(super) fn cut_before_filter(
        &self,
        terms: &QueryTerms,
        k: usize,
        bm25: text::Bm25,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        let everything = self.live()?;
        let mut top = self.with_view(terms, |_, search| {
            search.top(k, everything, bm25, &mut Scratch::default())
        })?;
        top.retain(|(row, _)| scope.contains(*row));
        Ok(top)
    }

    pub(super) fn text_reach(&self, scope: &RowSet, reach: &mut Reach) -> Result<(), StoreError> {
        let (mut damaged, mut unread) = (RowSet::new(), 0);
        match self.text_state() {
            State::Ready(loaded) => damaged.unite(&loaded.manifest.damaged),
            State::Missing(why) | State::Damaged(why) => {
                reach
                    .degraded
                    .push(format!("the text index is not used: {why}"));
                if let Some(scanned) = self.scanned.borrow().as_ref() {
                    unread = scanned.unread.count_common(scope);
                    damaged.unite(&scanned.damaged);
                }
            }
        }
        damaged.extend(self.tail()?.damaged.iter().copied());
        damaged.intersect(scope);
        reach.text = scope.len().saturating_sub(unread + damaged.len()) as u64;
        reach.text_damaged = damaged;
        if unread > 0 {
            reach
                .not_searched
                .push(("text_not_read_in_time".to_owned(), unread as u64));
        }
        let in_tail = self
            .tail()?
            .added
            .iter()
            .filter(|(row, _)| scope.contains(*row))
            .count();
        reach.tail = in_tail as u64;
        Ok(())
    }

    /// Returns the live rows whose vector is still to come, ascending.
    ///
    /// Where another model was at work too only the store knows that a row has its vector, but none of those that are
    /// in the index need be asked for.
    pub(super) fn waiting_for_vectors(&self) -> Result<Vec<Row>, StoreError> {
        let ground = self.ground();
        if !ground.has_other_models()? {
            return ground.pending_vectors();
        }
        let mut waiting = self.live()?.clone();
        if let Some(loaded) = self.vector_state().ready() {
            waiting.subtract(&loaded.rows);
            for (row, _) in self.vector_tail()? {
                waiting.remove(*row);
            }
        }
        ground.lacking_vectors(&waiting)
    }

    pub(super) fn vector_reach(&self, scope: &RowSet, reach: &mut Reach) -> Result<(), StoreError> {
        let (mut with_vector, mut unread) = (RowSet::new(), RowSet::new());
        if let Some(loaded) = self.vector_state().ready() {
            with_vector.unite(&loaded.rows);
            for (row, _) in self.vector_tail()? {
                with_vector.insert(*row);
            }
            // One that was made anew since is in the tail, or in the index.
            unread.unite(&loaded.manifest.damaged);
            unread.subtract(&with_vector);
        } else {
            let why = self.vector_state().trouble().unwrap_or_default();
            reach
                .degraded
                .push(format!("the vector index is not used: {why}"));
            self.ground().each_vector(Row(0), &mut |row, values| {
                match values {
                    Some(_) => with_vector.insert(row),
                    None => unread.insert(row),
                };
                true
            })?;
        }
        let contradiction = self.distrusted.borrow().clone();
        reach
            .degraded
            .extend(contradiction.map(|what| format!("the vector index is not used: {what}")));
        let in_tail = self
            .vector_tail()?
            .iter()
            .filter(|(row, _)| scope.contains(*row))
            .count();
        reach.tail = reach.tail.max(in_tail as u64);
        unread.unite(&self.damaged_vectors.borrow());
        with_vector.subtract(&unread);
        let found = with_vector.count_common(scope) as u64;
        let damaged = unread.count_common(scope) as u64;
        let pending = self
            .waiting_for_vectors()?
            .into_iter()
            .filter(|row| scope.contains(*row))
            .count() as u64;
        reach.vector = found;
        reach.vector_pending = pending;
        reach.vector_none = (scope.len() as u64).saturating_sub(found + damaged + pending);
        for (reason, count) in [("vector_damaged", damaged), ("vector_pending", pending)] {
            if count > 0 {
                reach.not_searched.push((reason.to_owned(), count));
            }
        }
        Ok(())
    }
}
