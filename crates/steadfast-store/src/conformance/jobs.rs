//! The queue of work: one per key, leased, tried again, given up.

use std::sync::Arc;
use std::time::Duration;

use steadfast_model::{Clock as _, FixedClock, Timestamp};

use super::bench::{Bench, START};
use crate::jobs::{JOB_ATTEMPTS_MAX, Job, Jobs};

const LEASE: Duration = Duration::from_mins(1);
/// Longer than any pause between two attempts.
const HOURS: i64 = 100 * 3_600_000;

fn claim(jobs: &dyn Jobs, kind: &str) -> Option<Job> {
    jobs.claim(kind, LEASE).expect("a claim")
}

fn enqueue(jobs: &dyn Jobs, kind: &str, key: &str, payload: &str) -> bool {
    jobs.enqueue(kind, key, payload).expect("an enqueue")
}

/// A job is added once per kind and key, and given out oldest first.
pub fn a_job_waits_once_per_key(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    assert_eq!(claim(jobs, "embed"), None);
    assert!(enqueue(jobs, "embed", "a", "first"));
    assert!(!enqueue(jobs, "embed", "a", "again"));
    assert!(enqueue(jobs, "embed", "b", "second"));
    assert!(enqueue(jobs, "other", "a", "third"));
    let first = claim(jobs, "embed").expect("the first");
    assert_eq!((first.key.as_str(), first.payload.as_str()), ("a", "first"));
    assert_eq!((first.kind.as_str(), first.attempt), ("embed", 1));
    let second = claim(jobs, "embed").expect("the second");
    assert_eq!(second.payload, "second");
    assert_eq!(claim(jobs, "embed"), None, "both are leased");
    assert!(jobs.complete(&first).expect("an end"));
    assert!(!jobs.complete(&first).expect("no second end"));
    assert!(enqueue(jobs, "embed", "a", "anew"));
    let health = backend.health().expect("a report");
    let counts = [("waiting".to_owned(), 2), ("leased".to_owned(), 1)];
    assert_eq!(health.jobs, counts);
}

/// A clock that was ahead for a while keeps no job from those whose clock is right.
pub fn a_clock_that_was_ahead_blocks_no_job(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    clock.set(Timestamp(START.0 + HOURS));
    assert!(enqueue(jobs, "purge", "waits", ""));
    assert!(enqueue(jobs, "purge", "is leased", ""));
    let left = claim(jobs, "purge").expect("a job");
    clock.set(START);
    let waiting = claim(jobs, "purge").expect("the one that waits");
    assert_ne!(waiting.key, left.key);
    assert!(jobs.complete(&waiting).expect("an end"));
    // Its holder is gone: it was given back like one whose lease ran out, and its pause is over.
    clock.set(Timestamp(START.0 + 1_000));
    let again = claim(jobs, "purge").expect("the one that was leased");
    assert_eq!((again.key, again.attempt), (left.key, 2));
}

/// Work that turns up while a job of its key is being done may be too late for it: it waits its turn.
pub fn a_job_that_comes_while_one_is_at_work_is_kept(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    assert!(enqueue(jobs, "purge", "purge", "one"));
    let at_work = claim(jobs, "purge").expect("the job");
    assert!(
        enqueue(jobs, "purge", "purge", "two"),
        "the one at work may have looked already"
    );
    assert!(!enqueue(jobs, "purge", "purge", "three"));
    assert_eq!(
        claim(jobs, "purge"),
        None,
        "two of one key are never at work at once"
    );
    assert!(jobs.complete(&at_work).expect("an end"));
    let next = claim(jobs, "purge").expect("the one that came later");
    assert_eq!((next.payload.as_str(), next.attempt), ("two", 1));

    // When the one at work fails, the one that waits does the work of both.
    assert!(enqueue(jobs, "purge", "purge", "four"));
    jobs.fail(&next, "no luck").expect("a failure");
    let last = claim(jobs, "purge").expect("the last");
    assert_eq!(last.payload, "four");
    assert!(jobs.complete(&last).expect("an end"));
    clock.set(Timestamp(START.0 + HOURS));
    assert_eq!(claim(jobs, "purge"), None);
}

/// A lease that ran out passes the job on; its first holder can no longer end it.
pub fn a_lease_runs_out_and_passes_on(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    enqueue(jobs, "embed", "a", "payload");
    let slow = claim(jobs, "embed").expect("the job");
    clock.set(Timestamp(START.0 + 59_999));
    assert_eq!(claim(jobs, "embed"), None, "the lease holds");
    clock.set(Timestamp(START.0 + 60_000));
    assert_eq!(
        claim(jobs, "embed"),
        None,
        "it ran out; the job pauses before it is tried again"
    );
    clock.set(Timestamp(START.0 + 60_000 + HOURS));
    let quick = claim(jobs, "embed").expect("the job again");
    assert_eq!((quick.id, quick.attempt), (slow.id, 2));
    assert!(
        !jobs.complete(&slow).expect("an answer"),
        "the lease was given to another"
    );
    jobs.fail(&slow, "too late").expect("nothing to fail");
    assert!(jobs.complete(&quick).expect("an end"));
    assert_eq!(claim(jobs, "embed"), None);
    // A clock that jumps back leases nothing twice.
    enqueue(jobs, "embed", "b", "payload");
    let held = claim(jobs, "embed").expect("the next");
    clock.set(START);
    assert_eq!(claim(jobs, "embed"), None);
    assert!(jobs.complete(&held).expect("an end"));
}

/// Who comes behind time may still end the job, whether or not anybody swept, until it is leased again or given back.
pub fn a_late_holder_is_told_by_the_number_of_its_lease(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    for is_swept in [false, true] {
        enqueue(jobs, "embed", "a", "payload");
        let late = claim(jobs, "embed").expect("the job");
        clock.set(Timestamp(clock.now().0 + 60_000));
        if is_swept {
            assert_eq!(claim(jobs, "embed"), None, "swept, and pausing");
        }
        assert!(jobs.complete(&late).expect("an end"), "swept: {is_swept}");
        assert!(!jobs.complete(&late).expect("no second end"));
        clock.set(Timestamp(clock.now().0 + HOURS));
        assert_eq!(claim(jobs, "embed"), None, "nothing is left to do");
    }
    // Given back, in time or behind it, a job is no longer the holder's.
    for is_swept in [false, true] {
        enqueue(jobs, "embed", "b", "payload");
        let failed = claim(jobs, "embed").expect("the job");
        if is_swept {
            clock.set(Timestamp(clock.now().0 + 60_000));
            assert_eq!(claim(jobs, "embed"), None, "swept, and pausing");
        }
        jobs.fail(&failed, "no luck").expect("a failure");
        assert!(!jobs.complete(&failed).expect("an answer"));
        clock.set(Timestamp(clock.now().0 + HOURS));
        let next = claim(jobs, "embed").expect("the job again");
        assert_eq!((next.id, next.attempt), (failed.id, 2));
        assert!(jobs.complete(&next).expect("an end"));
    }
    // A job that gave way to a later one of its key is not ended by its holder.
    enqueue(jobs, "embed", "c", "first");
    let late = claim(jobs, "embed").expect("the job");
    enqueue(jobs, "embed", "c", "second");
    clock.set(Timestamp(clock.now().0 + 60_000));
    let second = claim(jobs, "embed").expect("the one that waited");
    assert_eq!(second.payload, "second");
    assert!(!jobs.complete(&late).expect("an answer"));
    assert!(jobs.complete(&second).expect("an end"));
}

/// A job that fails is tried again after a pause that grows, and no more after the last attempt.
pub fn a_job_fails_for_good_after_enough_attempts(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let jobs = backend.jobs();
    enqueue(jobs, "embed", "a", "payload");
    let mut now = START.0;
    let mut pause_before = 0;
    let mut job = claim(jobs, "embed").expect("the job");
    for attempt in 1..JOB_ATTEMPTS_MAX {
        assert_eq!(job.attempt, attempt);
        jobs.fail(&job, "no luck").expect("a failure");
        assert_eq!(claim(jobs, "embed"), None, "not at once");
        let mut pause = 1;
        job = loop {
            clock.set(Timestamp(now + pause));
            if let Some(job) = claim(jobs, "embed") {
                break job;
            }
            pause *= 2;
            assert!(
                pause < HOURS,
                "attempt {attempt} is never followed by another"
            );
        };
        assert!(
            pause > pause_before,
            "attempt {attempt}: {pause} ms after {pause_before}"
        );
        pause_before = pause;
        now += pause;
    }
    jobs.fail(&job, "no luck").expect("the last failure");
    clock.set(Timestamp(now + HOURS));
    assert_eq!(claim(jobs, "embed"), None);
    let health = backend.health().expect("a report");
    assert_eq!(health.jobs, [("failed".to_owned(), 1)]);
    assert!(
        enqueue(jobs, "embed", "a", "anew"),
        "a failed job does not stand in the way"
    );
    assert!(claim(jobs, "embed").is_some());
}
