//! Chunks: the unit that is stored, searched and returned.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::ids::{ChunkId, ContentHash, DocumentKey, Namespace, Row, Seq};
use crate::terms::HashedTerms;
use crate::time::Timestamp;
use crate::vector::Vector;

/// Free key-value data of a chunk; filters can ask for it.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// What sort of text a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Plain text.
    #[default]
    Text,
    /// Markdown.
    Markdown,
    /// Program text.
    Code,
    /// Structured data.
    Data,
    /// A message of a conversation.
    Message,
    /// A note that was remembered.
    Note,
}

impl Kind {
    /// All kinds, in the order of their stored numbers.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Markdown,
        Self::Code,
        Self::Data,
        Self::Message,
        Self::Note,
    ];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Code => "code",
            Self::Data => "data",
            Self::Message => "message",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "kind",
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// Who brought a text into the store. Stored text is data, never an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Trust {
    /// A file that was indexed.
    #[default]
    File,
    /// A person, by hand.
    User,
    /// An agent.
    Agent,
    /// An import from another store.
    Import,
}

impl Trust {
    /// All labels, in the order of their stored numbers.
    pub const ALL: [Self; 4] = [Self::File, Self::User, Self::Agent, Self::Import];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::User => "user",
            Self::Agent => "agent",
            Self::Import => "import",
        }
    }
}

impl FromStr for Trust {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|trust| trust.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "trust label",
                name: name.to_owned(),
                known: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

/// A name that is not one of a fixed list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a {what}; known: {known}")]
pub struct UnknownName {
    /// What was asked for.
    pub what: &'static str,
    /// The name that was given.
    pub name: String,
    /// The names there are.
    pub known: String,
}

/// What filters can ask about a chunk, apart from its document's namespace and source.
///
/// Most chunks of a document share one value, so backends store each value once per document.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Attributes {
    /// What sort of text it is.
    pub kind: Kind,
    /// The title of the document or note.
    pub title: Option<String>,
    /// Tags, sorted.
    pub tags: BTreeSet<String>,
    /// Free key-value data.
    pub meta: Metadata,
    /// When the text says it is from: front matter, else the file's time, else when it was written.
    pub document_time: Option<Timestamp>,
    /// First instant at which the text holds.
    pub valid_from: Option<Timestamp>,
    /// First instant at which the text no longer holds.
    pub valid_to: Option<Timestamp>,
    /// Who brought the text in.
    pub trust: Trust,
}

/// Where in its source a chunk stands, and how true its text is to those bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Place {
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, from 1, included.
    pub end_line: u32,
    /// First byte, from 0.
    pub start_byte: u64,
    /// First byte past the chunk.
    pub end_byte: u64,
    /// Occurrence number among equal texts of the document that start on the same line.
    pub ordinal: u32,
    /// Place among the chunks of the document, from 0.
    pub position: u32,
    /// Headings or symbols above the chunk, outermost first.
    pub heading_path: Vec<String>,
    /// What was done to the bytes of the source.
    pub fidelity: Fidelity,
}

/// What was done to the bytes of the source to get the text; nothing, as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fidelity {
    /// Bytes that are not UTF-8 were replaced.
    pub lossy: bool,
    /// The text was converted from another format or encoding.
    pub converted: bool,
    /// Secrets were taken out.
    pub redacted: bool,
}

/// A chunk on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChunk {
    /// The text, exactly the bytes of its span unless [`Place::fidelity`] says otherwise.
    pub text: String,
    /// The hash of the text.
    pub content_hash: ContentHash,
    /// Where it stands; [`Place::ordinal`] and [`Place::position`] are set by [`crate::write::number`].
    pub place: Place,
    /// Index into the attributes of the write.
    pub attributes: usize,
    /// The text as the text index sees it.
    pub terms: HashedTerms,
    /// The text in the active vector space; none when it is still to come.
    pub vector: Option<Vector>,
}

/// A chunk as it is returned.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// The public id.
    pub id: ChunkId,
    /// The row, which indexes speak in.
    pub row: Row,
    /// The document it belongs to.
    pub document: DocumentKey,
    /// The namespace.
    pub namespace: Namespace,
    /// The source: an absolute path, `note:<id>`, or a name of the caller's.
    pub source: String,
    /// What filters can ask about it.
    pub attributes: Attributes,
    /// Where it stands in its source.
    pub place: Place,
    /// The text.
    pub text: String,
    /// The hash of the text, checked on every read.
    pub content_hash: ContentHash,
    /// The commit that added it.
    pub added_seq: Seq,
    /// The commit that took it out, if one did.
    pub removed_seq: Option<Seq>,
    /// How often it was fetched by id.
    pub access_count: u64,
}

impl Chunk {
    /// Returns a chunk from its parts; backends call this.
    #[expect(
        clippy::too_many_arguments,
        reason = "a row is read once, field by field, in each backend"
    )]
    pub fn new(
        id: ChunkId,
        row: Row,
        document: DocumentKey,
        namespace: Namespace,
        source: String,
        attributes: Attributes,
        place: Place,
        text: String,
        content_hash: ContentHash,
        added_seq: Seq,
        removed_seq: Option<Seq>,
        access_count: u64,
    ) -> Self {
        Self {
            id,
            row,
            document,
            namespace,
            source,
            attributes,
            place,
            text,
            content_hash,
            added_seq,
            removed_seq,
            access_count,
        }
    }
}
