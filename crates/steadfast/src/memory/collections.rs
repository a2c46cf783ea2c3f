//! The store seen as collections.

use std::sync::Arc;

use super::Memory;
use crate::collection::{Collections, DEFAULT, Parts};

impl Memory {
    /// Returns the store seen as collections: records under ids of the caller's.
    ///
    /// The collections share this handle's store, and outlive it.
    pub fn collections(&self) -> Collections {
        Collections::new(Parts {
            name: DEFAULT.to_owned(),
            backend: Arc::clone(&self.inner.backend),
            embed: Arc::clone(&self.inner.embed),
            clock: Arc::clone(&self.inner.clock),
            actor: self.inner.actor.clone(),
            redactor: Arc::clone(&self.inner.redactor),
            watch: self.inner.watch.clone(),
        })
    }
}
