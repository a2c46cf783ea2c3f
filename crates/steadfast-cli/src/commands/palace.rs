//! `steadfast doctor --palace`: what is wrong with a palace, setting damaged indexes aside, and making it whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use steadfast::model::Finding;
use steadfast::{
    Embed, Memory, PalaceDiagnosis, PalaceOptions, examine_palace, quarantine_palace, repair_palace,
};

use super::elapsed_ms;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Style, grouped, json, text};
use crate::store::named;

/// Flags of `steadfast doctor` for a palace.
#[derive(clap::Args, Debug)]
pub(crate) struct PalaceArgs {
    /// Look at this palace of MemPalace, or another folder of Chroma's, instead of the store
    ///
    /// A look reads a private copy and changes nothing. With `--repair` it
    /// shows what a repair would do; with `--yes` it copies the database,
    /// queues the vectors of damaged indexes again, and has Chroma fill new
    /// ones. Nothing is removed. Only rows whose vector is nowhere are
    /// embedded anew, and only when `embed.model` names a model that makes the
    /// vectors of this palace.
    #[arg(long, value_name = "DIR")]
    pub(super) palace: Option<PathBuf>,
    /// Set proven damaged indexes of the palace aside, as `<uuid>.drift-YYYYMMDD-HHMMSS`
    #[arg(long, requires = "palace")]
    quarantine: bool,
    /// Also find indexes of the palace that are so many seconds older than its database
    #[arg(long, value_name = "S", requires = "palace")]
    stale_after: Option<u64>,
    /// Act although another process has the palace open
    #[arg(long, requires = "palace")]
    force: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Look,
    Plan,
    Repair,
}

pub(super) fn run(
    palace: &Path,
    args: &PalaceArgs,
    wanted: Wanted,
    context: &Context,
) -> Result<Exit, Failure> {
    let started = Instant::now();
    let mut options = PalaceOptions::new(std::env::temp_dir(), &Memory::options());
    options.stale_after = args.stale_after.map(Duration::from_secs);
    options.force = args.force;
    options.embed = model(palace, &options, context);
    let mut applied = Vec::new();
    let mut diagnosis = None;
    if args.quarantine {
        let done = quarantine_palace(palace, &options)?;
        applied.clone_from(&done.applied);
        diagnosis = Some(done);
    }
    let has_palace = diagnosis
        .as_ref()
        .is_none_or(|done| done.rows_before.is_some() || !done.findings.is_empty());
    let diagnosis = match (wanted, diagnosis) {
        (_, Some(done)) if !has_palace => done,
        (Wanted::Repair, _) => {
            let mut done = repair_palace(palace, &options)?;
            applied.append(&mut done.applied);
            done.applied = applied;
            done
        }
        (_, Some(done)) => done,
        (Wanted::Look | Wanted::Plan, None) => examine_palace(palace, &options)?,
    };
    let elapsed = elapsed_ms(started);
    let is_repair = wanted == Wanted::Repair;
    context.output.show(
        || object(palace, &diagnosis, is_repair, elapsed),
        |out, style| write(out, style, palace, &diagnosis, is_repair),
    )?;
    let is_sound = diagnosis.findings.iter().all(Finding::only_informs);
    Ok(if is_sound { Exit::Done } else { Exit::Found })
}

/// Returns the model of the settings where rows of the palace need one: it is large, and most palaces need none.
///
/// One that cannot be used keeps nobody from a look or a repair.
fn model(palace: &Path, options: &PalaceOptions, context: &Context) -> Option<Arc<dyn Embed>> {
    let settings = context.settings().ok()?;
    let folder = settings.model()?;
    let looked = examine_palace(palace, options).ok()?;
    if looked.lost.is_empty() {
        return None;
    }
    match named(folder) {
        Ok(model) => Some(model),
        Err(failure) => {
            let mut lines = vec!["no row can be embedded again".to_owned()];
            lines.extend(failure.to_lines());
            context.output.warn(&lines);
            None
        }
    }
}

fn object(palace: &Path, diagnosis: &PalaceDiagnosis, is_repair: bool, elapsed_ms: f64) -> Value {
    let collections = diagnosis.collections.iter().map(|collection| {
        json!({
            "name": collection.name,
            "rows": collection.rows,
            "indexed": collection.indexed,
            "queued": collection.queued,
            "missing": collection.missing,
            "lost": collection.lost,
            "extra": collection.extra,
        })
    });
    let lost = diagnosis
        .lost
        .iter()
        .map(|row| json!({"collection": row.collection, "id": row.id}));
    let plan = diagnosis
        .plan
        .iter()
        .map(|step| json!({"step": step.name, "what": step.what}));
    json!({
        "palace": palace.display().to_string(),
        "findings": diagnosis.findings.iter().map(json::finding).collect::<Value>(),
        "plan": plan.collect::<Value>(),
        "applied": diagnosis.applied,
        "repaired": is_repair,
        "rows_before": diagnosis.rows_before,
        "rows_after": diagnosis.rows_after,
        "collections": collections.collect::<Value>(),
        "lost": lost.collect::<Value>(),
        "backup": diagnosis.backup.as_ref().map(|path| path.display().to_string()),
        "elapsed_ms": elapsed_ms,
    })
}

/// How many rows without a vector are shown to people.
const LOST_SHOWN: usize = 10;

fn write(
    out: &mut dyn Write,
    style: Style,
    palace: &Path,
    diagnosis: &PalaceDiagnosis,
    is_repair: bool,
) -> io::Result<()> {
    for applied in &diagnosis.applied {
        writeln!(out, "done: {}", style.clean(applied))?;
    }
    for collection in &diagnosis.collections {
        writeln!(
            out,
            "{}: {} rows, {} indexed, {} queued, {} missing",
            style.clean(&collection.name),
            grouped(collection.rows),
            grouped(collection.indexed),
            grouped(collection.queued),
            grouped(collection.missing),
        )?;
    }
    for finding in &diagnosis.findings {
        text::finding(out, style, finding)?;
    }
    for row in diagnosis.lost.iter().take(LOST_SHOWN) {
        let (collection, id) = (style.clean(&row.collection), style.clean(&row.id));
        writeln!(out, "  no vector: {id} of {collection}")?;
    }
    if diagnosis.lost.len() > LOST_SHOWN {
        let more = diagnosis.lost.len() - LOST_SHOWN;
        writeln!(
            out,
            "  and {} more; --json lists them",
            grouped(more as u64)
        )?;
    }
    let rows = |rows: Option<u64>| rows.map_or("unknown".to_owned(), grouped);
    if diagnosis.rows_after.is_some() {
        let (before, after) = (rows(diagnosis.rows_before), rows(diagnosis.rows_after));
        writeln!(out, "{before} rows before, {after} after")?;
    }
    if !is_repair && diagnosis.rows_after.is_none() {
        for step in &diagnosis.plan {
            writeln!(out, "a repair would {}", style.clean(&step.what))?;
        }
    }
    match (diagnosis.findings.len(), diagnosis.plan.is_empty()) {
        (0, _) if diagnosis.rows_before.is_some() => writeln!(out, "ok: nothing is wrong"),
        (0, _) => Ok(()),
        (count, false) if !is_repair => writeln!(
            out,
            "{count} findings; `steadfast doctor --palace {} --repair --yes` carries the plan out",
            style.clean(&palace.display().to_string())
        ),
        (count, _) => writeln!(out, "{count} findings"),
    }
}
