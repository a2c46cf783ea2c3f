//! The shapes that programs read, from the command and from the server alike.
//!
//! These are a contract (docs/reference/json.md): fields may be added, none may
//! be renamed or dropped. Deliberately not here: types that derive their shape,
//! where renaming a field in the library would rename it outside.

mod objects;
mod parts;

pub use objects::{
    answer, causes, error, forgotten, found, import_report, index_report, library_error, listing,
    remembered, status, verification,
};
pub use parts::{
    chunk, coverage, event, finding, hit, names, neighbours, number, root, set, source,
};
