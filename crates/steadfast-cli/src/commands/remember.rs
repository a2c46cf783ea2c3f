//! `steadfast remember`: a note comes into the store.

use std::io::IsTerminal as _;

use steadfast::Note;

use super::stdin;
use crate::args::{WriteOptions, namespace, pair, refuse_flag, time};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::json;
use crate::store::open_to_write;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast remember \"We deploy on Tuesdays.\" --tag ops
  steadfast remember --title \"Door code\" --valid-to 2026-12-31 < code.txt
  steadfast remember \"Budget approved\" --meta year=2026 --idempotency-key mail-4711";

/// The longest note; longer texts are files.
const NOTE_BYTES_MAX: u64 = 32 << 20;

/// Flags of `steadfast remember`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The text; `-`, or none, reads it from standard input
    #[arg(allow_hyphen_values = true)]
    text: Option<String>,
    /// A title
    #[arg(long, value_name = "T")]
    title: Option<String>,
    /// A tag; may be given more than once
    #[arg(long, value_name = "T")]
    tag: Vec<String>,
    /// Put the note into this namespace
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Say where the text is from, for it is another note there; without it the note is its own source, `note:<id>`
    ///
    /// A note from a file stays when the file changes or goes.
    #[arg(long, value_name = "S")]
    source: Option<String>,
    /// Metadata, as in `year=2024`; may be given more than once
    ///
    /// V is a number, true, false or null when it reads as one, else a string.
    #[arg(long, value_name = "K=V")]
    meta: Vec<String>,
    /// When the text is from: RFC 3339, or a date; without it, now
    #[arg(long, value_name = "T")]
    time: Option<String>,
    /// The text holds from this time on
    #[arg(long, value_name = "T")]
    valid_from: Option<String>,
    /// The text holds until before this time
    #[arg(long, value_name = "T")]
    valid_to: Option<String>,
    /// Make a repeated call with this key and the same text do nothing; another text is refused
    ///
    /// A note that was taken back by `undo` is written again, and the key still refuses another text.
    #[arg(long, value_name = "K")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let note = note(args, settings.namespace())?;
    let memory = open_to_write(&settings, args.write.journal())?;
    let remembered = memory.remember(&note)?;
    context.output.show(
        || json::remembered(&remembered),
        |out, style| {
            let outcome = remembered.outcome.as_str();
            writeln!(
                out,
                "{} {outcome}, commit {}",
                style.bold(&remembered.id.to_string()),
                remembered.seq.0
            )?;
            match remembered.redactions {
                0 => Ok(()),
                count => writeln!(out, "secrets taken out: {count}"),
            }
        },
    )?;
    Ok(Exit::Done)
}

fn note(args: &Args, namespace_default: &str) -> Result<Note, Failure> {
    let text = match args.text.as_deref() {
        Some("-") => stdin::exact(NOTE_BYTES_MAX)?,
        Some(text) => {
            refuse_flag(text)?;
            text.to_owned()
        }
        None if std::io::stdin().is_terminal() => {
            return Err(Failure::new("usage", "there is no text to remember")
                .hint("give it as an argument, or pipe it in"));
        }
        None => stdin::exact(NOTE_BYTES_MAX)?,
    };
    let mut note = Note::new(text);
    note.title.clone_from(&args.title);
    note.tags.clone_from(&args.tag);
    note.namespace = namespace(
        "--namespace",
        args.namespace.as_deref().unwrap_or(namespace_default),
    )?;
    note.source.clone_from(&args.source);
    note.meta = args
        .meta
        .iter()
        .map(|text| pair(text))
        .collect::<Result<_, _>>()?;
    note.time = args
        .time
        .as_deref()
        .map(|text| time("--time", text))
        .transpose()?;
    note.valid_from = args
        .valid_from
        .as_deref()
        .map(|text| time("--valid-from", text))
        .transpose()?;
    note.valid_to = args
        .valid_to
        .as_deref()
        .map(|text| time("--valid-to", text))
        .transpose()?;
    note.idempotency_key.clone_from(&args.idempotency_key);
    Ok(note)
}
