//! strace counts the system calls of a run by which a file changes, and kills a run on entering one of them.
//!
//! The calls of each kind are counted in each thread by itself, and so are those that are killed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use steadfast_testkit::Random;

/// The calls that change a file; a question mark lets strace pass over those that a machine has not.
const CALLS: &str = "trace=?write,?pwrite64,?writev,?pwritev,?copy_file_range,?sendfile,?fsync,?fdatasync,?ftruncate,\
                     ?fallocate,?rename,?renameat,?renameat2,?unlink,?unlinkat,?rmdir,?link,?linkat,?mkdir,?mkdirat";

/// A moment in a run: a thread is about to make this call, so many times in all.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) number: usize,
}

impl Point {
    /// Returns what strace is told, so that it kills the run there.
    pub(crate) fn options(&self) -> Vec<String> {
        let (call, number) = (&self.call, self.number);
        let inject = format!("inject={call}:signal=SIGKILL:when={number}");
        [
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
            "-e",
            &inject,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// Returns whether strace can be used; says so when it cannot.
pub(crate) fn is_there() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_there = tried.is_ok_and(|status| status.success());
    if !is_there {
        let mut out = std::io::stdout();
        writeln!(out, "skipped: strace is missing, or may not trace").unwrap();
    }
    is_there
}

/// Turns the command `strace` into one that runs the program with these arguments under it.
pub(crate) fn trace(strace: &mut Command, options: &[String], arguments: &[String]) {
    strace
        .args(["-f", "-qq"])
        .args(options)
        .arg(env!("CARGO_BIN_EXE_steadfast"))
        .args(arguments);
}

/// Returns every moment at which a run can be killed; `run` is given what strace is told, and `log` is a free name.
pub(crate) fn points(log: &Path, run: impl FnOnce(&[String]) -> Output) -> Vec<Point> {
    let name = log.display().to_string();
    run(&["-o", &name, "-e", CALLS].map(str::to_owned));
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let (thread, rest) = line.split_once(' ').unwrap_or_default();
        let call = rest.trim_start().split('(').next().unwrap_or_default();
        if rest.contains('(') && !rest.trim_start().starts_with('<') {
            *counts
                .entry((call.to_owned(), thread.to_owned()))
                .or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for ((call, _), count) in counts {
        let entry = most.entry(call).or_default();
        *entry = count.max(*entry);
    }
    most.into_iter()
        .flat_map(|(call, count)| {
            (1..=count).map(move |number| Point {
                call: call.clone(),
                number,
            })
        })
        .collect()
}

/// Draws about so many of the moments, or all of them when so many are wanted; at least one.
pub(crate) fn draw<P>(mut points: Vec<P>, wanted: usize, random: &mut Random) -> Vec<P> {
    while points.len() > wanted.max(1) {
        let place = random.below(points.len());
        points.swap_remove(place);
    }
    points
}
