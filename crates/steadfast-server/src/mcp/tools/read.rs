//! The tools that read: search, get, recent, status.

use std::time::Instant;

use serde_json::{Value, json};
use steadfast::model::{Expression, Filter, Kind, Namespace, Seq, Timestamp, Validity};
use steadfast::query::HITS_MAX;
use steadfast::{Asked, Error, ListRequest, Mode, Moment, SearchRequest};

use super::{Reply, TAIL_ROWS_LONG};
use crate::filters;
use crate::hooks::spool::Spool;
use crate::mcp::arguments::Arguments;
use crate::mcp::resources::source_of;
use crate::mcp::{text, uri};
use crate::store::{Access, Store};
use crate::wire;

/// The most neighbours of a chunk on each side.
const NEIGHBOURS_MAX: u64 = 100;
/// The most ids of one call.
const IDS_MAX: usize = 100;
/// How many texts `recent` has when it does not say.
const RECENT: u64 = 20;
/// How many sources are listed when nobody says.
const SOURCES: u64 = 100;
/// The most texts of `recent`, and the most sources.
const RECENT_MAX: u64 = 1_000;

pub(super) fn search(store: &Store, mut arguments: Arguments) -> Result<Reply, Error> {
    let settings = store.settings();
    let query = arguments.text("query")?.ok_or_else(|| Error::Invalid {
        what: "`query` is missing".to_owned(),
    })?;
    let mut request = SearchRequest::new(query.clone());
    request.filter = filter(&mut arguments, store)?;
    ask(&mut request, &query, store)?;
    let limit = arguments.count("limit", 1, HITS_MAX as u64)?;
    request.limit = limit.map_or(settings.limit, to_size);
    request.mode = mode(&mut arguments)?.unwrap_or(settings.mode);
    request.neighbours = neighbours(&mut arguments)?;
    request.cursor = arguments.optional("cursor")?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores have the precision of f32"
    )]
    let min_score = arguments.number("min_score")?.map(|score| score as f32);
    request.min_score = min_score;
    request.as_of = arguments
        .optional("as_of")?
        .map(|text| moment(&text))
        .transpose()?;
    arguments.finish()?;
    let memory = store.memory(Access::Read)?;
    let started = Instant::now();
    let mut answer = memory.search(&request)?;
    let elapsed_ms = elapsed_ms(started);
    answer.coverage.warnings.extend(left_out(&request.left_out));
    let wants_care = !answer.coverage.degraded.is_empty() || answer.coverage.tail >= TAIL_ROWS_LONG;
    Ok(Reply {
        wants_care,
        ..Reply::new(
            wire::answer(&answer, None, elapsed_ms),
            text::answer(&answer),
        )
    })
}

/// Puts a question into a request that has its filters, with what its language says: phrases, words to leave out,
/// folders that there are.
pub(in crate::mcp) fn ask(
    request: &mut SearchRequest,
    query: &str,
    store: &Store,
) -> Result<(), Error> {
    let mut asked = Asked::read(query);
    for path in std::mem::take(&mut asked.within) {
        let full = store.settings().here.join(&path);
        if full.exists() {
            request.filter.within.push(filters::name_of(&full)?);
        } else {
            asked.words = format!("{} in:{path}", asked.words);
        }
    }
    asked.apply(request);
    Ok(())
}

pub(super) fn get(store: &Store, mut arguments: Arguments) -> Result<Reply, Error> {
    let ids = arguments.texts("ids")?;
    let neighbours = neighbours(&mut arguments)?;
    arguments.finish()?;
    if ids.is_empty() || ids.len() > IDS_MAX {
        return Err(Error::Invalid {
            what: format!("`ids` must be a list of 1 to {IDS_MAX} ids"),
        });
    }
    let found = store.memory(Access::Read)?.get(&ids, neighbours)?;
    Ok(Reply::new(wire::found(&found), text::found(&found)))
}

pub(super) fn recent(store: &Store, mut arguments: Arguments) -> Result<Reply, Error> {
    let mut request = ListRequest::default();
    request.filter = filter(&mut arguments, store)?;
    request.limit = to_size(arguments.count("limit", 1, RECENT_MAX)?.unwrap_or(RECENT));
    request.cursor = arguments.optional("cursor")?;
    arguments.finish()?;
    let listing = store.memory(Access::Read)?.recent(&request)?;
    Ok(Reply::new(wire::listing(&listing), text::listing(&listing)))
}

pub(super) fn status(store: &Store, arguments: Arguments) -> Result<Reply, Error> {
    arguments.finish()?;
    let memory = store.memory(Access::Read)?;
    let mut health = memory.status()?;
    health
        .problems
        .extend(Spool::of_store(memory.folder()).findings());
    Ok(Reply::new(
        wire::status(&memory.folder().display().to_string(), &health),
        text::status(&health),
    ))
}

/// Lists sources by namespace and name, page by page.
pub(super) fn sources(store: &Store, mut arguments: Arguments) -> Result<Reply, Error> {
    let here = &store.settings().here;
    let mut filter = Filter {
        sources: filters::source_patterns(&arguments.texts("source")?, here)?,
        ..Filter::default()
    };
    for name in arguments.texts("namespace")? {
        filter.namespaces.push(Namespace::new(name)?);
    }
    for path in arguments.texts("in")? {
        filter.within.push(filters::name_of(&here.join(path))?);
    }
    let limit = to_size(arguments.count("limit", 1, RECENT_MAX)?.unwrap_or(SOURCES));
    let after = match arguments.optional("cursor")? {
        None => None,
        Some(cursor) => Some(source_of(&cursor).ok_or(Error::InvalidCursor)?),
    };
    arguments.finish()?;
    let after = after
        .as_ref()
        .map(|(namespace, source)| (namespace, source.as_str()));
    let page = store
        .memory(Access::Read)?
        .sources_after(&filter, after, limit)?;
    let last = page.sources.last().filter(|_| page.has_more);
    let cursor = last.map(|last| uri::source(&last.namespace, &last.source));
    let object = json!({
        "sources": page.sources.iter().map(wire::source).collect::<Value>(),
        "cursor": cursor,
    });
    Ok(Reply::new(object, text::sources(&page, cursor.as_deref())))
}

/// Takes the filters that the command has as flags. `in` narrows only: a search reads no files.
fn filter(arguments: &mut Arguments, store: &Store) -> Result<Filter, Error> {
    let here = &store.settings().here;
    let time = |text: Option<String>| text.map(|text| Timestamp::parse(&text)).transpose();
    let mut filter = Filter {
        sources: filters::source_patterns(&arguments.texts("source")?, here)?,
        tags: arguments.texts("tag")?,
        since: time(arguments.optional("since")?)?,
        until: time(arguments.optional("until")?)?,
        ..Filter::default()
    };
    for name in arguments.texts("namespace")? {
        filter.namespaces.push(Namespace::new(name)?);
    }
    for path in arguments.texts("in")? {
        filter.within.push(filters::name_of(&here.join(path))?);
    }
    for name in arguments.texts("kind")? {
        let kind: Kind = name.parse().map_err(|_| Error::Invalid {
            what: format!(
                "`{name}` is no kind; there are {}",
                Kind::ALL.map(Kind::as_str).join(", ")
            ),
        })?;
        filter.kinds.push(kind);
    }
    filter.validity = match arguments.optional("valid_at")?.as_deref() {
        None => Validity::Now,
        Some("all") => Validity::Any,
        Some(text) => Validity::At(Timestamp::parse(text)?),
    };
    filter.expression = arguments
        .object("where")?
        .map(|object| Expression::parse(&Value::Object(object)))
        .transpose()?;
    Ok(filter)
}

/// Says what a question leaves out: a dash may have been meant as a dash.
pub(super) fn left_out(words: &[String]) -> Option<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    (!words.is_empty()).then(|| format!("left out: chunks with {}", quoted.join(", ")))
}

fn mode(arguments: &mut Arguments) -> Result<Option<Mode>, Error> {
    match arguments.optional("mode")?.as_deref() {
        None => Ok(None),
        Some("hybrid") => Ok(Some(Mode::Hybrid)),
        Some("text") => Ok(Some(Mode::Text)),
        Some("vector") => Ok(Some(Mode::Vector)),
        Some(other) => Err(Error::Invalid {
            what: format!("`{other}` is no mode; there are hybrid, text and vector"),
        }),
    }
}

fn moment(text: &str) -> Result<Moment, Error> {
    match text.strip_prefix("seq:") {
        None => Ok(Moment::Time(Timestamp::parse(text)?)),
        Some(number) => number
            .parse()
            .map(|seq| Moment::Seq(Seq(seq)))
            .map_err(|_| Error::Invalid {
                what: format!("`{text}` does not name a commit; write seq:42, or a time"),
            }),
    }
}

fn neighbours(arguments: &mut Arguments) -> Result<u32, Error> {
    let neighbours = arguments.count("neighbours", 0, NEIGHBOURS_MAX)?;
    Ok(neighbours
        .and_then(|count| u32::try_from(count).ok())
        .unwrap_or_default())
}

pub(super) fn to_size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

pub(super) fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
