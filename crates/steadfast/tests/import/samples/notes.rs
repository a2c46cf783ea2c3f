//! What people wrote down: vaults and exported pages.

use std::fs;
use std::path::PathBuf;

use super::{lay, pack, zipped};
use crate::support::Place;

fn vault_files() -> Vec<(&'static str, String)> {
    vec![
        (".obsidian/app.json", "{}".to_owned()),
        (
            "Tea.md",
            "---\ntags: [drink]\n---\n# Green\n\nSee [[Cups|the cups]] #hot\n".to_owned(),
        ),
        ("rooms/Cups.md", "Blue cups.\n".to_owned()),
        ("rooms/plan.canvas", "{}".to_owned()),
        ("cup.png", "?".to_owned()),
    ]
}

pub(super) fn obsidian(place: &Place) -> PathBuf {
    lay(place, "vault", &vault_files())
}

pub(super) fn obsidian_zip(place: &Place) -> PathBuf {
    zipped(place, "vault-zip/vault.zip", &vault_files())
}

const PAGE: &str = "Plan 0123456789abcdef0123456789abcdef.md";
const NAMESAKE: &str = "Work/Plan fedcba9876543210fedcba9876543210.md";
const TABLE: &str = "Work/Tasks 00112233445566778899aabbccddeeff.csv";
const TABLE_ALL: &str = "Work/Tasks 00112233445566778899aabbccddeeff_all.csv";
pub(crate) fn notion_files() -> Vec<(&'static str, String)> {
    vec![
        (PAGE, "# Plan\n\nSow in March.\n".to_owned()),
        (NAMESAKE, "# Plan\n\nShip in May.\n".to_owned()),
        (TABLE, "\u{feff}Name,State\nTest,open\n".to_owned()),
        (
            TABLE_ALL,
            "\u{feff}Name,State\nTest,open\n\"Docs, all\",done\n".to_owned(),
        ),
        ("Work/picture.png", "?".to_owned()),
    ]
}

pub(super) fn notion(place: &Place) -> PathBuf {
    lay(place, "notion", &notion_files())
}

/// As Notion packs it: an archive in an archive.
pub(super) fn notion_zip(place: &Place) -> PathBuf {
    let inner = zipped(place, "notion-zip/inner/part.zip", &notion_files());
    let path = place.path("notion-zip/export.zip");
    let bytes = fs::read(inner).unwrap();
    pack(&path, &[("Export-1b2c-Part-1.zip", &bytes)]);
    path
}
