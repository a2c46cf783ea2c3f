//! Child processes: this program once more, heard line by line and killed when it is time.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::failed;
use super::peer::PEER;
use crate::error::Failure;
use crate::exit::Exit;

/// How long a child may say nothing; then it hangs.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// A child process.
pub(super) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

/// What came from a child.
pub(super) enum Heard {
    /// A line.
    Line(String),
    /// It has ended, or will say nothing more.
    End,
    /// It says nothing and does not end.
    Hung,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its work is done.
    Well,
    /// It gave up, with an error that it told.
    Refused,
    /// It was ended by a signal, or by a mistake of ours.
    Crashed,
}

impl Child {
    /// Starts this program in a role.
    pub(super) fn start(role: &str, arguments: &[&OsStr]) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new("io", format!("this program cannot be found: {error}"))
        })?;
        let mut process = Command::new(&program)
            .arg(PEER)
            .arg(role)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed(&program))?;
        let (sender, lines) = channel();
        let stdout = process.stdout.take();
        // It ends with the output of the child, which ends with the child.
        std::thread::spawn(move || {
            for line in stdout
                .map(BufReader::new)
                .into_iter()
                .flat_map(BufRead::lines)
            {
                match line.map(|line| sender.send(line)) {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => break,
                }
            }
        });
        Ok(Self { process, lines })
    }

    /// Returns the next line.
    pub(super) fn hear(&self) -> Heard {
        self.hear_until(Instant::now() + SILENCE_MAX)
    }

    /// Returns the next line that comes before a moment.
    pub(super) fn hear_until(&self, deadline: Instant) -> Heard {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Disconnected) => Heard::End,
            Err(RecvTimeoutError::Timeout) => Heard::Hung,
        }
    }

    /// Kills it, as `kill -9` does, and returns what it had said that was not heard yet.
    pub(super) fn kill(&mut self) -> Vec<String> {
        // One that has ended by itself cannot be killed, which is as well.
        drop(self.process.kill());
        drop(self.process.wait());
        self.lines.iter().collect()
    }

    /// Waits for its end, after it has said its last word.
    pub(super) fn wait(&mut self) -> Ended {
        match self.process.wait() {
            Ok(status) if status.success() => Ended::Well,
            Ok(status) => match status.code() {
                Some(code) if code < Exit::Bug as i32 => Ended::Refused,
                Some(_) | None => Ended::Crashed,
            },
            Err(_) => Ended::Crashed,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
