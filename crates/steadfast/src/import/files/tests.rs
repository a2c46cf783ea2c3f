//! Hostile and damaged archives: what is unsafe is refused by its name, and the rest is read.

use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::*;

fn archive(entries: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.zip");
    let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer
        .add_symlink("link.md", "/etc/passwd", options)
        .unwrap();
    writer.finish().unwrap();
    (folder, path)
}

#[test]
fn what_leads_out_or_blows_up_is_refused_and_the_rest_is_read() {
    let bomb = vec![b' '; 9 << 20];
    let (_folder, path) = archive(&[
        ("x/good.json", b"[1]"),
        ("../../evil.json", b"[2]"),
        ("/etc/evil.json", b"[3]"),
        ("x/bomb.json", &bomb),
        ("__MACOSX/x/._good.json", b"?"),
    ]);
    let mut files = Files::open(&path).unwrap().unwrap();
    assert!(files.is_packed());
    let names: Vec<&str> = files.names().collect();
    assert_eq!(names, ["bomb.json", "good.json"]);
    assert_eq!(files.bytes("good.json", 99).unwrap(), b"[1]");
    assert_eq!(
        files.bytes("bomb.json", u64::MAX).unwrap_err().reason,
        "bomb"
    );
    assert_eq!(files.bytes("good.json", 2).unwrap_err().reason, "too_large");
    assert_eq!(files.bytes("other", 2).unwrap_err().reason, "missing");
    let mut survey = Survey::new(super::super::ImportKind::Slack);
    files.report(&mut survey);
    let reasons: Vec<(String, u64)> = survey
        .refusals
        .into_list()
        .into_iter()
        .map(|left| (left.reason, left.count))
        .collect();
    assert_eq!(
        reasons,
        [("link".to_owned(), 1), ("outside_path".to_owned(), 2)]
    );
    assert!(
        survey
            .warnings
            .iter()
            .any(|line| line.contains("evil.json"))
    );
}

#[test]
fn a_file_whose_checksum_is_wrong_is_not_handed_over() {
    let text = b"The same words again and again, the same words again and again.";
    let (_folder, path) = archive(&[("a.md", text)]);
    let mut bytes = std::fs::read(&path).unwrap();
    // The checksum stands 14 bytes into the local header and 16 into the entry of the directory.
    let entry = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    bytes[entry + 16] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut files = Files::open(&path).unwrap().unwrap();
    let mut handed_over = false;
    let read = files.stream("a.md", 1 << 20, &mut |_| handed_over = true);
    assert_eq!(read.unwrap_err().reason, "unreadable");
    assert!(!handed_over);
}
