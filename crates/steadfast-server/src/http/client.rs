//! Asks the server of a store to answer an event, as one short exchange on this machine.
//!
//! Whatever goes wrong, in time or in content, the answer is none: whoever asks does the work itself then, which
//! changes nothing when the server has done it too.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{guard, presence, token};
use crate::hooks::event::Event;

/// The most bytes of an answer: a wake-up at its largest budget, twice over.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Returns what the server of the store in a folder answers to an event of a host; none when there is no server, or
/// it has no answer within `patience`.
pub fn ask(
    store: &Path,
    event: Event,
    budget_tokens: usize,
    call: &[u8],
    patience: Duration,
) -> Option<Value> {
    let deadline = Instant::now() + patience;
    let running = presence::running(store)?;
    let token = token::known(&store.join(token::NAME))?;
    let path = format!(
        "{}{}?budget={budget_tokens}",
        guard::HOOKS_PATH,
        event.as_str()
    );
    let answer = exchange(running.address, &path, &token, call, deadline).ok()?;
    parsed(&answer)
}

fn exchange(
    address: SocketAddr,
    path: &str,
    token: &str,
    body: &[u8],
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    let left = || deadline.saturating_duration_since(Instant::now());
    // On this machine the system answers at once, whoever listens; only a processor that is busy takes time.
    let mut stream = TcpStream::connect_timeout(&address, left().max(Duration::from_millis(1)))?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(left().max(Duration::from_millis(1))))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    let mut part = [0_u8; 16 << 10];
    loop {
        let left = left();
        if left.is_zero() || answer.len() > ANSWER_BYTES_MAX {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Ok(answer),
            count => answer.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
}

/// Returns the object of an answer that says that all is well.
fn parsed(answer: &[u8]) -> Option<Value> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.split(' ').nth(1)?;
    let is_chunked = head
        .lines()
        .any(|line| line.to_ascii_lowercase().starts_with("transfer-encoding:"));
    if status != "200" || is_chunked {
        return None;
    }
    let object: Value = serde_json::from_slice(answer.get(end + 4..)?).ok()?;
    object.is_object().then_some(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_object_that_was_meant_is_an_answer() {
        let said = |text: &str| parsed(text.as_bytes());
        let good = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\": 1}";
        assert_eq!(said(good), Some(json!({"a": 1})));
        for bad in [
            "",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{\"a\": ",
            "HTTP/1.1 200 OK\r\n\r\n[1]",
            "HTTP/1.1 401 Unauthorized\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "garbage",
        ] {
            assert_eq!(said(bad), None, "{bad}");
        }
    }

    /// A program that took the port over and says nothing, or nothing sensible, costs no more than the patience.
    #[test]
    fn a_server_that_says_nothing_is_given_up_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let deadline = Instant::now() + Duration::from_millis(30);
        let silent = exchange(address, "/hooks/stop", "t", b"{}", deadline);
        assert!(silent.is_err());
        drop(listener);
        let deadline = Instant::now() + Duration::from_millis(30);
        assert!(exchange(address, "/hooks/stop", "t", b"{}", deadline).is_err());
    }
}
