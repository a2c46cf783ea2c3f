//! Other names for tags and namespaces: first a plan, then one commit.

use std::collections::BTreeSet;

use steadfast_model::{Change, Filter, Namespace, Seq, Validity};

use super::Memory;
use crate::error::{Error, Result};
use crate::ingest::check_tags;

/// What giving a tag or a namespace another name would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RenamePlan {
    /// Live chunks that get the other name.
    pub chunks: u64,
    /// Sources they belong to.
    pub sources: u64,
    /// The other name is in use: both become one.
    pub merges: bool,
    /// Sources that are in both namespaces, and stay where they are.
    pub stay: Vec<String>,
    change: Change,
}

/// What was renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renamed {
    /// The commit; none when there was nothing to rename.
    pub seq: Option<Seq>,
    /// Live chunks that got the other name.
    pub chunks: u64,
}

impl Memory {
    /// Returns what giving a tag another name would do; changes nothing.
    ///
    /// A tag that a file itself names comes back when the file changes.
    ///
    /// # Errors
    /// [`Error::NameNotFound`]; [`Error::Store`] when the store cannot be read.
    pub fn plan_rename_tag(&self, from: &str, to: &str) -> Result<RenamePlan> {
        check_tags([&to.to_owned()])?;
        let snapshot = self.backend().snapshot()?;
        let filter = Filter {
            tags: vec![from.to_owned()],
            validity: Validity::Any,
            ..Filter::default()
        };
        let rows = snapshot.scope(&filter, self.inner.clock.now())?.rows;
        let mut rows: Vec<_> = rows.iter().collect();
        if rows.is_empty() {
            return Err(Error::NameNotFound(from.to_owned()));
        }
        if from == to {
            rows.clear();
        }
        let documents: BTreeSet<_> = snapshot
            .standings(&rows)?
            .into_iter()
            .flatten()
            .map(|standing| standing.document)
            .collect();
        Ok(RenamePlan {
            chunks: rows.len() as u64,
            sources: documents.len() as u64,
            merges: from != to && snapshot.tags()?.iter().any(|(name, _)| name == to),
            stay: Vec::new(),
            change: Change::RenameTag {
                from: from.to_owned(),
                to: to.to_owned(),
            },
        })
    }

    /// Returns what giving a namespace another name would do; changes nothing.
    ///
    /// # Errors
    /// [`Error::NameNotFound`]; [`Error::Store`] when the store cannot be read.
    pub fn plan_rename_namespace(&self, from: &Namespace, to: &Namespace) -> Result<RenamePlan> {
        let snapshot = self.backend().snapshot()?;
        let documents = |namespace: &Namespace| {
            snapshot.documents(&Filter {
                namespaces: vec![namespace.clone()],
                validity: Validity::Any,
                ..Filter::default()
            })
        };
        let (here, there) = (documents(from)?, documents(to)?);
        if here.is_empty() {
            return Err(Error::NameNotFound(from.as_str().to_owned()));
        }
        let taken: BTreeSet<&str> = there.iter().map(|found| found.source.as_str()).collect();
        let (stay, moving): (Vec<_>, Vec<_>) = here
            .iter()
            .partition(|document| taken.contains(document.source.as_str()));
        Ok(RenamePlan {
            chunks: moving.iter().map(|document| document.chunks).sum(),
            sources: moving.len() as u64,
            merges: from != to && !there.is_empty(),
            stay: stay.into_iter().map(|found| found.source.clone()).collect(),
            change: Change::RenameNamespace {
                source: None,
                from: from.clone(),
                to: to.clone(),
            },
        })
    }

    /// Does what a plan says, in one commit. Ids, counters and history stay.
    ///
    /// # Errors
    /// [`Error::Store`]; nothing is renamed then.
    ///
    /// # Durability
    /// The names are on the disk, and every search that starts after this returns sees them.
    pub fn rename(&self, plan: &RenamePlan) -> Result<Renamed> {
        let changes = std::slice::from_ref(&plan.change);
        let settled = self.backend().commit(changes, &self.inner.actor)?.pop();
        let (seq, chunks) =
            settled.map_or((None, 0), |settled| (settled.seq, settled.counts.updated));
        Ok(Renamed { seq, chunks })
    }
}
