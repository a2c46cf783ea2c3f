//! The server is asked to end while clients are there.

use std::net::TcpStream;

use serde_json::json;

use crate::server::{GIVE_UP, Running, SHORT, hello, patient};

#[test]
fn what_was_begun_is_finished_and_nothing_else_is_taken_up() {
    let mut running = Running::start(patient());
    let mut clients = [running.connect(), running.connect()];
    for client in &mut clients {
        client.send(&running.call("hold", ""));
    }
    running.begun.recv_timeout(GIVE_UP).unwrap();
    running.begun.recv_timeout(GIVE_UP).unwrap();
    let mut idle = running.connect();
    idle.send(&running.post(&hello(), ""));
    idle.reads_to("0\r\n\r\n");
    running.ask_to_end();
    // The idle connection is closed first, so the end has come this far.
    assert_eq!(idle.rest().status, 0);
    assert!(TcpStream::connect(&running.address).is_err());
    running.release.send(()).unwrap();
    running.release.send(()).unwrap();
    for client in &mut clients {
        let answered = client.rest();
        assert_eq!(answered.status, 200, "{answered:?}");
        assert!(answered.body.contains("held"), "{answered:?}");
    }
    running.ended();
}

#[test]
fn a_call_of_a_session_is_finished_too() {
    let mut running = Running::start(patient());
    let opened = running
        .connect()
        .says(&running.post(&hello(), "Connection: close\r\n"));
    let session = opened
        .head
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .unwrap();
    let further = format!("Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25\r\n");
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let close = format!("{further}Connection: close\r\n");
    assert_eq!(
        running.connect().says(&running.post(&ready, &close)).status,
        202
    );
    let mut standing = running.connect();
    standing.send(running.head("GET", &format!("{further}\r\n")).as_bytes());
    standing.reads_to("\r\n\r\n");
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "hold", "arguments": {}}});
    let mut client = running.connect();
    client.send(&running.post(&call, &further));
    running.begun.recv_timeout(GIVE_UP).unwrap();
    running.ask_to_end();
    running.release.send(()).unwrap();
    let answered = client.rest();
    assert!(answered.body.contains("held"), "{answered:?}");
    // A stream that stands open keeps nobody: it is closed after the last answer.
    standing.rest();
    running.ended();
}

#[test]
fn who_is_silent_or_half_way_does_not_keep_the_server() {
    let mut limits = patient();
    limits.end_patience = SHORT;
    let mut running = Running::start(limits);
    let _silent = running.connect();
    let mut half = running.connect();
    half.send(
        running
            .head("POST", "Content-Length: 9\r\n\r\n{")
            .as_bytes(),
    );
    let mut held = running.connect();
    held.send(&running.call("hold", ""));
    running.begun.recv_timeout(GIVE_UP).unwrap();
    running.ask_to_end();
    running.ended();
    assert!(!held.rest().body.contains("held"));
}
