//! A Chroma server that runs: all of it comes, whatever it answers nothing else is called, and what is none of
//! Chroma's answers is an error that says so. The server is a few lines of this file; the real one is asked in
//! `tests/palace/served.rs`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use steadfast::model::{Fault as _, Retry};
use steadfast::{ChromaServer, Error, ImportKind, ImportOptions, ImportReport, Memory, Silent};

use crate::support::Place;
use crate::vectors::{Counter, DIMENSIONS, rounded};

/// What a stub answers.
enum Reply {
    Json(u16, Value),
    Raw(Vec<u8>),
}

type Answer = dyn FnMut(&str, &Value) -> Reply + Send;

/// A server that answers what the test says.
struct Stub {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    /// What was called: method and path.
    calls: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    fn new(mut answer: Box<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (over, called) = (Arc::clone(&is_over), Arc::clone(&calls));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // Whoever was called may hang up early.
                drop(serve(stream.unwrap(), &called, &mut answer));
            }
        });
        Self {
            address,
            is_over,
            calls,
            thread: Some(thread),
        }
    }

    fn server(&self) -> ChromaServer {
        ChromaServer::new(format!("http://{}", self.address))
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn serve(
    stream: TcpStream,
    calls: &Mutex<Vec<String>>,
    answer: &mut Box<Answer>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let called = first.rsplit_once(' ').unwrap_or_default().0.to_owned();
    calls.lock().unwrap().push(called.clone());
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let bytes = match answer(&called, &body) {
        Reply::Raw(bytes) => bytes,
        Reply::Json(status, value) => {
            let text = value.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            [head.as_bytes(), text.as_bytes()].concat()
        }
    };
    reader.get_mut().write_all(&bytes)
}

#[derive(Clone)]
struct Row {
    id: String,
    document: Value,
    metadata: Value,
}

fn row(id: &str, document: impl Into<Value>, metadata: Value) -> Row {
    Row {
        id: id.to_owned(),
        document: document.into(),
        metadata,
    }
}

/// Answers as Chroma 1.5 does for the collections of one database.
fn chroma(collections: Vec<(&'static str, Vec<Row>)>) -> Box<Answer> {
    let home = "/api/v2/tenants/default_tenant/databases/default_database";
    Box::new(move |called, body| {
        let (method, path) = called.split_once(' ').unwrap();
        let Some(rest) = path.strip_prefix(home) else {
            let said = json!({"error": "NotFoundError", "message": "Database does not exist"});
            // Chroma itself says of a database that is not there that it has no collections.
            let is_list = path.contains("/collections?");
            return if is_list {
                Reply::Json(200, json!([]))
            } else {
                Reply::Json(404, said)
            };
        };
        let Some(rest) = rest.strip_prefix("/collections") else {
            return Reply::Json(200, json!({"name": "default_database"}));
        };
        if let Some(query) = rest.strip_prefix('?') {
            let offset: usize = query.rsplit_once('=').unwrap().1.parse().unwrap();
            let named = collections.iter().enumerate().skip(offset).take(100);
            let named =
                named.map(|(number, (name, _))| json!({"id": format!("c{number}"), "name": name}));
            return Reply::Json(200, named.collect());
        }
        let (id, what) = rest.trim_start_matches('/').split_once('/').unwrap();
        let rows = &collections[id[1..].parse::<usize>().unwrap()].1;
        if (method, what) == ("GET", "count") {
            return Reply::Json(200, json!(rows.len()));
        }
        assert_eq!((method, what), ("POST", "get"));
        Reply::Json(200, page(rows, body))
    })
}

fn page(rows: &[Row], asked: &Value) -> Value {
    let number = |name: &str| usize::try_from(asked[name].as_u64().unwrap()).unwrap();
    let rows: Vec<&Row> = rows
        .iter()
        .skip(number("offset"))
        .take(number("limit"))
        .collect();
    let wants = |name: &str| asked["include"].as_array().unwrap().contains(&json!(name));
    let column = |name: &str, value: fn(&Row) -> &Value| {
        wants(name).then(|| {
            rows.iter()
                .map(|row| value(row))
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    json!({
        "ids": rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        "documents": column("documents", |row| &row.document),
        "metadatas": column("metadatas", |row| &row.metadata),
        "embeddings": null, "uris": null, "include": asked["include"],
    })
}

/// Answers that there is a database, and something else for its collections.
fn database_or(called: &str, other: Value) -> Value {
    if called.contains("/collections") {
        other
    } else {
        json!({"name": "default_database"})
    }
}

fn import(place: &Place, server: &ChromaServer) -> Result<ImportReport, Error> {
    let options = ImportOptions::default();
    place.memory.import_server(server, &options, &Silent)
}

#[test]
fn vectors_of_the_same_model_are_asked_for_and_come_along() {
    let texts = ["The kettle is blue.", "Backups go to the harbour at night."];
    for (said, dimension, taken_over) in [
        ("default", DIMENSIONS, 2),
        ("openai", DIMENSIONS, 0),
        ("default", 9, 0),
    ] {
        let mut is_asked = false;
        let mut told = chroma(vec![(
            "talks",
            texts.map(|text| row(text, text, Value::Null)).to_vec(),
        )]);
        let stub = Stub::new(Box::new(move |called, body| {
            let Reply::Json(status, mut value) = told(called, body) else {
                panic!("{called}")
            };
            if let Some(collection) = value.get_mut(0).filter(|it| it.get("name").is_some()) {
                collection["dimension"] = json!(dimension);
                let function = json!({"type": "known", "name": said, "config": {}});
                collection["configuration_json"] = json!({ "embedding_function": function });
            }
            is_asked |= body["include"]
                .as_array()
                .is_some_and(|asked| asked.contains(&json!("embeddings")));
            if is_asked && value.get("documents").is_some_and(Value::is_array) {
                assert_eq!(taken_over, 2, "{said} {dimension}");
                let documents = value["documents"].as_array().unwrap().iter();
                let made = documents.map(|text| rounded(text.as_str().unwrap()));
                value["embeddings"] = made.collect::<Vec<_>>().into();
            }
            Reply::Json(status, value)
        }));
        let model = Counter::new("minilm");
        let place = Place::with(Memory::options().embed(model));
        let report = import(&place, &stub.server()).unwrap();
        assert_eq!(report.imported, 2, "{report:?}");
        let vectors = report.vectors;
        assert_eq!(
            (vectors.taken_over, vectors.embedded),
            (taken_over, 2 - taken_over),
            "{report:?}"
        );
        assert!(place.memory.verify(&Silent).unwrap().findings.is_empty());
    }
}

#[test]
fn all_rows_come_in_their_order_and_the_second_time_none() {
    let talk = (0..1_203).map(|number| {
        let about = json!({"source": "/talk.md", "chunk_index": 2_000 - number, "weight": 0.1, "people": ["Ann", "Bob"]});
        row(&format!("d{number}"), format!("Text number {number}."), about)
    });
    let mut talk: Vec<Row> = talk.collect();
    talk.push(row("no text", Value::Null, Value::Null));
    let sparse = json!({"#type": "sparse_vector", "indices": [1], "values": [0.5]});
    let odd = vec![row("o", "Odd.", json!({"sparse": sparse, "empty": null}))];
    let stub = Stub::new(chroma(vec![
        ("talks", talk),
        ("empty", Vec::new()),
        ("odd", odd),
    ]));
    let (place, server, options) = (Place::new(), stub.server(), ImportOptions::default());
    let plan = place
        .memory
        .plan_import_server(&server, &options, &Silent)
        .unwrap();
    let report = import(&place, &server).unwrap();
    assert!(report.adds_up(), "{report:?}");
    assert_eq!(
        (
            report.kind,
            report.read,
            report.imported,
            report.refused,
            report.complete
        ),
        (ImportKind::Chroma, 1_205, 1_204, 1, false)
    );
    assert_eq!((plan.read, plan.imported, plan.refused), (1_205, 1_204, 1));
    assert_eq!(report.left_out[0].what, "sparse vector");
    let chunks = place.chunks();
    let first = &chunks["d1202"];
    assert_eq!(
        (first.namespace.as_str(), first.source.as_str()),
        ("talks", "chroma:talks:/talk.md")
    );
    assert_eq!(
        (first.text.as_str(), first.place.position),
        ("Text number 1202.", 0)
    );
    assert_eq!(first.attributes.meta["people"], json!(["Ann", "Bob"]));
    let kept: Vec<&String> = chunks["o"].attributes.meta.keys().collect();
    assert!(
        !kept.iter().any(|key| *key == "sparse" || *key == "empty"),
        "{kept:?}"
    );
    let again = import(&place, &server).unwrap();
    assert_eq!(
        (again.imported, again.reused, again.seq),
        (0, 1_204, report.seq)
    );
}

#[test]
fn the_server_and_its_folder_give_the_same_rows() {
    let place = Place::new();
    let database = place.database(
        "chroma.sqlite3",
        "CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE segments (id TEXT PRIMARY KEY, scope TEXT NOT NULL, collection TEXT NOT NULL);
         CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT, seq_id INTEGER);
         CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER,
           float_value REAL, bool_value INTEGER);
         INSERT INTO collections VALUES ('c', 'mempalace_drawers');
         INSERT INTO segments VALUES ('m', 'METADATA', 'c');
         INSERT INTO embeddings VALUES (1, 'm', 'd1', 1), (2, 'm', 'd2', 2);
         INSERT INTO embedding_metadata VALUES (1, 'chroma:document', 'The kettle is blue.', NULL, NULL, NULL),
           (1, 'wing', 'home', NULL, NULL, NULL), (2, 'chroma:document', 'The stove is gas.', NULL, NULL, NULL),
           (2, 'wing', 'home', NULL, NULL, NULL);",
    );
    let about = || json!({"wing": "home"});
    let rows = vec![
        row("d1", "The kettle is blue.", about()),
        row("d2", "The stove is gas.", about()),
        row("d3", "The door is open.", about()),
    ];
    assert_eq!(place.import(&database).imported, 2);
    let stub = Stub::new(chroma(vec![("mempalace_drawers", rows)]));
    let report = import(&place, &stub.server()).unwrap();
    assert_eq!(
        (report.kind, report.imported, report.reused),
        (ImportKind::MemPalace, 1, 2)
    );
    assert!(
        report.warnings[0].contains("import its folder"),
        "{:?}",
        report.warnings
    );
    assert_eq!(place.chunks()["d3"].namespace.as_str(), "home");
}

#[test]
fn nobody_is_called_but_the_server_that_was_named() {
    let other = Stub::new(chroma(vec![(
        "c",
        vec![row("x", "Elsewhere.", Value::Null)],
    )]));
    let (to, place) = (other.address, Place::new());
    for status in [301, 302, 303, 307, 308] {
        let stub = Stub::new(Box::new(move |called, _| {
            let path = called.split_once(' ').unwrap().1;
            let head = format!(
                "HTTP/1.1 {status} X\r\nlocation: http://{to}{path}\r\ncontent-length: 0\r\n\r\n"
            );
            Reply::Raw(head.into_bytes())
        }));
        let error = import(&place, &stub.server()).unwrap_err();
        assert!(
            matches!(error, Error::ServerMalformed { .. }),
            "{status}: {error}"
        );
        assert!(error.to_string().contains(&to.to_string()), "{error}");
        assert_eq!(stub.calls().len(), 1);
    }
    assert_eq!(other.calls(), Vec::<String>::new());
    assert!(place.chunks().is_empty());
}

#[test]
fn a_server_that_is_not_there_or_refuses_says_so_and_nothing_is_written() {
    let place = Place::new();
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = import(&place, &ChromaServer::new(format!("http://{gone}"))).unwrap_err();
    assert!(matches!(error, Error::ServerUnreachable { .. }), "{error}");
    assert_eq!(
        (error.kind(), error.retry(), error.place()),
        (
            "server_unreachable",
            Retry::After,
            Some(format!("http://{gone}"))
        )
    );
    for (status, retry) in [
        (401, Retry::Never),
        (429, Retry::After),
        (503, Retry::After),
    ] {
        let said = json!({"error": "X", "message": "No.\u{1b}[2J"});
        let stub = Stub::new(Box::new(move |_, _| Reply::Json(status, said.clone())));
        let error = import(&place, &stub.server()).unwrap_err();
        assert_eq!((error.kind(), error.retry()), ("server_refused", retry));
        assert!(
            error.to_string().ends_with(&format!("{status}: No. [2J")),
            "{error}"
        );
    }
    let stub = Stub::new(chroma(Vec::new()));
    let mut server = stub.server();
    server.database = "../notes".to_owned();
    let error = import(&place, &server).unwrap_err();
    assert!(
        error.to_string().contains("404: Database does not exist"),
        "{error}"
    );
    assert!(
        stub.calls()[0].contains("/databases/..%2Fnotes"),
        "{:?}",
        stub.calls()
    );
    for url in [
        "https://127.0.0.1:1",
        "http://ann:secret@127.0.0.1:1",
        "http://",
    ] {
        let error = import(&place, &ChromaServer::new(url)).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
    }
    let mut options = ImportOptions::default();
    options.kind = Some(ImportKind::OpenHuman);
    let refused = place
        .memory
        .import_server(&stub.server(), &options, &Silent);
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    assert!(place.chunks().is_empty());
}

/// Answers that are no answers of Chroma.
fn no_answers() -> Vec<(&'static str, Box<Answer>)> {
    let raw = |text: &str| Reply::Raw(text.as_bytes().to_vec());
    vec![
        (
            "another protocol",
            Box::new(move |_, _| raw("SSH-2.0-OpenSSH_9.9\r\n")),
        ),
        ("nothing", Box::new(move |_, _| raw(""))),
        (
            "a page for people",
            Box::new(move |_, _| raw("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>")),
        ),
        (
            "cut",
            Box::new(move |_, _| raw("HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n[{\"id\"")),
        ),
        (
            "an endless head",
            Box::new(move |_, _| raw(&format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20)))),
        ),
        (
            "another list",
            Box::new(|called, _| Reply::Json(200, database_or(called, json!([{"id": 7}])))),
        ),
        (
            "no list",
            Box::new(|called, _| Reply::Json(200, database_or(called, json!({"collections": []})))),
        ),
        (
            "deep",
            Box::new(move |_, _| {
                let deep = "[".repeat(100_000);
                raw(&format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{deep}",
                    deep.len()
                ))
            }),
        ),
    ]
}

/// Answers of Chroma with a page in which something is wrong.
fn wrong_pages() -> Vec<(&'static str, Box<Answer>)> {
    let one = || row("x", "One.", Value::Null);
    vec![
        (
            "a page without ids",
            with_page(one(), |page| drop(page["ids"].take())),
        ),
        (
            "ids that are numbers",
            with_page(one(), |page| page["ids"] = json!([7])),
        ),
        (
            "too few texts",
            with_page(one(), |page| page["documents"] = json!([])),
        ),
        (
            "too many texts",
            with_page(one(), |page| page["documents"] = json!(["a", "b"])),
        ),
        ("the same page for ever", {
            let mut chroma = chroma(vec![("c", vec![one()])]);
            Box::new(move |called, asked| {
                let mut asked = asked.clone();
                if called.starts_with("POST") {
                    asked["offset"] = json!(0);
                }
                chroma(called, &asked)
            })
        }),
    ]
}

#[test]
fn what_is_no_answer_of_chroma_is_told() {
    let place = Place::new();
    for (what, answer) in no_answers().into_iter().chain(wrong_pages()) {
        let stub = Stub::new(answer);
        let error = import(&place, &stub.server()).unwrap_err();
        let kind = error.kind();
        assert!(
            ["server_malformed", "server_unreachable"].contains(&kind),
            "{what}: {error}"
        );
        assert!(stub.calls().len() < 10, "{what}: {:?}", stub.calls());
    }
    assert!(place.chunks().is_empty());
}

/// Answers with one record, in pages that something was done to.
fn with_page(row: Row, change: fn(&mut Value)) -> Box<Answer> {
    let mut chroma = chroma(vec![("c", vec![row])]);
    Box::new(move |called, asked| match chroma(called, asked) {
        Reply::Json(status, mut value) if called.starts_with("POST") => {
            change(&mut value);
            Reply::Json(status, value)
        }
        reply @ (Reply::Json(..) | Reply::Raw(_)) => reply,
    })
}

#[test]
fn a_collection_that_changes_while_it_is_read_is_read_again() {
    let rows: Vec<Row> = (0..700)
        .map(|number| {
            row(
                &format!("d{number}"),
                format!("Text {number}."),
                Value::Null,
            )
        })
        .collect();
    for (changes, is_complete) in [(1, true), (100, false)] {
        let place = Place::new();
        let (mut rows, mut left) = (rows.clone(), changes);
        let stub = Stub::new(Box::new(move |called, asked| {
            let reply = chroma(vec![("c", rows.clone())])(called, asked);
            // Behind the first page a record of it leaves and another one comes: the next page begins one too late.
            if called.starts_with("POST")
                && asked["offset"] == 0
                && left > 0
                && asked["limit"] == 500
            {
                left -= 1;
                rows.remove(0);
                rows.push(row(
                    &format!("new {left}"),
                    format!("New text {left}."),
                    Value::Null,
                ));
            }
            reply
        }));
        let report = import(&place, &stub.server()).unwrap();
        assert!(report.adds_up());
        assert_eq!(report.complete, is_complete, "{report:?}");
        assert_eq!(report.warnings.len(), usize::from(!is_complete));
        if is_complete {
            let chunks = place.chunks();
            assert_eq!(chunks.len(), 700);
            assert!(!chunks.contains_key("d0") && chunks.contains_key("d500"));
        }
    }
}

#[test]
fn a_record_too_long_for_an_answer_is_refused_and_the_others_come() {
    let long = "x".repeat((64 << 20) + 1);
    let rows = vec![
        row("a", "Before.", Value::Null),
        row("b", long, Value::Null),
        row("c", "Behind.", Value::Null),
    ];
    let (place, stub) = (Place::new(), Stub::new(chroma(vec![("c", rows)])));
    let report = import(&place, &stub.server()).unwrap();
    assert!(report.adds_up(), "{report:?}");
    assert_eq!(
        (report.read, report.imported, report.complete),
        (3, 2, false)
    );
    assert_eq!(report.refusals[0].reason, "too_large");
    let ids: Vec<String> = place.chunks().into_keys().collect();
    assert_eq!(ids, ["a", "c"]);
}
