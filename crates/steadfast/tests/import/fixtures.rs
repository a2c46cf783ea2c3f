//! Real stores of the real programs, unpacked for each test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::Place;

/// Unpacks an archive of real stores; none where there are none.
pub(crate) fn unpack(place: &Place, archive: &str) -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("STEADFAST_SHARED") else {
        // The only word of a test that passes without having tested.
        eprintln!("skipped without STEADFAST_SHARED: {archive}");
        return None;
    };
    let archive = Path::new(&shared).join("fixtures").join(archive);
    let folder = place.path("real/x").parent().unwrap().to_owned();
    let status = Command::new("tar")
        .arg("xJf")
        .arg(&archive)
        .arg("-C")
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success(), "{}", archive.display());
    Some(folder)
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
