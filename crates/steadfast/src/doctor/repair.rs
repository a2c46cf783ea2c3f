//! The plan is carried out: originals into quarantine, a new database in their place, sources and indexes after it.
//!
//! A kill leaves the store as it was or as it is to be, and a manifest that says
//! which. The gates of writers, indexes and creation are held from the first copy
//! until the new database is in place, so no commit falls between the two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::{Finding, Namespace, StoreId};
use steadfast_store::files::{self, Gate};
use steadfast_store::sqlite::{
    DATABASE, INIT_LOCK, SalvageOptions, Salvaged, WRITER_LOCK, mark_created, replace_database,
    salvage,
};
use steadfast_store::{Backend as _, Derived, Effort, Progress, StoreError, check_copy};

use super::plan::second_plan;
use super::quarantine::{DONE, Manifest, REPLACED, REPLACING};
use super::{Diagnosis, DoctorOptions, Step, examine, losses};
use crate::config::Options;
use crate::error::Result;
use crate::ingest::place::Rules;
use crate::ingest::redact::Redactor;
use crate::ingest::{self, IndexOptions, Line, Remember};

/// Mends what [`examine`] finds, and looks again.
///
/// Nobody else may have a handle on the store in this process; other processes wait or are told to.
///
/// # Errors
/// [`crate::Error::Store`]: others are at the store, the disk is full, or the system refuses. The store is then as it
/// was, or repaired and not yet indexed; running it again goes on.
///
/// # Durability
/// The originals and the repaired store are on the disk when this returns.
pub fn repair(
    folder: &Path,
    opening: &Options,
    options: DoctorOptions,
    progress: &dyn Progress,
) -> Result<Diagnosis> {
    let folder =
        std::path::absolute(folder).map_err(|error| StoreError::from_io(folder, &error))?;
    let mut before = examine(&folder, opening, options, progress)?;
    let mut work = Work {
        folder: &folder,
        opening,
        progress,
        applied: Vec::new(),
        left: Vec::new(),
        rows_before: before.rows_before,
    };
    for step in &before.plan {
        work.apply(step, &before.findings)?;
    }
    // What a store of an older version has wrong shows when it is up to date.
    if before.plan.contains(&Step::Migrate) {
        let between = examine(&folder, opening, options, progress)?;
        for step in &between.plan {
            work.apply(step, &between.findings)?;
        }
        work.rows_before = work.rows_before.or(between.rows_before);
        before.plan.extend(between.plan);
    }
    let mut after = examine(&folder, opening, options, progress)?;
    let more = second_plan(&before.plan, &after.findings);
    if !more.is_empty() {
        for step in &more {
            work.apply(step, &after.findings)?;
        }
        before.plan.extend(more);
        after = examine(&folder, opening, options, progress)?;
    }
    let (applied, left, rows_before) = (work.applied, work.left, work.rows_before);
    after.rows_after = after.rows_before;
    after.rows_before = rows_before;
    after.applied = applied;
    after.plan = before.plan;
    after.findings.extend(left);
    Ok(after)
}

/// A repair under way.
struct Work<'w> {
    folder: &'w Path,
    opening: &'w Options,
    progress: &'w dyn Progress,
    applied: Vec<String>,
    /// What could not be mended.
    left: Vec<Finding>,
    rows_before: Option<u64>,
}

impl Work<'_> {
    fn apply(&mut self, step: &Step, findings: &[Finding]) -> Result<()> {
        let disk = self.opening.disk.as_ref();
        match step {
            Step::MakePrivate(paths) => {
                for path in paths.iter().filter(|path| path.exists()) {
                    files::make_private(path)?;
                }
                self.applied
                    .push(format!("made {} files and folders private", paths.len()));
            }
            Step::Salvage => {
                let manifest = self.salvage(findings)?;
                self.finish(manifest)?;
            }
            Step::Finish(folders) => {
                for manifest in folders.iter().filter_map(|folder| Manifest::read(folder)) {
                    self.finish(manifest)?;
                }
            }
            Step::Migrate => {
                drop(self.backend()?);
                self.applied.push("brought the store up to date".to_owned());
            }
            Step::Retry => {
                let backend = self.backend()?;
                let count = backend.store().retry_jobs()?;
                backend.catch_up(Effort::Wait)?;
                self.applied.push(format!("let {count} jobs begin anew"));
            }
            Step::Rebuild => {
                let rebuilt = self.backend()?.rebuild(Derived::All, self.progress)?;
                self.applied
                    .push(format!("made the indexes anew: {}", rebuilt.join(", ")));
            }
            Step::Discard(paths) => {
                let gates = [
                    Gate::new(self.folder.join("index.lock")),
                    Gate::new(self.folder.join(INIT_LOCK)),
                ];
                let held = gates
                    .iter()
                    .map(Gate::try_pass)
                    .collect::<Result<Vec<_>, _>>()?;
                // Whoever holds a gate may be writing these very files.
                if held.iter().all(Option::is_some) {
                    for path in paths {
                        disk.discard(path);
                    }
                    self.applied
                        .push(format!("removed {} temporary files", paths.len()));
                }
            }
        }
        Ok(())
    }

    fn backend(&self) -> Result<EmbeddedBackend> {
        let mut open = self.opening.to_open_options();
        open.create = false;
        Ok(EmbeddedBackend::open(self.folder, open)?)
    }

    /// Puts a new database in the place of the damaged one; returns the record of it.
    fn salvage(&mut self, findings: &[Finding]) -> Result<Manifest> {
        let disk = self.opening.disk.as_ref();
        // Windows keeps everybody from the content of a lock that is held.
        let known = known_id(self.folder);
        let gates =
            [INIT_LOCK, WRITER_LOCK, "index.lock"].map(|name| Gate::new(self.folder.join(name)));
        let held = gates
            .iter()
            .map(|gate| gate.pass(self.opening.patience))
            .collect::<Result<Vec<_>, _>>()?;
        self.refuse_without_room()?;
        let reasons: Vec<&str> = findings.iter().map(|found| found.code).collect();
        let mut manifest = Manifest::begin(disk, self.folder, self.opening.clock.now(), &reasons)?;
        let (damaged, new) = (manifest.working_copy(disk)?, manifest.new_database());
        let embed = |texts: &[&str]| {
            let failed =
                |error: steadfast_embed::EmbedError| StoreError::Internal(error.to_string());
            self.opening.embed.embed(texts).map_err(failed)
        };
        let salvaged = salvage(
            disk,
            &damaged,
            &new,
            &SalvageOptions {
                store: known.unwrap_or_else(|| new_id(self.folder, &manifest.folder)),
                model: self.opening.embed.model(),
                analyze: &Analyzer,
                embed: &embed,
            },
        )?;
        let checked = check_copy(disk, &new)?;
        let is_sound = checked.problems.is_empty()
            && checked.accounts.is_empty()
            && checked.damaged_texts.is_empty()
            && checked.damaged_vectors.is_empty()
            && checked.chunks == salvaged.kept;
        if !is_sound {
            let what = format!(
                "the new database is not sound, and nothing was changed: {}",
                checked.problems.join("; ")
            );
            return Err(StoreError::Internal(what).into());
        }
        // Written down before the swap: whoever goes on after it finds a sound database, which no longer tells
        // what it has lost.
        manifest.advance(disk, REPLACING, &facts_of(&salvaged))?;
        replace_database(disk, &new, &self.folder.join(DATABASE))?;
        manifest.advance(disk, REPLACED, &[])?;
        manifest.clear(disk);
        if known.is_none()
            && let Some(init) = held.first()
        {
            mark_created(disk, self.folder, checked.store, init)
                .map_err(|error| StoreError::from_io(self.folder, &error))?;
        }
        drop(held);
        self.tell(&salvaged, &manifest);
        Ok(manifest)
    }

    fn tell(&mut self, salvaged: &Salvaged, manifest: &Manifest) {
        self.rows_before = Some(salvaged.before);
        self.applied.push(format!(
            "copied the database into {}",
            manifest.folder.display()
        ));
        self.applied.push(format!(
            "carried {} of {} live chunks over; {} were damaged, {} were there twice, {} could not be found; {} vectors \
             were made anew",
            salvaged.kept,
            salvaged.before,
            salvaged.damaged,
            salvaged.doubled,
            salvaged.lost,
            salvaged.vectors_made
        ));
    }

    /// Three copies are made on the way: the original, the one that is worked on, and the new database.
    fn refuse_without_room(&self) -> Result<()> {
        let size = |part: &str| {
            std::fs::metadata(self.folder.join(format!("{DATABASE}{part}")))
                .map_or(0, |found| found.len())
        };
        let needed = 3 * (size("") + size("-wal"));
        if files::free_bytes(self.folder).is_some_and(|free| free < needed) {
            return Err(StoreError::DiskFull {
                path: self.folder.to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// Indexes the sources again that lost something, and closes the record.
    fn finish(&mut self, mut manifest: Manifest) -> Result<()> {
        let disk = self.opening.disk.as_ref();
        manifest.clear(disk);
        // Before the swap nothing was lost, and indexing finds all as it was.
        if [REPLACING, REPLACED].contains(&manifest.state()) {
            let (mut by_namespace, mut gone) =
                (BTreeMap::<String, Vec<PathBuf>>::new(), Vec::new());
            let may_return = losses::may_return(&manifest);
            for (namespace, source) in manifest.sources() {
                let is_file = Path::new(&source).is_absolute() && Path::new(&source).is_file();
                // A record of a repair by an older version may name a namespace that is none.
                if is_file && !may_return && Namespace::new(&namespace).is_ok() {
                    by_namespace
                        .entry(namespace)
                        .or_default()
                        .push(PathBuf::from(source));
                } else {
                    gone.push(source);
                }
            }
            self.index_again(by_namespace)?;
            self.left.extend(losses::findings(&manifest, &gone));
        }
        manifest.advance(disk, DONE, &[])
    }

    fn index_again(&mut self, by_namespace: BTreeMap<String, Vec<PathBuf>>) -> Result<()> {
        if by_namespace.is_empty() {
            return Ok(());
        }
        let backend = self.backend()?;
        let redactor = Redactor::new(&self.opening.redaction)?;
        let rules = Rules::new(&self.opening.rules)?;
        let line = Line {
            backend: &backend,
            embed: self.opening.embed.as_ref(),
            analyze: &Analyzer,
            clock: self.opening.clock.as_ref(),
            actor: &self.opening.actor,
            redactor: &redactor,
            rules: &rules,
        };
        for (namespace, paths) in by_namespace {
            let options = IndexOptions {
                namespace: Some(Namespace::new(&namespace)?),
                remember: Remember::Nothing,
                ..IndexOptions::default()
            };
            let report = ingest::index(&line, &paths, &options, self.progress)?;
            self.applied.push(format!(
                "indexed {} sources of namespace {} again: {} chunks came back",
                paths.len(),
                namespace,
                report.chunks.inserted
            ));
        }
        Ok(())
    }
}

/// Returns what the record of a repair says of a salvage.
fn facts_of(salvaged: &Salvaged) -> [(&'static str, serde_json::Value); 13] {
    [
        ("sources", json!(salvaged.sources)),
        ("live_before", json!(salvaged.before)),
        ("live_kept", json!(salvaged.kept)),
        ("live_damaged", json!(salvaged.damaged)),
        ("live_doubled", json!(salvaged.doubled)),
        ("live_lost", json!(salvaged.lost)),
        ("history_damaged", json!(salvaged.damaged_history)),
        ("vectors_made", json!(salvaged.vectors_made)),
        ("lengths_made", json!(salvaged.lengths_made)),
        ("tables_broken", json!(salvaged.broken)),
        ("tables_incomplete", json!(salvaged.incomplete)),
        ("values_mended", json!(salvaged.mended)),
        ("rows_left_out", json!(salvaged.left_out)),
    ]
}

/// Returns the identity that was written down when the store was created.
fn known_id(folder: &Path) -> Option<StoreId> {
    let text = std::fs::read_to_string(folder.join(INIT_LOCK)).ok()?;
    let text = text.trim();
    if text.len() != 32 {
        return None;
    }
    let mut id = [0_u8; 16];
    for (byte, at) in id.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(StoreId(id))
}

/// Returns an identity for a store whose own is lost: another one in each place and each repair.
fn new_id(folder: &Path, quarantine: &Path) -> StoreId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(folder.as_os_str().as_encoded_bytes());
    hasher.update(quarantine.as_os_str().as_encoded_bytes());
    let mut id = [0_u8; 16];
    hasher.finalize_xof().fill(&mut id);
    StoreId(id)
}
