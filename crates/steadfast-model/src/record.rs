//! Records of collections: a document under an id of the caller's, with metadata and perhaps a vector of its own.
//!
//! A record is one chunk of one document: the namespace names the collection,
//! the source is the record's id, and the text is never cut. What is
//! deliberately not here: distances between vectors and the shape of answers,
//! which the library has.

use std::fmt;
use std::str::FromStr;

use crate::chunk::{Metadata, NewChunk, UnknownName};
use crate::ids::{IdError, Namespace};

/// What the namespace of a collection begins with.
const PREFIX: &str = "collection:";

/// The most numbers a given vector may have.
pub const DIMENSIONS_MAX: usize = 65_536;

/// The internal key of a collection inside one store. Never given out twice, so a collection that was
/// deleted and made anew under the same name is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CollectionKey(pub u32);

/// How far two vectors are apart. Less is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Distance {
    /// `1 - a.b / (|a| |b|)`, and 1 when either vector is all zeros.
    #[default]
    Cosine,
    /// The square of the Euclidean distance.
    L2,
    /// `1 - a.b`.
    Ip,
}

impl Distance {
    /// All distances, in the order of their stored numbers.
    pub const ALL: [Self; 3] = [Self::Cosine, Self::L2, Self::Ip];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::L2 => "l2",
            Self::Ip => "ip",
        }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Distance {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|distance| distance.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "distance",
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// Where the vectors of a collection come from. The first write decides it, for good: spaces are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CollectionSpace {
    /// Nothing was written yet.
    #[default]
    Undecided,
    /// The model of the store embeds the documents.
    Model,
    /// The caller gives the vectors, all of this many numbers.
    Given {
        /// How many numbers a vector has.
        dimensions: usize,
    },
}

impl CollectionSpace {
    /// Returns the space of a collection after a write of records of another; none when the two cannot be mixed.
    #[must_use]
    pub fn after(self, written: Self) -> Option<Self> {
        match (self, written) {
            (space, Self::Undecided) | (Self::Undecided, space) => Some(space),
            (space, written) => (space == written).then_some(space),
        }
    }
}

impl fmt::Display for CollectionSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecided => f.write_str("no vectors yet"),
            Self::Model => f.write_str("vectors by the model of the store"),
            Self::Given { dimensions } => write!(f, "given vectors of {dimensions} numbers"),
        }
    }
}

/// A collection as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCollection {
    /// The internal key.
    pub key: CollectionKey,
    /// The name.
    pub name: String,
    /// How distances are measured in it.
    pub distance: Distance,
    /// Free key-value data about it.
    pub meta: Metadata,
    /// Where its vectors come from.
    pub space: CollectionSpace,
}

impl StoredCollection {
    /// Returns the namespace that its records are kept in.
    ///
    /// # Errors
    /// [`IdError::Namespace`] when the name cannot be one.
    pub fn namespace(&self) -> Result<Namespace, IdError> {
        collection_namespace(&self.name)
    }
}

/// Returns the namespace that the records of a collection are kept in.
///
/// # Errors
/// [`IdError::Namespace`] when the name is empty, has a control character, or is longer than
/// [`Namespace::BYTES_MAX`] leaves room for.
pub fn collection_namespace(name: &str) -> Result<Namespace, IdError> {
    if name.is_empty() {
        return Err(IdError::Namespace(PREFIX.to_owned()));
    }
    Namespace::new(format!("{PREFIX}{name}"))
}

impl Namespace {
    /// Returns whether the namespace holds the records of a collection. A search that names no namespace leaves it out.
    pub fn is_collection(&self) -> bool {
        self.as_str().starts_with(PREFIX)
    }
}

/// What is to happen to a collection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CollectionChange {
    /// Make a collection; one of the same name stays as it is.
    Create {
        /// The name.
        name: String,
        /// How distances are measured in it.
        distance: Distance,
        /// Free key-value data about it.
        meta: Metadata,
    },
    /// Take out a collection with all its records.
    Delete(CollectionKey),
    /// Write records.
    Write(RecordsWrite),
    /// Take out records by id; ids that are not there are passed over.
    Remove {
        /// The collection.
        collection: CollectionKey,
        /// The ids.
        ids: Vec<String>,
    },
}

/// Records on their way in, which appear all together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordsWrite {
    /// The collection.
    pub collection: CollectionKey,
    /// What happens to ids that are there, or are not.
    pub mode: WriteMode,
    /// Where the vectors come from; none when nothing is said about vectors.
    pub space: CollectionSpace,
    /// The records, each id once.
    pub records: Vec<NewRecord>,
}

/// What happens to ids that are there, or are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// New ones come in; those that are there stay as they are.
    Add,
    /// New ones come in; those that are there become what is given.
    Upsert,
    /// Those that are there take what is given and keep the rest; others are passed over.
    Update,
}

/// A record on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// Its id in the collection.
    pub id: String,
    /// Its document as one chunk; the chunk of a record without a document has no text and starts at line 0.
    /// None, when a record is updated, keeps what is there.
    pub chunk: Option<NewChunk>,
    /// Its metadata. When a record is updated these keys are set, those that are null are taken out, and the
    /// others stay; none keeps all.
    pub meta: Option<Metadata>,
    /// Its vector, kept exactly, when the caller gives it.
    pub given: Option<Vec<f32>>,
}

/// Sets the keys of `change` in `meta`; null takes a key out.
pub fn merge(meta: &mut Metadata, change: &Metadata) {
    for (key, value) in change {
        if value.is_null() {
            meta.remove(key);
        } else {
            meta.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_of_a_collection_is_told_from_others() {
        let namespace = collection_namespace("drawers").unwrap();
        assert_eq!(namespace.as_str(), "collection:drawers");
        assert!(namespace.is_collection());
        assert!(!Namespace::new("collections").unwrap().is_collection());
        assert!(collection_namespace("").is_err());
        assert!(collection_namespace("a\nb").is_err());
        assert!(collection_namespace(&"x".repeat(245)).is_ok());
        assert!(collection_namespace(&"x".repeat(246)).is_err());
    }

    #[test]
    fn distances_are_known_by_name() {
        for distance in Distance::ALL {
            assert_eq!(distance.as_str().parse::<Distance>(), Ok(distance));
        }
        assert!("euclid".parse::<Distance>().is_err());
    }
}
