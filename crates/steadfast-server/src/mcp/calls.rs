//! Calls of tools: on threads of their own, with a person asked where that is needed.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use steadfast::Error;
use steadfast::model::Retry;
use tokio::task::spawn_blocking;

use super::confirm::{self, Answered};
use super::handler::Handler;
use super::tools::{self, Confirmed, Reply, Step};
use super::work::{Listener, watched};
use crate::store::Access;
use crate::wire;

impl Handler {
    /// Runs a tool on a thread of its own; the client hears how far it is, and may stop it.
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let listener = context.meta.get_progress_token().map(|token| Listener {
            peer: context.peer.clone(),
            token,
        });
        let inner = self.inner();
        let (name, arguments) = (request.name.into_owned(), request.arguments);
        let tool = name.clone();
        let ran = watched(listener, context.ct.cancelled(), move |progress| {
            tools::run(&tool, inner.tools, &inner.store, arguments, progress)
        })
        .await;
        match ran {
            Ok(Some(outcome)) => Ok(self.answer(outcome)),
            Ok(None) => Err(ErrorData::invalid_params(
                format!("there is no tool `{name}`"),
                None,
            )),
            Err(_) => Ok(bug()),
        }
    }

    /// Runs `forget`, and asks whoever can be asked.
    pub(super) async fn forget(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments;
        let confirmed = match confirm::answered(request.input_responses, request.request_state) {
            Answered::Yes(token) => Confirmed::ByPerson(token),
            Answered::No => return Ok(declined()),
            Answered::NotAsked => Confirmed::No,
        };
        let step = self
            .forget_step(arguments.clone(), confirmed, context)
            .await;
        let (what, token, reply) = match step {
            Err(response) => return Ok(response),
            Ok(Step::Done(reply)) => return Ok(self.answer(Ok(reply))),
            Ok(Step::Stopped) => return Ok(cancelled()),
            Ok(Step::Ask { what, token, reply }) => (what, token, reply),
        };
        if confirm::can_be_required(context) {
            return Ok(confirm::required(&what, token).into());
        }
        let asked = tokio::select! {
            biased;
            // A yes that comes after this is to a question that the client has taken back.
            () = context.ct.cancelled() => return Ok(cancelled()),
            asked = confirm::ask(context, &what) => asked,
        };
        match asked {
            Answered::NotAsked => Ok(self.answer(Ok(reply))),
            Answered::No => Ok(declined()),
            Answered::Yes(_) => {
                match self
                    .forget_step(arguments, Confirmed::ByPerson(token), context)
                    .await
                {
                    Err(response) => Ok(response),
                    Ok(Step::Stopped) => Ok(cancelled()),
                    Ok(Step::Done(reply) | Step::Ask { reply, .. }) => Ok(self.answer(Ok(reply))),
                }
            }
        }
    }

    async fn forget_step(
        &self,
        arguments: Option<JsonObject>,
        confirmed: Confirmed,
        context: &RequestContext<RoleServer>,
    ) -> Result<Step, CallToolResponse> {
        let (inner, token) = (self.inner(), context.ct.clone());
        let goes_on = move || !token.is_cancelled();
        let run = move || {
            let forget = &inner.forget;
            forget.run(&inner.store, arguments, &confirmed, &goes_on)
        };
        match spawn_blocking(run).await.map_err(|_| bug())? {
            Ok(Step::Stopped) => Err(cancelled()),
            Ok(step) => Ok(step),
            Err(error) => Err(self.answer(Err(error))),
        }
    }

    /// Returns what a tool answers; what the library refused is an answer too.
    fn answer(&self, outcome: Result<Reply, Error>) -> CallToolResponse {
        match outcome {
            Ok(reply) => {
                if reply.wants_care {
                    self.care();
                }
                let mut result = if reply.is_error {
                    CallToolResult::structured_error(reply.object)
                } else {
                    CallToolResult::structured(reply.object)
                };
                result.content = vec![ContentBlock::text(reply.text)];
                result.into()
            }
            Err(error) => {
                self.inner().store.note(&error);
                failed(wire::library_error(&error))
            }
        }
    }

    /// Brings the indexes up to date behind the answer; nobody waits for it, and `status` tells when it fails.
    fn care(&self) {
        let Some(care) = self.inner().care() else {
            return;
        };
        drop(spawn_blocking(move || {
            if let Ok(memory) = care.store().memory(Access::Read) {
                drop(memory.maintain());
            }
        }));
    }
}

fn failed(object: Value) -> CallToolResponse {
    CallToolResult::structured_error(object).into()
}

fn declined() -> CallToolResponse {
    failed(wire::error(
        "declined",
        "the user did not agree; nothing is forgotten",
        None,
        Retry::Never,
        None,
    ))
}

fn cancelled() -> CallToolResponse {
    failed(wire::error(
        "cancelled",
        "the call was cancelled; nothing is forgotten",
        None,
        Retry::Now,
        None,
    ))
}

fn bug() -> CallToolResponse {
    failed(wire::error(
        "internal",
        "internal error: the tool broke off",
        None,
        Retry::Never,
        Some("please report this, with the call that shows it"),
    ))
}
