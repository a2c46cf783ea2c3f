//! What can be wrong with a call on a collection. Such a call has written nothing.

use std::path::PathBuf;

use steadfast_model::{Fault, Retry};

/// A call on a collection failed before it did anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// There is no collection of this name, or it was deleted since the handle was made.
    #[error("there is no collection `{name}`")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The collection is there with another distance.
    #[error("the collection `{name}` measures distances by {found}, not by {wanted}")]
    OtherDistance {
        /// The name.
        name: String,
        /// Its distance.
        found: &'static str,
        /// The distance that was asked for.
        wanted: &'static str,
    },
    /// The handle was closed.
    #[error("this handle is closed")]
    Closed,
    /// The store was deleted and made anew, or another one was put in its place, while the handle was open.
    #[error("the store at {} is not the one that this handle was opened on", .path.display())]
    Replaced {
        /// The store folder.
        path: PathBuf,
    },
    /// Two lists that belong together have different lengths.
    #[error("{expected} ids, but {found} {what}")]
    LengthMismatch {
        /// The other list.
        what: &'static str,
        /// How many ids there are.
        expected: usize,
        /// How long the other list is.
        found: usize,
    },
    /// An id is twice in one call.
    #[error("the id `{id}` is twice in one call")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// An id is empty or too long.
    #[error("the id at place {place} has {bytes} bytes; an id has 1 to {bytes_max}")]
    InvalidId {
        /// Its place in the call, from 0.
        place: usize,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Metadata is neither a scalar nor a list of scalars.
    #[error("the metadata key `{key}` of `{id}` {what}")]
    InvalidMetadata {
        /// The id.
        id: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A vector has another dimension than the collection.
    #[error("the collection has vectors of {expected} numbers, and one of {found} was given")]
    DimensionMismatch {
        /// The dimension of the collection.
        expected: usize,
        /// The dimension of the vector.
        found: usize,
    },
    /// A vector has no numbers, too many, or one that is not finite.
    #[error("the vector at place {place} is not 1 to {dimensions_max} finite numbers")]
    InvalidVector {
        /// Its place in the call, from 0.
        place: usize,
        /// How many numbers it may have.
        dimensions_max: usize,
    },
    /// The collection takes vectors, and none was given.
    #[error("the collection `{name}` has vectors that the caller gives, and this call gives none")]
    VectorsExpected {
        /// The name of the collection.
        name: String,
    },
    /// The collection embeds documents, and a vector was given.
    #[error("the collection `{name}` has vectors by the model of the store, and takes no others")]
    VectorsUnexpected {
        /// The name of the collection.
        name: String,
    },
    /// One call holds too much.
    #[error("one call takes at most {max} {what}, not {found}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
    /// No backend of this name is registered.
    #[error("no backend is called `{name}`; known: {known}")]
    UnknownBackend {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Fault for CollectionError {
    fn kind(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "collection_not_found",
            Self::OtherDistance { .. } => "distance_mismatch",
            Self::Closed => "closed",
            Self::Replaced { .. } => "store_replaced",
            Self::LengthMismatch { .. } => "length_mismatch",
            Self::DuplicateId { .. } => "duplicate_id",
            Self::InvalidId { .. } => "invalid_id",
            Self::InvalidMetadata { .. } => "invalid_metadata",
            Self::DimensionMismatch { .. } => "dimension_mismatch",
            Self::InvalidVector { .. } => "invalid_vector",
            Self::VectorsExpected { .. } => "vectors_expected",
            Self::VectorsUnexpected { .. } => "vectors_unexpected",
            Self::TooLarge { .. } => "too_large",
            Self::UnknownBackend { .. } => "unknown_backend",
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::NotFound { name }
            | Self::OtherDistance { name, .. }
            | Self::VectorsExpected { name }
            | Self::VectorsUnexpected { name }
            | Self::UnknownBackend { name, .. } => Some(name.clone()),
            Self::Replaced { path } => Some(path.display().to_string()),
            Self::DuplicateId { id } => Some(id.clone()),
            Self::InvalidMetadata { id, key, .. } => Some(format!("{id}: {key}")),
            Self::InvalidId { place, .. } | Self::InvalidVector { place, .. } => {
                Some(place.to_string())
            }
            Self::LengthMismatch { what, .. } | Self::TooLarge { what, .. } => {
                Some((*what).to_owned())
            }
            Self::Closed | Self::DimensionMismatch { .. } => None,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. } | Self::Closed | Self::Replaced { .. } => Retry::After,
            Self::OtherDistance { .. }
            | Self::LengthMismatch { .. }
            | Self::DuplicateId { .. }
            | Self::InvalidId { .. }
            | Self::InvalidMetadata { .. }
            | Self::DimensionMismatch { .. }
            | Self::InvalidVector { .. }
            | Self::VectorsExpected { .. }
            | Self::VectorsUnexpected { .. }
            | Self::TooLarge { .. }
            | Self::UnknownBackend { .. } => Retry::Never,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { .. } => {
                "create it first; the list of collections names those there are"
            }
            Self::Closed | Self::Replaced { .. } => "open the store again",
            Self::OtherDistance { .. } => {
                "ask without a distance, or use a collection of another name"
            }
            Self::VectorsExpected { .. } => "give embeddings of the collection's dimension",
            Self::VectorsUnexpected { .. } => "leave the embeddings out, or use another collection",
            Self::TooLarge { .. } => "split the call; nothing of it was written",
            Self::LengthMismatch { .. }
            | Self::DuplicateId { .. }
            | Self::InvalidId { .. }
            | Self::InvalidMetadata { .. }
            | Self::DimensionMismatch { .. }
            | Self::InvalidVector { .. }
            | Self::UnknownBackend { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
