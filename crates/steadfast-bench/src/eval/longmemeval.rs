//! `LongMemEval` in its public layout: a haystack of chats for each question.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use steadfast::model::{Namespace, Timestamp};
use steadfast::{Conversation, Message};

use super::{Question, Task, open, text_of};

pub(super) fn load(file: &Path) -> anyhow::Result<Task> {
    let data: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let one = std::slice::from_ref(&data);
    let instances = data.as_array().map_or(one, Vec::as_slice);
    let (folder, memory) = open()?;
    let mut units = BTreeMap::new();
    let mut questions = Vec::new();
    for (number, instance) in instances.iter().enumerate() {
        let namespace = Namespace::new(format!("question-{number}"))?;
        let list = |name: &str| {
            instance
                .get(name)
                .and_then(Value::as_array)
                .with_context(|| format!("an instance without {name}"))
        };
        let mut wanted = BTreeSet::new();
        let dates = list("haystack_dates")?;
        for (place, (session, id)) in list("haystack_sessions")?
            .iter()
            .zip(list("haystack_session_ids")?)
            .enumerate()
        {
            let session_id = id.as_str().unwrap_or_default();
            let turns = session.as_array().context("a session that is no list")?;
            // A session may occur twice in a haystack; its place tells the two apart.
            let mut conversation = Conversation::new(format!("longmemeval:{place}-{session_id}"));
            conversation.namespace = namespace.clone();
            conversation.time = dates.get(place).and_then(|date| time_of(date.as_str()?));
            conversation.messages = turns.iter().map(message).collect();
            let is_blank = |message: &Message| message.text.trim().is_empty();
            if conversation.messages.iter().all(is_blank) {
                continue;
            }
            let kept = memory.keep_conversation(&conversation)?;
            for (turn, (message, ids)) in turns.iter().zip(kept.ids).enumerate() {
                let unit = format!("{session_id}_{turn}");
                if message.get("has_answer").and_then(Value::as_bool) == Some(true) {
                    wanted.insert(unit.clone());
                }
                for id in ids {
                    units.insert(id.to_string(), (unit.clone(), session_id.to_owned()));
                }
            }
        }
        let answers = list("answer_session_ids")?.iter();
        questions.push(Question {
            text: text_of(instance, "question"),
            namespace,
            category: text_of(instance, "question_type"),
            units: wanted,
            sessions: answers
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect(),
        });
    }
    Ok(Task {
        memory,
        questions,
        units,
        has_sessions: true,
        _folder: folder,
    })
}

fn message(turn: &Value) -> Message {
    let mut message = Message::new(text_of(turn, "content"));
    message.role = turn.get("role").and_then(Value::as_str).map(str::to_owned);
    message
}

/// Reads `2023/05/20 (Sat) 02:21`.
fn time_of(text: &str) -> Option<Timestamp> {
    let mut parts = text.split_whitespace();
    let date = parts.next()?.replace('/', "-");
    let clock = parts.next_back().filter(|clock| clock.contains(':'));
    Timestamp::parse(&format!("{date}T{}:00Z", clock.unwrap_or("00:00"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_layout_is_read_and_answered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.json");
        let instance = serde_json::json!([{
            "question": "where did I leave the kayak?",
            "question_type": "single-session-user",
            "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 10:00"],
            "haystack_session_ids": ["a", "b"],
            "haystack_sessions": [
                [{"role": "user", "content": "The oven is broken."},
                 {"role": "assistant", "content": "Did you call somebody?"}],
                [{"role": "user", "content": "I left the kayak at the mill.", "has_answer": true}],
            ],
            "answer_session_ids": ["b"],
        }]);
        std::fs::write(&file, instance.to_string()).unwrap();
        let task = load(&file).unwrap();
        assert_eq!(task.units.len(), 3);
        let (all, categories, _) = super::super::ask(&task, steadfast::Mode::Hybrid).unwrap();
        assert!(all.row("all", true).contains("| 100.0 | 100.0 |"));
        assert!(categories.contains_key("single-session-user"));
        assert_eq!(
            time_of("2023/05/20 (Sat) 02:21").unwrap().to_string(),
            "2023-05-20T02:21:00Z"
        );
    }
}
