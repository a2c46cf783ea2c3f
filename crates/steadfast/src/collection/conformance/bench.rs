//! What subjects work with: a way to open stores, and short words for long calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use steadfast_model::{Distance, Fault as _, Metadata};

use crate::collection::{
    Choice, Collection, CollectionOptions, Collections, GetRequest, Provider, Records, Registry,
};
use crate::config::Options;
use crate::error::{Error, Result};

/// Opens the stores of the backend under test.
pub struct Bench<'p> {
    registry: Registry,
    choice: Choice,
    place: Box<dyn Fn() -> PathBuf + 'p>,
}

impl<'p> Bench<'p> {
    /// Returns a bench for the stores of a provider; `place` names one where no store is yet, another at each call.
    pub fn new(provider: Arc<dyn Provider>, place: impl Fn() -> PathBuf + 'p) -> Self {
        let choice = Choice {
            explicit: Some(provider.name().to_owned()),
            ..Choice::default()
        };
        let mut registry = Registry::default();
        registry.register(provider);
        Self {
            registry,
            choice,
            place: Box::new(place),
        }
    }

    pub(super) fn place(&self) -> PathBuf {
        (self.place)()
    }

    /// Returns what opens a place, for any thread.
    pub(super) fn opener(
        &self,
    ) -> impl Fn(&Path, bool) -> Result<Collections> + Send + Sync + use<> {
        let (registry, choice) = (self.registry.clone(), self.choice.clone());
        move |place, create| registry.open(place, &choice, &Options::default().create(create))
    }

    /// Opens a new store.
    pub(super) fn open(&self) -> Collections {
        (self.opener())(&self.place(), true).expect("a store")
    }

    /// Opens a new store with one collection in it.
    pub(super) fn collection(&self) -> Collection {
        self.measured_by(Distance::Cosine)
    }

    pub(super) fn measured_by(&self, distance: Distance) -> Collection {
        make(&self.open(), "suite", distance)
    }
}

pub(super) fn make(collections: &Collections, name: &str, distance: Distance) -> Collection {
    let options = CollectionOptions::default().distance(distance);
    collections
        .get_or_create_collection(name, &options)
        .expect("a collection")
}

/// Returns an object as metadata.
pub(super) fn meta(value: Value) -> Metadata {
    let Value::Object(fields) = value else {
        panic!("metadata is an object");
    };
    fields
}

/// Returns `count` records with documents, metadata and vectors of two numbers, all different.
pub(super) fn numbered(first: usize, count: usize) -> Records {
    let numbers = || first..first + count;
    let angle = |number: usize| f64::from(u32::try_from(number).unwrap_or(0)) * 0.001;
    #[expect(clippy::cast_possible_truncation, reason = "vectors are f32")]
    let vector = |number| vec![angle(number).cos() as f32, angle(number).sin() as f32];
    Records::new(numbers().map(|number| format!("id {number}")))
        .documents(numbers().map(|number| format!("document {number}")))
        .metadatas(numbers().map(|number| meta(json!({"number": number, "even": number % 2 == 0}))))
        .embeddings(numbers().map(vector))
}

/// Returns the ids of all records.
pub(super) fn ids(collection: &Collection) -> Vec<String> {
    let all = GetRequest::all().include([]);
    collection.get(&all).expect("the records").ids
}

/// Returns the kind of the error that a call ends with.
pub(super) fn kind<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    let error: Error = result.expect_err("the call is refused");
    error.kind()
}
