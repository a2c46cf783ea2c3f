//! Frames from a reader to the protocol, and messages from the protocol to a writer.
//!
//! A thread reads lines and hands them over through a short queue, so a client
//! that floods waits. What is no message is answered here and goes no further:
//! the protocol sees messages only. Invariants: nothing but whole messages is
//! written, one a line; the end of the input, and a writer that fails, end the
//! session and are no error.

use std::io::{self, BufReader, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::mpsc::{Receiver, channel};

use super::frame::{Line, flaw, read_line, refuse, too_long};

/// How many lines wait to be taken up.
const QUEUE_LINES: usize = 8;

/// How much is read at a time.
const READ_BYTES: usize = 64 << 10;

/// Both ends of a client. Clones share them, so a session can follow another.
#[derive(Clone)]
pub(super) struct Pipe {
    lines: Arc<tokio::sync::Mutex<Receiver<Line>>>,
    output: Arc<Mutex<Output>>,
}

struct Output {
    writer: Box<dyn Write + Send>,
    is_open: bool,
}

impl Pipe {
    /// Starts to read; the thread ends with the input, or when nobody takes the lines up any more.
    pub(super) fn new(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel(QUEUE_LINES);
        thread::Builder::new()
            .name("mcp input".to_owned())
            .spawn(move || {
                let mut input = BufReader::with_capacity(READ_BYTES, input);
                // An input that cannot be read has ended.
                while let Ok(Some(line)) = read_line(&mut input) {
                    if sender.blocking_send(line).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self {
            lines: Arc::new(tokio::sync::Mutex::new(receiver)),
            output: Arc::new(Mutex::new(Output {
                writer: Box::new(output),
                is_open: true,
            })),
        })
    }

    /// Returns whether a further session can follow.
    pub(super) async fn is_open(&self) -> bool {
        let lines = self.lines.lock().await;
        let is_over = lines.is_closed() && lines.is_empty();
        !is_over && self.with_output(|output| output.is_open)
    }

    fn with_output<T>(&self, act: impl FnOnce(&mut Output) -> T) -> T {
        // A line is written in one call, so a panic elsewhere cannot have cut one.
        act(&mut self.output.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        self.with_output(|output| {
            let written = output
                .writer
                .write_all(&line)
                .and_then(|()| output.writer.flush());
            output.is_open &= written.is_ok();
            written
        })
    }
}

impl Transport<RoleServer> for Pipe {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let pipe = self.clone();
        async move { pipe.write(serde_json::to_vec(&message)?) }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let line = self.lines.lock().await.recv().await?;
            let refused = match line {
                Line::TooLong => too_long(),
                Line::Frame(frame) => match flaw(&frame) {
                    Some(flaw) => refuse(&frame, Some(flaw)),
                    None => match serde_json::from_slice(&frame) {
                        Ok(message) => return Some(message),
                        Err(_) => refuse(&frame, None),
                    },
                },
            };
            if self.write(refused.to_string().into_bytes()).is_err() {
                return None;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}
