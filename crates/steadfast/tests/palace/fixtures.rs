//! Palaces of real programs, unpacked for each test.

use std::path::Path;
use std::process::Command;

/// Unpacks the palace of a real program, where there is one.
pub(crate) fn fixture(archive: &str, folder: &Path) -> Option<()> {
    let Some(shared) = std::env::var_os("STEADFAST_SHARED") else {
        eprintln!("skipped without STEADFAST_SHARED: {archive}");
        return None;
    };
    let status = Command::new("tar")
        .arg("xJf")
        .arg(Path::new(&shared).join("fixtures").join(archive))
        .arg("-C")
        .arg(folder)
        .status()
        .unwrap();
    assert!(status.success());
    Some(())
}
