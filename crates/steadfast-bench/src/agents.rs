//! What the hosts of agents feel: how soon a server answers, how long a hook keeps them waiting, what idle
//! processes hold.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::corpus::Draw;
use crate::figures::{Table, Times, milliseconds};
use crate::server::Server;

/// How often a start and a hook are repeated.
const STARTS: usize = 30;
/// Questions of the warm server, and how many come before them.
const QUESTIONS: usize = 300;
const WARM_UP: usize = 30;
/// Idle servers over one store.
const IDLE: usize = 50;
/// How long a process rests before it is looked at: threads without work are gone by then.
const REST: Duration = Duration::from_secs(4);
/// Messages of the transcript that hooks are told of.
const MESSAGES: usize = 400;

/// Measures what agents feel of a store with so many chunks, which is written to.
pub(crate) fn run(binary: &Path, store: &Path, table: &mut Table) -> anyhow::Result<()> {
    starts(binary, store, table)?;
    warm(binary, store, table)?;
    idle_servers(binary, store, table)?;
    let folder = tempfile::tempdir()?;
    let transcript = transcript(folder.path())?;
    hooks(binary, store, &transcript, "hook, no server", table)?;
    let served = Served::start(binary, store)?;
    idle_server(&served, "idle `serve`", table)?;
    hooks(binary, store, &transcript, "hook, by `serve`", table)?;
    idle_server(&served, "`serve` after hooks", table)
}

fn starts(binary: &Path, store: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut draw = Draw::new(3);
    let (mut hellos, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let question = question(&mut draw);
        let started = Instant::now();
        let mut server = Server::open(binary, store)?;
        hellos.push(started.elapsed());
        server.call("search", &question)?;
        answers.push(started.elapsed());
    }
    table.add(
        "start of `mcp` to its first answer",
        Times::of(hellos).text(),
        "30 ms",
    );
    table.add(
        "start of `mcp` to its first search answered",
        Times::of(answers).text(),
        "30 ms",
    );
    Ok(())
}

fn warm(binary: &Path, store: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut draw = Draw::new(5);
    let mut server = Server::open(binary, store)?;
    let mut times = Vec::new();
    for number in 0..WARM_UP + QUESTIONS {
        let question = question(&mut draw);
        let started = Instant::now();
        server.call("search", &question)?;
        if number >= WARM_UP {
            times.push(started.elapsed());
        }
    }
    table.add("search tool, warm", Times::of(times).text(), "p50 5 ms");
    Ok(())
}

fn question(draw: &mut Draw) -> Value {
    let words: Vec<String> = (0..8).map(|_| draw.word()).collect();
    json!({"query": words.join(" ")})
}

fn idle_servers(binary: &Path, store: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut draw = Draw::new(9);
    let mut servers = (0..IDLE)
        .map(|_| Server::open(binary, store))
        .collect::<anyhow::Result<Vec<_>>>()?;
    sleep(REST);
    let look = |servers: &[Server]| -> anyhow::Result<Vec<u64>> {
        let memory = servers.iter().map(|server| private_kib(server.process()));
        memory.collect()
    };
    let fresh = look(&servers)?;
    for server in &mut servers {
        server.call("search", &question(&mut draw))?;
    }
    sleep(REST);
    let used = look(&servers)?;
    for (what, found) in [("as they start", fresh), ("after a search", used)] {
        table.add(
            &format!("{IDLE} idle servers {what}, private memory each"),
            memory(&found),
            "25 MB",
        );
    }
    Ok(())
}

/// Returns the mean and the largest of sizes.
fn memory(kib: &[u64]) -> String {
    let mean = kib.iter().sum::<u64>() / u64::try_from(kib.len().max(1)).unwrap_or(1);
    let largest = kib.iter().max().copied().unwrap_or_default();
    format!("{} (largest {})", mib(mean), mib(largest))
}

fn mib(kib: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "sizes of a benchmark")]
    let mib = kib as f64 / 1024.0;
    format!("{mib:.1} MiB")
}

/// Returns what a process has for itself alone, in KiB.
fn private_kib(process: u32) -> anyhow::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
        .context("the memory of processes can be measured on Linux only")?;
    let sizes = rollup.lines().filter_map(|line| {
        let (name, size) = line.split_once(':')?;
        let is_private = name.starts_with("Private_");
        is_private.then(|| size.trim().split(' ').next()?.parse::<u64>().ok())?
    });
    Ok(sizes.sum())
}

/// A running `serve`, which is ended with this.
struct Served(Child);

impl Served {
    fn start(binary: &Path, store: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .arg("--store")
            .arg(store)
            .args(["serve", "--json", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line)?;
        anyhow::ensure!(read > 0, "`serve` ended");
        Ok(Self(child))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn idle_server(served: &Served, what: &str, table: &mut Table) -> anyhow::Result<()> {
    sleep(REST);
    let kib = private_kib(served.0.id())?;
    table.add(&format!("{what}, private memory"), mib(kib), "40 MB");
    Ok(())
}

fn transcript(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut draw = Draw::new(11);
    let mut text = String::new();
    for number in 0..MESSAGES {
        let role = ["user", "assistant"].get(number % 2).copied();
        let words: Vec<String> = (0..60).map(|_| draw.word()).collect();
        let line = json!({
            "type": role, "uuid": format!("u{number}"), "sessionId": "s", "cwd": folder,
            "timestamp": "2026-03-01T12:00:00Z",
            "message": {"role": role, "content": words.join(" ")},
        });
        writeln!(text, "{line}")?;
    }
    let path = folder.join("s.jsonl");
    fs::write(&path, text)?;
    Ok(path)
}

fn hooks(
    binary: &Path,
    store: &Path,
    transcript: &Path,
    what: &str,
    table: &mut Table,
) -> anyhow::Result<()> {
    let call = json!({
        "session_id": "s2", "transcript_path": transcript, "cwd": transcript.parent(),
        "prompt": "what was said about the harbour of the town",
    });
    for event in ["session-start", "prompt", "stop"] {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            hook(binary, store, event, &call)?;
            times.push(started.elapsed());
        }
        let name = format!("{what}: `{event}` returns");
        let slowest = times.iter().max().copied().unwrap_or_default();
        let figure = format!(
            "{}, slowest {}",
            Times::of(times).text(),
            milliseconds(slowest)
        );
        table.add(&name, figure, "50 ms");
    }
    Ok(())
}

fn hook(binary: &Path, store: &Path, event: &str, call: &Value) -> anyhow::Result<()> {
    let mut child = Command::new(binary)
        .arg("--store")
        .arg(store)
        .args(["hook", event])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    input.write_all(call.to_string().as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    anyhow::ensure!(
        answer.get("systemMessage").is_none(),
        "{event} told of trouble: {answer}"
    );
    Ok(())
}
