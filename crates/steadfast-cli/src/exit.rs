//! Exit codes, and which kind of error has which.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Done = 0,
    /// Nothing was found, or a check found something.
    Found = 1,
    /// The call or the configuration is wrong, or something that it names does not exist.
    Usage = 2,
    /// Somebody else is at it; try again later.
    Busy = 3,
    /// The store is damaged or unreadable.
    Damaged = 4,
    /// The store needs a newer version.
    TooNew = 5,
    /// The system refused.
    Refused = 6,
    /// A mistake of ours.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Returns the code for a kind of error.
    pub(crate) fn of_kind(kind: &str) -> Self {
        match kind {
            "busy" | "server_unreachable" => Self::Busy,
            "damaged" | "io" | "poisoned" => Self::Damaged,
            "schema_too_new" | "bundle_too_new" => Self::TooNew,
            "read_only"
            | "disk_full"
            | "permission"
            | "too_many_open_files"
            | "store_full"
            | "output" => Self::Refused,
            "internal" | "embedder" => Self::Bug,
            // All others say that the call does not fit what is there.
            _ => Self::Usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_error_has_its_code() {
        for (kind, code) in [
            ("store_not_found", 2),
            ("path_not_found", 2),
            ("invalid_filter", 2),
            ("unsupported_filter", 2),
            ("invalid_cursor", 2),
            ("idempotency_conflict", 2),
            ("busy", 3),
            ("server_unreachable", 3),
            ("server_refused", 2),
            ("server_malformed", 2),
            ("damaged", 4),
            ("io", 4),
            ("schema_too_new", 5),
            ("bundle_too_new", 5),
            ("read_only", 6),
            ("disk_full", 6),
            ("permission", 6),
            ("too_many_open_files", 6),
            ("internal", 70),
        ] {
            assert_eq!(Exit::of_kind(kind) as u8, code, "{kind}");
        }
    }
}
