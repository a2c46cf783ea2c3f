//! Bytes that are no request, or one that must not be answered.

use steadfast_testkit::{Answered, Random, seed};

use crate::server::{GIVE_UP, Running, SHORT, TOKEN, hello, patient};

/// How many random requests one server gets.
const RANDOM: u64 = 1_000;

fn check(running: &Running, request: &str, expected: &[u16]) -> Answered {
    let mut client = running.connect();
    // Who hangs up may get no answer: that is for requests that never end.
    let answered = if expected.contains(&0) {
        client.says_and_hangs_up(request.as_bytes())
    } else {
        client.says(request.as_bytes())
    };
    let start: String = request.chars().take(200).collect();
    assert!(
        expected.contains(&answered.status),
        "{start:?}: {answered:?}, not {expected:?}"
    );
    answered
}

#[test]
fn heads_that_are_none_are_refused() {
    let running = Running::start(patient());
    let head = |further: &str| running.head("POST", further);
    let many = "X-Many: 1\r\n".repeat(200);
    let cases: Vec<(String, &[u16])> = vec![
        ("garbage\r\n\r\n".to_owned(), &[400]),
        ("\u{0}\u{1}\u{2}\r\n\r\n".to_owned(), &[400]),
        ("GET /mcp\r\n\r\n".to_owned(), &[400]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[0, 400]),
        ("POST /mcp HTTP/9.9\r\n\r\n".to_owned(), &[400]),
        (head("No colon\r\n\r\n"), &[400]),
        (head("X: a\u{0}b\r\n\r\n"), &[400]),
        (head("X: a\r\n folded\r\n\r\n"), &[400]),
        (head(" X: space before\r\n\r\n"), &[400]),
        (head("X : space after\r\n\r\n"), &[400]),
        (head(&format!("X: {}\r\n\r\n", "a".repeat(100_000))), &[431]),
        (head(&format!("{many}\r\n")), &[431]),
        (
            format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)),
            &[414, 431],
        ),
        (head("Content-Length: -1\r\n\r\n"), &[400]),
        (head("Content-Length: 1x\r\n\r\n"), &[400]),
        (
            head("Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
            &[400],
        ),
        (
            head("Content-Length: 99999999999999999999999\r\n\r\n"),
            &[400],
        ),
        (head("Content-Length: 9000000\r\n\r\n{"), &[413]),
        (head("Transfer-Encoding: gzip\r\n\r\n{}"), &[400]),
        (head("Transfer-Encoding: chunked, gzip\r\n\r\n{}"), &[400]),
    ];
    for (request, expected) in cases {
        check(&running, &request, expected);
    }
    running.still_answers();
}

#[test]
fn bodies_that_are_none_are_refused() {
    let running = Running::start(patient());
    let chunked =
        |body: &str| running.head("POST", &format!("Transfer-Encoding: chunked\r\n\r\n{body}"));
    let whole = |body: &str| {
        let length = format!(
            "Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        running.head("POST", &length) + body
    };
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    let cases: Vec<(String, &[u16])> = vec![
        (chunked("zz\r\n{}\r\n0\r\n\r\n"), &[0, 400]),
        (chunked("-1\r\n{}\r\n0\r\n\r\n"), &[0, 400]),
        (chunked("fffffffffffffffffff\r\n{}"), &[0, 400]),
        (chunked("2\r\n{}garbage\r\n0\r\n\r\n"), &[0, 400]),
        (
            chunked(&format!("2;{}\r\n{{}}\r\n", "x".repeat(100_000))),
            &[0, 400],
        ),
        (chunked("5\r\n{"), &[0, 400]),
        (chunked(&chunk.repeat(9)), &[413]),
        (
            running.head("POST", "Content-Length: 10\r\n\r\n{"),
            &[0, 400],
        ),
        (whole(""), &[400, 415]),
        (whole("{"), &[400, 415]),
        (whole("\u{0}"), &[400, 415]),
        (whole("[]"), &[400, 415, 422]),
        (
            whole("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}"),
            &[400, 415, 422],
        ),
        (whole(&("[".repeat(100) + &"]".repeat(100))), &[400]),
        (whole(&format!("[{}0]", "0,".repeat(300_000))), &[400]),
    ];
    for (request, expected) in cases {
        check(&running, &request, expected);
    }
    running.still_answers();
}

#[test]
fn two_lengths_hide_no_second_request() {
    let mut limits = patient();
    limits.head_patience = SHORT;
    let running = Running::start(limits);
    // Whoever goes by the length sees one request, whoever goes by the chunks sees two.
    let hidden = "DELETE /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let length = format!("Content-Length: {}\r\n", 5 + hidden.len());
    let both = format!("{length}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}");
    let answered = check(&running, &running.head("POST", &both), &[400, 415, 422]);
    let second = answered
        .body
        .find("HTTP/1.1 ")
        .map(|at| &answered.body[at..]);
    // What is hidden has no token and another name, so it is refused if it is seen at all.
    assert!(
        second.is_none_or(|second| second.starts_with("HTTP/1.1 403")),
        "{second:?}"
    );
}

#[test]
fn other_methods_and_paths_are_nothing() {
    let running = Running::start(patient());
    let close = "Connection: close\r\n\r\n";
    for method in ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "BREW"] {
        let answered = check(&running, &running.head(method, close), &[405]);
        assert!(!answered.head.contains("access-control"), "{answered:?}");
        assert!(method != "HEAD" || answered.body.is_empty());
        let stranger = running
            .head(method, close)
            .replace(&format!("Bearer {TOKEN}"), "Bearer wrong");
        check(&running, &stranger, &[401]);
    }
    for path in ["/", "/mcp/", "/MCP", "/mcp/../mcp", "//mcp", "/mcp%2f", "*"] {
        let request = running
            .head("POST", close)
            .replace("POST /mcp", &format!("POST {path}"));
        check(&running, &request, &[400, 404]);
    }
    let elsewhere = running
        .head("CONNECT", close)
        .replace("/mcp", "evil.example:80");
    check(&running, &elsewhere, &[403, 404]);
    running.still_answers();
}

#[test]
fn names_of_others_are_refused_wherever_they_stand() {
    let running = Running::start(patient());
    let close = "Connection: close\r\n\r\n";
    let ours = format!("Host: {}", running.address);
    let with = |host: &str| running.head("POST", close).replace(&ours, host);
    let port = running.address.rsplit(':').next().unwrap();
    for host in [
        "X-No-Host: 1".to_owned(),
        "Host:".to_owned(),
        "Host: evil.example".to_owned(),
        format!("Host: evil.example:{port}"),
        format!("Host: 127.0.0.1.evil.example:{port}"),
        "Host: 127.0.0.1".to_owned(),
        format!("{ours}\r\nHost: evil.example"),
        format!("{ours}\r\n{ours}"),
        format!("Host: user@{}", running.address),
    ] {
        check(&running, &with(&host), &[400, 403]);
    }
    let absolute = running
        .head("POST", close)
        .replace("POST /mcp", "POST http://evil.example/mcp");
    check(&running, &absolute, &[403]);
    for origin in ["http://evil.example", "null", "https://localhost"] {
        let from = format!("Origin: {origin}\r\n{close}");
        for method in ["POST", "GET", "OPTIONS"] {
            check(&running, &running.head(method, &from), &[403]);
        }
    }
    let own = format!(
        "Origin: http://{}\r\nConnection: close\r\n",
        running.address
    );
    let answered = running.connect().says(&running.post(&hello(), &own));
    assert_eq!(answered.status, 200, "{answered:?}");
}

#[test]
fn random_changes_of_a_request_end_nothing() {
    let mut limits = patient();
    limits.head_patience = GIVE_UP;
    let running = Running::start(limits);
    let seed = seed(20_261_121);
    let honest = running.post(&hello(), "");
    for case in 0..RANDOM {
        let mut random = Random::new(Random::new(seed.wrapping_add(case)).draw());
        let mut bytes = honest.clone();
        for _ in 0..=random.below(4) {
            change(&mut bytes, &mut random);
        }
        let answered = running.connect().says_and_hangs_up(&bytes);
        let known = [
            0, 200, 400, 401, 403, 404, 405, 406, 408, 413, 414, 415, 422, 431, 503,
        ];
        assert!(
            known.contains(&answered.status),
            "seed {seed}, case {case}: {answered:?}"
        );
        if case % 100 == 0 {
            running.still_answers();
        }
    }
    running.still_answers();
}

/// Flips, cuts, doubles or inserts at a random place.
fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(4) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
        2 => {
            let part = bytes[at..].to_vec();
            bytes.extend(part);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= u8::try_from(1 + random.below(255)).unwrap();
            }
        }
    }
}
