//! An import is killed at each system call by which it changes a file; the next one finishes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use steadfast::model::Validity;
use steadfast::{ListRequest, Memory, Silent};
use steadfast_testkit::{Figure, Random, cases, seed, tell};

use crate::sources::{ROWS, SOURCES, Source};
use crate::strace::{self, Point};
use crate::world::{World, copy, is_acknowledged};

/// Kills of one run without `STEADFAST_SOAK`, of each kind.
const KILLS: usize = 2;
/// How many of the killed imports had brought some documents and not all.
const PARTIAL: &str = "killed imports that had brought a part";

/// The chunks of each document, which is a source in a namespace, in words.
type Contents = BTreeMap<String, Vec<String>>;

struct Import {
    world: World,
    source: PathBuf,
    /// What an import that nobody kills brings in.
    wanted: Contents,
    /// The bytes of the source.
    bytes: BTreeMap<PathBuf, Vec<u8>>,
}

impl Import {
    fn new(kind: &Source, journal: &'static str) -> Self {
        let world = World::new(journal);
        let below = world.path("source");
        std::fs::create_dir(&below).unwrap();
        let source = (kind.make)(&below);
        let opening = Memory::options().create(true).journal(world.journal());
        drop(opening.open(world.store()).unwrap());
        let mut import = Self {
            bytes: bytes(&source),
            world,
            source,
            wanted: Contents::new(),
        };
        let store = import.world.path("whole");
        copy(&import.world.store(), &store);
        let report = import.finish(&store);
        assert_eq!(report["read"], ROWS, "{report}");
        assert_eq!(report["complete"], true, "{report}");
        import.wanted = import.contents(&store);
        import
    }

    fn arguments(&self) -> Vec<String> {
        let source = self.source.display().to_string();
        vec!["--json".to_owned(), "import".to_owned(), source]
    }

    /// Imports under strace, into a store of its own.
    fn run(&self, store: &Path, options: &[String]) -> Output {
        copy(&self.world.store(), store);
        let mut command = self.world.wrapped("strace", store);
        strace::trace(&mut command, options, &self.arguments());
        command.output().unwrap()
    }

    /// Imports without a kill; returns the report.
    fn finish(&self, store: &Path) -> Value {
        let run = self
            .world
            .program(store)
            .args(self.arguments())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "it does not run again: {said}");
        let report: Value = serde_json::from_str(&said).unwrap();
        let count = |name: &str| report[name].as_u64().unwrap();
        let brought = count("imported") + count("reused") + count("updated") + count("refused");
        assert_eq!(count("read"), brought, "{report}");
        report
    }

    fn kill_at(&self, point: &Point) {
        let store = self.world.path("killed");
        let run = self.run(&store, &point.options());
        assert_eq!(bytes(&self.source), self.bytes, "the source has changed");
        let left = self.contents(&store);
        for (document, chunks) in &left {
            let wanted = self.wanted.get(document);
            assert_eq!(Some(chunks), wanted, "a part of {document}");
        }
        if is_acknowledged(&run.stdout) {
            assert_eq!(left, self.wanted, "it was acknowledged");
        }
        if !left.is_empty() && left != self.wanted {
            tell(PARTIAL, Figure::Cases(1));
        }
        let report = self.finish(&store);
        let count = |contents: &Contents| contents.values().map(Vec::len).sum::<usize>() as u64;
        let missing = count(&self.wanted) - count(&left);
        assert_eq!(report["imported"], missing, "{report}");
        assert_eq!(report["complete"], true, "{report}");
        assert_eq!(self.contents(&store), self.wanted);
        assert!(!store.join("import").exists(), "a private copy is left");
        assert_eq!(bytes(&self.source), self.bytes, "the source has changed");
        let again = self.finish(&store);
        assert_eq!(again["imported"], 0, "{again}");
        assert_eq!(again["seq"], report["seq"], "something was written again");
        #[expect(
            clippy::disallowed_methods,
            reason = "a test removes what it has made itself"
        )]
        std::fs::remove_dir_all(&store).unwrap();
    }

    /// Returns what a store holds, which must be sound.
    fn contents(&self, store: &Path) -> Contents {
        let opening = Memory::options().journal(self.world.journal());
        let memory = opening.open(store).unwrap();
        let found = memory.verify(&Silent).unwrap();
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        let mut request = ListRequest::default();
        request.limit = 100_000;
        request.filter.validity = Validity::Any;
        let mut contents = Contents::new();
        for chunk in memory.list(&request).unwrap().chunks {
            let (namespace, attributes) = (chunk.namespace.as_str(), &chunk.attributes);
            let said = format!(
                "{namespace} {:?} {:?} {:?} {:?}",
                chunk.place, chunk.text, attributes.tags, attributes.meta
            );
            let document = format!("{namespace} {}", chunk.source);
            contents.entry(document).or_default().push(said);
        }
        for chunks in contents.values_mut() {
            chunks.sort();
        }
        contents
    }
}

/// Returns every byte of a file with what lies beside it, or of a folder.
fn bytes(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap()
    };
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn check(kind: &Source, random: &mut Random) {
    for journal in ["wal", "truncate"] {
        let import = Import::new(kind, journal);
        let points = strace::points(&import.world.path("calls"), |options| {
            let run = import.run(&import.world.path("counted"), options);
            assert!(is_acknowledged(&run.stdout), "{}", kind.name);
            run
        });
        assert!(points.len() > 30, "{} calls", points.len());
        let drawn = strace::draw(points, cases(KILLS) / 2, random);
        for point in &drawn {
            let at = format!("{}, {journal}, {point:?}", kind.name);
            let killed = std::panic::AssertUnwindSafe(|| import.kill_at(point));
            // Which call it was is not in the message of an assertion.
            assert!(std::panic::catch_unwind(killed).is_ok(), "{at}");
        }
        let name = format!(
            "kill -9 on entering a system call of an import: {}",
            kind.name
        );
        tell(&name, Figure::Cases(drawn.len()));
    }
}

#[test]
fn an_import_that_is_killed_at_any_system_call_is_finished_by_the_next() {
    if !strace::is_there() {
        return;
    }
    let mut random = Random::new(seed(17));
    for kind in &SOURCES {
        check(kind, &mut random);
    }
}
