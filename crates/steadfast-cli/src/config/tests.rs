//! Layers: which of several values wins, and which store is meant.

use std::fs;
use std::path::Path;

use super::*;

fn load(here: &Path, variables: &[(&str, &str)]) -> Result<Settings, Failure> {
    Settings::load(None, &Environment::for_test(here, variables))
}

fn setting(settings: &Settings, name: &str) -> (String, Origin) {
    let setting = settings.get(find(name).unwrap()).unwrap();
    (setting.value.clone(), setting.origin)
}

#[test]
fn the_nearer_layer_wins() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert_eq!(
        setting(&load(here, &[]).unwrap(), "search.limit"),
        ("10".to_owned(), Origin::BuiltIn)
    );
    fs::create_dir_all(here.join("home/config")).unwrap();
    fs::write(
        here.join("home/config/config.toml"),
        "[search]\nlimit = 3\nmode = \"text\"\n",
    )
    .unwrap();
    assert_eq!(
        setting(&load(here, &[]).unwrap(), "search.limit"),
        ("3".to_owned(), Origin::User)
    );
    fs::create_dir(here.join(".steadfast")).unwrap();
    fs::write(here.join(".steadfast/config.toml"), "search.limit = 4\n").unwrap();
    let settings = load(here, &[]).unwrap();
    assert_eq!(
        setting(&settings, "search.limit"),
        ("4".to_owned(), Origin::Store)
    );
    assert_eq!(
        setting(&settings, "search.mode"),
        ("text".to_owned(), Origin::User)
    );
    let settings = load(here, &[("STEADFAST_SEARCH_LIMIT", "5")]).unwrap();
    assert_eq!(
        setting(&settings, "search.limit"),
        ("5".to_owned(), Origin::Environment)
    );
    assert_eq!(settings.limit(), 5);
}

#[test]
fn the_store_is_found_in_the_documented_order() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("a/b");
    fs::create_dir_all(&here).unwrap();
    let store = |flag: Option<&str>, variables: &[(&str, &str)]| {
        let settings = Settings::load(
            flag.map(Path::new),
            &Environment::for_test(&here, variables),
        )
        .unwrap();
        (
            settings.store().to_owned(),
            setting(&settings, "store.path").1,
        )
    };
    assert_eq!(store(None, &[]), (here.join("home/data"), Origin::BuiltIn));
    fs::create_dir_all(here.join("home/config")).unwrap();
    fs::write(
        here.join("home/config/config.toml"),
        "[store]\npath = \"~/mine\"\n",
    )
    .unwrap();
    assert_eq!(store(None, &[]), (here.join("home/mine"), Origin::User));
    fs::create_dir(folder.path().join("a/.steadfast")).unwrap();
    assert_eq!(
        store(None, &[]),
        (folder.path().join("a/.steadfast"), Origin::Found)
    );
    let variables = [("STEADFAST_STORE", "/var/store")];
    assert_eq!(
        store(None, &variables),
        ("/var/store".into(), Origin::Environment)
    );
    assert_eq!(
        store(Some("/tmp/flag"), &variables),
        ("/tmp/flag".into(), Origin::Flag)
    );
}

#[test]
fn wrong_values_and_unknown_names_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let file = here.join(".steadfast/config.toml");
    fs::create_dir(here.join(".steadfast")).unwrap();
    fs::write(&file, "[search]\nlimit = \"many\"\n").unwrap();
    let failure = load(here, &[]).unwrap_err().to_json();
    assert_eq!(failure["error"]["kind"], "invalid_config");
    assert_eq!(failure["error"]["where"], file.display().to_string());
    fs::write(&file, "[search]\nlimits = 3\n").unwrap();
    let settings = load(here, &[]).unwrap();
    assert!(
        settings.warnings[0].contains("`search.limits`"),
        "{:?}",
        settings.warnings
    );
    let failure = load(here, &[("STEADFAST_JOURNAL", "off")])
        .unwrap_err()
        .to_json();
    assert_eq!(failure["error"]["where"], "STEADFAST_JOURNAL");
}
