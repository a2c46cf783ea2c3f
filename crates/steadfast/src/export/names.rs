//! Names of pages that every system takes, no two of them the same on any.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in bytes, without what tells it from another and its ending.
const NAME_BYTES_MAX: usize = 100;
/// Names that Windows keeps for devices, whatever follows a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Gives out names.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Hashes of the names as a file system that knows no case sees them.
    taken: HashSet<u64>,
}

impl Names {
    /// Returns a name inside a folder that nothing has yet; `key` tells documents with one name apart.
    pub(super) fn give(&mut self, folder: &str, wanted: &str, key: &str) -> String {
        let name = clean(wanted);
        if self.take(folder, &name) {
            return name;
        }
        for attempt in 0_u32.. {
            let hash = blake3::hash(format!("{attempt}\0{key}").as_bytes()).to_hex();
            let apart = format!("{name} ({})", hash.get(..8).unwrap_or_default());
            if self.take(folder, &apart) {
                return apart;
            }
        }
        name
    }

    fn take(&mut self, folder: &str, name: &str) -> bool {
        let seen: String = format!("{folder}/{name}").to_lowercase().nfc().collect();
        let mut hash = [0_u8; 8];
        blake3::Hasher::new()
            .update(seen.as_bytes())
            .finalize_xof()
            .fill(&mut hash);
        self.taken.insert(u64::from_le_bytes(hash))
    }
}

/// Returns a name without what a system, or a link of a vault, cannot have in it.
pub(super) fn clean(wanted: &str) -> String {
    let mut name = String::new();
    for character in wanted.nfc() {
        let is_bad = character.is_control()
            || matches!(
                character,
                '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '#' | '^' | '[' | ']' | '%'
            );
        let character = if is_bad { ' ' } else { character };
        if character == ' ' && name.ends_with(' ') {
            continue;
        }
        if name.len() + character.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        name.push(character);
    }
    let name = name.trim_matches(|character: char| character == '.' || character.is_whitespace());
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|rest| rest.chars().count() == 1)
    };
    if name.is_empty() {
        return "untitled".to_owned();
    }
    if DEVICES.contains(&stem.trim()) || is_numbered("com") || is_numbered("lpt") {
        return format!("_{name}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_system_takes() {
        for (wanted, name) in [
            ("plan", "plan"),
            ("a/b:c", "a b c"),
            ("..", "untitled"),
            ("con", "_con"),
            ("COM1.txt", "_COM1.txt"),
            ("commons", "commons"),
            ("end. ", "end"),
            ("\u{6e2f}\n[[x]]", "\u{6e2f} x"),
        ] {
            assert_eq!(clean(wanted), name);
        }
        assert!(clean(&"\u{6e2f}".repeat(200)).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn no_two_documents_have_one_name_on_a_system_that_knows_no_case() {
        let mut names = Names::default();
        let first = names.give("a", "Plan", "1");
        let second = names.give("a", "plan", "2");
        let third = names.give("b", "plan", "3");
        assert_eq!((first.as_str(), third.as_str()), ("Plan", "plan"));
        assert_ne!(first.to_lowercase(), second.to_lowercase());
        let composed = names.give("a", "caf\u{e9}", "4");
        let apart = names.give("a", "cafe\u{301}", "5");
        assert_ne!(composed, apart);
    }
}
