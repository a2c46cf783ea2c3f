//! The bad day: a dump of thirty megabytes with a value on every other byte, and a gigabyte of memory for their places.

use super::super::outline::Outline;
use super::super::structure::PLACES_MAX;
use super::super::{data, markdown, org, rst};
use super::*;

/// Cuts a text by its structure and checks that all of it is there.
fn cut(text: &str, format: Format) -> usize {
    let limits = ChunkLimits::default();
    let structure = data::structure(text, format, limits);
    let cuts = structure.cuts(text, limits);
    assert_eq!(cuts.last().map(|cut| cut.end), Some(text.len()));
    assert!(cuts.is_sorted_by_key(|cut| cut.end));
    structure.held()
}

#[test]
fn values_without_end_are_held_in_bounded_memory() {
    let values = PLACES_MAX + PLACES_MAX / 4;
    for (format, before, unit) in [
        (Format::Json, "[", "1,"),
        (Format::Json, "{", "a:0,"),
        (Format::Yaml, "", "a:\n"),
        (Format::Toml, "", "a=\n"),
        (Format::Csv, "a,b\n", "1\n"),
    ] {
        let text = format!("{before}{}", unit.repeat(values));
        let held = cut(&text, format);
        // Places, symbols, and twice as many marks; then one in a part of the target.
        let most = 4 * PLACES_MAX + text.len() / 100;
        assert!(held <= most, "{format:?}: {held} of at most {most}");
    }
}

#[test]
fn headings_without_end_are_no_headings_and_what_they_hold_is_there() {
    for (outline, unit) in [
        (markdown::outline as fn(&str) -> Outline, "#\n"),
        (rst::outline, "a\n-\n\n"),
        (org::outline, "* :a:\n"),
    ] {
        let text = format!("{}the last words\n", unit.repeat(300_000));
        let chunked = marked_up(&text, outline(&text), ChunkLimits::default());
        assert_tiled(&text, &chunked, ChunkLimits::default());
        let last = chunked.spans.last().unwrap();
        assert!(text[last.range.clone()].ends_with("the last words\n"));
        assert_eq!(last.heading_path, [""; 0], "{unit:?}");
        assert_eq!(last.facts, 0, "{unit:?}");
    }
}

#[test]
fn keys_without_end_are_read_up_to_a_number() {
    let org = format!("{}* a :{}\n", "#+a: b\n".repeat(5_000), "b:".repeat(5_000));
    let rst = ":a: b\n".repeat(5_000);
    for (source, text) in [("a.org", &org), ("a.rst", &rst)] {
        let chunked = chunk_source(text, Kind::Text, source, &ChunkLimits::default());
        assert_tiled(text, &chunked, ChunkLimits::default());
        assert_eq!(chunked.facts[0].meta.len(), 1, "{source}");
    }
}

#[test]
fn sections_without_end_are_put_together() {
    let section = "## heading number\n\nsome words that make up a section of one line\n\n";
    let few = section.repeat(CHUNKS_MAX / 2);
    let spans = chunk(&few, Kind::Markdown, &ChunkLimits::default()).spans;
    assert_eq!(spans.len(), CHUNKS_MAX / 2);
    let many = section.repeat(CHUNKS_MAX + 10);
    let chunked = chunk(&many, Kind::Markdown, &ChunkLimits::default());
    assert_tiled(&many, &chunked, ChunkLimits::default());
    assert!(chunked.spans.len() < CHUNKS_MAX / 4);
}
