//! Many processes on one store, for a while: servers that write and ask each other, a watcher whose files change,
//! and commands.
//!
//! What one has acknowledged, another must find at once; a fact that all write is in the store once; nothing
//! fails; and in the end the store holds exactly what was written, and proves to be whole.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::figures::{Times, milliseconds};
use crate::server::Server;

/// Servers.
const SERVERS: usize = 8;
/// How long a saved file may take before it counts as lost.
const SAVED_PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two looks for a saved file.
const LOOK: Duration = Duration::from_millis(5);
/// Files that change again and again.
const FILES: usize = 50;
/// The pause after an error: what is broken stays so, and one line tells it.
const PAUSE: Duration = Duration::from_millis(500);
/// Errors that are shown.
const ERRORS_SHOWN: usize = 20;

/// What has happened so far.
#[derive(Default)]
struct Tally {
    remembered: u64,
    searched: u64,
    commands: u64,
    saved: Vec<Duration>,
    stale: u64,
    duplicates: u64,
    errors: Vec<String>,
    /// The id of each fact that all write.
    shared: HashMap<String, String>,
    /// Chunks that must be in the store in the end.
    expected: u64,
}

struct Fleet {
    binary: PathBuf,
    store: PathBuf,
    folder: PathBuf,
    end: Instant,
    servers: Vec<Mutex<Server>>,
    tally: Mutex<Tally>,
}

/// Runs a fleet for so long, and prints how it fared; fails when anything went wrong.
pub(crate) fn run(binary: &Path, seconds: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store");
    let watched = folder.path().join("watched");
    fs::create_dir(&watched)?;
    let servers = (0..SERVERS)
        .map(|_| Ok(Mutex::new(Server::open(binary, &store)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let _watcher = Watcher::start(binary, &store, &watched)?;
    let fleet = Fleet {
        binary: binary.to_owned(),
        store,
        folder: watched,
        end: Instant::now() + Duration::from_secs(seconds),
        servers,
        tally: Mutex::default(),
    };
    thread::scope(|scope| {
        for own in 0..SERVERS {
            let fleet = &fleet;
            scope.spawn(move || fleet.repeat(|round| fleet.agent(own, round)));
        }
        scope.spawn(|| fleet.repeat(|round| fleet.saved(round)));
        scope.spawn(|| fleet.repeat(|round| fleet.command(round)));
    });
    fleet.settle(seconds)
}

impl Fleet {
    fn repeat(&self, work: impl Fn(u64) -> anyhow::Result<()>) {
        for round in 0.. {
            if Instant::now() >= self.end {
                return;
            }
            if let Err(error) = work(round) {
                self.tally().errors.push(format!("{error:#}"));
                thread::sleep(PAUSE);
            }
        }
    }

    /// One server keeps a fact, and the next one must find it; all keep a fact that is the same.
    fn agent(&self, own: usize, round: u64) -> anyhow::Result<()> {
        let fact = format!("agent {own} has kept fact{own}x{round} about the harbour");
        let kept = self.ask(own, "remember", &json!({"text": fact}))?;
        self.tally().expected += 1;
        self.tally().remembered += 1;
        let other = own + 1 + usize::try_from(round).unwrap_or(0) % (SERVERS - 1);
        let question = json!({"query": format!("fact{own}x{round}"), "limit": 3});
        let answer = self.ask(other, "search", &question)?;
        self.must_find(&answer, &kept, &fact);
        let shared = format!("all agents know shared{round} of the harbour");
        let kept = self.ask(own, "remember", &json!({"text": shared}))?;
        let id = id(&kept);
        let mut tally = self.tally();
        tally.remembered += 1;
        tally.searched += 1;
        if let Some(known) = tally.shared.get(&shared) {
            if *known != id {
                tally.duplicates += 1;
            }
        } else {
            tally.expected += 1;
            tally.shared.insert(shared, id);
        }
        Ok(())
    }

    fn must_find(&self, answer: &Value, kept: &Value, fact: &str) {
        let wanted = kept.get("id");
        let hits = answer.get("hits").and_then(Value::as_array);
        let is_there = hits
            .into_iter()
            .flatten()
            .any(|hit| hit.get("id") == wanted && wanted.is_some());
        if !is_there {
            let mut tally = self.tally();
            tally.stale += 1;
            tally.errors.push(format!("not found at once: {fact}"));
        }
    }

    /// A file is saved, and found by a server before long.
    fn saved(&self, round: u64) -> anyhow::Result<()> {
        let number = usize::try_from(round).unwrap_or(0) % FILES;
        let word = format!("saved{round}x");
        let text = format!("The log of the harbour says {word} today.\n");
        let path = self.folder.join(format!("{number}.md"));
        let is_new = !path.exists();
        fs::write(&path, text)?;
        let started = Instant::now();
        self.tally().expected += u64::from(is_new);
        let question = json!({"query": word, "limit": 1});
        loop {
            let answer = self.ask(number, "search", &question)?;
            let snippet = answer.pointer("/hits/0/snippet").and_then(Value::as_str);
            if snippet.is_some_and(|snippet| snippet.contains(&word)) {
                self.tally().saved.push(started.elapsed());
                return Ok(());
            }
            anyhow::ensure!(
                started.elapsed() < SAVED_PATIENCE,
                "a saved file was not found: {word}"
            );
            thread::sleep(LOOK);
        }
    }

    /// A command keeps a fact, and another one finds it.
    fn command(&self, round: u64) -> anyhow::Result<()> {
        let fact = format!("a command has kept typed{round} about the harbour");
        let kept = self.run(&["remember", &fact])?;
        self.tally().expected += 1;
        let answer = self.run(&["search", &format!("typed{round}"), "-k", "3"])?;
        self.tally().commands += 2;
        self.must_find(&answer, &kept, &fact);
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = Command::new(&self.binary)
            .arg("--json")
            .arg("--store")
            .arg(&self.store)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        anyhow::ensure!(output.status.success(), "{arguments:?} failed: {said}");
        Ok(serde_json::from_str(&said)?)
    }

    fn ask(&self, server: usize, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
        let server = self.servers.get(server % SERVERS).context("no server")?;
        let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
        server.call(tool, arguments)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what is in the store, proves it, and prints all of it.
    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    fn settle(self, seconds: u64) -> anyhow::Result<()> {
        let status = self.run(&["status"])?;
        let chunks = status.get("chunks").and_then(Value::as_u64);
        let verified = self.run(&["verify"])?;
        let is_sound = verified.get("ok").and_then(Value::as_bool) == Some(true);
        drop(self.servers);
        let tally = self
            .tally
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let slowest = tally.saved.iter().max().copied().unwrap_or_default();
        println!("| {SERVERS} servers, a watcher, commands; {seconds} s | |\n|---|---|");
        println!("| facts remembered by servers | {} |", tally.remembered);
        println!("| searches of another server's fact | {} |", tally.searched);
        println!("| commands | {} |", tally.commands);
        println!(
            "| files saved | {}; found after {}, slowest {} |",
            tally.saved.len(),
            Times::of(tally.saved).text(),
            milliseconds(slowest)
        );
        println!("| errors | {} |", tally.errors.len());
        println!("| duplicates | {} |", tally.duplicates);
        println!("| stale answers | {} |", tally.stale);
        println!(
            "| chunks in the store, and expected | {}, {} |",
            chunks.unwrap_or_default(),
            tally.expected
        );
        println!(
            "| `verify` | {} |",
            if is_sound { "ok" } else { "findings" }
        );
        for error in tally.errors.iter().take(ERRORS_SHOWN) {
            println!("{error}");
        }
        let is_well = tally.errors.is_empty()
            && tally.duplicates == 0
            && tally.stale == 0
            && chunks == Some(tally.expected)
            && is_sound;
        anyhow::ensure!(is_well, "the fleet did not fare well");
        Ok(())
    }
}

fn id(kept: &Value) -> String {
    let id = kept.get("id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

/// A watch, which is ended with this.
struct Watcher(Child);

impl Watcher {
    /// Starts a watch; returns when it watches.
    fn start(binary: &Path, store: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .arg("--json")
            .arg("--store")
            .arg(store)
            .arg("watch")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        let read = lines.read_line(&mut line)?;
        let watcher = Self(child);
        anyhow::ensure!(read > 0, "the watch ended");
        // Its further lines are read, so that it is never stopped by a full pipe.
        thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                line.clear();
            }
        });
        Ok(watcher)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
