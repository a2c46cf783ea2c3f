//! Pickles are read as data: a point gives its fields, what would run is refused, and damage ends.

use super::*;

/// A point as qdrant-client 1.17 pickles it with pydantic 2, protocol 4, made by hand after `pickletools`.
fn point(text: &str) -> Vec<u8> {
    let short = |text: &str| {
        let mut bytes = vec![0x8c, u8::try_from(text.len()).unwrap()];
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0x94);
        bytes
    };
    let mut bytes = vec![0x80, 4];
    bytes.extend(short("qdrant_client.http.models.models"));
    bytes.extend(short("PointStruct"));
    bytes.extend([0x93, 0x94, b')', 0x81, 0x94, b'}', 0x94, b'(']);
    bytes.extend(short("__dict__"));
    bytes.extend([b'}', 0x94, b'(']);
    bytes.extend(short("id"));
    bytes.extend(short("m1"));
    bytes.extend(short("vector"));
    bytes.extend([
        b']', 0x94, b'(', b'G', 0, 0, 0, 0, 0, 0, 0, 0, b'K', 7, b'e',
    ]);
    bytes.extend(short("payload"));
    bytes.extend([b'}', 0x94]);
    bytes.extend(short("data"));
    bytes.extend(short(text));
    bytes.extend([b's', b'u']);
    bytes.extend(short("__pydantic_fields_set__"));
    bytes.extend([0x8f, 0x94, b'(', b'h', 6, 0x90, b'u', b'b', b'.']);
    bytes
}

#[test]
fn a_point_gives_its_fields() {
    let tree = read(&point("Likes tea.")).unwrap();
    assert_eq!(tree.class(), Some("PointStruct"));
    assert_eq!(tree.field("id"), Some("m1".into()));
    assert_eq!(
        tree.field("payload"),
        Some(serde_json::json!({"data": "Likes tea."}))
    );
    assert_eq!(tree.field("vector"), Some(serde_json::json!([0.0, 7])));
}

#[test]
fn what_would_run_is_refused_by_name() {
    for (bytes, name) in [
        (&b"cos\nsystem\n(S'true'\ntR."[..], "os.system"),
        (b"cbuiltins\neval\n.", "builtins.eval"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "posix.system"),
        (
            b"cnumpy.testing._private.utils\nrunstring\n.",
            "numpy.testing._private.utils.runstring",
        ),
    ] {
        assert_eq!(read(bytes).unwrap_err(), Refusal::Foreign(name.to_owned()));
    }
}

#[test]
fn damage_and_bombs_end() {
    let whole = point("x");
    for end in 0..whole.len() {
        drop(read(&whole[..end]).map(|tree| tree.field("payload")));
    }
    // A list of two times the list before, sixty times over.
    let mut bomb = vec![b']', b'q', 0];
    for number in 1..60_u8 {
        bomb.extend([
            b']',
            b'h',
            number - 1,
            b'a',
            b'h',
            number - 1,
            b'a',
            b'q',
            number,
        ]);
    }
    bomb.push(b'.');
    assert_eq!(read(&bomb).unwrap().field("x"), None);
    // A long text that is recalled a hundred thousand times, and one that is the name of as many classes.
    let text = [
        &b"X\x00\x00\x01\x00"[..],
        &b"numpy.".repeat(1 << 14)[..1 << 16],
        b"q\x00",
    ]
    .concat();
    let recalled = [
        b"}X\x01\x00\x00\x00x](",
        &text[..],
        &b"h\x00".repeat(100_000),
        b"es.",
    ]
    .concat();
    assert_eq!(read(&recalled).unwrap().field("x"), None);
    let named = [&text[..], &b"h\x00h\x00\x93".repeat(100_000), b"."].concat();
    assert_eq!(read(&named).unwrap_err(), Refusal::Malformed);
    assert_eq!(
        read(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err(),
        Refusal::Malformed
    );
    assert_eq!(read(b"").unwrap_err(), Refusal::Malformed);
}
