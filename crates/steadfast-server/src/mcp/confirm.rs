//! Asking a person through the protocol.
//!
//! Revisions from 2026-07-28 on answer a call with a request for input, and the
//! client calls again; earlier ones ask during the call. A person has said yes
//! only when the form came back with its box ticked: a client that accepts
//! everything unseen sends it empty.

use std::collections::BTreeMap;

use rmcp::RoleServer;
use rmcp::model::{
    ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequiredResult, InputResponses, ProtocolVersion,
    ServerRequest,
};
use rmcp::service::RequestContext;
use serde_json::json;

/// The name of the question, and of its box.
const CONFIRM: &str = "confirm";

/// What became of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Nobody was, or could be, asked.
    NotAsked,
    /// A person said no, or went away.
    No,
    /// A person said yes, to what the token stands for; empty when it was asked during the call.
    Yes(String),
}

/// Reads the answer that came with a call, if one did.
pub(super) fn answered(responses: Option<InputResponses>, state: Option<String>) -> Answered {
    let Some(mut responses) = responses else {
        return Answered::NotAsked;
    };
    let said = responses
        .remove(CONFIRM)
        .and_then(|answer| serde_json::from_value::<ElicitResult>(answer).ok());
    match said {
        Some(said) if is_yes(&said) => Answered::Yes(state.unwrap_or_default()),
        _ => Answered::No,
    }
}

/// Returns whether a call can be answered with a question.
pub(super) fn can_be_required(context: &RequestContext<RoleServer>) -> bool {
    is_stateless(context) && has_forms(context)
}

/// Returns the answer that asks; the client sends the token back with what the person said.
pub(super) fn required(what: &str, token: String) -> InputRequiredResult {
    let question = InputRequest::Elicitation(ElicitRequest::new(question(what)));
    InputRequiredResult::new(
        Some(BTreeMap::from([(CONFIRM.to_owned(), question)])),
        Some(token),
    )
}

/// Asks during the call, where the client can be asked so.
pub(super) async fn ask(context: &RequestContext<RoleServer>, what: &str) -> Answered {
    if is_stateless(context) || !has_forms(context) {
        return Answered::NotAsked;
    }
    let request = ServerRequest::ElicitRequest(ElicitRequest::new(question(what)));
    match context.peer.send_request(request).await {
        Ok(ClientResult::ElicitResult(said)) if is_yes(&said) => Answered::Yes(String::new()),
        Ok(ClientResult::ElicitResult(_)) => Answered::No,
        // A client that promised more than it has: the token serves it too.
        _ => Answered::NotAsked,
    }
}

fn question(what: &str) -> ElicitRequestParams {
    let properties = json!({
        "type": "object",
        "properties": {CONFIRM: {"type": "boolean", "title": "Forget for good", "default": false}},
        "required": [CONFIRM],
    });
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: format!("Forget {what}? This cannot be undone."),
        requested_schema: serde_json::from_value(properties)
            .unwrap_or_else(|_| ElicitationSchema::new(BTreeMap::new())),
    }
}

fn is_yes(said: &ElicitResult) -> bool {
    let box_is_ticked = said
        .content
        .as_ref()
        .and_then(|content| content.get(CONFIRM))
        .is_some_and(|value| *value == json!(true));
    said.action == ElicitationAction::Accept && box_is_ticked
}

/// Returns whether the request is of a revision without sessions.
pub(super) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// Returns whether the client shows forms; one that says nothing more than that it asks people does.
fn has_forms(context: &RequestContext<RoleServer>) -> bool {
    context
        .client_capabilities()
        .and_then(|capabilities| capabilities.elicitation)
        .is_some_and(|asks| asks.form.is_some() || asks.url.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: serde_json::Value) -> Answered {
        let responses = BTreeMap::from([(CONFIRM.to_owned(), answer)]);
        answered(Some(responses), Some("token".to_owned()))
    }

    #[test]
    fn only_a_ticked_box_is_a_yes() {
        assert_eq!(answered(None, None), Answered::NotAsked);
        let yes = json!({"action": "accept", "content": {"confirm": true}});
        assert_eq!(read(yes), Answered::Yes("token".to_owned()));
        for no in [
            json!({"action": "accept"}),
            json!({"action": "accept", "content": {}}),
            json!({"action": "accept", "content": {"confirm": "true"}}),
            json!({"action": "decline", "content": {"confirm": true}}),
            json!({"action": "cancel"}),
            json!(null),
        ] {
            assert_eq!(read(no.clone()), Answered::No, "{no}");
        }
    }

    #[test]
    fn the_question_has_its_box() {
        let ElicitRequestParams::FormElicitationParams {
            requested_schema, ..
        } = question("3 chunks")
        else {
            panic!("a form");
        };
        assert!(requested_schema.properties.contains_key(CONFIRM));
    }
}
