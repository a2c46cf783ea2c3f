//! The handles: a store seen as collections, and one collection in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast_embed::Embed;
use steadfast_model::record::collection_namespace;
use steadfast_model::{
    Change, Clock, CollectionChange, CollectionKey, CollectionSpace, Distance, Metadata, Namespace,
    Outcome, Refusal, Seq, Settled, StoredCollection,
};
use steadfast_store::{Backend, Health, Snapshot, StoreError};

use super::check;
use super::request::Deleted;
use super::watch::Watch;
use crate::error::{CollectionError, Result};
use crate::ingest::redact::Redactor;

/// A store seen as collections. Clones are the same handle.
///
/// # Examples
/// ```
/// use steadfast::collection::{CollectionOptions, QueryRequest, Records};
/// use steadfast::Memory;
///
/// # fn main() -> Result<(), steadfast::Error> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let memory = Memory::options().create(true).open(folder.path().join("store"))?;
/// let drawers = memory
///     .collections()
///     .get_or_create_collection("drawers", &CollectionOptions::default())?;
/// drawers.add(&Records::new(["a", "b"]).documents([
///     "The proxy listens on port 8443.",
///     "Ada prefers tea.",
/// ]))?;
/// let answer = drawers.query(&QueryRequest::texts(["which port?"]).results(1))?;
/// assert_eq!(answer.ids, [["a"]]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Collections {
    inner: Arc<Inner>,
}

/// One collection. Clones are the same handle.
///
/// A collection that is deleted is gone for every handle, also when one of the same name is made after it.
#[derive(Clone)]
pub struct Collection {
    pub(super) inner: Arc<Inner>,
    pub(super) key: CollectionKey,
    pub(super) name: String,
    pub(super) namespace: Namespace,
    distance: Distance,
    meta: Metadata,
}

/// What every call works with.
pub(super) struct Inner {
    parts: Parts,
    closed: AtomicBool,
}

/// What a store of collections is made of.
pub(crate) struct Parts {
    /// The name under which the backend is registered.
    pub(crate) name: String,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) embed: Arc<dyn Embed>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) actor: String,
    pub(crate) redactor: Arc<Redactor>,
    /// What tells that another store was put in place; none for a backend that keeps no file.
    pub(crate) watch: Option<Arc<Watch>>,
}

/// The key of a collection's metadata under which it is kept that its records keep their secrets: `false`.
pub const REDACT_KEY: &str = "steadfast.redact";

/// How a collection is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CollectionOptions {
    /// How distances are measured; none means cosine for a new collection, and whatever it is for one that is there.
    pub distance: Option<Distance>,
    /// Free key-value data about it; a collection that is there keeps its own.
    pub meta: Metadata,
    /// Whether secrets are taken out of documents and metadata before they are written; they are, unless this is
    /// false. A collection that is there keeps to what it was made with.
    pub redact: bool,
}

impl Default for CollectionOptions {
    fn default() -> Self {
        Self {
            distance: None,
            meta: Metadata::new(),
            redact: true,
        }
    }
}

impl CollectionOptions {
    /// Sets whether secrets are taken out before anything is written.
    #[must_use]
    pub fn redact(mut self, redact: bool) -> Self {
        self.redact = redact;
        self
    }

    /// Sets how distances are measured.
    #[must_use]
    pub fn distance(mut self, distance: Distance) -> Self {
        self.distance = Some(distance);
        self
    }

    /// Sets free key-value data about the collection.
    #[must_use]
    pub fn meta(mut self, meta: Metadata) -> Self {
        self.meta = meta;
        self
    }
}

/// A collection as lists tell of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CollectionInfo {
    /// The name.
    pub name: String,
    /// How distances are measured.
    pub distance: Distance,
    /// Free key-value data about it.
    pub meta: Metadata,
    /// Where its vectors come from.
    pub space: CollectionSpace,
    /// How many records it has.
    pub count: u64,
}

/// The state of a store of collections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollectionsHealth {
    /// Nothing is wrong.
    pub ok: bool,
    /// The name of the backend.
    pub backend: String,
    /// The state of the store in numbers.
    pub store: Health,
}

impl Collections {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// Returns the collection of a name; there must be one.
    ///
    /// # Errors
    /// [`CollectionError::NotFound`], and nothing is created.
    pub fn get_collection(&self, name: &str) -> Result<Collection> {
        self.inner.check()?;
        self.inner
            .backend()
            .snapshot()?
            .collection(name)?
            .ok_or_else(|| {
                CollectionError::NotFound {
                    name: name.to_owned(),
                }
                .into()
            })
            .and_then(|found| Collection::new(&self.inner, found))
    }

    /// Returns the collection of a name, made if there is none. Any number of callers may ask at once.
    ///
    /// # Errors
    /// [`CollectionError::OtherDistance`] when it is there with another distance than the one asked for;
    /// [`crate::Error::Id`] for a name that is empty, longer than 245 bytes, or has control characters.
    pub fn get_or_create_collection(
        &self,
        name: &str,
        options: &CollectionOptions,
    ) -> Result<Collection> {
        self.inner.check()?;
        collection_namespace(name)?;
        check::metadata(name, &options.meta)?;
        let known = self.inner.backend().snapshot()?.collection(name)?;
        if known.is_none() {
            let mut meta = options.meta.clone();
            if !options.redact {
                meta.insert(REDACT_KEY.to_owned(), false.into());
            }
            self.inner.parts.redactor.redact_metadata(&mut meta);
            self.inner.settle(
                name,
                CollectionChange::Create {
                    name: name.to_owned(),
                    distance: options.distance.unwrap_or_default(),
                    meta,
                },
            )?;
        }
        let collection = self.get_collection(name)?;
        match options.distance {
            Some(wanted) if wanted != collection.distance => Err(CollectionError::OtherDistance {
                name: name.to_owned(),
                found: collection.distance.as_str(),
                wanted: wanted.as_str(),
            }
            .into()),
            _ => Ok(collection),
        }
    }

    /// Takes out a collection with all its records.
    ///
    /// They leave every search at once; like every text that was replaced they stay in the history of the store
    /// until they are forgotten.
    ///
    /// # Errors
    /// [`CollectionError::NotFound`].
    ///
    /// # Durability
    /// One commit, on the disk when this returns.
    pub fn delete_collection(&self, name: &str) -> Result<Deleted> {
        let collection = self.get_collection(name)?;
        let settled = self
            .inner
            .settle(name, CollectionChange::Delete(collection.key))?;
        let seq = self.inner.seq_of(&settled)?;
        Ok(Deleted::new(seq, settled.counts.removed))
    }

    /// Returns all collections, by name.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when the store cannot be read.
    pub fn list(&self) -> Result<Vec<CollectionInfo>> {
        self.inner.check()?;
        let snapshot = self.inner.backend().snapshot()?;
        snapshot
            .collections()?
            .into_iter()
            .map(|found| info(snapshot.as_ref(), found))
            .collect()
    }

    /// Returns the state of the store.
    ///
    /// # Errors
    /// [`CollectionError::Closed`]; [`crate::Error::Store`] when the store cannot be read.
    pub fn health(&self) -> Result<CollectionsHealth> {
        self.inner.check()?;
        let store = self.inner.backend().health()?;
        Ok(CollectionsHealth {
            ok: store.problems.is_empty(),
            backend: self.inner.parts.name.clone(),
            store,
        })
    }

    /// Ends this handle, its clones and the collections that came from it: every later call says so.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
    }
}

impl Collection {
    fn new(inner: &Arc<Inner>, found: StoredCollection) -> Result<Self> {
        Ok(Self {
            inner: Arc::clone(inner),
            key: found.key,
            namespace: found.namespace()?,
            name: found.name,
            distance: found.distance,
            meta: found.meta,
        })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the namespace that a search of the whole store must name to search this collection too.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns how distances are measured.
    pub fn distance(&self) -> Distance {
        self.distance
    }

    /// Returns free key-value data about the collection.
    pub fn meta(&self) -> &Metadata {
        &self.meta
    }

    /// Returns whether secrets are taken out of records before they are written.
    pub fn redacts(&self) -> bool {
        redacts(&self.meta)
    }

    /// Returns the collection as lists tell of it.
    ///
    /// # Errors
    /// [`CollectionError::NotFound`] when it was deleted.
    pub fn info(&self) -> Result<CollectionInfo> {
        self.inner.check()?;
        let snapshot = self.inner.backend().snapshot()?;
        let stored = self.stored(snapshot.as_ref())?;
        info(snapshot.as_ref(), stored)
    }

    /// Returns the collection as it is at this moment.
    pub(super) fn stored(&self, snapshot: &dyn Snapshot) -> Result<StoredCollection> {
        snapshot
            .collection(&self.name)?
            .filter(|found| found.key == self.key)
            .ok_or_else(|| {
                CollectionError::NotFound {
                    name: self.name.clone(),
                }
                .into()
            })
    }
}

impl Parts {
    /// Checks that the store is still the one that was opened.
    fn check(&self) -> Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.check())
    }
}

impl Inner {
    pub(super) fn backend(&self) -> &dyn Backend {
        self.parts.backend.as_ref()
    }

    pub(super) fn embed(&self) -> &dyn Embed {
        self.parts.embed.as_ref()
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.parts.redactor
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// Checks that the handle is open and its store still the one that was opened.
    pub(super) fn check(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(CollectionError::Closed.into());
        }
        self.parts.check()
    }

    /// Commits one change of a collection; an acknowledgement is given only by the store that is still in place.
    pub(super) fn settle(&self, name: &str, change: CollectionChange) -> Result<Settled> {
        let settled = self
            .backend()
            .commit(&[Change::Collection(change)], &self.parts.actor)?
            .pop()
            .ok_or_else(|| StoreError::Internal("a change was not settled".to_owned()))?;
        self.parts.check()?;
        let Outcome::Refused(refusal) = settled.outcome else {
            return Ok(settled);
        };
        Err(match refusal {
            Refusal::NoCollection => CollectionError::NotFound {
                name: name.to_owned(),
            }
            .into(),
            Refusal::OtherSpace { expected, found } => check::other_space(name, expected, found),
            refusal @ (Refusal::IdempotencyConflict { .. } | Refusal::Forgotten { .. } | _) => {
                refusal.into()
            }
        })
    }

    /// Returns the commit of a settled change; of one that wrote nothing the last commit before.
    pub(super) fn seq_of(&self, settled: &Settled) -> Result<Seq> {
        Ok(match settled.seq {
            Some(seq) => seq,
            None => self.backend().snapshot()?.generation(),
        })
    }
}

fn info(snapshot: &dyn Snapshot, found: StoredCollection) -> Result<CollectionInfo> {
    Ok(CollectionInfo {
        count: snapshot.record_scope(found.key)?.len() as u64,
        name: found.name,
        distance: found.distance,
        meta: found.meta,
        space: found.space,
    })
}

/// Returns whether secrets are taken out of the records of a collection with these metadata.
pub(crate) fn redacts(meta: &Metadata) -> bool {
    meta.get(REDACT_KEY) != Some(&false.into())
}
