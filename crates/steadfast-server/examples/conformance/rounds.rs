//! Calls that are answered with questions: the client calls again with what was said.
//!
//! Nothing is kept between two calls. Where the place in a conversation matters it
//! travels with the client as a state, under a keyed hash, so that a state that
//! was made up or changed is told.

use std::io;

use rmcp::model::{InputRequiredResult, InputResponses};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::read;

/// The key that states are sealed with; it lives as long as the process.
#[derive(Clone, Copy)]
pub(crate) struct Key([u8; blake3::KEY_LEN]);

/// A conversation: the questions of each round, by name.
pub(crate) struct Script {
    rounds: Vec<Value>,
    has_state: bool,
}

/// What comes next in a conversation.
pub(crate) enum Next {
    Ask(InputRequiredResult),
    Done(String),
}

impl Key {
    pub(crate) fn random() -> io::Result<Self> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(key))
    }

    fn seal(&self, round: usize) -> String {
        let hash = blake3::keyed_hash(&self.0, round.to_string().as_bytes());
        format!("{round}.{}", hash.to_hex())
    }

    /// Returns the round of a state that is ours.
    fn open(&self, state: &str) -> Result<usize, ErrorData> {
        let (round, _) = state.split_once('.').unwrap_or_default();
        match round.parse() {
            Ok(round) if self.seal(round) == state => Ok(round),
            _ => Err(ErrorData::invalid_params("the state is not ours", None)),
        }
    }
}

/// Returns the conversation of a tool that has one.
pub(crate) fn tool(name: &str, context: &RequestContext<RoleServer>) -> Option<Script> {
    let confirm = || form("confirm", "Please confirm", "ok", "boolean");
    let (rounds, has_state) = match name.strip_prefix("test_input_required_result_")? {
        "elicitation" => (vec![name_question("user_name")], false),
        "sampling" => {
            let question = sampling("capital_question", "What is the capital of France?");
            (vec![question], false)
        }
        "list_roots" => (vec![roots()], false),
        "request_state" | "tampered_state" => (vec![confirm()], true),
        "multiple_inputs" => {
            let greeting = sampling("greeting", "Generate a greeting");
            let all = [name_question("user_name"), greeting, roots()];
            (vec![merged(all)], true)
        }
        "multi_round" => {
            let name = form("step1", "Step 1: What is your name?", "name", "string");
            let color = form(
                "step2",
                "Step 2: What is your favorite color?",
                "color",
                "string",
            );
            (vec![name, color], true)
        }
        "capabilities" => {
            let can = context.client_capabilities().unwrap_or_default();
            let possible = [
                (can.elicitation.is_some(), name_question("user_name")),
                (
                    can.sampling.is_some(),
                    sampling("greeting", "Generate a greeting"),
                ),
                (can.roots.is_some(), roots()),
            ];
            let questions = possible.into_iter().filter(|(can, _)| *can);
            (vec![merged(questions.map(|(_, question)| question))], false)
        }
        _ => return None,
    };
    Some(Script { rounds, has_state })
}

/// Returns the conversation of a prompt that has one.
pub(crate) fn prompt(name: &str) -> Option<Script> {
    (name == "test_input_required_result_prompt").then(|| Script {
        rounds: vec![form(
            "user_context",
            "What context should the prompt use?",
            "context",
            "string",
        )],
        has_state: false,
    })
}

impl Script {
    /// Returns the questions that are open, or what was said when there are none.
    pub(crate) fn next(
        &self,
        answers: Option<InputResponses>,
        state: Option<&str>,
        key: &Key,
    ) -> Result<Next, ErrorData> {
        let place = match (state, self.has_state && answers.is_some()) {
            (Some(state), true) => key.open(state)?,
            (None, true) => return Err(ErrorData::invalid_params("the state is missing", None)),
            (_, false) => 0,
        };
        let answers = answers.unwrap_or_default();
        let Some(questions) = self.rounds.get(place).and_then(Value::as_object) else {
            return Err(ErrorData::invalid_params("there is no such round", None));
        };
        let is_answered = questions
            .iter()
            .all(|(name, question)| answers.get(name).is_some_and(|said| fits(question, said)));
        let place = if is_answered { place + 1 } else { place };
        match self.rounds.get(place) {
            Some(questions) => {
                let state = self.has_state.then(|| key.seal(place));
                let questions = read(questions.clone())?;
                Ok(Next::Ask(InputRequiredResult::new(Some(questions), state)))
            }
            None if self.has_state => Ok(Next::Done(format!("state-ok {}", json!(answers)))),
            None => Ok(Next::Done(format!("Hello, {}", json!(answers)))),
        }
    }
}

/// Returns whether an answer is one to the question.
fn fits(question: &Value, said: &Value) -> bool {
    match question.get("method").and_then(Value::as_str) {
        Some("elicitation/create") => {
            let is_content = said.get("content").is_some_and(Value::is_object);
            said.get("action") == Some(&json!("accept")) && is_content
        }
        Some("sampling/createMessage") => said.get("content").is_some(),
        Some("roots/list") => said.get("roots").is_some_and(Value::is_array),
        _ => false,
    }
}

/// Returns the question for a name.
pub(crate) fn name_question(key: &str) -> Value {
    form(key, "What is your name?", "name", "string")
}

fn form(key: &str, message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {field: {"type": kind}},
        "required": [field],
    });
    let params = json!({"mode": "form", "message": message, "requestedSchema": schema});
    json!({key: {"method": "elicitation/create", "params": params}})
}

fn sampling(key: &str, text: &str) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": text}});
    let params = json!({"messages": [message], "maxTokens": 100});
    json!({key: {"method": "sampling/createMessage", "params": params}})
}

fn roots() -> Value {
    json!({"client_roots": {"method": "roots/list", "params": {}}})
}

fn merged(questions: impl IntoIterator<Item = Value>) -> Value {
    let objects = questions
        .into_iter()
        .filter_map(|question| question.as_object().cloned());
    Value::Object(objects.flatten().collect())
}
