//! The server that the official conformance suite of the protocol asks for.
//!
//! The suite wants tools, resources and prompts by fixed names. Here they stand
//! behind the very transport of the product, so that what the suite says of this
//! server holds for the transport of that one. No store, no token, and nothing of
//! it is in a release.
//!
//! ```sh
//! cargo run -p steadfast-server --example conformance -- --listen 127.0.0.1:7434
//! ```

#![expect(
    deprecated,
    reason = "the suite tries what older revisions have and the newest has no more"
)]

mod answers;
mod lists;
mod rounds;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use steadfast_server::http::Endpoint;
use tokio::sync::broadcast;

use rounds::Key;

/// Where it listens when it is not told.
const LISTEN: &str = "127.0.0.1:7434";
/// Changes that a slow listener may be behind.
const CHANGES_MAX: usize = 16;
/// The pause between two notifications of one call.
const PAUSE: Duration = Duration::from_millis(50);
/// The levels of log messages, least urgent first.
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// What changed, as the tools that trigger a change say.
#[derive(Clone, Copy, Debug)]
enum Change {
    Tools,
    Prompts,
}

/// The fixtures. A clone is a session: it has a level of its own, and shares the rest.
struct Fixtures {
    level: Mutex<usize>,
    changes: broadcast::Sender<Change>,
    key: Key,
}

impl Clone for Fixtures {
    fn clone(&self) -> Self {
        Self {
            level: Mutex::default(),
            changes: self.changes.clone(),
            key: self.key,
        }
    }
}

fn main() -> io::Result<()> {
    let endpoint = Endpoint::bind(listen(std::env::args().skip(1))?)?;
    writeln!(
        io::stdout(),
        "{}",
        json!({"event": "listening", "url": endpoint.url()})
    )?;
    let fixtures = Fixtures {
        level: Mutex::default(),
        changes: broadcast::Sender::new(CHANGES_MAX),
        key: Key::random()?,
    };
    endpoint.run(fixtures, std::future::pending())
}

/// Reads the arguments: `--listen ADDR`, or nothing.
fn listen(mut arguments: impl Iterator<Item = String>) -> io::Result<SocketAddr> {
    let usage = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let address = match arguments.next().as_deref() {
        None => LISTEN.to_owned(),
        Some("--listen") => arguments
            .next()
            .ok_or_else(|| usage("--listen needs an address".to_owned()))?,
        Some(other) => return Err(usage(format!("there is no argument {other}"))),
    };
    address
        .parse()
        .map_err(|error| usage(format!("{address}: {error}")))
}

/// Reads a value of the protocol from JSON that stands in this example.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// Reads a result that is whole; the SDK leaves out what says so where a revision has no word for it.
fn complete<T: DeserializeOwned>(mut result: Value) -> Result<T, ErrorData> {
    if let Some(result) = result.as_object_mut() {
        result.insert("resultType".to_owned(), json!("complete"));
    }
    read(result)
}

impl Fixtures {
    fn level(&self) -> usize {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a notification to whoever made the request.
    async fn notify(
        &self,
        context: &RequestContext<RoleServer>,
        method: &str,
        params: Value,
    ) -> Result<(), ErrorData> {
        let notification = read(json!({"method": method, "params": params}))?;
        // Whoever has gone is told nothing.
        drop(context.peer.send_notification(notification).await);
        Ok(())
    }

    /// Sends a log message, when the client asked for messages of its level.
    async fn log(
        &self,
        context: &RequestContext<RoleServer>,
        level: &str,
        what: &str,
    ) -> Result<(), ErrorData> {
        let place = |level: &str| LEVELS.iter().position(|known| *known == level);
        let wanted = if answers::is_stateless(context) {
            let asked = context.meta.log_level().map(|level| json!(level));
            asked.and_then(|asked| place(asked.as_str()?))
        } else {
            Some(self.level())
        };
        if wanted.is_none() || place(level) < wanted {
            return Ok(());
        }
        let params = json!({"level": level, "logger": "fixtures", "data": what});
        self.notify(context, "notifications/message", params).await
    }

    /// Tells of a change, to listeners of the newest revision and to the session of an older one.
    async fn change(
        &self,
        context: &RequestContext<RoleServer>,
        change: Change,
    ) -> Result<(), ErrorData> {
        // Without listeners nobody is told.
        drop(self.changes.send(change));
        if answers::is_stateless(context) {
            return Ok(());
        }
        let method = match change {
            Change::Tools => "notifications/tools/list_changed",
            Change::Prompts => "notifications/prompts/list_changed",
        };
        self.notify(context, method, json!({})).await
    }
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let capabilities = json!({
            "tools": {"listChanged": true},
            "prompts": {"listChanged": true},
            "resources": {"subscribe": true},
            "completions": {},
            "logging": {},
        });
        // What stands above is what the protocol has; without it the suite would fail at once.
        ServerConfig::new(read(capabilities).unwrap_or_default())
            .with_server_info(Implementation::new("fixtures", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        complete(json!({"tools": lists::tools()}))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tool = lists::tools()
            .into_iter()
            .find(|tool| tool.get("name") == Some(&json!(name)))?;
        read(tool).ok()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(script) = rounds::tool(&request.name, &context) {
            let (given, state) = (request.input_responses, request.request_state);
            return match script.next(given, state.as_deref(), &self.key)? {
                rounds::Next::Ask(question) => Ok(question.into()),
                rounds::Next::Done(said) => answers::text(&said),
            };
        }
        answers::call(self, &request.name, request.arguments, &context).await
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        complete(json!({"resources": lists::resources()}))
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        complete(json!({"resourceTemplates": lists::templates()}))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(contents) = lists::resource(&request.uri) else {
            let data = json!({"uri": request.uri});
            return Err(ErrorData::resource_not_found(
                "no such resource",
                Some(data),
            ));
        };
        let result = complete(json!({"contents": [contents]}))?;
        Ok(ReadResourceResponse::Complete(result))
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // The resources never change, so there is nothing to keep.
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        complete(json!({"prompts": lists::prompts()}))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if let Some(script) = rounds::prompt(&request.name) {
            let (given, state) = (request.input_responses, request.request_state);
            return match script.next(given, state.as_deref(), &self.key)? {
                rounds::Next::Ask(question) => Ok(question.into()),
                rounds::Next::Done(said) => Ok(answers::prompt(&said)?.into()),
            };
        }
        let arguments = request.arguments.unwrap_or_default();
        match lists::messages(&request.name, &arguments) {
            Some(messages) => Ok(GetPromptResponse::Complete(complete(
                json!({"messages": messages}),
            )?)),
            None => Err(ErrorData::invalid_params("no such prompt", None)),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let words = ["paris", "park", "party", "test"];
        let values: Vec<&str> = words
            .into_iter()
            .filter(|word| word.starts_with(&request.argument.value))
            .collect();
        let total = values.len();
        complete(json!({"completion": {"values": values, "total": total, "hasMore": false}}))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let level = json!(request.level);
        let place = LEVELS.iter().position(|known| level == json!(known));
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = place.unwrap_or_default();
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            let sink = context.sink();
            // The sink lets through only what this listener asked for.
            drop(match change {
                Ok(Change::Tools) => sink.notify_tool_list_changed().await,
                Ok(Change::Prompts) => sink.notify_prompt_list_changed().await,
                Err(broadcast::error::RecvError::Lagged(_)) => Ok(()),
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            });
        }
    }
}
