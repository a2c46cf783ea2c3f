//! The self-test: the promises of this program, tried on the user's own disk by killing it for real.
//!
//! Works in a folder of its own beside the store and never opens the store.
//! Child processes are this very program; what they were told to be true is
//! compared with what is there afterwards. What is deliberately not here: power
//! cuts and failing disks, which only a simulated disk can show (the tests of
//! the project have one).
//!
//! | File | Question it answers |
//! |---|---|
//! | `place` | Where does it happen, and what becomes of the folder? |
//! | `deed` | What is written, so that both sides know it? |
//! | `peer` | What does a child process do? |
//! | `child` | How is one started, heard and killed? |
//! | `oracle` | Does what is there agree with what was acknowledged? |
//! | `disk` | How fast does this disk flush, and do its locks hold? |
//! | `kills` | Is an acknowledged write there after a kill? |
//! | `crowd` | What if several processes write at once? |
//! | `damage` | What if a file is gone, cut or flipped? |
//! | `report` | What came of it? |

mod child;
mod crowd;
mod damage;
mod deed;
mod disk;
mod kills;
mod oracle;
mod peer;
mod place;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steadfast::Progress;

use crate::error::Failure;
use deed::Random;
use place::Place;

pub(crate) use peer::{PEER, peer};
pub(crate) use report::Report;

/// How the self-test is run.
pub(crate) struct Options {
    /// About how long it may take.
    pub(crate) time: Duration,
    /// What the choices are made from.
    pub(crate) seed: u64,
    /// The folder in which a folder is made for it.
    pub(crate) folder: PathBuf,
}

/// A self-test on its way.
struct Trial<'t> {
    place: &'t Place,
    random: Random,
    report: Report,
}

/// A part of the self-test, which goes on until a moment and does a least amount of work in any case.
type Stage = fn(&mut Trial<'_>, Instant) -> Result<(), Failure>;

/// The parts in order, each with its share of the time in hundredths.
const STAGES: [(&str, u32, Stage); 4] = [
    ("disk", 5, disk::run),
    ("kills", 45, kills::run),
    ("processes", 25, crowd::run),
    ("damage", 25, damage::run),
];

/// Tries the promises in a new folder, which is removed again.
///
/// # Errors
/// [`Failure`] when the folder cannot be made or used, or there is too little room. What is found wrong is in the
/// report.
pub(crate) fn run(options: &Options, progress: &dyn Progress) -> Result<Report, Failure> {
    let started = Instant::now();
    let place = Place::make(&options.folder)?;
    let mut trial = Trial {
        report: Report::new(options.seed, place.folder()),
        random: Random(options.seed),
        place: &place,
    };
    for (done, (name, share, stage)) in (0..).zip(STAGES) {
        progress.step(name, done, STAGES.len() as u64);
        stage(&mut trial, Instant::now() + options.time * share / 100)?;
    }
    let mut report = trial.report;
    place.remove()?;
    report.elapsed = started.elapsed();
    Ok(report)
}

/// Plants the mistake that a test names, which the self-test must then find.
#[cfg(feature = "sabotage")]
pub(crate) fn plant_as_told() {
    use steadfast::sabotage::{Sabotage, plant};
    let wanted = std::env::var("STEADFAST_SABOTAGE").unwrap_or_default();
    if let Some(found) = Sabotage::ALL.iter().find(|it| format!("{it:?}") == wanted) {
        plant(*found);
    }
}

/// Returns how a failed call of the system on a path is told.
fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |error| {
        Failure::from(steadfast::Error::from(steadfast::StoreError::from_io(
            &path, &error,
        )))
    }
}
