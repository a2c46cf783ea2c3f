//! Forgetting: first a plan, then text, vectors, index entries and history are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use steadfast_model::filter::{SourcePattern, lies_within};
use steadfast_model::{
    Change, Chunk, ChunkId, ContentHash, Document, DocumentKey, DocumentStatus, Filter, Namespace,
    Root, Row, RowSet, Seq, Validity,
};
use steadfast_store::{CatchUp, Effort, Snapshot};

use super::Memory;
use crate::error::{Error, Result};

/// What is to be forgotten; the parts combine by AND.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// These chunks.
    pub ids: Vec<String>,
    /// Sources that match any of these.
    pub sources: Vec<SourcePattern>,
    /// Any of these namespaces.
    pub namespaces: Vec<Namespace>,
    /// All of these tags.
    pub tags: Vec<String>,
}

/// What forgetting a selection would take away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForgetPlan {
    /// Live chunks.
    pub chunks: u64,
    /// Sources that would be forgotten as a whole, and stay out.
    pub sources: Vec<String>,
    /// Folders and files of which nothing would be remembered any more: nothing of them would be left.
    pub roots: Vec<Root>,
    rows: Vec<Row>,
    documents: Vec<DocumentKey>,
    digest: ContentHash,
}

impl ForgetPlan {
    /// Returns a hash of all that the plan would take away: equal plans of one store name the same texts with the
    /// same tags, not only as many of the same sources.
    pub fn digest(&self) -> ContentHash {
        self.digest
    }
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// The commit; none when there was nothing to forget.
    pub seq: Option<Seq>,
    /// Live chunks that are gone.
    pub chunks: u64,
    /// Nothing readable of them is left in the files of the store. False while readers of other processes hold
    /// old pages of the write-ahead log; whoever writes next finishes it.
    pub is_purged: bool,
}

impl Selection {
    fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.sources.is_empty()
            && self.namespaces.is_empty()
            && self.tags.is_empty()
    }

    /// Whole documents are selected, not chunks of them.
    fn is_by_document(&self) -> bool {
        self.ids.is_empty() && self.tags.is_empty()
    }

    fn filter(&self) -> Filter {
        Filter {
            namespaces: self.namespaces.clone(),
            sources: self.sources.clone(),
            tags: self.tags.clone(),
            validity: Validity::Any,
            ..Filter::default()
        }
    }
}

impl Memory {
    /// Returns what forgetting a selection would take away; changes nothing.
    ///
    /// # Errors
    /// [`Error::NothingSelected`]; [`Error::ChunkNotFound`]; [`Error::Store`] when the store cannot be read.
    pub fn plan_forget(&self, selection: &Selection) -> Result<ForgetPlan> {
        if selection.is_empty() {
            return Err(Error::NothingSelected);
        }
        let snapshot = self.backend().snapshot()?;
        if selection.is_by_document() {
            let mut documents = snapshot.documents(&selection.filter())?;
            documents.retain(is_there);
            let mut plan = whole_documents(Vec::new(), 0, &documents);
            plan.roots = roots_to_forget(snapshot.as_ref(), selection, &documents)?;
            return self.digested(plan, snapshot.as_ref(), "");
        }
        let mut rows = snapshot
            .scope(&selection.filter(), self.inner.clock.now())?
            .rows;
        if !selection.ids.is_empty() {
            let selected = rows_of_ids(snapshot.as_ref(), &selection.ids)?;
            let only_ids = selection.sources.is_empty()
                && selection.namespaces.is_empty()
                && selection.tags.is_empty();
            if only_ids {
                // Ids may name history too, which no filter reaches.
                rows = selected;
            } else {
                rows.intersect(&selected);
            }
        }
        let (plan, said) = plan_rows(snapshot.as_ref(), &rows)?;
        self.digested(plan, snapshot.as_ref(), &said)
    }

    /// Returns the plan with its digest. A row stands for one text for good, and documents take all of theirs along,
    /// also those that come into them before the plan is carried out: so they are named row by row.
    fn digested(
        &self,
        mut plan: ForgetPlan,
        snapshot: &dyn Snapshot,
        said: &str,
    ) -> Result<ForgetPlan> {
        let rows = snapshot.rows_of(&plan.documents)?;
        let store = self.backend().store_id();
        let all = format!("{store} {plan:?} {rows:?} {said}");
        plan.digest = ContentHash::of(&all);
        Ok(plan)
    }

    /// Forgets what a plan names: text, vectors, index entries and history. Nothing brings it back.
    ///
    /// # Errors
    /// [`Error::Store`]. When the commit was made and the purge of the indexes failed, the chunks are gone for every
    /// search already, and whoever writes next finishes the purge.
    ///
    /// # Durability
    /// The chunks are gone for good when this returns; [`Forgotten::is_purged`] says whether the files are clean too.
    pub fn forget(&self, plan: &ForgetPlan) -> Result<Forgotten> {
        let change = Change::Forget {
            rows: plan.rows.clone(),
            documents: plan.documents.clone(),
        };
        let roots = plan.roots.iter().map(|root| Change::DropRoot {
            path: root.path.clone(),
            namespace: root.namespace.clone(),
        });
        let changes: Vec<Change> = std::iter::once(change).chain(roots).collect();
        let settled = self.backend().commit(&changes, &self.inner.actor)?;
        let seq = settled.iter().filter_map(|settled| settled.seq).max();
        let chunks = settled.iter().map(|settled| settled.counts.removed).sum();
        // Also when there was nothing to forget: what a killed process has left to purge is purged now.
        let is_left = seq.is_none() && self.jobs_left()?.waiting > 0;
        if is_left {
            // What is at work for a process that is no more would be tried again after a pause only; this is due now.
            self.backend().jobs().enqueue("purge", "purge", "")?;
        }
        let is_due = seq.is_some() || is_left;
        let caught_up = if is_due {
            self.backend().catch_up(Effort::Wait)?
        } else {
            CatchUp::NotNeeded
        };
        let left = self.jobs_left()?;
        // A purge writes the whole file anew, also for those before it that were given up.
        let is_done = matches!(caught_up, CatchUp::Done { .. });
        Ok(Forgotten {
            seq,
            chunks,
            is_purged: left.waiting == 0 && (is_done || left.failed == 0),
        })
    }

    fn jobs_left(&self) -> Result<JobsLeft> {
        let jobs = self.backend().health()?.jobs;
        let count = |is_failed: bool| {
            let of_state = jobs.iter();
            of_state
                .filter(|(state, _)| (state == "failed") == is_failed)
                .map(|(_, count)| count)
                .sum()
        };
        Ok(JobsLeft {
            waiting: count(false),
            failed: count(true),
        })
    }
}

/// Work that commits have left behind.
struct JobsLeft {
    waiting: u64,
    failed: u64,
}

/// Returns the roots that are named themselves, or of which these documents are all that is left.
fn roots_to_forget(
    snapshot: &dyn Snapshot,
    selection: &Selection,
    documents: &[Document],
) -> Result<Vec<Root>> {
    let mut roots = snapshot.roots()?;
    if roots.is_empty() {
        return Ok(roots);
    }
    let going: BTreeSet<DocumentKey> = documents.iter().map(|document| document.key).collect();
    let mut left = snapshot.documents(&Filter::default())?;
    left.retain(|document| is_there(document) && !going.contains(&document.key));
    roots.retain(|root| {
        let holds = |document: &Document| {
            let in_namespace = root.namespace.as_ref();
            in_namespace.is_none_or(|namespace| *namespace == document.namespace)
                && lies_within(&document.source, &root.path)
        };
        let is_named = selection
            .sources
            .iter()
            .any(|glob| glob.matches(&root.path))
            && (selection.namespaces.is_empty()
                || root
                    .namespace
                    .as_ref()
                    .is_some_and(|namespace| selection.namespaces.contains(namespace)));
        let is_emptied = documents.iter().any(holds);
        (is_named || is_emptied) && !left.iter().any(holds)
    });
    Ok(roots)
}

/// Returns whether there is something of a document: notes can be made under a source that was forgotten.
fn is_there(document: &Document) -> bool {
    document.status != DocumentStatus::Forgotten || document.chunks > 0
}

/// Returns the plan for single rows; a document of which nothing would be left live is forgotten as a whole.
fn plan_rows(snapshot: &dyn Snapshot, rows: &RowSet) -> Result<(ForgetPlan, String)> {
    let rows: Vec<Row> = rows.iter().collect();
    let mut by_document: BTreeMap<DocumentKey, (Namespace, String, BTreeSet<Row>)> =
        BTreeMap::new();
    let mut history = Vec::new();
    let fetched = snapshot.fetch(&rows)?;
    // A damaged chunk can be forgotten as well; only its document is not known then.
    history.extend(fetched.damaged);
    let mut said = String::new();
    for chunk in fetched.chunks {
        say(&chunk, &mut said);
        if chunk.removed_seq.is_some() {
            history.push(chunk.row);
            continue;
        }
        let entry = by_document.entry(chunk.document).or_insert_with(|| {
            (
                chunk.namespace.clone(),
                chunk.source.clone(),
                BTreeSet::new(),
            )
        });
        entry.2.insert(chunk.row);
    }
    let mut single = history;
    let (mut live, mut whole) = (0, Vec::new());
    for (namespace, source, selected) in by_document.into_values() {
        match snapshot.document(&namespace, &source)? {
            Some(document) if document.chunks == selected.len() as u64 => whole.push(document),
            _ => {
                live += selected.len() as u64;
                single.extend(selected);
            }
        }
    }
    Ok((whole_documents(single, live, &whole), said))
}

/// Writes down what a chunk is, by its text and its tags.
fn say(chunk: &Chunk, out: &mut String) {
    let tags = &chunk.attributes.tags;
    let _written = write!(out, "{} {} {tags:?};", chunk.id, chunk.content_hash);
}

fn whole_documents(rows: Vec<Row>, live_rows: u64, documents: &[Document]) -> ForgetPlan {
    ForgetPlan {
        chunks: live_rows
            + documents
                .iter()
                .map(|document| document.chunks)
                .sum::<u64>(),
        sources: documents
            .iter()
            .map(|document| document.source.clone())
            .collect(),
        roots: Vec::new(),
        rows,
        documents: documents.iter().map(|document| document.key).collect(),
        digest: ContentHash([0; 32]),
    }
}

fn rows_of_ids(snapshot: &dyn Snapshot, ids: &[String]) -> Result<RowSet> {
    ids.iter()
        .map(|id| {
            let parsed: ChunkId = id.parse().map_err(|_| Error::ChunkNotFound(id.clone()))?;
            snapshot
                .resolve(&parsed)?
                .ok_or_else(|| Error::ChunkNotFound(id.clone()))
        })
        .collect()
}
