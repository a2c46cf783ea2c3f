//! What a question can demand, and what it gets once: phrases, left-out words, copies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use steadfast::model::{Namespace, Timestamp};
use steadfast::{
    Answer, Asked, Conversation, IndexOptions, Memory, Message, Mode, Note, SearchRequest, Silent,
};

fn open(folder: &Path) -> Memory {
    Memory::options()
        .create(true)
        .open(folder.join("store"))
        .unwrap()
}

fn ask(memory: &Memory, text: &str) -> Answer {
    let mut request = SearchRequest::new(text);
    Asked::read(text).apply(&mut request);
    memory.search(&request).unwrap()
}

fn texts(answer: &Answer) -> BTreeSet<&str> {
    answer
        .hits
        .iter()
        .map(|hit| hit.chunk.text.as_str())
        .collect()
}

#[test]
fn a_phrase_is_found_behind_any_number_of_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    for number in 0..400 {
        let text = format!("ahead we write, log {number} ahead of log, write log ahead");
        memory.remember(&Note::new(text)).unwrap();
    }
    let wanted = "It was once decided, long before most of this, to keep a write-ahead log beside the pages.";
    memory.remember(&Note::new(wanted)).unwrap();
    let answer = ask(&memory, "\"write ahead log\"");
    assert_eq!(texts(&answer), [wanted].into());
    assert!(answer.coverage.complete);
    assert_eq!(answer.coverage.in_scope, 401);
    assert!(ask(&memory, "\"log ahead write\" pages").hits.is_empty());
}

#[test]
fn left_out_words_and_phrases_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    for text in [
        "the harbor in spring",
        "the harbor in winter",
        "the harbor with two winters",
        "the harbor freezes late",
    ] {
        memory.remember(&Note::new(text)).unwrap();
    }
    assert_eq!(
        texts(&ask(&memory, "harbor -winter")),
        ["the harbor in spring", "the harbor freezes late"].into()
    );
    assert_eq!(
        texts(&ask(&memory, "harbor -\"in winter\" -\"freezes late\"")),
        ["the harbor in spring", "the harbor with two winters"].into()
    );
    let literal = memory
        .search(&SearchRequest::new("harbor -winter"))
        .unwrap();
    assert_eq!(literal.hits.len(), 4);
}

#[test]
fn copies_are_one_hit_that_names_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().join("docs");
    std::fs::create_dir(&docs).unwrap();
    for number in 0..25 {
        let file = docs.join(format!("licence-{number}.txt"));
        std::fs::write(file, "You may copy this software.\n").unwrap();
    }
    let other = "Copies of software are made on Mondays.\n";
    std::fs::write(docs.join("other.txt"), other).unwrap();
    let memory = open(folder.path());
    let options = IndexOptions::default();
    memory.index(&[docs], &options, &Silent).unwrap();
    for mode in [Mode::Hybrid, Mode::Text, Mode::Vector] {
        let mut request = SearchRequest::new("copy software");
        request.mode = mode;
        let answer = memory.search(&request).unwrap();
        assert_eq!(answer.hits.len(), 2, "{mode:?}");
        let copied = answer
            .hits
            .iter()
            .find(|hit| !hit.also_in.is_empty())
            .unwrap();
        let sources: BTreeSet<&str> = copied
            .also_in
            .iter()
            .map(|also| also.source.as_str())
            .collect();
        assert_eq!(sources.len(), 24, "{mode:?}");
        assert!(!sources.contains(copied.chunk.source.as_str()));
        assert_eq!(answer.coverage.in_scope, 26);
    }
}

#[test]
fn pages_together_show_every_row_once_as_a_hit_or_beside_one() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    for number in 0..90 {
        let mut note = Note::new(format!("harbor report {}", number % 30));
        note.namespace = Namespace::new(format!("n{}", number / 30)).unwrap();
        memory.remember(&note).unwrap();
    }
    let mut request = SearchRequest::new("harbor report");
    request.limit = 7;
    let mut seen: Vec<String> = Vec::new();
    loop {
        let answer = memory.search(&request).unwrap();
        for hit in &answer.hits {
            seen.push(hit.chunk.id.to_string());
            seen.extend(hit.also_in.iter().map(|also| also.id.to_string()));
        }
        request.cursor = answer.cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (90, 90));
}

#[test]
fn what_was_said_twice_was_said_twice() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    let mut talk = Conversation::new("chat:1");
    talk.messages = ["Sounds good to me.", "And Friday?", "Sounds good to me."]
        .map(Message::new)
        .into();
    memory.keep_conversation(&talk).unwrap();
    let answer = memory.search(&SearchRequest::new("sounds good")).unwrap();
    let said = answer
        .hits
        .iter()
        .filter(|hit| hit.chunk.text.contains("good"));
    assert_eq!(said.count(), 2);
    assert!(answer.hits.iter().all(|hit| hit.also_in.is_empty()));
}

#[test]
fn the_parts_of_every_score_add_up_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    let mut talk = Conversation::new("chat:1");
    talk.time = Timestamp::parse("2026-03-01").ok();
    for number in 0..150 {
        let mut message = Message::new(format!("harbor report {number}, written on 8 May 2025"));
        message.speaker = Some(["Ada", "Bob"][number % 2].to_owned());
        message.role = Some(["user", "assistant"][number % 2].to_owned());
        talk.messages.push(message);
    }
    memory.keep_conversation(&talk).unwrap();
    for text in [
        "harbor report",
        "what did Ada write of the harbor?",
        "when was the harbor report written?",
        "harbor report of 8 May 2025",
        "\"harbor report\" -bob",
        "zzz",
        "",
    ] {
        for mode in [Mode::Hybrid, Mode::Text, Mode::Vector] {
            let mut request = SearchRequest::new(text);
            Asked::read(text).apply(&mut request);
            request.mode = mode;
            request.limit = 90;
            // The second page comes from deeper tiers, where other parts make up a score.
            for _ in 0..2 {
                let answer = memory.search(&request).unwrap();
                assert_eq!(answer.parts.len(), answer.hits.len());
                for (hit, parts) in answer.hits.iter().zip(&answer.parts) {
                    let sum: f32 = parts.named().iter().map(|(_, share)| share).sum();
                    let difference = (sum - hit.score).abs();
                    assert!(difference < 1e-5, "{text:?}, {mode:?}: {parts:?}");
                    let is_share = |(_, share): &(&str, f32)| *share >= 0.0;
                    assert!(parts.named().iter().all(is_share), "{parts:?}");
                }
                request.cursor = answer.cursor;
                if request.cursor.is_none() {
                    break;
                }
            }
        }
    }
}

#[test]
fn quotes_of_a_telephone_are_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    for text in ["a write-ahead log", "ahead of time we write a log"] {
        memory.remember(&Note::new(text)).unwrap();
    }
    for text in [
        "\u{201c}write ahead log\u{201d}",
        "\u{201e}write ahead log\u{201c}",
        "log -\u{201c}time we\u{201d}",
    ] {
        assert_eq!(
            texts(&ask(&memory, text)),
            ["a write-ahead log"].into(),
            "{text}"
        );
    }
}

#[test]
fn what_happened_on_a_day_is_found_by_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(folder.path());
    let remember = |text: &str, time: &str| {
        let mut note = Note::new(text);
        note.time = Some(Timestamp::parse(time).unwrap());
        memory.remember(&note).unwrap();
    };
    for day in 1..=28 {
        for month in 4..=5 {
            let text = format!("Standup: discussed topic number {day} of {month} with the team");
            remember(&text, &format!("2024-{month:02}-{day:02}"));
        }
    }
    remember("Had pizza.", "2024-06-10T12:00:00Z");
    let answer = ask(&memory, "What happened on June 10th 2024?");
    assert_eq!(answer.hits[0].chunk.text, "Had pizza.");
}
