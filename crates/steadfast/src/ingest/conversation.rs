//! A conversation on its way in, by the same line as a file: one document, one chunk a message.
//!
//! Invariants: messages keep their order as places in the document, so the
//! neighbours of a message are those that were said before and after it; a long
//! message is split like a note, and its pieces share its number; a conversation
//! that has grown is given again as a whole, and only what is new is written.

use steadfast_model::{
    Assignment, Attributes, Change, ChunkId, Counts, Kind, Metadata, Namespace, Outcome, Place,
    PutDocument, Seq, Settled, Timestamp, Trust,
};

use super::Line;
use super::chunk::{ChunkLimits, chunk};
use super::note::place;
use super::prepare::{new_chunks, redact_tags};
use super::redact::Redacted;
use crate::error::{Error, Result};

/// A conversation to keep.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Conversation {
    /// The source, such as `claude-code:<session>`. It makes a conversation the same as another.
    pub source: String,
    /// The namespace.
    pub namespace: Namespace,
    /// A title.
    pub title: Option<String>,
    /// When it took place; messages without a time of their own have this one.
    pub time: Option<Timestamp>,
    /// Tags for every message.
    pub tags: Vec<String>,
    /// Free key-value data for every message.
    pub meta: Metadata,
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// Who brought it in.
    pub trust: Trust,
}

impl Conversation {
    /// Returns a conversation without messages.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            trust: Trust::Import,
            ..Self::default()
        }
    }
}

/// A message of a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// What was said.
    pub text: String,
    /// The part of the speaker, such as `user` or `assistant`; kept as metadata `role`.
    pub role: Option<String>,
    /// The name of the speaker; kept as metadata `speaker`.
    pub speaker: Option<String>,
    /// When it was said.
    pub time: Option<Timestamp>,
    /// Its id where it comes from; kept as metadata `message_id`.
    pub id: Option<String>,
    /// The id of the message it answers; kept as metadata `reply_to`.
    pub reply_to: Option<String>,
}

impl Message {
    /// Returns a message with a text and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// What became of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptConversation {
    /// The commit; for a conversation that was there already the last commit before.
    pub seq: Seq,
    /// What became of its chunks.
    pub counts: Counts,
    /// For each message the ids of its chunks, in order; none for one without text.
    pub ids: Vec<Vec<ChunkId>>,
    /// Secrets that were taken out before anything was written.
    pub redactions: u64,
}

pub(crate) fn keep_conversation(
    line: &Line<'_>,
    conversation: &Conversation,
) -> Result<KeptConversation> {
    if conversation.source.trim().is_empty() {
        return Err(Error::Invalid {
            what: "a conversation needs a source".to_owned(),
        });
    }
    let (common, mut redactions) = common_attributes(line, conversation);
    let mut attributes: Vec<Attributes> = Vec::new();
    let redacted: Vec<Redacted<'_>> = conversation
        .messages
        .iter()
        .map(|message| line.redactor.redact(&message.text))
        .collect();
    let (mut texts, mut places, mut facets, mut owners) = (vec![], vec![], vec![], vec![]);
    for (number, (message, redacted)) in conversation.messages.iter().zip(&redacted).enumerate() {
        redactions += redacted.removals.count();
        let mut wanted = attributes_of(&common, message);
        redactions += line.redactor.redact_metadata(&mut wanted.meta);
        // Consecutive messages alternate between few speakers, so the match is among the last ones.
        let known = attributes.iter().rposition(|known| *known == wanted);
        let facet = known.unwrap_or_else(|| {
            attributes.push(wanted);
            attributes.len() - 1
        });
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        for span in chunk(&redacted.text, Kind::Note, &ChunkLimits::default()).spans {
            texts.push(redacted.text.get(span.range.clone()).unwrap_or_default());
            places.push(Place {
                start_line: line_number,
                end_line: line_number,
                ..place(&span, &redacted.removals)
            });
            facets.push(facet);
            owners.push(number);
        }
    }
    if texts.is_empty() {
        return Err(Error::EmptyText);
    }
    let mut chunks = new_chunks(line, &texts, places)?;
    for (chunk, facet) in chunks.iter_mut().zip(facets) {
        chunk.attributes = facet;
    }
    let put = PutDocument {
        namespace: conversation.namespace.clone(),
        source: conversation.source.clone(),
        fingerprint: None,
        attributes,
        chunks,
        revive: false,
        assigned: Assignment::default(),
    };
    let settled = commit(line, put)?;
    let seq = match settled.seq {
        Some(seq) => seq,
        None => line.backend.snapshot()?.generation(),
    };
    let mut ids = vec![Vec::new(); conversation.messages.len()];
    for (owner, id) in owners.into_iter().zip(settled.ids) {
        if let Some(message) = ids.get_mut(owner) {
            message.push(id);
        }
    }
    Ok(KeptConversation {
        seq,
        counts: settled.counts,
        ids,
        redactions,
    })
}

fn commit(line: &Line<'_>, put: PutDocument) -> Result<Settled> {
    let settled = line
        .backend
        .commit(&[Change::Put(put)], line.actor)?
        .pop()
        .ok_or_else(|| Error::Invalid {
            what: "the conversation was not settled".to_owned(),
        })?;
    if let Outcome::Refused(refusal) = settled.outcome {
        return Err(refusal.into());
    }
    Ok(settled)
}

/// Returns what all messages have in common, without secrets, and how many there were.
fn common_attributes(line: &Line<'_>, conversation: &Conversation) -> (Attributes, u64) {
    let (tags, mut redactions) = redact_tags(line, &conversation.tags);
    let (mut title, mut meta) = (conversation.title.clone(), conversation.meta.clone());
    if let Some(title) = &mut title {
        redactions += line.redactor.redact_in_place(title);
    }
    redactions += line.redactor.redact_metadata(&mut meta);
    let attributes = Attributes {
        kind: Kind::Message,
        title,
        tags,
        meta,
        document_time: conversation.time,
        trust: conversation.trust,
        ..Attributes::default()
    };
    (attributes, redactions)
}

fn attributes_of(common: &Attributes, message: &Message) -> Attributes {
    let mut meta = common.meta.clone();
    for (key, value) in [
        ("role", &message.role),
        ("speaker", &message.speaker),
        ("message_id", &message.id),
        ("reply_to", &message.reply_to),
    ] {
        if let Some(value) = value {
            meta.insert(key.to_owned(), value.as_str().into());
        }
    }
    Attributes {
        meta,
        document_time: message.time.or(common.document_time),
        ..common.clone()
    }
}
