//! Collections beside everything else in a store, and on a disk where things happen.
//!
//! The bad days: an ordinary search drowns in the records of another program; a store is deleted, or another one is
//! put in its place, while a handle goes on to acknowledge writes that nobody will ever read; a neighbour on the
//! machine reads the files; a byte on the disk turns over.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::json;
use steadfast::collection::{
    Choice, CollectionOptions, Collections, GetRequest, Origin, QueryRequest, Records, Registry,
};
use steadfast::model::{Distance, Fault as _, Filter};
use steadfast::{Collection, ListRequest, Memory, Note, SearchRequest, Selection, Silent};

fn open(folder: &Path) -> Memory {
    Memory::options().create(true).open(folder).unwrap()
}

fn filled(collections: &Collections) -> Collection {
    let drawers = collections
        .get_or_create_collection("drawers", &CollectionOptions::default())
        .unwrap();
    let records = Records::new(["proxy", "tea"])
        .documents(["The proxy listens on port 8443.", "Ada prefers tea."]);
    assert_eq!(drawers.add(&records).unwrap().inserted, 2);
    drawers
}

fn kind<T>(result: steadfast::Result<T>) -> &'static str {
    result.map(drop).unwrap_err().kind()
}

#[test]
fn an_ordinary_search_leaves_collections_out_unless_it_names_one() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(&folder.path().join("store"));
    let drawers = filled(&memory.collections());
    memory
        .remember(&Note::new("The staging proxy moved to port 9443."))
        .unwrap();
    let question = SearchRequest::new("which port has the proxy?");
    let answer = memory.search(&question).unwrap();
    assert_eq!(answer.coverage.in_scope, 1);
    assert!(answer.coverage.complete);
    assert!(
        answer
            .hits
            .iter()
            .all(|hit| hit.chunk.text.contains("9443"))
    );
    assert_eq!(memory.list(&ListRequest::default()).unwrap().total, 1);
    assert_eq!(memory.sources(&Filter::default()).unwrap().len(), 1);

    let mut named = question;
    named.filter.namespaces = vec![drawers.namespace().clone()];
    let answer = memory.search(&named).unwrap();
    assert_eq!(answer.coverage.in_scope, 2);
    assert!(answer.hits[0].chunk.text.contains("8443"));
    assert_eq!(answer.hits[0].chunk.source, "proxy");
    let mut note = Note::new("not a record");
    note.namespace = drawers.namespace().clone();
    assert_eq!(kind(memory.remember(&note)), "invalid_input");
}

#[test]
fn a_store_with_collections_verifies_and_rebuilds() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(&folder.path().join("store"));
    let collections = memory.collections();
    let drawers = filled(&collections);
    let given = collections
        .get_or_create_collection(
            "given",
            &CollectionOptions::default().distance(Distance::L2),
        )
        .unwrap();
    let records = Records::new(["a", "b"]).embeddings([vec![1.0, 0.0], vec![0.0, 1.0]]);
    given.add(&records).unwrap();
    let question = QueryRequest::texts(["which port?"]);
    let by_vector = QueryRequest::embeddings([vec![0.1, 1.0]]);
    let before = (
        drawers.query(&question).unwrap(),
        given.query(&by_vector).unwrap(),
    );
    memory.rebuild(steadfast::Derived::All, &Silent).unwrap();
    assert_eq!(memory.verify(&Silent).unwrap().findings, []);
    let after = (
        drawers.query(&question).unwrap(),
        given.query(&by_vector).unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(after.1.ids, [["b", "a"]]);
}

#[test]
fn a_forgotten_record_is_gone_and_its_id_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let memory = open(&store);
    let drawers = filled(&memory.collections());
    let mut selection = Selection::default();
    selection.namespaces = vec![drawers.namespace().clone()];
    let plan = memory.plan_forget(&selection).unwrap();
    assert_eq!(plan.chunks, 2);
    assert!(memory.forget(&plan).unwrap().is_purged);
    assert_eq!(drawers.count().unwrap(), 0);
    for entry in std::fs::read_dir(&store).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(10).any(|part| part == b"port 8443.");
            assert!(!found, "{}", path.display());
        }
    }
    let again = Records::new(["proxy"]).documents(["The proxy listens on port 8443."]);
    assert_eq!(drawers.add(&again).unwrap().inserted, 1);
    assert_eq!(drawers.count().unwrap(), 1);
}

#[cfg(unix)]
#[test]
fn a_store_that_is_deleted_or_replaced_is_noticed_at_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let (store, aside) = (folder.path().join("store"), folder.path().join("aside"));
    let memory = open(&store);
    let collections = memory.collections();
    let drawers = filled(&collections);
    std::fs::rename(&store, &aside).unwrap();
    let one = Records::new(["new"]).documents(["text"]);
    assert_eq!(kind(drawers.count()), "store_not_found");
    assert_eq!(kind(drawers.add(&one)), "store_not_found");
    assert_eq!(kind(collections.list()), "store_not_found");
    assert!(!store.exists(), "nothing is created in its place");

    let other = open(&store);
    filled(&other.collections());
    assert_eq!(kind(drawers.count()), "store_replaced");
    assert_eq!(kind(drawers.get(&GetRequest::all())), "store_replaced");
    assert_eq!(kind(drawers.add(&one)), "store_replaced");
    assert_eq!(kind(collections.health()), "store_replaced");
    assert_eq!(other.status().unwrap().chunks, 2);

    std::fs::rename(&store, folder.path().join("second")).unwrap();
    std::fs::rename(&aside, &store).unwrap();
    assert_eq!(drawers.add(&one).unwrap().inserted, 1, "it is back");
    assert_eq!(drawers.count().unwrap(), 3);
}

#[cfg(unix)]
#[test]
fn a_store_made_by_a_collection_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("deep").join("store");
    let options = Memory::options().create(true);
    let collections = Registry::default()
        .open(&store, &Choice::default(), &options)
        .unwrap();
    filled(&collections);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store), 0o700);
    for entry in std::fs::read_dir(&store).unwrap() {
        let path = entry.unwrap().path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
}

#[test]
fn the_backend_is_chosen_by_whoever_comes_first_in_line() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, made) = (folder.path().join("empty"), folder.path().join("made"));
    open(&made);
    let registry = Registry::default();
    let names: Vec<_> = registry.providers().map(|(name, _)| name).collect();
    assert_eq!(names, ["embedded", "memory"]);
    let choice = |explicit: &str, config: &str, environment: &str| {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let mut choice = Choice::default();
        choice.explicit = name(explicit);
        choice.config = name(config);
        choice.environment = name(environment);
        choice
    };
    for (choice, folder, name, origin) in [
        (
            choice("memory", "x", "y"),
            &made,
            "memory",
            Origin::Explicit,
        ),
        (choice("", "memory", "y"), &made, "memory", Origin::Config),
        (
            choice("", "", "memory"),
            &made,
            "memory",
            Origin::Environment,
        ),
        (choice("", "", ""), &made, "embedded", Origin::Detected),
        (choice("", "", ""), &empty, "embedded", Origin::Default),
    ] {
        let (provider, decided) = registry.resolve(&choice, folder).unwrap();
        assert_eq!((provider.name(), decided), (name, origin), "{choice:?}");
    }
    for unknown in [choice("chroma", "", ""), choice("", "", "chroma")] {
        assert_eq!(
            kind(registry.resolve(&unknown, &made)),
            "unknown_backend",
            "{unknown:?}"
        );
    }
    assert!(!empty.exists());
}

#[test]
fn a_vector_that_rots_is_counted_and_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let marked = f32::from_le_bytes(*b"R0T?");
    {
        let memory = open(&store);
        let given = memory
            .collections()
            .get_or_create_collection("given", &CollectionOptions::default())
            .unwrap();
        let records = Records::new(["good", "bad"])
            .embeddings([vec![1.0, 2.0], vec![marked, 2.0]])
            .documents(["one", "two"])
            .metadatas([json!({}), json!({})].map(|meta| meta.as_object().unwrap().clone()));
        given.add(&records).unwrap();
    }
    // The last handle wrote the log back when it closed.
    let database = store.join("steadfast.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let at = bytes.windows(4).position(|part| part == b"R0T?").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&database, bytes).unwrap();

    let memory = Memory::open(&store).unwrap();
    let given = memory.collections().get_collection("given").unwrap();
    let answer = given
        .query(&QueryRequest::embeddings([vec![1.0, 2.0]]))
        .unwrap();
    assert_eq!(answer.ids, [["good"]]);
    assert_eq!((answer.in_scope, answer.damaged), (2, 1));
    let findings = memory.verify(&Silent).unwrap().findings;
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["vector_damaged"]);
}
