//! The palace doctor from the command line: what it says of a palace in each state, and its exit code.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::palace_support::{NEW, OLD, Palace, ROWS, tear};
use crate::support::{Place, Run};

fn doctor(here: &Place, palace: &Palace, flags: &[&str]) -> Run {
    let path = palace.path().display().to_string();
    let words = ["doctor", "--palace", &path];
    let all: Vec<&str> = words.iter().chain(flags).copied().collect();
    here.run_json(&all)
}

/// Returns the codes of the findings, after a look at their fields.
fn codes(said: &Value) -> BTreeSet<String> {
    let code = |finding: &Value| {
        for field in ["code", "what", "where", "remedy"] {
            let text = finding[field].as_str().unwrap();
            assert!(!text.is_empty(), "{field}: {finding}");
        }
        assert!(["info", "warning", "error"].contains(&finding["severity"].as_str().unwrap()));
        assert!(finding["count"].as_u64().unwrap() > 0, "{finding}");
        let code = finding["code"].as_str().unwrap().to_owned();
        let page = include_str!("../../../../docs/reference/findings.md");
        assert!(
            page.contains(&format!("| `{code}` |")),
            "{code} is not documented"
        );
        code
    };
    said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(code)
        .collect()
}

fn steps(said: &Value) -> Vec<&str> {
    let plan = said["plan"].as_array().unwrap();
    assert!(plan.iter().all(|step| step["what"].is_string()));
    plan.iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect()
}

fn sum(said: &Value, field: &str) -> u64 {
    let collections = said["collections"].as_array().unwrap();
    collections
        .iter()
        .map(|it| it[field].as_u64().unwrap())
        .sum()
}

#[test]
fn a_healthy_palace_has_no_findings_and_the_documented_fields() {
    let here = Place::new();
    for (version, expected) in [(NEW, None), (OLD, Some("palace_seq_id_old"))] {
        let palace = Palace::unpack(version);
        let before = palace.bytes();
        let run = doctor(&here, &palace, &[]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        let said = run.object();
        let fields: BTreeSet<&str> = said
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let page = include_str!("../../../../docs/reference/json.md");
        let section = page
            .split("\n## ")
            .find(|part| part.starts_with("`doctor`"))
            .unwrap();
        let documented: BTreeSet<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        assert_eq!(fields, documented);
        assert_eq!(
            codes(&said),
            expected.map(str::to_owned).into_iter().collect()
        );
        assert_eq!(
            (&said["rows_before"], &said["rows_after"], &said["backup"]),
            (&json!(ROWS), &Value::Null, &Value::Null)
        );
        assert_eq!(
            (&said["applied"], &said["repaired"]),
            (&json!([]), &json!(false))
        );
        assert_eq!(sum(&said, "rows"), ROWS);
        assert_eq!(sum(&said, "indexed") + sum(&said, "queued"), ROWS);
        assert_eq!(
            sum(&said, "missing") + sum(&said, "lost") + sum(&said, "extra"),
            0
        );
        assert_eq!(palace.bytes(), before, "a look changed something");
        assert!(!here.store().exists(), "no store is needed");
    }
}

#[test]
fn a_torn_palace_is_told_planned_and_repaired() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let before = palace.bytes();
    for flags in [&[][..], &["--repair"]] {
        let run = doctor(&here, &palace, flags);
        assert_eq!(run.code, 1, "{}", run.stdout);
        let said = run.object();
        assert!(codes(&said).contains("palace_segment_damaged"), "{said}");
        assert_eq!(steps(&said), ["backup", "rebuild", "set_aside"]);
        assert_eq!(
            (&said["applied"], &said["repaired"]),
            (&json!([]), &json!(false))
        );
        assert_eq!(palace.bytes(), before, "{flags:?} changed something");
    }
    let run = doctor(&here, &palace, &["--repair", "--yes"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let said = run.object();
    assert_eq!(
        (&said["repaired"], &said["rows_before"], &said["rows_after"]),
        (&json!(true), &json!(ROWS), &json!(ROWS))
    );
    assert_eq!((&said["findings"], &said["lost"]), (&json!([]), &json!([])));
    assert_eq!(said["applied"].as_array().unwrap().len(), 3, "{said}");
    let backup = std::path::PathBuf::from(said["backup"].as_str().unwrap());
    assert_eq!(
        Some(&fs::read(backup.join("chroma.sqlite3")).unwrap()),
        before.get(&palace.database())
    );
    palace.assert_whole();
    let run = doctor(&here, &palace, &["--repair", "--yes"]);
    assert_eq!((run.code, &run.object()["applied"]), (0, &json!([])));
}

#[test]
fn a_drifted_palace_is_set_aside_once_and_its_gap_is_told() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let database = fs::read(palace.database()).unwrap();
    for applied in [1, 0] {
        let run = doctor(&here, &palace, &["--quarantine"]);
        assert_eq!(run.code, 1, "{}", run.stdout);
        let said = run.object();
        assert_eq!(said["applied"].as_array().unwrap().len(), applied, "{said}");
        assert!(codes(&said).contains("palace_vectors_missing"), "{said}");
        assert!(
            sum(&said, "missing") > 30 && sum(&said, "lost") == 0,
            "{said}"
        );
        assert_eq!(said["repaired"], false);
    }
    assert_eq!(fs::read(palace.database()).unwrap(), database);
    let run = doctor(&here, &palace, &["--repair", "--yes"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    palace.assert_whole();
}

#[test]
fn rows_without_a_vector_are_listed_and_stay() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    fs::write(palace.index().join("data_level0.bin"), b"").unwrap();
    let run = doctor(&here, &palace, &["--repair", "--yes"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let said = run.object();
    assert_eq!(codes(&said), ["palace_vectors_lost".to_owned()].into());
    let lost = said["lost"].as_array().unwrap();
    assert_eq!(lost.len() as u64, sum(&said, "lost"));
    assert!(lost.contains(&json!({"collection": "mempalace_drawers", "id": "d0"})));
    assert_eq!(said["rows_after"], ROWS);
}

#[test]
fn where_there_is_no_palace_only_quarantine_has_nothing_to_do() {
    let here = Place::new();
    let empty = here.project().join("empty");
    fs::create_dir(&empty).unwrap();
    for path in ["missing", "empty"] {
        for flags in [&[][..], &["--repair"], &["--repair", "--yes"]] {
            let all: Vec<&str> = ["doctor", "--palace", path]
                .iter()
                .chain(flags)
                .copied()
                .collect();
            here.run_json(&all).assert_failed(2, "path_not_found");
        }
        let run = here.run_json(&["doctor", "--palace", path, "--quarantine"]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert_eq!(run.object()["findings"], json!([]));
    }
    assert_eq!(fs::read_dir(empty).unwrap().count(), 0);
    // A palace whose database is gone: its indexes alone are no palace, and stay where they are.
    let palace = Palace::unpack(NEW);
    fs::rename(palace.database(), palace.path().join("elsewhere")).unwrap();
    let before = palace.bytes();
    assert_eq!(doctor(&here, &palace, &["--quarantine"]).code, 0);
    doctor(&here, &palace, &["--repair", "--yes"]).assert_failed(2, "path_not_found");
    assert_eq!(palace.bytes(), before);
}

#[test]
fn a_database_that_is_none_is_a_finding_and_is_not_touched() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    let whole = fs::read(palace.database()).unwrap();
    let cut = whole[..whole.len() / 2].to_vec();
    for bytes in [
        Vec::new(),
        b"Dear reader, this is no database.".repeat(100),
        cut,
    ] {
        fs::write(palace.database(), &bytes).unwrap();
        for flags in [&[][..], &["--quarantine"], &["--repair", "--yes"]] {
            let run = doctor(&here, &palace, flags);
            assert_eq!(run.code, 1, "{flags:?}: {}", run.stdout);
            assert!(codes(&run.object()).contains("palace_database_damaged"));
            assert_eq!(fs::read(palace.database()).unwrap(), bytes);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_palace_in_use_is_looked_at_and_otherwise_refused_unless_forced() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    tear(&palace);
    let before = palace.bytes();
    // A process that has the database open and does nothing.
    let mut idle = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(fs::File::open(palace.database()).unwrap())
        .spawn()
        .unwrap();
    let looked = doctor(&here, &palace, &[]);
    let refused: Vec<Run> = [&["--quarantine"][..], &["--repair", "--yes"]]
        .iter()
        .map(|flags| doctor(&here, &palace, flags))
        .collect();
    let untouched = palace.bytes() == before;
    let forced = doctor(&here, &palace, &["--repair", "--yes", "--force"]);
    drop(idle.stdin.take());
    idle.wait().unwrap();
    assert_eq!(looked.code, 1);
    assert!(codes(&looked.object()).contains("palace_in_use"));
    for run in refused {
        run.assert_failed(3, "busy");
        assert_eq!(run.object()["error"]["retry"], "after");
        assert!(
            run.stdout.contains(&idle.id().to_string()),
            "{}",
            run.stdout
        );
    }
    assert!(untouched, "it was refused and changed something");
    assert_eq!(forced.code, 0, "{}", forced.stdout);
    palace.assert_whole();
}

#[test]
fn times_count_only_when_they_are_asked_for() {
    let here = Place::new();
    let palace = Palace::unpack(NEW);
    let modified = fs::metadata(palace.database()).unwrap().modified().unwrap();
    let elements = palace.index().join("data_level0.bin");
    let file = fs::File::options().write(true).open(elements).unwrap();
    file.set_modified(modified - std::time::Duration::from_hours(2))
        .unwrap();
    drop(file);
    assert_eq!(doctor(&here, &palace, &["--stale-after", "7201"]).code, 0);
    let run = doctor(&here, &palace, &["--stale-after", "7200"]);
    assert_eq!(run.code, 1);
    assert_eq!(
        codes(&run.object()),
        ["palace_segment_stale".to_owned()].into()
    );
    assert!(palace.index().exists(), "a look set it aside");
}
