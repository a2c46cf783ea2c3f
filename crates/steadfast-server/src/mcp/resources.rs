//! What is stored as resources: sources to pick from, and sources and chunks to read.
//!
//! A text that is read stands in the same frame as one that a tool returns: as
//! data, with its origin and its trust label. Invariants: a list is as long as
//! its page, however much is stored; a store that is not there yet is an empty
//! one; a resource that is not there is told by the error that the protocol has
//! for it. Deliberately not here: subscriptions, for every read is fresh.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;
use steadfast::model::{Document, Fault as _, Filter, Namespace};
use steadfast::{Error, Memory};

use super::uri::{self, Address};
use super::{cache, text};
use crate::store::{Access, Store};
use crate::wire;

/// How many resources a page has.
const PAGE: usize = 100;
/// The most bytes of text that one read returns; a longer chunk alone is returned as it is.
const READ_BYTES_MAX: usize = 128 << 10;
/// What a framed text is.
const MIME_TYPE: &str = "text/plain";

/// Lists sources behind a cursor, by namespace and name.
pub(super) fn list(store: &Store, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
    let after = match cursor {
        None => None,
        Some(cursor) => Some(source_of(cursor).ok_or_else(|| {
            ErrorData::invalid_params("the cursor is none of this list; begin without it", None)
        })?),
    };
    let Some(memory) = opened(store)? else {
        return Ok(cache::fresh(ListResourcesResult::default()));
    };
    let after = after
        .as_ref()
        .map(|(namespace, source)| (namespace, source.as_str()));
    let page = memory
        .sources_after(&Filter::default(), after, PAGE)
        .map_err(|error| failed(store, &error))?;
    let mut result =
        ListResourcesResult::with_all_items(page.sources.iter().map(resource).collect());
    if page.has_more {
        result.next_cursor = page
            .sources
            .last()
            .map(|last| uri::source(&last.namespace, &last.source));
    }
    Ok(cache::fresh(result))
}

/// Lists the forms that addresses have.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let chunk = ResourceTemplate::new(uri::CHUNK_TEMPLATE, "chunk")
        .with_title("Memory")
        .with_description("A stored text by the id that search gives")
        .with_mime_type(MIME_TYPE);
    let source = ResourceTemplate::new(uri::SOURCE_TEMPLATE, "source")
        .with_title("Source")
        .with_description("A file, note or conversation as it is stored, from a place on")
        .with_mime_type(MIME_TYPE);
    cache::fixed(ListResourceTemplatesResult::with_all_items(vec![
        chunk, source,
    ]))
}

/// Reads what an address names.
pub(super) fn read(store: &Store, address: &str) -> Result<ReadResourceResult, ErrorData> {
    let missing = || {
        let data = json!({"uri": address});
        ErrorData::resource_not_found("there is no such resource", Some(data))
    };
    let parsed = uri::parse(address).ok_or_else(missing)?;
    let memory = opened(store)?.ok_or_else(missing)?;
    let text = match parsed {
        Address::Chunk(id) => match memory.get(&[id], 0) {
            Ok(found) => text::found(&found),
            Err(Error::ChunkNotFound(_)) => return Err(missing()),
            Err(error) => return Err(failed(store, &error)),
        },
        Address::Source {
            namespace,
            source,
            from,
        } => {
            let read = memory
                .read_source(&namespace, &source, from, READ_BYTES_MAX)
                .map_err(|error| failed(store, &error))?
                .ok_or_else(missing)?;
            let next = read
                .next
                .map(|place| uri::source_from(&namespace, &source, place));
            text::source(&read, next.as_deref())
        }
    };
    let contents = ResourceContents::text(text, address).with_mime_type(MIME_TYPE);
    Ok(cache::fresh(ReadResourceResult::new(vec![contents])))
}

/// Returns the store; none when there is none yet.
pub(super) fn opened(store: &Store) -> Result<Option<Memory>, ErrorData> {
    match store.memory(Access::Read) {
        Ok(memory) => Ok(Some(memory)),
        Err(error) if error.kind() == "store_not_found" => Ok(None),
        Err(error) => Err(failed(store, &error)),
    }
}

/// Returns what the library refused as an error of the protocol, for calls that have no other.
pub(super) fn failed(store: &Store, error: &Error) -> ErrorData {
    store.note(error);
    let data = Some(wire::library_error(error));
    if error.kind().starts_with("invalid_") {
        return ErrorData::invalid_params(error.to_string(), data);
    }
    ErrorData::internal_error(error.to_string(), data)
}

/// Reads the address of a source, which is also the cursor behind it.
pub(super) fn source_of(address: &str) -> Option<(Namespace, String)> {
    match uri::parse(address)? {
        Address::Source {
            namespace, source, ..
        } => Some((namespace, source)),
        Address::Chunk(_) => None,
    }
}

fn resource(document: &Document) -> Resource {
    let name = document.source.rsplit(['/', '\\']).next();
    let name = name.filter(|name| !name.is_empty());
    Resource::new(
        uri::source(&document.namespace, &document.source),
        name.unwrap_or(&document.source),
    )
    .with_title(document.source.clone())
    .with_description(format!(
        "{} texts in namespace {}, stored {}",
        document.chunks, document.namespace, document.indexed_at
    ))
    .with_mime_type(MIME_TYPE)
}
