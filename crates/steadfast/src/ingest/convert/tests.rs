//! The bad days: a span of a page that names other bytes than its words came
//! from, and a converter that takes the whole run with it.

use std::fs;

use super::*;

const LATER: Timestamp = Timestamp(i64::MAX / 2_000_000);

fn read(name: &str, bytes: &[u8]) -> Result<Document, Skip> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let state = FileState::from_metadata(&fs::symlink_metadata(&path).unwrap());
    read_document(&path, name, &state, LATER, ReadLimits::default())
}

fn spot(document: &Document, part: &str) -> Spot {
    let start = document.text.find(part).unwrap();
    let range = start..start + part.len();
    let spots = document.spots_by(std::slice::from_ref(&range), |ranges, _| ranges);
    spots.into_iter().next().unwrap()
}

#[test]
fn text_stays_as_it_is() {
    let document = read("a.md", b"\xef\xbb\xbfone\r\ntwo\n").unwrap();
    assert_eq!(document.text, "one\r\ntwo\n");
    assert_eq!(document.kind, Kind::Markdown);
    assert_eq!(document.fidelity, Fidelity::default());
    let expected = Spot {
        bytes: 8..12,
        lines: None,
    };
    assert_eq!(spot(&document, "two\n"), expected);
}

#[test]
fn spans_of_a_page_name_bytes_and_lines_of_the_file() {
    let html = b"\xef\xbb\xbf<html>\n<h1>A</h1>\n<p>b\nc</p>\n<p>caf\xe9</p>";
    let document = read("a.HTML", html).unwrap();
    assert_eq!(document.text, "# A\n\nb c\n\ncaf\u{fffd}\n");
    assert_eq!(document.kind, Kind::Markdown);
    assert!(document.fidelity.converted && document.fidelity.lossy);
    assert_eq!(document.title.as_deref(), Some("A"));
    let expected = Spot {
        bytes: 10..15,
        lines: Some((2, 2)),
    };
    assert_eq!(spot(&document, "# A"), expected);
    let expected = Spot {
        bytes: 24..27,
        lines: Some((3, 4)),
    };
    assert_eq!(spot(&document, "b c"), expected);
    let bytes = spot(&document, "caf\u{fffd}\n").bytes;
    assert_eq!(bytes, 35..39);
    assert_eq!(html.get(35..39), Some(&b"caf\xe9"[..]));
}

#[test]
fn a_page_in_utf_16_leads_back_through_both() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend("<b>x</b>&amp;y".encode_utf16().flat_map(u16::to_le_bytes));
    let document = read("a.htm", &bytes).unwrap();
    assert_eq!(document.text, "x&y\n");
    assert_eq!(spot(&document, "x").bytes, 8..10);
    assert_eq!(spot(&document, "&y").bytes, 18..30);
}

#[test]
fn a_converter_that_gives_up_costs_one_file() {
    let fingerprint = read("a.md", b"x").unwrap().fingerprint;
    // A panic of another kind than a message, so that the test prints nothing of it.
    let skip = guarded(fingerprint, || -> Result<(), Skip> {
        std::panic::resume_unwind(Box::new(()))
    });
    let skip = skip.unwrap_err();
    assert_eq!(skip.reason, SkipReason::Malformed);
    assert_eq!(skip.fingerprint, Some(fingerprint));
}

/// A page in an encoding of its own becomes text, and its spans name the bytes of the file.
#[test]
fn a_page_is_read_in_the_encoding_that_it_names() {
    let page = b"<meta charset=shift_jis><p>\x93\xfa\x96\x7b caf\x8e</p><p>end</p>";
    let document = read("page.html", page).unwrap();
    assert!(
        document.text.contains("\u{65e5}\u{672c}"),
        "{}",
        document.text
    );
    assert!(document.fidelity.converted);
    let spot = spot(&document, "end");
    let start = usize::try_from(spot.bytes.start).unwrap();
    let end = usize::try_from(spot.bytes.end).unwrap();
    assert_eq!(&page[start..end], b"end");
}

#[test]
fn a_page_without_a_word_is_left_out_and_says_why() {
    for page in [
        "<style>\nsummary { display: list-item; }\n</style>\n",
        "<script>let a = 1;</script>",
        "<!-- nothing -->",
    ] {
        let left_out = read("a.html", page.as_bytes()).unwrap_err();
        assert_eq!(left_out.reason, SkipReason::NoText, "{page}");
    }
    // An empty file has nothing that could be missed.
    assert_eq!(read("a.html", b" \n").unwrap().text.trim(), "");
}
