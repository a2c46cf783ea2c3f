//! Sessions for a wake-up: what was asked last, and what was answered.

use serde_json::{Value, json};
use steadfast::Error;
use steadfast::model::{Chunk, Expression, Filter, Kind};

use super::{Candidate, Gathering, Part, day, quoted};

/// How many of the newest messages are looked at.
const NEWEST: usize = 1_000;
/// How many sessions of this project, and of others, may come.
const HERE_MAX: usize = 5;
const ELSEWHERE_MAX: usize = 2;
/// Bytes that a question and an answer show.
const SAID_BYTES: usize = 200;

/// What is known of one session, from its end backwards.
struct Session {
    source: String,
    project: Option<String>,
    day: Option<String>,
    title: Option<String>,
    asked: Option<Chunk>,
    answered: Option<Chunk>,
}

/// Gathers the sessions that may come, newest first.
pub(super) fn gather(gathering: &mut Gathering<'_>) -> Result<Vec<Candidate>, Error> {
    let mut found = Vec::new();
    if let Some(project) = gathering.request.project.clone() {
        let here = json!({"origin.cwd": project.to_string_lossy()});
        for session in sessions(gathering, Some(&here), HERE_MAX)? {
            found.extend(candidate(Part::SessionsHere, &session));
        }
        let elsewhere = json!({"origin.cwd": {"$ne": project.to_string_lossy()}});
        for session in sessions(gathering, Some(&elsewhere), ELSEWHERE_MAX)? {
            found.extend(candidate(Part::SessionsElsewhere, &session));
        }
    } else {
        for session in sessions(gathering, None, HERE_MAX)? {
            found.extend(candidate(Part::SessionsElsewhere, &session));
        }
    }
    Ok(found)
}

fn sessions(
    gathering: &mut Gathering<'_>,
    condition: Option<&Value>,
    count_max: usize,
) -> Result<Vec<Session>, Error> {
    let filter = Filter {
        kinds: vec![Kind::Message],
        expression: condition.map(Expression::parse).transpose()?,
        ..Filter::default()
    };
    let mut found: Vec<Session> = Vec::new();
    for chunk in gathering.newest(filter, NEWEST)? {
        if is_own(&chunk, gathering.request.session.as_deref()) {
            continue;
        }
        let known = found
            .iter_mut()
            .position(|session| session.source == chunk.source);
        let place = match known {
            Some(place) => place,
            None if found.len() < count_max => {
                found.push(Session::new(&chunk));
                found.len() - 1
            }
            None => continue,
        };
        if let Some(session) = found.get_mut(place) {
            session.take(chunk, gathering);
        }
    }
    Ok(found)
}

fn is_own(chunk: &Chunk, session: Option<&str>) -> bool {
    let of_meta = |key: &str| chunk.attributes.meta.get(key).and_then(Value::as_str);
    session.is_some_and(|session| {
        of_meta("origin.session") == Some(session) || of_meta("origin.session_id") == Some(session)
    })
}

impl Session {
    fn new(chunk: &Chunk) -> Self {
        let of_meta = |key: &str| chunk.attributes.meta.get(key).and_then(Value::as_str);
        let project = of_meta("origin.cwd").or_else(|| of_meta("origin.project"));
        Self {
            source: chunk.source.clone(),
            project: project.map(str::to_owned),
            day: day(chunk),
            title: chunk.attributes.title.clone(),
            asked: None,
            answered: None,
        }
    }

    /// Takes a message that was said before those taken already.
    fn take(&mut self, chunk: Chunk, gathering: &mut Gathering<'_>) {
        let role = chunk.attributes.meta.get("role").and_then(Value::as_str);
        // Calls, their results and what the host itself puts in are no talk.
        let is_talk = !chunk.place.fidelity.converted && !chunk.text.starts_with('<');
        let slot = match role {
            Some("user") if is_talk => &mut self.asked,
            Some("assistant") if is_talk && self.asked.is_none() => &mut self.answered,
            _ => return,
        };
        if slot.is_none() && gathering.admits(&chunk) {
            *slot = Some(chunk);
        }
    }
}

fn candidate(part: Part, session: &Session) -> Option<Candidate> {
    let asked = session.asked.as_ref()?;
    let project = session
        .project
        .as_deref()
        .filter(|_| part == Part::SessionsElsewhere)
        .and_then(|project| project.rsplit(['/', '\\']).next());
    let about: Vec<String> = session
        .day
        .clone()
        .into_iter()
        .chain(project.map(|project| quoted(project, 60)))
        .chain(session.title.as_deref().map(|title| quoted(title, 80)))
        .collect();
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" ({})", about.join(", "))
    };
    let mut ids = vec![asked.id.to_string()];
    let answered = session.answered.as_ref().map_or(String::new(), |answered| {
        ids.push(answered.id.to_string());
        format!("; answered {}", quoted(&answered.text, SAID_BYTES))
    });
    let question = quoted(&asked.text, SAID_BYTES);
    Some(Candidate {
        part,
        line: format!("- {}{about}: asked {question}{answered}", asked.id),
        ids,
    })
}
