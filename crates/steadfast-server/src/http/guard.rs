//! Who is let in: decided from the head of a request alone.
//!
//! A page in a browser can reach a server on this machine, by a name that it makes
//! point here or by a plain request. So the name that was asked for must be ours,
//! the origin of a page must be this server itself, and the token is wanted for
//! everything.

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request, StatusCode};

use crate::hooks::event::Event;
use crate::mcp::FRAME_BYTES_MAX;

/// Where the protocol is spoken.
pub(super) const PATH: &str = "/mcp";
/// Where hosts tell of events: the name of one comes behind it.
pub(super) const HOOKS_PATH: &str = "/hooks/";

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchPath,
    WrongHost,
    FromPage,
    NoToken,
    TooLong,
    TooSlow,
    BrokenBody,
    TooManySessions,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::WrongHost | Self::FromPage => StatusCode::FORBIDDEN,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::TooManySessions => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::NoSuchPath => {
                "there is nothing here; the protocol is spoken at /mcp, hooks post to /hooks/EVENT"
            }
            Self::WrongHost => "the Host header does not name this server",
            Self::FromPage => "pages of other servers are not answered",
            Self::NoToken => "the header `Authorization: Bearer TOKEN` is missing or wrong",
            Self::TooLong => "the message has more than 8 MiB",
            Self::TooSlow => "the body took too long",
            Self::BrokenBody => "the body broke off",
            Self::TooManySessions => "there are too many sessions; close one with DELETE",
        }
    }
}

/// What a request must bring.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    hosts: [String; 2],
    /// None where the data is nobody's: the fixtures of a test.
    token: Option<String>,
}

impl Gate {
    pub(super) fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self {
            hosts: [address.to_string(), format!("localhost:{}", address.port())],
            token,
        }
    }

    /// Returns the names of this server.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(String::as_str)
    }

    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let headers = request.headers();
        let is_ours = |host: &str| self.hosts().any(|ours| ours.eq_ignore_ascii_case(host));
        // A request line may name a host too, which then counts for more than the header.
        let is_elsewhere = |named: &Authority| !is_ours(named.as_str());
        if !only(headers, &HOST).is_some_and(is_ours)
            || request.uri().authority().is_some_and(is_elsewhere)
        {
            return Err(Refusal::WrongHost);
        }
        let is_own_page = |from: &str| {
            self.hosts()
                .any(|ours| origin(ours).eq_ignore_ascii_case(from))
        };
        if headers.contains_key(ORIGIN) && !only(headers, &ORIGIN).is_some_and(is_own_page) {
            return Err(Refusal::FromPage);
        }
        if let Some(token) = &self.token {
            let given = only(headers, &AUTHORIZATION).and_then(bearer);
            if !given.is_some_and(|given| is_same(given.as_bytes(), token.as_bytes())) {
                return Err(Refusal::NoToken);
            }
        }
        let path = request.uri().path();
        if path != PATH && event(path).is_none() {
            return Err(Refusal::NoSuchPath);
        }
        let length = only(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: u64| length > FRAME_BYTES_MAX as u64) {
            return Err(Refusal::TooLong);
        }
        Ok(())
    }
}

/// Returns the origin of a page that came from a host.
pub(super) fn origin(host: &str) -> String {
    format!("http://{host}")
}

/// Returns the event that a path is for.
pub(super) fn event(path: &str) -> Option<Event> {
    path.strip_prefix(HOOKS_PATH).and_then(Event::named)
}

/// Returns the value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in a time that does not tell where the two differ: hashes are compared, which nobody can aim at.
fn is_same(given: &[u8], ours: &[u8]) -> bool {
    // The comparison of hashes takes the same time for all.
    blake3::hash(given) == blake3::hash(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(headers: &[(&str, &str)], path: &str) -> Result<(), Refusal> {
        let gate = Gate::new("127.0.0.1:7000".parse().unwrap(), Some("secret".to_owned()));
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        gate.admit(&request.body(()).unwrap())
    }

    #[test]
    fn only_who_has_the_token_and_means_us_comes_in() {
        let (host, token) = (
            ("host", "127.0.0.1:7000"),
            ("authorization", "Bearer secret"),
        );
        assert_eq!(admitted(&[host, token], "/mcp"), Ok(()));
        let named = ("host", "LOCALHOST:7000");
        assert_eq!(
            admitted(&[named, ("authorization", "bearer secret")], "/mcp"),
            Ok(())
        );
        assert_eq!(admitted(&[host], "/mcp"), Err(Refusal::NoToken));
        for wrong in [
            "Bearer secre",
            "Bearer secret2",
            "Basic secret",
            "secret",
            "Bearer ",
        ] {
            let given = ("authorization", wrong);
            assert_eq!(
                admitted(&[host, given], "/mcp"),
                Err(Refusal::NoToken),
                "{wrong}"
            );
        }
        assert_eq!(
            admitted(&[host, token, token], "/mcp"),
            Err(Refusal::NoToken)
        );
        assert_eq!(admitted(&[host, token], "/hooks/stop"), Ok(()));
        for path in ["/", "/hooks/", "/hooks/no-such", "/mcp/"] {
            assert_eq!(
                admitted(&[host, token], path),
                Err(Refusal::NoSuchPath),
                "{path}"
            );
        }
        assert_eq!(admitted(&[host], "/hooks/stop"), Err(Refusal::NoToken));
        // Not even which paths there are is told to others.
        assert_eq!(admitted(&[host], "/"), Err(Refusal::NoToken));
    }

    #[test]
    fn other_names_and_pages_stay_out_even_with_the_token() {
        let token = ("authorization", "Bearer secret");
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:7001",
            "evil.example:7000",
            "",
        ] {
            let headers = [("host", host), token];
            assert_eq!(
                admitted(&headers, "/mcp"),
                Err(Refusal::WrongHost),
                "{host}"
            );
        }
        assert_eq!(admitted(&[token], "/mcp"), Err(Refusal::WrongHost));
        for origin in [
            "http://evil.example",
            "null",
            "",
            "http://localhost",
            "http://localhost:7001",
            "https://localhost:7000",
            "http://localhost:7000/page",
            "http://localhost:7000.evil.example",
        ] {
            let headers = [("host", "localhost:7000"), token, ("origin", origin)];
            assert_eq!(
                admitted(&headers, "/mcp"),
                Err(Refusal::FromPage),
                "{origin}"
            );
        }
        let own = ("origin", "http://127.0.0.1:7000");
        let host = ("host", "localhost:7000");
        assert_eq!(admitted(&[host, token, own], "/mcp"), Ok(()));
        assert_eq!(
            admitted(&[host, token, own, own], "/mcp"),
            Err(Refusal::FromPage)
        );
        let long = [
            ("host", "localhost:7000"),
            token,
            ("content-length", "8388609"),
        ];
        assert_eq!(admitted(&long, "/mcp"), Err(Refusal::TooLong));
    }
}
