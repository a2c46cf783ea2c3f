//! The `steadfast` command: the library on a terminal.
//!
//! Layout: `args` says what can be asked, `commands` does it (one file each),
//! `config` knows which store and which settings are meant, `output` is the only
//! room that formats, `setup` edits the files of hosts, `selftest` tries the promises on the user's disk,
//! `error` and `exit` say what went wrong and in which code.
//! Deliberately not here: anything that a program using the library would miss.

mod app;
mod args;
mod commands;
mod config;
mod context;
mod error;
mod exit;
mod output;
#[cfg(test)]
mod reference;
mod selftest;
mod setup;
mod store;

fn main() -> std::process::ExitCode {
    app::main()
}
