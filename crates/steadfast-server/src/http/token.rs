//! The token of a store: 32 random bytes in a file that only the user can read.
//!
//! It stays the same, so that what hosts were told stays true; a file that others
//! could read, or that holds something else, is replaced.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file in the store's folder.
pub(super) const NAME: &str = "token";
/// The characters of a token: two for each of its 32 bytes.
const CHARACTERS: usize = 2 * blake3::OUT_LEN;

/// Returns the file with the token of the store in a folder, and the token.
pub(super) fn of_store(folder: &Path) -> io::Result<(PathBuf, String)> {
    let path = folder.join(NAME);
    if let Some(token) = known(&path) {
        return Ok((path, token));
    }
    if !folder.is_dir() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(folder)?;
    }
    let mut bytes = [0_u8; blake3::OUT_LEN];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let token = blake3::Hash::from_bytes(bytes).to_hex().to_string();
    let temporary = folder.join(format!("{NAME}.{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    // Of two that start at once the later one wins: both read what is there now.
    Ok((path.clone(), known(&path).unwrap_or(token)))
}

/// Returns the token in a file, unless others could read it or it holds something else.
pub(super) fn known(path: &Path) -> Option<String> {
    let found = fs::symlink_metadata(path).ok()?;
    if !found.is_file() || found.len() > CHARACTERS as u64 + 2 {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if found.permissions().mode() & 0o077 != 0 {
            return None;
        }
    }
    let token = fs::read_to_string(path).ok()?.trim().to_owned();
    let is_token = token.len() == CHARACTERS && token.chars().all(|c| c.is_ascii_hexdigit());
    is_token.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_until_it_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let (path, token) = of_store(&store).unwrap();
        assert_eq!(token.len(), CHARACTERS);
        assert_eq!(of_store(&store).unwrap().1, token);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&store)), (0o600, 0o700));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let (_, other) = of_store(&store).unwrap();
            assert_ne!(other, token);
            assert_eq!(mode(&path), 0o600);
        }
        fs::write(&path, "short").unwrap();
        assert_eq!(of_store(&store).unwrap().1.len(), CHARACTERS);
    }
}
