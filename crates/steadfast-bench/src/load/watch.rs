//! Watching the process under load: what it says, how much memory it has, and its end.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Acknowledged, PARTS};

/// How often the memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Writes after the last part, in the middle of which the kill comes.
const WRITES_BEFORE_KILL: u64 = 50;
/// How much longer than it should the process may take before it counts as hung.
const PATIENCE: Duration = Duration::from_mins(5);

/// The memory of a process at one moment.
pub(super) struct Sample {
    /// In which part of the time.
    pub(super) part: u64,
    /// What is its own.
    pub(super) own_kib: u64,
    /// With the files that it has mapped.
    pub(super) all_kib: u64,
}

/// What was seen and heard.
#[derive(Default)]
pub(super) struct Watched {
    /// The cells of each part.
    pub(super) told: Vec<String>,
    pub(super) samples: Vec<Sample>,
    pub(super) acknowledged: Acknowledged,
    acknowledged_after: u64,
}

/// Watches a process until it has told its last part, then kills it.
pub(super) fn watch(child: &mut Child, time: Duration) -> anyhow::Result<Watched> {
    let output = child.stdout.take().context("the process has no output")?;
    let (sender, lines) = channel();
    let reader = std::thread::spawn(move || {
        // The last line may be cut by the kill: then nobody was told.
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut watched = Watched::default();
    let heard = watched.hear(child.id(), &lines, time);
    child.kill()?;
    child.wait()?;
    reader.join().ok().context("the reading thread panicked")?;
    heard?;
    for line in lines {
        watched.take(&line)?;
    }
    Ok(watched)
}

impl Watched {
    fn hear(
        &mut self,
        process: u32,
        lines: &Receiver<String>,
        time: Duration,
    ) -> anyhow::Result<()> {
        let (begun, mut sampled) = (Instant::now(), Instant::now());
        while self.acknowledged_after < WRITES_BEFORE_KILL {
            match lines.recv_timeout(SAMPLE_EVERY) {
                Ok(line) => self.take(&line)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    anyhow::bail!("the process under load ended by itself")
                }
            }
            if sampled.elapsed() >= SAMPLE_EVERY {
                sampled = Instant::now();
                self.samples.extend(sample(process, self.told.len() as u64));
            }
            anyhow::ensure!(
                begun.elapsed() < time + PATIENCE,
                "the process under load hangs"
            );
        }
        Ok(())
    }

    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        if let Some(cells) = line.strip_prefix("part ") {
            self.told.push(cells.to_owned());
        }
        if let Some(reason) = line.strip_prefix("error ") {
            anyhow::bail!("under load: {reason}");
        }
        if let Some((writer, number)) = line
            .strip_prefix("ack ")
            .and_then(|rest| rest.split_once(' '))
        {
            let count: u64 = number.parse()?;
            self.acknowledged.insert(writer.parse()?, count + 1);
            self.acknowledged_after += u64::from(self.told.len() >= PARTS as usize);
        }
        Ok(())
    }
}

/// Returns the memory of a process, where the system tells (Linux).
fn sample(process: u32, part: u64) -> Option<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let of = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Sample {
        part,
        own_kib: of("RssAnon:")?,
        all_kib: of("VmRSS:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_counted_by_writer_and_after_the_last_part() {
        let mut watched = Watched::default();
        for line in ["ack 0 0", "ack 3 7", "part 1 | 2", "ack 0 1"] {
            watched.take(line).unwrap();
        }
        assert_eq!(watched.acknowledged, Acknowledged::from([(0, 2), (3, 8)]));
        assert_eq!((watched.told.len(), watched.acknowledged_after), (1, 0));
        for line in ["part x", "part x", "part x", "ack 0 2"] {
            watched.take(line).unwrap();
        }
        assert_eq!(watched.acknowledged_after, 1);
        assert!(watched.take("ack 0 many").is_err());
    }
}
