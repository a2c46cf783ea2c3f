//! A host's side of one server: starts it, asks, and hears its answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

/// A server on its standard input and output.
pub(crate) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Server {
    /// Starts a server over a store, and says nothing yet.
    pub(crate) fn start(binary: &Path, store: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .arg("--store")
            .arg(store)
            .arg("mcp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("no output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            id: 0,
        })
    }

    /// Starts a server, and opens a session.
    pub(crate) fn open(binary: &Path, store: &Path) -> anyhow::Result<Self> {
        let mut server = Self::start(binary, store)?;
        server.hello()?;
        Ok(server)
    }

    /// Opens a session.
    pub(crate) fn hello(&mut self) -> anyhow::Result<()> {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        self.request("initialize", &hello)?;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    }

    /// Calls a tool and returns its object.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
        let params = json!({"name": tool, "arguments": arguments});
        let mut answer = self.request("tools/call", &params)?;
        let result = answer
            .get_mut("result")
            .with_context(|| format!("{tool} was refused"))?;
        let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
        anyhow::ensure!(!is_error, "{tool} failed: {result}");
        let object = result.get_mut("structuredContent").map(Value::take);
        object.with_context(|| format!("{tool} gave no object"))
    }

    /// Returns the number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    fn request(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}))?;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line)?;
            anyhow::ensure!(read > 0, "the server ended");
            let message: Value = serde_json::from_str(&line)?;
            if message.get("id").and_then(Value::as_u64) == Some(self.id) {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the input is closed")?;
        input.write_all(format!("{message}\n").as_bytes())?;
        Ok(input.flush()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is what a server ends at.
        drop(self.input.take());
        drop(self.child.wait());
    }
}
