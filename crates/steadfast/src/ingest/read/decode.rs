//! Bytes to text: what is text at all, and what had to be done to get it.

use std::path::Path;

use steadfast_model::chunk::Fidelity;

use super::charset;
use super::offsets::{ByteOrder, Offsets};

/// A text, what was done to get it, and where it comes from.
pub(super) type Decoded = (String, Fidelity, Offsets);

/// How many bytes are looked at to tell that a file is binary.
pub(super) const HEAD_BYTES: u64 = 8 << 10;

/// When more than one byte in this many is not UTF-8, the text would be mostly replacement marks.
const STRAY_BYTES_ONE_IN: usize = 3;

/// Extensions of files that are not opened: images, sound, film, archives,
/// object code, fonts, databases, and documents that are not text.
///
/// A database is on the list not only because it is binary: closing a plain
/// handle on it would drop the locks this process may hold on it.
const BINARY_EXTENSIONS: &str = "\
    7z a aac aif aiff apk arrow avi avif bin blend bmp br bz2 cab class ckpt cur db db-journal \
    db-shm db-wal db3 deb dex dll dmg doc docx dylib ear elc eot epub exe feather flac flv \
    gguf gif gz h5 heic heif icns ico iso jar jp2 jpeg jpg jxl ko lz lz4 lzma m4a m4v mdb mid \
    mkv mo mov mp3 mp4 mpeg mpg msi node npy npz o odp ods odt oga ogg ogv onnx opus otf \
    parquet pb pdb pdf pickle pkl png ppt pptx psd pt pth pyc pyd pyo rar rdb rlib rmeta rpm \
    safetensors so sqlite sqlite-journal sqlite-shm sqlite-wal sqlite3 sqlite3-journal \
    sqlite3-shm sqlite3-wal tar tbz2 tflite tgz tif tiff ttc ttf txz wasm wav war webm webp \
    whl wim wma wmv woff woff2 xls xlsx xz z zip zst";

/// Returns whether the name alone says that a file is not text.
pub fn is_binary_name(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            BINARY_EXTENSIONS
                .split(' ')
                .any(|known| known.eq_ignore_ascii_case(extension))
        })
}

/// Returns whether the first bytes of a file say that it is not text.
pub(super) fn is_binary_head(head: &[u8]) -> bool {
    byte_order(head).is_none() && head.contains(&0)
}

/// Returns the byte order when the bytes begin like UTF-16.
///
/// The mark of UTF-32 begins like that of UTF-16; UTF-32 is not read as text.
fn byte_order(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => Some(ByteOrder::Big),
        _ => None,
    }
}

/// Returns the text, what was done to get it, and where it comes from; nothing when it is not text.
pub(super) fn decode(mut bytes: Vec<u8>) -> Option<Decoded> {
    if let Some(order) = byte_order(&bytes) {
        return decode_utf16(bytes, order);
    }
    let shift = if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
        3
    } else {
        0
    };
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Some((text, Fidelity::default(), Offsets::shifted(shift))),
        Err(error) => error.into_bytes(),
    };
    let stray: usize = bytes.utf8_chunks().map(|part| part.invalid().len()).sum();
    if stray.saturating_mul(STRAY_BYTES_ONE_IN) > bytes.len() {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let fidelity = Fidelity {
        lossy: true,
        ..Fidelity::default()
    };
    Some((text, fidelity, Offsets::lossy(bytes, shift)))
}

/// Returns the text of a page, decoded as it says itself, if it says so and is not UTF-8.
pub(super) fn decode_page(bytes: Vec<u8>) -> Option<Decoded> {
    let has_mark = byte_order(&bytes).is_some() || bytes.starts_with(b"\xef\xbb\xbf");
    let encoding = if has_mark {
        None
    } else {
        charset::encoding_of(&bytes)
    };
    let Some(encoding) = encoding else {
        return decode(bytes);
    };
    let mut text = String::with_capacity(bytes.len());
    for unit in charset::units(&bytes, encoding) {
        text.push_str(&unit.text);
    }
    let fidelity = Fidelity {
        lossy: text.contains(char::REPLACEMENT_CHARACTER),
        converted: true,
        redacted: false,
    };
    Some((text, fidelity, Offsets::encoded(bytes, encoding)))
}

fn decode_utf16(bytes: Vec<u8>, order: ByteOrder) -> Option<Decoded> {
    let mut text = String::with_capacity(bytes.len());
    let mut stray = 0_usize;
    for (c, _) in order.decode(&bytes) {
        // Other formats can begin with the same two bytes; almost all of them hold zeros.
        if c == Some('\0') {
            return None;
        }
        stray += usize::from(c.is_none());
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if stray.saturating_mul(2 * STRAY_BYTES_ONE_IN) > bytes.len() {
        return None;
    }
    let fidelity = Fidelity {
        lossy: stray > 0,
        converted: true,
        redacted: false,
    };
    Some((text, fidelity, Offsets::utf16(bytes, order)))
}
