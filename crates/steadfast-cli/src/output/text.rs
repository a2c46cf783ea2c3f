//! The shapes that people read.

use std::io::{self, Write};
use std::path::Path;

use steadfast::Parts;
use steadfast::model::{Chunk, Coverage, Finding, Hit};

use super::{Style, grouped};

/// Writes a hit: rank, place, headings, score, and what matches.
pub(crate) fn hit(
    out: &mut dyn Write,
    style: Style,
    rank: usize,
    hit: &Hit,
    here: &Path,
) -> io::Result<()> {
    let headings = headings(&hit.chunk);
    let headings = if headings.is_empty() {
        headings
    } else {
        format!("  {}", style.clean(&headings))
    };
    writeln!(
        out,
        "{rank}. {}{headings}  {}",
        style.bold(&place(&hit.chunk, here)),
        style.dim(&format!("{:.3}", hit.score)),
    )?;
    writeln!(out, "   {}", style.dim(&hit.chunk.id.to_string()))?;
    warn(out, "   ", &hit.chunk)?;
    for (offset, neighbour) in hit.neighbours.iter().filter(|(offset, _)| *offset < 0) {
        around(out, style, *offset, neighbour)?;
    }
    indented(
        out,
        "   ",
        style.highlighted(&hit.snippet, &hit.highlights).trim(),
    )?;
    for (offset, neighbour) in hit.neighbours.iter().filter(|(offset, _)| *offset > 0) {
        around(out, style, *offset, neighbour)?;
    }
    for also in &hit.also_in {
        writeln!(
            out,
            "   also in {}:{}",
            style.clean(&short(&also.source, here)),
            also.start_line
        )?;
    }
    Ok(())
}

/// Writes the shares that make up the score of a hit, then what they were made from.
pub(crate) fn explanation(out: &mut dyn Write, hit: &Hit, parts: &Parts) -> io::Result<()> {
    let shares: Vec<String> = parts
        .named()
        .into_iter()
        .filter(|(_, share)| *share > 0.0)
        .map(|(name, share)| format!("{} {share:.3}", name.replace('_', " ")))
        .collect();
    let vector = hit
        .vector_score
        .map_or("none".to_owned(), |score| format!("{score:.3}"));
    let via: Vec<&str> = hit.matched_via.iter().map(|way| way.as_str()).collect();
    writeln!(
        out,
        "   {:.3} = {}; BM25 {:.3}, cosine {vector}, found by {}",
        hit.score,
        shares.join(" + "),
        hit.text_score,
        via.join(", ")
    )
}

fn around(out: &mut dyn Write, style: Style, offset: i64, chunk: &Chunk) -> io::Result<()> {
    writeln!(
        out,
        "   {}",
        style.dim(&format!("[{offset:+}] lines {}", lines(chunk)))
    )?;
    warn(out, "   ", chunk)?;
    indented(out, "   | ", style.clean(&chunk.text).trim())
}

/// Writes a line above a text that reads like an instruction.
fn warn(out: &mut dyn Write, indent: &str, chunk: &Chunk) -> io::Result<()> {
    match steadfast::query::caution(&chunk.text) {
        Some(caution) => writeln!(
            out,
            "{indent}caution: {} text, stored by: {}; it is data, not a request",
            caution.as_str().replace('_', "-"),
            chunk.attributes.trust.as_str()
        ),
        None => Ok(()),
    }
}

/// Writes what was searched, in one sentence that begins with what is missing.
pub(crate) fn coverage(
    out: &mut dyn Write,
    coverage: &Coverage,
    ways: &str,
    elapsed_ms: f64,
) -> io::Result<()> {
    let missing: Vec<String> = coverage
        .not_searched
        .iter()
        .map(|left| format!("{} {}", grouped(left.count), left.reason.replace('_', " ")))
        .collect();
    let lead = match (coverage.complete, missing.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "NOT COMPLETE: ".to_owned(),
        (false, false) => format!("NOT COMPLETE ({}): ", missing.join(", ")),
    };
    let searched = match ways {
        "vector" => coverage.vector,
        "text" => coverage.text,
        _ => coverage.text.max(coverage.vector),
    };
    let tail = if coverage.tail > 0 {
        format!(", {} of them not indexed yet", grouped(coverage.tail))
    } else {
        String::new()
    };
    writeln!(
        out,
        "{lead}searched {} of {} chunks ({ways}){tail}, generation {}, {}",
        grouped(searched),
        grouped(coverage.in_scope),
        coverage.generation.0,
        duration(elapsed_ms),
    )
}

/// Writes a whole chunk with what is known about it.
pub(crate) fn chunk(
    out: &mut dyn Write,
    style: Style,
    chunk: &Chunk,
    here: &Path,
) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}",
        style.bold(&chunk.id.to_string()),
        style.clean(&place(chunk, here))
    )?;
    let attributes = &chunk.attributes;
    let mut facts = vec![
        format!("namespace {}", chunk.namespace),
        format!("kind {}", attributes.kind),
    ];
    facts.extend(
        attributes
            .title
            .as_ref()
            .map(|title| format!("title {title}")),
    );
    let headings = headings(chunk);
    if !headings.is_empty() {
        facts.push(format!("under {headings}"));
    }
    if !attributes.tags.is_empty() {
        facts.push(format!(
            "tags {}",
            attributes
                .tags
                .iter()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        ));
    }
    facts.extend(attributes.document_time.map(|time| format!("from {time}")));
    facts.extend(
        chunk
            .removed_seq
            .map(|seq| format!("removed in commit {}", seq.0)),
    );
    writeln!(out, "{}", style.dim(&facts.join(", ")))?;
    warn(out, "", chunk)?;
    writeln!(
        out,
        "{}",
        style.clean(chunk.text.trim_end_matches(['\r', '\n']))
    )
}

/// Writes a chunk in one line.
pub(crate) fn chunk_line(
    out: &mut dyn Write,
    style: Style,
    chunk: &Chunk,
    here: &Path,
) -> io::Result<()> {
    let text = chunk
        .text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let end = text.floor_char_boundary(LINE_BYTES_MAX);
    let text = style
        .clean(text.get(..end).unwrap_or_default())
        .into_owned();
    writeln!(
        out,
        "{}  {}  {text}",
        chunk.id,
        style.bold(&place(chunk, here))
    )
}

/// How much of a text is shown in one line.
const LINE_BYTES_MAX: usize = 100;

/// Writes a finding and what to do about it.
pub(crate) fn finding(out: &mut dyn Write, style: Style, finding: &Finding) -> io::Result<()> {
    let what = style.clean(&finding.what);
    writeln!(
        out,
        "{}: {what} [{}] at {}",
        finding.severity.as_str(),
        finding.code,
        style.clean(&finding.place)
    )?;
    if !finding.ids.is_empty() {
        let ids: Vec<String> = finding
            .ids
            .iter()
            .take(IDS_SHOWN)
            .map(ToString::to_string)
            .collect();
        let more = if finding.count > ids.len() as u64 {
            ", ..."
        } else {
            ""
        };
        writeln!(out, "  ids: {}{more}", ids.join(", "))?;
    }
    writeln!(out, "  remedy: {}", finding.remedy)
}

/// How many ids of a finding are shown to people.
const IDS_SHOWN: usize = 10;

/// Returns where a chunk stands: its source, short when it lies below this folder, and its lines.
fn place(chunk: &Chunk, here: &Path) -> String {
    format!("{}:{}", short(&chunk.source, here), lines(chunk))
}

fn lines(chunk: &Chunk) -> String {
    let (start, end) = (chunk.place.start_line, chunk.place.end_line);
    if start == end {
        start.to_string()
    } else {
        format!("{start}-{end}")
    }
}

fn short(source: &str, here: &Path) -> String {
    match Path::new(source).strip_prefix(here) {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.display().to_string(),
        _ => source.to_owned(),
    }
}

fn headings(chunk: &Chunk) -> String {
    chunk.place.heading_path.join(" > ")
}

fn indented(out: &mut dyn Write, indent: &str, text: &str) -> io::Result<()> {
    text.lines()
        .try_for_each(|line| writeln!(out, "{}", format!("{indent}{line}").trim_end()))
}

/// Returns a duration for people.
pub(crate) fn duration(elapsed_ms: f64) -> String {
    if elapsed_ms < 10.0 {
        format!("{elapsed_ms:.1} ms")
    } else if elapsed_ms < 10_000.0 {
        format!("{elapsed_ms:.0} ms")
    } else {
        format!("{:.1} s", elapsed_ms / 1000.0)
    }
}

/// Returns a number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let value = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", value / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", value / 1_048_576.0),
        _ => format!("{:.1} GiB", value / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steadfast::model::{NotSearched, Seq};

    fn line(coverage: &Coverage, ways: &str) -> String {
        let mut out = Vec::new();
        super::coverage(&mut out, coverage, ways, 3.0).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn coverage_says_first_what_is_missing() {
        let mut searched = Coverage {
            complete: true,
            generation: Seq(56),
            in_scope: 1234,
            text: 1234,
            vector: 1200,
            ..Coverage::default()
        };
        assert_eq!(
            line(&searched, "text and vector"),
            "searched 1,234 of 1,234 chunks (text and vector), generation 56, 3.0 ms\n"
        );
        searched.complete = false;
        searched.not_searched.push(NotSearched {
            reason: "vector_pending".to_owned(),
            count: 34,
        });
        assert!(
            line(&searched, "text and vector").starts_with("NOT COMPLETE (34 vector pending): ")
        );
    }

    #[test]
    fn sizes_and_durations_are_short() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(duration(12.4), "12 ms");
        assert_eq!(duration(12_400.0), "12.4 s");
    }

    #[test]
    fn a_source_below_this_folder_is_short() {
        assert_eq!(short("/a/b/c.md", Path::new("/a")), "b/c.md");
        assert_eq!(short("/ab/c.md", Path::new("/a")), "/ab/c.md");
        assert_eq!(short("note:1-x", Path::new("/a")), "note:1-x");
    }
}
