//! A palace that the real Chroma serves comes in over the wire as it does from its folder.
//!
//! Runs where `STEADFAST_CHROMA_PYTHON` names a Python with chromadb 1.5.9, as `proof` does.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use steadfast::model::Validity;
use steadfast::{ChromaServer, ImportKind, ImportOptions, ListRequest, Memory, Silent};

use crate::support::{NEW, Palace, ROWS};

/// Chroma in a process of its own, as long as it is held.
struct Served {
    child: Child,
    server: ChromaServer,
}

impl Served {
    fn run(palace: &Path) -> Option<Self> {
        let Some(python) = std::env::var_os("STEADFAST_CHROMA_PYTHON") else {
            eprintln!("skipped without STEADFAST_CHROMA_PYTHON: a Python with chromadb");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut child = Command::new(Path::new(&python).with_file_name("chroma"))
            .args([
                "run",
                "--host",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--path",
            ])
            .arg(palace)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains("listening on address")),
            "it ended before it listened"
        );
        // Whoever nobody reads from is stuck when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self {
            child,
            server: ChromaServer::new(format!("http://127.0.0.1:{port}")),
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn texts(memory: &Memory) -> Vec<(String, String, String, serde_json::Value)> {
    let mut request = ListRequest::default();
    request.limit = 1_000;
    request.filter.validity = Validity::Any;
    let chunks = memory.list(&request).unwrap().chunks.into_iter();
    let mut texts: Vec<_> = chunks
        .map(|chunk| {
            let meta = serde_json::to_value(&chunk.attributes.meta).unwrap();
            (
                chunk.namespace.as_str().to_owned(),
                chunk.source,
                chunk.text,
                meta,
            )
        })
        .collect();
    texts.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
    texts
}

#[test]
fn a_palace_comes_from_its_server_as_it_does_from_its_folder() {
    let palace = Palace::unpack(NEW);
    let Some(served) = Served::run(&palace.path()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let options = Memory::options().create(true);
        options.open(folder.path().join(name)).unwrap()
    };
    let (by_wire, by_folder, options) = (open("wire"), open("folder"), ImportOptions::default());
    let report = by_wire
        .import_server(&served.server, &options, &Silent)
        .unwrap();
    assert_eq!(
        (report.kind, report.read, report.imported, report.complete),
        (ImportKind::MemPalace, ROWS, ROWS, true),
        "{report:?}"
    );
    by_folder.import(&palace.path(), &options, &Silent).unwrap();
    assert_eq!(texts(&by_wire), texts(&by_folder));
    for memory in [&by_wire, &by_folder] {
        let again = memory
            .import_server(&served.server, &options, &Silent)
            .unwrap();
        assert_eq!((again.imported, again.reused), (0, ROWS), "{again:?}");
        let again = memory.import(&palace.path(), &options, &Silent).unwrap();
        assert_eq!((again.imported, again.reused), (0, ROWS), "{again:?}");
    }
    let mut elsewhere = served.server.clone();
    elsewhere.database = "no_such_database".to_owned();
    let refused = by_wire
        .import_server(&elsewhere, &options, &Silent)
        .unwrap_err();
    assert!(
        matches!(refused, steadfast::Error::ServerRefused { .. }),
        "{refused}"
    );
}
