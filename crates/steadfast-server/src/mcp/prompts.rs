//! Prompts that a person picks: what a new session should know, and what memory holds on a question.
//!
//! Both put stored texts into a message as data, in the frame that the tools
//! have. Invariant: a prompt reads; it writes nothing.

use rmcp::ErrorData;
use rmcp::model::{
    GetPromptRequestParams, GetPromptResult, ListPromptsResult, Prompt, PromptArgument,
    PromptMessage, Role,
};
use serde_json::json;
use steadfast::model::Namespace;
use steadfast::query::HITS_MAX;
use steadfast::{Error, Memory, SearchRequest};

use super::arguments::Arguments;
use super::resources::{failed, opened};
use super::tools::ask;
use super::{cache, text};
use crate::store::{Settings, Store};
use crate::wake::{self, BUDGET_TOKENS_RANGE, WakeUpRequest};

/// The names of the prompts.
pub(super) const WAKE_UP: &str = "wake-up";
pub(super) const RECALL: &str = "recall";

/// Lists the prompts.
pub(super) fn list() -> ListPromptsResult {
    let argument = |name: &str, what: &str| PromptArgument::new(name).with_description(what);
    let namespace = || argument("namespace", "Only this namespace");
    let wake_up = Prompt::new(
        WAKE_UP,
        Some("Begin with what long-term memory has for this project"),
        Some(vec![
            argument("budget", "The most tokens, 100 to 20000"),
            namespace(),
            argument("project", "The folder of the project, which comes first"),
        ]),
    )
    .with_title("Wake up");
    let recall = Prompt::new(
        RECALL,
        Some("Answer a question from long-term memory"),
        Some(vec![
            argument("query", "Words or a question").with_required(true),
            namespace(),
            argument("limit", "How many hits"),
        ]),
    )
    .with_title("Recall");
    cache::fixed(ListPromptsResult::with_all_items(vec![wake_up, recall]))
}

/// Returns a prompt, filled in.
pub(super) fn get(
    store: &Store,
    request: GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    let arguments = Arguments::new(request.arguments);
    let prompt = match request.name.as_str() {
        WAKE_UP => wake_up_request(arguments, store.settings()).map(Wanted::WakeUp),
        RECALL => recall_request(arguments, store).map(Wanted::Recall),
        other => {
            let message = format!("there is no prompt {other:?}");
            return Err(ErrorData::invalid_params(message, None));
        }
    };
    let prompt = prompt.map_err(|error| failed(store, &error))?;
    let text = match opened(store)? {
        None => "Long-term memory is empty as yet.".to_owned(),
        Some(memory) => prompt
            .text(&memory)
            .map_err(|error| failed(store, &error))?,
    };
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]))
}

/// What is to be looked up.
enum Wanted {
    WakeUp(WakeUpRequest),
    Recall(Box<SearchRequest>),
}

impl Wanted {
    fn text(&self, memory: &Memory) -> Result<String, Error> {
        match self {
            Self::WakeUp(request) => {
                let woken = wake::wake_up(memory, request)?;
                Ok(if woken.text.is_empty() {
                    "Long-term memory has nothing to tell as yet.".to_owned()
                } else {
                    woken.text
                })
            }
            Self::Recall(request) => {
                let answer = memory.search(request)?;
                Ok(format!(
                    "Answer this from the long-term memory below: {}\nName the sources that you \
                     use, and say so when they do not hold the answer.\n\n{}",
                    json!(request.query),
                    text::answer(&answer)
                ))
            }
        }
    }
}

fn wake_up_request(mut arguments: Arguments, settings: &Settings) -> Result<WakeUpRequest, Error> {
    let (least, most) = (*BUDGET_TOKENS_RANGE.start(), *BUDGET_TOKENS_RANGE.end());
    let budget = arguments.count("budget", least as u64, most as u64)?;
    let project = arguments.text("project")?.filter(|path| !path.is_empty());
    let request = WakeUpRequest {
        budget_tokens: budget
            .and_then(|tokens| tokens.try_into().ok())
            .unwrap_or(0),
        project: Some(match project {
            Some(project) => settings.here.join(project),
            None => settings.here.clone(),
        }),
        session: None,
        namespaces: namespaces(&mut arguments)?,
    };
    arguments.finish()?;
    Ok(request)
}

fn recall_request(mut arguments: Arguments, store: &Store) -> Result<Box<SearchRequest>, Error> {
    let query = arguments.text("query")?.unwrap_or_default();
    if query.trim().is_empty() {
        return Err(Error::Invalid {
            what: "`query` is missing".to_owned(),
        });
    }
    let mut request = SearchRequest::new(query.clone());
    request.filter.namespaces = namespaces(&mut arguments)?;
    ask(&mut request, &query, store)?;
    let limit = arguments.count("limit", 1, HITS_MAX as u64)?;
    request.limit = limit
        .and_then(|limit| limit.try_into().ok())
        .unwrap_or(store.settings().limit);
    request.mode = store.settings().mode;
    arguments.finish()?;
    Ok(Box::new(request))
}

fn namespaces(arguments: &mut Arguments) -> Result<Vec<Namespace>, Error> {
    match arguments.text("namespace")?.filter(|name| !name.is_empty()) {
        Some(name) => Ok(vec![Namespace::new(name)?]),
        None => Ok(Vec::new()),
    }
}
