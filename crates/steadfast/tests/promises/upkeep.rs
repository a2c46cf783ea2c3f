//! The power goes while the store is taken care of: migrated, converted, copied, repaired, taken back, filled.
//!
//! Each deed runs once, undisturbed, on a store that has had a life. Then the power is cut at
//! moments within it, and what is left must be what was before or what is after, source by source;
//! what the deed makes besides (a copy, another store) is whole or can be made again.

use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use steadfast::{
    BackupOptions, Derived, Disk as _, DoctorOptions, ImportOptions, Journal, Memory, Options,
    RestoreOptions, Result, Silent, repair, restore,
};
use steadfast_testkit::{FaultDisk, cases};

use crate::cuts::{Recording, nothing_first};
use crate::life::{DEEDS, Life};
use crate::oracle::{Admissible, Contents, check, contents};

/// Cuts of each deed with each journal.
const CUTS: usize = 24;

/// Something that is done to a store now and then.
struct Deed {
    name: &'static str,
    /// Makes the store such that there is something to do.
    before: fn(&mut Life),
    act: fn(&mut Life) -> Result<()>,
    /// What is done before the store is opened after a cut, given whether the deed was acknowledged.
    first: fn(&FaultDisk, bool, &Lived<'_>) -> std::result::Result<(), String>,
}

/// What is known of a store to which a deed was done.
struct Lived<'l> {
    files: &'l Path,
    journal: Journal,
    before: &'l Contents,
    after: &'l Contents,
}

fn options(disk: &FaultDisk, journal: Journal) -> Options {
    let options = Memory::options().create(true).journal(journal);
    options.disk(Arc::new(disk.clone()))
}

/// Lives until the last day but one and closes.
fn live(life: &mut Life) {
    for deed in &DEEDS[..DEEDS.len() - 1] {
        (deed.act)(life).unwrap();
    }
    life.close();
}

/// Does a deed undisturbed, then cuts the power within it.
fn cut_within(deed: &Deed, journal: Journal, seed: u64) {
    let mut life = Life::new(journal);
    live(&mut life);
    let before = contents(&life.another().unwrap(), &life.files).unwrap();
    (deed.before)(&mut life);
    life.close();
    let from = life.disk.now();
    (deed.act)(&mut life).unwrap_or_else(|error| panic!("{}: {error}", deed.name));
    let done = life.disk.now();
    life.close();
    let events = life.disk.events();
    let after = contents(&life.another().unwrap(), &life.files).unwrap();
    let lived = Lived {
        files: &life.files,
        journal,
        before: &before,
        after: &after,
    };
    let admissible = |event| {
        let before = if event >= done { &after } else { &before };
        Admissible::between(before, &after)
    };
    let recording = Recording {
        name: deed.name,
        events: &events,
        from,
        acknowledged: &[done],
        files: &life.files,
        admissible: &admissible,
        gone: &|_| Vec::new(),
        first: &|disk, event| (deed.first)(disk, event >= done, &lived),
        journal,
    };
    recording.cut(cases(CUTS), seed);
}

fn cut_with_both(deed: &Deed, seed: u64) {
    cut_within(deed, Journal::Wal, seed);
    cut_within(deed, Journal::Truncate, seed + 1);
}

fn nothing(disk: &FaultDisk, _done: bool, _lived: &Lived<'_>) -> std::result::Result<(), String> {
    nothing_first(disk, 0)
}

/// Returns a connection to the database that the disk sees.
fn connection(life: &Life) -> Connection {
    Connection::open_with_flags_and_vfs(
        life.store().join("steadfast.db"),
        OpenFlags::SQLITE_OPEN_READ_WRITE,
        life.disk.vfs().unwrap(),
    )
    .unwrap()
}

#[test]
fn while_a_store_of_the_first_schema_is_brought_up_to_date() {
    let deed = Deed {
        name: "a migration",
        before: |life| {
            let older = connection(life);
            // A connection of its own begins with another journal than the store's.
            let mode = "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=EXTRA";
            if life.another().unwrap().status().unwrap().journal != "wal" {
                older.execute_batch(mode).unwrap();
            }
            let sql = "BEGIN; DROP TABLE collections; DROP TABLE record_ranges; DROP TABLE roots;
                              DROP TABLE assignments; DROP TABLE late_vectors; DROP INDEX documents_stale; DROP TABLE intervals;
                       PRAGMA user_version=1; COMMIT";
            older.execute_batch(sql).unwrap();
        },
        act: |life| life.open().map(drop),
        first: nothing,
    };
    cut_with_both(&deed, 21);
}

#[test]
fn while_a_store_is_converted_to_the_other_journal() {
    fn converted(life: &Life, to: Journal) -> Result<()> {
        options(&life.disk, to).open(life.store()).map(drop)
    }
    let from_wal = Deed {
        name: "a conversion to TRUNCATE",
        // The last handle is not closed well: frames are left in the log.
        before: |life| {
            life.open().unwrap();
            (DEEDS[DEEDS.len() - 2].act)(life).unwrap();
        },
        act: |life| converted(life, Journal::Truncate),
        first: nothing,
    };
    cut_within(&from_wal, Journal::Wal, 23);
    let to_wal = Deed {
        name: "a conversion to WAL",
        act: |life| converted(life, Journal::Wal),
        ..from_wal
    };
    cut_within(&to_wal, Journal::Truncate, 24);
}

#[test]
fn while_indexes_are_made_anew_and_published() {
    let deed = Deed {
        name: "a rebuild",
        before: |life| {
            (DEEDS[DEEDS.len() - 2].act)(life).unwrap();
        },
        act: |life| life.open()?.rebuild(Derived::All, &Silent).map(drop),
        first: nothing,
    };
    cut_with_both(&deed, 25);
}

fn backup_of(disk: &FaultDisk) -> PathBuf {
    disk.root().join("copy.zst")
}

fn back_up(life: &Life) -> Result<()> {
    let mut options = BackupOptions::default();
    options.compress = true;
    life.another()?
        .backup(backup_of(&life.disk), options)
        .map(drop)
}

/// A file of that name is a whole copy; once acknowledged it is there.
fn whole_copy_or_none(
    disk: &FaultDisk,
    done: bool,
    lived: &Lived<'_>,
) -> std::result::Result<(), String> {
    let file = backup_of(disk);
    if !file.exists() {
        let lost = Err("the copy was acknowledged and is not there".to_owned());
        return if done { lost } else { Ok(()) };
    }
    let to = disk.root().join("restored");
    let restored = restore_from(disk, &to, lived.journal);
    restored.map_err(|error| format!("the copy is not whole: {error}"))?;
    let memory = options(disk, lived.journal).open(&to);
    let memory = memory.map_err(|error| error.to_string())?;
    let wanted = Admissible::between(lived.after, lived.after);
    check(&memory, lived.files, &wanted).map(drop)
}

fn restore_from(disk: &FaultDisk, to: &Path, journal: Journal) -> Result<()> {
    let opening = options(disk, journal);
    restore(
        &backup_of(disk),
        to,
        &RestoreOptions::default(),
        &opening,
        &Silent,
    )
    .map(drop)
}

#[test]
fn while_a_backup_is_made() {
    let deed = Deed {
        name: "a backup",
        before: |_| {},
        act: |life| back_up(life),
        first: whole_copy_or_none,
    };
    cut_with_both(&deed, 27);
}

#[test]
fn while_a_backup_is_restored() {
    let deed = Deed {
        name: "a restore",
        before: |life| back_up(life).unwrap(),
        act: |life| restore_from(&life.disk, &life.disk.root().join("new"), Journal::Auto),
        // What is there is a whole store, or the same command makes it one.
        first: |disk, done, lived| {
            let to = disk.root().join("new");
            if !to.join("steadfast.db").exists() {
                if done {
                    return Err("the store was acknowledged and is not there".to_owned());
                }
                restore_from(disk, &to, Journal::Auto).map_err(|error| error.to_string())?;
            }
            let memory = options(disk, Journal::Auto).open(&to);
            let memory = memory.map_err(|error| format!("the restored store: {error}"))?;
            if !done {
                // The database is there; the indexes that it speaks of may not have been made yet.
                let made = memory.rebuild(Derived::All, &Silent);
                made.map_err(|error| error.to_string())?;
            }
            let wanted = Admissible::between(lived.after, lived.after);
            check(&memory, lived.files, &wanted).map(drop)
        },
    };
    cut_with_both(&deed, 29);
}

/// Writes zeros over the pages of the database that hold a text, with the power still on.
fn rot(life: &Life, text: &str) {
    let path = life.store().join("steadfast.db");
    // What is in the log is written back first.
    drop(connection(life).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    let content = std::fs::read(&path).unwrap();
    let at = content
        .windows(text.len())
        .position(|bytes| bytes == text.as_bytes());
    let page = at.unwrap() / 4096 * 4096;
    let mut file = life.disk.open_private(&path).unwrap();
    file.seek(SeekFrom::Start(page as u64)).unwrap();
    life.disk.write(&path, &mut file, &[0; 4096]).unwrap();
    life.disk.sync(&path, &file).unwrap();
}

#[test]
fn while_a_damaged_store_is_repaired() {
    fn mend(disk: &FaultDisk, journal: Journal) -> Result<()> {
        let opening = options(disk, journal);
        let store = disk.root().join("store");
        repair(&store, &opening, DoctorOptions::default(), &Silent).map(drop)
    }
    let deed = Deed {
        name: "a repair",
        before: |life| rot(life, "zqone"),
        act: |life| mend(&life.disk, Journal::Auto),
        // A repair that was cut off goes on when it is started again, and ends where the first one would have.
        first: |disk, done, lived| {
            if !done {
                mend(disk, lived.journal).map_err(|error| format!("started again: {error}"))?;
            }
            let memory = options(disk, lived.journal).open(disk.root().join("store"));
            let memory = memory.map_err(|error| format!("repaired: {error}"))?;
            let wanted = Admissible::between(lived.before, lived.before);
            check(&memory, lived.files, &wanted).map(drop)
        },
    };
    cut_with_both(&deed, 31);
}

#[test]
fn while_a_log_of_sessions_is_imported() {
    fn log(life: &Life) -> PathBuf {
        let folder = life.files.with_file_name("sessions");
        std::fs::create_dir_all(&folder).unwrap();
        for session in 0..3 {
            let message = |number: u32| {
                format!(
                    r#"{{"type":"user","uuid":"u{session}{number}","sessionId":"s{session}","parentUuid":null,"cwd":"/w","timestamp":"2026-03-01T10:00:0{number}.000Z","message":{{"role":"user","content":"message {number} of session {session}: {}"}}}}
"#,
                    "what was said ".repeat(20)
                )
            };
            let lines: String = (0..6).map(message).collect();
            std::fs::write(folder.join(format!("s{session}.jsonl")), lines).unwrap();
        }
        folder
    }
    let deed = Deed {
        name: "an import",
        before: |life| drop(log(life)),
        act: |life| {
            let log = log(life);
            let report = life
                .open()?
                .import(&log, &ImportOptions::default(), &Silent)?;
            assert_eq!(report.imported, 18, "{report:?}");
            Ok(())
        },
        first: nothing,
    };
    cut_with_both(&deed, 33);
}

#[test]
fn while_a_commit_is_taken_back() {
    let deed = Deed {
        name: "an undo",
        before: |_| {},
        act: |life| {
            let memory = life.open()?;
            let last = memory.log(1)?.into_iter().next().unwrap();
            let plan = memory.plan_undo(last.seq)?;
            memory.undo(&plan).map(drop)
        },
        first: nothing,
    };
    cut_with_both(&deed, 35);
}
