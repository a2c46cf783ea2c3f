//! `steadfast doctor`: what is wrong, what would mend it, and, with `--repair --yes`, mending it.
//!
//! What concerns palaces is in `palace`.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use steadfast::model::Finding;
use steadfast::{Diagnosis, DoctorOptions, Memory, examine, repair};

use super::palace::{self, Wanted};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{Style, grouped, json, text};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast doctor
  steadfast doctor --repair
  steadfast doctor --repair --yes
  See what is wrong with a palace of MemPalace, and make it whole:
    steadfast doctor --palace ~/.mempalace/palace
    steadfast doctor --palace ~/.mempalace/palace --repair --yes
  steadfast doctor --palace ~/.mempalace/palace --quarantine";

/// Flags of `steadfast doctor`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Show what a repair would do; with `--yes`, do it
    #[arg(long)]
    repair: bool,
    /// Carry the plan out
    #[arg(long, requires = "repair")]
    yes: bool,
    /// End each part of the look after this many seconds, and say what was not looked at
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
    #[command(flatten)]
    palace: palace::PalaceArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if let Some(folder) = &args.palace.palace {
        let wanted = match (args.repair, args.yes) {
            (true, true) => Wanted::Repair,
            (true, false) => Wanted::Plan,
            (false, _) => Wanted::Look,
        };
        return palace::run(folder, &args.palace, wanted, context);
    }
    let settings = context.settings()?;
    let mut options = DoctorOptions::default();
    options.patience = Duration::from_secs(args.patience);
    let opening = Memory::options().actor("doctor");
    let bar = Bar::new();
    let diagnosis = if args.yes {
        repair(settings.store(), &opening, options, &bar)?
    } else {
        examine(settings.store(), &opening, options, &bar)?
    };
    drop(bar);
    let home = context.environment.home();
    let diagnosis = pasteable(diagnosis, home);
    let store = shortened(&settings.store().display().to_string(), home);
    context.output.show(
        || object(&diagnosis, args),
        |out, style| write(out, style, &diagnosis, args, &store),
    )?;
    let is_sound = diagnosis.findings.iter().all(Finding::only_informs);
    Ok(if is_sound { Exit::Done } else { Exit::Found })
}

/// Returns the report fit for pasting into an issue: what is below the home folder does not name its owner.
fn pasteable(mut diagnosis: Diagnosis, home: Option<&Path>) -> Diagnosis {
    for finding in &mut diagnosis.findings {
        for text in [&mut finding.what, &mut finding.place, &mut finding.remedy] {
            *text = shortened(text, home);
        }
    }
    for text in &mut diagnosis.applied {
        *text = shortened(text, home);
    }
    diagnosis
}

fn shortened(text: &str, home: Option<&Path>) -> String {
    let home = home
        .map(|home| home.display().to_string())
        .unwrap_or_default();
    // A home such as `/` is in every path.
    if home.len() < 3 {
        return text.to_owned();
    }
    let inside = format!("{home}{}", std::path::MAIN_SEPARATOR);
    text.replace(&inside, &format!("~{}", std::path::MAIN_SEPARATOR))
}

fn object(diagnosis: &Diagnosis, args: &Args) -> Value {
    let step = |step: &steadfast::Step| json!({"step": step.name(), "what": step.describe()});
    let plan: Value = diagnosis.plan.iter().map(step).collect();
    json!({
        "findings": diagnosis.findings.iter().map(json::finding).collect::<Value>(),
        "plan": plan,
        "applied": diagnosis.applied,
        "repaired": args.yes,
        "rows_before": diagnosis.rows_before,
        "rows_after": diagnosis.rows_after,
    })
}

fn write(
    out: &mut dyn Write,
    style: Style,
    diagnosis: &Diagnosis,
    args: &Args,
    store: &str,
) -> io::Result<()> {
    writeln!(
        out,
        "steadfast {} on {} {}, store {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        style.clean(store),
    )?;
    for applied in &diagnosis.applied {
        writeln!(out, "done: {}", style.clean(applied))?;
    }
    for finding in &diagnosis.findings {
        text::finding(out, style, finding)?;
    }
    let rows = |rows: Option<u64>| rows.map_or("unknown".to_owned(), grouped);
    if args.yes {
        writeln!(
            out,
            "{} live chunks before, {} after",
            rows(diagnosis.rows_before),
            rows(diagnosis.rows_after)
        )?;
    } else {
        for step in &diagnosis.plan {
            writeln!(out, "a repair would {}", step.describe())?;
        }
        writeln!(out, "{} live chunks", rows(diagnosis.rows_before))?;
    }
    let count = diagnosis.findings.len();
    match (count, diagnosis.plan.is_empty(), args.yes) {
        (0, _, _) => writeln!(out, "ok: nothing is wrong"),
        (_, false, false) => writeln!(
            out,
            "{count} findings; `steadfast doctor --repair --yes` carries the plan out"
        ),
        _ => writeln!(out, "{count} findings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_home_do_not_name_their_owner() {
        let separator = std::path::MAIN_SEPARATOR;
        let home = format!("{separator}home{separator}ada");
        let text = format!("{home}{separator}store is bad, {home}line{separator}x is not hers");
        assert_eq!(
            shortened(&text, Some(Path::new(&home))),
            format!("~{separator}store is bad, {home}line{separator}x is not hers")
        );
        assert_eq!(shortened(&text, Some(Path::new("/"))), text);
        assert_eq!(shortened(&text, None), text);
    }
}
