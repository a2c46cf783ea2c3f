//! `steadfast status`: the state of the store in numbers.

use std::io::{self, Write};

use steadfast::Health;
use steadfast_server::hooks::spool::Spool;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Style, grouped, json, text};
use crate::store::open_to_read;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let mut health = memory.status()?;
    health
        .problems
        .extend(Spool::of_store(memory.folder()).findings());
    let store = memory.folder().display().to_string();
    context.output.show(
        || json::status(&store, &health),
        |out, style| write(out, style, &store, &health),
    )?;
    Ok(Exit::Done)
}

fn write(out: &mut dyn Write, style: Style, store: &str, health: &Health) -> io::Result<()> {
    writeln!(
        out,
        "store       {} ({})",
        style.bold(store),
        text::size(health.bytes)
    )?;
    writeln!(
        out,
        "generation  {} (schema {}, journal {})",
        health.generation.0, health.schema, health.journal
    )?;
    writeln!(
        out,
        "holds       {} chunks of {} sources in {} namespaces; {} sources left out",
        grouped(health.chunks),
        grouped(health.sources),
        grouped(health.namespaces),
        grouped(health.skipped),
    )?;
    for model in &health.models {
        writeln!(out, "model       {model}")?;
    }
    for index in &health.indexes {
        writeln!(
            out,
            "index       {}: {}, {} rows, {} to come, at commit {}",
            index.name,
            index.state,
            grouped(index.rows),
            grouped(index.tail),
            index.watermark.0,
        )?;
    }
    for (state, count) in &health.jobs {
        writeln!(out, "jobs        {} {state}", grouped(*count))?;
    }
    health
        .problems
        .iter()
        .try_for_each(|problem| text::finding(out, style, problem))
}
