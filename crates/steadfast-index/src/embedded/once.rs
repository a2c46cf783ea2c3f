//! What a snapshot reads when it is first asked for, and keeps.

use std::cell::OnceCell;

use steadfast_store::StoreError;

/// Returns what is in the cell, made first where there is nothing.
pub(super) fn get_or_try<T>(
    cell: &OnceCell<T>,
    make: impl FnOnce() -> Result<T, StoreError>,
) -> Result<&T, StoreError> {
    if cell.get().is_none() {
        let value = make()?;
        // Nobody else can have set it: the cell is not shared between threads.
        drop(cell.set(value));
    }
    cell.get()
        .ok_or_else(|| StoreError::Internal("a cell stayed empty".to_owned()))
}
