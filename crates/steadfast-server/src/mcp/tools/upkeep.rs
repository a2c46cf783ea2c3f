//! The tools that take long and change nothing that is remembered: verify, rebuild.

use std::time::Instant;

use serde_json::json;
use steadfast::model::Finding;
use steadfast::{Derived, Error, Progress};

use super::Reply;
use super::read::elapsed_ms;
use crate::mcp::arguments::Arguments;
use crate::mcp::text;
use crate::store::{Access, Store};
use crate::wire;

pub(super) fn verify(
    store: &Store,
    arguments: Arguments,
    progress: &dyn Progress,
) -> Result<Reply, Error> {
    arguments.finish()?;
    let report = store.memory(Access::Read)?.verify(progress)?;
    let is_ok = report.findings.iter().all(Finding::only_informs);
    let object = wire::verification(&report, None);
    Ok(Reply::new(object, text::verified(is_ok, &report)))
}

pub(super) fn rebuild(
    store: &Store,
    mut arguments: Arguments,
    progress: &dyn Progress,
) -> Result<Reply, Error> {
    let which = match arguments.optional("index")?.as_deref() {
        None | Some("all") => Derived::All,
        Some("text") => Derived::Text,
        Some("vector") => Derived::Vector,
        Some(other) => {
            return Err(Error::Invalid {
                what: format!("`{other}` is no index; there are text, vector and all"),
            });
        }
    };
    arguments.finish()?;
    let started = Instant::now();
    let rebuilt = store.write(Access::Read, |memory| memory.rebuild(which, progress))?;
    let text = format!("Rebuilt: {}.", rebuilt.join(", "));
    let object = json!({"rebuilt": rebuilt, "elapsed_ms": elapsed_ms(started)});
    Ok(Reply::new(object, text))
}
