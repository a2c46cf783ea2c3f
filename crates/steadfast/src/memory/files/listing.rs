//! What a folder shows: two levels, sizes as people read them, hidden things left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::path::FilePath;

/// How many levels are shown.
const LEVELS: usize = 2;

/// What is at a path of a listing.
#[derive(Default)]
struct Entry {
    bytes: u64,
    is_folder: bool,
}

/// Returns the listing of a folder, made from all files in it and their sizes.
pub(super) fn listing<'f>(
    folder: &FilePath,
    files: impl IntoIterator<Item = (&'f str, u64)>,
) -> String {
    let mut entries: BTreeMap<Vec<&str>, Entry> = BTreeMap::new();
    let mut total = 0;
    for (path, bytes) in files {
        let below = path.strip_prefix(folder.as_str()).unwrap_or(path);
        let names: Vec<&str> = below.split('/').filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| is_left_out(name)) {
            continue;
        }
        total += bytes;
        for level in 1..=names.len().min(LEVELS) {
            let entry = entries
                .entry(names.iter().take(level).copied().collect())
                .or_default();
            entry.bytes += bytes;
            entry.is_folder |= level < names.len();
        }
    }
    let mut out = format!(
        "Here're the files and directories up to 2 levels deep in {folder}, excluding hidden \
         items and node_modules:\n{}\t{folder}",
        size(total)
    );
    for (names, entry) in entries {
        let _written = write!(out, "\n{}\t{folder}/{}", size(entry.bytes), names.join("/"));
        if entry.is_folder {
            out.push('/');
        }
    }
    out
}

fn is_left_out(name: &str) -> bool {
    name.starts_with('.') || name == "node_modules"
}

/// Returns a size such as `12B`, `5.5K` or `1.2M`.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            // In tenths, rounded, without a detour over floats.
            let tenths = (bytes.saturating_mul(10) + unit / 2) / unit;
            return match tenths % 10 {
                0 => format!("{}{name}", tenths / 10),
                rest => format!("{}.{rest}{name}", tenths / 10),
            };
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_levels_with_sizes() {
        let root = FilePath::root();
        let files = [
            ("/memories/b.txt", 5_632),
            ("/memories/a/x.md", 10),
            ("/memories/a/deep/y.md", 1_300_000),
            ("/memories/a/deep/er/z.md", 1),
            ("/memories/.hidden", 7),
            ("/memories/node_modules/m.js", 7),
        ];
        assert_eq!(
            listing(&root, files),
            "Here're the files and directories up to 2 levels deep in /memories, excluding hidden \
             items and node_modules:\n\
             1.2M\t/memories\n\
             1.2M\t/memories/a/\n\
             1.2M\t/memories/a/deep/\n\
             10B\t/memories/a/x.md\n\
             5.5K\t/memories/b.txt"
        );
        assert!(listing(&root, []).ends_with(":\n0B\t/memories"));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(0), "0B");
        assert_eq!(size(1_023), "1023B");
        assert_eq!(size(1_024), "1K");
        assert_eq!(size(1_229), "1.2K");
        assert_eq!(size(3 << 30), "3G");
    }
}
