//! Any store, out and into an empty one: nothing is lost, added or altered.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use steadfast::collection::{CollectionOptions, Records};
use steadfast::model::{Filter, Namespace, Outcome, Timestamp, Validity};
use steadfast::{
    Conversation, ExportFormat, ExportOptions, Memory, Message, Note, Selection, Silent,
};

use crate::support::{Place, contents, import};

/// Something that is done to a store.
#[derive(Clone, Debug)]
enum Deed {
    Note {
        words: Vec<u8>,
        title: Option<u8>,
        source: Option<u8>,
        namespace: u8,
        tags: Vec<u8>,
        validity: Option<(i64, i64)>,
        meta: u8,
    },
    File {
        name: u8,
        sections: Vec<u8>,
    },
    Talk {
        name: u8,
        messages: Vec<u8>,
    },
    Fetch(u8),
    Forget(u8),
    RenameTag(u8, u8),
    Records {
        collection: u8,
        given: bool,
        ids: Vec<u8>,
        with_documents: bool,
    },
}

const WORDS: &[&str] = &[
    "kettle",
    "blue",
    "port",
    "8443",
    "[[harbor]]",
    "caf\u{e9}",
    "\u{6e2f}\u{53e3}",
    "line\nbreak",
    "\"quoted\"",
    "#tag",
    "end.\r\nnext",
    "tab\there",
];

fn text(words: &[u8]) -> String {
    let words: Vec<&str> = words
        .iter()
        .map(|word| WORDS[usize::from(*word) % WORDS.len()])
        .collect();
    words.join(" ")
}

fn words() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..12_u8, 1..8)
}

fn deed() -> impl Strategy<Value = Deed> {
    let note = (
        words(),
        prop::option::of(0..3_u8),
        prop::option::of(0..3_u8),
        0..3_u8,
        prop::collection::vec(0..4_u8, 0..3),
        prop::option::of((0..5_000_000_000_000_i64, 0..9_000_i64)),
        0..6_u8,
    )
        .prop_map(
            |(words, title, source, namespace, tags, validity, meta)| Deed::Note {
                words,
                title,
                source,
                namespace,
                tags,
                validity,
                meta,
            },
        );
    prop_oneof![
        4 => note,
        2 => (0..4_u8, prop::collection::vec(0..6_u8, 0..6))
            .prop_map(|(name, sections)| Deed::File { name, sections }),
        2 => (0..2_u8, prop::collection::vec(0..5_u8, 1..6))
            .prop_map(|(name, messages)| Deed::Talk { name, messages }),
        3 => any::<u8>().prop_map(Deed::Fetch),
        1 => any::<u8>().prop_map(Deed::Forget),
        1 => (0..4_u8, 0..4_u8).prop_map(|(from, to)| Deed::RenameTag(from, to)),
        2 => (0..3_u8, any::<bool>(), prop::collection::btree_set(0..9_u8, 0..5), any::<bool>()).prop_map(
            |(collection, given, ids, with_documents)| Deed::Records {
                collection,
                given,
                ids: ids.into_iter().collect(),
                with_documents,
            }
        ),
    ]
}

/// Does it; what a store refuses, such as a text that was forgotten, is not done.
fn run(place: &Place, memory: &Memory, deed: &Deed) {
    match deed {
        Deed::Note { .. } => drop(memory.remember(&note(deed))),
        Deed::File { name, sections } => {
            let folder = place.path("files");
            fs::create_dir_all(&folder).unwrap();
            let sections: Vec<String> = sections
                .iter()
                .map(|section| format!("# Section {section}\n\nSee [[other]] and {section}."))
                .collect();
            let file = folder.join(format!("f{name}.md"));
            let body = sections.join("\n\n");
            fs::write(&file, format!("---\ntags: [t1]\n---\n{body}")).unwrap();
            memory
                .index(&[file], &steadfast::IndexOptions::default(), &Silent)
                .unwrap();
        }
        Deed::Talk { name, messages } => {
            let mut talk = Conversation::new(format!("chat:{name}"));
            talk.messages = messages
                .iter()
                .map(|message| Message::new(format!("message {message}")))
                .collect();
            drop(memory.keep_conversation(&talk));
        }
        Deed::Fetch(which) => {
            if let Some(id) = pick(memory, *which) {
                memory.get(&[id], 0).unwrap();
            }
        }
        Deed::Forget(which) => {
            let mut selection = Selection::default();
            selection.ids.extend(pick(memory, *which));
            if !selection.ids.is_empty() {
                let plan = memory.plan_forget(&selection).unwrap();
                memory.forget(&plan).unwrap();
            }
        }
        Deed::RenameTag(from, to) => {
            if let Ok(plan) = memory.plan_rename_tag(&format!("t{from}"), &format!("t{to}")) {
                memory.rename(&plan).unwrap();
            }
        }
        Deed::Records {
            collection,
            given,
            ids,
            with_documents,
        } => {
            let drawers = memory
                .collections()
                .get_or_create_collection(&format!("c{collection}"), &CollectionOptions::default())
                .unwrap();
            let mut records = Records::new(ids.iter().map(|id| format!("id {id}")));
            if *with_documents || !given {
                records = records.documents(ids.iter().map(|id| format!("document {id}")));
            }
            if *given {
                let vector = |id: &u8| vec![f32::from(*id) / 3.0, -0.1, 1e-30];
                records = records.embeddings(ids.iter().map(vector));
            }
            drop(drawers.upsert(&records));
        }
    }
}

fn note(deed: &Deed) -> Note {
    let Deed::Note {
        words,
        title,
        source,
        namespace,
        tags,
        validity,
        meta,
    } = deed
    else {
        unreachable!("only notes are asked for");
    };
    let mut note = Note::new(text(words));
    note.title = title.map(|title| format!("Title {title}"));
    note.source = source.map(|source| format!("diary {source}"));
    note.namespace = Namespace::new(format!("space/{namespace}")).unwrap();
    note.tags = tags.iter().map(|tag| format!("t{tag}")).collect();
    note.time = Some(Timestamp(1_700_000_000_123 + i64::from(*meta)));
    if let Some((from, length)) = validity {
        note.valid_from = Some(Timestamp(*from));
        note.valid_to = Some(Timestamp(from + length));
    }
    let value = [
        json!(null),
        json!(1.1),
        json!("a\u{0}b"),
        json!([1, "x"]),
        json!(u64::MAX),
        json!({"deep": {"er": -0.1e-7}}),
    ];
    let value = value[usize::from(*meta)].clone();
    note.meta.insert("key".to_owned(), value);
    note
}

fn pick(memory: &Memory, which: u8) -> Option<String> {
    let mut request = steadfast::ListRequest::default();
    request.limit = 1_000;
    request.filter.validity = Validity::Any;
    let chunks = memory.list(&request).unwrap().chunks;
    let at = usize::from(which).checked_rem(chunks.len())?;
    Some(chunks[at].id.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_store_is_the_same_after_an_export_and_an_import(
        deeds in prop::collection::vec(deed(), 1..20),
        form in 0..5_u8,
    ) {
        let place = Place::new();
        let memory = place.store("store");
        for deed in &deeds {
            run(&place, &memory, deed);
        }
        let mut options = ExportOptions::default();
        options.vectors = form == 1;
        options.format = match form {
            2 => ExportFormat::Jsonl,
            4 => ExportFormat::Markdown,
            _ => ExportFormat::Bundle,
        };
        let name = if form == 3 { "all.zst" } else { "all.bundle" };
        let file = place.export(&memory, name, &options);
        if fs::metadata(&file).unwrap().len() == 0 {
            // A list of nothing is nothing.
            return Ok(());
        }
        let other = place.store("other");
        let report = import(&other, &file);
        prop_assert!(report.complete, "{:?}", report);
        prop_assert_eq!(report.imported, report.read);
        prop_assert_eq!(contents(&memory), contents(&other));
        prop_assert!(other.verify(&Silent).unwrap().findings.is_empty());
        // And out again: what an import adds to a chunk is not added a second time.
        let second = place.export(&other, "second.bundle", &ExportOptions::default());
        let third = place.store("third");
        prop_assert!(import(&third, &second).complete);
        prop_assert_eq!(contents(&memory), contents(&third));
        // Back into the store that it is of, it is all there.
        let seq = memory.status().unwrap().generation;
        let back = memory.import(&file, &steadfast::ImportOptions::default(), &Silent).unwrap();
        prop_assert_eq!((back.imported, back.updated, back.refused), (0, 0, 0), "{:?}", back);
        prop_assert_eq!(memory.status().unwrap().generation, seq);
    }
}

#[test]
fn a_note_that_moved_is_still_remembered_once() {
    let place = Place::new();
    let memory = place.store("store");
    let mut long = Note::new("One paragraph of words. ".repeat(400));
    long.title = Some("Long".to_owned());
    for note in [&Note::new("The kettle is blue."), &long] {
        memory.remember(note).unwrap();
    }
    let other = place.store("other");
    import(
        &other,
        &place.export(&memory, "a.bundle", &ExportOptions::default()),
    );
    for note in [&Note::new("The kettle is blue."), &long] {
        assert_eq!(other.remember(note).unwrap().outcome, Outcome::Reused);
    }
}

#[test]
fn a_digest_that_lies_does_not_swallow_another_note() {
    let place = Place::new();
    let memory = place.store("store");
    memory.remember(&Note::new("The kettle is blue.")).unwrap();
    let mut options = ExportOptions::default();
    options.format = ExportFormat::Jsonl;
    let file = place.export(&memory, "a.jsonl", &options);
    let mut line: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let claimed = steadfast::model::write::note_digest(
        None,
        [steadfast::model::ContentHash::of("The stove is gas.")],
    );
    line["note"] = json!(claimed.to_string());
    fs::write(&file, format!("{line}\n")).unwrap();
    let other = place.store("other");
    import(&other, &file);
    let told = other.remember(&Note::new("The stove is gas.")).unwrap();
    assert_eq!(told.outcome, Outcome::Inserted);
}

#[test]
fn vectors_of_the_same_model_are_taken_over_to_the_bit() {
    let place = Place::new();
    let memory = place.store("store");
    memory.remember(&Note::new("The kettle is blue.")).unwrap();
    let mut options = ExportOptions::default();
    options.vectors = true;
    let file = place.export(&memory, "a.bundle", &options);
    let text = fs::read_to_string(&file).unwrap();
    let chunk: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert!(chunk["vector"].as_array().unwrap().len() > 1);
    assert!(chunk["vector_model"].is_string());
    let other = place.store("other");
    import(&other, &file);
    let again = place.export(&other, "b.bundle", &options);
    let text = fs::read_to_string(&again).unwrap();
    let copied: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(chunk["vector"], copied["vector"]);
}

#[test]
fn a_filter_narrows_an_export_and_leaves_collections_out() {
    let place = Place::new();
    let memory = place.store("store");
    for (text, tag) in [("one", "a"), ("two", "b"), ("three", "a")] {
        let mut note = Note::new(text);
        note.tags = vec![tag.to_owned()];
        memory.remember(&note).unwrap();
    }
    let drawers = memory
        .collections()
        .get_or_create_collection("drawers", &CollectionOptions::default())
        .unwrap();
    drawers
        .add(&Records::new(["r"]).documents(["a record"]))
        .unwrap();
    let mut options = ExportOptions::default();
    options.filter.tags = vec!["a".to_owned()];
    let exported = memory
        .export(place.path("a.bundle"), &options, &Silent)
        .unwrap();
    assert_eq!((exported.chunks, exported.records), (2, 0));
    options.filter = Filter {
        namespaces: vec![Namespace::new("collection:drawers").unwrap()],
        validity: Validity::Any,
        ..Filter::default()
    };
    let exported = memory
        .export(place.path("b.bundle"), &options, &Silent)
        .unwrap();
    assert_eq!((exported.chunks, exported.records), (0, 1));
}
