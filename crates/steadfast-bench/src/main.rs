//! The benchmark of the README: one command builds the workload, runs it and prints the table.
//!
//! `cargo run --release -p steadfast-bench -- table` runs everything at 100,000
//! chunks; `--chunks 1000000` the large one. Commands are measured as whole
//! processes, library calls in this one. Machines differ: where a baseline
//! exists it runs in the same minute, and the ratio is printed.

mod agents;
mod collections;
mod corpus;
mod coverage;
mod eval;
mod figures;
mod fleet;
mod library;
mod load;
mod odd;
mod palace;
mod process;
mod secrets;
mod server;
mod soak;
mod stored;
mod writers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measures Steadfast.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What is measured, and on how much.
#[derive(clap::Args)]
struct Workload {
    /// How many chunks
    #[arg(long, default_value_t = 100_000)]
    chunks: usize,
    /// The binary to measure; by default the one beside this program
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Where the workload goes, and is found again; a temporary folder otherwise. `agents` writes to the store in it
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Write a tree of Markdown files that makes about as many chunks, the same for the same seed
    Generate {
        /// Where to
        folder: PathBuf,
        /// How many chunks
        #[arg(long, default_value_t = 100_000)]
        chunks: usize,
        /// What the text depends on
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run everything and print a Markdown table
    Table(Workload),
    /// Measure what the hosts of agents feel: starts, tool calls, hooks, memory of idle processes
    Agents(Workload),
    /// Let eight servers, a watcher and commands share one store, and count what goes wrong
    Fleet {
        /// For how long
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// The binary to measure; by default the one beside this program
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Run one command and print its wall time and peak memory; used by `table`
    #[command(hide = true)]
    Measure {
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Measure how well searches find what they should, on a data set in its public layout
    Eval {
        /// Which layout the file has
        layout: eval::Layout,
        /// The file
        file: PathBuf,
        /// Print a row for each category of questions too
        #[arg(long)]
        categories: bool,
        /// Put pieces of files together up to this many bytes, and cut them at twice as many; messages stay as they are
        #[arg(long, value_name = "BYTES")]
        chunk_bytes: Option<usize>,
    },
    /// Measure how long chunks should be: the evidence within the first bytes of an answer, a row for each size
    Sizes {
        /// What is cut
        corpus: eval::Corpus,
        /// The file or folder
        file: PathBuf,
        /// Targets, in bytes; a chunk is at most twice as long
        #[arg(long, value_delimiter = ',', default_values_t = [250, 500, 750, 1_000, 1_500, 2_000, 3_000])]
        bytes: Vec<usize>,
    },
    /// Choose what the parts of a score count, by cross-validation on a data set in its public layout
    Tune {
        /// Which layout the file has
        layout: eval::Layout,
        /// The file
        file: PathBuf,
    },
    /// Measure collections: a large batch, questions, reads by id
    Collections {
        /// How many records each collection has
        #[arg(long, default_value_t = 100_000)]
        records: usize,
    },
    /// Measure what is taken for a secret: on labelled cases, and on the text files of folders
    Secrets {
        /// Folders with texts, such as documentation
        folders: Vec<PathBuf>,
        /// How many places of each kind are shown
        #[arg(long, default_value_t = 0)]
        show: usize,
    },
    /// Chunk every file of a folder and prove that no byte is lost: a row for each language and format
    Coverage {
        /// The folder
        folder: PathBuf,
        /// Name the slowest file of each, too
        #[arg(long)]
        slowest: bool,
    },
    /// Index folders and prove from the store that every chunk is the bytes of its file, and that none of them is lost
    Stored {
        /// The folders
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// Index what nobody writes by hand, and print outcome, time and peak memory of each
    Odd {
        /// Files in one folder
        #[arg(long, default_value_t = 1_000_000)]
        files: usize,
        /// Only cases with this in their name, such as `yaml`, `deep` or `gigabyte`
        #[arg(long)]
        only: Option<String>,
        /// The binary to measure; by default the one beside this program
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Try to break the promises, in parts, and print what was tried
    Soak {
        /// Each part once, as much of it as every change must pass: twelve minutes on two processors
        #[arg(long, conflicts_with = "seconds")]
        ci: bool,
        /// For how long; each part runs once in any case
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// What is tried
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only the parts with this in their name, or of this test: `images`, `fuzz`, `promises`
        #[arg(long)]
        only: Option<String>,
    },
    /// Look at, import and repair a palace whose index a kill tore, and print how long each takes
    Palace {
        /// How many rows it has
        #[arg(long, default_value_t = 5_000)]
        rows: usize,
        /// A palace that is there, instead: of a copy of it
        #[arg(long, conflicts_with = "rows")]
        folder: Option<PathBuf>,
    },
    /// Search and write for a while with many threads, kill it, and look for what was acknowledged
    Load(load::Arguments),
    /// Be the process that is killed; used by `load`
    #[command(hide = true)]
    LoadWorker(load::WorkerArguments),
    /// Let eight processes write to one store at once, several times over, and print how they fare
    Writers {
        /// How often
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Search a store that is there, warm, and print the times: something to look at with a profiler
    Warm {
        /// The store
        store: PathBuf,
        /// How often the 300 questions are asked
        #[arg(long, default_value_t = 10)]
        passes: usize,
        /// Only the searches with this in their name: `vector`, `1 %`
        #[arg(long)]
        only: Option<String>,
    },
    /// Write notes as fast as they are acknowledged; used by `table`
    #[command(hide = true)]
    Write {
        /// The store
        store: PathBuf,
        /// Which writer this is
        writer: usize,
        /// For how long
        milliseconds: u64,
    },
    /// Write rows with plain SQLite as fast as they are durable; used by `table`
    #[command(hide = true)]
    WritePlain {
        /// The database
        database: PathBuf,
        /// Which writer this is
        writer: usize,
        /// For how long
        milliseconds: u64,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Generate {
            folder,
            chunks,
            seed,
        } => corpus::generate(&folder, chunks, seed),
        Command::Table(workload) => table(workload),
        Command::Agents(workload) => agents_alone(workload),
        Command::Fleet { seconds, binary } => fleet::run(&measured_binary(binary)?, seconds),
        Command::Measure { command } => process::measure_here(&command),
        Command::Eval {
            layout,
            file,
            categories,
            chunk_bytes,
        } => eval::run(layout, &file, categories, chunk_bytes),
        Command::Sizes {
            corpus,
            file,
            bytes,
        } => eval::sizes(corpus, &file, &bytes),
        Command::Tune { layout, file } => eval::tune(layout, &file),
        Command::Secrets { folders, show } => secrets::run(&folders, show),
        Command::Collections { records } => collections_alone(records),
        Command::Coverage { folder, slowest } => coverage::run(&folder, slowest),
        Command::Stored { folders } => stored::run(&folders),
        Command::Odd {
            files,
            only,
            binary,
        } => odd::run(&measured_binary(binary)?, files, only.as_deref()),
        Command::Soak {
            ci,
            seconds,
            seed,
            only,
        } => {
            let extent = if ci {
                soak::Extent::Bounded
            } else {
                soak::Extent::Long(Duration::from_secs(seconds))
            };
            soak::run(extent, seed, only.as_deref())
        }
        Command::Load(arguments) => load::run(&arguments),
        Command::LoadWorker(arguments) => load::work(&arguments),
        Command::Palace { rows, folder } => palace::run(rows, folder.as_deref()),
        Command::Writers { runs } => writers_alone(runs),
        Command::Warm {
            store,
            passes,
            only,
        } => library::warm(&store, passes, only.as_deref()),
        Command::Write {
            store,
            writer,
            milliseconds,
        } => writers::write(&store, writer, milliseconds),
        Command::WritePlain {
            database,
            writer,
            milliseconds,
        } => writers::write_plain(&database, writer, milliseconds),
    }
}

fn collections_alone(records: usize) -> anyhow::Result<()> {
    let mut table = figures::Table::new(records);
    collections::run(tempfile::tempdir()?.path(), records, &mut table)?;
    table.print();
    Ok(())
}

fn writers_alone(runs: usize) -> anyhow::Result<()> {
    let mut table = figures::Table::new(0);
    for _ in 0..runs {
        writers::run(tempfile::tempdir()?.path(), &mut table)?;
    }
    Ok(())
}

impl Workload {
    /// Returns its tree below a folder, which is made unless it is there.
    fn tree(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let tree = folder.join("tree");
        if !tree.exists() {
            corpus::generate(&tree, self.chunks, 1)?;
        }
        Ok(tree)
    }
}

fn agents_alone(workload: Workload) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = workload.folder.as_deref().unwrap_or(temporary.path());
    let store = folder.join("store");
    let tree = (!store.exists())
        .then(|| workload.tree(folder))
        .transpose()?;
    let binary = measured_binary(workload.binary)?;
    if let Some(tree) = tree {
        process::index(&binary, &tree, &store)?;
    }
    let mut table = figures::Table::new(workload.chunks);
    agents::run(&binary, &store, &mut table)?;
    table.print();
    Ok(())
}

fn table(workload: Workload) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = workload.folder.as_deref().unwrap_or(temporary.path());
    let (tree, store) = (workload.tree(folder)?, folder.join("store"));
    let binary = measured_binary(workload.binary)?;
    let mut table = figures::Table::new(workload.chunks);
    process::commands(&binary, &tree, &store, &mut table)?;
    library::calls(&store, &mut table)?;
    writers::run(&folder.join("writers"), &mut table)?;
    table.print();
    Ok(())
}

/// Returns the binary that is measured: the one named, else the one beside this program.
fn measured_binary(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let binary = match named {
        Some(binary) => binary,
        None => std::env::current_exe()?
            .with_file_name(format!("steadfast{}", std::env::consts::EXE_SUFFIX)),
    };
    anyhow::ensure!(
        binary.exists(),
        "build it first: cargo build --release ({} is missing)",
        binary.display()
    );
    Ok(binary)
}
