//! A palace doctor is killed at each system call by which it changes a file.
//!
//! The palace is then the one of before, or the repaired one with a backup of the one before; the next run finishes,
//! and every row has the vector that it had.

use std::path::{Path, PathBuf};
use std::process::Output;

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::Value;
use steadfast_testkit::{Figure, Random, cases, seed, tell};

use crate::palace_support::{NEW, OLD, Palace, ROWS, tear};
use crate::strace::{self, Point};
use crate::world::{World, copy, is_acknowledged};

/// Kills of one run without `STEADFAST_SOAK`, of each kind.
const KILLS: usize = 8;

/// The tables in which a repair changes something.
const CHANGED: [&str; 3] = ["embeddings_queue", "max_seq_id", "segments"];

/// Every row of some tables.
type Rows = Vec<Vec<Cell>>;

struct Doctor {
    world: World,
    version: &'static str,
    arguments: &'static [&'static str],
}

impl Doctor {
    fn torn(&self) -> Palace {
        let palace = Palace::unpack(self.version);
        tear(&palace);
        palace
    }

    /// Runs the command on a palace, under strace when it is told something.
    fn run(&self, palace: &Palace, traced: Option<&[String]>, flags: &[&str]) -> Output {
        let path = palace.path().display().to_string();
        let words = ["--json", "doctor", "--palace", &path];
        let arguments: Vec<String> = words
            .iter()
            .chain(flags)
            .map(|word| (*word).to_owned())
            .collect();
        let store = self.world.store();
        let mut command = if let Some(options) = traced {
            let mut command = self.world.wrapped("strace", &store);
            strace::trace(&mut command, options, &arguments);
            command
        } else {
            let mut command = self.world.program(&store);
            command.args(&arguments);
            command
        };
        let temporary = self.world.path("temporary");
        std::fs::create_dir_all(&temporary).unwrap();
        command.env("TMPDIR", temporary).output().unwrap()
    }

    /// Runs the command to its end; returns what it said.
    fn finish(&self, palace: &Palace, flags: &[&str], code: i32) -> Value {
        let run = self.run(palace, None, flags);
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert_eq!(run.status.code(), Some(code), "{said}");
        serde_json::from_str(&said).unwrap()
    }

    fn points(&self) -> Vec<Point> {
        let palace = self.torn();
        strace::points(&self.world.path("calls"), |options| {
            let run = self.run(&palace, Some(options), self.arguments);
            assert!(is_acknowledged(&run.stdout));
            run
        })
    }

    fn kill_at(&self, point: &Point) {
        let palace = self.torn();
        let original = std::fs::read(palace.database()).unwrap();
        let (rows, changed) = (kept(&palace), tables_in(&palace.path(), &CHANGED));
        let run = self.run(&palace, Some(&point.options()), self.arguments);
        let found = palace.examine();
        assert_eq!(found.rows_before, Some(ROWS), "{found:?}");
        assert!(found.lost.is_empty(), "{found:?}");
        assert_eq!(kept(&palace), rows);
        if tables_in(&palace.path(), &CHANGED) != changed {
            palace.assert_whole();
            let copied = backups(&palace)
                .iter()
                .any(|folder| tables_in(folder, &CHANGED) == changed);
            assert!(copied, "it was changed without a backup");
        }
        if is_acknowledged(&run.stdout) {
            let again = self.finish(&palace, self.arguments, self.code());
            assert_eq!(again["applied"], serde_json::json!([]), "{again}");
        }
        let done = self.finish(&palace, self.arguments, self.code());
        assert_eq!(done["rows_before"], ROWS, "{done}");
        assert_eq!(folders(&palace, ".drift-").len(), 1, "{done}");
        let again = self.finish(&palace, self.arguments, self.code());
        assert_eq!(again["applied"], serde_json::json!([]), "{again}");
        self.check_end(&palace, &original, &changed);
        assert_eq!(kept(&palace), rows);
    }

    fn is_repair(&self) -> bool {
        self.arguments.contains(&"--repair")
    }

    /// An index that was set aside leaves a gap, which is told until the palace is repaired.
    fn code(&self) -> i32 {
        i32::from(!self.is_repair())
    }

    fn check_end(&self, palace: &Palace, original: &[u8], changed: &Rows) {
        if !self.is_repair() {
            assert_eq!(std::fs::read(palace.database()).unwrap(), original);
            assert!(backups(palace).is_empty());
            self.finish(palace, &["--repair", "--yes"], 0);
        }
        palace.assert_whole();
        assert!(
            folders(palace, ".partial").is_empty(),
            "half a backup is left"
        );
        assert_eq!(folders(palace, ".drift-").len(), 1, "set aside twice");
        for backup in backups(palace) {
            assert_eq!(&tables_in(&backup, &CHANGED), changed);
        }
    }
}

/// Returns the folders of a palace whose name has this in it.
fn folders(palace: &Palace, part: &str) -> Vec<PathBuf> {
    std::fs::read_dir(palace.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.to_string_lossy().contains(part))
        .collect()
}

/// Returns the backups that were finished.
fn backups(palace: &Palace) -> Vec<PathBuf> {
    let mut found = folders(palace, "steadfast-backup-");
    found.retain(|path| !path.to_string_lossy().ends_with(".partial"));
    found
}

/// Returns the rows of all that a repair leaves as it is: texts, metadata, collections.
fn kept(palace: &Palace) -> Rows {
    let tables_kept = ["embedding_metadata", "collections", "collection_metadata"];
    let mut rows = tables_in(&palace.path(), &tables_kept);
    // Of these the numbers may become integers.
    let sql = "SELECT id, segment_id, embedding_id, created_at FROM embeddings ORDER BY id";
    rows.extend(select(&palace.path(), sql));
    rows
}

fn tables_in(folder: &Path, names: &[&str]) -> Rows {
    let all = |table: &&str| select(folder, &format!("SELECT * FROM {table} ORDER BY 1, 2"));
    names.iter().flat_map(all).collect()
}

/// Reads from a copy: whoever opens a database plays back what an interrupted writer left.
fn select(folder: &Path, sql: &str) -> Rows {
    let copied = steadfast_testkit::scratch().unwrap();
    copy(folder, copied.path());
    let connection = Connection::open(copied.path().join("chroma.sqlite3")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| -> rusqlite::Result<Vec<Cell>> {
        (0..columns).map(|column| row.get(column)).collect()
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_palace_doctor_that_is_killed_at_any_system_call_leaves_the_old_palace_or_the_new_one() {
    if !strace::is_there() {
        return;
    }
    let mut random = Random::new(seed(23));
    let commands: [&[&str]; 2] = [&["--repair", "--yes"], &["--quarantine"]];
    for (version, arguments) in [NEW, OLD]
        .into_iter()
        .flat_map(|version| commands.map(|command| (version, command)))
    {
        let doctor = Doctor {
            world: World::new("wal"),
            version,
            arguments,
        };
        let points = doctor.points();
        assert!(points.len() > 5, "{} calls", points.len());
        let drawn = strace::draw(points, cases(KILLS) / 4, &mut random);
        for point in &drawn {
            let killed = std::panic::AssertUnwindSafe(|| doctor.kill_at(point));
            // Which call it was is not in the message of an assertion.
            assert!(
                std::panic::catch_unwind(killed).is_ok(),
                "{version}, {arguments:?}, {point:?}"
            );
        }
        let name = format!(
            "kill -9 on entering a system call of doctor {}",
            arguments[0]
        );
        tell(&name, Figure::Cases(drawn.len()));
    }
}
