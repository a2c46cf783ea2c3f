//! Which backend keeps collections: registered by name, chosen by a fixed order of precedence.
//!
//! Explicit beats configured beats environment beats what is found in the
//! folder beats the default. The library reads neither files of configuration
//! nor the environment: who does hands over what it read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::StoreId;
use steadfast_store::{Backend, MemoryBackend, OpenOptions, StoreError};

use super::handle::{Collections, Parts};
use super::watch::Watch;
use crate::config::Options;
use crate::error::{CollectionError, Result};
use crate::ingest::redact::Redactor;

/// The name of the backend that is chosen when nothing else says which.
pub const DEFAULT: &str = "embedded";

/// What a backend can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// What is acknowledged survives the process.
    Durable,
    /// Several processes may use one store at once.
    MultiProcess,
    /// Vectors may be given, and are kept and returned exactly.
    EmbeddingsIn,
    /// Documents can be embedded by the model of the store.
    EmbeddingsMade,
    /// Filters on metadata, also ranges and lists.
    MetadataFilters,
    /// Filters on documents.
    DocumentFilters,
    /// Answers are those of a comparison with every record.
    Exact,
    /// It needs nothing but a folder.
    Local,
}

/// Makes backends of one kind.
pub trait Provider: Send + Sync {
    /// Returns the name that it is chosen by.
    fn name(&self) -> &'static str;

    /// Returns what its backends can do.
    fn capabilities(&self) -> BTreeSet<Capability>;

    /// Returns whether there is a store of its kind in a folder. Opens nothing and creates nothing.
    fn detects(&self, folder: &Path) -> bool;

    /// Opens the store of a folder, created only when the options say so.
    ///
    /// # Errors
    /// [`crate::Error::Store`].
    fn open(&self, folder: &Path, options: &Options) -> Result<Arc<dyn Backend>>;
}

/// What was said about which backend to take, by those who may say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// By the caller.
    pub explicit: Option<String>,
    /// By the configuration.
    pub config: Option<String>,
    /// By the environment.
    pub environment: Option<String>,
}

/// Who decided which backend to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller.
    Explicit,
    /// The configuration.
    Config,
    /// The environment.
    Environment,
    /// What was found in the folder.
    Detected,
    /// Nobody.
    Default,
}

/// The backends that can be chosen.
#[derive(Clone)]
pub struct Registry {
    providers: BTreeMap<&'static str, Arc<dyn Provider>>,
}

impl Default for Registry {
    /// Returns the registry of the backends that come with the library: `embedded` and `memory`.
    fn default() -> Self {
        let mut registry = Self {
            providers: BTreeMap::new(),
        };
        registry.register(Arc::new(Embedded));
        registry.register(Arc::new(InMemory::default()));
        registry
    }
}

impl Registry {
    /// Adds a provider; one of the same name is replaced.
    pub fn register(&mut self, provider: Arc<dyn Provider>) {
        self.providers.insert(provider.name(), provider);
    }

    /// Returns the names of all providers with what they can do.
    pub fn providers(&self) -> impl Iterator<Item = (&'static str, BTreeSet<Capability>)> + '_ {
        self.providers
            .iter()
            .map(|(name, provider)| (*name, provider.capabilities()))
    }

    /// Returns which backend is taken for a folder, and who decided so.
    ///
    /// # Errors
    /// [`CollectionError::UnknownBackend`] when a name was given that is not registered; the choice does not fall
    /// to the next in line.
    pub fn resolve(&self, choice: &Choice, folder: &Path) -> Result<(Arc<dyn Provider>, Origin)> {
        let named = [
            (&choice.explicit, Origin::Explicit),
            (&choice.config, Origin::Config),
            (&choice.environment, Origin::Environment),
        ];
        let named = named
            .into_iter()
            .find_map(|(name, origin)| Some((name.as_deref()?, origin)));
        let (name, origin) = match named {
            Some(named) => named,
            None => self
                .providers
                .values()
                .find(|provider| provider.detects(folder))
                .map_or((DEFAULT, Origin::Default), |provider| {
                    (provider.name(), Origin::Detected)
                }),
        };
        match self.providers.get(name) {
            Some(provider) => Ok((Arc::clone(provider), origin)),
            None => Err(CollectionError::UnknownBackend {
                name: name.to_owned(),
                known: self
                    .providers
                    .keys()
                    .copied()
                    .collect::<Vec<_>>()
                    .join(", "),
            }
            .into()),
        }
    }

    /// Opens the collections of a folder.
    ///
    /// # Errors
    /// As [`Self::resolve`]; [`crate::Error::InvalidRedaction`]; [`crate::Error::Store`] when there is no store and the options do not say to create
    /// one. Then nothing is created.
    ///
    /// # Examples
    /// ```
    /// use steadfast::collection::{Choice, Registry};
    /// use steadfast::Memory;
    ///
    /// # fn main() -> Result<(), steadfast::Error> {
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let path = folder.path().join("store");
    /// let registry = Registry::default();
    /// assert!(registry.open(&path, &Choice::default(), &Memory::options()).is_err());
    /// let collections = registry.open(&path, &Choice::default(), &Memory::options().create(true))?;
    /// assert!(collections.list()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(&self, folder: &Path, choice: &Choice, options: &Options) -> Result<Collections> {
        let folder =
            std::path::absolute(folder).map_err(|error| StoreError::from_io(folder, &error))?;
        let (provider, _) = self.resolve(choice, &folder)?;
        let redactor = Arc::new(Redactor::new(&options.redaction)?);
        let backend = provider.open(&folder, options)?;
        Ok(Collections::new(Parts {
            name: provider.name().to_owned(),
            backend,
            embed: Arc::clone(&options.embed),
            clock: Arc::clone(&options.clock),
            actor: options.actor.clone(),
            redactor,
            watch: provider
                .capabilities()
                .contains(&Capability::Durable)
                .then(|| Watch::begin(&folder).map(Arc::new))
                .flatten(),
        }))
    }
}

/// A folder with SQLite and derived indexes.
struct Embedded;

impl Provider for Embedded {
    fn name(&self) -> &'static str {
        DEFAULT
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::from([
            Capability::Durable,
            Capability::MultiProcess,
            Capability::EmbeddingsIn,
            Capability::EmbeddingsMade,
            Capability::MetadataFilters,
            Capability::DocumentFilters,
            Capability::Exact,
            Capability::Local,
        ])
    }

    fn detects(&self, folder: &Path) -> bool {
        folder.join(steadfast_store::sqlite::DATABASE).is_file()
    }

    fn open(&self, folder: &Path, options: &Options) -> Result<Arc<dyn Backend>> {
        let options = OpenOptions {
            create: options.create,
            journal: options.journal,
            analyze: Arc::new(Analyzer),
            model: options.embed.model().clone(),
            clock: Arc::clone(&options.clock),
            patience: options.patience,
            disk: Arc::clone(&options.disk),
            connections: options.connections,
        };
        Ok(Arc::new(EmbeddedBackend::open(folder, options)?))
    }
}

/// Plain maps, which end with the process; the same folder of one registry is the same store.
#[derive(Default)]
struct InMemory {
    stores: Mutex<BTreeMap<PathBuf, Arc<MemoryBackend>>>,
}

impl Provider for InMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::from([
            Capability::EmbeddingsIn,
            Capability::EmbeddingsMade,
            Capability::MetadataFilters,
            Capability::DocumentFilters,
            Capability::Exact,
            Capability::Local,
        ])
    }

    fn detects(&self, _folder: &Path) -> bool {
        false
    }

    fn open(&self, folder: &Path, options: &Options) -> Result<Arc<dyn Backend>> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(folder) {
            return Ok(Arc::clone(store) as Arc<dyn Backend>);
        }
        if !options.create {
            return Err(StoreError::NotFound {
                path: folder.to_owned(),
            }
            .into());
        }
        let mut id = StoreId([0; 16]);
        let hash = blake3::hash(folder.as_os_str().as_encoded_bytes());
        if let Some(start) = hash.as_bytes().first_chunk::<16>() {
            id = StoreId(*start);
        }
        let store = Arc::new(MemoryBackend::new(
            id,
            options.embed.model().clone(),
            Arc::clone(&options.clock),
        ));
        stores.insert(folder.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}
