//! Palaces of real programs: what a look says of them, and each vector after a repair against what Chroma returned.
//!
//! Runs where `STEADFAST_SHARED` names the folder that holds them; says in one line that it is skipped otherwise.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use steadfast::{Memory, PalaceDiagnosis, PalaceOptions, examine_palace, repair_palace};

use crate::fixtures::fixture;
use crate::support::{codes, replay};

/// How far a number of a vector may be from the one in the list of what Chroma returned, which has six places; the hash
/// beside it is of all places.
const TOLERANCE: f64 = 5e-7 + 2e-7;

/// A palace, what a look finds in it, and how many rows are in an index and in the queue.
struct Real {
    archive: &'static str,
    name: &'static str,
    codes: &'static [&'static str],
    indexed: u64,
    queued: u64,
    /// How many vectors at least are equal to the last bit. Chroma takes those of the queue apart into length and
    /// direction before it returns them, which rounds; and nobody could ask it for those of the torn palace, whose
    /// list has the directions alone.
    exact: u64,
}

const REAL: [Real; 3] = [
    Real {
        archive: "mempalace-healthy.tar.xz",
        name: "healthy",
        codes: &[],
        indexed: 3_144,
        queued: 475 + 219,
        exact: 3_144,
    },
    Real {
        archive: "mempalace-torn-by-kill.tar.xz",
        name: "drifted_kill9",
        codes: &["palace_segment_damaged"],
        indexed: 3_144,
        queued: 1_075 + 219,
        exact: 0,
    },
    Real {
        archive: "mempalace-blob-seq-id.tar.xz",
        name: "blobseq",
        codes: &["palace_seq_id_old"],
        indexed: 0,
        queued: 357,
        exact: 357,
    },
];

fn sum(diagnosis: &PalaceDiagnosis, of: fn(&steadfast::PalaceCollection) -> u64) -> u64 {
    diagnosis.collections.iter().map(of).sum()
}

/// Makes the header of every index count more elements than there are, so that a repair has to take all vectors out.
fn tear(palace: &Path) {
    let indexes = fs::read_dir(palace)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for header in indexes.map(|index| index.join("header.bin")) {
        let Ok(mut bytes) = fs::read(&header) else {
            continue;
        };
        let count = u64::from_le_bytes(bytes[20..28].try_into().unwrap());
        if count > 0 {
            bytes[20..28].copy_from_slice(&(count + 9).to_le_bytes());
            fs::write(header, bytes).unwrap();
        }
    }
}

/// Compares every vector of the queue with what Chroma returned before; returns how many there were, and how many of
/// them are equal to the last bit.
fn compare(palace: &Path, expected: &Value) -> (u64, u64) {
    let (mut seen, mut exact) = (0, 0);
    for (collection, said) in expected.as_object().unwrap() {
        let replayed = replay(&palace.join("chroma.sqlite3"), collection);
        let rows = said["rows"].as_array().unwrap();
        assert_eq!(replayed.len(), rows.len(), "{collection}");
        for row in rows {
            let id = row["id"].as_str().unwrap();
            let vector = &replayed[id];
            let first = row["embedding_first4"].as_array().unwrap();
            for (found, wanted) in vector.iter().zip(first) {
                let difference = (f64::from(*found) - wanted.as_f64().unwrap()).abs();
                assert!(difference <= TOLERANCE, "{id}: {found} instead of {wanted}");
            }
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            let mut hash = String::new();
            for byte in Sha256::digest(&bytes) {
                write!(hash, "{byte:02x}").unwrap();
            }
            // Not only near: length times direction is rounded as Chroma rounds it.
            exact += u64::from(row["embedding_sha256_f32le"] == hash);
            seen += 1;
        }
    }
    (seen, exact)
}

#[test]
fn every_vector_of_a_real_palace_survives_a_repair() {
    for real in &REAL {
        let folder = tempfile::tempdir().unwrap();
        if fixture(real.archive, folder.path()).is_none() {
            return;
        }
        let palace = folder.path().join(real.name);
        let options = PalaceOptions::new(folder.path().join("scratch"), &Memory::options());
        let found = examine_palace(&palace, &options).unwrap();
        assert_eq!(codes(&found), real.codes, "{found:?}");
        let rows = real.indexed + real.queued;
        assert_eq!(found.rows_before, Some(rows));
        assert_eq!(
            (sum(&found, |it| it.indexed), sum(&found, |it| it.queued)),
            (real.indexed, real.queued),
            "{}",
            real.name
        );
        tear(&palace);
        let done = repair_palace(&palace, &options).unwrap();
        assert_eq!((done.rows_after, done.lost.len()), (Some(rows), 0));
        let expected = folder.path().join(format!("{}.expected.json", real.name));
        let expected = serde_json::from_slice(&fs::read(expected).unwrap()).unwrap();
        let (seen, exact) = compare(&palace, &expected);
        assert_eq!(seen, rows);
        assert!(exact >= real.exact, "{}: {exact}", real.name);
        let again = repair_palace(&palace, &options).unwrap();
        assert!(again.applied.is_empty(), "{again:?}");
    }
}
