//! A folder with a home, a project and a store of its own, and the binary run in it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Place {
    folder: TempDir,
}

/// How the program ended and what it printed.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder }
    }

    /// Returns the folder that commands run in, with symbolic links resolved.
    pub(crate) fn project(&self) -> PathBuf {
        fs::canonicalize(self.folder.path().join("project")).unwrap()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the binary, ready to run in the project with the store of this place.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.command_without_store();
        command.env("STEADFAST_STORE", self.store());
        command
    }

    pub(crate) fn command_without_store(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_of_hosts = text == "CLAUDE_CONFIG_DIR" || text == "CODEX_HOME";
            let is_ours = text.starts_with("STEADFAST_") || text.starts_with("XDG_");
            if is_ours || is_of_hosts || text == "COLUMNS" {
                command.env_remove(&name);
            }
        }
        command
            .env("HOME", self.home())
            .current_dir(self.project())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Run {
        Run::of(&self.command().args(arguments).output().unwrap())
    }

    /// Runs a command with this text on its standard input.
    pub(crate) fn run_with_input<A: AsRef<OsStr>>(&self, arguments: &[A], input: &[u8]) -> Run {
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Run::of(&child.wait_with_output().unwrap())
    }

    /// Runs a command that is to succeed with `--json` and returns its one object.
    pub(crate) fn json<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Value {
        let run = self.run_json(arguments);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        run.object()
    }

    pub(crate) fn run_json<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Run {
        // In front, so that a `--` among the arguments does not swallow it.
        let json = OsStr::new("--json");
        let all: Vec<&OsStr> = std::iter::once(json)
            .chain(arguments.iter().map(AsRef::as_ref))
            .collect();
        self.run(&all)
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().expect("the program was not killed"),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Returns the only object on standard output.
    pub(crate) fn object(&self) -> Value {
        assert_eq!(
            self.stdout.lines().count(),
            1,
            "one object: {}",
            self.stdout
        );
        let object: Value = serde_json::from_str(&self.stdout).unwrap();
        assert!(object.is_object());
        object
    }

    /// Asserts that it failed so, in the object and in words.
    pub(crate) fn assert_failed(&self, code: i32, kind: &str) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        let object = self.object();
        let error = &object["error"];
        assert_eq!(error["kind"], kind, "{object}");
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert!(["now", "after", "never"].contains(&error["retry"].as_str().unwrap()));
        assert!(error.get("where").is_some() && error.get("hint").is_some());
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
    }
}

/// Returns all files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
