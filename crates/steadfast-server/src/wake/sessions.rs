//! Sessions for a wake-up: what was asked last, and what was answered.

use std::collections::HashSet;

use serde_json::Value;
use steadfast::model::filter::SourcePattern;
use steadfast::model::{Chunk, Filter, Kind, Namespace};
use steadfast::{Error, ImportKind};

use super::{Candidate, Gathering, Part, day, quoted};

/// How many of the newest texts are looked at for conversations that no host has named.
const NEWEST: usize = 100;
/// How many sessions are looked at.
const LOOK: usize = 200;
/// How many of the last messages of a session are looked at: first few, then more, for what the user said.
const ENDS: [u64; 2] = [32, 512];
/// Bytes of those messages that are read.
const END_BYTES_MAX: usize = 4 << 20;
/// How many sessions of this project, and of others, may come.
const HERE_MAX: usize = 5;
const ELSEWHERE_MAX: usize = 2;
/// Bytes that a question and an answer show.
const SAID_BYTES: usize = 200;

/// What is known of one session, from its end backwards.
struct Session {
    project: Option<String>,
    day: Option<String>,
    title: Option<String>,
    asked: Option<Chunk>,
    answered: Option<Chunk>,
}

/// Gathers the sessions that may come, newest first.
pub(super) fn gather(gathering: &mut Gathering<'_>) -> Result<Vec<Candidate>, Error> {
    let mut found: Vec<(Part, Session)> = Vec::new();
    let project = gathering.request.project.clone();
    let project = project.as_deref().map(std::path::Path::to_string_lossy);
    // Without a project all are elsewhere.
    let elsewhere_max = project.as_ref().map_or(HERE_MAX, |_| ELSEWHERE_MAX);
    let is_full = |found: &[(Part, Session)], part: Part| {
        let of_part = found.iter().filter(|(its, _)| *its == part).count();
        of_part
            >= if part == Part::SessionsHere {
                HERE_MAX
            } else {
                elsewhere_max
            }
    };
    for (namespace, source, chunks) in newest(gathering)? {
        let Some(last) = end_of(gathering, &namespace, &source, chunks, 1)?.pop() else {
            continue;
        };
        let is_talk = last.attributes.kind == Kind::Message;
        if !is_talk || is_own(&last, gathering.request.session.as_deref()) {
            continue;
        }
        let part = match &project {
            Some(project) if of_meta(&last, "origin.cwd") == Some(project) => Part::SessionsHere,
            _ => Part::SessionsElsewhere,
        };
        if !is_full(&found, part) {
            let mut session = Session::new(&last);
            for count in ENDS {
                let messages = end_of(gathering, &namespace, &source, chunks, count)?;
                for chunk in messages.into_iter().rev() {
                    session.take(chunk, gathering);
                }
                if session.asked.is_some() || count >= chunks {
                    break;
                }
            }
            found.push((part, session));
        }
        let is_here_full = project.is_none() || is_full(&found, Part::SessionsHere);
        if is_here_full && is_full(&found, Part::SessionsElsewhere) {
            break;
        }
    }
    found.sort_by_key(|(part, _)| *part);
    let candidates = found.iter();
    Ok(candidates
        .filter_map(|(part, session)| candidate(*part, session))
        .collect())
}

/// Returns the sources that may be sessions, those that were written last first, and how many chunks each has.
///
/// What a host or an import brought in is known by its name, so that nothing but the names of sessions is read;
/// conversations of other names are known while they are among the newest texts.
fn newest(gathering: &Gathering<'_>) -> Result<Vec<(Namespace, String, u64)>, Error> {
    let mut filter = Filter::default();
    filter.namespaces.clone_from(&gathering.request.namespaces);
    for kind in ImportKind::ALL {
        let names = SourcePattern::parse(&format!("{}:*", kind.as_str()))?;
        filter.sources.push(names);
    }
    let mut documents = gathering.memory.sources(&filter)?;
    documents.retain(|document| document.chunks > 0);
    documents.sort_by_key(|document| std::cmp::Reverse((document.seq, document.key)));
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for chunk in gathering.newest(Filter::default(), NEWEST)? {
        let is_of_host = filter.admits_document(&chunk.namespace, &chunk.source);
        let is_new = known.insert((chunk.namespace.clone(), chunk.source.clone()));
        if chunk.attributes.kind == Kind::Message && !is_of_host && is_new {
            let place = u64::from(chunk.place.position) + 1;
            found.push((chunk.namespace, chunk.source, place));
        }
    }
    let of_hosts = documents
        .into_iter()
        .map(|document| (document.namespace, document.source, document.chunks));
    Ok(found.into_iter().chain(of_hosts).take(LOOK).collect())
}

/// Returns the last chunks of a source in order.
fn end_of(
    gathering: &Gathering<'_>,
    namespace: &Namespace,
    source: &str,
    chunks: u64,
    count: u64,
) -> Result<Vec<Chunk>, Error> {
    let from = u32::try_from(chunks.saturating_sub(count)).unwrap_or(u32::MAX);
    let memory = gathering.memory;
    let read = memory.read_source(namespace, source, from, END_BYTES_MAX)?;
    Ok(read.map(|read| read.chunks).unwrap_or_default())
}

fn of_meta<'c>(chunk: &'c Chunk, key: &str) -> Option<&'c str> {
    chunk.attributes.meta.get(key).and_then(Value::as_str)
}

fn is_own(chunk: &Chunk, session: Option<&str>) -> bool {
    let keys = ["origin.session", "origin.session_id"];
    session.is_some() && keys.iter().any(|key| of_meta(chunk, key) == session)
}

impl Session {
    fn new(chunk: &Chunk) -> Self {
        let project = of_meta(chunk, "origin.cwd").or_else(|| of_meta(chunk, "origin.project"));
        Self {
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
