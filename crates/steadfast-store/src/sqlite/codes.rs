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
        264 | 520 | 1288 | 14 | 270 | 526 | 782 | 1038 | 1294 | 4618 | 4874 | 5386 | 5130
        | 8714 => CodeClass::Unopenable,
        _ => match code & 0xff {
            // BUSY (with _RECOVERY 261, _SNAPSHOT 517, _TIMEOUT 773), LOCKED, PROTOCOL.
            5 | 6 | 15 => CodeClass::Busy,
            8 => CodeClass::ReadOnly,
            13 => CodeClass::Full,
            // IOERR and all its kinds, among them FSYNC 1034, TRUNCATE 1546, LOCK 3850, CORRUPTFS 8458.
            // NOMEM: the system has refused, or a damaged header asks for what no system has.
            10 | 7 => CodeClass::Io,
            // CORRUPT, NOTADB.
            11 | 26 => CodeClass::Corrupt,
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

    #[test]
    fn every_code_that_bit_an_ancestor_has_its_class() {
        for (code, class) in [
            (14, CodeClass::Unopenable),
            (1546, CodeClass::Io),
            (4618, CodeClass::Unopenable),
            (4874, CodeClass::Unopenable),
            (5386, CodeClass::Unopenable),
            (8714, CodeClass::Unopenable),
            (8, CodeClass::ReadOnly),
            (264, CodeClass::Unopenable),
            (520, CodeClass::Unopenable),
            (1288, CodeClass::Unopenable),
            (1544, CodeClass::ReadOnly),
            (261, CodeClass::Busy),
            (517, CodeClass::Busy),
            (15, CodeClass::Busy),
            (5130, CodeClass::Unopenable),
            (3850, CodeClass::Io),
            (1034, CodeClass::Io),
            (8458, CodeClass::Io),
            (7, CodeClass::Io),
            (13, CodeClass::Full),
            (11, CodeClass::Corrupt),
            (26, CodeClass::Corrupt),
        ] {
            assert_eq!(class_of(code), class, "{code}");
        }
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
