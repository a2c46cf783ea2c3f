//! Hundreds of damaged palaces: never a crash, never a hang, never a row less or a vector that is silently another.

use std::fs;

use proptest::prelude::*;
use steadfast::{PalaceDiagnosis, examine_palace, repair_palace};

use crate::support::{NEW, OLD, Palace, ROWS};

const FILES: [&str; 5] = [
    "header.bin",
    "data_level0.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
];

#[derive(Clone, Debug)]
enum Damage {
    Flip(f64, u8),
    Cut(f64),
    Zero(f64),
    Gone,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (0.0..1.0, 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (0.0..1.0).prop_map(Damage::Cut),
        (0.0..1.0).prop_map(Damage::Zero),
        Just(Damage::Gone),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a small file"
)]
fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: f64| ((bytes.len() as f64) * at) as usize;
    match damage {
        Damage::Flip(at, bit) => {
            let place = place(*at);
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << bit;
            }
        }
        Damage::Cut(at) | Damage::Zero(at) => {
            let (place, length) = (place(*at), bytes.len());
            bytes.truncate(place);
            if matches!(damage, Damage::Zero(_)) {
                bytes.resize(length, 0);
            }
        }
        Damage::Gone => bytes.clear(),
    }
}

/// Asserts what holds of every repaired palace: the rows are those of before, and each is found, or listed as lost.
fn assert_honest(done: &PalaceDiagnosis) {
    assert_eq!(done.rows_before, done.rows_after);
    let missing: u64 = done.collections.iter().map(|it| it.missing).sum();
    let lost: u64 = done.collections.iter().map(|it| it.lost).sum();
    assert_eq!(missing, lost, "{done:?}");
    assert_eq!(done.lost.len() as u64, lost);
}

/// Damaged palaces of each test; `STEADFAST_CASES` says another number.
fn cases() -> u32 {
    let wanted = std::env::var("STEADFAST_CASES").ok();
    wanted.and_then(|cases| cases.parse().ok()).unwrap_or(250)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_indexes(version in prop_oneof![Just(NEW), Just(OLD)], damages in prop::collection::vec((0..5_usize, damage()), 1..4)) {
        let palace = Palace::unpack(version);
        let index = palace.index();
        for (file, damage) in &damages {
            let path = index.join(FILES[*file]);
            let mut bytes = fs::read(&path).unwrap();
            apply(&mut bytes, damage);
            fs::write(&path, bytes).unwrap();
        }
        let before = palace.bytes();
        let looked = palace.examine();
        prop_assert_eq!(palace.bytes(), before, "a look changed something");
        prop_assert_eq!(looked.rows_before, Some(ROWS));
        let done = palace.repair();
        assert_honest(&done);
        // Where an index was made anew, its vectors are those of before, but for the bits that a disk turned in them.
        if done.plan.iter().any(|step| step.name == "rebuild") {
            let (expected, replayed) = (palace.expected(), palace.replayed());
            let lengths_are_whole = damages.iter().all(|(file, _)| FILES[*file] != "length.bin");
            for (id, vector) in &expected {
                let Some(found) = replayed.get(id) else {
                    prop_assert!(done.lost.iter().any(|row| row.id == *id), "{} is lost silently", id);
                    continue;
                };
                if lengths_are_whole {
                    for (a, b) in vector.iter().zip(found) {
                        prop_assert!((a - b).abs() <= 5e-3, "{}: {} instead of {}", id, b, a);
                    }
                }
            }
        }
    }

    #[test]
    fn damaged_databases(version in prop_oneof![Just(NEW), Just(OLD)], damages in prop::collection::vec(damage(), 1..4)) {
        let palace = Palace::unpack(version);
        let mut bytes = fs::read(palace.database()).unwrap();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        fs::write(palace.database(), bytes).unwrap();
        let before = palace.bytes();
        // Damage is a finding, or an error with a type; never a panic.
        drop(examine_palace(&palace.path(), &palace.options()));
        prop_assert_eq!(palace.bytes(), before, "a look changed something");
        if let Ok(done) = repair_palace(&palace.path(), &palace.options()) {
            assert_honest(&done);
        }
    }
}
