//! The real Chroma says whether a palace is whole: before and after a repair, and after it was written to again.
//!
//! Runs where `STEADFAST_SHARED` names a folder with the palaces of real programs and `STEADFAST_CHROMA_PYTHON` a
//! Python with chromadb 1.5.9; says in one line that it is skipped otherwise.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use steadfast::{Memory, PalaceOptions, repair_palace};

use crate::fixtures::fixture;
use crate::support::{NEW, OLD, Palace};

struct Chroma {
    python: PathBuf,
}

impl Chroma {
    fn find() -> Option<Self> {
        let python = std::env::var_os("STEADFAST_CHROMA_PYTHON").map(PathBuf::from);
        if python.is_none() {
            eprintln!("skipped without STEADFAST_CHROMA_PYTHON: a Python with chromadb");
        }
        python.map(|python| Self { python })
    }

    /// Asks Chroma, in a process of its own, what the palace holds.
    fn ask(&self, palace: &Path, more: &[&str]) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/palace/prove.py");
        let output = Command::new(&self.python)
            .arg(script)
            .arg(palace)
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said)
            .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Asserts that every collection counts, returns and finds as many rows as it should.
    fn assert_whole(&self, palace: &Path, rows: &[(&str, u64)], more: &[&str]) {
        let said = self.ask(palace, more);
        for (name, count) in rows {
            let of = &said["collections"][name];
            assert!(of["failed"].is_null(), "{name}: {}", of["failed"]);
            for what in ["count", "got", "found"] {
                assert_eq!(of[what], *count, "{name}: {what}");
            }
        }
    }
}

/// Repairs a real palace and has Chroma say what became of it; then writes five rows, and asks again in a new process.
fn prove(archive: &str, name: &str, is_torn: bool, rows: &[(&str, u64)]) {
    let folder = tempfile::tempdir().unwrap();
    let (Some(chroma), Some(())) = (Chroma::find(), fixture(archive, folder.path())) else {
        return;
    };
    let palace = folder.path().join(name);
    let options = PalaceOptions::new(folder.path().join("scratch"), &Memory::options());
    if is_torn {
        let said = chroma.ask(&palace, &[]);
        let failed = &said["collections"][rows[rows.len() - 1].0]["failed"];
        assert!(!failed.is_null(), "it was not torn");
    }
    let done = repair_palace(&palace, &options).unwrap();
    assert!(done.lost.is_empty(), "{:?}", done.findings);
    chroma.assert_whole(&palace, rows, &[]);
    let mut more = rows.to_vec();
    more[rows.len() - 1].1 += 5;
    chroma.assert_whole(&palace, &more, &["--write", "5", "384"]);
    chroma.assert_whole(&palace, &more, &[]);
    let healthy = steadfast::examine_palace(&palace, &options).unwrap();
    assert!(healthy.findings.is_empty(), "{:?}", healthy.findings);
}

#[test]
fn the_torn_palace_fails_before_and_is_whole_after() {
    prove(
        "mempalace-torn-by-kill.tar.xz",
        "drifted_kill9",
        true,
        &[("mempalace_closets", 219), ("mempalace_drawers", 4_219)],
    );
}

#[test]
fn the_palace_of_chroma_0_6_opens_in_1_5_and_stays_right() {
    prove(
        "mempalace-blob-seq-id.tar.xz",
        "blobseq",
        false,
        &[("mempalace_drawers", 357)],
    );
}

#[test]
fn the_healthy_palace_stays_as_it_is() {
    prove(
        "mempalace-healthy.tar.xz",
        "healthy",
        false,
        &[("mempalace_closets", 219), ("mempalace_drawers", 3_619)],
    );
}

#[test]
fn a_small_palace_without_an_index_is_filled_by_chroma_even_when_the_first_call_is_a_write() {
    let Some(chroma) = Chroma::find() else { return };
    for version in [NEW, OLD] {
        let palace = Palace::unpack(version);
        let header = palace.index().join("header.bin");
        std::fs::write(header, b"").unwrap();
        let done = palace.repair();
        assert!(done.lost.is_empty(), "{done:?}");
        let rows = [("mempalace_closets", 3), ("mempalace_drawers", 42)];
        chroma.assert_whole(&palace.path(), &rows, &["--write", "5", "8"]);
        chroma.assert_whole(&palace.path(), &rows, &[]);
    }
}

/// Vectors that are gone for good come from the model, and Chroma finds each row by its own.
#[cfg(feature = "minilm")]
#[test]
fn a_real_palace_that_lost_vectors_gets_them_from_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let Some(model) = std::env::var_os("STEADFAST_MINILM") else {
        eprintln!("skipped without STEADFAST_MINILM: a folder with all-MiniLM-L6-v2");
        return;
    };
    let archive = "mempalace-healthy.tar.xz";
    let (Some(chroma), Some(())) = (Chroma::find(), fixture(archive, folder.path())) else {
        return;
    };
    let palace = folder.path().join("healthy");
    let elements = std::fs::read_dir(&palace)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("data_level0.bin"))
        .filter(|path| path.is_file())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let whole = std::fs::read(&elements).unwrap();
    let lost = 20;
    let element = 132 + 384 * 4 + 8;
    std::fs::write(&elements, &whole[..whole.len() - lost * element]).unwrap();
    let mut options = PalaceOptions::new(folder.path().join("scratch"), &Memory::options());
    let looked = steadfast::examine_palace(&palace, &options).unwrap();
    assert_eq!(looked.lost.len(), lost);
    let model = steadfast::MiniLm::open(model.as_ref()).unwrap();
    options.embed = Some(std::sync::Arc::new(model));
    let done = repair_palace(&palace, &options).unwrap();
    assert!(done.findings.is_empty(), "{:?}", done.findings);
    let rows = [("mempalace_closets", 219), ("mempalace_drawers", 3_619)];
    chroma.assert_whole(&palace, &rows, &[]);
}
