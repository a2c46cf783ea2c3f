//! `LoCoMo`: one document a session, one message a turn, one namespace a conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use steadfast::model::{Namespace, Timestamp};
use steadfast::{Conversation, Message};

use super::{Question, Task, open, text_of};

const CATEGORIES: [&str; 6] = [
    "other",
    "multi-hop",
    "temporal",
    "inference",
    "single-hop",
    "adversarial",
];

pub(super) fn load(file: &Path) -> anyhow::Result<Task> {
    let data: Vec<Value> = serde_json::from_slice(&std::fs::read(file)?)?;
    let (folder, memory) = open()?;
    let mut units = BTreeMap::new();
    let mut questions = Vec::new();
    for (number, sample) in data.iter().enumerate() {
        let namespace = Namespace::new(format!("sample-{number}"))?;
        let talk = sample
            .get("conversation")
            .and_then(Value::as_object)
            .context("a sample without a conversation")?;
        for session in 1.. {
            let name = format!("session_{session}");
            let Some(turns) = talk.get(&name).and_then(Value::as_array) else {
                if talk.contains_key(&format!("{name}_date_time")) {
                    continue;
                }
                break;
            };
            let mut conversation = Conversation::new(format!("locomo:{number}-{session}"));
            conversation.namespace = namespace.clone();
            conversation.time = talk
                .get(&format!("{name}_date_time"))
                .and_then(|time| time_of(time.as_str()?));
            conversation.messages = turns.iter().map(message).collect();
            if conversation.messages.is_empty() {
                continue;
            }
            let kept = memory.keep_conversation(&conversation)?;
            for (turn, ids) in turns.iter().zip(kept.ids) {
                let unit = text_of(turn, "dia_id");
                for id in ids {
                    let session = unit.split(':').next().unwrap_or_default();
                    units.insert(id.to_string(), (unit.clone(), session.to_owned()));
                }
            }
        }
        let asked = sample
            .get("qa")
            .and_then(Value::as_array)
            .context("a sample without qa")?;
        questions.extend(asked.iter().map(|asked| question(&namespace, asked)));
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
    let mut text = text_of(turn, "text");
    if let Some(caption) = turn.get("blip_caption").and_then(Value::as_str) {
        text = format!("{text}\n[image: {caption}]");
    }
    let mut message = Message::new(text);
    message.speaker = turn
        .get("speaker")
        .and_then(Value::as_str)
        .map(str::to_owned);
    message
}

fn question(namespace: &Namespace, asked: &Value) -> Question {
    let evidence = asked
        .get("evidence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    // Malformed ids stay: then 100 % cannot be reached, as in the published figures.
    let units: BTreeSet<String> = evidence
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let category = asked.get("category").and_then(Value::as_u64).unwrap_or(0);
    Question {
        text: text_of(asked, "question"),
        namespace: namespace.clone(),
        category: usize::try_from(category)
            .ok()
            .and_then(|category| CATEGORIES.get(category))
            .copied()
            .unwrap_or("other")
            .to_owned(),
        sessions: units
            .iter()
            .filter_map(|unit| unit.split(':').next().map(str::to_owned))
            .collect(),
        units,
    }
}

/// Reads `1:56 pm on 8 May, 2023`.
fn time_of(text: &str) -> Option<Timestamp> {
    let (clock, date) = text.split_once(" on ")?;
    let (clock, half) = clock.split_once(' ')?;
    let (hour, minute) = clock.split_once(':')?;
    let hour = hour.parse::<u32>().ok()? % 12 + if half == "pm" { 12 } else { 0 };
    let mut parts = date.split([' ', ',']).filter(|part| !part.is_empty());
    let day = parts.next()?.parse::<u32>().ok()?;
    let name = parts.next()?;
    let year = parts.next()?;
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = months.iter().position(|month| name.starts_with(month))? + 1;
    Timestamp::parse(&format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute}:00Z"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let read = |text| time_of(text).map(|time| time.to_string());
        assert_eq!(
            read("1:56 pm on 8 May, 2023").as_deref(),
            Some("2023-05-08T13:56:00Z")
        );
        assert_eq!(
            read("12:09 am on 13 September, 2023").as_deref(),
            Some("2023-09-13T00:09:00Z")
        );
        assert_eq!(read("some day"), None);
    }
}
