//! The bad day: a folder of files as long as they may be. What a thread has freed stays with it, so a machine with many
//! cores holds as many long files as it has workers, long after they are in the store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use steadfast::model::{ModelId, Vector};
use steadfast::{Embed, EmbedError, IndexOptions, Memory, Silent};

/// More than half of what may be on the line at once.
const LONG_BYTES: usize = (16 << 20) + 1;

/// A model that writes down on which thread it was asked for a text.
struct Witness {
    model: ModelId,
    seen: Mutex<Vec<(String, ThreadId)>>,
}

impl Embed for Witness {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let thread = std::thread::current().id();
        let seen = texts.iter().map(|text| (text.trim().to_owned(), thread));
        self.seen.lock().unwrap().extend(seen);
        Ok(vec![Vector(vec![1.0]); texts.len()])
    }
}

#[test]
fn only_the_thread_that_commits_prepares_long_files() {
    let witness = Arc::new(Witness {
        model: ModelId {
            name: "witness".to_owned(),
            revision: "1".to_owned(),
            dimensions: 1,
            hash: [0x17; 16],
        },
        seen: Mutex::default(),
    });
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for number in 0..3 {
        let text = format!("short {number}");
        fs::write(tree.join(format!("short-{number}.txt")), text).unwrap();
    }
    // Little of it is text, so that it is read in no time.
    let mut long = vec![b'\n'; LONG_BYTES];
    long.extend(b"long");
    fs::write(tree.join("long.txt"), long).unwrap();
    let options = Memory::options().create(true).embed(witness.clone());
    let memory = options.open(folder.path().join("store")).unwrap();
    let report = memory
        .index(&[tree], &IndexOptions::default(), &Silent)
        .unwrap();
    assert_eq!((report.files.added, report.files.skipped), (4, 0));
    let here = std::thread::current().id();
    let seen = witness.seen.lock().unwrap();
    let mut texts: Vec<(&str, bool)> = seen
        .iter()
        .map(|(text, thread)| (text.as_str(), *thread == here))
        .collect();
    texts.sort_unstable();
    let expected = [
        ("long", true),
        ("short 0", false),
        ("short 1", false),
        ("short 2", false),
    ];
    assert_eq!(texts, expected);
}
