//! Places as columns.

use steadfast_model::Place;
use steadfast_model::chunk::Fidelity;

/// Reads `start_line, end_line, start_byte, end_byte, ordinal, position, heading_path, fidelity` from column `first` on.
pub(in crate::sqlite) fn decode(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Place> {
    let offset =
        |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    let headings: Option<String> = row.get(first + 6)?;
    let fidelity: u8 = row.get(first + 7)?;
    Ok(Place {
        start_line: row.get(first)?,
        end_line: row.get(first + 1)?,
        start_byte: offset(first + 2)?,
        end_byte: offset(first + 3)?,
        ordinal: row.get(first + 4)?,
        position: row.get(first + 5)?,
        heading_path: headings
            .map(|text| text.split(SEPARATOR).map(str::to_owned).collect())
            .unwrap_or_default(),
        fidelity: Fidelity {
            lossy: fidelity & 1 != 0,
            converted: fidelity & 2 != 0,
            redacted: fidelity & 4 != 0,
        },
    })
}

/// The unit separator of ASCII; headings hold no control characters.
const SEPARATOR: char = '\u{1f}';

pub(in crate::sqlite) fn headings_text(path: &[String]) -> Option<String> {
    (!path.is_empty()).then(|| path.join("\u{1f}"))
}

pub(in crate::sqlite) fn fidelity_number(fidelity: Fidelity) -> u8 {
    u8::from(fidelity.lossy) | u8::from(fidelity.converted) << 1 | u8::from(fidelity.redacted) << 2
}

/// Returns a byte offset as SQLite keeps it.
pub(in crate::sqlite) fn offset(value: u64) -> i64 {
    value.cast_signed()
}

/// Returns what a chunk was before it moved, as the history keeps it.
pub(in crate::sqlite) fn before_text(facet: i64, place: &Place) -> String {
    serde_json::json!({
        "facet": facet,
        "lines": [place.start_line, place.end_line],
        "bytes": [place.start_byte, place.end_byte],
        "ordinal": place.ordinal,
        "position": place.position,
        "headings": place.heading_path,
    })
    .to_string()
}
