//! What must be there, compared with what is there. Nothing here knows how either came about.

use std::collections::{BTreeMap, BTreeSet};

use super::deed::{EDITIONS, Key};

/// How many editions of a conversation were acknowledged.
pub(super) type Acknowledged = BTreeMap<Key, u64>;

/// The texts of each conversation, in order.
pub(super) type Held = BTreeMap<Key, Vec<String>>;

/// In which way a promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Broken {
    /// What was acknowledged is not there.
    Lost,
    /// A part of a write is there.
    Torn,
    /// Something is there twice.
    Duplicated,
    /// Something is there that nobody wrote.
    Wrong,
}

/// Returns the write that follows on one, by a writer that goes on in order.
pub(super) fn next(last: Option<(Key, u64)>, writer: u64) -> (Key, u64) {
    match last {
        None => (Key { writer, index: 0 }, 1),
        Some((key, edition)) if edition < EDITIONS => (key, edition + 1),
        Some((key, _)) => (
            Key {
                index: key.index + 1,
                ..key
            },
            1,
        ),
    }
}

/// Compares what is there with what was acknowledged; writes that were on their way may be there as well, wholly.
pub(super) fn check(
    held: &Held,
    acknowledged: &Acknowledged,
    on_their_way: &[(Key, u64)],
) -> Vec<(Key, Broken)> {
    let keys: BTreeSet<Key> = held.keys().chain(acknowledged.keys()).copied().collect();
    let empty = Vec::new();
    let mut broken = Vec::new();
    for key in keys {
        let texts = held.get(&key).unwrap_or(&empty);
        let edition = acknowledged.get(&key).copied().unwrap_or(0);
        let may_be = on_their_way
            .iter()
            .any(|(other, edition)| *other == key && *texts == key.messages(*edition));
        if !may_be && *texts != key.messages(edition) {
            broken.push((key, how(key, texts, edition)));
        }
    }
    broken
}

fn how(key: Key, texts: &[String], edition: u64) -> Broken {
    let written: BTreeSet<String> = (1..=EDITIONS).flat_map(|it| key.messages(it)).collect();
    let distinct: BTreeSet<&String> = texts.iter().collect();
    if texts.iter().any(|text| !written.contains(text)) {
        Broken::Wrong
    } else if distinct.len() < texts.len() {
        Broken::Duplicated
    } else if key
        .messages(edition)
        .iter()
        .any(|text| !texts.contains(text))
    {
        Broken::Lost
    } else {
        Broken::Torn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        writer: 3,
        index: 4,
    };

    fn one(texts: Vec<String>, edition: u64, on_their_way: &[(Key, u64)]) -> Vec<Broken> {
        let held = Held::from([(KEY, texts)]);
        let found = check(&held, &Acknowledged::from([(KEY, edition)]), on_their_way);
        found.into_iter().map(|(_, broken)| broken).collect()
    }

    #[test]
    fn what_was_acknowledged_must_be_there_wholly_and_once() {
        let (first, second) = (KEY.messages(1), KEY.messages(2));
        assert!(first.len() > 1 && !second.is_empty());
        assert_eq!(one(first.clone(), 1, &[]), []);
        assert_eq!(one(second.clone(), 2, &[]), []);
        assert_eq!(
            one(first.clone(), 2, &[]),
            [Broken::Lost],
            "the edition before"
        );
        assert_eq!(one(Vec::new(), 1, &[]), [Broken::Lost]);
        assert_eq!(one(first[1..].to_vec(), 1, &[]), [Broken::Lost]);
        let twice = [first.clone(), first.clone()].concat();
        assert_eq!(one(twice, 1, &[]), [Broken::Duplicated]);
        let mut flipped = first.clone();
        flipped[0].replace_range(0..1, "#");
        assert_eq!(one(flipped, 1, &[]), [Broken::Wrong]);
        assert_eq!(
            one(first.clone(), 0, &[]),
            [Broken::Torn],
            "nobody wrote it yet"
        );
        assert_eq!(
            check(&Held::new(), &Acknowledged::from([(KEY, 1)]), &[]),
            [(KEY, Broken::Lost)]
        );
    }

    #[test]
    fn what_was_on_its_way_may_be_there_wholly() {
        let (first, second) = (KEY.messages(1), KEY.messages(2));
        assert_eq!(one(second.clone(), 1, &[(KEY, 2)]), []);
        assert_eq!(one(first.clone(), 1, &[(KEY, 2)]), []);
        assert_eq!(one(first.clone(), 0, &[next(None, 3), (KEY, 1)]), []);
        let mut mixed = first.clone();
        mixed.extend(second.into_iter().filter(|text| !first.contains(text)));
        assert_eq!(one(mixed, 1, &[(KEY, 2)]), [Broken::Torn]);
    }

    #[test]
    fn a_writer_goes_on_in_order() {
        let first = next(None, 3);
        assert_eq!(
            first,
            (
                Key {
                    writer: 3,
                    index: 0
                },
                1
            )
        );
        assert_eq!(next(Some(first), 3), (first.0, 2));
        assert_eq!(
            next(Some((KEY, EDITIONS)), 3),
            (
                Key {
                    writer: 3,
                    index: 5
                },
                1
            )
        );
    }
}
