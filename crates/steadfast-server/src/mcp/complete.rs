//! Values for the arguments of prompts and addresses, while a person types.
//!
//! Whatever goes wrong here costs the suggestions and nothing else: the answer
//! is then that there are none.

use rmcp::model::{ArgumentInfo, CompleteRequestParams, CompletionInfo, Reference};
use steadfast::model::{Filter, Namespace};
use steadfast::{Error, Memory};

use super::prompts::{RECALL, WAKE_UP};
use super::resources::opened;
use super::uri::SOURCE_TEMPLATE;
use crate::store::Store;

/// Budgets that are offered.
const BUDGETS: [&str; 4] = ["300", "1000", "3000", "10000"];
/// Namespaces that are looked into for a source.
const NAMESPACES_MAX: usize = 20;

/// Returns the values that begin as what was typed does.
pub(super) fn complete(store: &Store, request: &CompleteRequestParams) -> CompletionInfo {
    let memory = opened(store).ok().flatten();
    let found = memory.and_then(|memory| values(&memory, request).ok());
    let mut values = found.unwrap_or_default();
    values.retain(|value| value.starts_with(&request.argument.value));
    let has_more = values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    CompletionInfo::with_pagination(values, None, has_more).unwrap_or_default()
}

fn values(memory: &Memory, request: &CompleteRequestParams) -> Result<Vec<String>, Error> {
    let ArgumentInfo { name, value, .. } = &request.argument;
    match (&request.r#ref, name.as_str()) {
        (Reference::Prompt(prompt), "namespace")
            if [WAKE_UP, RECALL].contains(&prompt.name.as_str()) =>
        {
            namespaces(memory)
        }
        (Reference::Prompt(prompt), "budget") if prompt.name == WAKE_UP => {
            Ok(BUDGETS.map(str::to_owned).to_vec())
        }
        (Reference::Prompt(prompt), "project") if prompt.name == WAKE_UP => {
            let roots = memory.roots()?;
            Ok(roots.into_iter().map(|root| root.path).collect())
        }
        (Reference::Resource(template), "namespace") if template.uri == SOURCE_TEMPLATE => {
            namespaces(memory)
        }
        (Reference::Resource(template), "source") if template.uri == SOURCE_TEMPLATE => {
            let context = request.context.as_ref();
            let chosen = context.and_then(|context| context.get_argument("namespace"));
            let among = match chosen {
                Some(name) => vec![name.clone()],
                None => namespaces(memory)?,
            };
            sources(memory, among, value)
        }
        _ => Ok(Vec::new()),
    }
}

fn namespaces(memory: &Memory) -> Result<Vec<String>, Error> {
    let names = memory.namespaces()?.into_iter().map(|(name, _)| name);
    Ok(names
        .filter(|name| Namespace::new(name).is_ok_and(|name| !name.is_collection()))
        .collect())
}

fn sources(memory: &Memory, namespaces: Vec<String>, typed: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for name in namespaces.into_iter().take(NAMESPACES_MAX) {
        let namespace = Namespace::new(name)?;
        let filter = Filter {
            namespaces: vec![namespace.clone()],
            ..Filter::default()
        };
        let after = Some((&namespace, typed));
        let page = memory.sources_after(&filter, after, CompletionInfo::MAX_VALUES + 1)?;
        found.extend(page.sources.into_iter().map(|document| document.source));
    }
    // One name may be in several namespaces.
    found.sort();
    found.dedup();
    Ok(found)
}
