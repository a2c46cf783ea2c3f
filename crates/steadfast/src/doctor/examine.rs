//! What is wrong: files, database, rows, indexes, in this order, each in bounded time.

use std::path::Path;
use std::time::{Duration, Instant};

use steadfast_index::EmbeddedBackend;
use steadfast_model::{Finding, Severity};
use steadfast_store::sqlite::{DATABASE, Found, Look, SCHEMA, look};
use steadfast_store::{Backend as _, Progress, StoreError};

use super::{Diagnosis, DoctorOptions, files, finding, plan, quarantine};
use crate::config::Options;
use crate::error::Result;

/// How many ids a finding names.
const IDS_MAX: usize = 100;

const RESTORE: &str = "run `steadfast doctor --repair`, which keeps the file; or restore a backup";

/// Looks at a store without changing it, and says what a repair would do.
///
/// # Errors
/// [`crate::Error::Store`]: there is no such folder, the store is of a newer version, or the system refuses.
/// What is wrong with the store is in the findings.
///
/// # Coverage
/// A part of the look that takes longer than [`DoctorOptions::patience`] ends, and a finding
/// `check_not_finished` says so.
pub fn examine(
    folder: &Path,
    opening: &Options,
    options: DoctorOptions,
    progress: &dyn Progress,
) -> Result<Diagnosis> {
    let folder =
        std::path::absolute(folder).map_err(|error| StoreError::from_io(folder, &error))?;
    if !folder.is_dir() {
        return Err(StoreError::NotFound { path: folder }.into());
    }
    let outside = files::look(&folder)?;
    let looked = look(
        opening.disk.as_ref(),
        &folder,
        opening.clock.now(),
        options.patience,
    )?;
    let mut diagnosis = Diagnosis {
        findings: outside.findings.clone(),
        ..Diagnosis::default()
    };
    if looked.found == Found::Missing
        && outside.findings.is_empty()
        && !folder.join("init.lock").exists()
    {
        return Err(StoreError::NotFound { path: folder }.into());
    }
    database(&folder, &looked, &mut diagnosis);
    if looked.found == Found::Store(SCHEMA) && looked.schema.missing.is_empty() {
        inside(&folder, opening, options, progress, &mut diagnosis)?;
    }
    let unfinished = quarantine::unfinished(&folder);
    for manifest in &unfinished {
        let what = format!(
            "a repair was begun here and not finished; it was {}",
            manifest.state()
        );
        let remedy = "run `steadfast doctor --repair --yes` again";
        diagnosis.findings.push(finding(
            "repair_unfinished",
            Severity::Warning,
            what,
            &manifest.folder,
            remedy,
        ));
    }
    diagnosis.plan = plan::plan(&diagnosis.findings, &outside, &unfinished);
    Ok(diagnosis)
}

/// Says what the first look at the database found.
fn database(folder: &Path, looked: &Look, diagnosis: &mut Diagnosis) {
    let path = folder.join(DATABASE);
    diagnosis
        .findings
        .extend(in_its_place(&path, &looked.found));
    let mut add = |code, severity, what: String, remedy: &str, count: u64| {
        let mut found = finding(code, severity, what, &path, remedy);
        found.count = count;
        diagnosis.findings.push(found);
    };
    if !looked.problems.is_empty() {
        let what = format!(
            "the database file is damaged: {}",
            looked.problems.join("; ")
        );
        let count = looked.problems.len() as u64;
        add("file_damaged", Severity::Error, what, RESTORE, count);
    }
    content(looked, &path, diagnosis);
    let mut add = |code, severity, what: String, remedy: &str, count: u64| {
        let mut found = finding(code, severity, what, &path, remedy);
        found.count = count;
        diagnosis.findings.push(found);
    };
    if !looked.finished {
        let what = "the pages and rows of the database were not all checked in time".to_owned();
        let remedy = "run it again with a longer --patience";
        add("check_not_finished", Severity::Info, what, remedy, 1);
    }
    if looked.jobs_stuck > 0 {
        let what = format!(
            "{} jobs were left by a process that was killed",
            looked.jobs_stuck
        );
        let remedy = "nothing: the next process that works takes them up";
        add("job_stuck", Severity::Info, what, remedy, looked.jobs_stuck);
    }
    if looked.jobs_failed > 0 {
        let what = format!(
            "{} jobs were given up after several attempts",
            looked.jobs_failed
        );
        let remedy =
            "run `steadfast doctor --repair`, which lets them begin anew, when the cause is gone";
        add(
            "job_failed",
            Severity::Warning,
            what,
            remedy,
            looked.jobs_failed,
        );
    }
}

/// Says what is wrong with the schema, the values and the counters of a store of today.
fn content(looked: &Look, path: &Path, diagnosis: &mut Diagnosis) {
    let mut add = |code, severity, what: String, count: usize| {
        let mut found = finding(code, severity, what, path, RESTORE);
        found.count = count as u64;
        diagnosis.findings.push(found);
    };
    let schema = &looked.schema;
    if !schema.missing.is_empty() {
        let what = format!(
            "tables or indexes of the database are missing or altered: {}",
            schema.missing.join(", ")
        );
        let count = schema.missing.len();
        add("schema_differs", Severity::Error, what, count);
    } else if !schema.foreign.is_empty() {
        let what = format!(
            "{} tables, indexes, triggers or views of the database are not of a store; none of them is ever run",
            schema.foreign.len()
        );
        add(
            "schema_differs",
            Severity::Warning,
            what,
            schema.foreign.len(),
        );
    }
    for (what, counter, last) in &looked.behind {
        let what = format!(
            "the counter of {what} is at {counter}, and {last} is in use: numbers would be given out twice"
        );
        add("counts_differ", Severity::Error, what, 1);
    }
    if !looked.unreadable.is_empty() {
        let tables: Vec<String> = looked
            .unreadable
            .iter()
            .map(|(table, count)| format!("{table} ({count})"))
            .collect();
        let what = format!(
            "rows hold values that cannot be read: {}",
            tables.join(", ")
        );
        let count: u64 = looked.unreadable.iter().map(|(_, count)| count).sum();
        let mut found = finding("values_unreadable", Severity::Error, what, path, RESTORE);
        found.count = count;
        found.ids.clone_from(&looked.unreadable_chunks);
        diagnosis.findings.push(found);
    }
}

/// Says what stands in the place of the database, when that is not a store of today.
fn in_its_place(path: &Path, found: &Found) -> Option<Finding> {
    let error =
        |code, what: String, remedy| Some(finding(code, Severity::Error, what, path, remedy));
    match found {
        Found::Missing => {
            let remedy = "put it back, or restore a backup into a new place";
            error(
                "database_missing",
                "the database of the store is gone".to_owned(),
                remedy,
            )
        }
        Found::Empty => {
            let what = "the database of the store is empty although the store was created before";
            error("store_empty", what.to_owned(), RESTORE)
        }
        Found::Foreign(what) => error("not_a_store", what.clone(), RESTORE),
        Found::Unreadable(what) => {
            let what = format!("the database cannot be read: {what}");
            error("file_damaged", what, RESTORE)
        }
        Found::Store(schema) if *schema < SCHEMA => {
            let what = format!(
                "the store has schema {schema} of {SCHEMA}: an older version wrote it, or its migration was not finished"
            );
            let remedy = "the next command that opens the store brings it up to date, and so does doctor --repair";
            Some(finding("schema_old", Severity::Info, what, path, remedy))
        }
        Found::Store(_) => None,
    }
}

/// Compares everything inside a store that opens.
fn inside(
    folder: &Path,
    opening: &Options,
    options: DoctorOptions,
    progress: &dyn Progress,
    diagnosis: &mut Diagnosis,
) -> Result<()> {
    let mut open = opening.to_open_options();
    open.create = false;
    let compared = EmbeddedBackend::open(folder, open).and_then(|backend| {
        let health = backend.health()?;
        let bounded = Bounded::new(progress, options.patience);
        let verification = backend.verify(&bounded)?;
        Ok((health, verification, bounded.is_over()))
    });
    let (health, verification, is_cut) = match compared {
        Ok(compared) => compared,
        Err(StoreError::Damaged { what, .. }) => {
            if !has(diagnosis, "file_damaged") {
                let path = folder.join(DATABASE);
                let what = format!("the database cannot be read to its end: {what}");
                diagnosis.findings.push(finding(
                    "file_damaged",
                    Severity::Error,
                    what,
                    &path,
                    RESTORE,
                ));
            }
            return Ok(());
        }
        // Whoever reads such a value fails, and what is wrong with it was told.
        Err(StoreError::Internal(_) | StoreError::MalformedNamespace(_))
            if has(diagnosis, "values_unreadable") || has(diagnosis, "file_damaged") =>
        {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    diagnosis.rows_before = Some(health.chunks);
    for mut found in health.problems.into_iter().chain(verification.findings) {
        if !has(diagnosis, found.code) {
            found.ids.truncate(IDS_MAX);
            diagnosis.findings.push(found);
        }
    }
    if is_cut {
        let what = format!(
            "{} texts and {} vectors were compared in time, not all",
            verification.chunks, verification.vectors
        );
        let remedy = "run `steadfast verify`, or `verify --slice SECONDS`, which goes on where it ended; or doctor \
                      with a longer --patience";
        diagnosis.findings.push(finding(
            "check_not_finished",
            Severity::Info,
            what,
            folder,
            remedy,
        ));
    }
    Ok(())
}

fn has(diagnosis: &Diagnosis, code: &str) -> bool {
    diagnosis.findings.iter().any(|found| found.code == code)
}

/// Stops what it hears of when the time is over.
struct Bounded<'p> {
    inner: &'p dyn Progress,
    deadline: Instant,
}

impl<'p> Bounded<'p> {
    fn new(inner: &'p dyn Progress, patience: Duration) -> Self {
        Self {
            inner,
            deadline: Instant::now() + patience,
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.deadline
    }
}

impl Progress for Bounded<'_> {
    fn step(&self, stage: &str, done: u64, total: u64) -> bool {
        self.inner.step(stage, done, total) && !self.is_over()
    }
}
