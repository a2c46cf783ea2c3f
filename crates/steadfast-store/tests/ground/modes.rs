//! Memories are private: nobody but their owner may read a file of the store, whatever the umask.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use steadfast_model::Change;
use steadfast_store::Journal;

use super::support::{as_second_process, commit, open, put, second_process};

fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut modes = BTreeMap::from([(".".to_owned(), mode(folder))]);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        modes.insert(name, mode(&path));
    }
    modes
}

/// Runs in a process of its own, since the umask belongs to the process.
#[test]
fn second_process_with_an_open_umask() {
    let Some((folder, role)) = as_second_process() else {
        return;
    };
    rustix::process::umask(rustix::fs::Mode::empty());
    let (journal, side) = match role.as_str() {
        "wal" => (Journal::Wal, &["steadfast.db-wal", "steadfast.db-shm"][..]),
        _ => (Journal::Truncate, &["steadfast.db-journal"][..]),
    };
    let store = open(&folder, journal);
    commit(&store, Change::Put(put("/a", &["private"])));
    let found = modes(&folder);
    for name in ["steadfast.db", "init.lock", "writer.lock"]
        .iter()
        .chain(side)
    {
        assert!(found.contains_key(*name), "{name} in {found:?}");
    }
    for (name, mode) in &found {
        let wanted = if name == "." { 0o700 } else { 0o600 };
        assert_eq!(*mode, wanted, "{name} has {mode:o}");
    }
}

#[test]
fn files_are_private_under_an_open_umask() {
    for role in ["wal", "truncate"] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("deep/store");
        let output = second_process("modes::second_process_with_an_open_umask", &store, role)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{role}: {told}");
        assert!(
            store.join("steadfast.db").exists(),
            "{role}: the second process did nothing"
        );
    }
}
