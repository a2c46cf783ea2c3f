//! Calls to a server: plain HTTP, JSON in and out, everything bounded.
//!
//! Invariants: the address that was given is the only one that is called, so a
//! redirect is an error that names where it leads; no proxy of the environment
//! is used; a body longer than its bound is never held; each step of a call has
//! a time after which it ends. Deliberately not here: encryption. A server
//! elsewhere is reached through a tunnel that ends on this machine.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use crate::error::{Error, Result};

/// How long reaching the server may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the server may think about an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);
/// How long the rest of an answer may take.
const BODY_TIME_MAX: Duration = Duration::from_mins(2);
/// The longest answer that is read, in bytes.
pub(super) const BODY_BYTES_MAX: u64 = 64 << 20;
/// How much of a server's own words an error repeats, in characters.
const WORDS_MAX: usize = 300;

/// A server that answers at one address.
pub(super) struct Client {
    agent: Agent,
    /// The address, without a slash at its end.
    base: String,
}

/// What became of a call that did not fail.
pub(super) enum Answer {
    Json(Value),
    /// The answer is longer than [`BODY_BYTES_MAX`].
    TooLong,
}

impl Client {
    /// Returns a client for the address; nothing is called.
    pub(super) fn new(url: &str) -> Result<Self> {
        let base = base(url)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .timeout_recv_response(Some(ANSWER_TIME_MAX))
            .timeout_recv_body(Some(BODY_TIME_MAX))
            .user_agent(concat!("steadfast/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: Agent::new_with_config(config),
            base,
        })
    }

    /// Asks for what is at a path.
    pub(super) fn get(&self, path: &str) -> Result<Answer> {
        let called = self.agent.get(format!("{}{path}", self.base)).call();
        self.answer(called)
    }

    /// Asks with a body.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let called = request
            .content_type("application/json")
            .send(body.to_string());
        self.answer(called)
    }

    /// Returns the error for an answer that is none of Chroma's.
    pub(super) fn malformed(&self, what: impl Into<String>) -> Error {
        Error::ServerMalformed {
            url: self.base.clone(),
            what: what.into(),
        }
    }

    fn answer(&self, called: Result<Response<Body>, ureq::Error>) -> Result<Answer> {
        let mut response = called.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location");
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Err(self.malformed(format!("it sends us to {}", shortened(to))));
        }
        let body = response.body_mut().with_config().limit(BODY_BYTES_MAX);
        let bytes = match body.read_to_vec() {
            Ok(bytes) => bytes,
            Err(ureq::Error::BodyExceedsLimit(_)) if status.is_success() => {
                return Ok(Answer::TooLong);
            }
            Err(ureq::Error::BodyExceedsLimit(_)) => Vec::new(),
            Err(error) => return Err(self.failed(&error)),
        };
        let parsed = serde_json::from_slice::<Value>(&bytes);
        if status.is_success() {
            let json = parsed.map_err(|error| self.malformed(format!("no JSON: {error}")))?;
            return Ok(Answer::Json(json));
        }
        let said = parsed.ok().and_then(|said| {
            let words = ["message", "error", "detail"].iter();
            let mut words = words.filter_map(|name| said.get(name)?.as_str());
            words.next().map(shortened)
        });
        Err(Error::ServerRefused {
            url: self.base.clone(),
            status: status.as_u16(),
            what: said.unwrap_or_else(|| "without a reason".to_owned()),
        })
    }

    fn failed(&self, error: &ureq::Error) -> Error {
        let what = shortened(&error.to_string());
        let is_no_answer = matches!(
            error,
            ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..)
        );
        if is_no_answer {
            return self.malformed(what);
        }
        Error::ServerUnreachable {
            url: self.base.clone(),
            what,
        }
    }
}

/// Returns the address without what the paths of the API begin with.
fn base(url: &str) -> Result<String> {
    let invalid = |what: &str| Error::Invalid {
        what: format!("{} is no address of a server: {what}", shortened(url)),
    };
    let parsed: Uri = url.parse().map_err(|_| invalid("it is malformed"))?;
    match parsed.scheme_str() {
        Some("http") => {}
        Some("https") => {
            return Err(invalid(
                "encryption is not built in; let a tunnel such as `ssh -L` end on this machine, and give its http address",
            ));
        }
        Some(_) | None => return Err(invalid("it does not begin with http://")),
    }
    let authority = parsed
        .authority()
        .map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(invalid("names and passwords do not belong into it"));
    }
    if parsed.host().is_none_or(str::is_empty) {
        return Err(invalid("it names no host"));
    }
    if parsed.query().is_some() {
        return Err(invalid("it has a question mark"));
    }
    let path = parsed.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v2").unwrap_or(path);
    Ok(format!("http://{authority}{path}"))
}

/// Returns a name as a part of a path.
pub(super) fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            let _written = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Returns words of a stranger in one line of bounded length.
fn shortened(words: &str) -> String {
    let words = words.chars().take(WORDS_MAX);
    words
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_before_anybody_is_called() {
        for (url, expected) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://localhost:8000/", "http://localhost:8000"),
            ("http://h/chroma/api/v2/", "http://h/chroma"),
            ("HTTP://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(base(url).unwrap(), expected, "{url}");
        }
        for url in [
            "https://h:8000",
            "ftp://h",
            "h:8000",
            "http://ann:secret@h",
            "http://",
            "http://h?x=1",
            "http://h h",
        ] {
            assert!(matches!(base(url), Err(Error::Invalid { .. })), "{url}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_part_of_the_path() {
        assert_eq!(escaped("default_database"), "default_database");
        assert_eq!(escaped("../a b?\u{e4}"), "..%2Fa%20b%3F%C3%A4");
    }

    #[test]
    fn the_words_of_a_stranger_are_one_line() {
        assert_eq!(shortened("a\nb\u{1b}[31mc"), "a b [31mc");
        assert_eq!(shortened(&"x".repeat(1_000)).len(), WORDS_MAX);
    }
}
