//! What the tools of the fixtures answer, other than those that take several rounds.

use rmcp::model::{CallToolResponse, CallToolResult, GetPromptResult, JsonObject, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::lists::{AUDIO, IMAGE};
use crate::{Change, Fixtures, PAUSE, complete, read};

/// Returns whether the request is of a revision without sessions.
pub(crate) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// Returns an answer of one text.
pub(crate) fn text(text: &str) -> Result<CallToolResponse, ErrorData> {
    let content = json!([{"type": "text", "text": text}]);
    complete::<CallToolResult>(json!({"content": content})).map(Into::into)
}

/// Returns a prompt of one text.
pub(crate) fn prompt(text: &str) -> Result<GetPromptResult, ErrorData> {
    let message = json!({"role": "user", "content": {"type": "text", "text": text}});
    complete(json!({"messages": [message]}))
}

/// Runs a tool.
pub(crate) async fn call(
    fixtures: &Fixtures,
    name: &str,
    arguments: Option<JsonObject>,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    if let Some(fixed) = fixed(name) {
        return complete::<CallToolResult>(fixed).map(Into::into);
    }
    match name {
        "test_tool_with_logging" | "test_logging_tool" => {
            for what in [
                "Tool execution started",
                "Tool processing data",
                "Tool execution completed",
            ] {
                fixtures.log(context, "info", what).await?;
                tokio::time::sleep(PAUSE).await;
            }
            text("logged")
        }
        "test_tool_with_progress" => {
            progress(fixtures, context).await?;
            text("done")
        }
        "test_streaming_elicitation" => {
            progress(fixtures, context).await?;
            let question = crate::rounds::name_question("user_name");
            read::<rmcp::model::InputRequiredResult>(
                json!({"resultType": "input_required", "inputRequests": question}),
            )
            .map(Into::into)
        }
        "test_trigger_tool_change" => {
            fixtures.change(context, Change::Tools).await?;
            text("changed")
        }
        "test_trigger_prompt_change" => {
            fixtures.change(context, Change::Prompts).await?;
            text("changed")
        }
        "test_missing_capability" => missing_capability(context),
        "test_sampling" => sample(context, &arguments.unwrap_or_default()).await,
        "test_elicitation" => {
            let arguments = arguments.unwrap_or_default();
            let message = arguments.get("message").cloned().unwrap_or_default();
            elicit(context, "User response", message, answer_schema()).await
        }
        "test_elicitation_sep1034_defaults" => {
            let message = json!("Everything has a default");
            elicit(context, "Elicitation completed", message, defaults_schema()).await
        }
        "test_elicitation_sep1330_enums" => {
            let message = json!("Please choose");
            elicit(context, "Elicitation completed", message, enums_schema()).await
        }
        _ => Err(ErrorData::invalid_params("no such tool", None)),
    }
}

/// Returns the answers that are always the same.
fn fixed(name: &str) -> Option<Value> {
    let said = |text: &str| json!([{"type": "text", "text": text}]);
    let image = json!({"type": "image", "data": IMAGE, "mimeType": "image/png"});
    let content = match name {
        "test_simple_text" => said("This is a simple text response for testing."),
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{"type": "audio", "data": AUDIO, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => json!([{"type": "resource", "resource": {
            "uri": "test://embedded-resource",
            "mimeType": "text/plain",
            "text": "This is an embedded resource content.",
        }}]),
        "test_multiple_content_types" => json!([
            {"type": "text", "text": "Multiple content types test:"},
            image,
            {"type": "resource", "resource": {
                "uri": "test://mixed-content-resource",
                "mimeType": "application/json",
                "text": json!({"test": "data", "value": 123}).to_string(),
            }},
        ]),
        "test_error_handling" => {
            let what = said("This tool intentionally returns an error for testing");
            return Some(json!({"content": what, "isError": true}));
        }
        "json_schema_2020_12_tool" | "test_custom_header" | "test_reconnection" => said("called"),
        _ => return None,
    };
    Some(json!({"content": content}))
}

async fn progress(
    fixtures: &Fixtures,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let token = context.meta.get_progress_token();
    for progress in [0, 50, 100] {
        if let Some(token) = &token {
            let params = json!({"progressToken": token, "progress": progress, "total": 100});
            fixtures
                .notify(context, "notifications/progress", params)
                .await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn missing_capability(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    let capabilities = context.client_capabilities().unwrap_or_default();
    if capabilities.sampling.is_some() {
        return text("the client samples");
    }
    let required = read(json!({"sampling": {}}))?;
    Err(ErrorData::missing_required_client_capability(required))
}

/// Asks the client during the call, as revisions with sessions do.
async fn ask(
    context: &RequestContext<RoleServer>,
    method: &str,
    params: Value,
) -> Result<Value, ErrorData> {
    let request = read(json!({"method": method, "params": params}))?;
    match context.peer.send_request(request).await {
        Ok(answer) => Ok(json!(answer)),
        Err(error) => Err(ErrorData::internal_error(error.to_string(), None)),
    }
}

async fn sample(
    context: &RequestContext<RoleServer>,
    arguments: &JsonObject,
) -> Result<CallToolResponse, ErrorData> {
    let prompt = arguments.get("prompt").cloned().unwrap_or_default();
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    let params = json!({"messages": [message], "maxTokens": 100});
    let answer = ask(context, "sampling/createMessage", params).await?;
    let said = answer.pointer("/content/text").and_then(Value::as_str);
    text(&format!("LLM response: {}", said.unwrap_or_default()))
}

async fn elicit(
    context: &RequestContext<RoleServer>,
    what: &str,
    message: Value,
    schema: Value,
) -> Result<CallToolResponse, ErrorData> {
    let params = json!({"mode": "form", "message": message, "requestedSchema": schema});
    let answer = ask(context, "elicitation/create", params).await?;
    let action = answer.get("action").and_then(Value::as_str);
    let said = answer.get("content").cloned().unwrap_or_else(|| json!({}));
    text(&format!(
        "{what}: action={}, content={said}",
        action.unwrap_or_default()
    ))
}

fn answer_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

fn defaults_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {
                "type": "string",
                "enum": ["active", "inactive", "pending"],
                "default": "active",
            },
            "verified": {"type": "boolean", "default": true},
        },
    })
}

fn enums_schema() -> Value {
    let titled = json!([
        {"const": "value1", "title": "First Option"},
        {"const": "value2", "title": "Second Option"},
        {"const": "value3", "title": "Third Option"},
    ]);
    let options = json!(["option1", "option2", "option3"]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        },
    })
}
