//! The bad days: an edit within the clock's resolution that is taken for no
//! edit, and two files that are taken for one.

use std::path::Path;

use steadfast_model::{ContentHash, Fingerprint, Timestamp};

use super::{FileState, SkipReason, Verdict, racy, source_name, source_of, unchanged};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn state() -> FileState {
    FileState {
        size: 10,
        mtime_ns: 1_600_000_000_000_000_000,
        ctime_ns: 1_600_000_000_000_000_001,
        inode: 7,
        device: 1,
    }
}

fn fingerprint(state: &FileState) -> Fingerprint {
    Fingerprint {
        size: state.size,
        mtime_ns: state.mtime_ns,
        ctime_ns: state.ctime_ns,
        inode: state.inode,
        hash: ContentHash::of(""),
        racy: racy(state, NOW),
    }
}

#[test]
fn each_difference_means_that_the_file_must_be_read() {
    let known = fingerprint(&state());
    assert_eq!(unchanged(&known, &state()), Verdict::Unchanged);
    let edits: [fn(&mut FileState); 5] = [
        |state| state.size += 1,
        |state| state.mtime_ns += 1,
        |state| state.mtime_ns -= 1,
        |state| state.ctime_ns += 1,
        |state| state.inode += 1,
    ];
    for edit in edits {
        let mut changed = state();
        edit(&mut changed);
        assert_eq!(unchanged(&known, &changed), Verdict::MustRead);
    }
}

#[test]
fn times_close_to_the_reading_prove_nothing() {
    let now_ns = NOW.0 * 1_000_000;
    for (mtime_ns, expected) in [
        (now_ns - 2_000_000_000, false),
        (now_ns - 1_999_999_999, true),
        (now_ns, true),
        (now_ns + 3_600_000_000_000, true),
    ] {
        for state in [
            FileState {
                mtime_ns,
                ..state()
            },
            FileState {
                ctime_ns: mtime_ns,
                ..state()
            },
        ] {
            assert_eq!(racy(&state, NOW), expected);
            let verdict = if expected {
                Verdict::MustRead
            } else {
                Verdict::Unchanged
            };
            assert_eq!(unchanged(&fingerprint(&state), &state), verdict);
        }
    }
}

#[test]
fn reasons_have_names_of_their_own() {
    let names: std::collections::BTreeSet<&str> = SkipReason::ALL
        .into_iter()
        .map(SkipReason::as_str)
        .collect();
    assert_eq!(names.len(), SkipReason::ALL.len());
}

#[test]
fn a_name_in_utf_8_is_its_own_name() {
    for name in ["/a/b", "/a/100%25", "/a/%FF", "/\u{e4}/\u{4e00}"] {
        assert_eq!(source_name(Path::new(name)), name);
    }
}

#[test]
fn what_is_gone_can_still_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let known = source_of(folder.path()).unwrap();
    let gone = source_of(&folder.path().join("gone/too")).unwrap();
    assert_eq!(Path::new(&gone), Path::new(&known).join("gone").join("too"));
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below = source_of(&folder.path().join("file/below")).unwrap();
    assert_eq!(
        Path::new(&below),
        Path::new(&known).join("file").join("below")
    );
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    fn name_of(bytes: &[u8]) -> String {
        source_name(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn stray_bytes_are_shown_and_only_their_name_is_escaped() {
        assert_eq!(name_of(b"/50%/caf\xe9%/x%"), "/50%/caf%E9%25/x%");
        assert_eq!(name_of(b"/\xff\xfe"), "/%FF%FE");
    }

    #[test]
    fn links_are_resolved() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        assert_eq!(
            source_of(&folder.path().join("link")).unwrap(),
            source_of(&folder.path().join("file")).unwrap()
        );
        std::os::unix::fs::symlink("nothing", folder.path().join("broken")).unwrap();
        assert!(
            source_of(&folder.path().join("broken"))
                .unwrap()
                .ends_with("/broken")
        );
    }

    proptest! {
        #[test]
        fn no_two_stray_names_read_the_same(
            a in prop::collection::vec(prop_oneof![Just(b'%'), Just(b'F'), Just(0xff), Just(0xc3), Just(0xa4)], 0..8),
            b in prop::collection::vec(prop_oneof![Just(b'%'), Just(b'F'), Just(0xff), Just(0xc3), Just(0xa4)], 0..8),
        ) {
            prop_assume!(a != b);
            prop_assume!(std::str::from_utf8(&a).is_err() && std::str::from_utf8(&b).is_err());
            prop_assert_ne!(name_of(&a), name_of(&b));
        }
    }
}
