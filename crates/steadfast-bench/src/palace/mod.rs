//! A palace of MemPalace: how long a look at it, its repair and its import take.
//!
//! Either one that is made here, with an index that a kill tore, or a copy of one that is there.

mod layout;

use std::path::Path;
use std::time::Instant;

use steadfast::{
    ImportOptions, Memory, PalaceDiagnosis, PalaceOptions, Silent, examine_palace, repair_palace,
};

use crate::figures::{Table, milliseconds};

/// Measures a look, an import and a repair of a palace with so many rows, or of a copy of the one in `folder`.
pub(crate) fn run(rows: usize, folder: Option<&Path>) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let palace = temporary.path().join("palace");
    match folder {
        Some(folder) => copy(folder, &palace)?,
        None => layout::make(&palace, rows)?,
    }
    let options = PalaceOptions::new(temporary.path().join("scratch"), &Memory::options());
    let begun = Instant::now();
    let found = examine_palace(&palace, &options)?;
    let look = begun.elapsed();
    let count = found.rows_before.unwrap_or(0);
    let mut table = Table::new(usize::try_from(count)?);
    table.add(
        &format!("look at a palace: {}", state(&found)),
        milliseconds(look),
        "",
    );
    import(temporary.path(), &palace, &mut table)?;
    let begun = Instant::now();
    let done = repair_palace(&palace, &options)?;
    let repair = begun.elapsed();
    table.add(
        &format!(
            "repair of it: {} rows after, {} lost",
            done.rows_after.unwrap_or(0),
            done.lost.len()
        ),
        milliseconds(repair),
        "5 s for 5,000 rows",
    );
    table.print();
    let is_whole = done.rows_after == done.rows_before && done.lost.is_empty();
    anyhow::ensure!(is_whole, "the repaired palace lacks rows");
    Ok(())
}

fn state(found: &PalaceDiagnosis) -> String {
    let sum = |of: fn(&steadfast::PalaceCollection) -> u64| -> u64 {
        found.collections.iter().map(of).sum()
    };
    format!(
        "{} rows indexed, {} queued, {} findings",
        sum(|it| it.indexed),
        sum(|it| it.queued),
        found.findings.len()
    )
}

/// Imports the palace into a new store, with all that belongs to it: reading, embedding, indexing, reading back.
fn import(temporary: &Path, palace: &Path, table: &mut Table) -> anyhow::Result<()> {
    let memory = Memory::options()
        .create(true)
        .open(temporary.join("store"))?;
    let begun = Instant::now();
    let report = memory.import(palace, &ImportOptions::default(), &Silent)?;
    table.add(
        &format!(
            "import of it: {} of {} rows, complete: {}",
            report.imported, report.read, report.complete
        ),
        milliseconds(begun.elapsed()),
        "2 s for 3,838 rows",
    );
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut waiting = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = waiting.pop() {
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), target));
            } else {
                std::fs::copy(entry.path(), target)?;
            }
        }
    }
    Ok(())
}
