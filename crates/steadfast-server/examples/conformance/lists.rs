//! What the fixtures have: tools, resources and prompts, by the names that the suite asks for.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// A picture of one red point.
pub(crate) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AA\
AAMBAQDJ/pLvAAAAAElFTkSuQmCC";
/// A sound without a sample.
pub(crate) const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

/// Tools without arguments.
const PLAIN: [(&str, &str); 24] = [
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with a picture"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    (
        "test_multiple_content_types",
        "Answers with a text, a picture and a resource",
    ),
    ("test_tool_with_logging", "Sends log messages while it runs"),
    (
        "test_logging_tool",
        "Sends log messages where they are asked for",
    ),
    ("test_tool_with_progress", "Tells how far it is"),
    ("test_error_handling", "Always fails"),
    (
        "test_reconnection",
        "Answers after the client may have gone",
    ),
    ("test_missing_capability", "Needs a client that samples"),
    (
        "test_streaming_elicitation",
        "Tells how far it is, then asks",
    ),
    (
        "test_trigger_tool_change",
        "Tells that the tools have changed",
    ),
    (
        "test_trigger_prompt_change",
        "Tells that the prompts have changed",
    ),
    ("test_elicitation_sep1034_defaults", "Asks with defaults"),
    ("test_elicitation_sep1330_enums", "Asks with choices"),
    (
        "test_input_required_result_elicitation",
        "Asks a person first",
    ),
    ("test_input_required_result_sampling", "Asks a model first"),
    (
        "test_input_required_result_list_roots",
        "Asks for roots first",
    ),
    (
        "test_input_required_result_request_state",
        "Asks, and wants its state back",
    ),
    (
        "test_input_required_result_multiple_inputs",
        "Asks three things at once",
    ),
    ("test_input_required_result_multi_round", "Asks twice"),
    (
        "test_input_required_result_tampered_state",
        "Takes no state but its own",
    ),
    (
        "test_input_required_result_capabilities",
        "Asks only what the client can",
    ),
];

/// Returns the tools.
pub(crate) fn tools() -> Vec<Value> {
    let nothing = json!({"type": "object", "properties": {}});
    let plain = PLAIN.iter().map(|(name, description)| {
        json!({"name": name, "description": description, "inputSchema": nothing})
    });
    let with_text = |name: &str, argument: &str, further: Value| {
        let mut schema = json!({"type": "string"});
        if let (Some(schema), Value::Object(further)) = (schema.as_object_mut(), further) {
            schema.extend(further);
        }
        let input = json!({
            "type": "object",
            "properties": {argument: schema},
            "required": [argument],
        });
        json!({"name": name, "description": "Takes a text", "inputSchema": input})
    };
    let further = [
        with_text("test_sampling", "prompt", json!({})),
        with_text("test_elicitation", "message", json!({})),
        with_text(
            "test_custom_header",
            "region",
            json!({"x-mcp-header": "Region"}),
        ),
        json!({
            "name": "json_schema_2020_12_tool",
            "description": "Tool with JSON Schema 2020-12 features",
            "inputSchema": schema_2020_12(),
        }),
    ];
    plain.chain(further).collect()
}

fn schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Returns the resources.
pub(crate) fn resources() -> Value {
    let resource = |name: &str, description: &str, mime_type: &str| {
        json!({
            "uri": format!("test://{name}"),
            "name": name,
            "description": description,
            "mimeType": mime_type,
        })
    };
    json!([
        resource("static-text", "A text", "text/plain"),
        resource("static-binary", "A picture", "image/png"),
        resource(
            "watched-resource",
            "A text that may be watched",
            "text/plain"
        ),
    ])
}

/// Returns the templates of resources.
pub(crate) fn templates() -> Value {
    json!([{
        "uriTemplate": "test://template/{id}/data",
        "name": "template",
        "description": "Data by a number",
        "mimeType": "application/json",
    }])
}

/// Returns what a resource holds, if there is one of that name.
pub(crate) fn resource(uri: &str) -> Option<Value> {
    let text = |mime_type: &str, text: &str| {
        Some(json!({"uri": uri, "mimeType": mime_type, "text": text}))
    };
    match uri {
        "test://static-text" => text(
            "text/plain",
            "This is the content of the static text resource.",
        ),
        "test://watched-resource" => text("text/plain", "It never changes."),
        "test://static-binary" => Some(json!({"uri": uri, "mimeType": "image/png", "blob": IMAGE})),
        _ => {
            let id = uri
                .strip_prefix("test://template/")?
                .strip_suffix("/data")?;
            let data = json!({
                "id": id,
                "templateTest": true,
                "data": format!("Data for ID: {id}"),
            });
            text("application/json", &data.to_string())
        }
    }
}

/// Returns the prompts.
pub(crate) fn prompts() -> Value {
    let required = |name: &str| json!({"name": name, "description": "A text", "required": true});
    json!([
        {"name": "test_simple_prompt", "description": "A text"},
        {
            "name": "test_prompt_with_arguments",
            "description": "A text with two arguments",
            "arguments": [required("arg1"), required("arg2")],
        },
        {
            "name": "test_prompt_with_embedded_resource",
            "description": "A text with a resource",
            "arguments": [required("resourceUri")],
        },
        {"name": "test_prompt_with_image", "description": "A text with a picture"},
        {"name": "test_input_required_result_prompt", "description": "Asks a person first"},
    ])
}

/// Returns the messages of a prompt, if there is one of that name.
pub(crate) fn messages(name: &str, arguments: &JsonObject) -> Option<Value> {
    let given = |name: &str| {
        let value = arguments.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let user = |content: Value| json!({"role": "user", "content": content});
    let text = |text: &str| user(json!({"type": "text", "text": text}));
    match name {
        "test_simple_prompt" => Some(json!([text("This is a simple prompt for testing.")])),
        "test_prompt_with_arguments" => {
            let (one, two) = (given("arg1"), given("arg2"));
            let said = format!("Prompt with arguments: arg1='{one}', arg2='{two}'");
            Some(json!([text(&said)]))
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({
                "uri": given("resourceUri"),
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            });
            Some(json!([
                user(json!({"type": "resource", "resource": resource})),
                text("Please process the embedded resource above."),
            ]))
        }
        "test_prompt_with_image" => Some(json!([
            user(json!({"type": "image", "data": IMAGE, "mimeType": "image/png"})),
            text("Please analyze the image above."),
        ])),
        _ => None,
    }
}
