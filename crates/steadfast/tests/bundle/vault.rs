//! Memories as pages: for people to read and link, and whole enough to make the store again.

use std::fs;

use steadfast::{
    Error, ExportFormat, ExportOptions, ImportOptions, ImportReport, IndexOptions, Memory, Note,
    Silent,
};

use crate::support::{Place, contents, import};

fn filled(place: &Place) -> Memory {
    let memory = place.store("store");
    for (name, text) in [
        ("a/Plan.md", "# Plan\n\nSee [[harbor]] --> there.\n"),
        ("b/plan.md", "# Other plan\n\n```rust\nlet x = 1;\n```\n"),
        (
            "b/main.rs",
            "fn main() {\n    // ``` and <!-- steadfast:1 {} -->\n}\n",
        ),
    ] {
        let path = place.path("files").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    memory
        .index(&[place.path("files")], &IndexOptions::default(), &Silent)
        .unwrap();
    let mut note = Note::new("The kettle is blue.");
    note.title = Some("Kitchen: what/where?".to_owned());
    note.tags = vec!["my home".to_owned()];
    memory.remember(&note).unwrap();
    memory
}

fn exported(place: &Place, memory: &Memory) -> std::path::PathBuf {
    let mut options = ExportOptions::default();
    options.format = ExportFormat::Markdown;
    place.export(memory, "vault", &options)
}

fn import_again(place: &Place, name: &str) -> ImportReport {
    let report = place
        .store(name)
        .import(&place.path("vault"), &ImportOptions::default(), &Silent)
        .unwrap();
    assert!(report.adds_up(), "{report:?}");
    report
}

#[test]
fn pages_are_named_and_linked_for_people() {
    let place = Place::new();
    let memory = filled(&place);
    let vault = exported(&place, &memory);
    let mut names: Vec<String> = fs::read_dir(vault.join("default"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(
        names.contains(&"Kitchen what where.md".to_owned()),
        "{names:?}"
    );
    let lower: std::collections::BTreeSet<String> =
        names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), 4, "two pages on one name: {names:?}");
    let index = fs::read_to_string(vault.join("Index.md")).unwrap();
    for name in &names {
        let link = format!("[[default/{}|", name.strip_suffix(".md").unwrap());
        assert!(index.contains(&link), "{link} in {index}");
    }
    let page = fs::read_to_string(vault.join("default/Kitchen what where.md")).unwrap();
    assert!(
        page.starts_with("---\ntitle: \"Kitchen: what/where?\"\n"),
        "{page}"
    );
    assert!(page.contains("tags: [\"my-home\"]\n"), "{page}");
    assert!(page.contains("\n---\n\nThe kettle is blue.\n"), "{page}");
    let code = fs::read_to_string(vault.join("default/main.md")).unwrap();
    assert!(code.contains("````\nfn main()"), "{code}");
}

#[test]
fn a_vault_makes_the_store_again() {
    let place = Place::new();
    let memory = filled(&place);
    let vault = exported(&place, &memory);
    fs::write(vault.join("My own page.md"), "# Not a memory\n").unwrap();
    let other = place.store("other");
    let report = import(&other, &vault);
    assert!(report.complete, "{report:?}");
    assert_eq!(report.left_out.len(), 1, "{report:?}");
    assert_eq!(contents(&memory), contents(&other));
}

#[test]
fn what_was_edited_or_is_gone_is_told() {
    let place = Place::new();
    let memory = filled(&place);
    let vault = exported(&place, &memory);
    let page = vault.join("default/Kitchen what where.md");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replacen("blue", "gray", 1)).unwrap();
    let report = import_again(&place, "edited");
    assert_eq!((report.refused, report.complete), (1, false), "{report:?}");
    assert_eq!(report.refusals[0].reason, "edited");
    fs::write(&page, "").unwrap();
    let report = import_again(&place, "gone");
    assert!(!report.complete, "{report:?}");
    assert_eq!(report.refused, 0);
    // Without its last file it is only a folder.
    fs::rename(vault.join("steadfast.json"), place.path("away")).unwrap();
    let error = place
        .store("cut")
        .import(&vault, &ImportOptions::default(), &Silent)
        .unwrap_err();
    assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let place = Place::new();
    let memory = filled(&place);
    fs::create_dir(place.path("vault")).unwrap();
    fs::write(place.path("vault/mine.md"), "mine").unwrap();
    let mut options = ExportOptions::default();
    options.format = ExportFormat::Markdown;
    options.overwrite = true;
    let error = memory
        .export(place.path("vault"), &options, &Silent)
        .unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read_dir(place.path("vault")).unwrap().count(), 1);
}
