//! Events of hosts that come over HTTP: a POST to `/hooks/EVENT`, with what a command gets on its standard input.
//!
//! The answer is the host's own JSON, with status 200 also when the memory cannot be used: a host is told so, and
//! goes on. Transcripts are filed on a thread of their own, one at a time.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::hooks::event::{self, Event, Told};
use crate::hooks::file::{Patience, file_all};
use crate::hooks::host::Call;
use crate::hooks::spool::Spool;
use crate::store::Store;
use crate::wake::BUDGET_TOKENS_RANGE;

/// What is said to the user when the memory cannot be used.
const TROUBLE: &str = "Steadfast: the memory cannot be used";

/// The part of the server that answers hosts.
#[derive(Clone)]
pub(super) struct Hooks {
    store: Arc<Store>,
    home: Option<PathBuf>,
    filing: Arc<Filing>,
}

/// Whether somebody files, and whether there is more to be filed.
#[derive(Debug, Default)]
struct Filing {
    is_wanted: AtomicBool,
    is_running: AtomicBool,
}

impl Hooks {
    pub(super) fn new(store: Arc<Store>, home: Option<PathBuf>) -> Self {
        Self {
            store,
            home,
            filing: Arc::default(),
        }
    }

    /// Files what was left behind by others.
    pub(super) fn begin(&self) {
        if Spool::of_store(&self.store.settings().folder).has_requests() {
            self.file();
        }
    }

    /// Answers an event; to be called where waiting is no harm.
    pub(super) fn answer(&self, event: Event, query: Option<&str>, body: &[u8]) -> Value {
        let call = Call::read(body);
        let told = Told {
            event,
            project: self.project(&call),
            home: self.home.clone(),
            budget_tokens: budget(query),
            call,
        };
        let done = panic::catch_unwind(AssertUnwindSafe(|| event::answer(&told, &self.store)));
        let trouble = |what: &str| told.call.notice(&format!("{TROUBLE}: {what}"));
        match done {
            Ok(Ok(answer)) => {
                if answer.is_waiting {
                    self.file();
                }
                answer.object
            }
            Ok(Err(flaw)) => trouble(&flaw.message()),
            Err(_) => trouble("internal error"),
        }
    }

    fn project(&self, call: &Call) -> PathBuf {
        let folder = call.folder.clone().filter(|folder| folder.is_dir());
        let folder = folder.unwrap_or_else(|| self.store.settings().here.clone());
        std::fs::canonicalize(&folder).unwrap_or(folder)
    }

    /// Files what waits, behind whoever files already.
    fn file(&self) {
        let filing = &self.filing;
        filing.is_wanted.store(true, Ordering::SeqCst);
        if filing.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        let (shared, store) = (Arc::clone(filing), Arc::clone(&self.store));
        let work = move || shared.work(&store);
        let started = std::thread::Builder::new()
            .name("filing".to_owned())
            .spawn(work);
        if started.is_err() {
            // The request stays for the next event.
            filing.is_running.store(false, Ordering::SeqCst);
        }
    }
}

impl Filing {
    fn work(&self, store: &Store) {
        loop {
            while self.is_wanted.swap(false, Ordering::SeqCst) {
                // What failed waits in the spool, and status tells of it.
                drop(panic::catch_unwind(AssertUnwindSafe(|| {
                    file_all(store, Patience::Leave)
                })));
            }
            self.is_running.store(false, Ordering::SeqCst);
            // Something may have come between the last look and the end: whoever takes the work goes on.
            let is_left = self.is_wanted.load(Ordering::SeqCst);
            if !is_left || self.is_running.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }
}

/// Returns the budget that an address names; 0 when it names none.
fn budget(query: Option<&str>) -> usize {
    query
        .unwrap_or_default()
        .split('&')
        .find_map(|part| part.strip_prefix("budget=")?.parse().ok())
        .filter(|budget| BUDGET_TOKENS_RANGE.contains(budget))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_taken_when_it_is_one() {
        for (query, wanted) in [
            (None, 0),
            (Some("budget=300"), 300),
            (Some("a=1&budget=300"), 300),
            (Some("budget=1"), 0),
            (Some("budget=many"), 0),
        ] {
            assert_eq!(budget(query), wanted, "{query:?}");
        }
    }
}
