//! Child processes of these tests: the test binary itself, started again with a role.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use steadfast::model::Filter;
use steadfast::{ListRequest, Memory};

/// Names the role of a child; its value is the role and its arguments, separated by line feeds.
pub(crate) const ROLE: &str = "STEADFAST_TEST_ROLE";

/// A running child that answers in lines which begin with `@`.
pub(crate) struct Peer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts this test binary again; its test `child` plays the role.
    pub(crate) fn start(role: &str, arguments: &[&Path]) -> Self {
        let mut value = role.to_owned();
        for argument in arguments {
            value.push('\n');
            value.push_str(argument.to_str().unwrap());
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Sends a line.
    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
    }

    /// Returns the child's next answer; none when it has ended.
    pub(crate) fn hear(&mut self) -> Option<String> {
        // The harness writes lines of its own, also in front of ours.
        loop {
            let line = self.lines.next()?.ok()?;
            if let Some(at) = line.find('@') {
                return Some(line[at + 1..].to_owned());
            }
        }
    }

    /// Kills the child as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for the child; returns whether it ended well.
    pub(crate) fn wait(mut self) -> bool {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().success()
    }
}

/// Says a line to the parent.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "@{line}").unwrap();
    out.flush().unwrap();
}

/// Returns the role and its arguments when this process is a child.
pub(crate) fn role() -> Option<(String, Vec<PathBuf>)> {
    let value = std::env::var(ROLE).ok()?;
    let mut parts = value.split('\n');
    let role = parts.next()?.to_owned();
    Some((role, parts.map(PathBuf::from).collect()))
}

/// A tree of Markdown files whose content depends on the seed alone.
pub(crate) fn write_tree(root: &Path, folders: usize, files: usize, seed: u64) {
    const WORDS: [&str; 16] = [
        "recovery",
        "index",
        "watermark",
        "ledger",
        "kernel",
        "packet",
        "garden",
        "bridge",
        "signal",
        "copper",
        "window",
        "harbor",
        "meadow",
        "winter",
        "paper",
        "engine",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for folder in 0..folders {
        let path = root.join(format!("folder-{folder:03}"));
        std::fs::create_dir_all(&path).unwrap();
        for file in 0..files {
            let mut text = format!("# File {folder} {file}\n\n");
            for section in 0..=draw(6) {
                text += "## Section ";
                text += &section.to_string();
                text += "\n\n";
                for _ in 0..20 + draw(150) {
                    text.push_str(WORDS[draw(WORDS.len())]);
                    text.push(if draw(12) == 0 { '\n' } else { ' ' });
                }
                text.push_str("\n\n");
            }
            std::fs::write(path.join(format!("file-{file:03}.md")), text).unwrap();
        }
    }
}

/// Everything that a store holds live, apart from ids and sequence numbers, which depend on the order of events.
pub(crate) fn logical(memory: &Memory) -> Vec<String> {
    let mut request = ListRequest::default();
    request.filter = Filter::default();
    request.limit = 10_000;
    let mut all = Vec::new();
    loop {
        let listing = memory.list(&request).unwrap();
        assert_eq!(listing.damaged, 0);
        all.extend(listing.chunks.into_iter().map(|chunk| {
            format!(
                "{} {} {:?} {} {:?}",
                chunk.namespace, chunk.source, chunk.place, chunk.content_hash, chunk.attributes
            )
        }));
        match listing.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    all.sort();
    all
}
