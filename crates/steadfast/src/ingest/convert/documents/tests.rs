//! The bad days: a book of which half is silently missing, a document that
//! unpacks to more than there is memory, and one that takes the run with it.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use proptest::prelude::*;

use super::*;

/// Returns a zip archive of deflated entries.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let local = u32::try_from(out.len()).unwrap();
        let mut middle = Vec::new();
        for field in [20_u16, 0, 8, 0, 0] {
            middle.extend(field.to_le_bytes());
        }
        for field in [
            crc.sum(),
            u32::try_from(packed.len()).unwrap(),
            u32::try_from(content.len()).unwrap(),
        ] {
            middle.extend(field.to_le_bytes());
        }
        middle.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        middle.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&middle);
        out.extend(name.as_bytes());
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&middle);
        directory.extend([0; 10]);
        directory.extend(local.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(out.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06");
    out.extend([0; 8]);
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

const BODY: &str = r#"<?xml version="1.0"?><w:document><w:body>
<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Tides</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">High &amp; </w:t></w:r><w:r><w:t>low</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>one</w:t></w:r></w:p>
<w:p/><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
</w:body></w:document>"#;
const CORE: &str = r"<cp:coreProperties><dc:title>The sea</dc:title><dcterms:created>2024-05-06T07:08:09Z</dcterms:created></cp:coreProperties>";

#[test]
fn a_docx_keeps_its_headings_lists_and_tables() {
    let bytes = archive(&[
        ("docProps/core.xml", CORE.as_bytes()),
        ("word/document.xml", BODY.as_bytes()),
    ]);
    let converted = docx(&bytes).unwrap();
    let expected = "# Tides\n\nHigh & low\n\n- one\n\n| a | b |\n| --- | --- |\n";
    assert_eq!(converted.text, expected);
    assert_eq!(converted.title.as_deref(), Some("The sea"));
    assert_eq!(
        converted.time,
        Timestamp::parse("2024-05-06T07:08:09Z").ok()
    );
}

const CONTAINER: &str =
    r#"<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"#;
const PACKAGE: &str = r#"<package><metadata><dc:title>A book</dc:title><dc:date>2020-01-02</dc:date></metadata>
<manifest><item id="b" href="text/two%20b.xhtml"/><item id="a" href="one.xhtml"/><item id="c" href="c.css"/></manifest>
<spine><itemref idref="a"/><itemref idref="b"/></spine></package>"#;

#[test]
fn an_epub_is_read_in_the_order_of_its_spine() {
    let one = "<?xml version=\"1.0\"?><html><head><title/></head><body><h1>One</h1><p>first</p></body></html>";
    let mut entries = vec![
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", PACKAGE.as_bytes()),
        (
            "OEBPS/text/two b.xhtml",
            b"<h1>Two</h1><p>second</p>".as_slice(),
        ),
        ("OEBPS/one.xhtml", one.as_bytes()),
    ];
    let converted = epub(&archive(&entries)).unwrap();
    assert_eq!(converted.text, "# One\n\nfirst\n\n# Two\n\nsecond\n");
    assert_eq!(converted.title.as_deref(), Some("A book"));
    assert_eq!(converted.time, Timestamp::parse("2020-01-02").ok());
    // A book with a chapter missing is not a shorter book.
    entries.pop();
    let skip = epub(&archive(&entries)).unwrap_err();
    assert_eq!(skip.reason, SkipReason::Malformed);
    assert!(skip.detail.contains("OEBPS/one.xhtml"), "{skip}");
}

#[test]
fn a_book_that_asks_for_its_chapters_again_and_again_is_read_once() {
    let chapters: Vec<String> = (0..4_000).map(|number| format!("{number}.html")).collect();
    let mut package = String::from("<package><manifest>");
    for name in &chapters {
        package.extend(["<item id=\"", name, "\" href=\"", name, "\"/>"]);
    }
    package += "</manifest><spine>";
    for name in chapters.iter().cycle().take(chapters.len() * 50) {
        package.extend(["<itemref idref=\"", name, "\"/>"]);
    }
    package += "</spine></package>";
    let container = CONTAINER.replace("OEBPS/", "");
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("META-INF/container.xml", container.as_bytes()),
        ("book.opf", package.as_bytes()),
    ];
    entries.extend(
        chapters
            .iter()
            .map(|name| (name.as_str(), &b"<p>once</p>"[..])),
    );
    let converted = epub(&archive(&entries)).unwrap();
    assert_eq!(converted.text.matches("once").count(), chapters.len());
}

#[test]
fn what_unpacks_to_too_much_is_left_out() {
    let zeros = vec![0; UNPACKED_BYTES_MAX + 1];
    let mut bomb = archive(&[("word/document.xml", &zeros)]);
    assert_eq!(docx(&bomb).unwrap_err().reason, SkipReason::TooLarge);
    // The archive says that it is small.
    let at = bomb
        .windows(4)
        .position(|part| part == b"PK\x01\x02")
        .unwrap();
    bomb[at + 24..at + 28].copy_from_slice(&9_u32.to_le_bytes());
    assert_eq!(docx(&bomb).unwrap_err().reason, SkipReason::TooLarge);
}

#[test]
fn what_is_damaged_or_empty_says_so() {
    for bytes in [&b""[..], b"PK\x05\x06", b"%PDF-1.7", &[0; 100]] {
        assert_eq!(docx(bytes).unwrap_err().reason, SkipReason::Malformed);
        assert_eq!(epub(bytes).unwrap_err().reason, SkipReason::Malformed);
        assert_eq!(pdf(bytes).unwrap_err().reason, SkipReason::Malformed);
    }
    let mut bytes = archive(&[("word/document.xml", BODY.as_bytes())]);
    bytes[60] ^= 1;
    assert_eq!(docx(&bytes).unwrap_err().reason, SkipReason::Malformed);
    let empty = archive(&[("word/document.xml", b"<w:document/>")]);
    assert_eq!(docx(&empty).unwrap_err().reason, SkipReason::NoText);
}

/// Returns a PDF of one page with this content, without a table of its objects.
fn page(content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "%PDF-1.4\n\
        1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>\nendobj\n\
        4 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>\nendobj\n\
        5 0 obj\n<< /Length {length} >>\nstream\n{content}\nendstream\nendobj\n\
        6 0 obj\n<< /Title (The  tides) /CreationDate (D:20240506070809Z) >>\nendobj\n\
        trailer\n<< /Root 1 0 R /Info 6 0 R /Size 7 >>\n"
    )
    .into_bytes()
}

#[test]
fn a_pdf_has_words_lines_and_paragraphs() {
    let content = "BT /F1 10 Tf 72 700 Td (High wa) Tj [(ter) -600 (is)] TJ 0 -12 Td (at six.) Tj 0 -30 Td (Low) Tj 100 0 Td (water) Tj ET";
    let converted = pdf(&page(content)).unwrap();
    assert_eq!(converted.text, "High water is\nat six.\n\nLow water\n");
    assert_eq!(converted.title.as_deref(), Some("The tides"));
    assert_eq!(converted.time, Timestamp::parse("2024-05-06").ok());
    let nothing = pdf(&page("0 0 10 10 re f"));
    assert_eq!(nothing.unwrap_err().reason, SkipReason::NoText);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_garbage_is_too_strange(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        for prefix in [&b"%PDF-1.7\n"[..], b"PK\x05\x06", b""] {
            let garbage = [prefix, bytes.as_slice()].concat();
            drop((pdf(&garbage), docx(&garbage), epub(&garbage)));
        }
        let documents = [
            page("BT /F1 10 Tf 72 700 Td (High) Tj ET"),
            archive(&[("word/document.xml", BODY.as_bytes()), ("META-INF/container.xml", CONTAINER.as_bytes()), ("OEBPS/book.opf", PACKAGE.as_bytes())]),
        ];
        for mut document in documents {
            for (place, byte) in &flips {
                let place = place.index(document.len());
                document[place] = *byte;
            }
            drop((pdf(&document), docx(&document), epub(&document)));
        }
    }
}
