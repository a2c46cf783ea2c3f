//! The benchmark of the README: one command builds the workload, runs it and prints the table.
//!
//! `cargo run --release -p steadfast-bench -- table` runs everything at 100,000
//! chunks; `--chunks 1000000` the large one. Commands are measured as whole
//! processes, library calls in this one. Machines differ: where a baseline
//! exists it runs in the same minute, and the ratio is printed.

mod collections;
mod corpus;
mod coverage;
mod eval;
mod figures;
mod library;
mod load;
mod process;
mod secrets;
mod soak;
mod writers;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measures Steadfast.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
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
    Table {
        /// How many chunks
        #[arg(long, default_value_t = 100_000)]
        chunks: usize,
        /// The binary to measure; by default the one beside this program
        #[arg(long)]
        binary: Option<PathBuf>,
        /// Where the workload goes; a temporary folder otherwise
        #[arg(long)]
        folder: Option<PathBuf>,
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
    /// Search and write for a while with many threads, kill it, and look for what was acknowledged
    Load(load::Arguments),
    /// Be the process that is killed; used by `load`
    #[command(hide = true)]
    Bear(load::Bearing),
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
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Generate {
            folder,
            chunks,
            seed,
        } => corpus::generate(&folder, chunks, seed),
        Command::Table {
            chunks,
            binary,
            folder,
        } => table(chunks, binary, folder),
        Command::Measure { command } => process::measure_here(&command),
        Command::Eval {
            layout,
            file,
            categories,
            chunk_bytes,
        } => eval::run(layout, &file, categories, chunk_bytes),
        Command::Tune { layout, file } => eval::tune(layout, &file),
        Command::Secrets { folders, show } => secrets::run(&folders, show),
        Command::Collections { records } => collections_alone(records),
        Command::Coverage { folder, slowest } => coverage::run(&folder, slowest),
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
        Command::Bear(bearing) => load::bear(&bearing),
        Command::Writers { runs } => writers_alone(runs),
        Command::Warm { store, passes } => library::warm(&store, passes),
        Command::Write {
            store,
            writer,
            milliseconds,
        } => writers::write(&store, writer, milliseconds),
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

fn table(chunks: usize, binary: Option<PathBuf>, folder: Option<PathBuf>) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let binary = match binary {
        Some(binary) => binary,
        None => std::env::current_exe()?
            .with_file_name(format!("steadfast{}", std::env::consts::EXE_SUFFIX)),
    };
    anyhow::ensure!(
        binary.exists(),
        "build it first: cargo build --release ({} is missing)",
        binary.display()
    );
    let tree = folder.join("tree");
    let store = folder.join("store");
    if !tree.exists() {
        corpus::generate(&tree, chunks, 1)?;
    }
    let mut table = figures::Table::new(chunks);
    process::commands(&binary, &tree, &store, &mut table)?;
    library::calls(&store, &mut table)?;
    writers::run(&folder.join("writers"), &mut table)?;
    table.print();
    Ok(())
}
