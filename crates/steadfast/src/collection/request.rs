//! What can be asked of a collection, and what comes back.

use std::str::FromStr;

use serde_json::Value;
use steadfast_model::chunk::UnknownName;
use steadfast_model::{Metadata, Seq};

/// Records of one call, column by column; all lists that are there have the length of `ids`.
///
/// # Examples
/// ```
/// use steadfast::collection::Records;
///
/// let records = Records::new(["a", "b"]).documents(["first", "second"]);
/// assert_eq!(records.ids.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Records {
    /// The ids: any text that is not empty, each once.
    pub ids: Vec<String>,
    /// The documents, kept byte by byte.
    pub documents: Option<Vec<String>>,
    /// The metadata: scalars and lists of scalars; a null means that there is no such key.
    pub metadatas: Option<Vec<Metadata>>,
    /// The vectors, kept number by number; none lets the model of the store embed the documents.
    pub embeddings: Option<Vec<Vec<f32>>>,
}

impl Records {
    /// Returns records with these ids and nothing else.
    pub fn new<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self {
            ids: texts(ids),
            ..Self::default()
        }
    }

    /// Sets the documents.
    #[must_use]
    pub fn documents<T: Into<String>>(mut self, documents: impl IntoIterator<Item = T>) -> Self {
        self.documents = Some(texts(documents));
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn metadatas(mut self, metadatas: impl IntoIterator<Item = Metadata>) -> Self {
        self.metadatas = Some(metadatas.into_iter().collect());
        self
    }

    /// Sets the vectors.
    #[must_use]
    pub fn embeddings(mut self, embeddings: impl IntoIterator<Item = Vec<f32>>) -> Self {
        self.embeddings = Some(embeddings.into_iter().collect());
        self
    }
}

/// A part of a record that an answer may include.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The documents.
    Documents,
    /// The metadata.
    Metadatas,
    /// The vectors.
    Embeddings,
    /// How far each record is from the question.
    Distances,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 4] = [
        Self::Documents,
        Self::Metadatas,
        Self::Embeddings,
        Self::Distances,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Metadatas => "metadatas",
            Self::Embeddings => "embeddings",
            Self::Distances => "distances",
        }
    }
}

impl FromStr for Field {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|field| field.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "field",
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// Which records are asked for; the parts combine by AND.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetRequest {
    /// These ids, answered in this order; an id that is not there is left out.
    pub ids: Option<Vec<String>>,
    /// A condition on metadata.
    pub filter: Option<Value>,
    /// A condition on documents.
    pub document_filter: Option<Value>,
    /// At most this many.
    pub limit: Option<usize>,
    /// So many are passed over first.
    pub offset: usize,
    /// What to return besides ids: documents and metadata, unless set.
    pub include: Vec<Field>,
}

impl Default for GetRequest {
    fn default() -> Self {
        Self {
            ids: None,
            filter: None,
            document_filter: None,
            limit: None,
            offset: 0,
            include: vec![Field::Documents, Field::Metadatas],
        }
    }
}

impl GetRequest {
    /// Returns the request for all records.
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the request for these ids.
    pub fn ids<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self {
            ids: Some(texts(ids)),
            ..Self::default()
        }
    }

    /// Sets the condition on metadata, as in `{"year": {"$gte": 2024}}`.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets the condition on documents, as in `{"$contains": "port"}`.
    #[must_use]
    pub fn document_filter(mut self, filter: Value) -> Self {
        self.document_filter = Some(filter);
        self
    }

    /// Sets the page.
    #[must_use]
    pub fn page(mut self, offset: usize, limit: usize) -> Self {
        (self.offset, self.limit) = (offset, Some(limit));
        self
    }

    /// Sets what to return besides ids.
    #[must_use]
    pub fn include(mut self, include: impl IntoIterator<Item = Field>) -> Self {
        self.include = include.into_iter().collect();
        self
    }
}

/// The records that were asked for, column by column. A column that was not asked for is empty.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct GetResult {
    /// The ids.
    pub ids: Vec<String>,
    /// The documents; none where the record has none.
    pub documents: Vec<Option<String>>,
    /// The metadata.
    pub metadatas: Vec<Metadata>,
    /// The vectors, when they were asked for.
    pub embeddings: Option<Vec<Vec<f32>>>,
    /// Records that match and are left out because they do not have the hash they were written with.
    pub damaged: u64,
}

/// What a query asks for, one question after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Questions {
    /// Texts, which the model of the store embeds.
    Texts(Vec<String>),
    /// Vectors of the collection's space.
    Embeddings(Vec<Vec<f32>>),
}

/// Questions to a collection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryRequest {
    /// The questions.
    pub questions: Questions,
    /// How many records each answer may have; a collection that has fewer gives all.
    pub results: usize,
    /// A condition on metadata.
    pub filter: Option<Value>,
    /// A condition on documents.
    pub document_filter: Option<Value>,
    /// What to return besides ids: documents, metadata and distances, unless set.
    pub include: Vec<Field>,
}

/// How many records an answer has when nothing else is asked for.
const RESULTS: usize = 10;

impl QueryRequest {
    /// Returns the request of these texts.
    pub fn texts<T: Into<String>>(questions: impl IntoIterator<Item = T>) -> Self {
        Self::of(Questions::Texts(texts(questions)))
    }

    /// Returns the request of these vectors.
    pub fn embeddings(questions: impl IntoIterator<Item = Vec<f32>>) -> Self {
        Self::of(Questions::Embeddings(questions.into_iter().collect()))
    }

    fn of(questions: Questions) -> Self {
        Self {
            questions,
            results: RESULTS,
            filter: None,
            document_filter: None,
            include: vec![Field::Documents, Field::Metadatas, Field::Distances],
        }
    }

    /// Sets how many records each answer may have.
    #[must_use]
    pub fn results(mut self, results: usize) -> Self {
        self.results = results;
        self
    }

    /// Sets the condition on metadata.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets the condition on documents.
    #[must_use]
    pub fn document_filter(mut self, filter: Value) -> Self {
        self.document_filter = Some(filter);
        self
    }

    /// Sets what to return besides ids.
    #[must_use]
    pub fn include(mut self, include: impl IntoIterator<Item = Field>) -> Self {
        self.include = include.into_iter().collect();
        self
    }
}

/// The nearest records of each question, nearest first, equally near ones in the order in which they came in.
///
/// The outer lists have the length of the questions, always. The inner lists
/// of a column that was not asked for are empty.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct QueryResult {
    /// The ids.
    pub ids: Vec<Vec<String>>,
    /// The documents; none where the record has none.
    pub documents: Vec<Vec<Option<String>>>,
    /// The metadata.
    pub metadatas: Vec<Vec<Metadata>>,
    /// How far each record is from the question, by the collection's distance.
    pub distances: Vec<Vec<f64>>,
    /// The vectors, when they were asked for.
    pub embeddings: Option<Vec<Vec<Vec<f32>>>>,
    /// Records that pass the filters.
    pub in_scope: u64,
    /// Records in scope that could not be compared because they do not have the hash they were written with.
    pub damaged: u64,
    /// Records in scope that could not be compared because only another model has embedded them;
    /// [`crate::Memory::fill_vectors`] makes up for it.
    pub pending: u64,
}

/// Which records are to be deleted; the parts combine by AND, and at least one is needed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeleteRequest {
    /// These ids.
    pub ids: Option<Vec<String>>,
    /// A condition on metadata.
    pub filter: Option<Value>,
    /// A condition on documents.
    pub document_filter: Option<Value>,
}

impl DeleteRequest {
    /// Returns the request for these ids.
    pub fn ids<T: Into<String>>(ids: impl IntoIterator<Item = T>) -> Self {
        Self {
            ids: Some(texts(ids)),
            ..Self::default()
        }
    }

    /// Returns the request for all records that fulfil a condition on metadata.
    pub fn matching(filter: Value) -> Self {
        Self {
            filter: Some(filter),
            ..Self::default()
        }
    }

    /// Sets the condition on documents.
    #[must_use]
    pub fn document_filter(mut self, filter: Value) -> Self {
        self.document_filter = Some(filter);
        self
    }
}

/// What became of the records of one call, which is durable when this is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The commit; when nothing was to be changed, the last one before.
    pub seq: Seq,
    /// Records that are new.
    pub inserted: u64,
    /// Records that were there and changed.
    pub updated: u64,
    /// Records that were there and stayed as they are.
    pub unchanged: u64,
    /// Ids that were passed over because no record has them.
    pub missing: u64,
    /// Secrets that were taken out of documents and metadata of the call before anything was written.
    pub redactions: u64,
}

/// What became of a deletion, which is durable when this is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deleted {
    /// The commit; when nothing was to be deleted, the last one before.
    pub seq: Seq,
    /// Records that are gone.
    pub deleted: u64,
}

fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

impl Written {
    pub(super) fn new(
        seq: Seq,
        counts: steadfast_model::Counts,
        missing: u64,
        redactions: u64,
    ) -> Self {
        Self {
            seq,
            inserted: counts.inserted,
            updated: counts.updated,
            unchanged: counts.reused,
            missing,
            redactions,
        }
    }
}

impl Deleted {
    pub(super) fn new(seq: Seq, deleted: u64) -> Self {
        Self { seq, deleted }
    }
}
