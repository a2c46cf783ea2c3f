//! Faults for the tests of Steadfast: power cuts, failing disks, damaged files, clocks that jump.
//!
//! The real store runs over all of it. A [`FaultDisk`] is a disk of
//! `steadfast-store`: it passes every operation on to the system, after it has
//! decided whether the operation fails and written down what it did. From what
//! was written down, [`Replay`] makes the folders that a loss of power could
//! have left.
//!
//! Reads, locks and shared memory are the system's own, so any number of
//! connections work together exactly as they do for a user; flushes are
//! written down and not carried out, so a test costs no waiting for a medium.
//! Not published; it has `unsafe` code as `steadfast-vfs` and `steadfast-index` have,
//! here for the VFS that SQLite calls.
//!
//! # Layout
//!
//! - `fault`: which operation fails, when, and how
//! - `journal`: what was done to the disk, in order
//! - `disk`: the disk that `steadfast-store` is given
//! - `vfs`: the same disk as SQLite sees it
//! - `image`: what lies on a disk at one moment
//! - `replay`: the folders that a power cut leaves
//! - `folder`: folders that cost little
//! - `mount`: real file systems, small and cut off
//! - `damage`: flipped bits and cut files
//! - `sources`: clocks and models that fail
//! - `random`: numbers from a seed
//! - `crew`: cases side by side
//! - `nested`: texts that open and never close
//! - `served`: a server in a process of its own
//! - `knobs`: how much a run tries, and what it tells

mod crew;
mod damage;
mod disk;
mod fault;
mod folder;
mod image;
mod journal;
mod knobs;
mod mount;
mod nested;
mod random;
mod replay;
mod served;
mod sources;
mod vfs;

pub use crew::{side_by_side, tried};
pub use damage::{Damage, damage};
pub use disk::FaultDisk;
pub use fault::{Fault, Operation, Times};
pub use folder::scratch;
pub use image::Image;
pub use journal::Event;
pub use knobs::{Figure, cases, seed, tell, time_to_spend};
pub use mount::Mount;
pub use nested::NESTED;
pub use random::Random;
pub use replay::{Cut, Metadata, Replay};
pub use served::{Answered, Served};
pub use sources::{FailingEmbed, JumpingClock};
