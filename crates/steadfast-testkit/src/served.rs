//! A server in a process of its own, and what it answers over HTTP.
//!
//! Requests are bytes, because the tests send what no library would. Deliberately
//! not here: the protocol that is spoken in them.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A process of `steadfast serve`, which ends with the value.
pub struct Served {
    /// The process.
    pub child: Child,
    /// What it prints, behind the line that says where it listens.
    pub output: BufReader<ChildStdout>,
    address: String,
    token_file: PathBuf,
}

/// What came back until the server closed.
#[derive(Debug)]
pub struct Answered {
    /// The status, or 0 when there was none.
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    /// All behind the head.
    pub body: String,
}

impl Served {
    /// Starts the `steadfast` of this command on a free port, with these further arguments of `serve`.
    pub fn start(command: &mut Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(["serve", "--json", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let address = told["url"]
            .as_str()
            .and_then(|url| url.strip_prefix("http://"))
            .and_then(|rest| rest.strip_suffix("/mcp"));
        Self {
            child,
            output,
            address: address.unwrap().to_owned(),
            token_file: PathBuf::from(told["token_file"].as_str().unwrap()),
        }
    }

    /// Returns where it listens: host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the file that holds its token.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Returns its token.
    pub fn token(&self) -> String {
        fs::read_to_string(&self.token_file).unwrap()
    }

    /// Sends a request as it stands, and reads until the server closes.
    pub fn says(&self, request: &[u8]) -> Answered {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // A server that has refused already may close before it has read all.
        drop(stream.write_all(request));
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        Answered::of(&bytes)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Answered {
    /// Reads the bytes that came back; what is no answer has the status 0.
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_a_head_and_the_rest() {
        let answered = Answered::of(b"HTTP/1.1 413 Too Large\r\nAllow: POST\r\n\r\nA\r\n\r\nb");
        assert_eq!(answered.status, 413);
        assert!(answered.head.ends_with("\r\nallow: post"));
        assert_eq!(answered.body, "A\r\n\r\nb");
        assert_eq!(Answered::of(b"").status, 0);
    }
}
