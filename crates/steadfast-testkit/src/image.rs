//! What lies on a disk at one moment: folders, and files with their content.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use twox_hash::XxHash3_128;

/// The files on a disk, by name, and the folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Folders.
    pub folders: BTreeSet<String>,
    /// Files with their content.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Image {
    /// Writes the image below a folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for name in &self.folders {
            std::fs::create_dir_all(root.join(name))?;
        }
        for (name, content) in &self.files {
            std::fs::write(root.join(name), content)?;
        }
        Ok(())
    }

    /// Returns a number that two images share when they are the same, and by no accident otherwise.
    pub fn digest(&self) -> u128 {
        let mut parts = Vec::new();
        let mut add = |name: &str, content: u128| {
            // A length first: no two lists of names run together.
            parts.extend((name.len() as u64).to_le_bytes());
            parts.extend(name.bytes());
            parts.extend(content.to_le_bytes());
        };
        for name in &self.folders {
            add(name, 0);
        }
        add("", self.folders.len() as u128);
        for (name, content) in &self.files {
            add(name, XxHash3_128::oneshot(content));
        }
        XxHash3_128::oneshot(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_names_folders_and_contents_apart() {
        let image = |folders: &[&str], files: &[(&str, &[u8])]| Image {
            folders: folders.iter().map(|name| (*name).to_owned()).collect(),
            files: files
                .iter()
                .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
                .collect(),
        };
        let all = [
            image(&[], &[]),
            image(&["a"], &[]),
            image(&[], &[("a", b"")]),
            image(&[], &[("a", b"\0")]),
            image(&[], &[("b", b"\0")]),
            image(&["a"], &[("a/b", b"x")]),
            image(&["a", "a/b"], &[]),
        ];
        let digests: BTreeSet<u128> = all.iter().map(Image::digest).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(all[5].digest(), all[5].clone().digest());
    }
}
