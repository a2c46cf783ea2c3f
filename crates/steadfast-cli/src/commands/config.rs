//! `steadfast config`: settings, where they come from, and changing them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use steadfast::ingest::redact::{Redactor, Removed};

use super::stdin;
use crate::config::{self, ALL, Home, Key, Setting};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast config
  steadfast config get search.limit
  steadfast config set store.journal truncate
  steadfast config set search.limit 20 --user
  steadfast config set redact.allow '[\"^AKIA0000\"]'
  steadfast config test-redaction 'redis://app:9fK2-vw81Lq@cache'";

/// Flags of `steadfast config`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What is to be done with a setting.
#[derive(Debug, Subcommand)]
enum Action {
    /// Show one setting
    #[command(after_long_help = "Example:\n  steadfast config get search.limit")]
    Get {
        /// Its name
        key: String,
    },
    /// Change a setting in the store's file
    #[command(after_long_help = "Example:\n  steadfast config set store.journal truncate")]
    Set {
        /// Its name
        key: String,
        /// Its new value
        value: String,
        /// Change your own file, which holds for all stores
        #[arg(long)]
        user: bool,
    },
    /// Take a setting out of the store's file
    #[command(after_long_help = "Example:\n  steadfast config unset store.journal")]
    Unset {
        /// Its name
        key: String,
        /// Change your own file, which holds for all stores
        #[arg(long)]
        user: bool,
    },
    /// Show what would be taken out of a text as a secret; nothing is stored
    #[command(after_long_help = "Example:\n  steadfast config test-redaction - < notes.txt")]
    TestRedaction {
        /// The text; `-`, or none, reads it from standard input
        text: Option<String>,
    },
}

/// The longest text to try.
const TEXT_BYTES_MAX: u64 = 32 << 20;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.action {
        None => all(context),
        Some(Action::TestRedaction { text }) => test_redaction(context, text.as_deref()),
        Some(Action::Get { key }) => one(context, config::find(key)?),
        Some(Action::Set { key, value, user }) => {
            let key = config::find(key)?;
            key.check(value)?;
            let file = file_of(key, *user, context)?;
            config::set(&file, key, value)?;
            changed(context, key, Some(value), &file)
        }
        Some(Action::Unset { key, user }) => {
            let key = config::find(key)?;
            let file = file_of(key, *user, context)?;
            config::unset(&file, key)?;
            changed(context, key, None, &file)
        }
    }
}

fn all(context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let shown = || ALL.iter().filter_map(|key| Some((key, settings.get(key)?)));
    context.output.show(
        || {
            json!({
                "settings": shown().map(|(key, setting)| object(key, setting)).collect::<Value>(),
                "store_file": settings.places.store_file.display().to_string(),
                "user_file": settings.places.user_file.as_ref().map(|file| file.display().to_string()),
            })
        },
        |out, style| {
            for (key, setting) in shown() {
                writeln!(out, "{:<22} {}  ({})", key.name, style.bold(&setting.value), setting.origin)?;
            }
            writeln!(out, "store file: {}", settings.places.store_file.display())?;
            settings.places.user_file.as_ref().map_or(Ok(()), |file| writeln!(out, "user file:  {}", file.display()))
        },
    )?;
    Ok(Exit::Done)
}

fn one(context: &Context, key: &Key) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let Some(setting) = settings.get(key) else {
        return Err(Failure::new(
            "internal",
            format!("{} has no value", key.name),
        ));
    };
    context.output.show(
        || object(key, setting),
        |out, style| writeln!(out, "{}", style.clean(&setting.value)),
    )?;
    Ok(Exit::Done)
}

fn test_redaction(context: &Context, text: Option<&str>) -> Result<Exit, Failure> {
    let redactor = Redactor::new(&context.settings()?.redaction())?;
    let text = match text {
        None | Some("-") => stdin::exact(TEXT_BYTES_MAX)?,
        Some(text) => text.to_owned(),
    };
    let redacted = redactor.redact(&text);
    let removed = |removed: &Removed| json!({"kind": removed.kind, "start": removed.before.start, "end": removed.before.end});
    context.output.show(
        || {
            json!({
                "text": redacted.text,
                "redactions": redacted.removals.count(),
                "removed": redacted.removals.all().iter().map(removed).collect::<Value>(),
            })
        },
        |out, style| {
            writeln!(out, "{}", style.clean(&redacted.text))?;
            writeln!(out, "secrets taken out: {}", redacted.removals.count())
        },
    )?;
    Ok(Exit::Done)
}

fn object(key: &Key, setting: &Setting) -> Value {
    json!({
        "key": key.name,
        "value": value(key, &setting.value),
        "origin": setting.origin.as_str(),
        "what": key.what,
    })
}

fn value(key: &Key, value: &str) -> Value {
    json!(key.sort.value(value))
}

/// Returns the file that a change goes into.
fn file_of(key: &Key, user: bool, context: &Context) -> Result<PathBuf, Failure> {
    // A value that is wrong today must not keep it from being corrected, so only the places are read.
    let places = context.places()?;
    if user || key.home == Home::User {
        return places.user_file.ok_or_else(|| {
            Failure::new(
                "invalid_config",
                "this system names no folder for your settings",
            )
            .hint("use the store's file, or the environment")
        });
    }
    Ok(places.store_file)
}

fn changed(context: &Context, key: &Key, new: Option<&str>, file: &Path) -> Result<Exit, Failure> {
    context.output.show(
        || json!({"key": key.name, "value": new.map(|new| value(key, new)), "file": file.display().to_string()}),
        |out, style| match new {
            Some(new) => writeln!(out, "{} = {} in {}", key.name, style.bold(new), file.display()),
            None => writeln!(out, "{} is no longer set in {}", key.name, file.display()),
        },
    )?;
    Ok(Exit::Done)
}
