//! The program is killed, as `kill -9` does it, and the store is asked everything that was promised.
//!
//! What the program said on its standard output was acknowledged and must be there; what it did
//! not is there wholly or not at all, file by file. After each kill the same command is run again
//! where its work is not there, and must then leave what one run without a kill leaves.
//!
//! | File | When the program is killed |
//! |---|---|
//! | `moments` | at moments that a seed draws: single commands, and a server in the middle of a stream of notes |
//! | `calls` | at each system call by which it changes a file (needs strace; says so where it is missing) |
//! | `imports` | the same while a palace, a memtomem database, an OpenHuman tree or a bundle is imported |
//! | `palaces` | the same while a palace is repaired, or an index of it is set aside |
//!
//! `STEADFAST_SOAK=n` kills `n` times as often, `STEADFAST_SEED=n` at other moments.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod calls;
mod imports;
mod moments;
#[path = "../../../steadfast/tests/promises/oracle.rs"]
mod oracle;
#[path = "../../../steadfast/tests/palace/support.rs"]
#[expect(dead_code, reason = "the tests of the library use more of it")]
mod palace_support;
mod palaces;
mod sources;
mod strace;
mod world;
