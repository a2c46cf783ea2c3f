//! `LongMemEval` in its public layout: a haystack of chats for each question.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;
use steadfast::model::{Namespace, Timestamp};
use steadfast::{Conversation, Memory, Message};

use super::{Question, Task, open, say, text_of};

pub(super) fn load(file: &Path) -> anyhow::Result<Task> {
    let (folder, memory) = open()?;
    let mut haystacks = Haystacks {
        memory,
        units: BTreeMap::new(),
        questions: Vec::new(),
        abstentions: 0,
    };
    // The large sets have gigabytes: one instance is in memory at a time.
    let read = BufReader::new(std::fs::File::open(file)?);
    let mut values = serde_json::Deserializer::from_reader(read);
    haystacks.deserialize(&mut values)?;
    if haystacks.abstentions > 0 {
        let count = haystacks.abstentions;
        say(&format!(
            "{count} questions about what was never said are left out, as the set's own evaluation does"
        ));
    }
    Ok(Task {
        memory: haystacks.memory,
        questions: haystacks.questions,
        units: haystacks.units,
        has_sessions: true,
        _folder: folder,
    })
}

/// What was read of the set.
struct Haystacks {
    memory: Memory,
    units: BTreeMap<String, (String, String)>,
    questions: Vec<Question>,
    abstentions: usize,
}

impl<'de> DeserializeSeed<'de> for &mut Haystacks {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Haystacks {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of instances")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut instances: A) -> Result<(), A::Error> {
        while let Some(instance) = instances.next_element::<Value>()? {
            self.take(&instance).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl Haystacks {
    fn take(&mut self, instance: &Value) -> anyhow::Result<()> {
        // What such a question is about is in no session, so there is nothing to be found.
        if text_of(instance, "question_id").ends_with("_abs") {
            self.abstentions += 1;
            return Ok(());
        }
        let namespace = Namespace::new(format!("question-{}", self.questions.len()))?;
        let list = |name: &str| {
            instance
                .get(name)
                .and_then(Value::as_array)
                .with_context(|| format!("an instance without {name}"))
        };
        let mut wanted = BTreeSet::new();
        let dates = list("haystack_dates")?;
        let sessions = list("haystack_sessions")?.iter();
        for (place, (session, id)) in sessions.zip(list("haystack_session_ids")?).enumerate() {
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
            let kept = self.memory.keep_conversation(&conversation)?;
            for (turn, (message, ids)) in turns.iter().zip(kept.ids).enumerate() {
                let unit = format!("{session_id}_{turn}");
                if message.get("has_answer").and_then(Value::as_bool) == Some(true) {
                    wanted.insert(unit.clone());
                }
                for id in ids {
                    let place = (unit.clone(), session_id.to_owned());
                    self.units.insert(id.to_string(), place);
                }
            }
        }
        let answers = list("answer_session_ids")?.iter();
        self.questions.push(Question {
            text: text_of(instance, "question"),
            namespace,
            category: text_of(instance, "question_type"),
            units: wanted,
            sessions: answers
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect(),
        });
        Ok(())
    }
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
            "question_id": "c",
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
        }, {
            "question_id": "c_abs",
            "question": "where did I leave the canoe?",
            "question_type": "single-session-user",
            "haystack_dates": [],
            "haystack_session_ids": [],
            "haystack_sessions": [],
            "answer_session_ids": [],
        }]);
        std::fs::write(&file, instance.to_string()).unwrap();
        let task = load(&file).unwrap();
        assert_eq!((task.questions.len(), task.units.len()), (1, 3));
        let (all, categories, _) = super::super::ask(&task, &super::super::WAYS[0]).unwrap();
        assert!(all.row("all", true).contains("| 100.0 | 100.0 |"));
        assert!(categories.contains_key("single-session-user"));
        assert_eq!(
            time_of("2023/05/20 (Sat) 02:21").unwrap().to_string(),
            "2023-05-20T02:21:00Z"
        );
    }
}
