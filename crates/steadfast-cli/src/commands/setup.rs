//! `steadfast setup`: the host of an agent gets to know the store.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use steadfast::model::ContentHash;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Style;
use crate::setup::diff::diff;
use crate::setup::{self, Change, Host, Layout, Record, Scope};

pub(crate) const EXAMPLES: &str = "\
Examples:
  See which hosts are here, and what would be changed:
    steadfast setup
    steadfast setup claude-code
  Do it, and take it back:
    steadfast setup claude-code --yes
    steadfast setup claude-code --undo --yes
  steadfast setup cursor --project --yes";

/// How much of the hash of a project's folder its record is named by.
const HASH_CHARS: usize = 32;

/// Flags of `steadfast setup`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The host; without one, the hosts that are here are listed
    #[arg(value_name = "HOST")]
    host: Option<Host>,
    /// Set it up for you, in all projects; the default
    #[arg(long, conflicts_with = "project")]
    user: bool,
    /// Set it up for everybody who works on the project in the current folder
    #[arg(long)]
    project: bool,
    /// Answer prompts too: show memories that share words with what you ask
    #[arg(long)]
    recall: bool,
    /// Take it back: each file as it was, or without what is ours when it has changed since
    #[arg(long)]
    undo: bool,
    /// Do it; without this flag only the plan is shown
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let scope = if args.project {
        Scope::Project
    } else {
        Scope::User
    };
    let layout = layout(args, scope, context)?;
    let Some(host) = args.host else {
        return hosts(&layout, context);
    };
    let files = layout.files(host, scope);
    let mut record = Record::load(record_path(host, scope, &layout, context)?);
    let changes = if args.undo {
        setup::plan_undo(&files, &record)?
    } else {
        setup::plan(&files)?
    };
    let is_change = changes.iter().any(|change| !change.is_none());
    let applied = args.yes && is_change;
    let backup = record.path.clone();
    if args.yes && args.undo {
        setup::apply(&changes)?;
        record.discard()?;
    } else if applied {
        let mut all = layout.clone();
        all.recall = true;
        record.keep(&changes, &all.files(host, scope))?;
        setup::apply(&changes)?;
    }
    let plan = Plan {
        host,
        store_note: store_note(args, scope, context),
        scope,
        is_there: layout.has(host),
        changes,
        applied,
        undo: args.undo,
        backup: (applied && !args.undo).then_some(backup),
    };
    context
        .output
        .show(|| plan.to_json(), |out, style| plan.write(out, style))?;
    Ok(Exit::Done)
}

fn layout(args: &Args, scope: Scope, context: &Context) -> Result<Layout, Failure> {
    let environment = &context.environment;
    let home = environment
        .home()
        .ok_or_else(|| Failure::new("usage", "this system names no home folder for you"))?;
    let mut program = vec![match scope {
        // Others have it elsewhere.
        Scope::Project => "steadfast".to_owned(),
        Scope::User => std::env::current_exe()
            .ok()
            .and_then(|path| path.to_str().map(str::to_owned))
            .unwrap_or_else(|| "steadfast".to_owned()),
    }];
    let of_environment = environment.store().filter(|_| scope == Scope::User);
    if let Some(store) = context.store_flag().map(PathBuf::from).or(of_environment) {
        let store = std::path::absolute(&store).unwrap_or(store);
        let store = store.to_str().ok_or_else(|| {
            Failure::new("usage", "the name of the store is not UTF-8")
                .at("--store or STEADFAST_STORE")
        })?;
        program.extend(["--store".to_owned(), store.to_owned()]);
    }
    Ok(Layout {
        home: home.to_owned(),
        project: environment.here(),
        claude: environment.of_host("CLAUDE_CONFIG_DIR"),
        codex: environment.of_host("CODEX_HOME"),
        vscode: vscode_folder(home, context),
        program,
        // Undoing takes out what either way put in.
        recall: args.recall || args.undo,
    })
}

fn vscode_folder(home: &std::path::Path, context: &Context) -> PathBuf {
    if cfg!(target_os = "macos") {
        return home.join("Library/Application Support/Code/User");
    }
    let config = context.environment.config_folder();
    let config = config.unwrap_or_else(|| home.join(".config"));
    config.join("Code/User")
}

fn record_path(
    host: Host,
    scope: Scope,
    layout: &Layout,
    context: &Context,
) -> Result<PathBuf, Failure> {
    let folder = context
        .environment
        .our_config_folder()
        .ok_or_else(|| Failure::new("usage", "this system names no folder for your settings"))?;
    let of_project = match scope {
        Scope::User => String::new(),
        Scope::Project => {
            // One record for each project, under a name of a length that every file system takes: the hash of all of
            // its folder, also of the bytes that are no text.
            let folder = layout.project.as_os_str().as_encoded_bytes();
            let hash = ContentHash::of(&folder.escape_ascii().to_string()).to_string();
            format!("-{}", hash.chars().take(HASH_CHARS).collect::<String>())
        }
    };
    let name = format!("{}-{}{of_project}.json", host.name(), scope.name());
    Ok(folder.join("setup").join(name))
}

fn hosts(layout: &Layout, context: &Context) -> Result<Exit, Failure> {
    let object = || {
        let host = |host: &Host| json!({"host": host.name(), "detected": layout.has(*host)});
        json!({"hosts": Host::ALL.iter().map(host).collect::<Value>()})
    };
    context.output.show(object, |out, _| {
        for host in Host::ALL {
            let found = if layout.has(host) {
                "found"
            } else {
                "not found"
            };
            writeln!(out, "{:12} {found}", host.name())?;
        }
        writeln!(out, "`steadfast setup HOST` shows what would be changed")
    })?;
    Ok(Exit::Done)
}

/// Returns what becomes of the store that the environment of this command names, which hosts will not have.
fn store_note(args: &Args, scope: Scope, context: &Context) -> Option<&'static str> {
    if args.undo || context.store_flag().is_some() {
        return None;
    }
    context.environment.store()?;
    Some(match scope {
        Scope::User => "the store that STEADFAST_STORE names is written into the files as --store",
        Scope::Project => {
            "STEADFAST_STORE is not written into files that others use; --store writes a store"
        }
    })
}

/// What is done, or would be.
struct Plan {
    host: Host,
    store_note: Option<&'static str>,
    scope: Scope,
    is_there: bool,
    changes: Vec<Change>,
    applied: bool,
    undo: bool,
    backup: Option<PathBuf>,
}

impl Plan {
    fn to_json(&self) -> Value {
        let own = std::iter::once(self.host.note());
        let notes: Value = own.chain(self.store_note).collect();
        let change = |change: &Change| {
            json!({
                "file": change.path.display().to_string(),
                "action": change.action(),
                "diff": shown(change),
            })
        };
        json!({
            "host": self.host.name(),
            "scope": self.scope.name(),
            "detected": self.is_there,
            "undo": self.undo,
            "plan": self.changes.iter().map(change).collect::<Value>(),
            "applied": self.applied,
            "backup": self.backup.as_ref().map(|path| path.display().to_string()),
            "notes": notes,
        })
    }

    fn write(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        if !self.is_there {
            writeln!(out, "{} does not seem to be here", self.host.name())?;
        }
        for change in &self.changes {
            let path = change.path.display().to_string();
            writeln!(out, "{} {}", change.action(), style.bold(&path))?;
            for line in shown(change).lines() {
                writeln!(out, "  {}", style.clean(line))?;
            }
        }
        if self.changes.iter().all(Change::is_none) {
            return writeln!(out, "nothing to do");
        }
        if let Some(note) = self.store_note {
            writeln!(out, "note: {note}")?;
        }
        if !self.applied {
            return writeln!(out, "nothing is changed yet; --yes does it");
        }
        match &self.backup {
            Some(backup) => {
                writeln!(out, "done; --undo takes it back ({})", backup.display())?;
                writeln!(out, "note: {}", self.host.note())
            }
            None => writeln!(out, "done"),
        }
    }
}

fn shown(change: &Change) -> String {
    diff(
        change.before.as_deref().unwrap_or_default(),
        change.after.as_deref().unwrap_or_default(),
    )
}
