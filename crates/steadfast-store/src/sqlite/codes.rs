//! What an SQLite result code means for us, by extended numeric code and never by message text.

use std::path::Path;

use rusqlite::ffi;

use crate::error::StoreError;

/// What to do about a result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeClass {
    /// Somebody else holds a lock; waiting helps.
    Busy,
    /// A side file or the file itself cannot be opened or mapped; the opening ladder has a rung for it.
    Unopenable,
    /// It can only be read.
    ReadOnly,
    /// The disk is full.
    Full,
    /// The disk failed; after a write its fate is open.
    Io,
    /// The bytes are wrong.
    Corrupt,
    /// Access was refused.
    Permission,
    /// A mistake of ours.
    Internal,
}

/// Returns the class of an extended result code.
///
/// The numbers are those of `sqlite3.h`: the low byte is the primary code.
pub fn class_of(code: i32) -> CodeClass {
    match code {
        // READONLY_RECOVERY, _CANTLOCK, _CANTINIT and CANTOPEN stand for a -shm that cannot be
        // had. So do IOERR_SHMOPEN, _SHMSIZE, _SHMMAP, _SHMLOCK and, on Windows, IOERR_IN_PAGE.
        264 | 520 | 1288 | 4618 | 4874 | 5386 | 5130 | 8714 => CodeClass::Unopenable,
        // IOERR_DATA: a checksum of the page does not fit.
        8202 => CodeClass::Corrupt,
        _ => match code & 0xff {
            // CANTOPEN and all its kinds.
            14 => CodeClass::Unopenable,
            // BUSY (with _RECOVERY 261, _SNAPSHOT 517, _TIMEOUT 773), LOCKED, PROTOCOL.
            5 | 6 | 15 => CodeClass::Busy,
            8 => CodeClass::ReadOnly,
            13 => CodeClass::Full,
            // IOERR and all its kinds, among them FSYNC 1034, TRUNCATE 1546, LOCK 3850, CORRUPTFS 8458.
            // NOMEM: the system has refused, or a damaged header asks for what no system has.
            10 | 7 => CodeClass::Io,
            // CORRUPT, NOTADB. TOOBIG: our texts are far below the limit, so a damaged row claims a length. CONSTRAINT
            // and MISMATCH: what we write fits the tables and what is in them, unless they are not what was written.
            11 | 26 | 18 | 19 | 20 => CodeClass::Corrupt,
            // PERM, AUTH.
            3 | 23 => CodeClass::Permission,
            _ => CodeClass::Internal,
        },
    }
}

/// Returns the extended code of an error, when SQLite gave one.
pub(super) fn code_of(error: &rusqlite::Error) -> Option<i32> {
    if let rusqlite::Error::SqlInputError { error, .. } = error {
        return Some(error.extended_code);
    }
    error.sqlite_error().map(|cause| cause.extended_code)
}

/// Returns our error for one of SQLite's, on the store at `path`.
pub(super) fn translate(path: &Path, error: &rusqlite::Error) -> StoreError {
    let what = error.to_string();
    let path = path.to_owned();
    // Our statements are compiled by every test: one that no longer fits the tables has met other tables. SQLite
    // tells where in the statement only sometimes.
    if code_of(error) == Some(ffi::SQLITE_ERROR) {
        let what = format!("its tables are not as they were made: {what}");
        return StoreError::Damaged { path, what };
    }
    let Some(code) = code_of(error) else {
        // A column that does not hold what the schema says, or a row that is gone: rot, or a foreign hand.
        let is_rot = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                // What may be missing is asked for as an option.
                | rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        );
        return if is_rot {
            StoreError::Damaged { path, what }
        } else {
            StoreError::Internal(what)
        };
    };
    match class_of(code) {
        CodeClass::Busy => StoreError::Busy {
            what: path.display().to_string(),
            waited_ms: BUSY_WAIT_MS,
        },
        CodeClass::Unopenable | CodeClass::Io => StoreError::Io {
            path,
            what: format!("{what} (code {code})"),
        },
        CodeClass::ReadOnly => StoreError::ReadOnly { path, what },
        CodeClass::Full => StoreError::DiskFull { path },
        CodeClass::Corrupt => StoreError::Damaged { path, what },
        CodeClass::Permission => StoreError::Permission { path, what },
        CodeClass::Internal => StoreError::Internal(format!("{what} (code {code})")),
    }
}

/// How long SQLite itself waits for a lock before it says busy.
pub(super) const BUSY_WAIT_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use steadfast_model::{Fault as _, Retry};

    /// What becomes of each class: the kind that a user is told, and whether to try again.
    fn outcome(class: CodeClass) -> (&'static str, Retry) {
        match class {
            CodeClass::Busy => ("busy", Retry::Now),
            CodeClass::Unopenable | CodeClass::Io => ("io", Retry::After),
            CodeClass::ReadOnly => ("read_only", Retry::After),
            CodeClass::Full => ("disk_full", Retry::After),
            CodeClass::Corrupt => ("damaged", Retry::Never),
            CodeClass::Permission => ("permission", Retry::After),
            CodeClass::Internal => ("internal", Retry::Never),
        }
    }

    /// Every code of `sqlite3.h` that stands for an error, primary and extended, with its class.
    const TABLE: [(CodeClass, &[i32]); 8] = [
        (CodeClass::Busy, &[5, 261, 517, 773, 6, 262, 518, 15]),
        (
            CodeClass::Unopenable,
            &[
                14, 270, 526, 782, 1038, 1294, 1550, 264, 520, 1288, 4618, 4874, 5130, 5386, 8714,
            ],
        ),
        (CodeClass::ReadOnly, &[8, 776, 1032, 1544]),
        (CodeClass::Full, &[13]),
        (
            CodeClass::Io,
            &[
                10, 266, 522, 778, 1034, 1290, 1546, 1802, 2058, 2314, 2570, 2826, 3082, 3338,
                3594, 3850, 4106, 4362, 5642, 5898, 6154, 6410, 6666, 6922, 7178, 7434, 7690, 7946,
                8458, 8970, 9226, 7,
            ],
        ),
        (
            CodeClass::Corrupt,
            &[
                11, 267, 523, 779, 26, 8202, 18, 20, 19, 275, 531, 787, 1043, 1299, 1555, 1811,
                2067, 2323, 2579, 2835, 3091,
            ],
        ),
        (CodeClass::Permission, &[3, 23, 279]),
        // What only a mistake of ours can bring about.
        (
            CodeClass::Internal,
            &[
                1, 257, 513, 769, 1025, 1281, 1537, 2, 4, 516, 9, 12, 16, 17, 21, 22, 24, 25,
            ],
        ),
    ];

    #[test]
    fn every_code_has_its_class_and_every_class_its_outcome() {
        let mut seen = std::collections::BTreeSet::new();
        for (class, codes) in TABLE {
            for &code in codes {
                assert!(seen.insert(code), "{code} twice");
                assert_eq!(class_of(code), class, "{code}");
                let failure = rusqlite::ffi::Error::new(code);
                assert_eq!(failure.extended_code, code);
                let error = rusqlite::Error::SqliteFailure(failure, Some("it says".to_owned()));
                let told = translate(Path::new("/store"), &error);
                // A statement of ours that does not compile has met other tables than ours.
                let wanted = if code == ffi::SQLITE_ERROR {
                    outcome(CodeClass::Corrupt)
                } else {
                    outcome(class)
                };
                assert_eq!((told.kind(), told.retry()), wanted, "{code}");
                assert!(told.hint().is_some_and(|hint| hint.len() > 10), "{code}");
            }
        }
        for primary in 1..=26 {
            assert!(seen.contains(&primary), "{primary} is not in the table");
        }
    }

    #[test]
    fn a_code_is_told_by_its_number_whatever_the_message_says() {
        let lying = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(13),
            Some("database is locked".to_owned()),
        );
        assert_eq!(translate(Path::new("/store"), &lying).kind(), "disk_full");
    }

    #[test]
    fn tables_that_are_not_ours_any_more_are_damage() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let path = Path::new("store");
        let gone = connection.prepare("SELECT a FROM gone").unwrap_err();
        let misspelt = connection.prepare("SELECT FROM").unwrap_err();
        let batch = connection.execute_batch("DROP TABLE gone").unwrap_err();
        let empty = connection.query_row("SELECT 1 WHERE 0", [], |_| Ok(()));
        for error in [gone, misspelt, batch, empty.unwrap_err()] {
            let ours = translate(path, &error);
            assert!(matches!(ours, StoreError::Damaged { .. }), "{ours:?}");
        }
    }
}
