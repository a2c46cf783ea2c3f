//! What can be asked: the one definition from which help, completions, man
//! pages and the reference are made.
//!
//! Each command's own flags stand in its file below `commands`.

mod filters;
mod values;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::commands::{
    backup, completions, config, doctor, export, forget, get, hook, import, index, list, log, man,
    mcp, names, prune, rebuild, remember, restore, search, selftest, serve, setup, sources, undo,
    verify, wake_up, watch,
};
use crate::context::Global;

pub(crate) use filters::{Filters, source_patterns};
pub(crate) use values::{
    JournalChoice, ModeChoice, WriteOptions, age_or_time, moment, namespace, pair, refuse_flag,
    time,
};

/// Keep and search memories for AI agents
///
/// Steadfast keeps texts (folders of files, and notes) in one store and finds
/// them again by words and by meaning. Nothing leaves your machine: the store
/// is a folder, the model is inside the program, and every answer says what was
/// searched.
#[derive(Debug, Parser)]
#[command(
    name = "steadfast",
    version,
    max_term_width = 100,
    styles = STYLES,
    disable_help_subcommand = true,
    after_long_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Answer a question over a folder, in one step:
    steadfast search \"how does recovery work\" --in docs
  Keep a folder and a note, then search both:
    steadfast index docs
    steadfast remember \"We deploy on Tuesdays.\" --tag ops
    steadfast search \"when do we deploy\"

Exit codes:
  0 done; 1 nothing found, or a check found something; 2 wrong call, or
  something named does not exist; 3 busy, try again; 4 store damaged; 5 store
  of a newer version; 6 the system refused; 70 our mistake";

/// Headings in bold only: the text says all, colours repeat it.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .error(AnsiColor::Red.on_default().bold());

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring folders and files into the store, and up to date
    ///
    /// Reads what is new or changed, lets go of what is gone, and leaves out
    /// what `.gitignore`, `.ignore` and `.steadfastignore` name. A file appears
    /// wholly or not at all; what was left out is listed with its reason by
    /// `steadfast sources`.
    #[command(after_long_help = index::EXAMPLES)]
    Index(index::Args),
    /// Search by words and by meaning
    ///
    /// Every answer ends with what was searched. With `--in` the path is first
    /// brought up to date, and only it is searched. Exits with 1 when there are
    /// no hits.
    ///
    /// In a question, "quoted words" must follow each other, -word leaves out
    /// what has the word, and tag:T, kind:K, ns:NS, source:GLOB, in:PATH,
    /// since:T and until:T are the flags of these names. Whatever does not read
    /// so is a word like any other.
    #[command(after_long_help = search::EXAMPLES)]
    Search(Box<search::Args>),
    /// Show chunks by id
    #[command(after_long_help = get::EXAMPLES)]
    Get(get::Args),
    /// List chunks in the order in which they came
    #[command(after_long_help = list::EXAMPLES)]
    List(Box<list::Args>),
    /// List files and notes, also those that were left out
    #[command(after_long_help = sources::EXAMPLES)]
    Sources(Box<sources::Args>),
    /// Remember a note
    ///
    /// A note with the same namespace, title and text as one that is there is
    /// that one; its tags are merged.
    #[command(after_long_help = remember::EXAMPLES)]
    Remember(remember::Args),
    /// Forget chunks, sources, namespaces or tags for good
    ///
    /// Without `--yes` only the plan is shown. Selectors combine by AND. What is
    /// forgotten is purged: text, vectors, index entries and history. A
    /// forgotten file stays out until `index --force` names it. Backups made
    /// before are yours to delete.
    #[command(after_long_help = forget::EXAMPLES)]
    Forget(forget::Args),
    /// List tags with their number of chunks, or rename and merge them
    #[command(after_long_help = names::TAG_EXAMPLES)]
    Tags(names::Args),
    /// List namespaces with their number of chunks, or rename and merge them
    #[command(after_long_help = names::NAMESPACE_EXAMPLES)]
    Namespaces(names::Args),
    /// Show the state of the store
    #[command(after_long_help = "Example:\n  steadfast status --json")]
    Status,
    /// Compare everything with everything
    ///
    /// Hashes every text and vector, counts, and compares the indexes with the
    /// store, row by row and word by word. Changes nothing. Exits with 1 when a
    /// finding is a warning or an error. A slice of it is done in passing once a
    /// minute by `index` and by servers; what that finds is in `status` and among
    /// the warnings of answers. `--slice` does more of it at once.
    #[command(after_long_help = verify::EXAMPLES)]
    Verify(verify::Args),
    /// Say what is wrong with a store, and mend it
    ///
    /// Looks at files, pages, texts, vectors, indexes and jobs, without changing
    /// anything. With `--repair` the plan is all that is new; with `--repair
    /// --yes` it is carried out: the originals stay in `quarantine/` with a
    /// manifest, every row that can be read is carried over, what was lost comes
    /// back from the files that are still there, and all is verified. Run it
    /// again after a kill. The report is fit for pasting into an issue: it holds
    /// no text of yours, and paths below your home folder begin with `~`. Exits with 1 when a finding is a warning or an error.
    #[command(after_long_help = doctor::EXAMPLES)]
    Doctor(doctor::Args),
    /// Try the promises of this program on your own disk
    ///
    /// In a folder of its own beside the store, which is removed afterwards:
    /// writes and kills its own processes, lets several write at once, damages
    /// files, measures how fast the disk flushes, and compares what is there
    /// with what was acknowledged. Your store is never opened. What it cannot
    /// try is a loss of power. Exits with 1 when a promise was broken.
    #[command(after_long_help = selftest::EXAMPLES)]
    Selftest(selftest::Args),
    /// Bring in the store of another program, or logs of sessions
    ///
    /// Knows `MemPalace` palaces and other Chroma databases, memtomem databases,
    /// `OpenHuman` memory trees, logs of Claude Code and Codex, exports of
    /// `ChatGPT` and Claude.ai, plain transcripts, and what `export` wrote. The source is read from a private copy and
    /// never written; the report says what came, what was there already, what
    /// was refused and why, and whether all of it is here. Run again, it brings
    /// only what is new.
    #[command(after_long_help = import::EXAMPLES)]
    Import(import::Args),
    /// Write memories into a file that any store takes in
    ///
    /// All of them, or those that the filters leave, as of one moment and while
    /// others write: texts with counts, validity, times, tags and metadata, and
    /// the records of collections. History comes along with --history. `steadfast import`
    /// brings a file in; one that was cut or altered is refused. What is damaged
    /// in the store is left out and told (exit code 1).
    #[command(after_long_help = export::EXAMPLES)]
    Export(Box<export::Args>),
    /// Make the indexes anew from the store
    ///
    /// Nothing is read or embedded again; searches go on meanwhile.
    #[command(after_long_help = rebuild::EXAMPLES)]
    Rebuild(rebuild::Args),
    /// Copy the whole store into one file, while others write
    ///
    /// The file is that of one moment. It is read back, and every text and
    /// vector in it compared with its hash, before it gets its name; nothing is
    /// ever overwritten. What is damaged in the store already is told, and comes
    /// along as it is (exit code 1).
    #[command(after_long_help = backup::EXAMPLES)]
    Backup(backup::Args),
    /// Make a store in a new place from a backup
    ///
    /// The folder must be new or empty. Every text and vector is compared with
    /// its hash before there is a store, and the indexes are made anew.
    #[command(after_long_help = restore::EXAMPLES)]
    Restore(restore::Args),
    /// Show what was done to the store, newest first
    #[command(after_long_help = log::EXAMPLES)]
    Log(log::Args),
    /// Take a commit back
    ///
    /// Without `--yes` only the plan is shown. A new commit brings back what the
    /// other removed, under new ids, and removes what it added. What was
    /// forgotten cannot come back, and a commit that later ones build on is
    /// refused. A file stays as it then is until it is indexed again.
    #[command(after_long_help = undo::EXAMPLES)]
    Undo(undo::Args),
    /// Let go of old history
    ///
    /// Every version of a text that was replaced or removed is kept, so that
    /// `--as-of` and `undo` have it. This lets go of those from before a time.
    /// Without `--yes` only the plan is shown. What is live is not touched, and
    /// the log keeps its events. To take out a text so that no trace is left,
    /// use `forget`.
    #[command(after_long_help = prune::EXAMPLES)]
    Prune(prune::Args),
    /// Show and change settings
    ///
    /// Without a subcommand each setting is shown with its value and its
    /// origin: flag, environment, the store's `config.toml`, your `config.toml`,
    /// or built in.
    #[command(after_long_help = config::EXAMPLES)]
    Config(config::Args),
    /// Serve an agent over standard input and output (Model Context Protocol)
    ///
    /// Offers search, get, remember, forget, recent and status as tools, what is
    /// stored as resources, and wake-up and recall as prompts. Any number of
    /// servers may share one store, and the store is opened when it is first
    /// needed. Ends with its input.
    #[command(after_long_help = mcp::EXAMPLES)]
    Mcp(mcp::Args),
    /// Serve many agents over HTTP on this machine (Model Context Protocol)
    ///
    /// Speaks the protocol at `/mcp`, on a loopback address only, to whoever sends
    /// the token that lies in the store's folder (`Authorization: Bearer`). Nothing
    /// needs it: any number of `steadfast mcp` may share a store. It saves starting
    /// one for each session.
    #[command(after_long_help = serve::EXAMPLES)]
    Serve(serve::Args),
    /// Keep folders up to date while they change
    ///
    /// Brings them up to date first, then whenever something in them changes: a
    /// saved file is found within a second. What the system tells about changes
    /// says only when to look; what there is, the look says. A folder that goes
    /// away keeps its chunks and is taken up again when it is back. Runs until it
    /// is ended, which may be at any moment.
    #[command(after_long_help = watch::EXAMPLES)]
    Watch(watch::Args),
    /// Connect an agent's host with the store: Claude Code, Codex, Cursor, Gemini CLI, VS Code
    ///
    /// Adds the server to the host's files and, where it has hooks, those that
    /// give a session its memory and file its transcript. Without `--yes` the
    /// plan is all that happens. The rest of each file stays as it is, comments
    /// too; what it was is kept, and `--undo` brings it back. With `--store` the
    /// host uses that store.
    #[command(after_long_help = setup::EXAMPLES)]
    Setup(setup::Args),
    /// Answer a hook of an agent's host: give a session its memory, file its transcript
    ///
    /// EVENT is session-start (what a new session should know), prompt (what the
    /// memory has to say to a prompt), or stop, pre-compact or session-end (the
    /// transcript is filed by another process while the host goes on). `file`
    /// files what still waits. Reads the JSON of the host on standard input,
    /// writes JSON for the host, and exits with 0 whatever is wrong with the
    /// store: a host never waits or fails because of its memory. `status` tells
    /// what could not be filed.
    #[command(after_long_help = hook::EXAMPLES)]
    Hook(hook::Args),
    /// Show what a new session should know, within a budget of tokens
    ///
    /// Pinned notes (tag `pinned`), then other notes by importance, project, age
    /// and use, then what the last sessions were about, those in the current
    /// folder first. Texts that read like instructions and are not your own stay
    /// out.
    #[command(after_long_help = wake_up::EXAMPLES)]
    WakeUp(wake_up::Args),
    /// Print completions for a shell
    #[command(after_long_help = completions::EXAMPLES)]
    Completions(completions::Args),
    /// Print man pages
    #[command(after_long_help = man::EXAMPLES)]
    Man(man::Args),
    /// Print the version
    #[command(after_long_help = "Example:\n  steadfast version --json")]
    Version,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
