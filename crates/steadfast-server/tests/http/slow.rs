//! Clients that take their time, and clients that are many.

use std::io::{ErrorKind, Read as _, Write as _};

use serde_json::json;

use crate::server::{GIVE_UP, Running, SHORT, hello, patient};

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let mut limits = patient();
    limits.head_patience = SHORT;
    let running = Running::start(limits);
    let whole = running.head("POST", "");
    for length in [0, 1, 20, whole.len()] {
        let answered = running.connect().says(&whole.as_bytes()[..length]);
        assert!([0, 408].contains(&answered.status), "{answered:?}");
    }
    running.still_answers();
}

#[test]
fn a_head_that_comes_byte_by_byte_is_cut_off_too() {
    let mut limits = patient();
    limits.head_patience = SHORT;
    let running = Running::start(limits);
    let mut client = running.connect();
    // The pace of the drip is the time that a read waits in vain.
    client.stream.set_read_timeout(Some(SHORT / 10)).unwrap();
    client.send(running.head("POST", "X-Slow: ").as_bytes());
    let is_closed = (0..10_000).any(|_| {
        let sent = client.stream.write_all(b"a");
        match client.stream.read(&mut [0; 1024]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => sent.is_err() || error.kind() == ErrorKind::ConnectionReset,
        }
    });
    assert!(is_closed, "ten thousand bytes of a head were waited for");
    running.still_answers();
}

#[test]
fn a_body_that_never_ends_is_cut_off() {
    let mut limits = patient();
    limits.body_patience = SHORT;
    let running = Running::start(limits);
    for head in [
        "Content-Length: 100\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ] {
        let answered = running
            .connect()
            .says(running.head("POST", head).as_bytes());
        assert_eq!(answered.status, 408, "{answered:?}");
    }
    running.still_answers();
}

#[test]
fn who_has_no_token_is_refused_before_the_body() {
    let running = Running::start(patient());
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
        running.address
    );
    let answered = running.connect().says(head.as_bytes());
    assert_eq!(answered.status, 401, "{answered:?}");
}

#[test]
fn a_connection_that_rests_is_closed() {
    let mut limits = patient();
    limits.head_patience = SHORT;
    let running = Running::start(limits);
    let mut client = running.connect();
    // Several requests on one connection, the last without a wish to close.
    let asked = running.post(&hello(), "");
    for _ in 0..3 {
        client.send(&asked);
        client.reads_to("0\r\n\r\n");
    }
    assert_eq!(client.rest().status, 0);
}

#[test]
fn who_asks_and_never_reads_loses_the_place() {
    let mut limits = patient();
    limits.write_patience = SHORT;
    limits.connections_max = 1;
    let running = Running::start(limits);
    let mut deaf = running.connect();
    deaf.stream.set_write_timeout(Some(SHORT)).unwrap();
    let asked = running.call("large", "");
    for _ in 0..100 {
        if deaf.stream.write_all(&asked).is_err() {
            break;
        }
    }
    running.still_answers();
}

#[test]
fn no_more_connections_are_served_than_there_are_places() {
    let mut limits = patient();
    limits.connections_max = 2;
    let running = Running::start(limits);
    let asked = running.call("hold", "Connection: close\r\n");
    let mut clients = [running.connect(), running.connect(), running.connect()];
    for client in &mut clients {
        client.send(&asked);
    }
    running.begun.recv_timeout(GIVE_UP).unwrap();
    running.begun.recv_timeout(GIVE_UP).unwrap();
    assert!(
        running.begun.recv_timeout(SHORT).is_err(),
        "a third one is served"
    );
    running.release.send(()).unwrap();
    running.begun.recv_timeout(GIVE_UP).unwrap();
    running.release.send(()).unwrap();
    running.release.send(()).unwrap();
    for client in &mut clients {
        assert!(client.rest().body.contains("held"));
    }
}

#[test]
fn silent_connections_do_not_keep_their_places() {
    let mut limits = patient();
    limits.connections_max = 4;
    limits.head_patience = SHORT;
    let running = Running::start(limits);
    let silent: Vec<_> = (0..64).map(|_| running.connect()).collect();
    running.still_answers();
    drop(silent);
}

#[test]
fn sessions_have_a_bound_and_can_be_closed() {
    let mut limits = patient();
    limits.sessions_max = 2;
    let running = Running::start(limits);
    let close = "Connection: close\r\n";
    let open = || running.connect().says(&running.post(&hello(), close));
    let first = open();
    assert_eq!((first.status, open().status), (200, 200));
    let refused = open();
    assert_eq!(refused.status, 503, "{refused:?}");
    let session = first
        .head
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .unwrap();
    let session = format!("Mcp-Session-Id: {session}\r\n{close}");
    // The session that is there, and whoever needs none, are served on.
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
    let answered = running.connect().says(&running.post(&ping, &session));
    assert_eq!(answered.status, 200, "{answered:?}");
    let called = running.connect().says(&running.call("large", close));
    assert_eq!(called.status, 200);
    let delete = running.head("DELETE", &format!("{session}\r\n"));
    let deleted = running.connect().says(delete.as_bytes());
    assert_eq!(deleted.status, 202, "{deleted:?}");
    assert_eq!(open().status, 200);
}
