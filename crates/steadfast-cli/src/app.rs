//! From the arguments to the exit code: parse, do, tell what went wrong.

use std::any::Any;
use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::commands;
use crate::context::Context;
use crate::error::{self, Failure};
use crate::exit::Exit;
use crate::output::Output;
use crate::selftest;

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let output = Output::new(wants_json(&arguments));
    #[cfg(feature = "sabotage")]
    selftest::plant_as_told();
    // What a panic says belongs to the report below, not to a thread that may be in the middle of a line.
    panic::set_hook(Box::new(|_| {}));
    let exit = match panic::catch_unwind(panic::AssertUnwindSafe(|| run(&arguments))) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => tell(&output, &failure),
        Err(payload) => tell_bug(&output, payload.as_ref()),
    };
    exit.into()
}

fn run(arguments: &[OsString]) -> Result<Exit, Failure> {
    if let [_, first, rest @ ..] = arguments
        && first == selftest::PEER
    {
        return selftest::peer(rest);
    }
    let cli = Cli::try_parse_from(arguments)?;
    let context = Context::new(cli.global);
    commands::run(cli.command, &context)
}

/// Returns whether the output is to be JSON, also when the arguments cannot be parsed.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json")
}

fn tell(output: &Output, failure: &Failure) -> Exit {
    if let Failure::Arguments(error) = failure
        && !error.use_stderr()
    {
        return help(output, error);
    }
    if matches!(failure, Failure::BrokenPipe) {
        return Exit::Done;
    }
    output.talk(&failure.to_lines());
    if output.is_json() {
        // Whoever does not read the error finds it in the exit code.
        drop(output.object(&failure.to_json()));
    }
    failure.exit()
}

fn help(output: &Output, error: &clap::Error) -> Exit {
    let text = error.render();
    let printed = if output.is_json() {
        output.object(&serde_json::json!({"help": text.to_string()}))
    } else {
        output.print(|out, style| {
            if style.is_on() {
                write!(out, "{}", text.ansi())
            } else {
                write!(out, "{text}")
            }
        })
    };
    match printed {
        Ok(()) => Exit::Done,
        Err(failure) => failure.exit(),
    }
}

fn tell_bug(output: &Output, payload: &(dyn Any + Send)) -> Exit {
    let what = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    let message = format!("internal error: {what}");
    output.talk(&[
        format!("error: {message}"),
        format!("hint: {}", error::BUG_HINT),
    ]);
    if output.is_json() {
        drop(output.object(&error::bug(&message)));
    }
    Exit::Bug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_code_for_our_own_mistakes() {
        let payload = panic::catch_unwind(|| panic!("the sky fell: {}", 1)).unwrap_err();
        assert_eq!(tell_bug(&Output::new(false), payload.as_ref()), Exit::Bug);
    }

    #[test]
    fn json_is_seen_before_parsing_and_not_behind_the_double_dash() {
        let wants =
            |arguments: &[&str]| wants_json(&arguments.iter().map(Into::into).collect::<Vec<_>>());
        assert!(wants(&["steadfast", "search", "--json", "--bogus"]));
        assert!(!wants(&["steadfast", "search", "--", "--json"]));
    }
}
