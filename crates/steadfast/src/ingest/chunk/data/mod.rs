//! Structured data: its keys, elements and records.
//!
//! Each format has a scanner of its own, which reads the text once, from
//! front to back, and takes what it cannot read for part of what stands
//! before it. The labels of a path are the keys as they are written, without
//! their quotes; elements of lists have no label, so that one more in front
//! leaves the paths of the others as they are. Records of values separated by
//! commas have the line of their column names as their path.
//!
//! Invariants: a scanner never fails, needs no stack but a bounded one on the
//! heap, and cuts no quoted record in two that would be short enough.
//!
//! Deliberately not here: whether the data is valid, and what it says.

mod json;
mod open;
mod records;
mod toml;
mod yaml;

use super::structure::Structure;
use super::{ChunkLimits, Format};

/// Returns the structure of a text in this format.
pub(super) fn structure(text: &str, format: Format, limits: ChunkLimits) -> Structure {
    match format {
        Format::Csv => records::structure(text, limits),
        Format::Ini => toml::structure(text, toml::Dialect::Ini, limits),
        Format::Json => json::structure(text, json::Dialect::Document, limits),
        Format::JsonLines => json::structure(text, json::Dialect::Lines, limits),
        Format::Toml => toml::structure(text, toml::Dialect::Toml, limits),
        Format::Yaml => yaml::structure(text, limits),
    }
}

#[cfg(test)]
mod tests;
