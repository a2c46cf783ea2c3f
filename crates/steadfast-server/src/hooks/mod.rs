//! Hooks: what a host tells us about a session, and what it gets back.
//!
//! A host starts one process per event and waits for it. So the process that it
//! waits for only notes that there is a transcript to file ([`spool`]); another
//! one, that nobody waits for, files it ([`mod@file`]). Invariants: whatever is wrong
//! here never stops the host; what was noted is filed by a later event when the
//! process at it was killed; a transcript is filed once, whoever notes it, for it
//! comes in as its import would. What is done is the same ([`event`]) whether a host
//! starts a command or posts to the server. Deliberately not here: starting processes.

pub mod event;
pub mod file;
pub mod host;
pub mod recall;
pub mod spool;
