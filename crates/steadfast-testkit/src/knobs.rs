//! How much a run tries, from which seed, and what it tells about it.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `STEADFAST_SOAK` | so many times as many cases; 1 by default |
//! | `STEADFAST_SEED` | is added to every seed: another run tries other cases |
//! | `STEADFAST_FIGURES` | a file to which each test adds what it has tried |

use std::io::Write as _;
use std::time::Duration;

/// What a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// So many cases were tried; runs are added up.
    Cases(usize),
    /// The longest that something took; of several runs the longest counts.
    Longest(Duration),
}

/// Returns how many cases there are to be, given how many by default.
pub fn cases(default: usize) -> usize {
    default * number("STEADFAST_SOAK").unwrap_or(1)
}

/// Returns the seed of a run, given the one of every run.
pub fn seed(default: u64) -> u64 {
    let run: u64 = number("STEADFAST_SEED").unwrap_or(0);
    default.wrapping_add(run.wrapping_mul(1_000_000_007))
}

/// Returns for how long a test that only looks for more may go on.
pub fn time_to_spend() -> Option<Duration> {
    number("STEADFAST_FUZZ_SECONDS").map(Duration::from_secs)
}

/// Adds a line to the figures of the run, where somebody wants to know.
pub fn tell(name: &str, figure: Figure) {
    let Some(path) = std::env::var_os("STEADFAST_FIGURES") else {
        return;
    };
    let line = match figure {
        Figure::Cases(count) => format!("{name}\tcases\t{count}\n"),
        Figure::Longest(time) => format!("{name}\tlongest us\t{}\n", time.as_micros()),
    };
    // One write of a short line is whole, also where several tests write.
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("the file of figures can be written");
}

fn number<N: std::str::FromStr>(name: &str) -> Option<N> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {value}")),
    )
}
