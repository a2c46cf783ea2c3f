//! Cases side by side, one thread for each processor.

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tries cases side by side and returns those that failed, each with its number, in their order.
///
/// Each thread prepares what its cases share. A case that panics has failed; the others go on.
pub fn side_by_side<S>(
    cases: usize,
    prepare: impl Fn() -> S + Sync,
    one: impl Fn(&mut S, usize) -> Result<(), String> + Sync,
) -> Vec<(usize, String)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let mut shared = None;
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= cases {
                break;
            }
            let shared = shared.get_or_insert_with(&prepare);
            if let Err(what) = tried(|| one(shared, case)) {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push((case, what));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(cases) {
            scope.spawn(work);
        }
    });
    let mut failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    failures.sort();
    failures
}

/// Tries something; a panic is an error that says what the panic said.
///
/// # Errors
/// What the case or its panic says.
pub fn tried(one: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(one))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_tried_once_and_failures_are_told_in_order() {
        let seen = Mutex::new(Vec::new());
        let failures = side_by_side(
            100,
            || 1_usize,
            |step, case| {
                seen.lock().unwrap().push(case * *step);
                match case {
                    70 => Err("refused".to_owned()),
                    7 => panic!("at seven"),
                    _ => Ok(()),
                }
            },
        );
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        let failed: Vec<_> = failures
            .iter()
            .map(|(case, what)| (*case, &**what))
            .collect();
        assert_eq!(failed, [(7, "panicked: at seven"), (70, "refused")]);
        assert_eq!(side_by_side(0, || (), |(), _| Ok(())), []);
    }
}
