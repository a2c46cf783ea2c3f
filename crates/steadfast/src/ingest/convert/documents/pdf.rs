//! PDF: the text of its pages in the order in which they show it.
//!
//! The `lopdf` crate parses, with limits on all that it unpacks; the lines are
//! found here, from where the text is placed (ISO 32000-1, 9.4). Right to left
//! order, columns and tables are as the file has them.

use lopdf::content::Content;
use lopdf::xref::XrefEntry;
use lopdf::{Dictionary, Document, LoadOptions};
use steadfast_model::Timestamp;

use super::lines::{Fonts, Lines};
use super::{Converted, Failure, UNPACKED_BYTES_MAX, one_line};

/// The most that one stream of objects may unpack to: objects take many times their length in memory.
const OBJECTS_BYTES_MAX: usize = 8 << 20;
/// The most that all of them may unpack to.
const OBJECTS_BYTES_MAX_ALL: usize = 64 << 20;
/// Less than this would refuse documents that are merely large.
const OBJECTS_BYTES_MAX_LEAST: usize = 256 << 10;
/// The most streams of objects.
const OBJECT_STREAMS_MAX: usize = 1_024;
/// The stack that the parser may use; it descends into what is nested.
const STACK_BYTES: usize = 16 << 20;
/// The most pages of a document.
const PAGES_MAX: usize = 50_000;
pub(super) fn text(bytes: &[u8]) -> Result<Converted, Failure> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || parsed(bytes))
            .map_err(|error| Failure::malformed(format!("no thread to read it: {error}")))?
            .join()
            .unwrap_or_else(|_| Err(Failure::malformed("the parser gave up")))
    })
}

fn parsed(bytes: &[u8]) -> Result<Converted, Failure> {
    let options = LoadOptions::with_max_decompressed_size(objects_bytes_max(bytes)?);
    let document = Document::load_mem_with_options(bytes, options)
        .map_err(|error| Failure::malformed(error.to_string()))?;
    if document.is_encrypted() {
        return Err(Failure::malformed("it is locked with a password"));
    }
    if has_lost_objects(&document) {
        return Err(Failure::TooLarge);
    }
    let text = pages(&document)?;
    let information = information(&document);
    let entry = |name: &[u8]| {
        let object = information.and_then(|information| information.get(name).ok());
        object.and_then(|object| lopdf::decode_text_string(object).ok())
    };
    Ok(Converted {
        text,
        title: entry(b"Title").as_deref().and_then(one_line),
        time: entry(b"CreationDate").as_deref().and_then(day),
    })
}

/// Returns how much each stream of objects may unpack to, so that all of them stay within a bound.
///
/// A name that is written with escapes is not counted; the limit on each stream holds for it too.
fn objects_bytes_max(bytes: &[u8]) -> Result<usize, Failure> {
    const NAME: &[u8] = b"/ObjStm";
    let streams = bytes
        .windows(NAME.len())
        .filter(|part| *part == NAME)
        .count();
    if streams > OBJECT_STREAMS_MAX {
        return Err(Failure::TooLarge);
    }
    let share = OBJECTS_BYTES_MAX_ALL / streams.max(1);
    Ok(share.clamp(OBJECTS_BYTES_MAX_LEAST, OBJECTS_BYTES_MAX))
}

/// Returns whether objects are missing that should have come out of a stream of objects.
///
/// The parser passes over a stream that unpacks to more than it may.
fn has_lost_objects(document: &Document) -> bool {
    document
        .reference_table
        .entries
        .iter()
        .any(|(&number, entry)| {
            let packed = matches!(entry, XrefEntry::Compressed { .. });
            packed && !document.objects.contains_key(&(number, 0))
        })
}

/// Returns the text of all pages, a blank line between them.
fn pages(document: &Document) -> Result<String, Failure> {
    let mut fonts = Fonts::default();
    let mut text = String::new();
    let mut left = UNPACKED_BYTES_MAX;
    for (number, page) in document.page_iter().enumerate() {
        if number == PAGES_MAX || text.len() > UNPACKED_BYTES_MAX {
            return Err(Failure::TooLarge);
        }
        let content = document
            .get_page_content_with_limit(page, left)
            .map_err(failure)?;
        left = left.saturating_sub(content.len());
        fonts.turn_to(document, page).map_err(failure)?;
        let mut lines = Lines::new(&mut text);
        for operation in Content::decode_iter(&content) {
            lines.operation(&fonts, &operation.map_err(failure)?);
        }
        lines.finish();
    }
    Ok(text)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to `map_err`, which gives the error away"
)]
fn failure(error: lopdf::Error) -> Failure {
    let is_limit = matches!(
        error,
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. })
    );
    if is_limit {
        Failure::TooLarge
    } else {
        Failure::malformed(error.to_string())
    }
}

fn information(document: &Document) -> Option<&Dictionary> {
    let object = document.trailer.get(b"Info").ok()?;
    let (_, object) = document.dereference(object).ok()?;
    object.as_dict().ok()
}

/// Returns the day of a date such as `D:20240506070809+02'00'`.
fn day(date: &str) -> Option<Timestamp> {
    let digits = date.strip_prefix("D:").unwrap_or(date);
    let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?);
    Timestamp::parse(&format!("{year}-{month}-{day}")).ok()
}
