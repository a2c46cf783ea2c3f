//! The tool `memory`: files below `/memories`, with the commands and words of Anthropic's `memory_20250818`.

use std::fmt::Write as _;

use rmcp::model::JsonObject;
use serde_json::json;
use steadfast::model::{Fault as _, Trust};
use steadfast::query::Caution;
use steadfast::{Error, FileCommand, FileError, FileRefusal, FileReply};

use super::Reply;
use crate::mcp::arguments::Arguments;
use crate::store::{Access, Store};
use crate::wire;

pub(super) fn memory(store: &Store, arguments: Arguments) -> Result<Reply, Error> {
    let input: JsonObject = arguments.into_rest();
    match run(store, &input) {
        Ok(reply) => Ok(answer(&reply)),
        Err(FileError::Failed(error)) => Err(error),
        Err(FileError::Refused(refusal)) => Ok(refused(&refusal)),
        // The enum may grow: what it says is for the model to read.
        Err(error) => Err(Error::Invalid {
            what: error.to_string(),
        }),
    }
}

fn run(store: &Store, input: &JsonObject) -> Result<FileReply, FileError> {
    let command = FileCommand::read(input)?;
    // A store is made for a new file only; without one there are no files.
    let access = if matches!(command, FileCommand::Create { .. }) {
        Access::Write
    } else {
        Access::Read
    };
    let done = store.write(access, |memory| {
        let files = memory.files(store.settings().namespace.clone());
        files.run(&command)
    });
    match done {
        Err(FileError::Failed(error)) if error.kind() == "store_not_found" => {
            Ok(command.without_files()?)
        }
        done => done,
    }
}

fn answer(reply: &FileReply) -> Reply {
    let object = json!({
        "result": reply.text,
        "seq": reply.seq.map(|seq| seq.0),
        "redactions": reply.redactions,
        "withheld": reply.withheld,
        "trust": Trust::Agent.as_str(),
        "caution": reply.caution.map(Caution::as_str),
    });
    let mut text = reply.text.clone();
    if reply.redactions > 0 {
        let _written = write!(text, "\nSecrets taken out: {}.", reply.redactions);
    }
    if reply.withheld > 0 {
        let _written = write!(
            text,
            "\nLeft out, because the user had them forgotten: {} parts.",
            reply.withheld
        );
    }
    Reply::new(object, text)
}

fn refused(refusal: &FileRefusal) -> Reply {
    let said = refusal.to_string();
    let place = refusal.place();
    let object = wire::error(
        refusal.kind(),
        &said,
        place.as_deref(),
        refusal.retry(),
        None,
    );
    Reply {
        is_error: true,
        ..Reply::new(object, said)
    }
}
