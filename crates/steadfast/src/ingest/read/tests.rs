//! The bad days: a span that names the wrong bytes because the text had been
//! mended, a file that is torn because it was written to while it was read,
//! and an indexer that hangs on a pipe.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::ingest::identify::{Verdict, unchanged};

const LATER: Timestamp = Timestamp(i64::MAX / 2_000_000);

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn state(path: &Path) -> FileState {
    FileState::from_metadata(&fs::symlink_metadata(path).unwrap())
}

fn read(path: &Path) -> Result<ReadFile, Skip> {
    read_file(path, &state(path), LATER, ReadLimits::default())
}

fn read_bytes(bytes: &[u8]) -> Result<ReadFile, Skip> {
    let folder = Folder::new();
    read(&folder.write("file.txt", bytes))
}

#[test]
fn plain_text_is_itself_and_its_fingerprint_proves_it() {
    let folder = Folder::new();
    let path = folder.write("a.md", b"one\r\ntwo\n");
    let file = read(&path).unwrap();
    assert_eq!(file.text, "one\r\ntwo\n");
    assert_eq!(file.fidelity, Fidelity::default());
    assert_eq!(file.offsets.in_file([0, 5, 9]), [0, 5, 9]);
    assert_eq!(file.fingerprint.hash, ContentHash::of("one\r\ntwo\n"));
    assert!(!file.fingerprint.racy);
    assert_eq!(
        unchanged(&file.fingerprint, &state(&path)),
        Verdict::Unchanged
    );
}

#[test]
fn a_file_that_was_just_written_is_racy() {
    let folder = Folder::new();
    let path = folder.write("a.md", b"one");
    let state = state(&path);
    let now = Timestamp(state.mtime_ns / 1_000_000);
    let file = read_file(&path, &state, now, ReadLimits::default()).unwrap();
    assert!(file.fingerprint.racy);
    assert_eq!(unchanged(&file.fingerprint, &state), Verdict::MustRead);
}

#[test]
fn an_empty_file_is_an_empty_text() {
    let file = read_bytes(b"").unwrap();
    assert_eq!(file.text, "");
    assert_eq!(file.fingerprint.size, 0);
}

#[test]
fn a_byte_order_mark_is_left_out_and_counted() {
    let file = read_bytes(b"\xef\xbb\xbfabc").unwrap();
    assert_eq!(file.text, "abc");
    assert_eq!(file.fidelity, Fidelity::default());
    assert_eq!(file.offsets.in_file([0, 3]), [3, 6]);
    assert_eq!(read_bytes(b"\xef\xbb\xbf").unwrap().text, "");
}

#[test]
fn stray_bytes_are_replaced_and_spans_name_the_original() {
    let file = read_bytes(b"caf\xe9 au lait\n\xff\xfeend").unwrap();
    assert_eq!(file.text, "caf\u{fffd} au lait\n\u{fffd}\u{fffd}end");
    assert!(file.fidelity.lossy && !file.fidelity.converted);
    let places = [0, 3, 6, 7, 15, 18, 21, 24];
    assert_eq!(file.offsets.in_file(places), [0, 3, 4, 5, 13, 14, 15, 18]);
}

#[test]
fn utf_16_is_converted_and_spans_name_the_original() {
    for big in [false, true] {
        let mut bytes = Vec::new();
        for unit in "\u{feff}a\u{e4}\u{4e00}\u{1f600}\n".encode_utf16() {
            bytes.extend(if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
        let file = read_bytes(&bytes).unwrap();
        assert_eq!(file.text, "a\u{e4}\u{4e00}\u{1f600}\n");
        assert!(file.fidelity.converted && !file.fidelity.lossy);
        assert_eq!(
            file.offsets.in_file([0, 1, 3, 6, 10, 11]),
            [2, 4, 6, 8, 12, 14]
        );
    }
}

#[test]
fn what_is_not_text_is_skipped_and_need_not_be_looked_at_again() {
    let mut late_zero = vec![b'a'; 8 << 10];
    late_zero.push(0);
    assert!(read_bytes(&late_zero).is_ok());
    for bytes in [
        &b"\x7fELF\0\0"[..],
        &late_zero[1..],
        &[0xc3; 64],
        b"\xff\xfe\0\0a\0\0\0",
        b"\xff\xfea\0\0\0",
    ] {
        let skip = read_bytes(bytes).unwrap_err();
        assert_eq!(skip.reason, SkipReason::Binary);
        assert!(skip.fingerprint.is_some());
    }
    let folder = Folder::new();
    let skip = read(&folder.write("a.PNG", b"text")).unwrap_err();
    assert_eq!((skip.reason, skip.fingerprint), (SkipReason::Binary, None));
}

#[test]
fn the_limit_is_the_last_size_that_is_read() {
    let folder = Folder::new();
    let path = folder.write("a.txt", &[b'a'; 10_000]);
    let limit = |file_bytes_max| ReadLimits { file_bytes_max };
    let state = state(&path);
    assert!(read_file(&path, &state, LATER, limit(10_000)).is_ok());
    let skip = read_file(&path, &state, LATER, limit(9_999)).unwrap_err();
    assert_eq!(skip.reason, SkipReason::TooLarge);
    assert_eq!(
        skip.to_string(),
        "it is larger than the limit: 10000 bytes, the limit is 9999"
    );
    // It grew after it was found.
    let found = FileState { size: 1, ..state };
    let skip = read_file(&path, &found, LATER, limit(9_999)).unwrap_err();
    assert_eq!(skip.reason, SkipReason::TooLarge);
}

#[test]
fn what_went_away_is_vanished() {
    let folder = Folder::new();
    let path = folder.write("a.txt", b"a");
    let state = state(&path);
    fs::rename(&path, folder.path("b.txt")).unwrap();
    let skip = read_file(&path, &state, LATER, ReadLimits::default()).unwrap_err();
    assert_eq!(skip.reason, SkipReason::Vanished);
    assert!(skip.reason.is_passing());
}

#[test]
fn a_file_that_was_edited_since_it_was_found_is_read_as_it_is_now() {
    let folder = Folder::new();
    let path = folder.write("a.txt", b"old");
    let found = state(&path);
    fs::write(&path, b"newer").unwrap();
    let file = read_file(&path, &found, LATER, ReadLimits::default()).unwrap();
    assert_eq!(file.text, "newer");
    assert_eq!(
        unchanged(&file.fingerprint, &state(&path)),
        Verdict::Unchanged
    );
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_that_was_replaced_since_it_was_found_is_read_as_it_is_now() {
        let folder = Folder::new();
        let path = folder.write("a.txt", b"old");
        let found = state(&path);
        fs::rename(folder.write("b.txt", b"replacement"), &path).unwrap();
        let file = read_file(&path, &found, LATER, ReadLimits::default()).unwrap();
        assert_eq!(file.text, "replacement");
        assert_eq!(
            unchanged(&file.fingerprint, &state(&path)),
            Verdict::Unchanged
        );
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
        let folder = Folder::new();
        let path = folder.write("a.txt", b"old");
        let found = state(&path);
        fs::rename(&path, folder.path("b.txt")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let skip = read_file(&path, &found, LATER, ReadLimits::default()).unwrap_err();
        assert_eq!(skip.reason, SkipReason::NotAFile);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let folder = Folder::new();
        let path = folder.write("a.txt", b"old");
        let found = state(&path);
        fs::rename(&path, folder.path("kept.txt")).unwrap();
        let secret = folder.write("secret.txt", b"secret");
        symlink(secret, &path).unwrap();
        let skip = read_file(&path, &found, LATER, ReadLimits::default()).unwrap_err();
        assert_eq!(skip.reason, SkipReason::Symlink);
    }

    #[test]
    fn what_may_not_be_read_says_what_the_system_said() {
        let folder = Folder::new();
        let path = folder.write("a.txt", b"a");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
        // The superuser may read everything.
        if fs::File::open(&path).is_ok() {
            return;
        }
        let skip = read(&path).unwrap_err();
        assert_eq!(skip.reason, SkipReason::Unreadable);
        assert!(skip.detail.starts_with("permission denied"));
    }

    #[test]
    fn a_file_whose_size_is_a_lie_is_always_changing() {
        let path = Path::new("/proc/self/status");
        if !path.exists() {
            return;
        }
        assert_eq!(read(path).unwrap_err().reason, SkipReason::Changing);
    }
}

proptest! {
    /// Whatever the bytes, each span of the text comes from bytes that decode to it.
    #[test]
    fn spans_lead_back_to_bytes_that_read_the_same(
        bytes in prop::collection::vec(
            prop_oneof![6 => 0x20_u8..0x7f, 1 => Just(b'\n'), 1 => any::<u8>()], 0..200),
    ) {
        prop_assume!(!bytes.contains(&0) && !bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff"));
        if let Ok(file) = read_bytes(&bytes) {
            let places: Vec<usize> = file
                .text
                .char_indices()
                .map(|(place, _)| place)
                .chain([file.text.len()])
                .collect();
            let in_file = file.offsets.in_file(places.iter().copied());
            prop_assert_eq!(in_file.last().copied(), Some(bytes.len() as u64));
            let in_file: Vec<usize> = in_file.into_iter().map(|at| usize::try_from(at).unwrap()).collect();
            for (text, original) in places.windows(2).zip(in_file.windows(2)) {
                let original = &bytes[original[0]..original[1]];
                let read = String::from_utf8_lossy(original);
                prop_assert_eq!(&file.text[text[0]..text[1]], &*read);
            }
        }
    }

    #[test]
    fn utf_16_spans_lead_back_to_units_that_read_the_same(text in "[a-z\u{e4}\u{4e00}\u{1f600}\n]{0,60}") {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let file = read_bytes(&bytes).unwrap();
        prop_assert_eq!(&file.text, &text);
        for (place, _) in text.char_indices() {
            let expected = 2 + 2 * text[..place].encode_utf16().count() as u64;
            prop_assert_eq!(file.offsets.in_file([place]), [expected]);
        }
    }
}
