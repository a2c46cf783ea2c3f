//! The bad day: a file system without shared memory, from the first moment on; locks that fail for a moment, or for good.

use std::sync::Arc;

use steadfast::model::Fault as _;
use steadfast::{Journal, Memory, Note, SearchRequest};
use steadfast_testkit::{Fault, FaultDisk, Operation, Times, scratch};

fn options(disk: &FaultDisk, journal: Journal) -> steadfast::Options {
    Memory::options()
        .create(true)
        .journal(journal)
        .disk(Arc::new(disk.clone()))
}

fn fault(operation: Operation, times: Times, code: i32) -> Fault {
    Fault {
        operation,
        after: 0,
        times,
        code,
    }
}

#[test]
fn a_store_is_created_where_shared_memory_cannot_be_had() {
    for code in Operation::SharedMap.codes() {
        let scratch = scratch().unwrap();
        let disk = FaultDisk::new(scratch.path()).unwrap();
        disk.set(Some(fault(Operation::SharedMap, Times::Always, *code)));
        let store = scratch.path().join("store");
        let memory = options(&disk, Journal::Auto).open(&store).unwrap();
        memory
            .remember(&Note::new("The ferry leaves at nine."))
            .unwrap();
        let status = memory.status().unwrap();
        assert_eq!(status.journal, "truncate", "{code}");
        assert_eq!(status.problems[0].code, "opened_with_care", "{code}");
        drop(memory);
        let again = options(&disk, Journal::Auto).open(&store).unwrap();
        let answer = again.search(&SearchRequest::new("ferry")).unwrap();
        assert_eq!(answer.hits.len(), 1, "{code}");
        assert!(
            again.status().unwrap().problems.is_empty(),
            "it opens the plain way now"
        );
    }
}

#[test]
fn a_lock_that_fails_for_a_moment_is_tried_again_and_one_that_fails_for_good_is_told_soon() {
    for journal in [Journal::Wal, Journal::Truncate] {
        let scratch = scratch().unwrap();
        let disk = FaultDisk::new(scratch.path()).unwrap();
        let store = scratch.path().join("store");
        disk.set(None);
        drop(options(&disk, journal).open(&store).unwrap());
        // PROTOCOL, BUSY_RECOVERY, BUSY_SNAPSHOT: SQLite itself does not wait for the end of these.
        for code in [15, 261, 517] {
            disk.set(Some(fault(Operation::Lock, Times::Once, code)));
            let memory = options(&disk, journal).open(&store).unwrap();
            assert!(disk.struck() > 0, "{code}");
            drop(memory);
        }
        disk.set(Some(fault(Operation::Lock, Times::Always, 15)));
        let error = options(&disk, journal).open(&store).err().unwrap();
        assert_eq!(error.kind(), "busy");
        let struck = disk.struck();
        assert!(
            (2..=100).contains(&struck),
            "{struck}: tried again, and no storm"
        );
        disk.set(None);
        assert!(options(&disk, journal).open(&store).is_ok());
    }
}
