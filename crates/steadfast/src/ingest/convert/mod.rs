//! What a file holds, as text that can be cut into chunks, with the way back to the file.
//!
//! Text is taken as it was read. HTML becomes Markdown ([`html`]), and its
//! spans still name the bytes and lines they came from. With the feature
//! `documents` so do DOCX and EPUB, and PDF becomes plain text; the spans of
//! those name the whole file, and lines of the text that was made from it.
//!
//! Invariants: a converter neither panics nor takes more memory than a few
//! times the limit of a file, whatever it is given; what cannot be converted
//! is left out with a reason.
//!
//! Deliberately not here: reading, redaction, chunking.

#[cfg(feature = "documents")]
mod documents;
mod html;
mod map;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use steadfast_model::chunk::Fidelity;
use steadfast_model::{Fingerprint, Kind, Timestamp};

use super::chunk::kind_of;
use super::identify::{FileState, SkipReason};
#[cfg(feature = "documents")]
use super::read::read_bytes;
use super::read::{Offsets, ReadFile, ReadLimits, Skip, read_file, read_page};
use map::Map;

const HTML: [&str; 4] = ["htm", "html", "xht", "xhtml"];

/// What a file is to a converter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It is text already.
    Text,
    Html,
    Pdf,
    Docx,
    Epub,
}

fn form_of(source: &str) -> Form {
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_one_of = |known: &[&str]| {
        known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    };
    if is_one_of(&HTML) {
        Form::Html
    } else if is_one_of(&["pdf"]) {
        Form::Pdf
    } else if is_one_of(&["docx"]) {
        Form::Docx
    } else if is_one_of(&["epub"]) {
        Form::Epub
    } else {
        Form::Text
    }
}

/// Returns whether a file is packed, so that its size says little of how long its text is.
pub(super) fn is_packed(source: &str) -> bool {
    match form_of(source) {
        Form::Pdf | Form::Docx | Form::Epub => cfg!(feature = "documents"),
        Form::Text | Form::Html => false,
    }
}

/// A file's content as text.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The text to redact and cut.
    pub(super) text: String,
    /// How the text is to be cut.
    pub(super) kind: Kind,
    /// What was done to the bytes of the file to get the text.
    pub(super) fidelity: Fidelity,
    /// What the file was when it was read.
    pub(super) fingerprint: Fingerprint,
    /// The title that the format itself has a place for.
    pub(super) title: Option<String>,
    /// The date that the format itself has a place for.
    pub(super) time: Option<Timestamp>,
    back: Back,
}

/// The way from the text back to the file.
#[derive(Clone, Debug)]
enum Back {
    /// The text is what was read.
    Read(Offsets),
    /// The text was made from `source`, which is what was read.
    Converted {
        map: Map,
        source: String,
        offsets: Offsets,
    },
    /// The text was made from a file of so many bytes, and no part of it from any part of them.
    #[cfg(feature = "documents")]
    Whole(u64),
}

/// Where in its file a part of the text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The bytes.
    pub(super) bytes: Range<u64>,
    /// The first and the last line, from 1; none when they are those of the text.
    pub(super) lines: Option<(u32, u32)>,
}

impl Document {
    /// Returns where in the file ranges that tile the text come from; together their spots are the whole file.
    ///
    /// What a range touches is in its spot as a whole: a start is rounded down, an end up.
    pub(super) fn spots(&self, ranges: &[Range<usize>]) -> Vec<Spot> {
        self.spots_by(ranges, tiled)
    }

    /// Returns where ranges come from; their starts must ascend, and their ends. `widen` sees their origins in the
    /// text that was converted, and how long it is.
    fn spots_by(
        &self,
        ranges: &[Range<usize>],
        widen: impl FnOnce(Vec<Range<usize>>, usize) -> Vec<Range<usize>>,
    ) -> Vec<Spot> {
        match &self.back {
            Back::Read(offsets) => spots(ranges, offsets),
            Back::Converted {
                map,
                source,
                offsets,
            } => {
                let origins = ranges.iter().map(|range| map.origin_of(range));
                let origins = widen(origins.collect(), source.len());
                let mut spots = spots(&origins, offsets);
                for (spot, lines) in spots.iter_mut().zip(line_ranges(&origins, source)) {
                    spot.lines = Some(lines);
                }
                spots
            }
            #[cfg(feature = "documents")]
            Back::Whole(bytes) => {
                let whole = |_| Spot {
                    bytes: 0..*bytes,
                    lines: None,
                };
                ranges.iter().map(whole).collect()
            }
        }
    }
}

/// Gives what stands between two ranges to the one before it, and what stands before the first to that one: every byte
/// of a file lies in a chunk, also one that has no place in a text, such as those of a tag.
fn tiled(mut ranges: Vec<Range<usize>>, length: usize) -> Vec<Range<usize>> {
    let mut next = length;
    for range in ranges.iter_mut().rev() {
        range.end = range.end.max(next);
        next = range.start;
    }
    if let Some(first) = ranges.first_mut() {
        first.start = 0;
    }
    ranges
}

fn spots(ranges: &[Range<usize>], offsets: &Offsets) -> Vec<Spot> {
    // Two ranges may share what stands for both, so starts and ends ascend among themselves only.
    let starts = offsets.in_file(ranges.iter().map(|range| range.start));
    let ends = offsets.in_file(ranges.iter().map(|range| range.end));
    let pairs = starts.into_iter().zip(ends);
    pairs
        .map(|(start, end)| Spot {
            bytes: start..end,
            lines: None,
        })
        .collect()
}

/// Returns the first and the last line of each range of a text; a line ends with its line feed.
fn line_ranges(ranges: &[Range<usize>], text: &str) -> impl Iterator<Item = (u32, u32)> {
    let last = |range: &Range<usize>| range.end.saturating_sub(1).max(range.start);
    let starts = lines(text, ranges.iter().map(|range| range.start));
    let ends = lines(text, ranges.iter().map(last));
    starts.into_iter().zip(ends)
}

/// Returns the line of each place of a text, from 1; places must ascend.
fn lines(text: &str, places: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut line = 1_u32;
    let mut counted = 0;
    places
        .map(|place| {
            let piece = text.as_bytes().get(counted..place).unwrap_or_default();
            let line_feeds = piece
                .iter()
                .fold(0_u32, |count, &byte| count + u32::from(byte == b'\n'));
            line = line.saturating_add(line_feeds);
            counted = counted.max(place);
            line
        })
        .collect()
}

/// Reads the file at `path`, found in `state`, and converts it when it is not text.
///
/// # Errors
/// [`Skip`] when there is no text to be had.
pub(super) fn read_document(
    path: &Path,
    source: &str,
    state: &FileState,
    now: Timestamp,
    limits: ReadLimits,
) -> Result<Document, Skip> {
    match form_of(source) {
        Form::Text => {
            let read = read_file(path, state, now, limits)?;
            Ok(Document {
                text: read.text,
                kind: kind_of(source),
                fidelity: read.fidelity,
                fingerprint: read.fingerprint,
                title: None,
                time: None,
                back: Back::Read(read.offsets),
            })
        }
        Form::Html => html_document(read_page(path, state, now, limits)?),
        #[cfg(feature = "documents")]
        form @ (Form::Pdf | Form::Docx | Form::Epub) => {
            document(form, &read_bytes(path, state, now, limits)?)
        }
        #[cfg(not(feature = "documents"))]
        Form::Pdf | Form::Docx | Form::Epub => Err(Skip::new(SkipReason::NeedsDocuments, "")),
    }
}

#[cfg(feature = "documents")]
fn document(form: Form, read: &super::read::ReadBytes) -> Result<Document, Skip> {
    let converted = guarded(read.fingerprint, || match form {
        Form::Docx => documents::docx(&read.bytes),
        Form::Epub => documents::epub(&read.bytes),
        Form::Text | Form::Html | Form::Pdf => documents::pdf(&read.bytes),
    })?;
    Ok(Document {
        text: converted.text,
        kind: if form == Form::Pdf {
            Kind::Text
        } else {
            Kind::Markdown
        },
        fidelity: Fidelity {
            converted: true,
            ..Fidelity::default()
        },
        fingerprint: read.fingerprint,
        title: converted.title,
        time: converted.time,
        back: Back::Whole(read.fingerprint.size),
    })
}

fn html_document(read: ReadFile) -> Result<Document, Skip> {
    let converted = guarded(read.fingerprint, || {
        let converted = html::markdown(&read.text);
        // What is empty already is a file without a word, as others are.
        let is_silent = converted.text.trim().is_empty() && !read.text.trim().is_empty();
        if is_silent {
            return Err(Skip::new(SkipReason::NoText, ""));
        }
        Ok(converted)
    })?;
    Ok(Document {
        text: converted.text,
        kind: Kind::Markdown,
        fidelity: Fidelity {
            converted: true,
            ..read.fidelity
        },
        fingerprint: read.fingerprint,
        title: converted.title,
        time: converted.time,
        back: Back::Converted {
            map: converted.map,
            source: read.text,
            offsets: read.offsets,
        },
    })
}

/// Runs a converter; a panic in it costs the file and not the run.
fn guarded<T>(
    fingerprint: Fingerprint,
    convert: impl FnOnce() -> Result<T, Skip>,
) -> Result<T, Skip> {
    let mut result = catch_unwind(AssertUnwindSafe(convert)).unwrap_or_else(|_| {
        let detail = "its converter gave up";
        Err(Skip::new(SkipReason::Malformed, detail))
    });
    if let Err(skip) = &mut result {
        skip.fingerprint = Some(fingerprint);
    }
    result
}

#[cfg(test)]
mod tests;
